"""A real browser at the page of a real sandbox."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.config import load_profile
from runner.sandbox.project_specs import ProjectSpecs
from runner.sandbox.rules import SandboxRules, rules_of
from runner.sandbox.server import Sandbox
from tests.conftest import REPOSITORY
from tests.sandbox.conftest import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator


TENANTS = frozenset({"acme", "default"})
EVENTS = frozenset({"order_placed", "order_shipped", "product_purchased", "order_refunded"})
WORKFLOW_SHOP = REPOSITORY / "tests" / "workflows" / "shop"
LARGE_ORDER = {"order_id": "1", "amount": 1500, "status": "paid", "country": "DE", "cart_id": "c1", "tags": []}
"""An order of which several messages come, at several times, by a branch of the workflow."""


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


IMAGES = Path(__file__).parents[3] / "runner" / "manual" / "images"
