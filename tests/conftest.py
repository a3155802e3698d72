"""Fixtures and settings that all tests share."""

import pytest
from harness import Daybook


@pytest.fixture
def daybook(tmp_path) -> Daybook:
    """A company's own checkout, with nothing landed yet."""
    return Daybook(tmp_path / "daybook")
