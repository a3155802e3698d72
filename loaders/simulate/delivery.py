"""The delivery of acts: at once or days late, and sometimes twice."""

import polars as pl

from loaders.simulate.calendar import DAY, HOUR, Calendar
from loaders.simulate.chance import Chance

LATE_SHARE = 0.02  # of browsers' calls
RETRY_SHARE = 0.012  # of all calls
LONGEST_DELAY = 20 * DAY
# How far browsers' clocks are off, in milliseconds: each value for one device in ten.
CLOCKS = [0, 0, 0, 0, 0, 400, -900, 35_000, -80_000, 3_600_000]


def delivered(acts: pl.DataFrame, calendar: Calendar, chance: Chance) -> pl.DataFrame:
    """Add when each act was sent and received, and the copies that a retry delivered again.

    A copy arrives later than the original and differs only in the time it was sent. Everything
    arrives before the logs end: an act that could not is sent at once.
    """
    once = (
        acts.with_columns(
            clock=pl.when("is_web").then(chance.one_of(CLOCKS, "clock", pl.col("device"))),
            travel=40 + chance.below(900, "travel", "key"),
            delay=_delay(chance),
            copy=pl.lit(0),
        )
        .with_columns(pl.col("clock").fill_null(0))
        .with_columns(
            sent_at=pl.when(pl.col("at") + pl.col("delay") + 1_000 < calendar.last_delivery)
            .then(pl.col("at") + pl.col("delay"))
            .otherwise(pl.col("at") + 5)
        )
    )
    again = [_copies(once, number, calendar, chance) for number in (1, 2)]
    return pl.concat([once, *again]).select(
        *acts.columns,
        "copy",
        # These two are by the sender's clock; `at` is the time that the archive computes from them.
        original_at=pl.col("at") + pl.col("clock"),
        sent_at=pl.col("sent_at") + pl.col("travel") + pl.col("clock"),
        received_at=pl.col("sent_at") + pl.col("travel"),
    )


def _delay(chance: Chance) -> pl.Expr:
    """Return milliseconds on the sender's side before the call leaves."""
    late = pl.col("is_web") & (chance.share("late", "key") < LATE_SHARE)
    far = chance.share("how late", "key") * chance.share("how late, again", "key")
    days = HOUR + (far * LONGEST_DELAY).cast(pl.Int64)
    return pl.when(late).then(days).otherwise(chance.below(3_000, "queue", "key"))


def _copies(once: pl.DataFrame, number: int, calendar: Calendar, chance: Chance) -> pl.DataFrame:
    """Deliver some calls again within a day and a half per try; fewer for the second time."""
    luck = RETRY_SHARE if number == 1 else RETRY_SHARE / 8
    part = chance.share(f"retry {number} after", "key")
    wait = number * (60_000 + (part * part * DAY * 3 / 2).cast(pl.Int64))
    return (
        once.filter(chance.share("retried", "key") < luck)
        .with_columns(copy=pl.lit(number), sent_at=pl.col("sent_at") + wait)
        .filter(pl.col("sent_at") + pl.col("travel") < calendar.last_delivery)
    )
