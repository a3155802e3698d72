"""The contract a second time: plain Python that computes the marts from the calls as sent.

It shares nothing with the SQL, favours clarity over speed, and is in the contract's own order, so
that it can be read beside it: `calls` (2), `plan` (4), `values` and `story` (5), `core` (6),
`reports` and `activation` (7). It trusts the lines: none may be one that the loader quarantines.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from reference import core
from reference.activation import activation
from reference.plan import Plan
from reference.reports import activity, retention, retention_overall
from reference.story import Story

Row = dict[str, Any]


def marts(
    lines: Iterable[Mapping[str, Any]],
    seeds: Mapping[str, Iterable[Mapping[str, Any]]],
    variables: Mapping[str, Any] | None = None,
) -> dict[str, list[Row]]:
    """The rows of the marts, by table, for these log lines, seed rows and vars."""
    story = Story(lines, Plan(seeds, variables or {}))
    cells = retention(story)
    return {
        "fct_events": core.fct_events(story),
        "fct_activity_days": core.fct_activity_days(story),
        "fct_traits": core.fct_traits(story),
        "fct_memberships": core.fct_memberships(story),
        "dim_users": core.dim_users(story),
        "dim_companies": core.dim_companies(story),
        "activity": activity(story),
        "retention": cells,
        "retention_overall": retention_overall(cells),
        "activation": activation(story),
    }
