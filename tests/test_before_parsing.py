"""Files and vars that dbt itself cannot read: one line each before dbt begins, and no traceback."""

import pytest
from harness import Daybook


def refused(daybook: Daybook, *arguments: str) -> list[str]:
    """The lines with which dbt ends; no node may have run."""
    build = daybook.build(*arguments, fails=True)
    assert build.ran == []
    assert "Traceback" not in build.output
    (said,) = build.failures
    return said.splitlines()


def own_folder(daybook: Daybook, name: str):
    """A folder of the project that is not shared with the repo."""
    (daybook.folder / name).unlink()
    (daybook.folder / name).mkdir()
    return daybook.folder / name


@pytest.mark.parametrize("instead", ["a folder", "a link to nothing"])
def test_a_link_or_folder_in_the_place_of_a_seed_is_named(daybook, instead):
    path = daybook.seed_path("activity_reports")
    path.unlink()
    path.mkdir() if instead == "a folder" else path.symlink_to("nothing")
    (line,) = refused(daybook)
    assert line.startswith("seeds/reports/activity_reports.csv: it cannot be read (")
    assert line.endswith("; restore the file.")


def test_every_file_that_dbt_cannot_read_is_named_with_its_row(daybook):
    analyses = own_folder(daybook, "analyses")
    (analyses / "how_many.sql").write_bytes(b"-- one\n-- caf\xe9\nselect 1 as one")
    (analyses / "gone.sql").symlink_to("nothing")
    (daybook.folder / "seeds" / "own.csv").write_bytes(b"name\nJos\xe9\n")
    (daybook.folder / "seeds" / "own.yml").write_bytes(b"# \xe9\nversion: 2\n")
    (daybook.folder / "seeds" / "own.txt").write_bytes(b"no file of dbt: \xe9\n")
    (daybook.folder / "snapshots").mkdir()
    (daybook.folder / "snapshots" / "ignored.sql").write_bytes(b"\xe9")
    (daybook.folder / ".dbtignore").write_text("snapshots/ignored.sql\n")
    assert refused(daybook) == [
        "analyses/gone.sql: it is a link to nothing; restore the file, or move it away.",
        "analyses/how_many.sql, row 2: the file is not UTF-8 (byte 0xe9); save it as UTF-8.",
        "seeds/own.csv, row 2: the file is not UTF-8 (byte 0xe9); save it as UTF-8.",
        "seeds/own.yml, row 1: the file is not UTF-8 (byte 0xe9); save it as UTF-8.",
    ]


def test_a_question_with_broken_jinja_is_named_with_its_row(daybook):
    analyses = own_folder(daybook, "analyses")
    (analyses / "sound.sql").write_text("select 1 as one from {{ ref('dim_users') }}")
    (analyses / "broken.sql").write_text("-- Why?\nselect {{ ref('dim_users' }}")
    assert refused(daybook) == [
        "analyses/broken.sql, row 2: broken Jinja (unexpected '}', expected ')'); correct it, or"
        " move the file out of its folder: dbt reads every file there."
    ]


def test_a_seed_whose_name_differs_only_in_case_must_be_renamed(daybook):
    (daybook.folder / "seeds" / "Plans.csv").write_text("plan\nours\n")
    (daybook.folder / "seeds" / "towns.csv").write_text("town\nOslo\n")
    (daybook.folder / "seeds" / "Towns.csv").write_text("town\nRiga\n")
    assert refused(daybook) == [
        "seeds/Plans.csv: in the database its name is also that of plans.csv: case makes no"
        " difference; rename it, to plans.csv if it is that seed.",
        "seeds/towns.csv: in the database its name is also that of Towns.csv: case makes no"
        " difference; rename it, to Towns.csv if it is that seed.",
    ]


def test_a_checkout_that_lacks_a_seed_says_how_to_restore_it(daybook):
    daybook.seed_path("plans").unlink()
    assert refused(daybook) == [
        "seeds/ has no plans.csv, which this version of Daybook reads. To restore what is missing:"
        " git checkout -- seeds"
    ]


def write_vars(daybook: Daybook, **variables: str) -> None:
    path = daybook.folder / "dbt_project.yml"
    lines = path.read_text().splitlines()
    for name, value in variables.items():
        (at,) = (at for at, line in enumerate(lines) if line.startswith(f"  {name}:"))
        lines[at] = f"  {name}: {value}"
    path.write_text("\n".join(lines))


def test_vars_that_dbt_reads_while_parsing_are_checked_before_it_parses(daybook):
    write_vars(daybook, audit="perhaps", pii="hidden", email_trait='"{{ 1 / 0 }}"')
    assert sorted(refused(daybook)) == [
        "dbt_project.yml, vars: audit is 'perhaps'; write true or false.",
        "dbt_project.yml, vars: email_trait holds Jinja, which dbt would run and daybook ask would"
        " not; write the value itself.",
        "dbt_project.yml, vars: pii is 'hidden'; write omit or hash.",
    ]


def test_the_text_false_switches_an_audit_off_and_the_text_true_on(daybook):
    def compiled(audit: object) -> set[str]:
        """The data tests of an audit that dbt would run."""
        tests = "test_type:data"
        return set(daybook.build("-s", tests, command="compile", vars={"audit": audit}).ran)

    assert compiled("false") == compiled(False) < compiled("true") == compiled(True)
