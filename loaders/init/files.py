"""The files of a company's project, each from one source: a template, or Daybook's own file."""

import json
import re
import shlex
import sys
from importlib import resources
from pathlib import Path
from string import Template

from loaders.init.project import PROJECT_FILE, Project
from loaders.init.seeds import empty_seed, seed_files
from loaders.package import dbt_package

TEMPLATES = {
    PROJECT_FILE: "dbt_project.yml",
    "profiles.yml": None,
    "packages.yml": "packages.yml",
    ".gitignore": "gitignore",
    "README.md": "README.md",
    "macros/generate_schema_name.sql": "macros/generate_schema_name.sql",
    "macros/load_csv_rows.sql": "macros/load_csv_rows.sql",
    "analyses/how_many_people_do_we_know.sql": "analyses/how_many_people_do_we_know.sql",
}
# Vars that name an entry of the plan, and must be blank if the plan is empty.
_NAMES_OF_THE_PLAN = ("signup_event", "email_trait", "company_plan_trait")


def missing_files(project: Project, *, is_new: bool, plan_is_empty: bool) -> dict[Path, str]:
    """Return the text of each file that the project lacks, the project file first.

    A seed that is added to an existing project has no rows of the example, because they name events
    that the company does not have.
    """
    files = {}
    for name, template in TEMPLATES.items():
        path = _where_missing(project.folder, Path(name))
        is_example = name.startswith("analyses/")
        if path is None or (is_example and not is_new):
            continue
        files[path] = _fill(template, project, plan_is_empty) if template else _profile(project)
    for usual, source in seed_files().items():
        if path := _where_missing(project.folder, usual):
            is_empty = plan_is_empty or not is_new
            files[path] = empty_seed(source) if is_empty else source.read_text(encoding="utf-8")
    return files


def _where_missing(folder: Path, path: Path) -> Path | None:
    """Where to write a file; None if it is there, be it in another folder below seeds/ or macros/.

    An empty file is written again, because an earlier run may have left it on a full disk.
    """
    found = [folder / path] if (folder / path).exists() else []
    if len(path.parts) > 1:
        found = list((folder / path.parts[0]).rglob(path.name))
    empty = [each.relative_to(folder) for each in found if is_empty_file(each)]
    return None if len(empty) < len(found) else next(iter(empty), path)


def is_empty_file(path: Path) -> bool:
    """Whether there is a file without a byte in it."""
    return path.is_file() and not path.stat().st_size


def _fill(name: str, project: Project, plan_is_empty: bool) -> str:
    template = resources.files("loaders.init").joinpath("template", name)
    return Template(template.read_text(encoding="utf-8")).substitute(
        project=project.name,
        profile=project.profile,
        package=json.dumps(str(dbt_package()), ensure_ascii=False),
        vars=_vars(plan_is_empty),
        folder=shlex.quote(str(project.folder.resolve())),
        commands=shlex.quote(str(Path(sys.executable).parent)),
    )


def _vars(plan_is_empty: bool) -> str:
    """Return the vars of Daybook's own project, comments included, as written there."""
    text = (dbt_package() / PROJECT_FILE).read_text(encoding="utf-8")
    block = re.search(r"^vars:\n((?:[ ]+.*\n)+)", text, re.MULTILINE)[1]
    # Vars for Daybook's own tests and `make audit` are left out.
    block = re.sub(r"^  (?:unit_tests|compare_only):.*\n", "", block, flags=re.MULTILINE)
    if plan_is_empty:
        names = "|".join(_NAMES_OF_THE_PLAN)
        block = re.sub(rf"^(  (?:{names})): \S+", r'\1: ""', block, flags=re.MULTILINE)
    return block.rstrip()


def _profile(project: Project) -> str:
    """Return Daybook's own profile under the project's name."""
    text = (dbt_package() / "profiles.yml").read_text(encoding="utf-8")
    return re.sub(r"^\w+:$", f"{json.dumps(project.profile)}:", text, count=1, flags=re.MULTILINE)
