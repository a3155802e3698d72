"""The whole story, slice by slice: draws acts, notes the truth, delivers calls.

>>> for calls in simulated_calls(companies=300, days=120, seed=1):  # doctest: +SKIP
...     warehouse.append("raw.calls", calls)
"""

from collections.abc import Iterator

import polars as pl

from loaders.simulate.behaviour import Behaviour
from loaders.simulate.bystanders import Bystanders
from loaders.simulate.calendar import DAY, Calendar
from loaders.simulate.calls import as_calls, in_raw_shape
from loaders.simulate.chance import Chance
from loaders.simulate.companies import companies as draw_companies
from loaders.simulate.delivery import delivered
from loaders.simulate.growing import tracked_users
from loaders.simulate.milestones import milestones
from loaders.simulate.people import people as draw_people
from loaders.simulate.truth import Truth
from loaders.simulate.world import WORLDS

ROWS_PER_SLICE = 150_000  # about; what bounds the memory
CALLS_PER_COMPANY_AND_DAY = 8  # about
LONGEST_SLICE = 28  # days


class Story:
    """One world, drawn once: `deliveries` yields its calls, `truth` counts its acts meanwhile."""

    def __init__(self, companies: int, days: int, seed: int, world: str):
        self.calendar, self.chance = Calendar(days), Chance(seed)
        truths = WORLDS[world]
        drawn = draw_companies(truths, self.calendar, self.chance, companies)
        sizes = tracked_users(drawn, self.calendar, self.chance)
        first_size = sizes.unique("company", keep="first", maintain_order=True)
        self.companies = drawn.join(
            first_size.select("company", first_mau="mau"), on="company", maintain_order="left"
        )
        self.people = draw_people(truths, self.calendar, self.chance, self.companies)
        self.once = milestones(self.people, self.companies, sizes, self.calendar, self.chance)
        self.behaviour = Behaviour(truths, self.calendar, self.chance, self.people, self.companies)
        self.bystanders = Bystanders(
            truths, self.calendar, self.chance, self.people, self.companies
        )
        self.truth = Truth(truths, self.calendar, self.people, self.companies, sizes)

    @property
    def slices(self) -> list[tuple[int, int]]:
        """The days from one until before another, to the end of the cut last day."""
        rows = self.companies.height * CALLS_PER_COMPANY_AND_DAY
        length = max(1, min(LONGEST_SLICE, ROWS_PER_SLICE // rows))
        after_all = self.calendar.as_of + 2
        return [
            (first, min(first + length, after_all))
            for first in range(self.calendar.first_day, after_all, length)
        ]

    def deliveries(self) -> Iterator[tuple[int, int, pl.DataFrame]]:
        """Yield (first day, day after the last, calls that were received then, in order).

        Calls that arrive after the end of a slice wait for a later one.
        """
        waiting = None
        for first, after in self.slices:
            done = pl.concat(
                [
                    self.once.filter(pl.col("at").is_between(first * DAY, after * DAY, "left")),
                    self.behaviour.between(first, after),
                    self.bystanders.between(first, after),
                ]
            )
            self.truth.note(done)
            sent = delivered(done, self.calendar, self.chance)
            self.truth.copies += sent.height - done.height
            sent = sent if waiting is None else pl.concat([waiting, sent])
            arrived = pl.col("received_at") < after * DAY
            waiting = sent.filter(~arrived)
            due = sent.filter(arrived).sort("received_at", "key", "copy")
            yield first, after, as_calls(due, self.people, self.companies, self.chance)
        if waiting is not None and waiting.height:
            raise AssertionError(f"{waiting.height} calls never arrived")


def simulated_calls(
    companies: int = 300, days: int = 120, seed: int = 1, world: str = "usual"
) -> Iterator[pl.DataFrame]:
    """Yield the world's calls as frames with the columns of `raw.calls`, in order of receipt.

    They are the calls that `daybook simulate` writes for the same arguments, late ones and retries
    included; broken lines are not calls. Each frame holds some received days and counts as one
    load: `load_id` from 1 on, `line_number` from 1 on in each.
    """
    story = Story(companies, days, seed, world)
    for load_id, (_, _, calls) in enumerate(story.deliveries(), start=1):
        yield in_raw_shape(calls, load_id)
