"""Where `runner send` sends to and as whom: credentials, profiles, confirmation, the sandbox."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from runner.cli.main import run
from runner.commands.world import World
from tests.cli.conftest import SANDBOX
from tests.cli.send.conftest import PURCHASE

if TYPE_CHECKING:
    from runner.sandbox.server import Sandbox
    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer

pytestmark = pytest.mark.usefixtures("in_repository")


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


def test_plain_http_to_another_machine_is_refused(cli: CommandLine) -> None:
    cli.environ |= SANDBOX | {"SUPRSEND_BASE_URL": "http://hub.example.com/"}
    ended = cli("send", *PURCHASE)
    assert ended.code == 3
    assert ended.err == (
        "error[insecure-url]: refusing to send credentials over plain http to hub.example.com\n"
        "  = use https://; it comes from SUPRSEND_BASE_URL\n"
    )


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


def test_real_credentials_are_never_sent_to_the_sandbox(cli: CommandLine) -> None:
    cli.environ |= {"SUPRSEND_WORKSPACE_KEY": "real-key", "SUPRSEND_WORKSPACE_SECRET": "real-secret"}
    ended = cli("send", *PURCHASE, "--sandbox", "-n", "-o", "json")
    assert ended.json["events"][0]["body"]["env"] == "sandbox-workspace-key"


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
