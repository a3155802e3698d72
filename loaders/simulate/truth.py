"""The right answers, counted from the drawn acts, never by reading the logs.

Rules are the contract's: days in UTC, weeks from Monday, nothing after `as_of`, nothing internal,
and a company's events are those that were done for it.
"""

import polars as pl

from loaders.simulate.answers import Answers, Noted
from loaders.simulate.calendar import DAY, Calendar, date_of, week_of
from loaders.simulate.world import (
    FEATURE_OF_EVENT,
    FORMER_NAMES,
    LAST_DAYS,
    PLAN_LIMITS,
    UNPLANNED,
    World,
)


class Truth:
    """Counts acts, slice by slice, and adds them up at the end."""

    def __init__(
        self,
        world: World,
        calendar: Calendar,
        people: pl.DataFrame,
        companies: pl.DataFrame,
        tracked_users: pl.DataFrame,
    ):
        self.world, self.calendar = world, calendar
        self.people, self.companies, self.tracked_users = people, companies, tracked_users
        self.acts, self.copies, self.broken, self.blank, self.files = 0, 0, 0, 0, 0
        self._staff = people.filter("is_internal")["person"].implode()
        self._types, self._events = [], []
        self._weeks, self._uses, self._loads = [], [], []

    def note(self, acts: pl.DataFrame) -> None:
        """Count acts, each once, before they are delivered."""
        self.acts += acts.height
        self._types.append(acts.group_by("type").len())
        self._events.append(acts.filter(pl.col("type") == "track").group_by("event").len())
        counted = acts.filter(
            (pl.col("type") == "track")
            & (pl.col("at") < self.calendar.end)
            & ~pl.col("person").is_in(self._staff).fill_null(False)
        ).select("event", "person", "company", day=pl.col("at") // DAY)
        self._weeks.append(
            counted.select("person", "company", week=week_of(pl.col("day"))).unique()
        )
        is_recent = pl.col("day") > self.calendar.as_of - LAST_DAYS
        is_load = pl.col("event") == "report_loaded"
        self._loads.append(counted.filter(is_load & is_recent).group_by("company").len())
        first, last = self.calendar.last_whole_month
        feature = pl.col("event").replace(FORMER_NAMES)
        self._uses.append(
            counted.filter(pl.col("day").is_between(first, last))
            .with_columns(feature=feature.replace_strict(FEATURE_OF_EVENT, default=None))
            .group_by("feature", "person", "company")
            .len()
        )

    def told(self, arguments: dict) -> dict:
        """Return the whole truth, ready for JSON."""
        noted = Noted(
            weeks=pl.concat(self._weeks).unique(),
            uses=_total(self._uses, "feature", "person", "company"),
            loads=_total(self._loads, "company"),
        )
        answers = Answers(self.calendar, self.people, self.companies, self.tracked_users, noted)
        return {
            "arguments": arguments,
            "planted": self._planted(),
            "days": self._days(),
            "counts": self._counts(),
            "calls_by_type": dict(sorted(_total(self._types, "type").iter_rows())),
            "events_by_name_as_sent": dict(sorted(_total(self._events, "event").iter_rows())),
            "questions": answers.all(),
        }

    def _planted(self) -> dict:
        """The probabilities and lists from which everything was drawn."""
        world = self.world
        by_tracking = {str(key).lower(): share for key, share in world.company_returns.items()}
        return {
            "person_returns_in_a_week_that_the_company_is_alive": world.person_returns
            | {"(others)": world.returns(None)},
            "company_is_alive_in_a_week_by_tracks_groups_at_entry": by_tracking,
            "invited_share_of_later_members": world.invited_share,
            "signup_sources_of_those_not_invited": world.sources,
            "b2b_share_of_companies": world.b2b_share,
            "quiet_share_of_paying_companies": world.quiet_share,
            "favourite_features": world.favourites,
            "mau_limits": PLAN_LIMITS,
        }

    def _days(self) -> dict:
        calendar = self.calendar
        return {
            "first_day": str(date_of(calendar.first_day)),
            "as_of": str(date_of(calendar.as_of)),
            "latest_event_day": str(date_of(calendar.as_of + 1)),
            "renamed_on": str(date_of(calendar.renamed_at // DAY)),
        }

    def _counts(self) -> dict:
        kinds = dict(_total(self._types, "type").iter_rows())
        events = dict(_total(self._events, "event").iter_rows())
        calls, people = self.acts + self.copies, self.people
        return {
            "files": self.files,
            "lines": calls + self.broken + self.blank,
            "landed_lines": calls,
            "broken_lines": self.broken,
            "blank_lines": self.blank,
            "calls": calls,
            "duplicates": self.copies,
            "unique_calls": self.acts,
            "events": kinds.get("track", 0) + kinds.get("page", 0),
            "tracks": kinds.get("track", 0),
            "pages": kinds.get("page", 0),
            "users": people.height,
            "internal_users": int(people["is_internal"].sum()),
            "companies": self.companies.height,
            "events_under_a_former_name": sum(events.get(name, 0) for name in FORMER_NAMES),
            "unplanned_events": events.get(UNPLANNED, 0),
            "users_with_two_devices": people["second_device"].count(),
            "users_on_a_shared_device": int(people["shares_device"].sum()),
            "users_in_two_companies": people["second_company"].count(),
            "users_with_a_former_id": people["former_id"].count(),
        }


def _total(parts: list[pl.DataFrame], *keys: str) -> pl.DataFrame:
    """Add up counts that were taken slice by slice."""
    return pl.concat(parts).group_by(keys).agg(pl.col("len").sum())
