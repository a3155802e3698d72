"""The customers: their sign-up times, plans and connections."""

import polars as pl

from loaders.simulate.calendar import DAY, HOUR, Calendar
from loaders.simulate.chance import Chance
from loaders.simulate.world import PAYING, World

FIRST_WORDS = ["Bright", "Quiet", "North", "Blue", "Swift", "Clear", "Grand", "Silver", "Open"]
SECOND_WORDS = ["Harbor", "Field", "Lantern", "Orchard", "Signal", "Bridge", "Anvil", "Compass"]
# Names as people write them: letters beyond ASCII, quotes, a backslash.
FORMS = ["{} Inc.", "{} GmbH & Co.", "Café {}", 'The "{}" Co.', "{}\\Labs", "{} Ltd", "{}", "{} AI"]


def companies(world: World, calendar: Calendar, chance: Chance, count: int) -> pl.DataFrame:
    """Draw one row per company. Times are milliseconds since 1970, null for never."""
    company = pl.DataFrame({"company": pl.int_range(count, eager=True)})
    return (
        company.with_columns(
            company_id=pl.lit("co_") + chance.id("company id", "company"),
            signed_up_at=_signed_up_at(calendar, chance),
            business_type=pl.when(chance.share("business type", "company") < world.b2b_share)
            .then(pl.lit("B2B"))
            .otherwise(pl.lit("B2C")),
            base_mau=chance.one_of(world.tracked_users, "mau", "company"),
            data_source=chance.one_of(
                ["Segment", "SDK", "Rudderstack", "Freshpaint"], "data source", "company"
            ),
            employees=chance.one_of([2, 5, 9, 14, 30, 55, 120, 400], "employees", "company"),
            tracks_groups=chance.share("tracks groups", "company") < 0.45,
            word=chance.one_of(FIRST_WORDS, "first word", "company")
            + " "
            + chance.one_of(SECOND_WORDS, "second word", "company"),
        )
        .with_columns(
            name=_name(chance),
            domain=pl.col("word").str.replace(" ", "").str.to_lowercase()
            + pl.col("company").cast(pl.String)
            + ".example",
            left=calendar.end - pl.col("signed_up_at"),
        )
        .with_columns(
            tracks_groups_from=_sometimes(chance, "tracks later", 0.10, 0.15, 0.5),
            data_connected_at=_sometimes(chance, "data", 0.75, 0.0, 0.1),
            slack_connected_at=_sometimes(chance, "slack", 0.35, 0.02, 0.3),
            hubspot_connected_at=_sometimes(chance, "hubspot", 0.20, 0.05, 0.5),
            upgraded_at=_sometimes(chance, "upgrade", 0.42, 0.08, 0.6),
            upgraded_to=pl.when(chance.share("scale", "company") < 0.3)
            .then(pl.lit("scale"))
            .otherwise(pl.lit("growth")),
        )
        .with_columns(
            tracks_groups_from=pl.when(~pl.col("tracks_groups")).then("tracks_groups_from"),
            **_second_change(calendar, chance),
        )
        .with_columns(
            plan=plan_at(pl.lit(calendar.end)),
            churned_at=pl.when(pl.col("changed_to") == "free").then("changed_at"),
        )
        .with_columns(
            is_quiet=pl.col("plan").is_in(PAYING)
            & (chance.share("quiet", "company") < world.quiet_share),
        )
        .drop("word", "left")
    )


def plan_at(time: pl.Expr) -> pl.Expr:
    """Return a company's plan just before a time, from its columns."""
    return (
        pl.when(pl.col("changed_at") < time)
        .then("changed_to")
        .when(pl.col("upgraded_at") < time)
        .then("upgraded_to")
        .otherwise(pl.lit("free"))
    )


def _signed_up_at(calendar: Calendar, chance: Chance) -> pl.Expr:
    """A time in office hours, in the first four fifths of the days."""
    days = max(1, calendar.days * 4 // 5)
    day = calendar.first_day + chance.below(days, "sign-up day", "company")
    return day * DAY + 7 * HOUR + chance.below(11 * HOUR, "sign-up time", "company")


def _name(chance: Chance) -> pl.Expr:
    form = pl.lit(pl.Series(FORMS)).gather(chance.below(len(FORMS), "name", "company"))
    return pl.concat_str(
        form.str.split("{}").list.get(0), pl.col("word"), form.str.split("{}").list.get(1)
    )


def _sometimes(chance: Chance, what: str, share: float, soonest: float, latest: float) -> pl.Expr:
    """A time after sign-up, between two fractions of the time left; null for the others."""
    part = soonest + (latest - soonest) * chance.share(f"{what} when", "company")
    time = pl.col("signed_up_at") + 60_000 + (pl.col("left") * part).cast(pl.Int64)
    return pl.when(chance.share(what, "company") < share).then(time)


def _second_change(calendar: Calendar, chance: Chance) -> dict[str, pl.Expr]:
    """A quarter of the upgraded companies change plan again; some go back to free."""
    what = chance.share("second change", "company")
    happens = pl.col("upgraded_at").is_not_null() & (what < 0.30)
    part = 0.2 + 0.6 * chance.share("second change when", "company")
    left = calendar.end - pl.col("upgraded_at")
    other = pl.when(pl.col("upgraded_to") == "growth").then(pl.lit("scale"))
    return {
        "changed_at": pl.when(happens).then(pl.col("upgraded_at") + (left * part).cast(pl.Int64)),
        "changed_to": pl.when(happens & (what < 0.12))
        .then(pl.lit("free"))
        .when(happens)
        .then(other.otherwise(pl.lit("growth"))),
    }
