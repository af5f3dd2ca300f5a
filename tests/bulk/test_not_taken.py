"""What the platform surely did not take goes by a resume, and a platform that is down stops a run."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.listeners import closed_url

if TYPE_CHECKING:
    from tests.conftest import CommandLine, Ended
    from tests.servers.capturing import CapturingServer, Received

SPEC = """\
version: 1
vars: {user: {type: string}, amount: {type: number, default: 1}}
event: order_placed
distinct_id: "{{ user }}"
properties: {amount: "{{ amount }}"}
"""
DOWN = "the platform does not answer properly"
WORDS: dict[str, Any] = {"status": "error", "error": {"message": "try later", "type": "x"}}
HTML = b"<html><head><title>503 Service Unavailable</title></head></html>"
TAKEN = {"status": "success", "status_code": 202}


@pytest.fixture
def cli(cli: CommandLine, in_tmp: Path, server: CapturingServer) -> CommandLine:
    (in_tmp / "order.yaml").write_text(SPEC)
    (in_tmp / "rows.csv").write_text("user,amount\n" + "".join(f"u{n},{n}\n" for n in range(1, 251)))
    cli.environ = {
        "SUPRSEND_WORKSPACE_KEY": "key",
        "SUPRSEND_WORKSPACE_SECRET": "the-workspace-secret",
        "SUPRSEND_BASE_URL": server.base_url,
    }
    return cli


def send(cli: CommandLine, *args: str, stdin: str = "") -> Ended:
    patience = () if "--retries" in args else ("--retries", "0")
    return cli("send", "order.yaml", *patience, *args, "-o", "json", stdin=stdin)


def counts(ended: Ended) -> tuple[int, ...]:
    told = ended.json
    assert told["total"] == sum(told[name] for name in ("accepted", "failed", "unknown", "not_sent"))
    return tuple(told[name] for name in ("accepted", "failed", "unknown", "not_sent"))


@pytest.mark.parametrize("is_piped", [False, True])
@pytest.mark.parametrize(
    ("status", "code"), [(429, "rate-limited"), (408, "refused"), (425, "refused"), (503, "refused")]
)
def test_rows_that_are_turned_away_after_all_retries_go_by_a_resume_under_the_same_ids_and_bytes(
    status: int, code: str, is_piped: bool, cli: CommandLine, server: CapturingServer
) -> None:
    server.answers.extend([(207, {"records": [TAKEN] * 100}), (status, WORDS), (status, WORDS)])
    stdin = Path("rows.csv").read_text() if is_piped else ""
    rows = "-" if is_piped else "rows.csv"
    ended = send(cli, "--rows", rows, "--concurrency", "1", "--retries", "1", "--limit", "200", stdin=stdin)
    assert counts(ended) == (100, 0, 0, 100)
    [failure, *_] = ended.json["failures"]
    assert [failure[name] for name in ("state", "code", "status_code", "attempts")] == ["not_sent", code, status, 2]
    assert cli("runs", "failed").code == (2 if is_piped else 0)
    ended = cli("send", "--resume", "last", *(["--rows", "-"] if is_piped else []), "-o", "json", stdin=stdin)
    assert (ended.code, counts(ended)) == (0, (200, 0, 0, 0))
    assert server.received[3].body == server.received[1].body


def test_rows_for_which_nobody_listens_go_by_a_resume(cli: CommandLine) -> None:
    there, cli.environ["SUPRSEND_BASE_URL"] = cli.environ["SUPRSEND_BASE_URL"], closed_url()
    ended = send(cli, "--rows", "rows.csv")
    assert (ended.code, counts(ended)) == (7, (0, 0, 0, 250))
    assert {failure["code"] for failure in ended.json["failures"]} == {"no-connection"}
    cli.environ["SUPRSEND_BASE_URL"] = there
    ended = cli("send", "--resume", "last", "-o", "json")
    assert (ended.code, counts(ended)) == (0, (250, 0, 0, 0))


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_rows_that_the_platform_refuses_for_good_are_failed_and_no_resume_sends_them(
    status: int, cli: CommandLine, server: CapturingServer
) -> None:
    record = WORDS | {"status_code": status}
    server.answers.append((207, {"records": [TAKEN, record, TAKEN]}))
    assert counts(send(cli, "--rows", "rows.csv", "--limit", "3")) == (2, 1, 0, 0)
    received = len(server.received)
    assert counts(cli("send", "--resume", "last", "-o", "json")) == (2, 1, 0, 0)
    assert len(server.received) == received


def test_a_certificate_that_is_not_trusted_leaves_all_rows_for_a_resume(cli: CommandLine) -> None:
    cli.environ["SUPRSEND_BASE_URL"] = "https://127.0.0.1:9/"
    ended = send(cli, "--rows", "rows.csv", "--limit", "2")
    assert (ended.code, counts(ended)) == (7, (0, 0, 0, 2))


# A platform that is down


@pytest.mark.parametrize(
    ("answer", "state"),
    [((503, WORDS), "not_sent"), ((500, WORDS), "not_sent"), ((503, HTML), "unknown"), ((502, HTML), "unknown")],
    ids=["503 in its words", "500 in its words", "503 of a gateway", "502 of a gateway"],
)
def test_a_platform_that_is_down_stops_a_run_when_as_many_parts_as_are_under_way_failed(
    answer: tuple[int, Any], state: str, cli: CommandLine, server: CapturingServer
) -> None:
    Path("rows.csv").write_text("user\n" + "".join(f"u{n}\n" for n in range(1, 5_001)))
    server.answers.extend([answer] * 50)
    ended = send(cli, "--rows", "rows.csv", "--concurrency", "4")
    told = dict(zip(("accepted", "failed", "unknown", "not_sent"), counts(ended), strict=True))
    assert ended.code == 7
    assert 4 <= len(server.received) <= 8
    assert (told["accepted"], told["failed"], told["unknown"] > 0) == (0, 0, state == "unknown")
    assert f"stopped: {DOWN}\n" in ended.err
    assert cli("runs", "list", "-o", "json").json["runs"][0]["state"] == "stopped"
    server.answers.clear()
    ended = cli("send", "--resume", "last", "-o", "json")
    assert (ended.code, counts(ended)) == (0, (5_000, 0, 0, 0))


def test_the_summary_says_why_a_run_stopped(cli: CommandLine, server: CapturingServer) -> None:
    server.answers.extend([(503, WORDS)] * 9)
    ended = cli("send", "order.yaml", "--rows", "rows.csv", "--retries", "0")
    assert (ended.code, ended.out.splitlines()[-1].rpartition(" · ")[2]) == (7, f"stopped: {DOWN}")


def test_rows_that_make_no_event_do_not_hide_that_the_platform_is_down(
    cli: CommandLine, server: CapturingServer
) -> None:
    Path("rows.csv").write_text(
        "user,amount\n" + "".join(f"u{n},{'x' if n % 50 == 0 else n}\n" for n in range(1, 2_001))
    )
    server.answers.extend([(503, WORDS)] * 20)
    ended = send(cli, "--rows", "rows.csv", "--concurrency", "2")
    assert ended.code == 7
    assert len(server.received) <= 4


def answer_in_turn(server: CapturingServer, requests: int) -> None:
    """Answer a request when the next one has come, so that they end in the order in which they began."""
    came = [Event() for _ in range(requests + 1)]
    came[-1].set()
    numbers = count()
    answer = server.answer_to

    def answer_to(request: Received) -> tuple[int, bytes, dict[str, str]]:
        with turns:
            number, answered = next(numbers), answer(request)
        came[number].set()
        came[number + 1].wait(10)
        return answered

    turns = Lock()
    server.answer_to = answer_to  # type: ignore[method-assign]


def test_a_platform_that_takes_some_rows_in_between_does_not_stop_a_run(
    cli: CommandLine, server: CapturingServer
) -> None:
    Path("rows.csv").write_text("user\n" + "".join(f"u{n}\n" for n in range(1, 1_001)))
    server.answers.extend([(503, WORDS), (207, {"records": [TAKEN] * 100})] * 5)
    answer_in_turn(server, 10)
    ended = send(cli, "--rows", "rows.csv", "--concurrency", "2")
    assert (ended.code, counts(ended)) == (1, (500, 0, 0, 500))
    assert json.loads(cli("runs", "list", "-o", "json").out)["runs"][0]["state"] == "finished"


def test_fail_fast_stops_for_rows_that_are_turned_away_too(cli: CommandLine, server: CapturingServer) -> None:
    server.answers.append((207, {"records": [TAKEN] * 99 + [WORDS | {"status_code": 429}]}))
    ended = send(cli, "--rows", "rows.csv", "--concurrency", "1", "--fail-fast")
    assert counts(ended) == (99, 0, 0, 151)
    assert len(server.received) == 1
