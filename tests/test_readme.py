"""The README shows the output that a reader gets."""

import os
import re
import subprocess
import sys

import pytest
from harness import REPO, Daybook

README = (REPO / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
    return [line for block in blocks("sh") for line in block.splitlines()]


def run(command: str, folder) -> str:
    path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path}
    environment.pop("DAYBOOK_DATABASE", None)
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def a_checkout(tmp_path_factory):
    """A checkout with the demo's logs, landed and built by the Makefile's own commands."""
    folder = Daybook(tmp_path_factory.mktemp("readme")).folder
    recipe = subprocess.run(
        ["make", "-n", "-s", "-o", "setup", "demo"], cwd=REPO, capture_output=True, text=True
    ).stdout.splitlines()
    steps = [line for line in recipe if line.startswith(("daybook", "DAYBOOK_DATABASE"))]
    assert len(steps) == 5, recipe
    printed = [run(step, folder) for step in steps]
    return folder, printed


def test_make_demo_prints_what_the_readme_shows(a_checkout):
    folder, (_, landed, _, answers, report) = a_checkout
    shown_landed, shown_answers = blocks("text")
    assert landed.startswith(shown_landed)
    assert answers.startswith(shown_answers)
    assert report == "The report is in report.html\n"
    assert (folder / "report.html").is_file()


def test_the_commands_for_your_own_logs_run(a_checkout):
    folder, _ = a_checkout
    (folder / "my-logs").symlink_to(folder / "sample" / "segment-logs")
    for command in commands():
        if not command.startswith(("make", ". ")):
            run(command, folder)
    assert "Every line is accounted for" in run("daybook status", folder)


def test_every_make_target_of_the_readme_exists():
    for target in set(re.findall(r"`make (\w+)`", README)):
        subprocess.run(["make", "-n", target], cwd=REPO, check=True, capture_output=True)


def test_every_test_and_file_that_the_readme_names_exists():
    tests = "\n".join(path.read_text() for path in (REPO / "tests").rglob("test_*.py"))
    for name in re.findall(r"`(test_\w+)`", README):
        assert f"def {name}(" in tests, name
    for path in re.findall(r"`((?:seeds|loaders|tests|analyses)/[\w/.]*)`", README):
        assert (REPO / path).exists(), path
    for link in re.findall(r"\]\(([\w/.]+)\)", README):
        assert (REPO / link).exists(), link


def test_the_readme_names_every_mart():
    for model in (REPO / "models" / "marts").rglob("*.sql"):
        assert f"`{model.stem}`" in README, model.stem
