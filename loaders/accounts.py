"""Summarises what has landed, and checks that every line of it is accounted for."""

from dataclasses import dataclass
from datetime import date

import duckdb

from loaders import fields
from loaders.table_shapes import changed_tables


@dataclass(frozen=True)
class Summary:
    """The whole warehouse in a few numbers; days are UTC."""

    files: int = 0
    refused: int = 0
    lines: int = 0
    landed: int = 0
    quarantined: int = 0
    blank: int = 0
    calls: int = 0
    forgotten: int = 0
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True)
class Disagreement:
    """A load whose row in `raw.loads` disagrees with the other raw tables."""

    load_id: int
    path: str | None
    what: str


def has_landed(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether this database has the table `raw.loads`, with a row in it."""
    return _has_table(connection, "raw", "loads") and bool(
        connection.execute("select 1 from raw.loads limit 1").fetchone()
    )


def has_load(connection: duckdb.DuckDBPyConnection, load_id: int) -> bool:
    """Whether a load is in `raw.loads`, or has lines in the quarantine."""
    found = connection.execute(
        "select 1 where $load in (select load_id from raw.loads)"
        " or $load in (select load_id from raw.quarantine)",
        {"load": load_id},
    )
    return bool(found.fetchone())


def _has_table(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> bool:
    found = connection.execute(
        "select 1 from information_schema.tables where table_schema = ? and table_name = ?",
        [schema, name],
    ).fetchone()
    return bool(found)


def summarise(connection: duckdb.DuckDBPyConnection) -> Summary:
    """Add up the ledger."""
    totals = connection.execute(
        f"""
        select
            count(*) filter (status = 'landed'), count(*) filter (status = 'refused'),
            coalesce(sum(lines), 0)::bigint, coalesce(sum(landed), 0)::bigint,
            coalesce(sum(quarantined), 0)::bigint, coalesce(sum(blank), 0)::bigint,
            coalesce(sum(calls), 0)::bigint, coalesce(sum(forgotten), 0)::bigint
        from ({_loads(connection)})
        """
    ).fetchone()
    times = ", ".join(fields.readable_time(fields.FIELDS[name][0]) for name in fields.TIMES)
    received = fields.readable_time("received_at")
    # If a device's clock is wrong, the time of receipt is closer to the true time.
    days = connection.execute(
        f"""
        select min(day)::date, max(day)::date
        from (
            select
                case
                    when sent > received + interval 1 day or sent < date '2000-01-01'
                        then coalesce(received, sent)
                    else sent
                end as day
            from (select coalesce({times}) as sent, {received} as received from raw.calls)
        )
        """
    ).fetchone()
    return Summary(*totals, *days)


def _loads(connection: duckdb.DuckDBPyConnection) -> str:
    """Select the ledger; without forgotten lines in a read-only database of an earlier version."""
    if _has_table(connection, "raw", "forgotten_calls"):
        return "from raw.loads"
    return "select *, 0 as forgotten from raw.loads"


def _forgotten_calls(connection: duckdb.DuckDBPyConnection) -> str:
    if _has_table(connection, "raw", "forgotten_calls"):
        return "from raw.forgotten_calls"
    return "select load_id, line_number from raw.quarantine where false"


def build_due(connection: duckdb.DuckDBPyConnection) -> str | None:
    """Say why `dbt build` is due; None where the tables are up to date with what has landed."""
    if not _has_table(connection, "meta", "builds"):
        return "this database has never been built"
    if changed_tables(connection, "meta"):
        return "meta.builds is of another version of Daybook, or was changed by hand"
    if not _last_good_build(connection):
        if _has_table(connection, "raw", "forgotten_ids") and _is_forgetful(connection):
            return "people were forgotten, and no build has ended well since"
        return "no build has ended well yet"
    if news := news_since_build(connection):
        return news
    was_partial = connection.execute(
        """
        select 1 from meta.builds
        where command = 'build' and build > (select max(build) from meta.builds where ended_well)
        """
    ).fetchone()
    return "the last one failed, or built some of the tables only" if was_partial else None


def digest_of_loads(connection: duckdb.DuckDBPyConnection, up_to: int = 1 << 62) -> str:
    """Return a digest of the landed loads up to a number. Other loads have another digest."""
    (digest,) = connection.execute(
        """
        select coalesce(bit_xor(hash(load_id, sha256, calls)), 0)::varchar
        from raw.loads
        where status = 'landed' and load_id <= $up_to
        """,
        {"up_to": up_to},
    ).fetchone()
    return digest


def has_other_loads(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether loads that the last good build read are gone or changed, other than by unloading.

    If so, raw was dropped or edited, and load numbers do not show which loads are new.
    """
    if not (last_good := _last_good_build(connection)):
        return False
    latest_load, unloaded, loads = last_good
    (unloaded_now,) = connection.execute("select count(*) from raw.taken_out").fetchone()
    if loads is None or unloaded_now > unloaded:
        return False
    return unloaded_now < unloaded or digest_of_loads(connection, latest_load) != loads


def news_since_build(connection: duckdb.DuckDBPyConnection) -> str | None:
    """Say what was landed or unloaded since the last good build; None if nothing was."""
    if not _has_table(connection, "meta", "builds") or changed_tables(connection, "meta"):
        return None  # never built, or a published copy; or somebody changed it
    if not (last_good := _last_good_build(connection)):
        return None
    if has_other_loads(connection):
        return "the raw tables hold other loads than at the last one"
    latest_load, unloaded_then, _ = last_good
    files, calls, unloaded = connection.execute(
        """
        select
            (select count(*) from raw.loads where status = 'landed' and load_id > $latest_load),
            (select coalesce(sum(calls), 0)::bigint from raw.loads where load_id > $latest_load),
            (select count(*) from raw.taken_out) - $unloaded_then
        """,
        {"latest_load": latest_load, "unloaded_then": unloaded_then},
    ).fetchone()
    reasons = []
    if files:
        reasons.append(
            f"{_count(files, 'file')} ({_count(calls, 'call')}) landed since the last one"
        )
    if unloaded:
        reasons.append(f"{_count(unloaded, 'load')} unloaded since the last one")
    return ", ".join(reasons) or None


def _is_forgetful(connection: duckdb.DuckDBPyConnection) -> bool:
    return bool(connection.execute("select 1 from raw.forgotten_ids limit 1").fetchone())


def _last_good_build(
    connection: duckdb.DuckDBPyConnection,
) -> tuple[int, int, str | None] | None:
    """The build's newest load, how many loads had been unloaded, and the digest of its loads."""
    return connection.execute(
        """
        select latest_load, taken_out, loads from meta.builds
        where ended_well
        order by build desc
        limit 1
        """
    ).fetchone()


def plan_and_logs(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """Return planned events and traits that the logs of the last build lack, and the reverse.

    Empty before the first build, or if its tables are gone. A planned name that no log has is often
    misspelt.
    """
    if not _has_table(connection, "intermediate", "int_trait_history"):
        return {}
    try:
        rows = connection.execute(_PLAN_AND_LOGS).fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        return {}
    return {what: names for _, what, names in rows if names}


_PLAN_AND_LOGS = """
    with

    seen_events as (
        select event, is_planned, sum(calls) as calls
        from intermediate.int_attributed_days
        where is_event
        group by all
    ),

    seen_traits as (
        select distinct entity, trait from intermediate.int_trait_history
    )

    select 1, 'planned events in no log', list(event order by event)
    from staging.stg_plan_events
    where event not in (select event from seen_events)

    union all

    select 2, 'events in no plan', list(event order by calls desc, event)
    from seen_events
    where not is_planned and event not in ('page', 'screen')

    union all

    select 3, 'planned traits in no log', list(entity || ' ' || trait order by entity, trait)
    from staging.stg_plan_traits
    where (entity, trait) not in (select (entity, trait) from seen_traits)

    union all

    select 4, 'traits in no plan', list(entity || ' ' || trait order by entity, trait)
    from seen_traits
    where (entity, trait) not in (select (entity, trait) from staging.stg_plan_traits)

    order by 1
"""


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def disagreements(
    connection: duckdb.DuckDBPyConnection, between: tuple[int, int] = (0, 1 << 62)
) -> list[Disagreement]:
    """The loads whose calls and quarantined lines, counted again, differ from `raw.loads`.

    Counts the loads `between` two numbers, both included.
    """
    within = f"load_id between {between[0]} and {between[1]}"
    rows = connection.execute(
        f"""
        with

        loads as (
            select * from ({_loads(connection)}) where status = 'landed' and {within}
        ),

        quarantine as (
            select * from raw.quarantine where {within}
        ),

        all_calls as (
            select * from raw.calls where {within}
        ),

        forgotten as (
            select * from ({_forgotten_calls(connection)}) where {within}
        ),

        forgotten_lines as (
            select load_id, count(distinct line_number) as lines
            from forgotten
            group by all
        ),

        quarantined_lines as (
            select load_id, count(distinct line_number) as lines
            from quarantine
            group by all
        ),

        -- A line is landed if all its calls are. Each line has one first call, so landed lines are
        -- counted as first calls, less those of lines that are partly quarantined or forgotten.
        not_whole as (
            select load_id, line_number from quarantine where call_number > 1
            union
            select load_id, line_number from forgotten
        ),

        partly_landed as (
            select all_calls.load_id, count(*) as lines
            from all_calls
            inner join not_whole
                on all_calls.load_id = not_whole.load_id
                and all_calls.line_number = not_whole.line_number
            where all_calls.call_number = 1
            group by all
        ),

        calls as (
            select
                load_id,
                count(*) as calls,
                count(*) filter (call_number = 1) as first_calls
            from all_calls
            group by all
        ),

        counted as (
            select
                coalesce(calls.load_id, quarantined_lines.load_id, forgotten_lines.load_id)
                    as load_id,
                coalesce(calls.calls, 0) as calls,
                coalesce(calls.first_calls, 0) - coalesce(partly_landed.lines, 0) as landed,
                coalesce(quarantined_lines.lines, 0) as quarantined,
                coalesce(forgotten_lines.lines, 0) as forgotten
            from calls
            full join quarantined_lines on calls.load_id = quarantined_lines.load_id
            full join forgotten_lines
                on coalesce(calls.load_id, quarantined_lines.load_id) = forgotten_lines.load_id
            left join partly_landed on calls.load_id = partly_landed.load_id
        )

        select
            coalesce(loads.load_id, counted.load_id) as load_id,
            loads.path,
            loads.lines, loads.landed, loads.quarantined, loads.blank, loads.forgotten, loads.calls,
            coalesce(counted.landed, 0) as landed_now,
            coalesce(counted.quarantined, 0) as quarantined_now,
            coalesce(counted.forgotten, 0) as forgotten_now,
            coalesce(counted.calls, 0) as calls_now
        from loads
        full join counted on loads.load_id = counted.load_id
        where loads.load_id is null
            or loads.lines is distinct from
                loads.landed + loads.quarantined + loads.blank + loads.forgotten
            or loads.landed is distinct from coalesce(counted.landed, 0)
            or loads.quarantined is distinct from coalesce(counted.quarantined, 0)
            or loads.forgotten is distinct from coalesce(counted.forgotten, 0)
            or loads.calls is distinct from coalesce(counted.calls, 0)
        order by load_id
        """
    ).fetchall()
    return [_describe(*row) for row in rows]


def _describe(
    load_id,
    path,
    lines,
    landed,
    quarantined,
    blank,
    forgotten,
    calls,
    landed_now,
    quarantined_now,
    forgotten_now,
    calls_now,
) -> Disagreement:
    if path is None:
        return Disagreement(
            load_id,
            None,
            f"has {calls_now:,} calls and {quarantined_now:,} quarantined lines,"
            " but no row in raw.loads",
        )
    differences = [
        f"{name} {_number(said)} in raw.loads, {found:,} in the tables"
        for name, said, found in (
            ("landed lines", landed, landed_now),
            ("quarantined lines", quarantined, quarantined_now),
            ("forgotten lines", forgotten, forgotten_now),
            ("calls", calls, calls_now),
        )
        if said != found
    ]
    parts = (landed, quarantined, blank, *([forgotten] if forgotten else []))
    if None in parts or lines != sum(parts):
        sum_of_parts = " + ".join(map(_number, parts))
        differences.append(f"{_number(lines)} lines are not {sum_of_parts}")
    return Disagreement(load_id, path, "; ".join(differences))


def _number(value: int | None) -> str:
    return "nothing" if value is None else f"{value:,}"
