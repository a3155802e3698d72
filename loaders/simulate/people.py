"""The people who use the product: their roles, sign-up times and devices."""

import polars as pl

from loaders.simulate.calendar import DAY, HOUR, SECOND, Calendar
from loaders.simulate.chance import Chance
from loaders.simulate.world import ROLES, World

FIRST_NAMES = ["Ana", "Ben", "Chloé", "David", "Élodie", "Femi", "Grace", "Hiro", "Zoë", "李娜"]
LAST_NAMES = ["Costa", "O'Brien", "Müller", "Novák", "Okafor", "Smith", "Tanaka", 'van "V" Dijk']
TEAM_SIZES = [1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8, 10, 12, 16, 24]
INDUSTRIES = ["software", "finance", "health", "retail", "education"]
INTERNAL_DOMAIN = "june.so"
INTERNAL_PEOPLE = 3


def people(
    world: World, calendar: Calendar, chance: Chance, companies: pl.DataFrame
) -> pl.DataFrame:
    """Draw one row per person; a company's people follow each other, its founder first."""
    members = (
        companies.select("company", "domain", "business_type", company_signed_up_at="signed_up_at")
        .with_columns(size=chance.one_of(TEAM_SIZES, "team size", "company"))
        .with_columns(member=pl.int_ranges(0, "size"))
        .explode("member")
        .with_row_index("person")
        .with_columns(pl.col("person").cast(pl.Int64))
        .with_columns(
            is_internal=pl.lit(False),
            signed_up_at=_signed_up_at(calendar, chance),
            is_invited=(pl.col("member") > 0)
            & (chance.share("invited", "person") < world.invited_share),
            role=_role(chance),
            given_business_type=_given_business_type(chance),
        )
        .with_columns(signup_source=_source(world, chance))
    )
    staff = _staff(calendar, chance, members.height)
    everybody = pl.concat([members, staff], how="diagonal").with_columns(
        user_id=pl.lit("u_") + chance.id("user id", "person"),
        name=chance.one_of(FIRST_NAMES, "first name", "person")
        + " "
        + chance.one_of(LAST_NAMES, "last name", "person"),
        email=pl.format("person{}@{}", "person", "domain"),
        industry=pl.when(chance.share("has industry", "person") < 0.9).then(
            chance.one_of(INDUSTRIES, "industry", "person")
        ),
        authentication_method=pl.when(chance.share("google", "person") < 0.6)
        .then(pl.lit("Google"))
        .otherwise(pl.lit("confirmation email")),
        returns=pl.col("role").replace_strict(
            {role: world.returns(role) for role in ROLES},
            default=world.returns(None),
            return_dtype=pl.Float64,
        ),
    )
    everybody = _with_devices(everybody, chance)
    everybody = _with_second_companies(everybody, companies, calendar, chance)
    everybody = _with_former_ids(everybody, calendar, chance)
    return _with_new_roles(everybody, calendar, chance).drop("domain", "size")


def _signed_up_at(calendar: Calendar, chance: Chance) -> pl.Expr:
    """The founder with the company, most others within days, one in eight at any later time."""
    left = calendar.end - 2 * HOUR - pl.col("company_signed_up_at") - 10 * SECOND
    is_late = chance.share("joins late", "person") < 0.125
    span = pl.when(is_late).then(left).otherwise(pl.min_horizontal(left, pl.lit(6 * DAY)))
    wait = (span * chance.share("joins", "person")).cast(pl.Int64)
    later = pl.col("company_signed_up_at") + 10 * SECOND + wait
    return pl.when(pl.col("member") == 0).then("company_signed_up_at").otherwise(later)


def _role(chance: Chance) -> pl.Expr:
    """Half of the first people are founders; one in twenty never says what they do."""
    drawn = chance.weighted(ROLES, "role", "person")
    founder = (pl.col("member") == 0) & (chance.share("founder", "person") < 0.5)
    role = pl.when(founder).then(pl.lit("founder")).otherwise(drawn)
    return pl.when(chance.share("has role", "person") >= 0.05).then(role)


def _given_business_type(chance: Chance) -> pl.Expr:
    """The business type that a person gives: sometimes none, or another than colleagues give."""
    odd = (pl.col("member") > 0) & (chance.share("odd business type", "person") < 0.06)
    other = pl.when(pl.col("business_type") == "B2B").then(pl.lit("B2C")).otherwise(pl.lit("B2B"))
    given = pl.when(odd).then(other).otherwise("business_type")
    return pl.when(chance.share("has business type", "person") >= 0.04).then(given)


def _source(world: World, chance: Chance) -> pl.Expr:
    """The sign-up source: invited people rarely give one, others nearly always."""
    tells = chance.share("has source", "person") < pl.when("is_invited").then(0.1).otherwise(0.96)
    return pl.when(tells).then(chance.weighted(world.sources, "source", "person"))


def _staff(calendar: Calendar, chance: Chance, first: int) -> pl.DataFrame:
    """Internal staff from before the logs begin: no sign-up, no company, an internal address."""
    staff = pl.DataFrame({"person": pl.int_range(first, first + INTERNAL_PEOPLE, eager=True)})
    return staff.with_columns(
        domain=pl.lit(INTERNAL_DOMAIN),
        is_internal=pl.lit(True),
        is_invited=pl.lit(False),
        role=pl.lit("engineer"),
        signed_up_at=calendar.first_day * DAY + chance.below(4 * HOUR, "staff", "person"),
    )


def _with_devices(people: pl.DataFrame, chance: Chance) -> pl.DataFrame:
    """One device per person, a second one for a third of them, and a few shared by colleagues."""
    borrows = (
        (pl.col("member") > 0)
        & (chance.share("borrows", "person") < 0.015)
        & (pl.col("company") == pl.col("company").shift(1))
    ).fill_null(False)
    own = (pl.col("person") * 2).cast(pl.UInt64)
    return (
        people.with_columns(borrows=borrows)
        .with_columns(
            device=pl.when("borrows").then(own - 2).otherwise(own),
            second_device=pl.when(chance.share("second device", "person") < 0.33).then(own + 1),
            shares_device=pl.col("borrows") | pl.col("borrows").shift(-1, fill_value=False),
        )
        .drop("borrows")
    )


def _with_second_companies(
    people: pl.DataFrame, companies: pl.DataFrame, calendar: Calendar, chance: Chance
) -> pl.DataFrame:
    """One person in thirty also works for another customer from some day on."""
    count = companies.height
    if count < 2:
        nowhere = pl.lit(None, dtype=pl.Int64)
        return people.with_columns(second_company=nowhere, second_from=nowhere)
    other = (pl.col("company") + 1 + chance.below(count - 1, "second company", "person")) % count
    starts = companies.select(second_company="company", second_signed_up_at="signed_up_at")
    earliest = pl.max_horizontal("signed_up_at", "second_signed_up_at") + 60 * SECOND
    part = chance.share("second from", "person")
    return (
        people.with_columns(
            second_company=pl.when(chance.share("two companies", "person") < 0.03).then(other)
        )
        .join(starts, on="second_company", how="left", maintain_order="left")
        .with_columns(
            second_from=earliest + ((calendar.end - HOUR - earliest) * part).cast(pl.Int64)
        )
        .with_columns(
            second_from=pl.when(
                pl.col("second_company").is_not_null()
                & (pl.col("second_from") >= earliest)
                & (pl.col("second_from") < calendar.end - HOUR)
            ).then("second_from")
        )
        .with_columns(
            second_company=pl.when(pl.col("second_from").is_not_null()).then("second_company")
        )
        .drop("second_signed_up_at")
    )


def _with_former_ids(people: pl.DataFrame, calendar: Calendar, chance: Chance) -> pl.DataFrame:
    """One in a hundred has the e-mail address as id for three days; then an alias links it."""
    aliased_at = pl.col("signed_up_at") + 3 * DAY
    former = (
        ~pl.col("is_internal")
        & (chance.share("former id", "person") < 0.01)
        & (aliased_at < calendar.end)
    )
    return people.with_columns(
        former_id=pl.when(former).then("email"), aliased_at=pl.when(former).then(aliased_at)
    )


def _with_new_roles(people: pl.DataFrame, calendar: Calendar, chance: Chance) -> pl.DataFrame:
    """One in thirty changes role, a week after sign-up or later."""
    when = pl.col("signed_up_at") + 7 * DAY + chance.below(40, "new role when", "person") * DAY
    happens = (
        ~pl.col("is_internal") & (chance.share("new role", "person") < 0.03) & (when < calendar.end)
    )
    return people.with_columns(
        new_role=pl.when(happens).then(chance.weighted(ROLES, "which new role", "person")),
        new_role_at=pl.when(happens).then(when),
    )
