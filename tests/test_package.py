"""Daybook as others get it: a wheel, and a company's own project beside it."""

import ast
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import sysconfig
import venv
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from harness import JUNE, REPO, Build, Daybook, _close_every_connection, _inside

from loaders.cli import main
from loaders.init.seeds import empty_seed
from loaders.package import dbt_package

# Any use of the network is an error.
NO_INTERNET = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
PLAN = "seeds/tracking_plan/tracking_plan_events.csv"


class Company(Daybook):
    """A project made by `daybook init`, used as its owner would: in its folder."""

    def __init__(self, folder: Path, *options: str):
        self.folder = folder
        self.database = folder / "warehouse.duckdb"
        self.logs = folder.parent / f"logs of {folder.name}"
        self.logs.mkdir(parents=True)
        self.said = init(folder, *options)
        self.dbt("deps")

    def dbt(self, *arguments: str, fails: bool = False) -> Build:
        from dbt.cli.main import dbtRunner

        printed = []

        def keep(event) -> None:
            if event.info.level in ("warn", "error") or event.info.name == "PrintEvent":
                printed.append(event.info.msg)

        quiet = ["--quiet", "--log-level", "none", "--log-level-file", "none"]
        with _inside(self.folder, **NO_INTERNET):
            os.environ.pop("DAYBOOK_DATABASE", None)
            outcome = dbtRunner(callbacks=[keep]).invoke([*quiet, *arguments])
        _close_every_connection()
        if outcome.exception:
            printed.append(str(outcome.exception))
        assert outcome.success != fails, "\n".join(printed)
        return Build(outcome.success, printed=printed)

    def set(self, **variables) -> None:
        path = self.folder / "dbt_project.yml"
        project = yaml.safe_load(path.read_text())
        project["vars"] |= variables
        path.write_text(yaml.safe_dump(project, sort_keys=False))

    def files(self) -> dict[str, str]:
        """Every file that a company keeps."""
        made = ("target", "logs", "dbt_packages")
        paths = [path for path in sorted(self.folder.rglob("*")) if path.is_file()]
        relative = {path: path.relative_to(self.folder) for path in paths}
        return {
            str(name): path.read_text()
            for path, name in relative.items()
            if name.parts[0] not in made and "warehouse.duckdb" not in name.name
        }


def use_june(folder: Path) -> None:
    """Give a project June's seeds and vars, independent of seeds/ in this checkout."""
    shutil.copytree(JUNE / "seeds", folder / "seeds", dirs_exist_ok=True)
    path = folder / "dbt_project.yml"
    project = yaml.safe_load(path.read_text())
    project["vars"] |= yaml.safe_load((JUNE / "vars.yml").read_text())
    path.write_text(yaml.safe_dump(project, sort_keys=False))


def init(folder: Path, *options: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(main, ["init", str(folder), *options])
    assert result.exit_code == exit_code, result.output
    return result.output


def track(user: str, event: str, at: str) -> dict:
    return {"type": "track", "userId": user, "event": event, "timestamp": at}


FIRST_NIGHT = [
    track("ana", "crate_opened", "2025-03-01T03:00Z"),
    track("ben", "crate_opened", "2025-03-02T09:00Z"),  # so 1 March is the last complete day
]


@pytest.fixture(scope="module")
def acme(tmp_path_factory) -> Company:
    """A company that has built once, with a model, a test and a seed row of its own."""
    company = Company(tmp_path_factory.mktemp("acme") / "acme")
    use_june(company.folder)
    (company.folder / "models").mkdir()
    (company.folder / "models" / "regulars.sql").write_text(
        "select user_id from {{ ref('dim_users') }} where not is_internal"
    )
    (company.folder / "tests").mkdir()
    (company.folder / "tests" / "nobody_is_regular.sql").write_text(
        "select * from {{ ref('regulars') }}"
    )
    with (company.folder / PLAN).open("a") as plan:
        plan.write("crate_opened,007,,,,\n")
    company.write(FIRST_NIGHT)
    company.land()
    company.before = company.files()
    company.first = company.dbt("build", fails=True)  # its own test fails
    return company


# The wheel


def test_the_wheel_alone_makes_a_project_and_builds_it(tmp_path):
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, cwd=REPO)
    (wheel,) = tmp_path.glob("daybook_analytics-*.whl")
    home, here = tmp_path / "venv", tmp_path / "here"
    here.mkdir()
    venv.create(home)
    python = home / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps",
        "--no-index", "--disable-pip-version-check", wheel, cwd=here)  # fmt: skip
    packages = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=here)
    # What Daybook needs comes from this environment. (Its own .pth files are not followed.)
    dependencies = Path(packages.strip()) / "dependencies.pth"
    dependencies.write_text(sysconfig.get_path("purelib"))

    daybook = home / "bin" / "daybook"
    dbt = [python, "-c", "from dbt.cli.main import cli; cli()"]
    found = run(python, "-c", "import loaders.package as p; print(p.dbt_package())", cwd=here)
    assert found.startswith(str(home)), found
    run(daybook, "simulate", "--out", "sample", "--companies", "8", "--days", "30", cwd=here)
    run(daybook, "init", "acme", cwd=here)
    acme = here / "acme"
    use_june(acme)
    run(*dbt, "deps", cwd=acme)
    run(daybook, "land", here / "sample" / "segment-logs", cwd=acme)
    run(*dbt, "build", "--quiet", cwd=acme)
    assert "How many people do we know" in run(daybook, "ask", cwd=acme)
    # Outside of a project, Daybook's own questions are asked.
    database = acme / "warehouse.duckdb"
    assert "product managers" in run(daybook, "--database", database, "ask", "1", cwd=here)
    # Every cell of the notebook, on the published night.
    run(daybook, "publish", cwd=acme)
    run(python, acme / "dbt_packages" / "daybook" / "analyses/notebooks/product.py", cwd=acme)
    for name in ("docs/seeds.md", "docs/definitions.md", "analyses", "tests/sql"):
        assert (acme / "dbt_packages" / "daybook" / name).exists(), name


def run(*command, cwd: Path) -> str:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DAYBOOK_DATABASE", "PYTHONPATH")
    }
    done = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env=environment | NO_INTERNET,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_no_text_says_to_install_daybook_from_the_public_index():
    # There, `daybook` is a package of somebody else.
    told = re.compile(r"pip3? install[^\n`]*?\bdaybook(?!_analytics-)(?!\w*/)", re.IGNORECASE)
    found = [
        f"{path.relative_to(REPO)}: {match[0]}"
        for path in tracked_files()
        if path != Path(__file__)
        for match in told.finditer(path.read_text(errors="replace"))
    ]
    assert not found, "\n".join(found)


def tracked_files() -> list[Path]:
    skipped = {
        ".git",
        ".venv",
        ".venv-peers",
        ".venv-duckdb-1.2",
        "published.nights",
        "published",
        "target",
        "sample",
        "logs",
        "__pycache__",
    }
    suffixes = {".py", ".md", ".yml", ".toml", ".sql", ".txt", ".lock", ""}
    return [
        path
        for path in REPO.rglob("*")
        if path.is_file()
        and path.suffix in suffixes
        and skipped.isdisjoint(path.relative_to(REPO).parts)
    ]


# daybook init


def test_a_project_has_the_seeds_vars_and_profile_of_daybook_under_its_own_name(tmp_path):
    folder = tmp_path / "2 Café's"
    assert "cd " in init(folder)
    project = yaml.safe_load((folder / "dbt_project.yml").read_text())
    assert project["name"] == project["profile"] == "company_2_cafe_s"
    ours = yaml.safe_load((REPO / "dbt_project.yml").read_text())["vars"]
    assert project["vars"] == {
        name: ours[name] for name in ours if name not in ("unit_tests", "compare_only")
    }
    for line in re.search(r"^vars:\n((?: .*\n)+)", (folder / "dbt_project.yml").read_text(), re.M)[
        1
    ].splitlines():
        assert " # " in line, line
    (profile,) = yaml.safe_load((folder / "profiles.yml").read_text()).items()
    assert profile == (
        project["profile"],
        yaml.safe_load((REPO / "profiles.yml").read_text())["daybook"],
    )
    for path in (REPO / "seeds").rglob("*.csv"):
        assert (folder / path.relative_to(REPO)).read_text() == path.read_text()


@pytest.mark.parametrize(
    ("folder", "name"),
    [("acme", "acme"), ("daybook", "daybook_company"), ("dbt", "dbt_company"), ("日本", "company")],
)
def test_a_projects_name_is_one_that_dbt_takes(tmp_path, folder, name):
    init(tmp_path / folder)
    assert yaml.safe_load((tmp_path / folder / "dbt_project.yml").read_text())["name"] == name


def test_no_file_is_overwritten_and_only_what_is_missing_is_added(tmp_path):
    company = tmp_path / "acme"
    init(company)
    (company / PLAN).write_text("event\nmine\n")
    (company / "README.md").unlink()
    (company / "seeds" / "business" / "plans.csv").unlink()
    (company / "seeds" / "reports" / "activity_reports.csv").unlink()
    (company / "analyses" / "how_many_people_do_we_know.sql").unlink()
    (company / "seeds" / "tracking_plan" / "placeholder_ids.csv").rename(
        company / "seeds" / "placeholder_ids.csv"
    )
    before = {path: path.read_bytes() for path in company.rglob("*") if path.is_file()}

    said = init(company)

    assert [line.split(f"{company}/")[1] for line in said.splitlines() if "added" in line] == [
        "README.md",
        "seeds/business/plans.csv",
        "seeds/reports/activity_reports.csv",
    ]
    assert {path: path.read_bytes() for path in before} == before
    # Rows of the example would name events that this company does not have.
    assert (
        company / "seeds" / "business" / "plans.csv"
    ).read_text() == "plan,is_paying,mau_limit\n"
    assert "nothing was added" in init(company)


def limited(bytes_of_a_file: int):
    """Limit a process: its disk is full once a file has this many bytes."""
    limits = (bytes_of_a_file, bytes_of_a_file)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("size", [0, 1_000])
def test_a_project_that_a_full_disk_cut_short_is_completed_by_the_same_command(tmp_path, size):
    init(tmp_path / "whole" / "acme")
    company = tmp_path / "acme"
    command = [sys.executable, "-m", "loaders", "init", str(company)]
    stopped = subprocess.run(
        command, capture_output=True, text=True, preexec_fn=lambda: limited(size)
    )
    assert stopped.returncode == 1
    assert stopped.stderr.endswith(
        ": File too large. Correct that and run the same command again: it goes on where it"
        " stopped. Or name another folder.\n"
    )
    left = [path.name for path in company.rglob("*") if path.is_file()]
    assert not [name for name in left if name.endswith(".part")]
    init(company)

    def files(folder: Path) -> dict[Path, str]:
        paths = [path for path in folder.rglob("*") if path.is_file()]
        return {path.relative_to(folder): path.read_text() for path in paths}

    expected = files(tmp_path / "whole" / "acme")
    expected[Path("README.md")] = expected[Path("README.md")].replace(
        str(tmp_path / "whole" / "acme"), str(company)
    )
    assert files(company) == expected


def test_an_empty_file_that_an_earlier_version_left_is_written_again(tmp_path):
    init(tmp_path / "acme")
    seed = tmp_path / "acme" / "seeds" / "plans.csv"
    (tmp_path / "acme" / "seeds" / "business" / "plans.csv").rename(seed)
    seed.write_text("")
    said = init(tmp_path / "acme")
    assert [line for line in said.splitlines() if "added" in line] == [f"added  {seed}"]
    assert seed.read_text() == "plan,is_paying,mau_limit\n"


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (Path.mkdir, "packages.yml cannot be read (Is a directory). Move it away, and run"),
        (lambda path: path.write_bytes(b"\xe9"), "packages.yml is not UTF-8. Save it as UTF-8, or"),
        (lambda path: path.symlink_to("nothing"), "packages.yml: something else stands there."),
    ],
)
def test_a_packages_file_that_cannot_be_read_is_named(tmp_path, broken, said):
    init(tmp_path / "acme")
    path = tmp_path / "acme" / "packages.yml"
    path.unlink()
    broken(path)
    line = init(tmp_path / "acme", exit_code=1)
    assert said in line
    assert line.count("\n") == 1


def test_init_refuses_a_folder_with_other_files_in_one_line(tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "todo.txt").write_text("?")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "dbt_project.yml").write_text("name: other\n")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "dbt_project.yml").write_text("name: [\n")
    for folder, why in {
        "notes": "notes is not empty (todo.txt)",
        "notes/todo.txt": "todo.txt is a file",
        "notes/todo.txt/new": "Not a directory",
        "other": "a dbt project that daybook init did not make",
        "broken": "dbt_project.yml, line 2 is not valid YAML",
    }.items():
        said = init(tmp_path / folder, exit_code=1)
        assert said.startswith("daybook: ")
        assert said.count("\n") == 1
        assert why in said
    assert "is Daybook itself" in init(REPO, exit_code=1)
    assert sorted(path.name for path in (tmp_path / "notes").iterdir()) == ["todo.txt"]


def test_hidden_files_such_as_a_virtual_environment_may_be_there(tmp_path):
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".gitignore").write_text("mine\n")
    init(tmp_path)
    assert (tmp_path / ".gitignore").read_text() == "mine\n"


def test_a_moved_package_is_reported(tmp_path):
    init(tmp_path / "acme")
    packages = tmp_path / "acme" / "packages.yml"
    packages.write_text("packages:\n  - local: /srv/python3.11/loaders/dbt_package\n")
    assert f"does not name {dbt_package()}" in init(tmp_path / "acme")


# A company's own project


def test_schemas_are_named_as_in_daybook_and_a_companys_own_models_go_where_it_says(acme):
    found = acme.rows(
        """
        select schema_name as schema, table_name as name from duckdb_tables()
        union all
        select schema_name, view_name from duckdb_views() where not internal
        """
    )
    assert {row["schema"] for row in found} == (
        {"raw", "meta", "seeds", "staging", "intermediate", "marts", "main"}
    )
    assert [row["name"] for row in found if row["schema"] == "main"] == ["regulars"]
    seeds = {row["name"] for row in found if row["schema"] == "seeds"}
    assert seeds == {path.stem for path in (REPO / "seeds").rglob("*.csv")}


def test_a_companys_own_models_read_daybooks(acme):
    assert acme.rows("from main.regulars") == [{"user_id": "ana"}]


def test_a_companys_seeds_are_read_and_every_cell_of_them_is_text(acme):
    assert acme.rows("select is_planned from marts.fct_events where user_id = 'ana'") == [
        {"is_planned": True}
    ]
    description = "select description from seeds.tracking_plan_events where event = 'crate_opened'"
    assert acme.rows(description) == [{"description": "007"}]
    types = "select distinct data_type from duckdb_columns() where schema_name = 'seeds'"
    assert acme.rows(types) == [{"data_type": "VARCHAR"}]


def test_a_build_of_a_company_prints_nothing_but_its_own_failures(acme):
    expected = ("nobody_is_regular", "Got 1 result, configured to fail if != 0")
    assert [line for line in acme.first.printed if not any(text in line for text in expected)] == []


def test_a_companys_failing_test_does_not_make_the_next_night_test_all_of_history(acme):
    assert acme.rows("select ended_well from meta.builds") == [{"ended_well": True}]
    acme.write([track("cat", "crate_opened", "2025-03-03T09:00Z")], "second.jsonl")
    acme.land()
    acme.dbt("build", fails=True)
    tests = (acme.folder / "target" / "run" / "daybook" / "models").rglob("*unique_together*.sql")
    scopes = {"as lately" in path.read_text() for path in tests}
    assert scopes == {True, False}  # the tests of large tables look at what is new
    assert acme.rows("from main.regulars order by all") == [{"user_id": "ana"}, {"user_id": "ben"}]


def test_a_build_that_fails_a_companys_own_test_is_not_published(acme):
    said = acme.run("publish", exit_code=1).output
    assert "dbt build is due: a model or a test failed in the last dbt build" in said
    assert not (acme.folder / "published").exists()


def test_landing_building_and_asking_change_no_file_of_a_project_and_git_ignores_the_rest(acme):
    acme.run("ask", exit_code=None)
    assert {name: text for name, text in acme.files().items() if name in acme.before} == acme.before
    git = ["git", "-C", acme.folder]
    run(*git, "init", "--quiet", cwd=acme.folder)
    shown = run(*git, "status", "--short", "--untracked-files=all", cwd=acme.folder).splitlines()
    ignored = {"packages.yml", "package-lock.yml"}  # they name a folder of this machine
    assert {line.removeprefix("?? ") for line in shown} == acme.before.keys() - ignored


def test_two_companies_on_one_machine_do_not_disturb_each_other(acme, tmp_path):
    beta = Company(tmp_path / "beta", "--from-logs")
    beta.set(timezone="America/Chicago", created_at_trait="", company_mau_trait="")
    beta.write(FIRST_NIGHT)
    beta.land()
    beta.dbt("build")
    # Ana's call came at 03:00 UTC on 1 March: in Chicago that was still February.
    for company, timezone, day in (
        (acme, "UTC", "2025-03-01"),
        (beta, "America/Chicago", "2025-02-28"),
    ):
        assert company.rows("select timezone from marts.calendar") == [{"timezone": timezone}]
        first = company.rows("select min(event_day)::varchar as day from marts.fct_activity_days")
        assert first == [{"day": day}]
    # The event is in acme's plan only.
    planned = "select is_planned from marts.fct_events where user_id = 'ana'"
    assert acme.rows(planned) == [{"is_planned": True}]
    assert beta.rows(planned) == [{"is_planned": False}]
    # With seeds that hold their headers only.
    beta.run("publish")
    assert (beta.folder / "published" / "report.html").exists()


def test_an_empty_plan_keeps_only_rows_that_name_no_event_and_no_trait():
    seeds = {path.stem: empty_seed(path) for path in (JUNE / "seeds").rglob("*.csv")}
    assert {name for name, text in seeds.items() if text.count("\n") > 1} == {
        "activity_reports",
        "context_columns",
        "placeholder_ids",
        "public_email_domains",
        "retention_reports",
    }
    assert "\nusers by week," in seeds["retention_reports"]
    assert "\nusers by role," not in seeds["retention_reports"]
    assert "\nactive paying companies," not in seeds["activity_reports"]
    assert seeds["plans"] == "plan,is_paying,mau_limit\n"


def test_an_empty_plan_has_no_event_of_a_sign_up(tmp_path):
    init(tmp_path / "acme", "--from-logs")
    project = yaml.safe_load((tmp_path / "acme" / "dbt_project.yml").read_text())
    names = ("signup_event", "email_trait", "company_plan_trait")
    assert [project["vars"][name] for name in names] == ["", "", ""]


def test_a_seed_that_a_new_version_reads_and_a_project_lacks_is_named(tmp_path):
    company = Company(tmp_path / "acme")
    (company.folder / "seeds" / "business" / "plans.csv").unlink()
    *_, line = company.dbt("build", fails=True).printed
    assert line == (
        "seeds/ has no plans.csv, which this version of Daybook reads. To add what is missing, run:"
        " daybook init ."
    )
    init(company.folder)
    company.dbt("parse")


# Daybook's own plan


@pytest.mark.skipif(
    os.environ.get("CI") != "true",
    reason="a company's checkout may have a plan of its own; CI=true compares it with June's",
)
def test_the_seeds_and_vars_that_come_with_daybook_are_those_that_its_tests_use():
    shipped = {path.relative_to(REPO / "seeds"): path for path in (REPO / "seeds").rglob("*.csv")}
    pinned = {path.relative_to(JUNE / "seeds"): path for path in (JUNE / "seeds").rglob("*.csv")}
    assert shipped.keys() == pinned.keys()
    for name in shipped:
        assert shipped[name].read_bytes() == pinned[name].read_bytes(), name
    variables = yaml.safe_load((REPO / "dbt_project.yml").read_text())["vars"]
    assert variables == yaml.safe_load((JUNE / "vars.yml").read_text())


def test_neither_modules_nor_packages_import_each_other_in_a_circle():
    modules = {name_of(path): path for path in (REPO / "loaders").rglob("*.py")}
    imports = {
        name: {each if each in modules else each.rpartition(".")[0] for each in imports_of(path)}
        for name, path in modules.items()
    }
    between_packages: dict[str, set[str]] = {}
    for name, imported in imports.items():
        others = {package_of(each) for each in imported} - {package_of(name)}
        between_packages.setdefault(package_of(name), set()).update(others)
    for graph in (imports, between_packages):
        list(TopologicalSorter(graph).static_order())  # raises CycleError, with the circle


def name_of(module: Path) -> str:
    return ".".join(module.relative_to(REPO).with_suffix("").parts).removesuffix(".__init__")


def package_of(module: str) -> str:
    """The name of a package below loaders, or of a module that is in no package."""
    return ".".join(module.split(".")[:2])


def imports_of(module: Path) -> set[str]:
    """Names like loaders.package.dbt_package, those within functions included."""
    nodes = list(ast.walk(ast.parse(module.read_text())))
    names = {each.name for node in nodes if isinstance(node, ast.Import) for each in node.names}
    names |= {
        f"{node.module}.{alias.name}"
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    return {name for name in names if name.startswith("loaders.")}
