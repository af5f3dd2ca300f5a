"""A real browser at the page of a real sandbox."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.config import load_profile
from runner.sandbox.project_specs import ProjectSpecs
from runner.sandbox.rules import SandboxRules, rules_of
from runner.sandbox.server import Sandbox
from tests.browser import CHROMIUM, FLAGS
from tests.conftest import REPOSITORY
from tests.sandbox.conftest import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

TENANTS = frozenset({"acme", "default"})
EVENTS = frozenset({"order_placed", "order_shipped", "product_purchased", "order_refunded"})
WAIT_MS = 10_000
WORKFLOW_SHOP = REPOSITORY / "tests" / "workflows" / "shop"
LARGE_ORDER = {"order_id": "1", "amount": 1500, "status": "paid", "country": "DE", "cart_id": "c1", "tags": []}
"""An order of which several messages come, at several times, by a branch of the workflow."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests of the page."""
    api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    if CHROMIUM is None:
        pytest.skip("needs Debian's chromium: apt-get install chromium-headless-shell")
    with api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@dataclass
class Shop:
    """A sandbox with rules and specs, and a client that sends to it."""

    sandbox: Sandbox
    count: int = field(default=0)

    @property
    def caller(self) -> Caller:
        return Caller(self.sandbox.port)

    def send(self, event: str = "order_placed", user: str = "u1", **more: Any) -> int:
        """Send an event over HTTP, signed, and return the status of the answer."""
        self.count += 1
        insert_id = f"{self.count:08}-1111-4111-8111-111111111111"
        return self.caller.post(
            "/v2/event/", self.caller.event(event=event, distinct_id=user, **{"$insert_id": insert_id} | more)
        ).status

    def send_wrong_secret(self) -> int:
        caller = self.caller.as_workspace(self.caller.key, "wrong")
        return caller.post("/v2/event/", caller.event()).status


@pytest.fixture
def shop() -> Iterator[Shop]:
    rules = SandboxRules(tenants=TENANTS, events=EVENTS)
    environ = {"PATH": os.environ["PATH"]}
    with Sandbox(rules=rules, specs=ProjectSpecs(REPOSITORY, environ)) as sandbox:
        yield Shop(sandbox)


@pytest.fixture
def workflow_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Run a sandbox in a copy of the shop that has workflow files."""
    shutil.copytree(WORKFLOW_SHOP, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)  # places are shown as they are found
    with Sandbox(rules=rules_of(load_profile(start=Path()))) as sandbox:
        yield Shop(sandbox)


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


IMAGES = Path(__file__).parents[3] / "runner" / "manual" / "images"
