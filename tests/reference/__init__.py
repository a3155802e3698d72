"""The contract a second time: plain Python that computes the reports from the calls as sent.

It shares nothing with the SQL, favours clarity over speed, and is in the contract's own order, so
that it can be read beside it: `calls` (2), `story` (4 and 5), `reports` and `activation` (7).
Calls it trusts: a line that the loader would set aside has no place here.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from reference.activation import activation
from reference.calls import unique_calls
from reference.reports import activity, retention, retention_overall
from reference.story import Story

Row = dict[str, Any]


def marts(
    lines: Iterable[Mapping[str, Any]],
    seeds: Mapping[str, Iterable[Mapping[str, Any]]],
    variables: Mapping[str, Any] | None = None,
) -> dict[str, list[Row]]:
    """The rows of the report marts, by table, for these log lines, seed rows and vars."""
    story = Story(unique_calls(lines), seeds, variables or {})
    cells = retention(story)
    return {
        "activity": activity(story),
        "retention": cells,
        "retention_overall": retention_overall(cells),
        "activation": activation(story),
    }
