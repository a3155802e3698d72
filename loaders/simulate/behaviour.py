"""The acts of people from day to day, when they come back."""

import polars as pl

from loaders.simulate.acts import spelled
from loaders.simulate.calendar import DAY, Calendar, week_of, weekday_of
from loaders.simulate.chance import Chance
from loaders.simulate.companies import plan_at
from loaders.simulate.turns import HABIT, PAGE, days, key, keyed_acts, properties, time_of
from loaders.simulate.world import (
    ADOPTION,
    EVENTS_OF_FEATURE,
    FAVOURITE_SHARE,
    FEATURE_WEIGHTS,
    LAST_DAYS,
    PAYING,
    World,
)

DEEDS_A_DAY = [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 11, 14, 19, 26]
PAGES_A_DAY = [0, 1, 1, 2, 3]


class Behaviour:
    """Draws the acts of any range of days, independent of earlier draws."""

    def __init__(
        self,
        world: World,
        calendar: Calendar,
        chance: Chance,
        people: pl.DataFrame,
        companies: pl.DataFrame,
    ):
        self.world, self.calendar, self.chance = world, calendar, chance
        self.companies = companies.with_columns(
            alive=pl.when("tracks_groups")
            .then(world.company_returns[True])
            .otherwise(world.company_returns[False]),
            ignored_features=pl.concat_list(
                pl.when(chance.share(f"adopts {feature}", "company") >= share).then(pl.lit(feature))
                for feature, share in ADOPTION.items()
            ).list.drop_nulls(),
        )
        self.people = people.with_columns(joined_on=pl.col("signed_up_at") // DAY)

    def between(self, first: int, after: int) -> pl.DataFrame:
        """Draw the acts of the days from `first` until before `after`."""
        visits = self._working_days(first, after)
        return pl.concat(
            [
                self._deeds(visits),
                self._pages(visits),
            ]
        )

    def _working_days(self, first: int, after: int) -> pl.DataFrame:
        """One row per person and day on which that person works with the product.

        In a week the company is alive or not, then the person comes or not. A person who comes has
        one day for sure, and perhaps more.
        """
        share, week = self.chance.share, week_of(pl.col("day"))
        members = self.people.filter(~pl.col("is_internal") & (pl.col("joined_on") < after)).join(
            self.companies.select("company", "alive", "churned_at"),
            on="company",
            maintain_order="left",
        )
        weekend = weekday_of(pl.col("day")) >= 5
        sure = weekday_of(pl.col("day")) == self.chance.below(5, "sure day", "person", "week")
        perhaps = share("another day", "person", "day") < pl.when(weekend).then(0.06).otherwise(
            0.28
        )
        whole = (pl.col("day") <= self.calendar.as_of) | (share("cut day", "person") < 0.1)
        churned = (pl.col("churned_at") // DAY < pl.col("day")).fill_null(False)
        alive = pl.col("alive") * pl.when(churned).then(0.3).otherwise(1.0)
        visits = (
            members.join(days(first, after), how="cross", maintain_order="left")
            .filter(pl.col("day") > pl.col("joined_on"))
            .with_columns(week=week)
            .filter(
                (share("company is alive", "company", "week") < alive)
                & (share("person comes back", "person", "week") < pl.col("returns"))
            )
            .filter((sure | perhaps) & whole)
        )
        elsewhere = (
            (pl.col("second_from") // DAY < pl.col("day"))
            & (share("works elsewhere", "person", "day") < 0.4)
        ).fill_null(False)
        other_device = share("other device", "person", "day") < 0.35
        return visits.with_columns(
            company=pl.when(elsewhere).then("second_company").otherwise("company"),
            device=pl.when(other_device & pl.col("second_device").is_not_null())
            .then("second_device")
            .otherwise("device"),
            one_company=pl.col("second_company").is_null(),
            may_lose_user=~pl.col("shares_device")
            & ~(other_device & pl.col("second_device").is_not_null()),
        ).select("person", "day", "company", "device", "one_company", "may_lose_user")

    def _deeds(self, visits: pl.DataFrame) -> pl.DataFrame:
        chance = self.chance
        deeds = (
            visits.with_columns(
                turn=pl.int_ranges(0, chance.one_of(DEEDS_A_DAY, "deeds", "person", "day"))
            )
            .explode("turn")
            .join(
                self.companies.drop("signed_up_at"),
                on="company",
                how="left",
                maintain_order="left",
            )
            .with_columns(key=key(HABIT), at=time_of("deed", self.calendar, self.chance))
        )
        deeds = (
            self._with_event(deeds)
            .filter(~self._is_unread(pl.col("event")))
            .with_columns(event=spelled(pl.col("event"), pl.col("at"), self.calendar))
        )
        lost = pl.col("may_lose_user") & (chance.share("loses user", "key") < 0.01)
        grouped = ~pl.col("one_company") | (chance.share("has group", "key") >= 0.1)
        return keyed_acts(
            deeds,
            "track",
            event=pl.col("event"),
            payload=properties(self.chance),
            device=pl.col("device"),
            sends_user=~lost,
            sends_group=grouped,
        )

    def _with_event(self, deeds: pl.DataFrame) -> pl.DataFrame:
        """Pick the favourite feature of paying or free companies, or any other; then its event."""
        chance = self.chance
        pays = plan_at(pl.col("day") * DAY).is_in(PAYING)
        favourite = (
            pl.when(pays)
            .then(pl.lit(self.world.favourites["paying"]))
            .otherwise(pl.lit(self.world.favourites["free"]))
        )
        feature = (
            pl.when(chance.share("favourite", "key") < FAVOURITE_SHARE)
            .then(favourite)
            .otherwise(chance.weighted(FEATURE_WEIGHTS, "feature", "key"))
        )
        deeds = deeds.with_columns(feature=feature, favourite=favourite).with_columns(
            feature=pl.when(pl.col("feature").is_in("ignored_features"))
            .then("favourite")
            .otherwise("feature")
        )
        event = pl.lit(None, dtype=pl.String)
        for name, events in EVENTS_OF_FEATURE.items():
            event = (
                pl.when(pl.col("feature") == name)
                .then(chance.weighted(events, "event", "key"))
                .otherwise(event)
            )
        return deeds.with_columns(event=event)

    def _is_unread(self, event: pl.Expr) -> pl.Expr:
        """Whether a load is dropped: quiet companies load almost no reports in the last 30 days."""
        recent = pl.col("day") > self.calendar.as_of - LAST_DAYS
        kept = self.chance.share("loads all the same", "key") < 0.03
        return (event == "report_loaded") & recent & pl.col("is_quiet") & ~kept

    def _pages(self, visits: pl.DataFrame) -> pl.DataFrame:
        chance = self.chance
        pages = (
            visits.with_columns(
                turn=pl.int_ranges(0, chance.one_of(PAGES_A_DAY, "pages", "person", "day"))
            )
            .explode("turn", empty_as_null=False)
            .with_columns(key=key(PAGE), at=time_of("page", self.calendar, self.chance))
        )
        path = chance.one_of(['{"path":"/app"}', '{"path":"/app/reports"}'], "app page", "key")
        return keyed_acts(
            pages,
            "page",
            payload=path,
            device=pl.col("device"),
            sends_group=~pl.col("one_company"),
        )
