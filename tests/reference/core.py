"""Contract 6, "Core": the dims, and of the fact tables what is concluded from the calls."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any

from reference.activation import Activation
from reference.calls import EVENT_TYPES, Call, as_id
from reference.periods import DAY
from reference.story import Story
from reference.values import as_text, json_text

Row = dict[str, Any]


def fct_events(story: Story) -> list[Row]:
    return [
        {
            "event_id": event.call.message_id,
            "event": event.event,
            "event_at": event.at,
            "event_day": event.day,
            "user_id": event.user,
            # A placeholder stays here as sent.
            "anonymous_id": as_id(event.call.body.get("anonymousId")),
            "company_id": event.company,
            "company_source": event.company_source,
            "is_planned": event.is_planned,
            "is_internal": event.is_internal,
            "time_quality": event.call.time_quality,
        }
        for event in story.events
    ]


def fct_activity_days(story: Story) -> list[Row]:
    days = defaultdict(list)
    for event in story.events:
        if not event.is_internal:
            days[event.user, event.company, event.event, event.day].append(event.at)
    columns = "user_id", "company_id", "event", "event_day"
    return [
        {
            **dict(zip(columns, key, strict=True)),
            "events": len(times),
            "first_at": min(times),
            "last_at": max(times),
        }
        for key, times in days.items()
    ]


def fct_traits(story: Story) -> list[Row]:
    return [
        row
        for (entity, entity_id, trait), history in story.traits.items()
        if not story.is_internal(entity, entity_id)
        for row in intervals({"entity": entity, "entity_id": entity_id, "trait": trait}, history)
    ]


def intervals(key: Row, history: list) -> Iterator[Row]:
    """Equal neighbours are one row, a cleared trait has none."""
    changes = [history[0]]
    for told in history[1:]:
        before = changes[-1]
        if (told.as_sent is None, told.what) != (before.as_sent is None, before.what):
            changes.append(told)
    for told, later in zip(changes, [*changes[1:], None], strict=True):
        if told.as_sent is not None:
            yield key | {
                "value": None if told.what is None else json_text(told.what),
                "value_as_sent": told.as_sent,
                "valid_from": told.at,
                "valid_to": later and later.at,
            }


def memberships(story: Story) -> dict[tuple[str, str], list[date]]:
    """Per user and company the days on which they were sighted together.

    A user that belongs to the company of its e-mail domain is sighted by each of its calls.
    """
    days: dict[tuple[str, str], list[date]] = defaultdict(list)
    for user, sightings in story.companies.items():
        for sighting in sightings:
            days[user, sighting.what].append(sighting.day)
    for call in story.calls:
        company, source = story.company(call)
        if source == "email_domain":
            days[story.user(call), company].append(call.day)
    return days


def fct_memberships(story: Story) -> list[Row]:
    return [
        {"user_id": user, "company_id": company, "first_day": min(days), "last_day": max(days)}
        for (user, company), days in memberships(story).items()
        if not story.is_internal("user", user) and not story.is_internal("company", company)
    ]


def dim_users(story: Story) -> list[Row]:
    seen: dict[str, list[Call]] = defaultdict(list)
    for call in story.calls:
        if story.sees(call.day) and (user := story.user(call)):
            seen[user].append(call)
    activation = Activation(story, "user")
    return [
        {
            "user_id": user,
            "company_id": story.last_company(user),
            "first_seen_at": min(call.at for call in calls),
            **milestones(activation, user),
            "is_internal": story.is_internal("user", user),
            **typed_traits(story, "user", user),
        }
        for user, calls in seen.items()
    ]


def dim_companies(story: Story) -> list[Row]:
    seen: dict[str, list[Call]] = defaultdict(list)
    for call in story.calls:
        company, _ = story.company(call)
        if company and story.sees(call.day) and call.type in ("group", *EVENT_TYPES):
            seen[company].append(call)
    activation = Activation(story, "company")
    members = Counter(
        company
        for (user, company), days in memberships(story).items()
        if any(map(story.sees, days))
        and not story.is_internal("user", user)
        and not story.is_internal("company", company)
    )
    mau_trait = story.variables["company_mau_trait"]

    def monthly_active_users(company: str) -> int | None:
        if ("company", mau_trait) in story.plan.trait_types:
            return story.trait("company", company, mau_trait)
        events = story.counted("company", None, None, None)
        last_30_days = [event for event in events if event.day > story.as_of - 30 * DAY]
        return len({event.user for event in last_30_days if event.company == company} - {None})

    def row(company: str, calls: list[Call]) -> Row:
        plan = as_text(story.trait("company", company, story.variables["company_plan_trait"]))
        is_paying, mau_limit = story.plan.billing(plan)
        mau = monthly_active_users(company)
        return {
            "company_id": company,
            "first_seen_at": min(call.at for call in calls),
            **milestones(activation, company),
            "members": members[company],
            "monthly_active_users": mau,
            **typed_traits(story, "company", company),
            "plan": plan and plan.strip(),
            "is_paying": is_paying,
            "mau_limit": mau_limit,
            "is_over_mau_limit": None not in (mau, mau_limit) and mau > mau_limit,
            "is_internal": story.is_internal("company", company),
        }

    return [row(company, calls) for company, calls in seen.items()]


def milestones(activation: Activation, one: str) -> Row:
    active = [event.at for event in activation.events.get(one, []) if event.is_active]
    return {
        "signed_up_at": activation.signed_up.get(one),
        "activated_at": activation.reached["activated"].get(one),
        "last_active_at": max(active, default=None),
    }


def typed_traits(story: Story, entity: str, entity_id: str) -> Row:
    """One column per planned trait, named in snake_case. (`plan` is the fixed column.)"""
    return {
        snake_case(trait): story.trait(entity, entity_id, trait)
        for of_entity, trait in story.plan.trait_types
        if of_entity == entity
    }


def snake_case(name: str) -> str:
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return re.sub(r"[^\w]+|_+", "_", spaced).strip("_").lower()
