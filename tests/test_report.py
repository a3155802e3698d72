"""The content of the report, read in a real browser and without a network."""

import re
import shutil
from pathlib import Path

import duckdb
import orjson
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import PHONE, WIDE, chromium, visit
from harness import Daybook

from loaders.asking.files import chosen
from loaders.report import write_report
from loaders.report.sections import questions

SECTIONS = ["questions", "activity", "retention", "breakdowns", "activation", "adoption"]
SCREENS = [(WIDE, "light"), (WIDE, "dark"), (PHONE, "light"), (PHONE, "dark")]
SCRIPT = "<script>document.title = 'taken'</script>"
IMAGE = "<img src=x onerror=\"document.title = 'taken'\">"

on_every_screen = pytest.mark.parametrize(("width", "colours"), SCREENS)


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def the_report(usual_world, tmp_path_factory) -> Path:
    """The report of an imaginary product's warehouse."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    usual_world.daybook.run("report", "--out", path)
    return path


@pytest.fixture(scope="module")
def the_marts_alone(usual_world, tmp_path_factory) -> Path:
    """A database with the schema marts and nothing else."""
    path = tmp_path_factory.mktemp("copy") / "copy.duckdb"
    with duckdb.connect(str(path)) as copy:
        copy.execute(f"attach '{usual_world.daybook.database}' as warehouse (read_only)")
        copy.execute("create schema marts")
        tables = copy.execute(
            "select table_name from duckdb_tables()"
            " where database_name = 'warehouse' and schema_name = 'marts'"
            " union all select view_name from duckdb_views()"
            " where database_name = 'warehouse' and schema_name = 'marts'"
        ).fetchall()
        for (table,) in tables:
            copy.execute(f"create table marts.{table} as from warehouse.marts.{table}")
    return path


@pytest.fixture
def a_copy(the_marts_alone, tmp_path) -> Path:
    """The same, for one test to change."""
    return Path(shutil.copy(the_marts_alone, tmp_path / "copy.duckdb"))


def changed(database: Path, *statements: str) -> Path:
    """The report of a database after some statements."""
    with duckdb.connect(str(database)) as connection:
        for statement in statements:
            connection.execute(statement)
    out = database.with_suffix(".html")
    write_report(database, None, out)
    return out


def sections(page) -> list[str]:
    return [section.get_attribute("id") for section in page.query_selector_all("main > section")]


def test_a_report_without_breakdown_values_has_no_chart_by_value(a_copy):
    (name,) = set_of_breakdowns(a_copy)[:1]
    statement = (
        "delete from marts.retention_overall"
        f" where report = '{name}' and breakdown_value <> '(all)'"
    )
    shown = changed(a_copy, statement).read_text()
    (section,) = re.findall(r'<section id="breakdowns".*?</section>', shown, re.DOTALL) or [""]
    assert name.lower() not in section.lower()


def set_of_breakdowns(database: Path) -> list[str]:
    """The reports with a breakdown."""
    with duckdb.connect(str(database)) as connection:
        return [
            name
            for (name,) in connection.execute(
                "select distinct report from marts.retention_overall"
                " where breakdown_value <> '(all)' order by report"
            ).fetchall()
        ]


# In the browser


@on_every_screen
def test_the_report_fetches_nothing_and_has_no_error(browser, the_report, width, colours):
    with visit(browser, the_report, width=width, colours=colours) as seen:
        assert seen.problems == []
        assert seen.requests == []


@on_every_screen
def test_the_report_needs_no_horizontal_scroll(browser, the_report, width, colours):
    with visit(browser, the_report, width=width, colours=colours) as seen:
        seen.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
        # Labels of a chart may reach beyond its drawing, but not beyond the page.
        right = seen.page.evaluate(
            "Math.max(...[...document.querySelectorAll('svg text')]"
            ".map(each => each.getBoundingClientRect().right))"
        )
        assert right <= width


@on_every_screen
def test_the_report_meets_wcag_aa(browser, the_report, width, colours):
    with visit(browser, the_report, width=width, colours=colours) as seen:
        seen.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
        found = Axe().run(seen.page, options=rules)
        assert found.violations_count == 0, found.generate_report()


@on_every_screen
def test_texts_in_charts_have_enough_contrast(browser, the_report, width, colours):
    with visit(browser, the_report, width=width, colours=colours) as seen:
        paper = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
        inks = seen.page.evaluate(
            "[...new Set([...document.querySelectorAll('svg text')]"
            ".map(each => getComputedStyle(each).fill))]"
        )
        assert len(inks) > 3
        assert {ink: contrast(ink, paper) for ink in inks if contrast(ink, paper) < 4.5} == {}


def contrast(one: str, other: str) -> float:
    """The contrast of two CSS colours, as WCAG defines it."""
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    channels = [int(number) / 255 for number in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_section_every_report_and_every_question_is_there(browser, the_report, usual_world):
    reports = usual_world.daybook.rows(
        "select report from marts.activity union select report from marts.retention"
    )
    asked = [question.text for question in chosen(None, usual_world.daybook.folder / "analyses")]
    with visit(browser, the_report) as seen:
        assert sections(seen.page) == SECTIONS
        text = seen.text.lower()
        missing = [row["report"] for row in reports if row["report"].lower() not in text]
        missing += [question for question in asked if question.lower() not in text]
        assert missing == []


def test_every_question_has_its_answer_and_its_rows(browser, the_report, usual_world):
    answers = usual_world.daybook.run("ask", "--json").stdout
    with visit(browser, the_report) as seen:
        for place, answer in enumerate(orjson.loads(answers)["questions"]):
            article = seen.page.query_selector_all("article.question")[place]
            assert answer["answer"] in article.text_content()
            assert article.query_selector("figure"), answer["name"]
            rows = article.query_selector_all(".gt_table tbody tr")
            assert len(rows) == min(len(answer["rows"]), 25)


def a_weekly_report(usual_world) -> str:
    """A weekly retention report without a breakdown."""
    sql = "select report from marts.retention where breakdown is null and period = 'week' limit 1"
    return usual_world.daybook.rows(sql)[0]["report"]


def test_the_cells_of_the_heat_maps_are_those_of_the_mart(browser, the_report, usual_world):
    report = a_weekly_report(usual_world)
    cells = usual_world.daybook.rows(
        f"""
        select cohort_start, period_number, retention_rate, retained, cohort_size, is_complete
        from marts.retention
        where report = '{report}' and period_number > 0 and cohort_size > 0
        order by cohort_start, period_number
        """
    )
    expected = [
        f"{100 * cell['retention_rate']:.0f}"
        if cell["is_complete"]
        else f"in progress: {cell['retained']:,} of {cell['cohort_size']:,} so far"
        for cell in cells
    ]
    assert any(text.startswith("in progress") for text in expected)
    with visit(browser, the_report) as seen:
        shown = seen.page.evaluate(
            """report => {
                const figures = [...document.querySelectorAll('#retention figure')];
                const named = each => each.querySelector('h3').textContent.toLowerCase() == report;
                const rows = figures.find(named).querySelectorAll('tbody tr:not(.everybody)');
                const cells = [...rows].flatMap(row => [...row.querySelectorAll('td:not(.size)')]);
                return cells.filter(td => !td.matches('.none')).map(td => td.textContent);
            }""",
            report.lower(),
        )
    assert shown == expected


def test_the_share_of_all_cohorts_has_the_n_of_its_week(browser, the_report, usual_world):
    report = a_weekly_report(usual_world)
    expected = usual_world.daybook.rows(
        f"""
        select cohort_size
        from marts.retention_overall
        where report = '{report}' and period_number > 0 and retention_rate is not null
        order by period_number
        """
    )
    sizes = [row["cohort_size"] for row in expected]
    assert len(set(sizes)) > 1
    with visit(browser, the_report) as seen:
        figures = seen.page.query_selector_all("#retention figure")
        named = {each.query_selector("h3").text_content().lower(): each for each in figures}
        cells = named[report.lower()].query_selector_all("tr.sizes td:not(.size)")
        shown = [cell.text_content() for cell in cells]
    assert [text for text in shown if text] == [f"{size:,}" for size in sizes]


def test_captions_of_retention_say_what_the_report_counts(browser, a_copy):
    kinds = {
        # cohort_event, return_event, cohort_rule, return_window, minimum_events
        "plain": ("", "", "first", "exact", ""),
        "named": ("signed_up", "report_opened", "First", "exact", "1"),
        "later": ("signed_up", "", "first", "on_or_after", ""),
        "often": ("", "", "first", "exact", "3"),
        "every": ("booked", "booked", "every", "on_or_after", "2"),
    }
    page = changed(
        a_copy,
        "create schema seeds",
        "create table seeds.retention_reports (report text, cohort_event text, return_event text,"
        " cohort_rule text, return_window text, minimum_events text)",
        *(
            f"insert into seeds.retention_reports values {(name, *kind)}"
            for name, kind in kinds.items()
        ),
        # Each report counts the same cells; only the definitions differ.
        "delete from marts.retention where breakdown is not null or entity <> 'user'"
        " or period <> 'week'",
        "update marts.retention set report = 'plain'",
        *(
            f"insert into marts.retention"
            f" select * replace ('{name}' as report) from marts.retention where report = 'plain'"
            for name in kinds
            if name != "plain"
        ),
        "update marts.retention_overall set report = 'often' where breakdown is not null",
    )
    with visit(browser, page) as seen:
        figures = seen.page.query_selector_all("#retention figure")
        shown = {
            each.query_selector("h3").inner_text(): each.query_selector(".units").inner_text()
            for each in figures
        }
        assert shown == {
            "Plain": "% of users with an event in that week, by weeks since their first event;"
            " n = users in the cohort",
            "Named": "% of users with report_opened in that week, by weeks since their first"
            " signed_up; n = users in the cohort",
            "Later": "% of users with an event in that week or a later week, by weeks since their"
            " first signed_up; n = users in the cohort",
            "Often": "% of users with at least 3 events in that week, by weeks since their first"
            " event; n = users in the cohort",
            "Every": "% of users with at least 2 \N{MULTIPLICATION SIGN} booked in that week, or in"
            " one later week, by weeks since any week with booked (each such week is a cohort);"
            " n = users in the cohort",
        }
        breakdown = seen.page.query_selector("#breakdowns .units").inner_text()
        assert "at least 3 events in that week" in breakdown


def activity_reports(*names: str) -> list[str]:
    """Statements for activity reports that all count the same, in the order of their seed."""
    return [
        "create schema seeds",
        "create table seeds.activity_reports (report text)",
        *(f"insert into seeds.activity_reports values ('{name}')" for name in names),
        "delete from marts.activity where report <> 'active users'",
        *(
            f"insert into marts.activity select * replace ('{name}' as report)"
            " from marts.activity where report = 'active users'"
            for name in names
        ),
        "delete from marts.activity where report = 'active users'",
    ]


def test_the_headline_has_up_to_six_activity_reports_in_their_order(browser, a_copy):
    names = ["zebras", "yaks", "wolves", "ants", "bees", "cats"]
    with visit(browser, changed(a_copy, *activity_reports(*names))) as seen:
        tiles = [each.inner_text().lower() for each in seen.page.query_selector_all(".tile .name")]
        assert tiles == names
        charts = seen.page.query_selector_all("#activity h3")
        assert [each.inner_text().lower() for each in charts] == names
        assert "activity reports" not in seen.page.query_selector(".tiles").inner_text()


def test_the_headline_says_that_more_activity_reports_are_below(browser, a_copy):
    names = [f"report {number}" for number in range(8, 0, -1)]
    with visit(browser, changed(a_copy, *activity_reports(*names))) as seen:
        tiles = [each.inner_text().lower() for each in seen.page.query_selector_all(".tile .name")]
        assert tiles == names[:6]
        note = seen.page.query_selector(".tiles .note").inner_text()
        assert note == "The first 6 of 8 activity reports; all of them are below."


def test_weeks_in_progress_are_hatched(browser, the_report, usual_world):
    unfinished = usual_world.daybook.rows(
        "select count(distinct report) as n from marts.activity"
        " where clock = 'week' and not is_complete and active > 0"
    )[0]["n"]
    assert unfinished
    with visit(browser, the_report) as seen:
        charts = seen.page.query_selector_all("#activity figure .wide")
        assert sum("url(#hatch-" in chart.inner_html() for chart in charts) == unfinished


def dashed(figure) -> int:
    return len(figure.query_selector_all(".wide svg path[stroke-dasharray]"))


def test_of_two_lines_that_coincide_one_is_dashed(browser, a_copy):
    milestones = "milestone in ('activated', 'data connected')"
    page = changed(
        a_copy,
        "update marts.activation set reach_rate = 0.5"
        f" where entity = 'company' and is_complete and {milestones}",
        "update marts.activation set reach_rate = position / 10"
        " where entity = 'user' and is_complete",
    )
    with visit(browser, page) as seen:
        companies, users = seen.page.query_selector_all("#activation figure")
        assert dashed(companies) == 1
        assert "Dashed: a line that runs on another one." in companies.inner_text()
        assert dashed(users) == 0
        assert "Dashed" not in users.inner_text()


def test_activation_speaks_of_hatching_where_there_is_some(browser, a_copy):
    page = changed(
        a_copy,
        "update marts.activation set entities = 0 where entity = 'company' and not is_complete",
    )
    with visit(browser, page) as seen:
        companies, users = seen.page.query_selector_all("#activation figure")
        assert "Hatched" not in companies.inner_text()
        assert "Hatched" in users.inner_text()


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_the_labels_of_full_adoption_stay_within_the_column(browser, a_copy, width):
    page = changed(
        a_copy,
        "update marts.feature_adoption set adoption_rate = 1 where adoption_rate is not null",
    )
    with visit(browser, page, width=width) as seen:
        for chart in seen.page.query_selector_all("#adoption figure div:visible > svg"):
            box = chart.bounding_box()
            labels = [each.bounding_box() for each in chart.query_selector_all("text")]
            assert max(each["x"] + each["width"] for each in labels) <= box["x"] + box["width"]


@pytest.mark.parametrize("highest", [9, 45, 101, 1620])
def test_the_last_tick_of_a_count_is_above_every_bar(browser, a_copy, highest):
    page = changed(
        a_copy,
        # As one part, so that the bar is as high as the number.
        f'update marts.activity set active = {highest}, retained = {highest}, "new" = 0,'
        " resurrected = 0, dormant = 0",
        f"update marts.activation set entities = {highest}",
    )
    with visit(browser, page) as seen:
        for section in ("activity", "activation"):
            texts = seen.page.eval_on_selector_all(
                f"#{section} .wide svg text", "all => all.map(each => each.textContent)"
            )
            ticks = [int(each.replace(",", "")) for each in texts if re.fullmatch(r"[\d,]+", each)]
            assert highest <= max(ticks) < 2 * highest + 2


# Data of customers and of another company


def test_customer_data_is_escaped(browser, a_copy):
    page = changed(
        a_copy,
        f"update marts.retention_overall set breakdown_value = $${SCRIPT}$$"
        " where breakdown_value = (select min(breakdown_value) from marts.retention_overall"
        " where breakdown_value not in ('(all)', '(none)'))",
        f"update marts.activity set report = $${IMAGE}$$",
        f"update marts.activation set milestone = $${IMAGE}$$ where milestone <> 'activated'",
        f"update marts.feature_adoption set feature = $${SCRIPT}$$ where rank = 1",
        # The names that a question lists.
        f"update marts.fct_traits set value = to_json($${SCRIPT}$$) where trait = 'name'",
    )
    with visit(browser, page) as seen:
        assert seen.problems == []
        assert seen.page.title().startswith("Product report")
        assert seen.page.query_selector_all("script, img") == []
        assert SCRIPT in seen.page.text_content("body")
        assert IMAGE.lower() in seen.page.text_content("#activity h3").lower()


def test_the_report_shows_a_companys_own_words(browser, a_copy):
    page = changed(
        a_copy,
        "update marts.activity set report = 'Fahrer unterwegs' where entity = 'user'",
        "update marts.retention set report = 'Fuhren je Woche' where breakdown is null",
        "update marts.retention_overall set breakdown = 'Größe' where breakdown is not null",
        "update marts.activation set milestone = 'erste Fracht' where position = 2",
        "update marts.feature_adoption set feature = 'Börse' where rank = 2",
    )
    with visit(browser, page) as seen:
        text = seen.page.text_content("body")
        for word in ("Fahrer unterwegs", "Fuhren je Woche", "Größe", "erste Fracht", "Börse"):
            assert word in text


@pytest.mark.parametrize(
    ("section", "statement"),
    [
        ("activity", "drop table marts.activity"),
        ("activity", "delete from marts.activity"),
        ("retention", "drop table marts.retention"),
        ("breakdowns", "delete from marts.retention_overall where breakdown is not null"),
        ("activation", "delete from marts.activation"),
        ("adoption", "drop table marts.feature_adoption"),
    ],
)
def test_without_a_kind_of_report_the_page_has_no_such_section(section, statement, a_copy):
    page = changed(a_copy, statement).read_text()
    shown = re.findall(r'<section id="(\w+)"', page)
    assert shown == [each for each in SECTIONS if each != section]
    assert f'href="#{section}"' not in page


def test_a_report_of_an_empty_warehouse_says_so(daybook):
    daybook.write([])
    daybook.land()
    daybook.build()
    daybook.run("report")
    page = (daybook.folder / "report.html").read_text()
    assert "The warehouse is empty" in page
    assert "<section" not in page


def test_the_questions_are_those_of_the_project_that_is_named(a_copy, tmp_path):
    project = tmp_path / "project"
    (project / "analyses" / "more").mkdir(parents=True)
    (project / "dbt_project.yml").write_text("name: freight\n")
    deeper = project / "analyses" / "more" / "deeper.sql"
    deeper.write_text("-- A question of a folder?\nselect 1 as one")
    out = tmp_path / "report.html"
    write_report(a_copy, project, out)
    assert 'id="questions"' not in out.read_text()

    (project / "analyses" / "trucks.sql").write_text("-- How many trucks?\nselect 4 as trucks")
    for folder in (project, project / "analyses"):
        write_report(a_copy, folder, out)
        questions = re.findall(r"</span>(.*\?)</h3>", out.read_text())
        assert questions == ["How many trucks?"]


@pytest.mark.parametrize(
    ("sql", "is_open"),
    [
        ("select 4 as trucks, 7 as drivers", True),
        ("select n as truck from range(10) as trucks(n)", True),
        ("select n as truck from range(11) as trucks(n)", False),
        ("select 'Four.' as answer, 4 as trucks", False),
    ],
)
def test_a_short_table_without_a_sentence_is_open(browser, a_copy, tmp_path, sql, is_open):
    (tmp_path / "dbt_project.yml").write_text("name: freight\n")
    (tmp_path / "analyses").mkdir()
    (tmp_path / "analyses" / "trucks.sql").write_text(f"-- How many trucks?\n{sql}")
    out = tmp_path / "report.html"
    write_report(a_copy, tmp_path, out)
    with visit(browser, out) as seen:
        assert seen.page.query_selector("#questions table").is_visible() == is_open
        seen.page.emulate_media(media="print")
        assert seen.page.query_selector("#questions table").is_visible() == is_open


def test_a_question_without_an_answer_says_why(a_copy):
    page = changed(a_copy, "drop table marts.fct_activity_days").read_text()
    assert "this question has no answer here" in page  # the copy has no seeds


def test_long_words_do_not_widen_the_page(browser, a_copy):
    long = "Donaudampfschifffahrtsgesellschaft" * 4
    page = changed(
        a_copy,
        f"update marts.activity set report = '{long}' || report",
        f"update marts.retention set report = '{long}' || report",
        f"update marts.retention_overall set breakdown_value = '{long}' || breakdown_value"
        " where breakdown_value <> '(all)'",
        # Cut to their beginnings, and with one n, these values look the same.
        "update marts.retention_overall set cohort_size = 40 where period_number = 0",
        f"update marts.activation set milestone = '{long}' || milestone where position = 2",
        f"update marts.feature_adoption set feature = '{long}' || feature",
    )
    values = "select count(distinct breakdown_value) from marts.retention_overall"
    values += " where lower(report) = ?"
    with visit(browser, page, width=PHONE) as seen:
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= PHONE
        with duckdb.connect(str(a_copy), read_only=True) as connection:
            for figure in seen.page.query_selector_all("#breakdowns figure"):
                report = figure.query_selector("h3").text_content()
                (count,) = connection.execute(values, [report.lower()]).fetchone()
                shown = figure.query_selector(".narrow").text_content().count("n\xa0=\xa0")
                assert shown == count - 1  # each value has a panel of its own; (all) has none


# Changes since last night

NIGHTS = "create schema nights; create table nights.nights as select 1 as number union all select 2"
RESTATEMENTS = """
    create table nights.restatements (
        night bigint, report_kind text, report text, entity text, period text, period_start date,
        dimension text, value_name text, before double, after double, reasons text
    )
"""


def with_changes(database: Path, *changes: str) -> Path:
    """The report of a database whose second night restates some numbers."""
    rows = ", ".join(f"({change})" for change in changes)
    insert = f"insert into nights.restatements values {rows}"
    return changed(database, NIGHTS, RESTATEMENTS, *([insert] if changes else []))


def listed(seen) -> list[list[str]]:
    """The lines of each listed change."""
    items = seen.page.query_selector_all("#restatements li")
    return [[each.inner_text() for each in item.query_selector_all(":scope > *")] for item in items]


def test_without_nights_there_is_no_section_about_them(a_copy):
    assert 'id="restatements"' not in changed(a_copy).read_text()


def test_a_night_that_restates_nothing_says_so(a_copy):
    before = "1, 'activity', 'of the night before', 'user', 'day', '2025-03-03', '', 'active'"
    page = with_changes(a_copy, f"{before}, 1, 2, '{{}}'").read_text()
    assert "Nothing: every number" in page
    assert "of the night before" not in page


def test_a_change_is_told_in_words(browser, a_copy):
    page = with_changes(
        a_copy,
        """2, 'activity', 'active users', 'user', 'rolling_30d', '2025-03-03', '', 'events',
            5026, 4986, '{"company changed": 2, "late events": 1200}'""",
        """2, 'retention', 'users by role', 'user', 'week', '2025-03-03',
            'period_number=3; breakdown=role; breakdown_at=entry; breakdown_value=founder',
            'retention_rate', 0.5, 0.25, '{"trait changed": 1}'""",
        """2, 'activation', 'activation', 'company', 'week', '2025-03-03',
            'milestone=data connected', 'reached', null, 1, '{}'""",
        """2, 'feature_adoption', 'feature_adoption', 'user', 'month', '2025-03-01',
            'segment=paying; feature=reports', 'adoption_rate', 0.5, 0.50001, '{"erased": 3}'""",
    )
    with visit(browser, page, width=PHONE) as seen:
        assert listed(seen) == [
            [
                "Activation of companies",
                "Companies that reached the milestone data connected, sign-ups of the week of"
                " 3 March 2025",
                "no value \N{RIGHTWARDS ARROW} 1",
                "Why: not known. 1 number of this report changed.",
            ],
            [
                "Retention: users by role",
                "Share of users back in week 3, role founder, cohort of the week of 3 March 2025",
                "50.0 % \N{RIGHTWARDS ARROW} 25.0 %",
                "Why: trait changed 1. 1 number of this report changed.",
            ],
            [
                "Active users",
                "Events, the 30 days to 1 April 2025",
                "5,026 \N{RIGHTWARDS ARROW} 4,986",
                "Why: company changed 2, late events 1,200. 1 number of this report changed.",
            ],
            [
                "Features that users use",
                "Share of active users that used reports, paying customers, March 2025",
                "50 % \N{RIGHTWARDS ARROW} 50.001 %",
                "Why: erased 3. 1 number of this report changed.",
            ],
        ]


def test_each_report_shows_its_largest_change_in_proportion(browser, a_copy):
    cell = "2, 'activity', '{}', 'user', 'day', '2025-03-03', '', '{}', {}, {}, '{{}}'"
    page = with_changes(
        a_copy,
        cell.format("users", "events", 10000, 9000),
        cell.format("users", "active", 100, 50),
        cell.format("users", "quick_ratio", 1, 10),  # says the same as the counts
        cell.format("users", "new", 10, 5),  # the same proportion as above, a smaller difference
        *(cell.format(f"other {each}", "active", 100, 100 + each) for each in range(1, 21)),
    )
    with visit(browser, page) as seen:
        lead = seen.page.query_selector("#restatements .lead").inner_text()
        assert lead.startswith("24 numbers of complete periods are not what they were last night.")
        assert "Each report has its largest change; 12 of 21 are shown." in lead
        changes = listed(seen)
        assert len(changes) == 12
        assert changes[0][1] == "Active users, 3 March 2025"
        assert changes[0][3].endswith(" 4 numbers of this report changed.")
        assert [each[0] for each in changes[:3]] == ["Users", "Other 20", "Other 19"]


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_nothing_of_a_change_is_cut_off(browser, a_copy, width):
    long = "Donaudampfschifffahrtsgesellschaft" * 3
    page = with_changes(
        a_copy,
        f"""2, 'feature_adoption', 'feature_adoption', 'company', 'rolling_30d', '2025-03-03',
            'segment=all; feature={long}', 'uses', 1874740.123, 1874762.123,
            '{{"late events": 123456, "company changed": 1234, "internal account changed": 12}}'""",
    )
    with visit(browser, page, width=width) as seen:
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
        texts = seen.page.query_selector_all("#restatements li > *")
        assert len(texts) == 4
        for text in texts:
            box = text.bounding_box()
            assert box["width"] > 100
            assert box["x"] + box["width"] <= width
            assert text.evaluate("each => each.scrollWidth <= each.clientWidth + 1")


# The file


def test_the_same_marts_give_the_same_page(the_report, usual_world, tmp_path):
    again = tmp_path / "again.html"
    usual_world.daybook.run("report", "--out", again)
    assert again.read_bytes() == the_report.read_bytes()


def test_the_report_stays_under_3_mb(the_report):
    assert the_report.stat().st_size < 3_000_000


def test_a_report_that_cannot_be_written_is_one_line(a_copy, tmp_path):
    daybook = Daybook(tmp_path / "daybook")
    out = tmp_path / "nowhere" / "report.html"
    result = daybook.run("report", "--database", a_copy, "--out", out, exit_code=1)
    assert result.stderr.count("\n") == 1
    assert "cannot be written" in result.stderr
    assert "--out" in result.stderr


def test_a_report_before_the_first_build_says_what_to_do(daybook):
    daybook.write([{"type": "track", "event": "x", "userId": "u", "timestamp": "2025-01-01"}])
    daybook.land()
    result = daybook.run("report", exit_code=1)
    assert "dbt build" in result.stderr
    assert not (daybook.folder / "report.html").exists()


# The chart for the rows of an answer


def picture(sql: str, columns: list[str], rows: list[list]) -> str:
    return str(questions.picture(sql, columns, rows))


def test_shares_over_time_are_lines_and_say_their_n():
    drawn = picture(
        "", ["week", "drivers", "drivers_rate"], [[1, 400, 0.5], [2, 380, 0.25], [3, 90, 0.75]]
    )
    assert "75 % drivers" in drawn
    assert "n = 90 to 400 drivers" in drawn


def test_rows_of_one_time_are_reduced_to_the_first_value_of_the_next_column():
    rows = [[1, "entry", 0.5], [1, "latest", 0.6], [2, "entry", 0.25], [2, "latest", 0.35]]
    drawn = picture("", ["week", "clock", "back_rate"], rows)
    assert "25 % back" in drawn
    assert "clock: entry" in drawn
    assert "35 %" not in drawn


def test_numbers_beside_names_are_bars():
    drawn = picture("", ["yard", "trips"], [["Ulm", 4], ["Bern", 1]])
    assert "Trips by yard" in drawn
    assert "width: 100.0%" in drawn
    assert "width: 25.0%" in drawn


def test_a_question_may_name_its_bars():
    columns, rows = ["plan", "limits", "over"], [["a", 1000, 3], ["b", 10, 6]]
    assert "Limits by plan" in picture("", columns, rows)
    assert "Over by plan" in picture("-- chart: over by plan\nselect 1", columns, rows)


def test_rows_without_names_and_numbers_have_no_chart():
    assert picture("", ["yard", "open"], [["Ulm", True], ["Bern", False]]) == ""
    assert picture("", ["yard", "trips"], [["Ulm", 0], ["Bern", 0]]) == ""
    assert picture("", ["yard", "trips"], [["Ulm", 4]]) == ""
