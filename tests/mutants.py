"""Changes the SQL of the models in one place at a time, and checks that a unit test fails.

    python tests/mutants.py [MODEL...]

dbt runs every unit test once, on an empty warehouse, and writes the SQL that it ran: the given rows
as CTEs, the model's SQL over them, and the expected rows. Here the given rows become temporary
tables, operators make mutants of the model's SQL (a condition dropped, < for <=, min for max, left
for inner, ...), and DuckDB runs each mutant over the rows of each test, in milliseconds.

A mutant is killed when a test of its model gets other rows or an error. SQL that does not compile
is no mutant. A mutant that no test kills survives: either a rule has no test, or the change means
nothing. The second kind stands in equivalent_mutants.yml, with the reason.

A unit test runs a keyed model as its plain SELECT, without the block `touched_keys`: the stories
have to kill the mutants of the blocks (tests/test_touched_keys.py).
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

import duckdb
import sqlglot
import yaml
from harness import REPO, Daybook
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB

EQUIVALENT = REPO / "tests" / "equivalent_mutants.yml"
FIXTURE = "__dbt__cte__"
JINJA_OR_COMMENT = re.compile(
    r"\{% call touched_keys.*?endcall.*?%\}|\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|--[^\n]*", re.DOTALL
)
LONG_MACRO = 80  # nodes: readable_time(), say, has tests of its own
SECONDS_OF_A_MUTANT = 10  # a recursive CTE without its end condition never ends
DOES_NOT_COMPILE = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)

PAIRS = [
    (exp.LT, exp.LTE),
    (exp.GT, exp.GTE),
    (exp.Add, exp.Sub),
    (exp.Min, exp.Max),
    (exp.ArgMin, exp.ArgMax),
    (exp.Least, exp.Greatest),
    (exp.Lag, exp.Lead),
    (exp.FirstValue, exp.LastValue),
    (exp.LogicalOr, exp.LogicalAnd),
]
SWAPS = dict(PAIRS) | {other: one for one, other in PAIRS}
SWAPS |= {exp.NullSafeEQ: exp.EQ, exp.NullSafeNEQ: exp.NEQ}
JOINS = {"LEFT": ["INNER"], "INNER": ["LEFT"], "FULL": ["LEFT", "RIGHT"], "SEMI": ["ANTI"]}
JOINS |= {"ANTI": ["SEMI"]}


class Dialect(DuckDB):
    """Writes json_extract() by name: within a call, DuckDB reads the arrow as that of a lambda."""

    class Generator(DuckDB.Generator):
        """The same as DuckDB's."""

        TRANSFORMS = DuckDB.Generator.TRANSFORMS | {
            kind: lambda self, node, name=name: self.func(name, node.this, node.expression)
            for kind, name in (
                (exp.JSONExtract, "json_extract"),
                (exp.JSONExtractScalar, "json_extract_string"),
            )
        }


def sql(node: exp.Expression) -> str:
    """An expression as one line of SQL."""
    return node.sql(Dialect, comments=False)


# --- operators ---


def changes(node: exp.Expression) -> Iterator[exp.Expression | tuple[exp.Expression, str]]:
    """The possible replacements of a node: expressions, some with words that say what changed."""
    parent, key = node.parent, node.arg_key

    # A term of a condition, or a whole condition.
    if isinstance(parent, exp.Connector):
        if not isinstance(node, type(parent)):
            yield exp.Boolean(this=isinstance(parent, exp.And))
    elif isinstance(parent, exp.Where | exp.Having | exp.Qualify) or key == "on":
        if not isinstance(node, exp.And):
            yield exp.true()
    elif isinstance(parent, exp.If) and key == "this":
        yield exp.false()
    elif isinstance(parent, exp.Case) and key == "default" and not isinstance(node, exp.Null):
        yield exp.null()
    # A column of a partition, or of an order: the order of a whole query means nothing to a test.
    elif isinstance(parent, exp.Window) and key == "partition_by":
        yield exp.null(), f"PARTITION BY without {sql(node)}"
    elif isinstance(node, exp.Ordered) and not isinstance(parent.parent, exp.Query):
        yield exp.Ordered(**node.copy().args | {"desc": not node.args.get("desc")})
        if len(parent.expressions) > 1:
            yield exp.Ordered(this=exp.null()), f"ORDER BY without {sql(node)}"

    match node:
        case _ if type(node) in SWAPS:
            yield SWAPS[type(node)](**node.copy().args)
        case exp.Between():
            this, low, high = (node.args[name].copy() for name in ("this", "low", "high"))
            yield exp.and_(this > low, this <= high)
            yield exp.and_(this >= low, this < high)
        case exp.Not() | exp.Nullif() | exp.Lower() | exp.Upper() | exp.Trim():
            yield node.this.copy()
        case exp.Boolean():
            yield exp.Boolean(this=not node.this)
        case exp.Literal() if re.fullmatch(r"\d{1,6}", node.name) and (
            isinstance(parent, exp.Interval) or not node.is_string
        ):
            if not isinstance(parent, exp.DataTypeParam):
                yield exp.Literal.number(int(node.name) + 1)
        case exp.Coalesce():
            parts = [node.this, *node.expressions]
            for dropped in parts:
                this, *others = (part.copy() for part in parts if part is not dropped)
                yield exp.Coalesce(this=this, expressions=others) if others else this
        case exp.In() if len(node.expressions) > 1:
            for dropped in node.expressions:
                kept = [value.copy() for value in node.expressions if value is not dropped]
                yield exp.In(this=node.this.copy(), expressions=kept)
        case exp.Distinct() if isinstance(parent, exp.AggFunc) and len(node.expressions) == 1:
            yield node.expressions[0].copy()
        case exp.Select() if node.args.get("distinct"):
            all_rows = node.copy()
            all_rows.set("distinct", None)
            yield all_rows, "SELECT DISTINCT -> SELECT"
        case exp.Union():
            if node.args.get("distinct"):
                yield exp.Union(**node.copy().args | {"distinct": False}), "UNION -> UNION ALL"
            for dropped, kept in ((node.right, node.left), (node.left, node.right)):
                if not isinstance(dropped, exp.Union) and (kept := kept.copy()):
                    kept.set("with_", node.args.get("with_") and node.args["with_"].copy())
                    yield kept, f"UNION without {sql(dropped)[:100]}"
        case exp.Join():
            before = (node.side or node.kind).upper()
            for after in JOINS.get(before, []):
                place = {"side" if after in ("LEFT", "RIGHT") else "kind": after}
                joined = exp.Join(**node.copy().args | {"side": "", "kind": ""} | place)
                yield joined, f"{before} JOIN {node.alias_or_name} -> {after}"


# --- unit tests, as dbt ran them ---


@dataclass
class UnitTest:
    """A model's SQL over the rows that one unit test gives, and the rows that it expects."""

    name: str
    model: exp.Subquery  # a parent for the whole query, so that every node can be replaced
    columns: str
    prefix: str
    expected: Counter
    own_words: set[int]  # where the SQL that ran has words of the model's file, not of Jinja

    def rows(self, connection: duckdb.DuckDBPyConnection) -> Counter:
        """The rows of the model for the current state of its tree."""
        query = f"select {self.columns} from {sql(self.model)} as actual"
        timer = threading.Timer(SECONDS_OF_A_MUTANT, connection.interrupt)
        timer.start()
        try:
            return rows_of(connection, query.replace(FIXTURE, self.prefix))
        finally:
            timer.cancel()

    def is_own(self, node: exp.Expression) -> bool:
        """Whether its word stands in the model's file."""
        quote = bool(node.args.get("is_string"))
        return node.meta.get("start", -1) + quote in self.own_words

    def places(self, node: exp.Expression) -> tuple[list[exp.Expression], int, bool]:
        """The nodes to change, how many there are, and whether one is own; no long macro's."""
        nodes, size, is_own = [node], 1, self.is_own(node) or isinstance(node, exp.Select)
        for found in map(self.places, node.iter_expressions()):
            nodes, size, is_own = nodes + found[0], size + found[1], is_own or found[2]
        return nodes if is_own or size <= LONG_MACRO else [], size, is_own


@dataclass
class Model:
    """A model's file and its unit tests."""

    name: str
    path: str
    tests: list[UnitTest] = field(default_factory=list)


def rows_of(connection: duckdb.DuckDBPyConnection, query: str) -> Counter:
    """A query's rows, without their order."""
    return Counter(map(repr, connection.execute(query).fetchall()))


def read_models(
    connection: duckdb.DuckDBPyConnection, project: Path, target: Path
) -> dict[str, Model]:
    """The models of a dbt run in `target`, with their unit tests."""
    manifest = json.loads((target / "manifest.json").read_text())
    models = {
        node["name"]: Model(node["name"], node["original_file_path"])
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
    }
    for number, test in enumerate(manifest["unit_tests"].values()):
        model = models[test["model"]]
        ran = next((target / "run").rglob(f"{test['name']}.sql")).read_text()
        source = (project / model.path).read_text()
        model.tests.append(unit_test(connection, test["name"], f"_{number}_", ran, source))
    return models


def unit_test(
    connection: duckdb.DuckDBPyConnection, name: str, prefix: str, ran: str, source: str
) -> UnitTest:
    """Make a unit test of the SQL that dbt ran for it; its given rows become temporary tables."""
    actual, expected = (
        cte.this for cte in sqlglot.parse_one(ran, dialect=Dialect).args["with_"].expressions
    )
    model = actual.args["from_"].this.pop()
    model.set("alias", None)
    ctes = model.this.args["with_"].expressions
    begin = 0  # of the model's own SQL, after the given rows
    for fixture in [cte for cte in ctes if cte.alias.startswith(FIXTURE)]:
        table = fixture.alias.replace(FIXTURE, prefix)
        connection.execute(f'create temp table "{table}" as {sql(fixture.this)}')
        begin = max(begin, *(node.meta.get("end", 0) for node in fixture.walk()))
        fixture.pop()
    if not ctes:
        model.this.args["with_"].pop()
    columns = ", ".join(sql(column) for column in actual.expressions[:-1])

    words = list(re.compile(r"\w+").finditer(ran, begin))
    same = SequenceMatcher(
        None,
        [word[0] for word in words],
        re.findall(r"\w+", JINJA_OR_COMMENT.sub(" ", source)),
        autojunk=False,
    ).get_matching_blocks()
    return UnitTest(
        name,
        model.copy(),  # the parser gives some nodes a wrong parent
        columns,
        prefix,
        rows_of(connection, f"select {columns} from ({sql(expected)})"),
        {words[start + n].start() for start, _, size in same for n in range(size)},
    )


# --- mutants ---

# One change of a model, in each unit test at the same place: "CTE: what changed", and its number
# among those that read the same.
Mutant = tuple[str, int]


def mutants_of(test: UnitTest) -> Iterator[tuple[Mutant, exp.Expression, exp.Expression]]:
    """Each mutant of a model, for one unit test: a node, and its replacement."""
    seen = Counter()
    for node in test.places(test.model.this)[0]:
        cte = node.find_ancestor(exp.CTE)
        for change in changes(node):
            new, words = change if isinstance(change, tuple) else (change, None)
            if new == node:
                continue
            words = f"{cte.alias if cte else '(last)'}: {words or f'{sql(node)} -> {sql(new)}'}"
            for text in node.find_all(exp.Literal):
                if text.is_string and not test.is_own(text):
                    words = words.replace(sql(text), "'...'")  # a var: another one in each test
            seen[words] += 1
            yield (words, seen[words]), node, new


def survivors(connection: duckdb.DuckDBPyConnection, model: Model) -> tuple[int, list[str]]:
    """Run the mutants of a model over its unit tests; how many there are, and which survive."""
    places = defaultdict(list)
    for test in model.tests:
        if test.rows(connection) != test.expected:
            raise SystemExit(f"{model.name}: {test.name} fails without a mutant")
        for mutant, node, new in mutants_of(test):
            places[mutant].append((test, node, new))
    verdicts = {mutant: verdict(connection, places[mutant]) for mutant in places}
    alive = sorted(words for (words, _), killed in verdicts.items() if killed is False)
    return sum(killed is not None for killed in verdicts.values()), alive


def verdict(connection: duckdb.DuckDBPyConnection, places: list) -> bool | None:
    """Whether a test kills a mutant; None for one that does not compile."""
    killed = None
    for test, node, new in places:
        node.replace(new)
        try:
            killed = test.rows(connection) != test.expected
        except DOES_NOT_COMPILE:
            pass
        except duckdb.Error:
            killed = True
        finally:
            new.replace(node)
        if killed:
            break
    return killed


def report(connection: duckdb.DuckDBPyConnection, models: Iterable[Model], equivalent: dict) -> int:
    """Judge the mutants of models and print the survivors; 1 if something is left to do."""
    totals, untested, stale = Counter(), [], []
    for model in models:
        if not model.tests:
            untested.append(model.name)
            continue
        mutants, alive = survivors(connection, model)
        known = Counter(
            words for group in equivalent.get(model.name, ()) for words in group["mutants"]
        )
        left = Counter(alive) - known
        stale += [(model.name, words) for words in (known - Counter(alive)).elements()]
        counts = {
            "mutants": mutants,
            "killed": mutants - len(alive),
            "equivalent": len(alive) - left.total(),
            "survive": left.total(),
        }
        totals.update(counts)
        print(f"{model.name}: {in_words(counts)}", flush=True)
        for words in left.elements():
            print(f"  {model.path}  {words}")

    for name, words in sorted(stale):
        print(f"equivalent_mutants.yml: {name} has no such survivor, take it out: {words}")
    if untested:
        print(f"without a unit test: {', '.join(untested)}")
    print(f"all: {in_words(totals)}")
    return int(bool(totals["survive"] or stale))


def in_words(counts: dict[str, int]) -> str:
    """Counts as text, each before its name."""
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def main(names: list[str]) -> int:
    """Judge the mutants of these models, or of all."""
    equivalent = yaml.safe_load(EQUIVALENT.read_text())
    with tempfile.TemporaryDirectory(prefix="daybook-mutants-") as folder:
        daybook = Daybook(Path(folder) / "daybook")
        build = daybook.build("--exclude-resource-type", "test", vars={"unit_tests": True})
        with connect(daybook.database) as connection:
            models = read_models(connection, REPO, build.target)
            if unknown := sorted({*names, *equivalent} - models.keys()):
                print(f"no model is called {', '.join(unknown)}", file=sys.stderr)
                return 2
            return report(connection, [models[name] for name in names or models], equivalent)


def connect(database: Path) -> duckdb.DuckDBPyConnection:
    """Open the warehouse that dbt built, for reading; given rows go into temporary tables."""
    connection = duckdb.connect(str(database), read_only=True)
    connection.execute("set TimeZone = 'UTC'; set threads = 1")
    return connection


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
