"""Acts that companies do once: they connect, pay, change plan, and grow."""

from datetime import date, timedelta

import polars as pl

from loaders.simulate.acts import acts, payload
from loaders.simulate.calendar import DAY, HOUR, SECOND, Calendar, date_of, number_of
from loaders.simulate.chance import Chance
from loaders.simulate.world import ONCE, PAYING


def connections(customers: pl.DataFrame) -> list:
    """Connections by the founder: an event, and a trait of the company."""

    def those(column: str) -> pl.DataFrame:
        return customers.filter(pl.col(column).is_not_null())

    yes = pl.lit(True)
    data = those("data_connected_at")
    found = [
        acts(data, "group", "data_connected_at", payload=payload(data_source="data_source")),
        acts(
            data,
            "track",
            pl.col("data_connected_at") + SECOND,
            event="data_connected",
            payload=payload(source="data_source"),
            sends_group=True,
        ),
        acts(
            those("tracks_groups_from"),
            "group",
            "tracks_groups_from",
            payload=payload(tracks_groups=yes),
        ),
    ]
    for event in ONCE:
        at = f"{event}_at"
        found += [
            acts(those(at), "group", at, payload=payload(**{event: yes})),
            acts(
                those(at),
                "track",
                pl.col(at) + SECOND,
                event=event,
                sends_group=True,
            ),
        ]
    return found


def plans(customers: pl.DataFrame) -> list:
    """The plan's trait changes at once; an upgrade is also an event, a downgrade is not."""
    first = customers.select(
        "company", "person", at="upgraded_at", plan="upgraded_to", before=pl.lit("free")
    )
    second = customers.select(
        "company", "person", at="changed_at", plan="changed_to", before="upgraded_to"
    )
    changes = pl.concat([first, second]).filter(pl.col("at").is_not_null())
    up = changes.filter(
        pl.col("plan").is_in(PAYING) & ((pl.col("before") == "free") | (pl.col("plan") == "scale"))
    )
    title = pl.col("plan").str.to_titlecase()
    return [
        acts(changes, "group", "at", payload=payload(plan="plan")),
        acts(
            up,
            "track",
            pl.col("at") + SECOND,
            event="plan_upgraded",
            payload=payload(plan=title),
            sends_group=True,
        ),
    ]


def tracked_users(companies: pl.DataFrame, calendar: Calendar, chance: Chance) -> pl.DataFrame:
    """Draw how many users each customer tracks: at sign-up, then on the first of each month."""
    day, firsts = date_of(calendar.first_day), []
    while (day := _next_month(day)) <= date_of(calendar.as_of):
        firsts.append(number_of(day))
    months = pl.DataFrame(
        {"at": [None] + [first * DAY + 3 * HOUR for first in firsts]}, schema={"at": pl.Int64}
    ).with_row_index("month")
    percent = 90 + chance.below(21, "mau of a month", "company", "month")
    return (
        companies.select("company", "signed_up_at", "base_mau")
        .join(months, how="cross", maintain_order="left")
        .filter(pl.col("at").is_null() | (pl.col("at") > pl.col("signed_up_at") + 10 * SECOND))
        .select(
            "company", at=pl.coalesce("at", "signed_up_at"), mau=pl.col("base_mau") * percent // 100
        )
    )


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def sizes(tracked: pl.DataFrame, founders: pl.DataFrame) -> pl.DataFrame:
    """A group call on the first of each month sets the number of users that the customer tracks."""
    later = tracked.join(founders, on="company", maintain_order="left").filter(
        pl.col("at") > pl.col("founder_signed_up_at")
    )
    return acts(later, "group", "at", payload=payload(mau="mau"))
