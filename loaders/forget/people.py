"""Finds all ids of the people to forget, their own devices and their e-mail addresses.

Reads the raw calls by the rules of the models (docs/definitions.md), so that it does not matter
whether a build is up to date, or was ever made.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import duckdb

from loaders import fields
from loaders.errors import CannotForget
from loaders.forget.plan import Plan
from loaders.forgotten import ANONYMOUS, COMPANY, USER, Forgotten, ids_named_in

# As stg_calls orders the copies of a message: the first one counts.
_CONTENT = (
    '"timestamp", original_timestamp, received_at, sent_at, in_batch, type, event, user_id,'
    " anonymous_id, group_id, previous_id, properties::varchar, traits::varchar, context::varchar,"
    " load_id, line_number, call_number"
)


@dataclass
class People:
    """The people (or companies) of one erasure."""

    users: set[str] = field(default_factory=set)
    devices: set[str] = field(default_factory=set)
    companies: set[str] = field(default_factory=set)
    emails: set[str] = field(default_factory=set)
    # These stay, because somebody else uses them too.
    shared_devices: set[str] = field(default_factory=set)
    shared_emails: set[str] = field(default_factory=set)

    def ids(self) -> list[tuple[str, str]]:
        """Kind and value of every id."""
        return [
            *((USER, one) for one in sorted(self.users)),
            *((ANONYMOUS, one) for one in sorted(self.devices)),
            *((COMPANY, one) for one in sorted(self.companies)),
        ]


def find_people(
    connection: duckdb.DuckDBPyConnection,
    users: Iterable[str],
    companies: Iterable[str],
    plan: Plan,
    forgotten: Forgotten,
    is_mentioned: Callable[[str], bool],
) -> People:
    """Resolve the ids that the command names. Raises `CannotForget` for an unknown one.

    `is_mentioned` says whether any text mentions an id or an address that no call carries.
    Makes the temporary tables `their_ids` and `placeholders` (kind, id), for `is_theirs`.
    """
    users, companies = list(dict.fromkeys(users)), list(dict.fromkeys(companies))
    _make_tables(connection, plan)
    for kind, ones in ((USER, users), (COMPANY, companies)):
        for one in ones:
            if plan.is_placeholder(kind, one):
                raise CannotForget(
                    f"{one} is listed in the seed placeholder_ids: it is an id of nobody, and many"
                    " strangers may have been sent under it. Nothing was forgotten."
                )
    people = People(companies=set(companies))
    _find_users(connection, set(users), people)
    mentioned = _check_known(connection, users, companies, people, forgotten, is_mentioned)
    _find_devices(connection, people)
    _put_ids(connection, people)
    _find_emails(connection, people, plan)
    for one in mentioned:
        if one.lower() in people.shared_emails:
            raise CannotForget(
                f"{one} is the e-mail address of a user with another id. Nothing was forgotten;"
                " name the user id."
            )
    return people


def is_theirs(with_companies: bool) -> str:
    """Return the condition that a row of raw.calls is theirs."""

    def within(column: str, *kinds: str) -> str:
        listed = ", ".join(f"'{kind}'" for kind in kinds)
        return f"coalesce({column} in (select id from their_ids where kind in ({listed})), false)"

    conditions = [
        within("user_id", USER),
        within("anonymous_id", ANONYMOUS),
        within("previous_id", USER, ANONYMOUS),
    ]
    if with_companies:
        conditions += [within("group_id", COMPANY), within(fields.company_in_context(), COMPANY)]
    return f"({' or '.join(conditions)})"


def _make_tables(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    kinds, values = zip(*plan.placeholders, strict=True) if plan.placeholders else ((), ())
    connection.execute("create or replace temp table their_ids (kind varchar, id varchar)")
    connection.execute(
        "create or replace temp table placeholders as"
        " select unnest($kinds::varchar[]) as kind, unnest($ids::varchar[]) as id",
        {"kinds": list(kinds), "ids": list(values)},
    )
    connection.execute(
        f"""
        create or replace temp table aliases as
        {_counting("type = 'alias' and previous_id is not null and user_id is not null", plan)}
        """
    )
    connection.execute(
        f"""
        create or replace temp table ties as
        select previous_id, user_id from aliases
        where previous_id <> user_id
            and {_is_real("previous_id", USER, ANONYMOUS)} and {_is_real("user_id", USER)}
        qualify row_number() over (
            partition by previous_id
            order by event_at desc, receive_time desc nulls first, message_id desc
        ) = 1
        """
    )


def _is_real(column: str, *kinds: str) -> str:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    return f"lower({column}) not in (select id from placeholders where kind in ({listed}))"


def _counting(condition: str, plan: Plan) -> str:
    """Select one copy of each call, with `receive_time` and `event_at`, as stg_calls does."""
    received, sent = fields.readable_time("received_at"), fields.readable_time("sent_at")
    stamped = fields.readable_time('"timestamp"')
    original = fields.readable_time("original_timestamp")
    return f"""
        select
            *,
            case
                when claimed > receive_time + interval 1 day
                    or (
                        claimed < timestamp '{plan.begins}'
                        and receive_time >= timestamp '{plan.begins}'
                    )
                    then receive_time
                else claimed
            end as event_at
        from (
            select
                *,
                case
                    when not coalesce(in_batch, false) and received is not null
                        and stamped is not null
                        then stamped
                    when stamped is not null and original is not null then stamped
                    when received is not null and sent is not null and began is not null
                        then received - (sent - began)
                    else coalesce(stamped, original, sent, received)
                end as claimed
            from (
                select
                    *,
                    coalesce(received, sent) as receive_time,
                    coalesce(original, case when in_batch then stamped end) as began
                from (
                    select
                        *, {received} as received, {sent} as sent, {stamped} as stamped,
                        {original} as original
                    from raw.calls
                    where message_id in (select message_id from raw.calls where {condition})
                )
            )
            qualify row_number() over (
                partition by message_id
                order by receive_time nulls last, {_CONTENT}
            ) = 1
        )
        where {condition}
    """


def _find_users(connection: duckdb.DuckDBPyConnection, named: set[str], people: People) -> None:
    """Follow aliases in both directions.

    Each id leads to at most one other, so all connected ids lead to one user.
    """
    found = new = named
    while new:
        rows = connection.execute(
            """
            select previous_id, user_id from ties
            where previous_id in (select unnest($ids::varchar[]))
                or user_id in (select unnest($ids::varchar[]))
            """,
            {"ids": sorted(new)},
        ).fetchall()
        new = {one for row in rows for one in row} - found
        found = found | new
    people.users = set(found)


def _check_known(
    connection: duckdb.DuckDBPyConnection,
    users: list[str],
    companies: list[str],
    people: People,
    forgotten: Forgotten,
    is_mentioned: Callable[[str], bool],
) -> list[str]:
    """Return the user ids that no call carries, but that a text mentions."""
    named = {*((USER, one) for one in users), *((COMPANY, one) for one in companies)}
    unknown = {each for each in named if not forgotten.since(*each)}
    unknown -= _in_calls(connection, unknown)
    if unknown:
        unknown -= _in_quarantine(connection, unknown)
    for kind, one in sorted(unknown):
        if kind == USER and _is_a_device(connection, one, people):
            unknown.remove((kind, one))
    companies_here = _in_calls(connection, {(COMPANY, one) for _, one in unknown})
    mentioned = [
        one
        for kind, one in sorted(unknown)
        if kind == USER and (COMPANY, one) not in companies_here and is_mentioned(one)
    ]
    unknown -= {(USER, one) for one in mentioned}
    if unknown:
        ones = ", ".join(one for _, one in sorted(unknown))
        several = len(unknown) > 1
        raise CannotForget(
            f"No call and no quarantined line names {ones}. Nothing was forgotten; check the"
            f" id{'s' if several else ''}, or take {'them' if several else 'it'} off the list."
        )
    return mentioned


def _in_calls(
    connection: duckdb.DuckDBPyConnection, named: set[tuple[str, str]]
) -> set[tuple[str, str]]:
    users, companies = ([one for kind, one in named if kind == k] for k in (USER, COMPANY))
    found: set[tuple[str, str]] = set()
    for column in ("user_id", "previous_id") if users else ():
        found |= {(USER, one) for one in _values(connection, column, users)}
    for column in ("group_id", fields.company_in_context()) if companies else ():
        found |= {(COMPANY, one) for one in _values(connection, column, companies)}
    return found


def _values(connection: duckdb.DuckDBPyConnection, column: str, among: list[str]) -> list[str]:
    rows = connection.execute(
        f"select distinct {column} as one from raw.calls"
        " where one in (select unnest($among::varchar[]))",
        {"among": among},
    ).fetchall()
    return [one for (one,) in rows]


def _in_quarantine(
    connection: duckdb.DuckDBPyConnection, named: set[tuple[str, str]]
) -> set[tuple[str, str]]:
    lines = connection.execute("select line from raw.quarantine where line is not null")
    found: set[tuple[str, str]] = set()
    while row := lines.fetchone():
        for call in ids_named_in(row[0]):
            found |= named & call.ids
    return found


def _is_a_device(connection: duckdb.DuckDBPyConnection, one: str, people: People) -> bool:
    """Whether an id is a device that no user was seen with; if so, add it to the devices."""
    if not _values(connection, "anonymous_id", [one]):
        return False
    seen = connection.execute(
        f"""
        select distinct user_id from raw.calls
        where anonymous_id = ? and user_id is not null and {_is_real("user_id", USER)}
        order by user_id
        """,
        [one],
    ).fetchall()
    if seen:
        owners = " and ".join(user for (user,) in seen)
        raise CannotForget(
            f"{one} is the anonymous id of a device of {owners}. Nothing was forgotten; name the"
            " user id: devices that nobody else used are forgotten with it."
        )
    people.users.discard(one)
    people.devices.add(one)
    return True


def _find_devices(connection: duckdb.DuckDBPyConnection, people: People) -> None:
    """Find the anonymous ids that were seen with these users, alone or with other users, too."""
    if not people.users:
        return
    connection.execute(
        "create or replace temp table their_users as select unnest($users::varchar[]) as id",
        {"users": sorted(people.users)},
    )
    rows = connection.execute(
        f"""
        with
        candidates as (
            select distinct anonymous_id as id from raw.calls
            where user_id in (from their_users) and anonymous_id is not null
            union
            select previous_id from aliases where user_id in (from their_users)
        ),
        -- Only one copy of a message counts.
        carried as (
            select message_id, anonymous_id, user_id from raw.calls
            where anonymous_id in (from candidates)
        ),
        repeated as (
            select message_id from raw.calls
            where message_id in (select message_id from carried)
            group by message_id having count(*) > 1
        ),
        counting as (
            select anonymous_id, user_id from carried
            where message_id not in (from repeated)
            union all
            select anonymous_id, user_id from (
                select * from raw.calls where message_id in (from repeated)
                qualify row_number() over (
                    partition by message_id
                    order by
                        coalesce(
                            {fields.readable_time("received_at")}, {fields.readable_time("sent_at")}
                        ) nulls last,
                        {_CONTENT}
                ) = 1
            )
            where anonymous_id in (from candidates)
        ),
        sightings as (
            select anonymous_id as id, user_id from counting
            union all
            select previous_id as id, user_id from aliases
            where previous_id in (from candidates) and {_is_real("previous_id", USER, ANONYMOUS)}
        )
        select
            id,
            bool_or(user_id in (from their_users)) as is_theirs,
            bool_or(user_id not in (from their_users)) as is_of_others
        from sightings
        where user_id is not null and {_is_real("user_id", USER)} and {_is_real("id", ANONYMOUS)}
        group by id
        """
    ).fetchall()
    people.devices |= {one for one, theirs, others in rows if theirs and not others}
    people.shared_devices |= {one for one, theirs, others in rows if theirs and others}


def _put_ids(connection: duckdb.DuckDBPyConnection, people: People) -> None:
    kinds, ids = zip(*people.ids(), strict=True)
    connection.execute(
        "insert into their_ids select unnest($kinds::varchar[]), unnest($ids::varchar[])",
        {"kinds": list(kinds), "ids": list(ids)},
    )


def _find_emails(connection: duckdb.DuckDBPyConnection, people: People, plan: Plan) -> None:
    """Find the addresses in their traits, and which of these addresses others have, too."""
    theirs = is_theirs(with_companies=False)
    rows = connection.execute(
        f"select distinct traits, context from raw.calls where type = 'identify' and {theirs}"
    )
    found = {one for row in rows.fetchall() for one in _emails(plan, *row)}
    found |= {one.lower() for one in people.users | people.devices if "@" in one}
    others: set[str] = set()
    if found:
        rows = connection.execute(
            f"""
            select distinct traits, context from raw.calls
            where type = 'identify' and not {theirs}
                and (contains(traits::varchar, '@') or contains(context::varchar, '@'))
            """
        )
        while row := rows.fetchone():
            others |= found.intersection(_emails(plan, *row))
    people.emails, people.shared_emails = found - others, found & others


def _emails(plan: Plan, traits: str | None, context: str | None) -> set[str]:
    of_context = json.loads(context).get("traits") if context and context[0] == "{" else None
    told = [json.loads(traits) if traits else None, of_context]
    return {
        value.strip().lower()
        for each in told
        if isinstance(each, dict)
        for name, value in each.items()
        if name.strip() in plan.email_traits and isinstance(value, str) and "@" in value
    }
