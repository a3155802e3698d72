"""Contract 7, "Activation": the mart `activation`."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from reference.calls import time
from reference.periods import DAY
from reference.story import Event, Story

Row = dict[str, Any]


def activation(story: Story) -> list[Row]:
    if story.as_of is None:
        return []
    return [row for entity in ("user", "company") for row in of_entity(story, entity)]


def of_entity(story: Story, entity: str) -> Iterator[Row]:
    milestones = [m for m in story.seed("activation_milestones") if m["entity"] == entity]
    signed_up = sign_ups(story, entity)
    if not milestones or not signed_up:
        return

    longest = max(int(milestone["within_days"]) for milestone in milestones)
    reached = {m["milestone"]: reached_at(story, m, signed_up) for m in milestones}
    positions = {m["milestone"]: int(m["position"]) for m in milestones}

    # `activated` means all of them, when the last was reached.
    reached["activated"] = {
        one: max(times[one] for times in reached.values())
        for one in signed_up
        if all(one in times for times in reached.values())
    }
    positions["activated"] = max(positions.values()) + 1

    cohorts: dict[date, list[str]] = {}
    for one, at in signed_up.items():
        cohort = story.calendar.start(story.calendar.day(at), "week")
        cohorts.setdefault(cohort, []).append(one)

    for week in story.calendar.starts(min(cohorts), story.as_of, "week"):
        members = cohorts.get(week, [])
        is_complete = story.calendar.last_day(week, "week") + longest * DAY <= story.as_of
        for milestone, position in positions.items():
            times = reached[milestone]
            hours = [(times[m] - signed_up[m]) / timedelta(hours=1) for m in members if m in times]
            yield {
                "entity": entity,
                "cohort_week": week,
                "milestone": milestone,
                "position": position,
                "entities": len(members),
                "reached": len(hours),
                "reach_rate": len(hours) / len(members) if members and is_complete else None,
                "median_hours": median(hours) if hours else None,
                "is_complete": is_complete,
            }


def sign_ups(story: Story, entity: str) -> dict[str, datetime]:
    """`signed_up_at`: the first sign-up event, else the created-at trait; up to `as_of`."""
    events = of_their_own(story, entity)
    signed_up: dict[str, datetime] = {}
    for event in events:
        if event.event == story.variables["signup_event"]:
            signed_up.setdefault(event.of(entity), event.at)

    trait = story.variables["created_at_trait"]
    with_trait = [key[1] for key in story.traits if (key[0], key[2]) == (entity, trait)]
    for one in with_trait:
        created_at = time(story.trait(entity, one, trait))
        if one not in signed_up and created_at and story.calendar.day(created_at) <= story.as_of:
            signed_up[one] = created_at

    return {one: at for one, at in signed_up.items() if not story.is_internal(entity, one)}


def of_their_own(story: Story, entity: str) -> list[Event]:
    """What entities did up to `as_of`, in time's order; internal events count nowhere here."""
    events = [
        event
        for event in story.events
        if event.of(entity) and event.day <= story.as_of and not event.is_internal
    ]
    return sorted(events, key=lambda event: event.rank)


def reached_at(story: Story, milestone: Row, signed_up: dict[str, datetime]) -> dict[str, datetime]:
    """When the `minimum_events`-th such event fell, if within `within_days` x 24 h of sign-up."""
    entity = milestone["entity"]
    within = timedelta(hours=24 * int(milestone["within_days"]))
    minimum_events = int(milestone.get("minimum_events", 1))

    times: dict[str, list[datetime]] = {one: [] for one in signed_up}
    for event in of_their_own(story, entity):
        one = event.of(entity)
        if event.event != milestone["event"] or one not in signed_up:
            continue
        if signed_up[one] <= event.at <= signed_up[one] + within:
            times[one].append(event.at)
    return {
        one: so_many[minimum_events - 1]
        for one, so_many in times.items()
        if len(so_many) >= minimum_events
    }
