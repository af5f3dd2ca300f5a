"""Files of the ledger that vanish or break while a run is at work: it ends with 74 and what it knows, never as a bug."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer, Received

SPEC = """\
version: 1
vars: {user: {type: string}}
event: order_placed
distinct_id: "{{ user }}"
"""
ROWS = 1_000
RUN = re.compile("20260102-030405-[0-9a-f]{4}")


@pytest.fixture
def cli(cli: CommandLine, in_tmp: Path, server: CapturingServer) -> CommandLine:
    (in_tmp / "order.yaml").write_text(SPEC)
    (in_tmp / "rows.csv").write_text("user\n" + "".join(f"u{n}\n" for n in range(1, ROWS + 1)))
    cli.environ = {
        "SUPRSEND_WORKSPACE_KEY": "key",
        "SUPRSEND_WORKSPACE_SECRET": "the-workspace-secret",
        "SUPRSEND_BASE_URL": server.base_url,
    }
    return cli


def at_request(server: CapturingServer, number: int, happens: Callable[[], object]) -> None:
    """Let something happen when a request comes, before it is answered."""
    answer = server.answer_to

    def answer_to(request: Received) -> tuple[int, bytes, dict[str, str]]:
        if len(server.received) == number:
            happens()
        return answer(request)

    server.answer_to = answer_to  # type: ignore[method-assign]


LEDGER = Path(".runner/ledger.sqlite3")
SEND = ("send", "order.yaml", "--rows", "rows.csv", "--concurrency", "1")


def replace_folder() -> None:
    Path(".runner").rename("elsewhere")
    shutil.copytree("elsewhere", ".runner")


def remove_database() -> None:
    for path in Path(".runner").glob("ledger.sqlite3*"):
        path.unlink()


def remove_lock() -> None:
    for path in Path(".runner").glob("*.lock"):
        path.unlink()


@pytest.mark.parametrize(
    ("happens", "file"),
    [
        (lambda: shutil.rmtree(".runner"), "ledger.sqlite3"),
        (replace_folder, "ledger.sqlite3"),
        (remove_database, "ledger.sqlite3"),
        (remove_lock, "RUN.lock"),
    ],
    ids=["the folder is removed", "the folder is replaced", "the database is removed", "the lock is removed"],
)
def test_a_ledger_that_is_removed_under_a_run_ends_it_with_74_and_the_counts(
    happens: Callable[[], object], file: str, cli: CommandLine, server: CapturingServer
) -> None:
    at_request(server, 3, happens)
    ended = cli(*SEND)
    assert len(server.received) == 3
    assert (ended.code, RUN.sub("RUN", ended.err)) == (
        74,
        (
            f"error[ledger-gone]: .runner/{file} was removed or replaced during the run\n"
            "  = keep cleaning programs such as 'git clean' away from it\n"
        ),
    )
    assert ended.out.startswith("1,000 rows: 300 accepted, 0 failed, 0 unknown, 700 not sent · ")


def test_the_counts_of_a_resume_whose_ledger_is_removed_are_those_of_all_sessions(
    cli: CommandLine, server: CapturingServer
) -> None:
    taken = {"status": "success", "status_code": 202}
    slow_down = {"status": "error", "status_code": 429, "error": {"message": "no", "type": "x"}}
    server.answers.extend(
        [(207, {"records": [taken] * 70 + [{"status": "queued"}] * 20 + [slow_down] * 10}), (401, {})]
    )
    assert cli(*SEND, "--retries", "0").code == 3
    server.received.clear()
    at_request(server, 2, lambda: shutil.rmtree(".runner"))
    ended = cli("send", "--resume", "last", "-o", "json")
    told = ended.json
    del told["run"], told["failures"]
    assert (ended.code, told) == (
        74, {"total": 1_000, "accepted": 200, "failed": 0, "unknown": 0, "not_sent": 800}
    )  # fmt: skip


def truncate() -> None:
    os.truncate(LEDGER, 0)


def overwrite() -> None:
    with LEDGER.open("r+b") as file:
        file.write(os.urandom(100_000))


def overwrite_all() -> None:
    for path in Path(".runner").glob("ledger.sqlite3*"):
        with path.open("r+b") as file:
            file.write(os.urandom(max(4_096, path.stat().st_size)))


def forbid() -> None:
    Path(".runner").chmod(0o500)


@pytest.mark.parametrize("happens", [truncate, overwrite, overwrite_all, forbid])
def test_a_ledger_that_breaks_under_a_run_is_no_bug(
    happens: Callable[[], None], cli: CommandLine, server: CapturingServer
) -> None:
    at_request(server, 3, happens)
    ended = cli(*SEND, "-o", "json")
    Path(".runner").chmod(0o700)
    told = json.loads(ended.out)
    assert (ended.code, told["total"]) in ((0, 1_000), (74, 1_000)), ended
    assert told["total"] == sum(told[name] for name in ("accepted", "failed", "unknown", "not_sent"))
    assert told["accepted"] == 100 * len(server.received)
