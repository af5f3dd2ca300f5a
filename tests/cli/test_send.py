"""`runner send`, in this process; what needs a process of its own is in test_process.py."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from runner.cli.main import run
from runner.commands.world import World
from tests.servers.listeners import free_port, silent_listener, url_of

if TYPE_CHECKING:
    from pathlib import Path

    from runner.sandbox.server import Sandbox
    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer, Received

PURCHASE = ("specs/purchase.yaml", "--var", "user=u1")
SANDBOX = {"SUPRSEND_WORKSPACE_KEY": "sandbox-workspace-key", "SUPRSEND_WORKSPACE_SECRET": "sandbox-workspace-secret"}
INSERT_ID = "a61155a3-5f5d-5780-90f4-8fea488ae6f4"

pytestmark = pytest.mark.usefixtures("in_repository")


@pytest.fixture
def to_server(cli: CommandLine, server: CapturingServer) -> CapturingServer:
    """Aim the command line at the capturing server."""
    cli.environ |= SANDBOX | {"SUPRSEND_BASE_URL": server.base_url}
    return server


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


def test_the_sandbox_accepts_every_spec_and_keeps_it(cli: CommandLine, sandbox: Sandbox) -> None:
    cli.environ |= SANDBOX | {"SUPRSEND_BASE_URL": sandbox.base_url}
    ended = cli("send", "specs/", "--var", "user=u1", "-o", "json")
    assert ended.code == 0
    assert [stored.body["event"] for stored in sandbox.store.events()] == [e["event"] for e in ended.json["events"]]
    assert [stored.message_id for stored in sandbox.store.events()] == [e["message_id"] for e in ended.json["events"]]


def test_the_embedded_sandbox_needs_no_credentials(cli: CommandLine) -> None:
    ended = cli("send", *PURCHASE, "--sandbox", "-o", "json")
    assert (ended.code, ended.json["accepted"]) == (0, 1)
    assert ended.err.startswith("sandbox: started for this command on http://127.0.0.1:")


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


def test_wrong_credentials_end_with_3(cli: CommandLine, sandbox: Sandbox) -> None:
    cli.environ |= SANDBOX | {"SUPRSEND_WORKSPACE_SECRET": "not-the-secret", "SUPRSEND_BASE_URL": sandbox.base_url}
    ended = cli("send", *PURCHASE)
    assert ended.code == 3
    assert ended.out.splitlines()[-1] == "  error       invalid workspace key, secret or signature"


def test_without_credentials_it_ends_with_3_and_says_both_ways_out(cli: CommandLine) -> None:
    ended = cli("send", *PURCHASE)
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == (
        "error[credentials-missing]: no credentials for https://hub.suprsend.com/\n"
        "  = set SUPRSEND_WORKSPACE_KEY and SUPRSEND_WORKSPACE_SECRET, or SUPRSEND_API_KEY and SUPRSEND_WORKSPACE_UID;\n"
        "    or add --sandbox to send to a server on this machine\n"
    )


def test_half_of_the_credentials_are_named(cli: CommandLine) -> None:
    cli.environ["SUPRSEND_WORKSPACE_KEY"] = "wk"
    ended = cli("send", *PURCHASE)
    assert (ended.code, ended.err) == (
        3,
        (
            "error[credentials-missing]: SUPRSEND_WORKSPACE_KEY is set, SUPRSEND_WORKSPACE_SECRET is not\n"
            "  = set SUPRSEND_WORKSPACE_SECRET too\n"
        ),
    )


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


def test_plain_http_to_another_machine_is_refused(cli: CommandLine) -> None:
    cli.environ |= SANDBOX | {"SUPRSEND_BASE_URL": "http://hub.example.com/"}
    ended = cli("send", *PURCHASE)
    assert ended.code == 3
    assert ended.err == (
        "error[insecure-url]: refusing to send credentials over plain http to hub.example.com\n"
        "  = use https://; it comes from SUPRSEND_BASE_URL\n"
    )


def test_one_bad_spec_keeps_all_from_being_sent(cli: CommandLine, to_server: CapturingServer) -> None:
    ended = cli("send", "specs/", "--var", "user=u1", "--var", "order_id=abc", "-o", "json")
    assert ended.code == 2
    assert to_server.received == []
    assert {key: ended.json[key] for key in ("total", "accepted", "failed", "unknown", "not_sent")} == {
        "total": 8, "accepted": 0, "failed": 4, "unknown": 0, "not_sent": 4,
    }  # fmt: skip
    assert [problem["code"] for problem in ended.json["problems"]] == ["var-schema"] * 4


def test_dry_run_shows_the_request_and_sends_nothing(cli: CommandLine, to_server: CapturingServer) -> None:
    ended = cli("send", *PURCHASE, "--dry-run")
    first, _, body = ended.out.partition("\n")
    assert first == f"POST {to_server.base_url}v2/event/"
    assert json.loads(body)["event"] == "product_purchased"
    assert (ended.err, ended.code) == ("dry run: 1 event checked, nothing sent\n", 0)
    assert to_server.received == []


def test_dry_run_of_several_shows_the_bulk_request(cli: CommandLine) -> None:
    ended = cli("send", "specs/", "--var", "user=u1", "-n")
    first, _, body = ended.out.partition("\n")
    assert (first, ended.code) == ("POST https://hub.suprsend.com/v2/bulk/event/", 0)
    assert len(json.loads(body)) == 8


def test_dry_run_in_json_has_the_bodies(cli: CommandLine) -> None:
    ended = cli("send", *PURCHASE, "-n", "-o", "json")
    assert (ended.json["total"], ended.json["not_sent"]) == (1, 1)
    assert ended.json["events"][0]["body"]["distinct_id"] == "u1"


def test_dry_run_stars_a_secret_number_in_a_body_and_leaves_our_own_numbers(cli: CommandLine, tmp_path: Path) -> None:
    spec = tmp_path / "pin.yaml"
    spec.write_text(
        "version: 1\n"
        "vars: {pin: {type: integer, secret: true, default: 1}}\n"
        "event: pin_changed\n"
        "distinct_id: u7\n"
        'properties: {pin: "{{ pin }}"}\n'
    )
    ended = cli("send", spec, "-n", "-o", "json")
    assert (ended.json["total"], ended.json["events"][0]["body"]["properties"]["pin"]) == (1, "***")


def test_dry_run_finds_what_send_would_refuse(cli: CommandLine) -> None:
    assert cli("send", *PURCHASE, "-n", "--var", "amount=-1").code == 2


def test_a_label_selects_specs(cli: CommandLine, to_server: CapturingServer) -> None:
    cli("send", "specs/", "--label", "smoke", "--var", "user=u1")
    assert [event["event"] for event in to_server.received[0].json] == ["product_purchased", "user_signed_up"]


def test_an_unknown_label_ends_with_4(cli: CommandLine) -> None:
    ended = cli("send", "specs/", "--label", "smok", "--var", "user=u1")
    assert (ended.code, ended.err) == (
        4,
        "error[label-not-found]: no spec here has the label 'smok'\n  = did you mean 'smoke'?\n",
    )


def test_a_case_gives_the_variables_but_not_the_ids(cli: CommandLine, to_server: CapturingServer) -> None:
    assert cli("send", "specs/purchase.yaml", "--case", "a premium purchase").code == 0
    body = to_server.received[0].json
    assert (body["properties"]["amount"], body["$insert_id"]) == (1500, INSERT_ID)


def test_a_variable_that_only_one_of_several_specs_declares_is_fine(cli: CommandLine) -> None:
    assert cli("send", "specs/", "-n", "--var", "user=u1", "--var", "carrier=Example Bikes").code == 0


def test_a_profile_gives_credentials_and_variables(cli: CommandLine, server: CapturingServer) -> None:
    cli.environ |= {
        "SUPRSEND_STAGING_WORKSPACE_KEY": "staging-key",
        "SUPRSEND_STAGING_WORKSPACE_SECRET": "staging-secret",
        "SUPRSEND_BASE_URL": server.base_url,
    }
    assert cli("send", "specs/purchase.yaml", "--profile", "staging").code == 0
    body = server.received[0].json
    assert (body["env"], body["distinct_id"]) == ("staging-key", "staging-smoke-test")


def test_an_unknown_profile_ends_with_4(cli: CommandLine) -> None:
    ended = cli("send", *PURCHASE, "--profile", "stagin")
    assert (ended.code, ended.err) == (
        4,
        "error[profile-not-found]: no profile 'stagin' in specs/runner.yaml\n  = did you mean 'staging'?\n",
    )


def test_a_profile_that_confirms_needs_yes_where_nobody_can_be_asked(cli: CommandLine, server: CapturingServer) -> None:
    cli.environ |= {
        "SUPRSEND_PRODUCTION_API_KEY": "production-api-key",
        "SUPRSEND_PRODUCTION_WORKSPACE_UID": "production",
        "SUPRSEND_BASE_URL": server.base_url,
    }
    ended = cli("send", *PURCHASE, "--profile", "production")
    assert (ended.code, ended.err) == (
        64,
        (
            "error[confirm]: profile 'production' asks before it sends, and there is no terminal to ask on\n"
            "  = add --yes\n"
        ),
    )
    assert server.received == []
    assert cli("send", *PURCHASE, "--profile", "production", "--yes").code == 0
    assert server.received[0].headers["Authorization"] == "Bearer production-api-key"


class Terminal(io.StringIO):
    """What somebody types."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "code", "sent"), [("y\n", 0, 1), ("n\n", 130, 0), ("\n", 130, 0), ("", 130, 0)])
def test_a_profile_that_confirms_asks_on_a_terminal(server: CapturingServer, typed: str, code: int, sent: int) -> None:
    environ = {
        "SUPRSEND_PRODUCTION_API_KEY": "production-api-key",
        "SUPRSEND_PRODUCTION_WORKSPACE_UID": "production",
        "SUPRSEND_BASE_URL": server.base_url,
    }
    out, err = io.StringIO(), io.StringIO()
    now = datetime(2026, 1, 2, tzinfo=UTC)
    world = World(environ, Terminal(typed), out, err, lambda: now, uuid4, sleep=lambda _: None, random=lambda: 0.5)
    assert run(["send", *PURCHASE, "--profile", "production"], world) == code
    assert err.getvalue().startswith(f"send 1 event to {server.base_url}? [y/N] ")
    if code == 130:
        assert err.getvalue().endswith("error[interrupted]: not confirmed: nothing was sent\n")
    assert len(server.received) == sent


def test_secrets_of_the_platform_are_starred_in_what_it_answers(cli: CommandLine, to_server: CapturingServer) -> None:
    cli.environ["SUPRSEND_WORKSPACE_SECRET"] = "a-secret-that-leaks"
    to_server.answers.append((400, {"error": "cannot use a-secret-that-leaks"}))
    ended = cli("send", *PURCHASE)
    assert ended.out.splitlines()[-1] == "  error       cannot use ***"


def test_an_answer_can_not_move_the_cursor(cli: CommandLine, to_server: CapturingServer) -> None:
    to_server.answers.append((400, {"error": "\x1b[2Jgone\r\n\u202ereversed"}))
    ended = cli("send", *PURCHASE)
    assert ended.out.splitlines()[-1] == "  error       \\x1b[2Jgone\\r\\n\\u202ereversed"


def test_real_credentials_are_never_sent_to_the_sandbox(cli: CommandLine) -> None:
    cli.environ |= {"SUPRSEND_WORKSPACE_KEY": "real-key", "SUPRSEND_WORKSPACE_SECRET": "real-secret"}
    ended = cli("send", *PURCHASE, "--sandbox", "-n", "-o", "json")
    assert ended.json["events"][0]["body"]["env"] == "sandbox-workspace-key"


def test_options_are_taken_before_and_after_the_command(cli: CommandLine, to_server: CapturingServer) -> None:
    before = cli("-o", "json", "-q", "send", *PURCHASE)
    after = cli("send", *PURCHASE, "-o", "json", "-q")
    assert [(each.code, each.json["accepted"], each.err) for each in (before, after)] == [(0, 1, "")] * 2
    assert len(to_server.received) == 2


def test_colours_come_only_when_asked_for(cli: CommandLine, to_server: CapturingServer) -> None:
    plain = cli("send", *PURCHASE)
    painted = cli("--color", "always", "send", *PURCHASE)
    assert "\x1b[" not in plain.out
    assert painted.out.startswith("\x1b[32maccepted\x1b[0m")
    assert len(to_server.received) == 2


def test_an_event_above_the_limit_is_refused_and_a_profile_raises_it(
    cli: CommandLine, server: CapturingServer, tmp_path: Path
) -> None:
    cli.environ |= SANDBOX | {"SUPRSEND_BASE_URL": server.base_url}
    spec = tmp_path / "large.yaml"
    spec.write_text(f"version: 1\nevent: large\ndistinct_id: u1\nproperties:\n  text: {'x' * 110_000}\n")
    (tmp_path / "runner.yaml").write_text("profiles: {large: {max_event_kb: 200}}\n")
    ended = cli("send", spec, "-o", "json")
    assert (ended.code, ended.json["problems"][0]["code"], ended.json["problems"][0]["line"]) == (
        2,
        "event-too-large",
        4,
    )
    assert cli("send", spec, "--profile", "large").code == 0


def test_each_spec_takes_the_variables_of_its_own_case(cli: CommandLine, in_tmp: Path) -> None:
    for name in ("a", "b", "c"):
        case = f"tests: [{{name: same, vars: {{user: user-of-{name}}}}}]\n" if name != "c" else ""
        (in_tmp / f"{name}.yaml").write_text(
            f'version: 1\nvars: {{user: {{type: string}}}}\nevent: {name * 3}\ndistinct_id: "{{{{ user }}}}"\n{case}'
        )
    ended = cli("send", ".", "--case", "same", "-n", "-o", "json")
    assert [(event["event"], event["distinct_id"]) for event in ended.json["events"]] == [
        ("aaa", "user-of-a"),
        ("bbb", "user-of-b"),
    ]


def test_a_case_that_no_spec_has_ends_with_4(cli: CommandLine) -> None:
    ended = cli("send", "specs/", "--case", "a small purchas", "-n")
    assert (ended.code, ended.err) == (
        4,
        "error[case-not-found]: none of these specs has a case 'a small purchas'\n  = did you mean 'a small purchase'?\n",
    )


def test_labels_are_listed_when_none_is_near(cli: CommandLine) -> None:
    ended = cli("send", "specs/", "--label", "zzz", "-n")
    assert ended.err.splitlines()[1] == "  = known here: food, billing, checkout, account, security, smoke, digest"


def test_a_wrong_variable_is_told_before_missing_credentials(cli: CommandLine) -> None:
    ended = cli("send", *PURCHASE, "--var", "amount=x")
    assert (ended.code, ended.err.splitlines()[0]) == (2, "error[var-type]: variable 'amount': 'x' is not a number")


@pytest.mark.parametrize("seconds", ["0", "-1", "86400.5"])
def test_a_timeout_that_is_none_ends_with_64(cli: CommandLine, seconds: str) -> None:
    ended = cli("send", *PURCHASE, "--timeout", seconds)
    assert (ended.code, ended.err) == (
        64,
        f"error[usage]: --timeout must be more than 0 and at most 86,400 seconds, got {float(seconds):g}\n",
    )


@pytest.mark.parametrize("seconds", ["nan", "inf", "1e300", "1_0", "٣"])
def test_a_timeout_that_is_no_number_ends_with_64(cli: CommandLine, seconds: str) -> None:
    ended = cli("send", *PURCHASE, "--timeout", seconds)
    assert (ended.code, ended.err) == (
        64,
        f"error[usage]: Invalid value for '--timeout': {seconds!r} is not a number\n  = see `runner send --help`\n",
    )


def test_an_echo_of_the_request_shows_no_authorization(cli: CommandLine, to_server: CapturingServer) -> None:
    def echo(request: Received) -> tuple[int, bytes, dict[str, str]]:
        return 500, json.dumps({"error": f"you sent {request.headers['Authorization']}"}).encode(), {}

    to_server.answer_to = echo  # type: ignore[method-assign] # this server answers with what it got
    ended = cli("send", *PURCHASE)
    assert ended.out.splitlines()[-1] == "  error       you sent ***"


def test_an_empty_argument_ends_with_64(cli: CommandLine) -> None:
    ended = cli("send", "", "--yes")
    assert (ended.code, ended.err) == (
        64,
        "error[usage]: an argument is empty\n  = is a variable of the shell not set?\n",
    )


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


@pytest.mark.parametrize("kb", ["150", "150.0"])
def test_the_largest_event_of_a_profile_is_that_of_its_sandbox_too(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kb: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runner.yaml").write_text(f"profiles: {{large: {{max_event_kb: {kb}}}, small: {{max_event_kb: 1}}}}\n")
    (tmp_path / "large.yaml").write_text(
        "version: 1\nvars: {text: {type: string}}\nevent: report_made\ndistinct_id: u1\nproperties: {report: '{{ text }}'}\n"
    )
    (tmp_path / "vars.json").write_text(json.dumps({"text": "x" * 140_000}))
    send = ("send", "large.yaml", "--vars-file", "vars.json", "--sandbox")
    assert cli(*send, "--profile", "large").code == 0
    for other in ((), ("--profile", "small")):
        ended = cli(*send, *other)
        assert (ended.code, ended.err.startswith("error[event-too-large]")) == (2, True)


def test_a_dead_port_is_told_with_its_address_and_what_to_do(cli: CommandLine) -> None:
    port = free_port()
    cli.environ |= SANDBOX | {"SUPRSEND_BASE_URL": f"http://127.0.0.1:{port}/"}
    ended = cli("send", *PURCHASE, "--retries", "0")
    hint = f"nothing listens on http://127.0.0.1:{port}/: start the server there"
    told = f"{hint}, or add --sandbox to send to a server on this machine"
    assert ended.err == f"1 event: 1 failed\n  = {told}\n"
    assert cli("send", *PURCHASE, "--retries", "0", "-o", "json").json["events"][0]["error"]["hint"] == told


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        (
            {"SUPRSEND_WORKSPACE_KEY": "k", "SUPRSEND_WORKSPACE_SECRET": "s3cr3t"},
            "SUPRSEND_WORKSPACE_KEY and SUPRSEND_WORKSPACE_SECRET",
        ),
        ({"SUPRSEND_API_KEY": "s3cr3t", "SUPRSEND_WORKSPACE_UID": "u"}, "SUPRSEND_API_KEY and SUPRSEND_WORKSPACE_UID"),
    ],
)
def test_refused_credentials_are_told_with_their_names_and_the_server(
    cli: CommandLine, server: CapturingServer, environ: dict[str, str], names: str
) -> None:
    server.answers.append((401, {"status": "error", "error": {"message": "invalid signature", "type": "x"}}))
    cli.environ |= environ | {"SUPRSEND_BASE_URL": server.base_url}
    ended = cli("send", *PURCHASE)
    assert (ended.code, ended.err.splitlines()[-1]) == (
        3,
        f"  = {server.base_url} does not take these credentials: check {names}, or add --sandbox to send to a server on this machine",
    )
