"""The parts that all acts of a day have: a key, a time of day, properties."""

import polars as pl

from loaders.simulate.acts import ACTS, acts
from loaders.simulate.calendar import DAY, HOUR, Calendar
from loaders.simulate.chance import Chance
from loaders.simulate.world import REPORT_TYPES

# The high bits of a key name the maker of the act, so that keys of different makers never collide.
HABIT, PAGE, SCREEN, STAFF, VISITOR = (number << 59 for number in range(1, 6))


def days(first: int, after: int) -> pl.DataFrame:
    """List the days from `first` until before `after`: none if there are none."""
    return pl.DataFrame({"day": pl.int_range(first, max(first, after), eager=True)})


def key(maker: int) -> pl.Expr:
    """Return a number that no other act has: 25 bits of person, 20 of day, 14 of turn."""
    return (
        pl.lit(maker, dtype=pl.UInt64)
        + pl.col("person").cast(pl.UInt64) * (1 << 34)
        + pl.col("day").cast(pl.UInt64) * (1 << 14)
        + pl.col("turn").cast(pl.UInt64)
    )


def time_of(what: str, calendar: Calendar, chance: Chance) -> pl.Expr:
    """Draw a time in the working day; on the last, cut day, one before it ends."""
    by_day = 7 * HOUR + chance.below(13 * HOUR, f"time of {what}", "person", "day", "turn")
    by_night = chance.below(6 * HOUR, f"time of {what}", "person", "day", "turn")
    is_cut = pl.col("day") > calendar.as_of
    return pl.col("day") * DAY + pl.when(is_cut).then(by_night).otherwise(by_day)


def properties(chance: Chance) -> pl.Expr:
    """Write the properties of the event in the same row."""
    kind = chance.one_of(
        [f'{{"report_type":"{name}"}}' for name in REPORT_TYPES], "report type", "key"
    )
    return (
        pl.when(pl.col("event").is_in(["report_loaded", "report_created"]))
        .then(kind)
        .when(pl.col("event") == "dark_mode_toggled")
        .then(pl.lit('{"enabled":true}'))
        .otherwise(pl.lit("{}"))
    )


def keyed_acts(frame: pl.DataFrame, kind: str, **columns) -> pl.DataFrame:
    """Shape a frame with `key` and `at` as acts; they are a browser's."""
    shaped = acts(frame, kind, "at", **{"is_web": True} | columns)
    return shaped.insert_column(0, frame["key"]).select(ACTS.names())
