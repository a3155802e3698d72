"""Fixtures and settings that all tests share."""

from dataclasses import dataclass

import orjson
import pytest
from click.testing import CliRunner
from harness import Daybook


@pytest.fixture
def daybook(tmp_path) -> Daybook:
    """A company's own checkout, with nothing landed yet."""
    return Daybook(tmp_path / "daybook")


# Two imaginary products with opposite truths, landed and built once for the whole session. Read
# them; a test that writes takes a checkout of its own.


@dataclass(frozen=True)
class World:
    """An imaginary product that was simulated, landed and built."""

    name: str
    daybook: Daybook
    truth: dict  # truth.json: the right answers


@pytest.fixture(scope="session")
def usual_world(tmp_path_factory) -> World:
    return _built("usual", tmp_path_factory)


@pytest.fixture(scope="session")
def opposite_world(tmp_path_factory) -> World:
    return _built("opposite", tmp_path_factory)


@pytest.fixture(params=["usual", "opposite"])
def world(request) -> World:
    """Each of the two worlds."""
    return request.getfixturevalue(f"{request.param}_world")


def _built(name: str, tmp_path_factory) -> World:
    from loaders.simulate import simulate

    daybook = Daybook(tmp_path_factory.mktemp(name) / "daybook")
    sample = daybook.folder / "sample"
    size = ["--companies", "80", "--days", "80", "--seed", "5"]
    result = CliRunner().invoke(simulate, ["--out", str(sample), *size, "--world", name])
    assert result.exit_code == 0, result.output

    daybook.land(sample / "segment-logs")
    daybook.build()
    return World(name, daybook, orjson.loads((sample / "truth.json").read_bytes()))
