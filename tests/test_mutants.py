"""tests/mutants.py, tested on a small dbt project."""

import pytest
import yaml
from harness import _dbt
from mutants import connect, read_models, report

MODEL = """\
{{ config(materialized='table') }}
-- One row per user with an order: its first large one.
select
    user_id,
    min(ordered_at) as first_large_at
from {{ ref('orders') }}
where amount >= 10
group by user_id
"""
ORDERS = "select 'ana' as user_id, 10 as amount, date '2024-05-01' as ordered_at"
PROFILE = """\
shop:
  target: local
  outputs:
    local: {type: duckdb, path: "{{ env_var('DAYBOOK_DATABASE') }}"}
"""


@pytest.fixture
def judged(tmp_path, capsys):
    """Judge the model under one unit test of these orders; the exit code and what is printed."""

    def judge(orders, equivalent=None):
        models = tmp_path / "models"
        models.mkdir()
        unit_test = {
            "name": "the_first_large_order_counts",
            "model": "first_orders",
            "given": [{"input": "ref('orders')", "rows": orders}],
            "expect": {"rows": [{"user_id": "ana", "first_large_at": "2024-05-02"}]},
        }
        (tmp_path / "dbt_project.yml").write_text("{name: shop, profile: shop}")
        (tmp_path / "profiles.yml").write_text(PROFILE)
        (models / "orders.sql").write_text(ORDERS)
        (models / "first_orders.sql").write_text(MODEL)
        (models / "shop.yml").write_text(yaml.safe_dump({"unit_tests": [unit_test]}))
        build = _dbt(tmp_path, "build", vars={"of": "the mutants' own tests"})
        assert build.succeeded, build.output
        with connect(tmp_path / "warehouse.duckdb") as connection:
            found = read_models(connection, tmp_path, build.target).values()
            code = report(connection, found, equivalent or {})
        return code, capsys.readouterr().out.splitlines()

    return judge


def order(day, amount):
    return {"user_id": "ana", "ordered_at": f"2024-05-0{day}", "amount": amount}


SMALL_THEN_TWO_LARGE = [order(1, 9), order(2, 10), order(3, 11)]
TWO_LARGE = [order(2, 11), order(3, 12)]  # no row shows where large begins


def test_a_test_with_each_case_kills_every_mutant(judged):
    code, lines = judged(SMALL_THEN_TWO_LARGE)
    assert code == 0
    assert "first_orders: 4 mutants, 4 killed, 0 equivalent, 0 survive" in lines


def test_surviving_mutants_of_a_rule_without_a_case_are_named(judged):
    code, lines = judged(TWO_LARGE)
    assert code == 1
    assert [line.strip() for line in lines if line.startswith("  ")] == [
        "models/first_orders.sql  (last): 10 -> 11",
        "models/first_orders.sql  (last): amount >= 10 -> TRUE",
        "models/first_orders.sql  (last): amount >= 10 -> amount > 10",
    ]


def test_a_mutant_that_is_listed_as_equivalent_may_survive(judged):
    mutants = ["10 -> 11", "amount >= 10 -> TRUE", "amount >= 10 -> amount > 10"]
    group = {"reason": "All orders are large.", "mutants": [f"(last): {one}" for one in mutants]}
    code, lines = judged(TWO_LARGE, {"first_orders": [group]})
    assert code == 0
    assert "first_orders: 4 mutants, 1 killed, 3 equivalent, 0 survive" in lines


def test_a_listed_equivalent_mutant_that_no_longer_survives_must_be_removed_from_the_list(judged):
    group = {"reason": "None.", "mutants": ["(last): amount >= 10 -> TRUE"]}
    code, lines = judged(SMALL_THEN_TWO_LARGE, {"first_orders": [group]})
    assert code == 1
    assert any("no such survivor" in line and "amount >= 10 -> TRUE" in line for line in lines)


def test_models_without_a_unit_test_are_named(judged):
    _, lines = judged(TWO_LARGE)
    assert "without a unit test: orders" in lines
