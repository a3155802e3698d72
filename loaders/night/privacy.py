"""Personal data: which columns, rows and values are published, and in which form.

- Traits, properties and context columns that the plan marks `is_pii` are left out. So are traits
  and properties that are not planned, because nobody has said what they hold.
- With `vars: pii: hash` the marked ones stay, as keyed hashes of their values.
- The name of a page or screen is left out if the property `name` of that event is marked.
- An id, or any other text, that contains an e-mail address is replaced by a keyed hash of the
  whole text; so is an id that is the value of a marked trait. Equal texts have equal hashes in all
  tables, so that joins still work. In properties only the address is replaced.

The hash is HMAC-SHA256, cut to 80 bits. Its key is DAYBOOK_PII_KEY, else a random key that stays in
the private warehouse: without the key, nobody can test whether an address is in the data.
"""

import os
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import duckdb

from loaders.errors import CannotPublish
from loaders.plan.shape import FIXED_COLUMNS

KEY_VARIABLE = "DAYBOOK_PII_KEY"
OMIT, HASH = "omit", "hash"
_SHORTEST_KEY = 16  # characters; whoever guesses the key can find out what was hashed
_BLOCK = 64  # bytes of a block of SHA-256

# In a text: something@domain.tld, also in the spelling of URLs (even one within another), of JSON
# within JSON, and of HTML. In JSON, quotes end it.
_AT = ("@", "%40", "%2540", "u0040", "&#64;")
_ADDRESS = (
    r"[^\s@\"\\<>(),;:=?&/]+(?:@|%(?:25)*40|\\+u0040|&#64;)"
    r"[^\s@\"\\]*[^\s@\"\\.]\.\p{L}{2,}"
)
# JSON's escapes may stand right before an address, and must stay whole.
_ESCAPES = r"((?:\\(?:u[0-9a-fA-F]{4}|[^u]))*)"

_DIMS = {"dim_users": "user", "dim_companies": "company"}
# Columns of dim_companies whose trait a var names.
_COLUMNS_OF_VARS = {
    "plan": "company_plan_trait",
    "monthly_active_users": "company_mau_trait",
}
_SNAKE_CASE = (
    "trim(lower(regexp_replace(regexp_replace(trait, '([a-z0-9])([A-Z])', '\\1_\\2', 'g'),"
    " '[^\\p{L}\\p{N}]+', '_', 'g')), '_')"
)


def mode_and_key(variables: dict[str, Any]) -> tuple[str, str]:
    """Return the var `pii` and the key of the environment, which may be empty.

    Raises `CannotPublish` for another value of `pii`, for `hash` without a key, or a short key.
    """
    setting, key = variables.get("pii"), os.environ.get(KEY_VARIABLE, "")
    mode = str(setting or OMIT).strip().lower()
    if mode not in (OMIT, HASH):
        raise CannotPublish(
            f"vars: pii is {setting!r} in dbt_project.yml. Write {OMIT} or {HASH} there."
        )
    if mode == HASH and not key:
        raise CannotPublish(
            f"vars: pii is hash, and {KEY_VARIABLE} is not set. Set it to a long random text, the"
            " same one each night, or remove the var: personal data is then left out."
        )
    if 0 < len(key) < _SHORTEST_KEY:
        raise CannotPublish(
            f"{KEY_VARIABLE} has {len(key)} characters: such a key can be guessed. Set it to a"
            f" random text of at least {_SHORTEST_KEY}."
        )
    return mode, key


@dataclass(frozen=True)
class Privacy:
    """The rules for one warehouse, attached to `connection` as the catalog `warehouse`."""

    connection: duckdb.DuckDBPyConnection
    warehouse: str
    mode: str
    variables: dict[str, Any]

    @classmethod
    def of(
        cls, connection: duckdb.DuckDBPyConnection, warehouse: str, variables: dict[str, Any]
    ) -> "Privacy":
        """Read the mode and the key, and define the SQL functions that the rules use."""
        mode, key = mode_and_key(variables)
        privacy = cls(connection, warehouse, mode, variables)
        privacy._define_functions((key or privacy._warehouse_key).encode())
        privacy._find_named_ids()
        return privacy

    @cached_property
    def fingerprint(self) -> str:
        """A hash that changes with the warehouse, the key, and every rule for published events."""
        (plan,) = self._one(
            f"""
            select string_agg(concat_ws('|', event, property, is_pii), ';' order by line)
            from {self.warehouse}.staging.stg_plan_properties
            """
        )
        (context,) = self._one(
            f"""
            select string_agg(concat_ws('|', column_name, is_pii), ';' order by column_name)
            from {self.warehouse}.staging.stg_context_columns
            """
        )
        (named,) = self._one("select string_agg(id, ';' order by id) from named_ids")
        (key,) = self._one("select pseudonym('key')")
        parts = (self._warehouse_key, key, self.mode, plan, context, named, _ADDRESS)
        return sha256(repr(parts).encode()).hexdigest()

    def select(self, table: str, where: str = "true") -> str:
        """Return the query of a mart's published rows."""
        columns = self._columns(table)
        if table == "fct_traits":
            return self._select_traits(where)
        private = self._private_columns(table)
        chosen = [
            self._chosen(table, name, type_, columns, name in private)
            for name, type_ in columns.items()
        ]
        shown = [f'{sql} as "{name}"' for name, sql in chosen if sql]
        keys = " left join shown_keys using (event)" if table == "fct_events" else ""
        return (
            f"select {', '.join(shown)} from {self.warehouse}.marts.{table}{keys}"
            f" where ({where}) and {self._shown_rows(table, columns)}"
        )

    def select_seed(self, seed: str) -> str:
        """Return the query of a seed's published rows."""
        columns = self._columns(seed, "seeds")
        shown = [f'masked("{name}"::varchar) as "{name}"' for name in columns]
        return f"select {', '.join(shown)} from {self.warehouse}.seeds.{seed}"

    @property
    def shown_cells(self) -> str:
        """A condition that holds for report cells without personal data in their names.

        Earlier nights may have been published under other rules: a trait was not marked yet.
        """
        breakdown = "regexp_extract(dimension, 'breakdown=(.*); breakdown_at=', 1)"
        return (
            f"(not coalesce(is_private_breakdown(entity, {breakdown}), false)"
            " or regexp_matches(dimension, 'breakdown_value=(\\(all\\)|h_[0-9a-f]{20})$'))"
            " and masked(report) = report and masked(dimension) = dimension"
        )

    # -- one column

    def _chosen(
        self, table: str, name: str, type_: str, columns: dict[str, str], is_private: bool
    ) -> tuple[str, str | None]:
        quoted = f'"{name}"'
        if is_private:
            return name, f"pseudonym({quoted}::varchar)" if self.mode == HASH else None
        if table == "fct_events" and name == "properties":
            return name, 'properties_of("shown keys", "hashed keys", properties)'
        if table == "fct_events" and name == "name" and self._private_names:
            hidden = f"pseudonym({quoted})" if self.mode == HASH else "null"
            names = ", ".join("'" + each + "'" for each in self._private_names)
            return name, f"case when event in ({names}) then {hidden} else masked({quoted}) end"
        if self.mode == HASH and name == "breakdown_value" and "breakdown" in columns:
            return name, self._hashed_value(quoted, self._breakdown_is_private(columns))
        if (
            self.mode == HASH
            and table == "retention_comparisons"
            and name in ("value_a", "value_b")
        ):
            return name, self._hashed_value(quoted, self._report_is_private)
        if type_ == "JSON":
            return name, f"masked_json({quoted})"
        if type_ == "VARCHAR":
            is_id = name == "id" or name.endswith("_id")
            return name, self.shown_id(quoted) if is_id else f"masked({quoted})"
        return name, quoted

    def shown_id(self, sql: str) -> str:
        """Return SQL for an id as readers see it; `sql` is the id in the warehouse."""
        return f"{'masked_id' if self._has_named_ids else 'masked'}({sql})"

    @staticmethod
    def _hashed_value(value: str, is_private: str) -> str:
        return (
            f"case when {is_private} and {value} not in ('(all)', '(none)') then pseudonym({value})"
            f" else masked({value}) end"
        )

    def _private_columns(self, table: str) -> set[str]:
        if table not in _DIMS:
            return self._private_context
        # The column of a trait named like a fixed column is trait_*; `plan` is one column.
        fixed = set(FIXED_COLUMNS[_DIMS[table]]) - {"plan"}
        traits = self._all(
            f"""
            select trait, {_SNAKE_CASE} from {self.warehouse}.staging.stg_plan_traits
            where is_pii and entity = ?
            """,
            [_DIMS[table]],
        )
        named = {f"trait_{column}" if column in fixed else column for _, column in traits}
        private = {trait for trait, _ in traits}
        return named | {
            column
            for column, setting in _COLUMNS_OF_VARS.items()
            if str(self.variables.get(setting) or "").strip() in private
        }

    @cached_property
    def _private_context(self) -> set[str]:
        found = self._all(
            f"select column_name from {self.warehouse}.staging.stg_context_columns where is_pii"
        )
        return {name for (name,) in found}

    @cached_property
    def _private_names(self) -> list[str]:
        """`page` and `screen`, where their property `name` is marked."""
        found = self._all(
            f"select distinct event from {self.warehouse}.staging.stg_plan_properties"
            " where is_pii and property = 'name' and event in ('page', 'screen') order by event"
        )
        return [event for (event,) in found]

    # -- rows

    def _shown_rows(self, table: str, columns: dict[str, str]) -> str:
        if self.mode == HASH:
            return "true"
        if "breakdown" in columns and "breakdown_value" in columns:
            is_private = self._breakdown_is_private(columns)
            return f"(not {is_private} or breakdown_value = '(all)')"
        if table == "retention_comparisons":
            return f"not {self._report_is_private}"
        return "true"

    def _breakdown_is_private(self, columns: dict[str, str]) -> str:
        entity = "entity" if "entity" in columns else "null"
        return f"coalesce(is_private_breakdown({entity}, breakdown), false)"

    @property
    def _report_is_private(self) -> str:
        return (
            f"report in (select reports.report from {self.warehouse}.staging.stg_retention_reports"
            " as reports where is_private_breakdown(reports.entity, reports.breakdown))"
        )

    def _select_traits(self, where: str) -> str:
        hashed = {
            name: f"'\"' || pseudonym(json_extract_string({name}::json, '$')) || '\"'"
            for name in ("value", "value_as_sent")
        }
        shown = {
            name: f"case when plan.is_pii then {hashed[name]} else masked_json({name}) end"
            for name in hashed
        }
        return f"""
            select
                traits.entity, {self.shown_id("traits.entity_id")} as entity_id, traits.trait,
                {shown["value"]} as value, {shown["value_as_sent"]} as value_as_sent,
                traits.valid_from, traits.valid_to
            from {self.warehouse}.marts.fct_traits as traits
            inner join {self.warehouse}.staging.stg_plan_traits as plan
                on traits.entity = plan.entity and traits.trait = plan.trait
            where ({where}) and {"true" if self.mode == HASH else "not plan.is_pii"}
        """

    # -- the functions

    def _define_functions(self, key: bytes) -> None:
        key = (sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
        inner, outer = (bytes(byte ^ pad for byte in key).hex() for pad in (0x36, 0x5C))
        staging = f"{self.warehouse}.staging"
        may_be_address = "({})".format(" or ".join(f"contains(x, '{at}')" for at in _AT))
        value = "pseudonym(json_extract_string(pair.value, '$'))"
        hashed = f"case when list_contains(hashed, trim(pair.key)) then to_json({value})"
        self.connection.execute(
            f"""
            create temp macro pseudonym(x) as
                'h_' || left(sha256(
                    unhex('{outer}') || unhex(sha256(unhex('{inner}') || encode(x)))
                ), 20);
            create temp macro masked(x) as case
                when {may_be_address} and regexp_matches(x, '{_ADDRESS}') then pseudonym(x) else x
            end;
            create temp macro masked_json(x) as case
                when {may_be_address.replace("x,", "x::varchar,")}
                    then regexp_replace(
                        x::varchar, '{_ESCAPES}{_ADDRESS}', '\\1[address]', 'g'
                    )::json
                else x::json
            end;
            create temp table named_ids (id varchar);
            create temp macro masked_id(x) as case
                when x in (select named_ids.id from named_ids) then pseudonym(x) else masked(x)
            end;
            create temp table shown_keys as
                select
                    event,
                    list(property) filter (not is_pii or '{self.mode}' = 'hash') as "shown keys",
                    coalesce(list(property) filter (is_pii), []) as "hashed keys"
                from {staging}.stg_plan_properties
                group by event;
            create temp macro properties_of(shown, hashed, x) as
                -- null if two keys become equal: there is no rule which value counts
                masked_json(coalesce(try(to_json(map_from_entries(list_transform(
                    list_filter(
                        map_entries(try_cast(x as map(varchar, json))),
                        lambda pair: list_contains(shown, trim(pair.key))
                    ),
                    lambda pair: {{'key': trim(pair.key), 'value': {hashed} else pair.value end}}
                )))), case when x is not null then '{{}}'::json end));
            create temp macro is_private_breakdown(of_entity, x) as (
                x in (
                    select trait from {staging}.stg_plan_traits
                    where
                        is_pii
                        and (
                            entity = of_entity
                            or coalesce(of_entity, '') not in ('user', 'company')
                        )
                    union all
                    select entity || '.' || trait from {staging}.stg_plan_traits where is_pii
                    union all
                    select 'property:' || property from {staging}.stg_plan_properties where is_pii
                    union all
                    select 'context:' || column_name from {staging}.stg_context_columns where is_pii
                )
            );
            """
        )

    def _find_named_ids(self) -> None:
        """Find the ids that are a value of a marked trait in any case, addresses aside."""
        self.connection.execute(
            f"""
            insert into named_ids
            with private_values as (
                select distinct lower(trim(traits.value_text)) as value
                from {self.warehouse}.intermediate.int_trait_history as traits
                inner join {self.warehouse}.staging.stg_plan_traits as plan
                    on traits.entity = plan.entity and traits.trait = plan.trait
                where plan.is_pii and length(trim(traits.value_text)) > 2
            ),
            ids as (
                select user_id as id from {self.warehouse}.intermediate.int_call_days
                union all select anonymous_id from {self.warehouse}.intermediate.int_call_days
                union all select company_id from {self.warehouse}.intermediate.int_call_days
            )
            select distinct id from ids
            semi join private_values on lower(trim(ids.id)) = private_values.value
            where masked(id) = id
            """
        )

    @cached_property
    def _has_named_ids(self) -> bool:
        return self._one("select count(*) > 0 from named_ids")[0]

    @cached_property
    def _warehouse_key(self) -> str:
        return self._one(f"select key from {self.warehouse}.meta.publishing_key")[0]

    def _columns(self, table: str, schema: str = "marts") -> dict[str, str]:
        return dict(
            self._all(
                """
                select column_name, data_type from duckdb_columns()
                where database_name = ? and schema_name = ? and table_name = ?
                order by column_index
                """,
                [self.warehouse.strip('"'), schema, table],
            )
        )

    def _one(self, sql: str, parameters: list | None = None) -> tuple:
        return self.connection.execute(sql, parameters or []).fetchone()

    def _all(self, sql: str, parameters: list | None = None) -> list[tuple]:
        return self.connection.execute(sql, parameters or []).fetchall()
