"""`-o jsonl`: a line of JSON for each item of what `-o json` prints as one document, for every command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from runner.commands import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer

BROKEN = "version: 1\nevent: [1]\ndistinct_id: {a: 1}\n"
SPEC = "version: 1\nvars: {user: {type: string}, n: {type: integer}}\nevent: order_placed\ndistinct_id: '{{ user }}'\n"
ROWS = "user,n\nu1,1\nu2,x\nu1,y\nu3,3\n"
CASES = """\
tests:
  - name: right
    vars: {user: u1, n: 1}
    expect: {event: {event: order_placed}}
  - name: wrong
    vars: {user: u1, n: 1}
    expect: {event: {event: order_lost}}
"""


@pytest.fixture
def project(in_tmp: Path, cli: CommandLine, server: CapturingServer) -> CommandLine:
    """Write two specs, a broken one, cassettes, and two runs with rows that failed."""
    cli.environ |= {
        "SUPRSEND_BASE_URL": server.base_url,
        "SUPRSEND_WORKSPACE_KEY": "key",
        "SUPRSEND_WORKSPACE_SECRET": "the-workspace-secret",
    }
    assert cli("init", "-q").code == 0
    for name, text in (
        ("specs/rows.yaml", SPEC + CASES),
        ("broken/a.yaml", BROKEN),
        ("rows.csv", ROWS),
        ("cassettes/order-placed/of-no-case.yaml", next((in_tmp / "cassettes").rglob("*.yaml")).read_text("utf-8")),
    ):
        (in_tmp / name).parent.mkdir(exist_ok=True)
        (in_tmp / name).write_text(text)
    for _ in range(2):
        assert cli("send", "specs/rows.yaml", "--rows", "rows.csv").code == 2
    return cli


def at(*names: str) -> Callable[[Any], list[Any]]:
    """Return the items of a document that has them under these names."""
    return lambda document: [item for name in names for item in document[name]]


def run_and(*names: str) -> Callable[[Any], list[Any]]:
    """Return the run or its check, then its rows, of a document that has rows under these names."""
    return lambda document: [
        {key: value for key, value in document.items() if key not in names},
        *(item for name in names for item in document[name]),
    ]


def all_of(document: Any) -> list[Any]:
    return document if isinstance(document, list) else [document]


ITEMS: list[tuple[tuple[str, ...], Callable[[Any], list[Any]], int]] = [
    (("validate", "broken/"), at("problems"), 2),
    (("fmt", "broken/", "specs/", "--check"), at("problems", "files"), 4),
    (("list",), at("specs"), 2),
    (("render", "specs/rows.yaml", "--var", "user=u1", "--var", "n=1"), all_of, 1),
    (("render", "specs/rows.yaml", "--rows", "rows.csv"), all_of, 2),
    (("send", "specs/", "--var", "user=u1", "--var", "n=1", "--dry-run"), at("events"), 2),
    (("send", "specs/", "--var", "user=u1", "--var", "n=1"), at("events"), 2),
    (("send", "specs/rows.yaml", "--rows", "rows.csv", "--dry-run"), run_and("failures", "duplicates"), 3),
    (("send", "specs/rows.yaml", "--rows", "rows.csv"), run_and("failures"), 3),
    (("test", "specs/rows.yaml"), at("cases"), 2),
    (("schema",), all_of, 1),
    (("explain",), at("problems"), 100),
    (("explain", "var-missing"), at("problems"), 1),
    (("init",), at("files"), 6),
    (("import", "rows.csv", "--dry-run"), run_and("files"), 2),
    (("doctor", "--offline"), at("findings"), 13),
    (("help",), at("topics"), 10),
    (("help", "bulk"), all_of, 1),
    (("cassette", "list"), at("cassettes"), 2),
    (("cassette", "check"), at("problems"), 1),
    (("cassette", "verify", "--sandbox"), at("problems"), 0),
    (("runs", "list"), at("runs"), 2),
    (("runs", "show", "last"), run_and("failures"), 3),
    (("runs", "failed", "last"), all_of, 2),
    (("--version",), all_of, 1),
    (("runs",), all_of, 1),
    (("validate", "nowhere.yaml"), at("problems"), 1),
    (("send", "specs/", "--vars", "a"), at("problems"), 1),
]


def shown(value: Any) -> Any:
    """Hide what differs from one command line to the next: ids and times."""
    if isinstance(value, dict):
        return {
            key: None if key.strip("$") in ("run", "insert_id", "idempotency_key") else shown(each)
            for key, each in value.items()
        }
    return [shown(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("args", "items", "at_least"), ITEMS, ids=[" ".join(args) for args, _, _ in ITEMS])
def test_jsonl_has_a_line_for_each_item(
    project: CommandLine, args: tuple[str, ...], items: Callable[[Any], list[Any]], at_least: int
) -> None:
    document = project(*args, "-o", "json")
    lines = project(*args, "-o", "jsonl")
    found = [json.loads(line) for line in lines.out.splitlines()]
    assert shown(found) == shown(items(document.json))
    assert len(found) >= at_least
    assert (lines.code, lines.out.count("\n")) == (document.code, len(found))


def test_every_command_is_held_to_it() -> None:
    assert {args[0] for args, _, _ in ITEMS} >= {*COMMANDS} - {"sandbox", "trace"}, (
        "a server prints no document; for trace see test_trace.py"
    )
