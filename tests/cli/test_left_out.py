"""Workflow files that can't be read, when a sandbox starts: each is named with the events that it is missed for, and the rest works."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.test_sandbox import running
from tests.sandbox.conftest import Caller

if TYPE_CHECKING:
    from tests.conftest import CommandLine

SHOP = Path(__file__).parents[1] / "workflows" / "shop"
CART = "suprsend/workflows/abandoned-cart/workflow.json"
CATEGORIES = "suprsend/preference_categories/categories.json"
ORDER = ["send", "specs/order_placed.yaml", "--var", "user=u1", "--var", "order=1", "--sandbox", "--wait", "5s"]
BROKEN = {
    "[]": "a workflow must be a map, not a list; no messages come of it",
    "": "a JSON value is missing here; no messages come of it",
    "[" * 5000: "nested more than 64 levels deep; no messages come of it",
    '{"trigger_events": ["cart_updated"], "slug": "order_placed", ': (
        "a key in double quotes is missing here; no messages come of it for cart_updated, order_placed"
    ),
    '{"trigger_events": ["cart_updated"]}': "the workflow has no 'name'; no messages come of it for cart_updated",
}


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(SHOP, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def left_out(text: str) -> list[str]:
    return [line.removeprefix("  left out: ") for line in text.splitlines() if line.startswith("  left out: ")]


@pytest.mark.parametrize("content", BROKEN, ids=lambda content: content[:10])
def test_a_send_names_a_broken_file_and_gets_the_messages_of_the_others(
    cli: CommandLine, shop: Path, content: str
) -> None:
    (shop / CART).write_text(content)
    ended = cli(*ORDER)
    assert left_out(ended.err) == [f"{CART}:1: {BROKEN[content]}"]
    assert ended.code == 0
    assert "  email  order-confirmation  order-confirmation  u1  triggered" in ended.out


def test_a_file_that_is_none_may_be_for_any_event(cli: CommandLine, shop: Path) -> None:
    (shop / CART).unlink()
    (shop / CART).mkdir()
    assert left_out(cli(*ORDER).err) == [
        f"{CART} is not a file: it is not read; no messages come of it, and it is not known for which events"
    ]


def test_a_category_file_is_named_without_events(cli: CommandLine, shop: Path) -> None:
    (shop / CATEGORIES).write_text("{")
    assert left_out(cli(*ORDER).err) == [f"{CATEGORIES}:1: a key in double quotes is missing here"]


def test_of_many_broken_files_the_first_are_named(cli: CommandLine, shop: Path) -> None:
    for number in range(7):
        path = shop / "suprsend" / "workflows" / f"w{number}" / "workflow.json"
        path.parent.mkdir()
        path.write_text("[]")
    lines = left_out(cli(*ORDER).err)
    assert [line.partition(":")[0] for line in lines] == [
        *(f"suprsend/workflows/w{number}/workflow.json" for number in range(5)),
        "2 more files; `runner validate` names them",
    ]


def test_a_sandbox_names_broken_files_at_its_start_and_with_their_events(tmp_path: Path) -> None:
    (tmp_path / CART).write_text(json.dumps({"trigger_events": ["cart_updated"]}))
    with running(tmp_path, "--memory") as sandbox:
        assert left_out("".join(sandbox.announced)) == [
            f"{CART}:1: the workflow has no 'name'; no messages come of it for cart_updated"
        ]
        caller = Caller(sandbox.port)
        for event in ("cart_updated", "order_placed", "order_palced"):
            assert caller.post("/v2/event/", caller.event(event=event)).status == 202
        assert sandbox.next_lines(3) == [
            f"T 202 cart_updated user u1: warning: no workflow that can be read listens to 'cart_updated'; {CART} can't be read",
            "T 202 order_placed user u1",
            "T 202 order_palced user u1: warning: no workflow listens to 'order_palced': did you mean 'order_placed'?",
        ]
