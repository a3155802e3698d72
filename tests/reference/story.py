"""Contract 4 and 5: the plan, who did it, for which company, with which traits."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, cached_property
from typing import Any, NamedTuple

from reference.calls import Call, as_id
from reference.periods import DAY, Calendar

SeedRows = Iterable[Mapping[str, Any]]


class Seen(NamedTuple):
    """A user, a company or a trait's value that was seen (`what`); by `rank` the latest wins."""

    rank: tuple
    day: date
    what: Any


@dataclass(frozen=True)
class Event:
    """A row of `fct_events`, as far as reports look at it."""

    event: str
    rank: tuple
    at: datetime
    day: date
    user: str | None
    company: str | None
    is_active: bool
    is_internal: bool

    def of(self, entity: str) -> str | None:
        """The user or the company that did it."""
        return self.user if entity == "user" else self.company


class Story:
    """All that is concluded from the calls before anything is counted."""

    def __init__(
        self, calls: list[Call], seeds: Mapping[str, SeedRows], variables: Mapping[str, Any]
    ):
        self.calls = calls
        self.seeds = {name: [known(row) for row in rows] for name, rows in seeds.items()}
        self.variables = {
            "signup_event": "signed_up",
            "created_at_trait": "createdAt",
            "email_trait": "email",
            "unplanned_counts_as_active": True,
            **variables,
        }
        self.calendar = Calendar(
            variables.get("timezone", "UTC"), variables.get("week_start", "monday")
        )
        self.as_of = self.last_whole_day()
        self.alias_of = aliases(calls)
        self.devices = self.users_by_device()
        self.companies = self.companies_by_user()
        self.traits = self.trait_history()
        self.events = [self.event(call) for call in calls if call.type in EVENT_TYPES]

    def seed(self, name: str) -> list[dict[str, Any]]:
        return self.seeds.get(name, [])

    def day(self, call: Call) -> date:
        return self.calendar.day(call.at)

    # Contract 7, "Now"

    def last_whole_day(self) -> date | None:
        """`vars: as_of`, or the day before the latest event day of calls with a receive time."""
        if stated := self.variables.get("as_of"):
            return as_date(stated)
        received = [call for call in self.calls if call.received_at] or self.calls
        return max(map(self.day, received)) - DAY if received else None

    # Contract 5, "User"

    def users_by_device(self) -> dict[str, list[Seen]]:
        """Per anonymous id the users that were seen with it, in any call that carries both."""
        seen: dict[str, list[Seen]] = {}
        for call in self.calls:
            if user := call.id("userId"):
                # An alias whose previousId is an anonymous id ties that id to the user.
                tied = {call.id("anonymousId"), call.id("previousId") if is_alias(call) else None}
                for device in tied - {None}:
                    sighting = Seen(call.rank, self.day(call), self.follow(user))
                    seen.setdefault(device, []).append(sighting)
        return seen

    def follow(self, user: str) -> str:
        """A user id, followed through aliases to the end."""
        while user in self.alias_of:
            user = self.alias_of[user]
        return user

    def user(self, call: Call) -> str | None:
        """The call's userId; without one the user seen with its device; else nobody."""
        if user := call.id("userId"):
            return self.follow(user)
        return on_day(self.devices.get(call.id("anonymousId"), []), self.day(call))

    # Contract 5, "Company"

    def companies_by_user(self) -> dict[str, list[Seen]]:
        """Per user the companies it was sighted with: by group calls, and by events that say so."""
        seen: dict[str, list[Seen]] = {}
        for call in self.calls:
            user, company = self.user(call), None
            if call.type == "group":
                company = call.id("groupId")
            elif call.type in EVENT_TYPES:
                company = as_id(call.context("groupId"))
            if user and company:
                seen.setdefault(user, []).append(Seen(call.rank, self.day(call), company))
        return seen

    def company(self, call: Call) -> str | None:
        """An event's company: its own context.groupId, else the one its user was sighted with."""
        own = as_id(call.context("groupId"))
        return own or on_day(self.companies.get(self.user(call), []), self.day(call))

    def last_company(self, user: str) -> str | None:
        """`dim_users.company_id`: the user's last company, as of `as_of`."""
        return latest(self.companies.get(user, []), self.as_of)

    # Contract 5, "Traits"

    def trait_history(self) -> dict[tuple[str, str, str], list[Seen]]:
        """Every value that was ever set, per entity, id and trait; None clears it."""
        new_names = {
            (row["entity"], former): row["trait"]
            for row in self.seed("tracking_plan_traits")
            for former in several(row.get("former_names"))
        }
        history: dict[tuple[str, str, str], list[Seen]] = {}
        for call in self.calls:
            if call.type == "identify":
                entity, entity_id = "user", self.user(call)
                traits = call.body.get("traits") or call.context("traits")
            elif call.type == "group":
                entity, entity_id = "company", call.id("groupId")
                traits = call.body.get("traits")
            else:
                continue  # other calls set none
            for trait, value in (traits or {}).items() if entity_id else ():
                key = entity, entity_id, new_names.get((entity, trait), trait)
                history.setdefault(key, []).append(Seen(call.rank, self.day(call), as_text(value)))
        return history

    def trait(self, entity: str, entity_id: str | None, trait: str) -> str | None:
        """A trait's latest value, as of `as_of`; `company.<trait>` is that of a user's company."""
        if trait.startswith("company."):
            entity, entity_id = "company", self.last_company(entity_id)
            trait = trait.removeprefix("company.")
        return latest(self.traits.get((entity, entity_id, trait), []), self.as_of)

    def trait_at_entry(self, entity: str, event: Event, trait: str) -> str | None:
        """The value at the end of the event's day, else the first later one (up to `as_of`)."""
        entity_id = event.of(entity)
        if trait.startswith("company."):
            entity, entity_id = "company", event.company
            trait = trait.removeprefix("company.")
        history = self.traits.get((entity, entity_id, trait), [])
        later = [seen for seen in history if event.day < seen.day <= self.as_of and seen.what]
        return latest(history, event.day) or (min(later, key=by_rank).what if later else None)

    # Contract 5, "Internal"

    def is_internal(self, entity: str, entity_id: str | None) -> bool:
        if entity_id is None:
            return False
        rules = {(row["match_on"], row["value"]) for row in self.seed("internal_accounts")}
        if entity == "company":
            return ("company_id", entity_id) in rules
        # A rule may name a user by an id that was left behind since.
        users = {self.follow(value) for match_on, value in rules if match_on == "user_id"}
        history = self.traits.get(("user", entity_id, self.variables["email_trait"]), [])
        email = latest(history, self.as_of) or latest(history, date.max)
        return entity_id in users or any(
            match_on == "email_domain" and is_of_domain(email, value) for match_on, value in rules
        )

    # Contract 6, `fct_events`, and contract 4, what counts as active

    def event(self, call: Call) -> Event:
        user, company = self.user(call), self.company(call)
        name = call.body["event"] if call.type == "track" else call.type
        planned = self.plan.get(name)
        counts_unplanned = call.type == "track" and self.variables["unplanned_counts_as_active"]
        return Event(
            event=planned["event"] if planned else name,
            rank=call.rank,
            at=call.at,
            day=self.day(call),
            user=user,
            company=company,
            is_active=planned["is_active"] if planned else counts_unplanned,
            is_internal=self.is_internal("user", user) or self.is_internal("company", company),
        )

    @cached_property
    def plan(self) -> dict[str, dict[str, Any]]:
        """Planned events under their own and their former names."""
        return {
            name: {"event": row["event"], "is_active": flag(row.get("counts_as_active"), True)}
            for row in self.seed("tracking_plan_events")
            for name in [row["event"], *several(row.get("former_names"))]
        }

    # Contract 7, "Active": what a report counts

    def counted(
        self, entity: str, event: str | None, filter_by: str | None, filter_values: str | None
    ) -> list[Event]:
        """The events that a report counts, in time's order; a blank event is any active one."""
        wanted = {value.casefold() for value in several(filter_values)}

        @cache
        def passes(entity_id: str) -> bool:
            value = self.trait(entity, entity_id, filter_by)
            return value is not None and value.strip().casefold() in wanted

        return sorted(
            (
                each
                for each in self.events
                if each.of(entity)
                and not each.is_internal
                and each.day <= self.as_of
                and (each.event == event if event else each.is_active)
                and (filter_by is None or passes(each.of(entity)))
            ),
            key=lambda each: each.rank,
        )


EVENT_TYPES = ("track", "page", "screen")


def is_alias(call: Call) -> bool:
    return call.type == "alias"


def aliases(calls: list[Call]) -> dict[str, str]:
    """previousId -> userId: the latest alias of each id, but of each circle not its latest one.

    An alias of an id to itself is a circle of its own, and hides no earlier alias of that id.
    """
    latest_alias: dict[str, Call] = {}
    for call in sorted(filter(is_alias, calls), key=lambda call: call.rank):
        if call.id("userId") not in (None, call.id("previousId")):
            latest_alias[call.id("previousId")] = call
    while circle := find_circle({start: call.id("userId") for start, call in latest_alias.items()}):
        del latest_alias[max(circle, key=lambda start: latest_alias[start].rank)]
    return {start: call.id("userId") for start, call in latest_alias.items()}


def find_circle(steps: dict[str, str]) -> list[str]:
    for start in steps:
        path = [start]
        while (step := steps.get(path[-1])) is not None:
            if step in path:
                return path[path.index(step) :]
            path.append(step)
    return []


def by_rank(seen: Seen) -> tuple:
    return seen.rank


def on_day(sightings: list[Seen], day: date) -> Any:
    """What was last seen on or before a day, else first after it."""
    past = [seen for seen in sightings if seen.day <= day]
    if past:
        return max(past, key=by_rank).what
    return min(sightings, key=by_rank).what if sightings else None


def latest(history: list[Seen], day: date) -> Any:
    """What was last seen on or before a day."""
    past = [seen for seen in history if seen.day <= day]
    return max(past, key=by_rank).what if past else None


def as_text(value: Any) -> str | None:
    """A trait's value as text; an empty one is absent."""
    if value is None or isinstance(value, str):
        return value or None
    return json.dumps(value)


def is_of_domain(email: str | None, domain: str) -> bool:
    _, at_sign, its_domain = (email or "").strip().casefold().rpartition("@")
    return bool(at_sign) and f".{its_domain}".endswith(f".{domain.casefold()}")


def known(row: Mapping[str, Any]) -> dict[str, Any]:
    """A seed's row without its blanks."""
    return {column: value for column, value in row.items() if value not in (None, "")}


def several(values: str | None) -> list[str]:
    return [value.strip() for value in (values or "").split(";") if value.strip()]


def flag(value: Any, blank: bool) -> bool:
    return blank if value is None else str(value).casefold() == "true"


def as_date(value: Any) -> date | None:
    return value if isinstance(value, date | None) else date.fromisoformat(str(value))
