"""The stories fail if a touched_keys block misses keys.

Each mutant is a model, or a macro, with one change by which a block finds fewer keys: a branch of a
union dropped, rows that are gone ignored, rows that are new ignored, or an alternative dropped.
After each night, each table is compared with its SELECT.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness import REPO, Daybook
from test_stories import INTERNAL_ACCOUNTS, NIGHTS, STORIES, audit, numbered

BLOCK = re.compile(r"{% call touched_keys\(\) -%}(.*?){%- endcall %}", re.DOTALL)
CHANGES = re.compile(r"{{ changes\((?:[^{}]*?)\) }}|changes\(ref\('\w+'\)\)(?=,)")
UNION = re.compile(r"^([ ]*)union(?: all)?$", re.MULTILINE)
OR = re.compile(r"^ +or [^\n]*\n", re.MULTILINE)


@dataclass(frozen=True)
class Mutant:
    """One change of a file of the project."""

    path: str
    change: str
    text: str

    def __str__(self) -> str:
        return f"{Path(self.path).stem}: {self.change}"


def mutants() -> Iterator[Mutant]:
    for path in sorted((REPO / "models").rglob("*.sql")):
        if found := BLOCK.search(path.read_text()):
            yield from mutants_of(path, *found.span(1))
    for file, macro in [
        ("identity", "changed_users"),
        ("identity", "keys_of_other_intervals"),
        ("keyed", "changed_days"),
    ]:
        path = REPO / "macros" / f"{file}.sql"
        begin = path.read_text().index(f"macro {macro}(")
        yield from mutants_of(path, begin, path.read_text().index("endmacro", begin))


def mutants_of(path: Path, begin: int, end: int) -> Iterator[Mutant]:
    text = path.read_text()
    before, block, after = text[:begin], text[begin:end], text[end:]

    def mutant(change: str, first: int, last: int, instead: str = "") -> Mutant:
        whole = before + block[:first] + instead + block[last:] + after
        line = whole[: len(before) + first].count("\n") + 1
        return Mutant(str(path.relative_to(REPO)), f"line {line}, {change}", whole)

    for found in CHANGES.finditer(block):
        for sign, what in [(1, "gone"), (-1, "new")]:
            if block.startswith(f" where sign = {sign}", found.end()):
                continue  # the block ignores them itself
            some = f"(select * from {found[0]} where sign = {sign})"
            if not found[0].startswith("{{"):
                some = f"'(select * from ' ~ {found[0]} ~ ' where sign = {sign})'"
            yield mutant(f"rows that are {what} are ignored", *found.span(), some)
    for found in UNION.finditer(block):
        # From the union to the next one, or to the end of its query.
        rest = block[found.end() :]
        ends = [UNION.search(rest), re.search(rf"^(?!{found[1]}|\n)", rest, re.MULTILINE)]
        last = min([each.start() for each in ends if each] or [len(rest)])
        yield mutant("a branch is dropped", found.start(), found.end() + last)
    for found in OR.finditer(block):
        yield mutant(f"dropped: {found[0].strip()}", *found.span())


@pytest.mark.soak
@pytest.mark.parametrize("mutant", list(mutants()), ids=str)
def test_a_story_fails_if_a_block_misses_keys(mutant, tmp_path):
    daybook = Daybook(tmp_path / "mutant")
    for folder in ("models", "macros"):
        (daybook.folder / folder).unlink()
        shutil.copytree(REPO / folder, daybook.folder / folder)
    (daybook.folder / mutant.path).write_text(mutant.text)
    with pytest.raises(AssertionError, match=r"differs from its SELECT|failed"):
        tell_the_stories(daybook)


@pytest.mark.soak
def test_without_a_mutant_the_stories_see_nothing(tmp_path):
    tell_the_stories(Daybook(tmp_path / "sound"))


def tell_the_stories(daybook: Daybook) -> None:
    """Three nights, with internal accounts in the second one only; and then an earlier as_of."""
    variables = {"companies_by_email_domain": True}
    stories = [numbered(name, nights) for name, nights in STORIES.items()]
    for night in range(NIGHTS):
        lines = [line for story in stories for line in story[night]]
        daybook.write(lines, f"{night}.jsonl")
        daybook.land()
        daybook.seed("internal_accounts", INTERNAL_ACCOUNTS if night == 1 else [])
        daybook.build(vars=variables)
        audit(daybook, **variables)
    variables["as_of"] = "2024-05-08"
    daybook.build(vars=variables)
    audit(daybook, **variables)
