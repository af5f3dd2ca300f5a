"""What tests of ended runs share: a sender in a process group of its own, and its record held against the ledger."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import defaultdict
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import PIPE, TimeoutExpired
from typing import TYPE_CHECKING, Any

import pytest

from tests.processes import Preloaded
from tests.servers.listeners import silent_listener

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Sequence

    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer
    from tests.servers.recording import Taken

RUNNER = Path(sys.executable).with_name("runner")
COMMAND = [str(RUNNER)] if RUNNER.exists() else [sys.executable, "-m", "runner"]
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("SUPRSEND_", "RUNNER_"))}
WORKSPACE = {"SUPRSEND_WORKSPACE_KEY": "k", "SUPRSEND_WORKSPACE_SECRET": "secret-of-the-workspace"}
BOUND_S = 30
CLUSTER = "local:2"
ON_CLUSTER = pytest.param(CLUSTER, marks=pytest.mark.slow)
EXECUTORS = [1, 2, ON_CLUSTER]
"""Threads, processes, and the workers of a cluster, as `begin` takes them."""
SPEC = """\
version: 1
vars:
  n: {type: integer}
  shop: {type: string, default: main}
event: order_placed
distinct_id: "user-{{ n }}"
idempotency_key: "order-{{ n }}"
properties:
  n: "{{ n }}"
  shop: "{{ shop }}"
  ref: "{{ uuid4() }}"
  at: "{{ now() | isoformat }}"
"""
UNKEYED_SPEC = SPEC.replace('"order-{{ n }}"', "null")


def environ_for(base_url: str) -> dict[str, str]:
    return CLEAN | WORKSPACE | {"SUPRSEND_BASE_URL": base_url}


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    with silent_listener() as listening:
        yield listening


class Sender:
    """A `runner send` in a process group of its own."""

    def __init__(self, environ: dict[str, str], *args: str) -> None:
        self.process = Preloaded(
            ["runner", "send", *args], env=environ, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip

    def runs_for(self, seconds: float) -> bool:
        """Let it run so long; False if it ended before."""
        with suppress(TimeoutExpired):
            self.process.wait(seconds)
            return False
        return True

    def runs_until(self, is_so: Callable[[], bool]) -> None:
        for _ in range(BOUND_S * 200):
            if is_so():
                return
            assert self.runs_for(0.005), self.process.communicate()
        pytest.fail("it takes too long")

    def workers(self) -> set[int]:
        """Name its processes, the first one left out."""
        pids = set()
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it is gone
                if (path / "stat").read_text().rpartition(")")[2].split()[1] == str(self.process.pid):
                    pids.add(int(path.name))
        return pids

    def kill(self, whom: str) -> None:
        """Kill the first process alone or all; the others must end by themselves: each holds stderr open."""
        if whom == "parent":
            self.process.kill()
        else:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=BOUND_S)
        assert self.process.returncode == -signal.SIGKILL

    def ends(self) -> tuple[int, Any, str]:
        """Wait for its end; gives its exit code, what it printed as JSON, and its messages."""
        out, err = self.process.communicate(timeout=BOUND_S)
        return self.process.returncode, json.loads(out), err


@contextmanager
def sending(environ: dict[str, str], *args: str) -> Iterator[Sender]:
    sender = Sender(environ, *args, "-o", "json")
    try:
        yield sender
    finally:
        with suppress(ProcessLookupError):
            os.killpg(sender.process.pid, signal.SIGKILL)
        sender.process.communicate()


def write_rows(number: int, *, invalid: Sequence[int] = (), spec: str = SPEC) -> set[str]:
    """Write a spec and its rows; gives the keys that they make."""
    Path("spec.yaml").write_text(spec, "utf-8")
    rows = ["-" if n in invalid else str(n) for n in range(1, number + 1)]
    Path("rows.csv").write_text("\n".join(["n", *rows, ""]), "utf-8")
    return {f"order-{n}" for n in range(1, number + 1) if n not in invalid}


def begin(executor: int | str, concurrency: int) -> tuple[str, ...]:
    """Return the arguments of a run by threads (1), processes (their number) or a cluster (its address)."""
    by = ("--cluster", executor) if isinstance(executor, str) else ("--processes", str(executor))
    return ("spec.yaml", "--rows", "rows.csv", *by, "--concurrency", str(concurrency))


def state_of_run(cli: CommandLine) -> Any:
    [run] = cli("runs", "list", "-o", "json").json["runs"]
    return run


def sent_again(taken: Sequence[Taken]) -> set[int]:
    """Name the requests with an event that an earlier request brought."""
    first: dict[str, int] = {}
    return {event.request for event in taken if first.setdefault(event.key, event.request) != event.request}


def check_each_once(taken: Sequence[Taken], keys: set[str]) -> None:
    """Hold the record against the keys that must be there: each with one insert id and one body."""
    forms: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for event in taken:
        forms[event.key].add((event.insert_id, event.digest))
    assert forms.keys() == keys
    assert {key: told for key, told in forms.items() if len(told) > 1} == {}
    insert_ids = {insert_id for told in forms.values() for insert_id, _ in told}
    assert len(insert_ids) == len(keys)


def counts(run: str, *, accepted: int, failed: int = 0, unknown: int = 0, not_sent: int = 0) -> dict[str, object]:
    total = accepted + failed + unknown + not_sent
    counts = {"total": total, "accepted": accepted, "failed": failed, "unknown": unknown, "not_sent": not_sent}
    return {"run": run, **counts}


def summary_of(run: str, *, accepted: int, failed: int = 0, not_sent: int = 0) -> dict[str, object]:
    """Return the summary of a session in which no row failed."""
    return counts(run, accepted=accepted, failed=failed, not_sent=not_sent) | {"failures": []}


REFUSED = (401, {"status": "error", "error": {"message": "no such key", "type": "authentication_error"}})


@pytest.fixture
def stopped(cli: CommandLine, server: CapturingServer) -> CommandLine:
    """Begin a run of 150 rows that stops at its first request of 100, which is refused for its credentials."""
    write_rows(150)
    cli.environ = environ_for(server.base_url)
    server.answers.append(REFUSED)
    assert cli("send", "spec.yaml", "--rows", "rows.csv", "--concurrency", "1", "--var", "shop=east").code == 3
    server.received.clear()
    return cli


ENDS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
