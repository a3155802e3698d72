"""Restatements: changed values of periods that were complete in the last published night.

A cell is restated if its value differs between the two nights. Its reasons are the changes between
the nights that can explain it; each has a count:

- `late events`: events up to the cell's last day that the last night did not have, or had at
  another time, or of which another copy with other content counts now
- `users merged`: events up to then that belong to another user now, or had none before
- `company changed`: events up to then that belong to another company now; for breakdowns and
  filters by a company trait, also users who belong to another company now; not for users' cells
  that depend on no company
- `internal account changed`: events up to then that are internal now, or no longer are
- `erased`: events up to then that are no longer there, although no load was unloaded
- `load taken out`: loads that were unloaded
- `plan changed`: changed files of the tracking plan, and changed vars
- `report changed`: changed rows of the report's definition
- `trait changed`: entities known last night with a trait that has another value now, for cells
  that depend on traits (breakdowns, filters, segments, sign-ups)

A reason says what can have moved the cell, not how much of the difference is due to it.
"""

import duckdb

from loaders.night.marks import Marks
from loaders.night.metrics import KEY, KINDS

QUERY = """
    select night, report_kind, report, entity, period, period_start, dimension, value_name,
        before, after, reasons
    from restated
"""

# Where the copy of a call stands that counts, and what it says.
_PLACE = ("load_id", "line_number", "call_number")
_CONTENT = ("event_as_sent", "name", "properties")
_PERIOD_NUMBER = "regexp_extract(dimension, '^period_number=[^;]*')"


def find_restated(
    connection: duckdb.DuckDBPyConnection,
    number: int,
    last: Marks,
    now: Marks,
    has_last: bool,
    changed_events: str,
) -> int:
    """Make the temporary table `restated`; return how many cells are in it.

    The last night is attached as `last_night`, with its cells in the view `last_cells`.
    `changed_events` is a condition that holds for every event that may differ between the two
    nights.
    """
    if has_last:
        connection.execute(_restated(number, last["as_of"], last.get("privacy") == now["privacy"]))
    else:
        connection.execute(
            """
            create temp table restated (
                night bigint, report_kind varchar, report varchar, entity varchar, period varchar,
                period_start date, dimension varchar, value_name varchar, before double,
                after double, reasons varchar
            )
            """
        )
        return 0
    (cells,) = connection.execute("select count(*) from restated").fetchone()
    if cells:
        _find_reasons(connection, last, now, changed_events)
    return cells


def _restated(number: int, as_of: str | None, same_hashes: bool) -> str:
    then = f"date '{as_of}'" if as_of else "null::date"
    return f"""
        create temp table restated as
        with
        known_reports as (
            select distinct report_kind, report from last_cells
        ),
        -- For cells that are gone: other cells of their period, and of their report.
        last_days as (
            select report_kind, period, period_start, {_PERIOD_NUMBER} as period_number,
                any_value(last_day) as last_day
            from cells
            group by all
        ),
        dependences as (
            select report_kind, report, entity, bool_or(depends_on_traits) as depends_on_traits,
                bool_or(depends_on_company) as depends_on_company
            from cells
            group by all
        ),
        compared as (
            select
                {KEY}, last_cells.value as before, cells.value as after,
                last_cells.is_complete as was_complete, cells.is_complete,
                coalesce(cells.last_day, last_days.last_day) as last_day,
                coalesce(cells.depends_on_traits, dependences.depends_on_traits, true)
                    as depends_on_traits,
                coalesce(cells.depends_on_company, dependences.depends_on_company, true)
                    as depends_on_company,
                cells.may_still_change
            from last_cells
            full join cells using ({KEY})
            left join last_days
                on report_kind = last_days.report_kind
                and period is not distinct from last_days.period
                and period_start is not distinct from last_days.period_start
                and {_PERIOD_NUMBER} = last_days.period_number
            left join dependences
                on report_kind = dependences.report_kind
                and report = dependences.report
                and entity = dependences.entity
        )
        select
            {number}::bigint as night, *,
            ''::varchar as reasons
        from compared
        where
            -- Names that are hashes of another key cannot be compared.
            ({same_hashes} or not (
                contains(dimension, 'breakdown_value=h_') or starts_with(report, 'h_')
            ))
            and not coalesce(may_still_change, false)
            and coalesce(is_complete, true)
            and case
                when before is null then
                    -- A report that the last night lacks is new, not restated.
                    was_complete is null and is_complete and last_day <= {then}
                    and (report_kind, report) in (from known_reports)
                else
                    was_complete and (
                        after is null
                        or abs(after - before) > 1e-9 * greatest(abs(after), abs(before), 1)
                    )
            end
    """


def _find_reasons(
    connection: duckdb.DuckDBPyConnection, last: Marks, now: Marks, changed_events: str
) -> None:
    _compare_events(connection, last, now, changed_events)
    _compare_traits(connection, last.get("privacy") == now["privacy"])
    files = _differ(last.get("plan", {}), now["plan"])
    reports = _differ(last.get("definitions", {}), now["definitions"])
    seeds = {kind.table: kind.seed for kind in KINDS}
    connection.execute(
        "create temp table changed_reports as"
        " select unnest($seeds::varchar[]) as seed, unnest($names::varchar[]) as name",
        {
            "seeds": [each.partition(" ")[0] for each in reports],
            "names": [each.partition(" ")[2] for each in reports],
        },
    )
    connection.execute(
        "create temp table seeds_of_kinds as"
        " select unnest($kinds::varchar[]) as kind, unnest($seeds::varchar[]) as seed",
        {"kinds": list(seeds), "seeds": list(seeds.values())},
    )
    last_days = "(select distinct coalesce(last_day, date '9999-12-31') as last_day from restated)"
    connection.execute(
        f"""
        create temp table reasons as
            select last_day, null::varchar as kind, null::varchar as report,
                null::varchar as entity, null::boolean as of_traits, reason,
                sum(changed)::bigint as changed
            from {last_days} as cells inner join changed_days on event_day <= last_day
            group by all
            union all
            select null, null, null, entity, true, reason, changed from changed_traits
            union all
            select null, null, null, null, null, 'plan changed', {len(files)}
            union all
            select null, null, null, null, null, 'load taken out',
                {now["taken_out"] - last.get("taken_out", 0)}
            union all
            select null, kind, name, null, null, 'report changed', count(*)
            from changed_reports inner join seeds_of_kinds using (seed)
            group by all;

        create or replace temp table restated as
        select
            restated.* replace (coalesce((
                select json_group_object(reason, changed)::varchar from (
                    select reason, sum(changed)::bigint as changed from reasons
                    where changed > 0
                        and (
                            reasons.last_day is null
                            or reasons.last_day
                            = coalesce(restated.last_day, date '9999-12-31')
                        )
                        and (reasons.kind is null or reasons.kind = restated.report_kind)
                        and (reasons.report is null
                            or reasons.report in (restated.report, restated.entity))
                        and (reasons.entity is null or reasons.entity = restated.entity)
                        and (reasons.of_traits is null or restated.depends_on_traits)
                        and (
                            reason <> 'company changed'
                            or restated.entity = 'company'
                            or restated.depends_on_company
                        )
                    group by reason order by reason
                )
            ), '{{}}') as reasons)
        from restated;
        """
    )


def _compare_events(
    connection: duckdb.DuckDBPyConnection, last: Marks, now: Marks, changed_events: str
) -> None:
    """Make `changed_days`: per reason and day, events that differ between the two nights."""
    same_hashes = last.get("privacy") == now["privacy"]
    no_load_unloaded = last.get("taken_out") == now["taken_out"]
    connection.execute(
        f"""
        create temp table changed_days as
        with
        compared as (
            select
                case
                    when before.event_id is null then 'late events'
                    when after.event_id is null
                        then case when {no_load_unloaded} then 'erased' end
                    when before.event_at <> after.event_at then 'late events'
                    when {same_hashes} and before.user_id is distinct from after.user_id
                        then 'users merged'
                    when {same_hashes} and before.company_id is distinct from after.company_id
                        then 'company changed'
                    when before.is_internal is distinct from after.is_internal
                        then 'internal account changed'
                    when {_differs(_PLACE)} and {_differs(_CONTENT)} then 'late events'
                end as reason,
                least(before.event_day, after.event_day) as event_day
            from (from last_night.marts.fct_events where {changed_events}) as before
            full join (from night_copy.marts.fct_events where {changed_events}) as after
                on before.event_id = after.event_id
            where {same_hashes} or not starts_with(coalesce(before.event_id, after.event_id), 'h_')
        )
        select reason, event_day, count(*) as changed
        from compared
        where reason is not null
        group by all
        """
    )


def _differs(columns: tuple[str, ...]) -> str:
    before, after = (", ".join(f"{side}.{c}" for c in columns) for side in ("before", "after"))
    return f"(({before}) is distinct from ({after}))"


def _compare_traits(connection: duckdb.DuckDBPyConnection, same_hashes: bool) -> None:
    """Make `changed_traits`: entities known last night whose traits or company have changed."""
    comparable = (
        f"({same_hashes} or not (starts_with(entity_id, 'h_') or starts_with(value, '\"h_')))"
    )
    columns = "entity, entity_id, trait, value, value_as_sent, valid_from"
    connection.execute(
        f"""
        create temp table changed_traits as
        with
        known as (
            {_known("user", "dim_users")} union all {_known("company", "dim_companies")}
        ),
        differences as (
            from (
                (select {columns} from night_copy.marts.fct_traits
                except select {columns} from last_night.marts.fct_traits)
                union all
                (select {columns} from last_night.marts.fct_traits
                except select {columns} from night_copy.marts.fct_traits)
            )
            where {comparable}
        ),
        -- The trait with the time of the sign-up may be unpublished. But a sign-up comes from that
        -- trait if there is no event at its time.
        sign_ups as (
            select entity, entity_id, least(sign_up_before, sign_up_after) as event_at
            from known
            where sign_up_before is distinct from sign_up_after
        ),
        events as (
            select unnest([('user', user_id), ('company', company_id)]) as id, event_at
            from (
                select user_id, company_id, event_at from night_copy.marts.fct_events
                union all
                select user_id, company_id, event_at from last_night.marts.fct_events
            )
            where event_at in (select event_at from sign_ups)
        ),
        sign_ups_by_trait as (
            select entity, entity_id
            from sign_ups
            anti join events
                on events.id = (entity, entity_id) and events.event_at = sign_ups.event_at
        )
        select
            null::varchar as entity, 'trait changed' as reason,
            count(distinct (entity, entity_id)) as changed
        from (
            select entity, entity_id from differences semi join known using (entity, entity_id)
            union all
            from sign_ups_by_trait
        )
        union all
        -- The latest company of a user gives traits to the user, and none to companies.
        select 'user' as entity, 'company changed' as reason, count(*) as changed
        from last_night.marts.dim_users as before
        inner join night_copy.marts.dim_users as after using (user_id)
        where
            before.company_id is distinct from after.company_id
            and ({same_hashes} or not starts_with(after.company_id, 'h_'))
        """
    )


def _known(entity: str, dim: str) -> str:
    """Select the users or companies of both nights."""
    return f"""
        select
            '{entity}' as entity, {entity}_id as entity_id,
            before.signed_up_at as sign_up_before, after.signed_up_at as sign_up_after
        from last_night.marts.{dim} as before
        inner join night_copy.marts.{dim} as after using ({entity}_id, is_internal)
    """


def _differ(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return sorted(n for n in {*before, *after} if before.get(n) != after.get(n))
