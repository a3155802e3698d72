"""The state of a warehouse, and what has changed in it since the last published night."""

import json
from datetime import date
from hashlib import sha256
from typing import Any

import duckdb

from loaders.night.tables import EVENTS, Months
from loaders.plan import SEEDS

_REPORT_KEYS = ("report", "funnel")
_MILESTONES = "activation_milestones"
# A change in these seeds shows in the events themselves.
_NOT_THE_PLAN = {"internal_accounts"}
# A change in one of these models may change rows of fct_events.
_CHANGING_EVENTS = (
    "staging.stg_calls",
    "intermediate.int_attributed_days",
    "intermediate.int_user_companies",
)
Marks = dict[str, Any]


def marks(
    connection: duckdb.DuckDBPyConnection, warehouse: str, variables: dict[str, Any]
) -> Marks:
    """Return the state of the warehouse as a JSON-serializable dict.

    The SQL functions of `Privacy` must be defined.
    """
    build, invocation, latest_load, taken_out, as_of = connection.execute(
        f"""
        select build, invocation, latest_load, taken_out, as_of::varchar
        from {warehouse}.meta.builds where ended_well order by build desc limit 1
        """
    ).fetchone()
    grounds = connection.execute(
        f"select grounds from {warehouse}.meta.tables where name = 'marts.{EVENTS}'"
    ).fetchone()
    plan, definitions = _digests(connection, warehouse)
    chosen = {name: str(value) for name, value in variables.items()}
    return {
        "build": build,
        "invocation": invocation,
        "latest_load": latest_load,
        "taken_out": taken_out,
        "as_of": as_of,
        "grounds": grounds and grounds[0],
        "plan": plan | {f"var {name}": _digest(value) for name, value in chosen.items()},
        "definitions": definitions,
    }


def with_vars_of_the_build(
    connection: duckdb.DuckDBPyConnection, warehouse: str, variables: dict[str, Any]
) -> dict[str, Any]:
    """Return the vars of the project, but those of the tables as the last good build had them."""
    (built_with,) = connection.execute(
        f"""
        select coalesce(vars, '{{}}') from {warehouse}.meta.builds
        where ended_well order by build desc limit 1
        """
    ).fetchone()
    return variables | json.loads(built_with)


def months_to_write(
    connection: duckdb.DuckDBPyConnection,
    warehouse: str,
    last: Marks,
    now: Marks,
    there: list[date],
) -> Months:
    """Return the months of fct_events that changed since the last night, and those that did not.

    `there` are the months that the last night has. All months are written if the last night was
    made with other seeds, vars or privacy rules, or from the build of another warehouse.
    """
    all_months = _months_of(
        _days(
            connection,
            f"select event_day from {warehouse}.intermediate.int_attributed_days where is_event",
        )
    )
    if (
        not there
        or not set(there) <= set(all_months)
        or not _goes_on_from(connection, warehouse, last, now)
    ):
        return Months(all_months, [], None)
    days = _find_changed_events(connection, warehouse, last["build"])
    kept = sorted({*there} - {*_months_of(days)})
    return Months(sorted({*all_months} - {*kept}), kept, days)


def _find_changed_events(
    connection: duckdb.DuckDBPyConnection, warehouse: str, build: int
) -> list[date]:
    """Make `changed_events`, the ids of events that changed since a build; return their days.

    An event changes if its call changes, or the user or the company of its day. If a user's company
    by e-mail domain changes, the `company_source` of the user's events may change.
    """
    connection.execute(
        f"""
        create temp table changed_call_days as
            select call_day_key, event_day
            from {warehouse}.intermediate.int_attributed_days__changes
            where run > {build} and is_event
            union
            select call_day_key, event_day
            from {warehouse}.intermediate.int_attributed_days
            where is_event and user_id in (
                select user_id from {warehouse}.intermediate.int_user_companies__changes
                where run > {build} and is_by_email_domain
            );
        create temp table changed_calls as
            select message_key, event_day
            from {warehouse}.staging.stg_calls__changes
            where run > {build} and type in ('track', 'page', 'screen');
        create temp table changed_events as
            select message_id as event_id
            from {warehouse}.staging.stg_calls
            where rowid in (select unnest(list(place)) from (
                select rowid as place from {warehouse}.staging.stg_calls
                semi join changed_call_days using (call_day_key)
                union
                select rowid as place from {warehouse}.staging.stg_calls
                semi join changed_calls using (message_key)
            ));
        """
    )
    return _days(
        connection,
        "select event_day from changed_call_days union all select event_day from changed_calls",
    )


def _goes_on_from(
    connection: duckdb.DuckDBPyConnection, warehouse: str, last: Marks, now: Marks
) -> bool:
    """Whether the last night was made from an earlier build of this warehouse, in the same way."""
    if any(last.get(name) != now[name] for name in ("grounds", "privacy", "taken_out", "columns")):
        return False
    found = connection.execute(
        f"""
        select 1
        from {warehouse}.meta.builds
        where
            build = $build and invocation = $invocation
            and build >= (
                select max(changes_since) from {warehouse}.meta.model_runs
                where model in {_CHANGING_EVENTS}
            )
        """,
        {name: last.get(name) for name in ("build", "invocation")},
    ).fetchone()
    return found is not None


def _days(connection: duckdb.DuckDBPyConnection, days: str) -> list[date]:
    found = connection.execute(
        f"select distinct event_day from ({days}) where event_day is not null order by event_day"
    ).fetchall()
    return [day for (day,) in found]


def _months_of(days: list[date]) -> list[date]:
    return sorted({day.replace(day=1) for day in days})


def _digests(
    connection: duckdb.DuckDBPyConnection, warehouse: str
) -> tuple[dict[str, str], dict[str, str]]:
    """Return a digest per seed of the plan, and one per report, as `seed report`."""
    plan, definitions = {}, {}
    columns = connection.execute(
        "select table_name, list(column_name) from duckdb_columns()"
        " where database_name = ? and schema_name = 'seeds'"
        " group by table_name order by table_name",
        [warehouse.strip('"')],
    ).fetchall()
    for seed, names in columns:
        if seed not in SEEDS or seed in _NOT_THE_PLAN:
            continue
        keys = ["entity"] if seed == _MILESTONES else [n for n in _REPORT_KEYS if n in names]
        # The marks are published with the night.
        key = f'masked(trim("{keys[0]}"))' if keys else "''"
        found = connection.execute(
            f"select {key}, coalesce(string_agg(seed::varchar, '|' order by seed::varchar), '')"
            f" from {warehouse}.seeds.{seed} as seed group by all"
        ).fetchall()
        for name, rows in found:
            if keys:
                definitions[f"{seed} {name}"] = _digest(rows)
            else:
                plan[seed] = _digest(rows)
    return plan, definitions


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]
