"""Contract 5: who did it, for which company, with which traits."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple

from reference.calls import EVENT_TYPES, Body, Call, unique_calls
from reference.periods import DAY
from reference.plan import Plan, as_date, several
from reference.values import as_text, cast, filtered_texts, is_blank, json_text


class Seen(NamedTuple):
    """A user or a company that was seen (`what`); by `rank` the latest wins."""

    rank: tuple
    day: date
    what: Any


class Told(NamedTuple):
    """A trait's value, cast to its planned type; `as_sent` is None where the trait was cleared."""

    rank: tuple
    day: date
    what: Any
    as_sent: str | None

    @property
    def at(self) -> datetime:
        return self.rank[0]


@dataclass(frozen=True)
class Event:
    """A row of `fct_events`, as far as reports look at it."""

    call: Call
    event: str
    rank: tuple
    at: datetime
    day: date
    user: str | None
    company: str | None
    company_source: str | None
    is_planned: bool
    is_active: bool
    is_internal: bool

    def of(self, entity: str) -> str | None:
        """The user or the company that did it."""
        return self.user if entity == "user" else self.company


class Story:
    """All that is concluded from the calls before anything is counted."""

    def __init__(self, lines: Iterable[Body], plan: Plan):
        self.plan, self.variables, self.calendar = plan, plan.variables, plan.calendar
        self.calls = unique_calls(lines, plan.calendar, plan.earliest_day, plan.placeholders)
        self.earliest_day, self.as_of = plan.earliest_day, self.last_complete_day()
        self.alias_of = aliases(self.calls)
        self.devices = self.users_by_device()
        self.companies = self.companies_by_user()
        self.traits = self.trait_history()
        self.events = [self.event(call) for call in self.calls if call.type in EVENT_TYPES]

    def seed(self, name: str) -> list[dict[str, Any]]:
        return self.plan.seed(name)

    # Contract 7, "Now"

    def last_complete_day(self) -> date | None:
        """`vars: as_of`, or the day before the latest event day of calls with a receive time."""
        if stated := self.variables["as_of"]:
            return as_date(stated)
        received = [call for call in self.calls if call.received_at] or self.calls
        return max(call.day for call in received) - DAY if received else None

    def sees(self, day: date) -> bool:
        """All tables but `fct_*` see days from `earliest_day` up to `as_of`."""
        return self.as_of is not None and self.earliest_day <= day <= self.as_of

    # Contract 5, "User"

    def users_by_device(self) -> dict[str, list[Seen]]:
        """Per anonymous id the users that were seen with it, in any call that carries both."""
        seen: dict[str, list[Seen]] = {}
        for call in self.calls:
            if user := call.user_id:
                # An alias whose previousId is an anonymous id ties that id to the user.
                for device in {call.anonymous_id, call.previous_id("anonymous")} - {None}:
                    sighting = Seen(call.rank, call.day, self.follow(user))
                    seen.setdefault(device, []).append(sighting)
        return seen

    def follow(self, user: str) -> str:
        """A user id, followed through aliases to the end."""
        while user in self.alias_of:
            user = self.alias_of[user]
        return user

    def user(self, call: Call) -> str | None:
        """The call's userId; without one the user seen with its device; else nobody."""
        if user := call.user_id:
            return self.follow(user)
        return on_day(self.devices.get(call.anonymous_id, []), call.day)

    # Contract 5, "Company"

    def companies_by_user(self) -> dict[str, list[Seen]]:
        """Per user the companies it was sighted with: by group calls, and by events that say so."""
        seen: dict[str, list[Seen]] = {}
        for call in self.calls:
            user, company = self.user(call), call.company_id
            if user and company and call.type in ("group", *EVENT_TYPES):
                seen.setdefault(user, []).append(Seen(call.rank, call.day, company))
        return seen

    def company(self, call: Call) -> tuple[str | None, str | None]:
        """A call's company and its source: the call, its user's sightings, its user's e-mail."""
        user = self.user(call)
        if own := call.company_id:
            return own, "event"
        if user in self.companies:
            return on_day(self.companies[user], call.day), "membership"
        domain = self.company_by_email_domain(user)
        return domain, domain and "email_domain"

    def company_by_email_domain(self, user: str | None) -> str | None:
        """Of a user that was never sighted with a company, if `companies_by_email_domain`."""
        if not self.variables["companies_by_email_domain"] or user in self.companies:
            return None
        domain = domain_of(self.email(user))
        return None if domain in self.plan.public_email_domains else domain

    def last_company(self, user: str) -> str | None:
        """`dim_users.company_id`: the user's last company, as of `as_of`."""
        seen = [sighting for sighting in self.companies.get(user, []) if self.sees(sighting.day)]
        return max(seen, key=by_rank).what if seen else self.company_by_email_domain(user)

    # Contract 5, "Traits"

    def trait_history(self) -> dict[tuple[str, str, str], list[Told]]:
        """Per entity, id and trait the values it was given, in time's order, one per instant."""
        latest: dict[tuple[str, str, str], dict[datetime, Told]] = {}
        for call in sorted(self.calls, key=lambda call: call.rank):
            if call.type == "identify":
                entity, entity_id = "user", self.user(call)
                traits = call.body.get("traits") or call.context("traits")
            elif call.type == "group":
                entity, entity_id = "company", call.company_id
                traits = call.body.get("traits")
            else:
                continue  # other calls set none
            for name, value in (traits or {}).items() if entity_id else ():
                trait = self.plan.trait_names.get((entity, name.strip()), name.strip())
                history = latest.setdefault((entity, entity_id, trait), {})
                history[call.at] = self.told(call, entity, trait, value)
        return {key: list(history.values()) for key, history in latest.items()}

    def told(self, call: Call, entity: str, trait: str, value: Any) -> Told:
        if is_blank(value):
            return Told(call.rank, call.day, None, None)
        typed = cast(value, self.plan.trait_types.get((entity, trait)), self.calendar)
        return Told(call.rank, call.day, typed, json_text(value))

    def history(self, entity: str, entity_id: str | None, trait: str) -> list[Told]:
        """What dims and reports see of it."""
        history = self.traits.get((entity, entity_id, trait), [])
        return [told for told in history if self.sees(told.day)]

    def trait(self, entity: str, entity_id: str | None, trait: str) -> Any:
        """A trait's latest value, as of `as_of`; `company.<trait>` is that of a user's company."""
        if trait.startswith("company."):
            entity, entity_id = "company", self.last_company(entity_id)
            trait = trait.removeprefix("company.")
        history = self.history(entity, entity_id, trait)
        return history[-1].what if history else None

    def trait_at_entry(self, entity: str, event: Event, trait: str) -> Any:
        """The value at the end of the event's day, else the first later one (up to `as_of`)."""
        entity_id = event.of(entity)
        if trait.startswith("company."):
            entity, entity_id = "company", event.company
            trait = trait.removeprefix("company.")
        history = self.history(entity, entity_id, trait)
        past = [told.what for told in history if told.day <= event.day]
        later = [told.what for told in history if told.day > event.day and told.what is not None]
        return past[-1] if past and past[-1] is not None else next(iter(later), None)

    # Contract 5, "Internal"

    def email(self, user: str | None) -> str | None:
        """A user's latest e-mail in all logs."""
        history = self.traits.get(("user", user, self.variables["email_trait"]), [])
        return as_text(history[-1].what) if history else None

    def is_internal(self, entity: str, entity_id: str | None) -> bool:
        if entity_id is None:
            return False
        if entity == "company":
            return entity_id in self.plan.internal("company_id")
        # A rule may name a user by an id that was left behind since.
        users = {self.follow(user) for user in self.plan.internal("user_id")}
        domains = domain_of(self.email(entity_id)), domain_of(entity_id)
        if entity_id in users or any(
            is_within(domain, internal)
            for domain in domains
            for internal in self.plan.internal("email_domain")
        ):
            return True
        companies = {seen.what for seen in self.companies.get(entity_id, [])}
        companies |= {self.company_by_email_domain(entity_id)} - {None}
        return bool(companies) and companies <= self.plan.internal("company_id")

    # Contract 6, `fct_events`, and contract 4, what counts as active

    def event(self, call: Call) -> Event:
        user, (company, company_source) = self.user(call), self.company(call)
        name = call.body["event"].strip() if call.type == "track" else call.type
        planned = self.plan.events.get(name)
        counts_unplanned = call.type == "track" and self.variables["unplanned_counts_as_active"]
        return Event(
            call=call,
            event=planned["event"] if planned else name,
            rank=call.rank,
            at=call.at,
            day=call.day,
            user=user,
            company=company,
            company_source=company_source,
            is_planned=planned is not None,
            is_active=planned["is_active"] if planned else counts_unplanned,
            is_internal=self.is_internal("user", user) or self.is_internal("company", company),
        )

    # Contract 7, "Active": what a report counts

    def counted(
        self, entity: str, event: str | None, filter_by: str | None, filter_values: str | None
    ) -> list[Event]:
        """The events that a report counts, in time's order; a blank event is any active one."""
        wanted = {value.casefold() for value in several(filter_values)}

        @cache
        def passes(entity_id: str) -> bool:
            return not wanted.isdisjoint(filtered_texts(self.trait(entity, entity_id, filter_by)))

        return sorted(
            (
                each
                for each in self.events
                if each.of(entity)
                and not each.is_internal
                and self.sees(each.day)
                and (each.event == event if event else each.is_active)
                and (filter_by is None or passes(each.of(entity)))
            ),
            key=lambda each: each.rank,
        )


def aliases(calls: list[Call]) -> dict[str, str]:
    """previousId -> userId: the latest alias of each id, but of each circle not its latest one.

    An alias of an id to itself is a circle of its own, and hides no earlier alias of that id.
    """
    latest_alias: dict[str, Call] = {}
    for call in sorted(calls, key=lambda call: call.rank):
        previous = call.previous_id("user")
        if previous and call.user_id not in (None, previous):
            latest_alias[previous] = call
    while circle := find_circle({start: call.user_id for start, call in latest_alias.items()}):
        del latest_alias[max(circle, key=lambda start: latest_alias[start].rank)]
    return {start: call.user_id for start, call in latest_alias.items()}


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


def domain_of(address: str | None) -> str | None:
    """What follows the @ of an address, in lower case."""
    _, at_sign, domain = (address or "").strip().lower().rpartition("@")
    return domain or None if at_sign else None


def is_within(domain: str | None, internal: str) -> bool:
    """A domain or a subdomain of it; an @ before the internal one does not matter."""
    return domain is not None and f".{domain}".endswith(f".{internal.lower().lstrip('@')}")
