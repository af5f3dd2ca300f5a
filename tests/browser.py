"""The browser of tests: Debian's chromium without windows, which `.ci/run` installs, or else the whole of it.

Nothing is downloaded. With windows that nobody sees, the same tests take twice the time of the processor.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.official_sdks import sdk_homes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage"]
"""Containers allow no namespaces, and have little shared memory."""
AXE = "axe-core@4.14.1"
WAIT_MS = 10_000


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests of a process: two at once are refused by its library."""
    api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    if CHROMIUM is None:
        pytest.skip("needs Debian's chromium: apt-get install chromium-headless-shell")
    with api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages, each in a profile of its own. No script of them may fail, and no policy may be violated."""
    contexts = []
    complaints: list[str] = []

    def open_page(url: str, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "locale": "en-US"} | options)
        contexts.append(context)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if is_complaint(said.type, said.text) else None)
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def is_complaint(kind: str, text: str) -> bool:
    """Whether a message of the console is an error, and not only an answer with an error's status."""
    return kind == "error" and not re.match(r"Failed to load resource: (the server responded|net::ERR_)", text)


@pytest.fixture(scope="session")
def axe(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Read the source of axe, which npm installs."""
    home = sdk_homes(pytestconfig, tmp_path_factory)(AXE)
    return (home / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
