"""Contract 7, "Activation": sign-ups, milestones, and the mart `activation`."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cached_property
from statistics import median
from typing import Any

from reference.periods import DAY
from reference.story import Event, Story
from reference.values import as_datetime

Row = dict[str, Any]


class Activation:
    """When the entities of one kind signed up, and when they reached their milestones."""

    def __init__(self, story: Story, entity: str):
        self.story, self.entity = story, entity
        self.milestones = [m for m in story.seed("activation_milestones") if m["entity"] == entity]

    @cached_property
    def events(self) -> dict[str, list[Event]]:
        """Per entity what its own row looks at: a customer's never at an internal event."""
        events: dict[str, list[Event]] = defaultdict(list)
        for event in sorted(self.story.events, key=lambda event: event.rank):
            one = event.of(self.entity)
            is_its_own = not event.is_internal or self.story.is_internal(self.entity, one)
            if one and is_its_own and self.story.sees(event.day):
                events[one].append(event)
        return dict(events)

    @cached_property
    def signed_up(self) -> dict[str, datetime]:
        """`signed_up_at`: the earlier of the first sign-up event and the created-at trait."""
        signed_up: dict[str, datetime] = {}
        for one, events in self.events.items():
            for event in events:
                if event.event == self.story.variables["signup_event"]:
                    signed_up.setdefault(one, event.at)

        for entity, one, trait in self.story.traits:
            if entity == self.entity and trait == self.story.variables["created_at_trait"]:
                value = self.story.trait(entity, one, trait)
                created_at = as_datetime(value, self.story.calendar)
                # What will be created after the last complete day does not exist yet.
                if created_at and self.day(created_at) <= self.story.as_of:
                    signed_up[one] = min(created_at, signed_up.get(one, created_at))
        return signed_up

    def day(self, moment: datetime) -> date:
        return self.story.calendar.day(moment)

    @cached_property
    def reached(self) -> dict[str, dict[str, datetime]]:
        """Milestone -> entity -> when it was reached; `activated` means all of them."""
        reached = {m["milestone"]: self.reached_at(m) for m in self.milestones}
        reached["activated"] = {
            one: max(times[one] for times in reached.values())
            for one in self.signed_up
            if reached and all(one in times for times in reached.values())
        }
        return reached

    def reached_at(self, milestone: Row) -> dict[str, datetime]:
        """When the `minimum_events`-th such event fell, within `within_days` x 24 h of sign-up."""
        within = timedelta(hours=24 * int(milestone["within_days"]))
        minimum_events = int(milestone.get("minimum_events", 1))
        times = {
            one: [
                event.at
                for event in self.events.get(one, [])
                if event.event == milestone["event"]
                and signed_up_at <= event.at <= signed_up_at + within
            ]
            for one, signed_up_at in self.signed_up.items()
        }
        return {
            one: so_many[minimum_events - 1]
            for one, so_many in times.items()
            if len(so_many) >= minimum_events
        }

    def cohorts(self) -> dict[date, list[str]]:
        """Per week who signed up in it: no internal ones, nobody from before the logs begin."""
        story = self.story
        first_day = min(call.day for call in story.calls if call.day >= story.earliest_day)
        cohorts: dict[date, list[str]] = {}
        for one, at in self.signed_up.items():
            if not story.is_internal(self.entity, one) and self.day(at) >= first_day:
                cohorts.setdefault(story.calendar.start(self.day(at), "week"), []).append(one)
        return cohorts

    def rows(self) -> Iterator[Row]:
        if not self.milestones or not (cohorts := self.cohorts()):
            return
        calendar, as_of = self.story.calendar, self.story.as_of
        longest = max(int(milestone["within_days"]) for milestone in self.milestones)
        positions = {m["milestone"]: int(m["position"]) for m in self.milestones}
        positions["activated"] = max(positions.values()) + 1

        for week in calendar.starts(min(cohorts), as_of, "week"):
            members = cohorts.get(week, [])
            is_complete = calendar.last_day(week, "week") + longest * DAY <= as_of
            for milestone, position in positions.items():
                times = self.reached[milestone]
                hours = [
                    (times[one] - self.signed_up[one]) / timedelta(hours=1)
                    for one in members
                    if one in times
                ]
                yield {
                    "entity": self.entity,
                    "cohort_week": week,
                    "milestone": milestone,
                    "position": position,
                    "entities": len(members),
                    "reached": len(hours),
                    "reach_rate": len(hours) / len(members) if members and is_complete else None,
                    "median_hours": median(hours) if hours else None,
                    "is_complete": is_complete,
                }


def activation(story: Story) -> list[Row]:
    if story.as_of is None:
        return []
    return [row for entity in ("user", "company") for row in Activation(story, entity).rows()]
