"""What `runner send` shows of the platform's answers, and how it ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import SANDBOX
from tests.cli.send.conftest import INSERT_ID, PURCHASE
from tests.servers.listeners import free_port, silent_listener, url_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer, Received

pytestmark = pytest.mark.usefixtures("in_repository")


def test_one_spec_goes_to_the_single_endpoint_and_is_shown_whole(cli: CommandLine, to_server: CapturingServer) -> None:
    ended = cli("send", *PURCHASE)
    assert [request.path for request in to_server.received] == ["/v2/event/"]
    assert ended.out == (
        "accepted  product_purchased\n"
        "  user        u1\n"
        "  status      202\n"
        "  message id  m0\n"
        "  key         u1-purchase-1001\n"
        f"  insert id   {INSERT_ID}\n"
        "  time        2026-01-02T03:04:05.000Z\n"
    )
    assert (ended.err, ended.code) == ("1 event: 1 accepted\n", 0)


def test_several_specs_go_through_bulk_in_one_request(cli: CommandLine, to_server: CapturingServer) -> None:
    ended = cli("send", "specs/", "--var", "user=u1", "-o", "json")
    assert ended.code == 0
    assert [request.path for request in to_server.received] == ["/v2/bulk/event/"]
    sent = [event["event"] for event in to_server.received[0].json]
    assert sent == [event["event"] for event in ended.json["events"]]
    assert len(sent) == ended.json["accepted"] == 8


def test_json_has_the_documented_shape(cli: CommandLine, to_server: CapturingServer) -> None:
    to_server.answers.append((400, {"status": "error", "error": {"message": "BAD REQUEST", "type": "bad_request"}}))
    ended = cli("send", *PURCHASE, "-o", "json")
    assert ended.code == 1
    assert ended.json == {
        "run": None,
        "total": 1,
        "accepted": 0,
        "failed": 1,
        "unknown": 0,
        "not_sent": 0,
        "events": [
            {
                "spec": "specs/purchase.yaml",
                "event": "product_purchased",
                "distinct_id": "u1",
                "success": False,
                "status_code": 400,
                "message_id": None,
                "idempotency_key": "u1-purchase-1001",
                "insert_id": INSERT_ID,
                "time_ms": 1767323045000,
                "error": {
                    "code": "refused", "severity": "error", "message": "BAD REQUEST", "path": None, "line": None,
                    "column": None, "end_column": None, "at": None, "hint": None, "context": None,
                },
            }
        ],
    }  # fmt: skip


def test_jsonl_has_a_line_for_each_event(cli: CommandLine, to_server: CapturingServer) -> None:
    ended = cli("send", "specs/", "--var", "user=u1", "-o", "jsonl")
    assert len(to_server.received) == 1
    assert [json.loads(line)["success"] for line in ended.out.splitlines()] == [True] * 8


def test_a_partly_refused_bulk_names_what_was_refused_and_why(cli: CommandLine, to_server: CapturingServer) -> None:
    records = [{"status": "success", "status_code": 202, "message_id": f"m{index}"} for index in range(8)]
    records[3] = {"status": "error", "status_code": 404, "error": {"message": "no such tenant", "type": "not_found"}}
    to_server.answers.append((207, {"status": "success", "records": records}))
    ended = cli("send", "specs/", "--var", "user=u1")
    assert ended.code == 1
    assert ended.err == "8 events: 7 accepted, 1 failed\n"
    failed = ended.out.splitlines()[3:5]
    assert failed[0].split()[:4] == ["failed", "password_reset_requested", "u1", "404"]
    assert failed[1] == "          no such tenant"


@pytest.mark.parametrize(
    ("answer", "code", "word"),
    [
        ((401, {"status": "error", "error": {"message": "no", "type": "x"}}), 3, "credentials-refused"),
        ((403, {"status": "error", "error": {"message": "no", "type": "x"}}), 3, "credentials-refused"),
        ((429, {"status": "error", "error": {"message": "slow down", "type": "x"}}), 5, "rate-limited"),
        ((400, {"error": "text"}), 1, "refused"),
        ((502, b"<html><title>Bad Gateway</title></html>"), 1, "unclear-answer"),
        ((500, {"error": "internal"}), 1, "refused"),
        ((302, b"", {"Location": "/elsewhere"}), 1, "refused"),
        ((200, b"<html>log in</html>"), 1, "unclear-answer"),
    ],
)
def test_what_the_platform_answers_decides_the_exit_code(
    cli: CommandLine, to_server: CapturingServer, answer: tuple[object, ...], code: int, word: str
) -> None:
    to_server.answers.append(answer)
    ended = cli("send", *PURCHASE, "-o", "json", "--retries", "0")
    assert (ended.code, ended.json["events"][0]["error"]["code"]) == (code, word)
    assert len(to_server.received) == 1


def test_a_dead_port_ends_with_7(cli: CommandLine) -> None:
    port = free_port()
    cli.environ |= SANDBOX | {"SUPRSEND_BASE_URL": f"http://127.0.0.1:{port}/"}
    ended = cli("send", *PURCHASE)
    assert ended.code == 7
    assert ended.out.splitlines()[-1] == "  error       Connection refused"


def test_a_silent_server_ends_with_7_within_the_timeout(cli: CommandLine) -> None:
    with silent_listener() as silent:
        cli.environ |= SANDBOX | {"SUPRSEND_BASE_URL": url_of(silent)}
        ended = cli("send", *PURCHASE, "--timeout", "0.2", "-o", "json")
    assert ended.code == 7
    assert ended.json["unknown"] == 1
    assert ended.json["events"][0]["error"]["message"] == "no answer within 0.2 s"


def test_secrets_of_the_platform_are_starred_in_what_it_answers(cli: CommandLine, to_server: CapturingServer) -> None:
    cli.environ["SUPRSEND_WORKSPACE_SECRET"] = "a-secret-that-leaks"
    to_server.answers.append((400, {"error": "cannot use a-secret-that-leaks"}))
    ended = cli("send", *PURCHASE)
    assert ended.out.splitlines()[-1] == "  error       cannot use ***"


def test_an_answer_can_not_move_the_cursor(cli: CommandLine, to_server: CapturingServer) -> None:
    to_server.answers.append((400, {"error": "\x1b[2Jgone\r\n\u202ereversed"}))
    ended = cli("send", *PURCHASE)
    assert ended.out.splitlines()[-1] == "  error       \\x1b[2Jgone\\r\\n\\u202ereversed"


def test_colours_come_only_when_asked_for(cli: CommandLine, to_server: CapturingServer) -> None:
    plain = cli("send", *PURCHASE)
    painted = cli("--color", "always", "send", *PURCHASE)
    assert "\x1b[" not in plain.out
    assert painted.out.startswith("\x1b[32maccepted\x1b[0m")
    assert len(to_server.received) == 2


def test_an_echo_of_the_request_shows_no_authorization(cli: CommandLine, to_server: CapturingServer) -> None:
    def echo(request: Received) -> tuple[int, bytes, dict[str, str]]:
        return 500, json.dumps({"error": f"you sent {request.headers['Authorization']}"}).encode(), {}

    to_server.answer_to = echo  # type: ignore[method-assign] # this server answers with what it got
    ended = cli("send", *PURCHASE)
    assert ended.out.splitlines()[-1] == "  error       you sent ***"


def test_two_specs_with_one_key_are_told(
    cli: CommandLine, to_server: CapturingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, key in (("a", "k1"), ("b", " k1 "), ("c", "k2")):
        (tmp_path / f"{name}.yaml").write_text(
            f"version: 1\nevent: order_placed\ndistinct_id: u1\nidempotency_key: '{key}'\n"
        )
    ended = cli("send", "a.yaml", "b.yaml", "c.yaml")
    assert (ended.code, len(to_server.received)) == (0, 1)
    told = "3 events: 3 accepted; 1 under a key that was there already: the platform does not count it again\n"
    assert ended.err == told
    events = cli("send", "a.yaml", "b.yaml", "c.yaml", "-o", "json").json["events"]
    assert [event.get("same_key") for event in events] == [None, True, None]
    assert cli("send", "a.yaml").err == "1 event: 1 accepted\n"


def test_a_dead_port_is_told_with_its_address_and_what_to_do(cli: CommandLine) -> None:
    port = free_port()
    cli.environ |= SANDBOX | {"SUPRSEND_BASE_URL": f"http://127.0.0.1:{port}/"}
    ended = cli("send", *PURCHASE, "--retries", "0")
    hint = f"nothing listens on http://127.0.0.1:{port}/: start the server there"
    told = f"{hint}, or add --sandbox to send to a server on this machine"
    assert ended.err == f"1 event: 1 failed\n  = {told}\n"
    assert cli("send", *PURCHASE, "--retries", "0", "-o", "json").json["events"][0]["error"]["hint"] == told
