"""Acts that people do once: they look around, are invited, sign up, and change ids or roles."""

import polars as pl

from loaders.simulate.acts import acts, payload, spelled
from loaders.simulate.calendar import DAY, HOUR, SECOND, Calendar
from loaders.simulate.chance import Chance
from loaders.simulate.jsontext import instant


def signing_up(people: pl.DataFrame, customers: pl.DataFrame, calendar: Calendar) -> list:
    """The server sends the user, the sign-up and the company; the browser links the device."""
    joined = pl.col("signed_up_at")
    long_ago = pl.lit((calendar.first_day - 400) * DAY)
    members = people.filter(~pl.col("is_internal")).join(
        customers.select("company", company_name="name"), on="company", maintain_order="left"
    )
    user_traits = payload(
        name="name",
        email="email",
        role="role",
        industry="industry",
        signup_source="signup_source",
        business_type="given_business_type",
        createdAt=instant(pl.when("is_internal").then(long_ago).otherwise(joined)),
    )
    source = pl.when("is_invited").then(pl.lit("invited")).otherwise(pl.lit("not invited"))
    sign_up = payload(source=source, authentication_method="authentication_method")
    company_traits = payload(
        name="name",
        plan=pl.lit("free"),
        mau="first_mau",
        employees="employees",
        tracks_groups="tracks_groups",
        slack_connected=pl.lit(False),
        hubspot_connected=pl.lit(False),
        createdAt=instant(joined),
    )
    browser = {"device": pl.col("device"), "is_web": True}
    return [
        acts(people, "identify", joined, payload=user_traits),
        acts(
            members, "track", joined + SECOND, event="signed_up", payload=sign_up, sends_group=True
        ),
        acts(
            people,
            "identify",
            joined + 2 * SECOND,
            payload=payload(name="name", email="email"),
            **browser,
        ),
        acts(
            members, "group", joined + 3 * SECOND, payload=payload(name="company_name"), **browser
        ),
        acts(customers, "group", joined + 4 * SECOND, payload=company_traits),
    ]


def identities(people: pl.DataFrame, chance: Chance) -> list:
    """Aliases of two kinds, a second company, another role."""
    half = SECOND * 3 // 2
    by_device = people.filter(
        pl.col("former_id").is_null()
        & ~pl.col("shares_device")
        & ~pl.col("is_internal")
        & (chance.share("alias of a device", "person") < 0.02)
    )
    renamed = people.filter(pl.col("former_id").is_not_null())
    doubled = people.filter(pl.col("second_company").is_not_null())
    promoted = people.filter(pl.col("new_role_at").is_not_null())
    return [
        acts(
            by_device, "alias", pl.col("signed_up_at") + half, device=pl.col("device"), is_web=True
        ),
        acts(renamed, "alias", "aliased_at"),
        acts(
            doubled,
            "group",
            "second_from",
            company=pl.col("second_company"),
            device=pl.col("device"),
            is_web=True,
        ),
        acts(promoted, "identify", "new_role_at", payload=payload(role="new_role")),
    ]


def visits_before(people: pl.DataFrame, calendar: Calendar, chance: Chance) -> pl.DataFrame:
    """Pages looked at before sign-up: the device is known, the person is not yet."""
    visits = (
        people.filter(~pl.col("is_internal"))
        .with_columns(visit=pl.int_ranges(0, chance.one_of([0, 1, 1, 2, 4], "visits", "person")))
        .explode("visit", empty_as_null=False)
        .with_columns(
            visited_at=pl.col("signed_up_at")
            - 30 * SECOND
            - chance.below(6, "visit days before", "person", "visit") * DAY
            - chance.below(4 * HOUR, "visit before", "person", "visit"),
            path=chance.one_of(["/", "/pricing", "/blog", "/docs"], "visited", "person", "visit"),
        )
        .filter(pl.col("visited_at") >= calendar.first_day * DAY)
    )
    return acts(
        visits,
        "page",
        "visited_at",
        payload=payload(path="path"),
        person=None,
        company=None,
        device=pl.col("device"),
        sends_user=False,
        is_web=True,
    )


def invitations(
    people: pl.DataFrame, founders: pl.DataFrame, calendar: Calendar, chance: Chance
) -> pl.DataFrame:
    """The founder invites each invited person, up to two days before that one joins."""
    invitations = people.filter("is_invited").select(
        "company", joined="signed_up_at", wait=chance.below(2 * DAY, "invitation", "person")
    )
    invitations = invitations.join(founders, on="company", maintain_order="left")
    asked = pl.max_horizontal(
        pl.col("joined") - pl.col("wait"), pl.col("founder_signed_up_at") + 6 * SECOND
    )
    return acts(
        invitations,
        "track",
        asked,
        event=spelled(pl.lit("invited_a_teammate"), asked, calendar),
        device=pl.col("device"),
        sends_group=True,
        is_web=True,
    )
