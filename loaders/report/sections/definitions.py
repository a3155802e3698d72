"""What a retention report counts, in words, from its row in the seed `retention_reports`."""

from __future__ import annotations

from dataclasses import dataclass

from loaders.report.marts import Marts
from loaders.report.sections.words import many

SEED = "seeds.retention_reports"


@dataclass(frozen=True)
class Definition:
    """One retention report. The events are None if any event counts."""

    cohort_event: str | None
    return_event: str | None
    cohort_rule: str
    return_window: str
    minimum_events: int

    def caption(self, entity: str, period: str) -> str:
        """What the shares of the report are, in one line."""
        return f"% of {many(entity)} with {self._return(period)}, by {self._since(period)}"

    def _return(self, period: str) -> str:
        or_later = f" or a later {period}" if self.return_window == "on_or_after" else ""
        if self.minimum_events == 1:
            return f"{_an_event(self.return_event)} in that {period}{or_later}"
        times = f"\N{MULTIPLICATION SIGN} {self.return_event}" if self.return_event else "events"
        # The events must lie in one period.
        or_later = or_later and f", or in one later {period}"
        return f"at least {self.minimum_events:,} {times} in that {period}{or_later}"

    def _since(self, period: str) -> str:
        if self.cohort_rule == "every":
            return (
                f"{period}s since any {period} with {_an_event(self.cohort_event)}"
                f" (each such {period} is a cohort)"
            )
        return f"{period}s since their first {self.cohort_event or 'event'}"


def definitions(marts: Marts) -> dict[str, Definition]:
    """The definition of each retention report by its name; empty without the seed."""
    frame = marts.query(
        SEED,
        f"""
        select
            trim(report) as report,
            nullif(trim(cohort_event), '') as cohort_event,
            nullif(trim(return_event), '') as return_event,
            lower(trim(cohort_rule)) as cohort_rule,
            lower(trim(return_window)) as return_window,
            coalesce(try_cast(minimum_events as integer), 1) as minimum_events
        from {SEED}
        """,
    )
    return {row.pop("report"): Definition(**row) for row in frame.to_dicts()}


def caption(definition: Definition | None, entity: str, period: str) -> str:
    """What the shares of a report are; without its definition, what they are in general."""
    if definition:
        return definition.caption(entity, period)
    return f"% of {many(entity)} that were back, by {period}s since they joined their cohort"


def _an_event(name: str | None) -> str:
    return name or "an event"
