"""Acts of everybody but customers' people: screens, staff and visitors."""

import polars as pl

from loaders.simulate.calendar import DAY, Calendar, weekday_of
from loaders.simulate.chance import Chance
from loaders.simulate.turns import (
    SCREEN,
    STAFF,
    VISITOR,
    days,
    key,
    keyed_acts,
    properties,
    time_of,
)
from loaders.simulate.world import EVENTS_OF_FEATURE, LAST_DAYS, PAYING, World

PATHS = ["/", "/pricing", "/blog", "/docs", "/customers", "/changelog"]


class Bystanders:
    """Draws the acts of bystanders in any range of days, independent of earlier draws."""

    def __init__(
        self,
        world: World,
        calendar: Calendar,
        chance: Chance,
        people: pl.DataFrame,
        companies: pl.DataFrame,
    ):
        self.world, self.calendar, self.chance = world, calendar, chance
        self.companies = companies.with_columns(signed_up_on=pl.col("signed_up_at") // DAY)
        self.staff = people.filter("is_internal").with_columns(
            joined_on=pl.col("signed_up_at") // DAY
        )

    def between(self, first: int, after: int) -> pl.DataFrame:
        """Draw the acts of the days from `first` until before `after`."""
        return pl.concat(
            [
                self._screens(first, after),
                self._staff(first, after),
                self._visitors(first, after),
            ]
        )

    def _screens(self, first: int, after: int) -> pl.DataFrame:
        """A screen on the wall of each paying company that is not quiet, on recent working days.

        It shows two reports and the favourite feature, and nobody is logged in: events of
        an anonymous device that count for a company.
        """
        calendar = self.calendar
        favourite = next(iter(EVENTS_OF_FEATURE[self.world.favourites["paying"]]))
        since = pl.max_horizontal("signed_up_on", pl.lit(calendar.as_of - LAST_DAYS))
        screens = (
            self.companies.filter(pl.col("plan").is_in(PAYING) & ~pl.col("is_quiet"))
            .with_columns(person=pl.col("company"))  # for the key only; there is no person
            .join(days(first, min(after, calendar.as_of + 1)), how="cross", maintain_order="left")
            .filter((pl.col("day") > since) & (weekday_of(pl.col("day")) < 5))
            .with_columns(turn=pl.int_ranges(0, 6))
            .explode("turn")
            .with_columns(
                key=key(SCREEN),
                at=time_of("screen", self.calendar, self.chance),
                event=pl.when(pl.col("turn") < 2)
                .then(pl.lit("report_loaded"))
                .otherwise(pl.lit(favourite)),
            )
        )
        return keyed_acts(
            screens,
            "track",
            event=pl.col("event"),
            payload=properties(self.chance),
            person=None,
            device=(1 << 40) + pl.col("company"),
            sends_user=False,
            sends_group=True,
        )

    def _staff(self, first: int, after: int) -> pl.DataFrame:
        """Internal staff look into customers' companies to help. They must not count."""
        chance, count = self.chance, self.companies.height
        staff = (
            self.staff.drop("company")
            .join(
                days(first, min(after, self.calendar.as_of + 1)),
                how="cross",
                maintain_order="left",
            )
            .filter((weekday_of(pl.col("day")) < 5) & (pl.col("day") > pl.col("joined_on")))
            .with_columns(company=chance.below(count, "helped company", "person", "day"))
            .join(
                self.companies.select("company", "signed_up_on"),
                on="company",
                maintain_order="left",
            )
            .filter(pl.col("signed_up_on") < pl.col("day"))
            .with_columns(turn=pl.int_ranges(0, 4))
            .explode("turn")
            .with_columns(
                key=key(STAFF),
                at=time_of("staff", self.calendar, self.chance),
                event=pl.lit("report_loaded"),
            )
        )
        return keyed_acts(
            staff,
            "track",
            event=pl.col("event"),
            payload=properties(self.chance),
            device=pl.col("device"),
            sends_group=True,
        )

    def _visitors(self, first: int, after: int) -> pl.DataFrame:
        """Anonymous visitors of the site who never sign up; some come on several days."""
        chance = self.chance
        count = 1 + self.companies.height // 10
        visitors = (
            pl.DataFrame({"person": pl.int_range(count, eager=True)})
            .with_columns(company=pl.lit(None, dtype=pl.Int64))
            .join(days(first, after), how="cross", maintain_order="left")
            .with_columns(
                turn=pl.int_ranges(0, chance.one_of([1, 1, 2, 3], "views", "person", "day"))
            )
            .explode("turn")
            .with_columns(key=key(VISITOR), at=time_of("view", self.calendar, self.chance))
        )
        path = chance.one_of([f'{{"path":"{path}"}}' for path in PATHS], "viewed", "key")
        device = (1 << 41) + pl.col("day") // 3 * count + pl.col("person")
        return keyed_acts(
            visitors,
            "page",
            payload=path,
            person=None,
            device=device,
            sends_user=False,
        )
