"""Commands whose runs stop, begun and resumed."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from runner.bulk.part import Part
from runner.bulk.setup import Setup
from runner.bulk.task import send_part
from runner.cli.main import run as main
from runner.commands.world import World
from runner.config import Target
from runner.errors import MachineError
from runner.eventspec import load
from runner.rows.row import Row
from runner.secrets import Secret
from runner.suprsend.auth import WorkspaceKey

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer

SPEC = """\
version: 1
vars: {user: {type: string}, amount: {type: number, default: 1}}
event: order_placed
distinct_id: "{{ user }}"
properties: {amount: "{{ amount }}"}
"""


@pytest.fixture
def project(in_tmp: Path, cli: CommandLine, server: CapturingServer) -> Path:
    (in_tmp / "order.yaml").write_text(SPEC)
    with (in_tmp / "rows.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["user", "amount"], *([f"u{number}", number] for number in range(250))])
    cli.environ |= {
        "SUPRSEND_BASE_URL": server.base_url,
        "SUPRSEND_WORKSPACE_KEY": "key",
        "SUPRSEND_WORKSPACE_SECRET": "the-workspace-secret",
    }
    return in_tmp


SEND = ("send", "order.yaml", "--rows", "rows.csv", "--concurrency", "1")


@pytest.mark.usefixtures("project")
def test_a_run_of_yesterday_asks_before_it_goes_on(
    cli: CommandLine, server: CapturingServer, fixed: tuple[datetime, UUID]
) -> None:
    def tomorrow(*args: str) -> tuple[int, list[str]]:
        out, err = io.StringIO(), io.StringIO()
        streams = io.StringIO(), out, err
        later = fixed[0] + timedelta(hours=23, seconds=1)
        world = World(cli.environ, *streams, lambda: later, lambda: fixed[1], lambda _: None, lambda: 0.5)
        return main(["send", "--resume", "last", *args], world), err.getvalue().splitlines()

    server.answers.append((401, {"error": "no such key"}))
    assert cli(*SEND).code == 3
    code, told = tomorrow()
    assert (code, told) == (
        64,
        [
            "error[run-too-old]: run 20260102-030405-0000 began more than 23 hours ago: the platform may have forgotten its keys",
            "  = events that arrived then would count again; add --yes to send them anyway",
        ],
    )
    assert tomorrow("--yes")[0] == 0
    assert sum(len(request.json) for request in server.received) == 100 + 250


@pytest.mark.usefixtures("project")
def test_a_spec_that_changes_while_it_is_sent_stops_the_run(project: Path) -> None:
    loaded = load(project / "order.yaml", project).spec
    assert loaded is not None
    target = Target("http://127.0.0.1:9/", WorkspaceKey("key", Secret("secret")), {})
    setup = Setup(
        project / "order.yaml", project, None, "another digest", {}, (), {"user": "user"}, ("user",), False, UUID(int=1),
        datetime(2026, 1, 1, tzinfo=UTC), target, 1.0, 0, False,
    )  # fmt: skip
    with pytest.raises(MachineError) as caught:
        send_part(setup, Part(1, 1, "", [Row(1, 2, ["u1"])]))
    assert [(problem.code, problem.hint) for problem in caught.value.problems] == [
        ("spec-changed", "a run sends one version of its spec: start a new run")
    ]


@pytest.mark.usefixtures("project")
def test_refused_credentials_leave_the_rest_for_a_resume(cli: CommandLine, server: CapturingServer) -> None:
    server.answers.extend([
        (207, {"records": [{"status": "success", "status_code": 202}] * 100}),
        (401, {"error": "no such key"}),
    ])  # fmt: skip
    ended = cli(*SEND, "-o", "json")
    told = ended.json
    assert (ended.code, told["accepted"], told["failed"], told["not_sent"]) == (3, 100, 0, 150)
    again = cli("send", "--resume", "last", "-o", "json")
    assert (again.code, again.json["accepted"], again.json["failed"], again.json["not_sent"]) == (0, 250, 0, 0)
    sent = [event["distinct_id"] for request in server.received for event in request.json]
    assert sent == [f"u{number}" for number in (*range(200), *range(100, 250))]
