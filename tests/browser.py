"""A real browser for pages that people look at: the system's Chromium, without a network."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
WIDE, PHONE = 1280, 390


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser. Without one the test is skipped, but not in CI."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        missing = "Chromium is not installed; on Debian: apt-get install chromium"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Visit:
    """An open page, and every error that occurred while it was opened."""

    page: Page
    requests: list[str] = field(default_factory=list)  # other than the request for the page itself
    problems: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text that a person reads, with no-break spaces as spaces."""
        return self.page.inner_text("body").replace("\N{NO-BREAK SPACE}", " ")


@contextmanager
def visit(
    browser: Browser, path: Path, *, width: int = WIDE, colours: str = "light"
) -> Iterator[Visit]:
    """Open a file, offline, on a screen of this width."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=colours, offline=True
    )
    page = context.new_page()
    seen = Visit(page)
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("requestfailed", lambda request: seen.problems.append(f"failed: {request.url}"))
    page.on("console", lambda message: seen.problems.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: seen.problems.append(f"error: {error}"))
    page.on("dialog", lambda dialog: seen.problems.append(f"dialog: {dialog.message}"))
    page.goto(path.as_uri())
    page.wait_for_load_state("networkidle")
    seen.requests.remove(path.as_uri())
    yield seen
    context.close()
