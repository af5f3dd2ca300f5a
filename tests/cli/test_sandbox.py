"""`runner sandbox` in a process of its own: where it stores, what it prints, who else may listen."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest

from runner import Event, Suprsend
from runner.sandbox.server import Sandbox
from runner.sandbox.store import Limits, Store
from tests.cli.test_process import CLEAN
from tests.processes import Preloaded, run_preloaded
from tests.sandbox.conftest import Caller
from tests.servers.foreign import Foreign
from tests.servers.listeners import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import CommandLine

LAST = "  export SUPRSEND_WORKSPACE_KEY="


class Running:
    """A running sandbox, and what it has printed so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.announced = list(self._until(LAST))
        self.base_url = self.announced[0].split()[3]
        self.port = int(self.base_url.rstrip("/").rpartition(":")[2])

    def _until(self, beginning: str) -> Iterator[str]:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            yield line
            if line.startswith(beginning):
                return

    def value(self, beginning: str) -> str:
        """Return what follows in the line that begins so."""
        [line] = [line for line in self.announced if line.startswith(beginning)]
        return line.removeprefix(beginning).strip()

    def next_lines(self, count: int) -> list[str]:
        assert self.process.stderr is not None
        return [re.sub(r"^\d\d:\d\d:\d\d", "T", self.process.stderr.readline()).rstrip("\n") for _ in range(count)]


@contextmanager
def running(home: Path, *args: str, port: str = "0", **variables: str) -> Iterator[Running]:
    environ = CLEAN | {"HOME": str(home), "XDG_STATE_HOME": ""} | variables
    process = Preloaded[str](
        ["runner", "sandbox", "--port", port, *args], cwd=home, env=environ, stderr=subprocess.PIPE, text=True
    )
    try:
        yield Running(process)
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=20)[1] == ""
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


def test_each_request_is_a_line_and_what_came_is_there_after_a_restart(tmp_path: Path) -> None:
    (tmp_path / "runner.yaml").write_text("sandbox: {tenants: [acme], events: [ordered]}\n")
    (tmp_path / "below").mkdir()
    with running(tmp_path) as sandbox:
        caller = Caller(sandbox.port)
        keyed = caller.event(**{"$idempotency_key": "k", "tenant_id": "acme"})
        caller.post("/v2/event/", keyed)
        caller.post("/v2/event/", keyed)
        caller.post("/v2/event/", caller.event(event="orderd", distinct_id="a\x1b[2J\nb"))
        caller.post("/v2/event/", caller.event(tenant_id="other"))
        caller.as_workspace(caller.key, "wrong").post("/v2/event/", caller.event())
        caller.post("/v2/bulk/event/", [caller.event(), keyed, *[caller.event(distinct_id=" ")] * 12])
        caller.send("GET", "/v1/user/u1/")
        lines = sandbox.next_lines(18)
    assert (
        lines
        == [
            "T 202 ordered user u1 tenant acme",
            "T 202 ordered user u1 tenant acme duplicate",
            r"T 202 orderd user a\x1b[2J\nb: warning: no workflow listens to 'orderd': did you mean 'ordered'?",
            "T 404 ordered user u1 tenant other: tenant/brand doesn't exist with id: other",
            "T 401 /v2/event/: invalid workspace key, secret or signature",
            "T 207 14 events: 1 accepted, 1 duplicate, 12 refused",
            *["         400 ordered user  : error: distinct_id is blank"] * 10,
            "         and 2 more",
            (
                "T 501 /v1/user/u1/: the sandbox does not serve users; it serves POST /v2/event/, /v2/bulk/event/ and /event/,"
                " and GET /v1/message/"
            ),
        ][: len(lines)]
        + lines[18:]
    )
    assert sandbox.value("  stored in .runner/sandbox.sqlite3: ") == "0 records; events up to 100 KB"
    with closing(Store(time.time, tmp_path / ".runner" / "sandbox.sqlite3")) as store:
        assert store.counts().total == 20
    with running(tmp_path, "-q") as again:
        assert again.value("  stored in .runner/sandbox.sqlite3: ") == "20 records; events up to 100 KB"
        Caller(again.port).post("/v2/event/", keyed)


def test_an_open_page_goes_on_working_after_a_restart_on_its_port(tmp_path: Path) -> None:
    port = str(free_port())
    with running(tmp_path, "--memory", port=port) as first:
        pass
    with running(tmp_path, "--memory", port=port) as second:
        pass
    assert first.value("  page: ") == second.value("  page: ")
    with running(tmp_path, "--memory") as other:
        pass
    assert other.value("  page: ").partition("#")[2] != first.value("  page: ").partition("#")[2]
    assert not (tmp_path / ".runner").exists()


def test_the_environment_may_choose_the_token(tmp_path: Path) -> None:
    with running(tmp_path, "--memory", RUNNER_SANDBOX_TOKEN="0123456789abcdef") as chosen:
        assert chosen.value("  page: ").endswith("/#token=0123456789abcdef")
    weak = run_preloaded(
        ["runner", "sandbox"],
        env=CLEAN | {"RUNNER_SANDBOX_TOKEN": "short"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (weak.returncode, weak.stderr.splitlines()[0]) == (
        64,
        "error[usage]: RUNNER_SANDBOX_TOKEN must have at least 16 letters, digits, - and _",
    )


def test_at_an_address_for_all_it_has_credentials_of_its_own(tmp_path: Path) -> None:
    with running(tmp_path, "--memory", "-q", "--host", "0.0.0.0") as sandbox:  # noqa: S104
        key, secret = re.fullmatch(r"(.*), secret (.*)", sandbox.value("  workspace key ")).groups()  # type: ignore[union-attr]
        assert secret != "sandbox-workspace-secret"
        for chosen, expected in (("sandbox-workspace-secret", 401), (secret, 202)):
            client = Suprsend(key, chosen, base_url=sandbox.base_url)
            assert client.track_event(Event("u1", "ordered"))["status_code"] == expected
            client.close()
        statuses = [status_for(sandbox.port, host) for host in ("10.1.2.3:7788", "[::1]", "evil.example", "")]
    assert statuses == [200, 200, 400, 400]
    assert "  other machines can connect: it listens on 0.0.0.0, with credentials of its own\n" in sandbox.announced


def status_for(port: int, host: str) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    with closing(connection):
        connection.request("GET", "/_sandbox", headers={"Host": host})
        return connection.getresponse().status


def test_the_oldest_records_are_dropped_and_that_is_said_once(tmp_path: Path) -> None:
    with running(tmp_path, "--db", "other.sqlite3", "--max-events", "5", "--max-event-kb", "1") as sandbox:
        caller = Caller(sandbox.port)
        assert caller.post("/v2/event/", caller.event(properties={"x": "x" * 1024})).status == 413
        for _ in range(8):
            caller.post("/v2/event/", caller.event())
        lines = sandbox.next_lines(10)
    dropped = "sandbox: from now on, the oldest records are dropped: it stores 5 records and 512 MB at most"
    assert sorted(lines[1:]) == sorted(["T 202 ordered user u1"] * 8 + [dropped])
    with closing(Store(time.time, tmp_path / "other.sqlite3", Limits(5))) as store:
        assert (store.counts().stored, store.counts().dropped_events) == (5, 4)


def test_a_damaged_database_is_announced(tmp_path: Path) -> None:
    path = tmp_path / ".runner" / "sandbox.sqlite3"
    Store(time.time, path).close()
    path.write_bytes(path.read_bytes()[:5000])
    with running(tmp_path) as sandbox:
        pass
    [moved] = path.parent.glob("*.damaged-*")
    assert (
        f"  the database was damaged: it is now .runner/{moved.name}, and this sandbox begins with an empty one\n"
        in (sandbox.announced)
    )


def test_a_database_in_use_is_refused(cli: CommandLine, in_tmp: Path) -> None:
    with closing(Store(time.time, in_tmp / ".runner" / "sandbox.sqlite3")):
        ended = cli("sandbox", "--port", "0")
    assert (ended.code, ended.err) == (
        74,
        (
            "error[sandbox-database]: another sandbox uses .runner/sandbox.sqlite3\n"
            "  = give this sandbox another file with --db FILE, or none with --memory\n"
        ),
    )


def test_options_that_exclude_each_other_are_refused(cli: CommandLine) -> None:
    assert cli("sandbox", "--db", "x", "--memory").err == (
        "error[usage]: --db and --memory exclude each other\n  = keep one of them\n"
    )
    assert cli("sandbox", "--timeout", "3").err == "error[usage]: --timeout is an option of --ready\n"


# Ready


def test_ready_waits_until_the_sandbox_answers(tmp_path: Path) -> None:
    port = str(free_port())
    environ = CLEAN | {"HOME": str(tmp_path), "XDG_STATE_HOME": ""}
    ready = Preloaded[str](
        ["runner", "sandbox", "--ready", "--port", port], env=environ, cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    with running(tmp_path, "--memory", port=port):
        _, said = ready.communicate(timeout=30)
    assert (ready.returncode, said) == (0, f"sandbox: ready on http://127.0.0.1:{port}/\n")


@pytest.mark.parametrize("listener", ["nothing", "another program", "the sandbox of another user"])
def test_ready_ends_with_7_if_there_is_none(cli: CommandLine, tmp_path: Path, listener: str) -> None:
    cli.environ |= {"HOME": str(tmp_path), "XDG_STATE_HOME": ""}
    hint = "another program listens there"
    if listener == "nothing":
        port, hint = free_port(), "start one with `runner sandbox`"
        ended = cli("sandbox", "--ready", "--timeout", "0", "--port", str(port))
    elif listener == "another program":
        with closing(Foreign(0)) as foreign:
            port = foreign.port
            ended = cli("sandbox", "--ready", "--timeout", "0.2", "--port", str(port))
    else:
        with Sandbox() as theirs:
            port = theirs.port
            ended = cli("sandbox", "--ready", "--timeout", "0.2", "--port", str(port))
    assert (ended.code, ended.out) == (7, "")
    assert re.fullmatch(
        rf"error\[no-connection\]: no sandbox of yours answered on port {port} within 0(\.2)? s\n  = {hint}\n",
        ended.err,
    )


# Who holds the port


def test_a_sandbox_of_another_user_is_told_apart_from_another_program(cli: CommandLine, tmp_path: Path) -> None:
    cli.environ |= {"HOME": str(tmp_path), "XDG_STATE_HOME": ""}
    with Sandbox() as theirs:
        ended = cli("sandbox", "--memory", "--port", str(theirs.port))
        assert (ended.code, ended.err.splitlines()[0]) == (
            74,
            f"error[port-taken]: a sandbox of another user listens on port {theirs.port}, or one with --host",
        )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        ended = cli("sandbox", "--memory", "--port", str(port))
    assert ended.err == (
        f"error[port-taken]: can't listen on 127.0.0.1:{port}: {os.strerror(98)}\n"
        "  = another program listens there: choose another port with --port\n"
    )


# The project's specs


def test_an_event_that_no_spec_has_is_accepted_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "order.yaml").write_text("version: 1\nevent: order_placed\ndistinct_id: u1\n")
    with running(tmp_path, "--memory") as sandbox:
        caller = Caller(sandbox.port)
        caller.post("/v2/event/", caller.event(event="order_placed"))
        caller.post("/v2/event/", caller.event(event="order_plcaed"))
        lines = sandbox.next_lines(2)
    assert lines == [
        "T 202 order_placed user u1",
        (
            "T 202 order_plcaed user u1: warning: no spec of this project has the event 'order_plcaed':"
            " did you mean 'order_placed'?"
        ),
    ]
