"""Acts that happen once to people and companies, in one table."""

import polars as pl

from loaders.simulate.acts import ACTS, acts
from loaders.simulate.arriving import identities, invitations, signing_up, visits_before
from loaders.simulate.calendar import HOUR, Calendar
from loaders.simulate.chance import Chance
from loaders.simulate.growing import connections, plans, sizes


def milestones(
    people: pl.DataFrame,
    companies: pl.DataFrame,
    tracked_users: pl.DataFrame,
    calendar: Calendar,
    chance: Chance,
) -> pl.DataFrame:
    """Draw every act that does not belong to daily behaviour."""
    founders = people.filter(pl.col("member") == 0).select(
        "company", "person", "device", founder_signed_up_at="signed_up_at"
    )
    customers = companies.join(founders, on="company", maintain_order="left")
    everything = [
        *signing_up(people, customers, calendar),
        *identities(people, chance),
        visits_before(people, calendar, chance),
        invitations(people, founders, calendar, chance),
        *connections(customers),
        *plans(customers),
        sizes(tracked_users, founders),
        _the_last_event(customers, calendar),
    ]
    return (
        pl.concat(everything)
        .sort("at", "person", "type", "company", maintain_order=True)
        .with_columns(key=pl.int_range(pl.len(), dtype=pl.UInt64))
        .select(ACTS.names())
    )


def _the_last_event(customers: pl.DataFrame, calendar: Calendar) -> pl.DataFrame:
    """One certain event on the last, cut day, so that the day before is the last complete one."""
    return acts(
        customers.head(1),
        "track",
        pl.lit(calendar.end + 5 * HOUR),
        event="report_loaded",
        payload='{"report_type":"Retention"}',
        device=pl.col("device"),
        sends_group=True,
        is_web=True,
    )
