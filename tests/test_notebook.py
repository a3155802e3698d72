"""The notebook: every cell, every control, and numbers that equal those in published/."""

import importlib.util
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from datetime import date, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import duckdb
import polars as pl
import pytest
from browser import WIDE, chromium
from harness import REPO, Daybook
from playwright.sync_api import Page
from polars.testing import assert_frame_equal
from test_readme import blocks

from loaders.notebook import choices, views
from loaders.notebook.command import notebook_of
from loaders.notebook.night import open_night
from loaders.notebook.views import View
from loaders.report.marts import Marts
from loaders.report.sections.activity import activity

NOTEBOOK = REPO / "analyses" / "notebooks" / "product.py"
SECTIONS = ["activity", "triangle", "curves", "activation", "adoption", "questions"]
BUSY = """
import marimo

app = marimo.App()


@app.cell
def _():
    import duckdb

    open("at_work", "w").close()
    while True:
        duckdb.execute("from range(1000)").fetchall()
"""
SCRIPT = "<script>document.title = 'taken'</script>"
EVER = date.min


@pytest.fixture(scope="module")
def published(usual_world, tmp_path_factory) -> Path:
    """The folder of a company with one published night and no notebook of its own."""
    daybook = Daybook(tmp_path_factory.mktemp("notebook") / "daybook")
    daybook.database.write_bytes(usual_world.daybook.database.read_bytes())
    daybook.run("publish")
    (daybook.folder / "analyses").unlink()
    return daybook.folder


@pytest.fixture(scope="module")
def marts(published) -> Marts:
    return open_night(published / "published").marts


@pytest.fixture
def a_copy(published, tmp_path) -> Path:
    """A working folder with a published night, for one test to change."""
    shutil.copytree((published / "published").resolve(), tmp_path / "published")
    return tmp_path


def change(folder: Path, *statements: str) -> None:
    with duckdb.connect(str(folder / "published" / "daybook.duckdb")) as connection:
        for statement in statements:
            connection.execute(statement)


def run_every_cell(folder: Path) -> list[Any]:
    """The output of the notebook's cells in a working folder; raises the error of a cell."""
    spec = importlib.util.spec_from_file_location("product", NOTEBOOK)
    notebook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(notebook)
    with chdir(folder):
        outputs, _ = notebook.app.run()
    return [output for output in outputs if output is not None]


def html(view: View) -> str:
    return view._repr_html_()


def text(view: View) -> str:
    words = re.sub(r"<style>.*?</style>|<[^>]*>", " ", html(view), flags=re.DOTALL)
    return re.sub(r"[\s\N{NO-BREAK SPACE}]+", " ", words)


# Without a browser


def test_every_cell_runs_and_shows_its_section(published):
    shown = [output for output in run_every_cell(published) if isinstance(output, View)]
    assert "As of" in text(shown[0])
    sections = [re.findall(r'<section id="(\w+)"', html(view)) for view in shown[1:]]
    assert sections == [[section] for section in SECTIONS]
    assert all("<svg" in html(view) or "<table" in html(view) for view in shown[1:])


def test_every_choice_of_every_control_has_a_view(marts):
    assert list(choices.entities(marts)) == ["Companies", "Users"]
    for entity in choices.entities(marts).values():
        for clock in choices.clocks(marts):
            assert "<svg" in html(views.activity(marts, entity, clock, EVER)), (entity, clock)
        assert "<svg" in html(views.adoption(marts, entity, clock, EVER)), entity
        assert "<svg" in html(views.activation(marts, entity, EVER)), entity
        for report in choices.reports(marts, entity):
            value = list(choices.values(marts, report).values())[-1]
            assert "heatmap" in html(views.triangle(marts, report, value, EVER)), report
            assert "<svg" in html(views.curves(marts, report, value, EVER)), report


def test_only_periods_that_the_logs_fill_are_offered(marts):
    # 80 days.
    assert list(choices.periods(marts)) == ["last 4 weeks", "everything"]
    last_4_weeks = choices.periods(marts)["last 4 weeks"]
    assert (marts.as_of - last_4_weeks).days + 1 == 28
    assert choices.usual_period(marts) == "everything"


def test_the_triangle_holds_the_cells_of_the_picked_report_value_and_period(marts):
    report = "users by role"
    value = list(choices.values(marts, report).values())[1]
    since = marts.as_of - timedelta(34)
    cells = marts.query(
        "marts.retention",
        """
        select retention_rate, retained, cohort_size, is_complete
        from marts.retention
        where report = $report and breakdown_value = $value and cohort_start >= $since
            and period_number > 0 and cohort_size > 0
        order by cohort_start, period_number
        """,
        report=report,
        value=value,
        since=since,
    ).to_dicts()
    expected = [
        f"{100 * cell['retention_rate']:.0f}"
        if cell["is_complete"]
        else f"in progress: {cell['retained']:,} of {cell['cohort_size']:,} so far"
        for cell in cells
    ]
    assert len(expected) > 5
    assert any(each.startswith("in progress") for each in expected)

    page = html(views.triangle(marts, report, value, since))
    rows = re.findall(r'<tr><th scope="row">.*?</tr>', page)
    shown = re.findall(r'<td class="(?:h\d|progress)[^>]*>(.*?)</td>', "".join(rows))
    assert [re.sub("<.*?>", "", cell) for cell in shown] == expected
    assert f"Only role: {value}." in page


def test_the_curves_of_everything_are_those_of_retention_overall(marts):
    columns = ["report", "breakdown_value", "period_number", "cohorts", "cohort_size", "retained"]
    columns += ["retention_rate", "rate_low", "rate_high"]
    overall = marts.query("marts.retention_overall", "from marts.retention_overall")
    ours = views.pooled(marts.query("marts.retention", "from marts.retention"))
    assert overall.height > 100
    order = columns[:3]
    assert_frame_equal(
        ours.select(columns).sort(order),
        overall.select(columns).sort(order),
        check_dtypes=False,
        abs_tol=1e-12,
    )


def test_a_curve_of_a_period_excludes_earlier_cohorts(marts):
    report, since = "companies by week", marts.as_of - timedelta(34)
    ((size,),) = marts.connection.execute(
        "select sum(cohort_size) from marts.retention"
        " where report = ? and period_number = 0 and cohort_start >= ?",
        [report, since],
    ).fetchall()
    assert 0 < size < 80
    assert f"everybody n = {size}" in text(views.curves(marts, report, choices.ALL, since))


def test_the_curve_of_a_value_is_shown_beside_the_curve_of_everybody(marts):
    every = choices.values(marts, "users by role")
    value = list(every.values())[1]
    of_all = text(views.curves(marts, "users by role", choices.ALL, EVER))
    of_one = text(views.curves(marts, "users by role", value, EVER))
    for other in list(every.values())[1:6]:
        assert f"{other} n = " in of_all
        assert (f"{other} n = " in of_one) == (other == value)
    assert "everybody n = " in of_one


@pytest.mark.parametrize("clock", ["day", "week", "month"])
def test_activity_shows_the_last_complete_period_and_hatches_the_one_in_progress(marts, clock):
    periods = marts.query(
        "marts.activity",
        "select * from marts.activity"
        " where report = 'active companies' and clock = $clock order by period_start",
        clock=clock,
    )
    last = periods.filter(pl.col("is_complete")).row(-1, named=True)
    runs = not periods["is_complete"].all()
    assert runs == (clock != "day")
    view = views.activity(marts, "company", clock, EVER)
    assert f"Companies per {clock}, n = {last['active']} " in text(view)
    assert ("url(#hatch-" in html(view)) == runs


def test_adoption_shows_the_last_complete_week_or_month(marts):
    for clock, period in (("day", "week"), ("week", "week"), ("month", "month")):
        ((active,),) = marts.connection.execute(
            "select active from marts.feature_adoption"
            " where period = ? and entity = 'company' and segment = 'paying' and is_complete"
            " order by period_start desc limit 1",
            [period],
        ).fetchall()
        assert f"n = {active} paying" in text(views.adoption(marts, "company", clock, EVER))


def test_an_empty_period_is_reported(marts):
    tomorrow = marts.as_of + timedelta(1)
    for view in (
        views.activity(marts, "user", "week", tomorrow),
        views.triangle(marts, "users by week", choices.ALL, tomorrow),
        views.curves(marts, "users by week", choices.ALL, tomorrow),
        views.activation(marts, "user", tomorrow),
        views.adoption(marts, "user", "week", tomorrow),
    ):
        assert "There is nothing to show in this period. Pick a longer one." in text(view)


def test_the_answers_are_those_of_daybook_ask(published, marts):
    asked = subprocess.run(
        [sys.executable, "-m", "loaders", "ask", "--json"],
        cwd=published,
        capture_output=True,
        check=True,
    )
    with chdir(published):
        shown = html(views.questions(marts))
    answers = [answer["answer"] for answer in pl.read_json(asked.stdout)["questions"][0]]
    assert len(answers) == 7
    for answer in answers:
        assert answer.replace('"', "&#34;").replace("'", "&#39;") in shown


def test_a_section_of_the_report_can_be_shown_as_a_view(marts):
    assert 'id="activity"' in html(views.show(activity(marts)))
    assert "section" not in html(views.show(None))


def test_customer_data_is_escaped(a_copy):
    change(
        a_copy,
        f"update marts.retention set breakdown_value = $${SCRIPT}$$ where breakdown_value ="
        " (select min(breakdown_value) from marts.retention where breakdown = 'role')",
    )
    marts = open_night(a_copy / "published").marts
    assert SCRIPT in choices.values(marts, "users by role")
    for value in (choices.ALL, SCRIPT):
        assert "<script" not in html(views.triangle(marts, "users by role", value, EVER))
        assert "<script" not in html(views.curves(marts, "users by role", value, EVER))


def test_without_some_marts_the_other_views_stay(a_copy):
    change(
        a_copy,
        "drop table marts.activity",
        "drop table marts.retention",
        "delete from marts.feature_adoption where entity = 'company'",
    )
    shown = [text(output) for output in run_every_cell(a_copy) if isinstance(output, View)]
    nothing = ["There is nothing to show" in each for each in shown[1:6]]
    assert nothing == [True, True, True, False, True]


# Before the first night


def test_without_a_published_night_one_line_says_what_to_run(tmp_path):
    (shown,) = run_every_cell(tmp_path)
    said = f"No night has been published in {tmp_path} yet. Run there: daybook nightly LOGS"
    assert said in shown.text
    result = Daybook(tmp_path / "daybook").run("notebook", exit_code=1)
    assert result.stderr.count("\n") == 1
    assert "Run there: daybook nightly LOGS (or, after dbt build: daybook publish)" in result.stderr


def test_a_night_without_a_complete_day_says_so(a_copy):
    change(a_copy, "delete from marts.calendar")
    (shown,) = run_every_cell(a_copy)
    assert "holds no complete day" in shown.text


def test_without_marimo_one_line_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "marimo", None)
    result = Daybook(tmp_path / "daybook").run("notebook", exit_code=1)
    assert result.stderr.count("\n") == 1
    assert "pip install '.[notebook]'" in result.stderr


# Around it


def test_a_companys_own_notebook_is_opened_instead(tmp_path):
    own = tmp_path / "analyses" / "notebooks" / "product.py"
    assert notebook_of(tmp_path) == NOTEBOOK
    own.parent.mkdir(parents=True)
    own.touch()
    assert notebook_of(tmp_path) == own


def test_the_notebook_is_not_listed_as_a_question(usual_world):
    listed = usual_world.daybook.run("ask", "--list").stdout
    assert "which_companies_have_only_one_person" in listed
    assert "notebooks" not in listed


def test_the_lines_of_the_readme_get_a_mart_into_polars_pandas_and_duckdb(published):
    (block,) = blocks("python")
    imports, night, lines = (part.splitlines() for part in block.strip().split("\n\n"))
    rows = len(pl.read_parquet(published / "published" / "activity.parquet"))
    modules = [re.match(r"activity = (\w+)\.", line)[1] for line in lines]
    assert modules == ["polars", "pandas", "duckdb"]
    for module, line in zip(modules, lines, strict=True):
        assert f"import {module}" in imports
        script = "\n".join(
            [f"import {module}", "from pathlib import Path", *night, line, "print(len(activity))"]
        )
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=published,
            capture_output=True,
            text=True,
        )
        assert done.stdout == f"{rows}\n", f"{line}\n{done.stderr}"


# In a real browser


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of `daybook notebook`, run in a folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    command = [sys.executable, "-m", "loaders", "notebook", "--no-browser", "--port", str(port)]
    server = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        end = monotonic() + 60
        while True:
            assert server.poll() is None, server.stdout.read()
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                assert monotonic() < end, "the notebook is not served"
                sleep(0.2)
        yield url
        server.send_signal(signal.SIGINT)  # Ctrl-C
        said, _ = server.communicate(timeout=60)
        assert server.returncode == 0, said
        assert "Traceback" not in said
    finally:
        server.kill()
        server.wait(30)


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


def pick(page: Page, label: str, option: str, shows: str) -> None:
    """Pick an option of a control; wait until the page shows the result."""
    assert page.locator(shows).count() == 0, f"{shows} was there before {option} was picked"
    page.get_by_label(label, exact=True).locator("visible=true").select_option(label=option)
    page.wait_for_selector(shows)


def test_every_control_changes_what_is_shown(browser, published, marts):
    problems, foreign = [], []
    value = list(choices.values(marts, "users by role"))[1]
    with served(published) as url:
        page = browser.new_page(viewport={"width": WIDE, "height": 900})
        page.set_default_timeout(90_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: said.type == "error" and problems.append(said.text))
        page.on("request", lambda asked: foreign.append(asked.url))
        page.goto(url)
        page.wait_for_selector("section#questions")
        shown = page.eval_on_selector_all("section", "all => all.map(each => each.id)")
        assert [each for each in shown if each in SECTIONS] == SECTIONS

        pick(page, "Who", "Users", "#activity h2:text('Active users')")
        page.wait_for_selector("#activation h3:text('Activation of users')")
        page.wait_for_selector("#adoption h3:text('Features that users use')")
        pick(page, "Activity and adoption by", "month", "#activity .units:text('Users per month')")
        pick(page, "Retention report", "users by role", "#curves h3:text('Users by role')")
        pick(page, "Breakdown: role", value, f"#triangle .lead:text('Only role: {value}.')")
        page.wait_for_selector("#curves .units:text('everybody')")
        before = page.locator("#triangle tbody tr").count()
        page.get_by_label("Period").locator("visible=true").select_option(label="last 4 weeks")
        page.wait_for_function(
            "count => document.querySelectorAll('#triangle tbody tr').length < count", arg=before
        )

        # Periods in progress are hatched in the colours of the report.
        hatch = page.locator("#triangle td.progress").first
        assert "repeating-linear-gradient" in hatch.evaluate("e => getComputedStyle(e).background")
        assert page.locator("#triangle td[class^=h]").first.evaluate(
            "e => getComputedStyle(e).backgroundColor"
        ) not in ("rgba(0, 0, 0, 0)", "transparent")
        page.close()
    assert problems == []
    assert [each for each in foreign if not each.startswith((url, "data:", "blob:"))] == []


def test_a_notebook_that_is_at_work_ends_at_ctrl_c(browser, a_copy):
    """Threads at work in DuckDB must not abort the process when Python ends."""
    own = a_copy / "analyses" / "notebooks" / "product.py"
    own.parent.mkdir(parents=True)
    own.write_text(BUSY)
    with served(a_copy) as url:
        page = browser.new_page()
        page.goto(url)
        end = monotonic() + 60
        while not (a_copy / "at_work").exists():
            assert monotonic() < end, "no cell runs"
            sleep(0.1)
        sleep(1)
    page.close()
