"""`runner runs reconcile`: planted losses are all found and none invented, from every kind of export."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.bulk.conftest import send, write
from tests.cli.bulk.planted import Plan, as_csv, as_lines, as_pages, plan_losses, write_tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import CommandLine, Ended
    from tests.servers.capturing import CapturingServer

ROWS = 400
ACCEPTED = {"status": "success", "status_code": 202}


def rows_in_every_state(server: CapturingServer, random: Random) -> None:
    """Have a run of several requests end with rows in every state of the ledger."""
    refused = {"status": "error", "status_code": 404, "error": {"message": "no", "type": "not_found"}}
    busy = refused | {"status_code": 429}
    for _ in range(2):
        records = random.choices([ACCEPTED, refused, busy], [80, 10, 10], k=100)
        server.answers.append((207, {"status": "success", "records": records}))
    server.answers.append((200, {"status": "what?"}))


def states(cli: CommandLine, rows: int, key: Callable[[int], str]) -> dict[int, tuple[str, str]]:
    """Return the state of each row in the ledger, and its key."""
    shown = cli("runs", "show", "-o", "json").json
    others = {failure["row"]: failure["state"] for failure in shown["failures"]}
    return {row: (others.get(row, "accepted"), key(row)) for row in range(1, rows + 1)}


def reconcile(cli: CommandLine, *args: str) -> Ended:
    return cli("runs", "reconcile", "last", *args)


def found(ended: Ended) -> set[tuple[Any, ...]]:
    findings = ended.json["findings"]
    told = {tuple(each[name] for name in ("row", "kind", "channel", "status", "reason")) for each in findings}
    assert len(told) == len(findings)
    return told


def check(ended: Ended, plan: Plan) -> None:
    assert found(ended) == plan.found
    assert {state: fates for state, fates in ended.json["rows"].items() if fates} == plan.fates
    assert ended.json["other_items"] == plan.others
    assert ended.code == 1


def planted(cli: CommandLine, server: CapturingServer, seed: int, *, of_tables: bool = False) -> Plan:
    """Send rows, some of which repeat a key, and plan what became of them."""
    random = Random(seed)
    users = [number if random.random() < 0.97 or number < 20 else number - 10 for number in range(1, ROWS + 1)]
    write("many.csv", "user,order\n" + "".join(f"u{user},{user}\n" for user in users))
    rows_in_every_state(server, random)
    send(cli, "--rows", "many.csv", "--retries", "0")
    known = states(cli, ROWS, lambda row: f"u{users[row - 1]}-{users[row - 1]}")
    assert {state for state, _ in known.values()} == {"accepted", "failed", "unknown", "not_sent"}
    return plan_losses(known, random, of_tables=of_tables)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("messages.jsonl", as_lines),
        ("pages.jsonl", as_pages),
        ("messages.json", json.dumps),
        ("messages.csv", as_csv),
    ],
)
def test_planted_losses_are_all_found_and_none_invented(
    cli: CommandLine, server: CapturingServer, name: str, written: Callable[[Any], str], seed: int
) -> None:
    plan = planted(cli, server, seed)
    ended = reconcile(cli, "--messages", write(name, written(plan.messages)), "-o", "json")
    check(ended, plan)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("is_shared", [False, True])
def test_planted_losses_are_found_in_the_tables_of_s3(
    cli: CommandLine, server: CapturingServer, in_tmp: Path, seed: int, is_shared: bool
) -> None:
    pytest.importorskip("pyarrow")
    plan = planted(cli, server, seed, of_tables=True)
    write_tables(in_tmp / "export", plan, is_shared=is_shared)
    check(reconcile(cli, "--s3", "export", "-o", "json"), plan)
