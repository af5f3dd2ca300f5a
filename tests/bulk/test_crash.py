"""Runs that are killed, interrupted and resumed: what a server took, held against what the ledger says. All is real."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import socket
import sys
import time
from collections import defaultdict
from contextlib import contextmanager, suppress
from functools import partial
from io import BytesIO
from pathlib import Path
from subprocess import PIPE, Popen, TimeoutExpired, run
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from runner.bulk.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.conftest import CapturingServer, CommandLine

HERE = Path(__file__).resolve().parent
RUNNER = Path(sys.executable).with_name("runner")
COMMAND = [str(RUNNER)] if RUNNER.exists() else [sys.executable, "-m", "runner"]
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("SUPRSEND_", "RUNNER_"))}
WORKSPACE = {"SUPRSEND_WORKSPACE_KEY": "k", "SUPRSEND_WORKSPACE_SECRET": "secret-of-the-workspace"}
BOUND_S = 30
PART_ROWS = 100
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

pytestmark = pytest.mark.usefixtures("in_tmp")


class Taken(NamedTuple):
    """An event that the server took, in a request of a number."""

    request: int
    insert_id: str
    key: str
    digest: str


class Server:
    """The recording server, as a test sees it."""

    def __init__(self, base_url: str, record: Path, process: Popen[str]) -> None:
        self.environ = environ_for(base_url)
        self._record = record
        self._process = process

    def requests(self) -> int:
        """Give the number of the request that was written down last."""
        with self._record.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 1000))
            return int((b"0\n" + file.read()).splitlines()[-1].split(b"\t")[0])

    def taken(self) -> list[Taken]:
        lines = self._record.read_text("ascii").rpartition("\n")[0].splitlines()  # the last one may still be coming
        return [Taken(int(request), *others) for request, *others in (line.split("\t") for line in lines)]

    def kill(self) -> None:
        self._process.kill()


def environ_for(base_url: str) -> dict[str, str]:
    return CLEAN | WORKSPACE | {"SUPRSEND_BASE_URL": base_url}


@contextmanager
def recording(*options: str) -> Iterator[Server]:
    """Run the recording server; in the end it has written down all that came."""
    record = Path("record.tsv").resolve()
    record.touch()
    command = [sys.executable, str(HERE / "recording_server.py"), str(record), *options]
    # In a session of its own, so that what is done to the group of a sender does not come to it.
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        try:
            yield Server(f"http://127.0.0.1:{int(process.stdout.readline())}/", record, process)
            process.communicate(timeout=BOUND_S)
        finally:
            process.kill()


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Listen, take connections and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


class Sender:
    """A `runner send` in a process group of its own."""

    def __init__(self, environ: dict[str, str], *args: str) -> None:
        self.process = Popen(
            [*COMMAND, "send", *args], env=environ, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True,
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


def begin(processes: int, concurrency: int) -> tuple[str, ...]:
    return ("spec.yaml", "--rows", "rows.csv", "--processes", str(processes), "--concurrency", str(concurrency))


def state_of_run(cli: CommandLine) -> Any:
    [run] = cli("runs", "list", "-o", "json").json["runs"]
    return run


def settled_keys(run: str) -> set[str]:
    """Name the keys of all rows that need not be sent any more, as the ledger says."""
    settled: set[str] = set()
    with Ledger(Path(".runner")) as ledger, ledger.resume(run) as book:
        for first_row in range(1, ROWS, PART_ROWS):
            part = book.part(first_row)
            if part and part.is_done:
                settled |= {f"order-{n}" for n in range(first_row, first_row + part.rows) if n not in part.open_rows}
    return settled


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


ROWS = 20_000
INVALID = range(1_000, ROWS + 1, 1_000)
"""Rows that make no event."""


class Kill(NamedTuple):
    """Kill the parent or all, so many seconds after so many requests more were written down."""

    whom: str
    after_requests: int
    then_s: float


def kill_plans() -> Iterator[tuple[int, int, list[Kill]]]:
    """Choose 20 instants: one run with 12 of them, three while a resume starts, and five with one or two."""
    instants = random.Random(20)  # noqa: S311 - the same instants each time
    yield 2, 8, [_kill(instants, whom, most) for most in (13, 13, 13, 0) for whom in ("parent", "all", "parent")]
    yield 1, 4, [_kill(instants, "parent", 150)]
    yield 2, 5, [_kill(instants, "parent", 90), _kill(instants, "all", 90)]
    yield 2, 8, [_kill(instants, "all", 150)]
    yield 1, 8, [_kill(instants, "all", 90), _kill(instants, "parent", 90)]
    yield 2, 16, [_kill(instants, "parent", 90), _kill(instants, "parent", 90)]


def _kill(instants: random.Random, whom: str, most: int) -> Kill:
    return Kill(whom, instants.randint(min(most, 1), most), instants.uniform(0, 0.05 if most else 0.6))


@pytest.mark.slow
@pytest.mark.parametrize(("processes", "concurrency", "kills"), list(kill_plans()))
def test_a_run_that_is_killed_and_resumed_sends_each_row_under_one_key_one_insert_id_and_one_body(
    processes: int, concurrency: int, kills: list[Kill], cli: CommandLine
) -> None:
    keys = write_rows(ROWS, invalid=INVALID)
    settled_before: list[tuple[int, set[str]]] = []
    args = begin(processes, concurrency)
    with recording("--before", "40", "--after", "40") as server:
        for kill in kills:
            killed(kill, server, processes, args)
            at = len(server.taken())
            run = state_of_run(cli)
            assert run["state"] == "interrupted"
            assert run["unknown"] <= concurrency * PART_ROWS
            settled = settled_keys(run["run"])
            assert len(settled - {f"order-{n}" for n in INVALID}) == run["accepted"]
            arrived = {event.key for event in server.taken()}
            assert run["accepted"] <= len(arrived) <= run["accepted"] + run["unknown"]
            settled_before.append((at, settled))
            args = ("--resume", "last")
        with sending(server.environ, *args) as sender:
            code, told, _ = sender.ends()
    del told["failures"]
    assert (code, told) == (2, _counts(run["run"], accepted=len(keys), failed=len(INVALID)))
    assert state_of_run(cli)["state"] == "finished"
    taken = server.taken()
    check_each_once(taken, keys)
    assert len(sent_again(taken)) <= len(kills) * concurrency
    for at, settled in settled_before:
        assert {event.key for event in taken[at:]} & settled == set()


def killed(kill: Kill, server: Server, processes: int, args: Sequence[str]) -> None:
    """Send, and be killed in the middle of it."""
    with sending(server.environ, *args) as sender:
        if kill.after_requests:  # what a dead sender had under way may still be written down, so look for workers
            goal, workers = server.requests() + kill.after_requests, 0 if processes == 1 else processes
            sender.runs_until(partial(_is_at, server, goal))
            sender.runs_until(partial(_has_workers, sender, workers))
        assert sender.runs_for(kill.then_s)
        sender.kill(kill.whom)


@pytest.mark.slow
@pytest.mark.parametrize(("processes", "concurrency", "kills"), list(kill_plans())[1:])
def test_rows_without_a_key_that_may_have_arrived_when_a_run_was_killed_stay_unknown_and_never_go_twice(
    processes: int, concurrency: int, kills: list[Kill], cli: CommandLine
) -> None:
    write_rows(ROWS, invalid=INVALID, spec=UNKEYED_SPEC)
    args = begin(processes, concurrency)
    with recording("--before", "40", "--after", "40") as server:
        for kill in kills:
            killed(kill, server, processes, args)
            args = ("--resume", "last")
        with sending(server.environ, *args) as sender:
            code, told, err = sender.ends()
        assert (code, told["total"], told["not_sent"]) == (1, ROWS, 0)
        assert 0 < told["unknown"] <= len(kills) * concurrency * PART_ROWS
        assert told["accepted"] + told["failed"] + told["unknown"] == ROWS
        arrived = [event.insert_id for event in server.taken()]
        assert len(arrived) == len(set(arrived)), "an event without a key went twice"
        assert told["accepted"] <= len(arrived) <= told["accepted"] + told["unknown"]
        run = told["run"]
        assert f"  runner send --resume {run} --yes\n      sends the {told['unknown']:,} unknown too" in err
        assert f"runner send --resume {run}\n" not in err
        shown = cli("runs", "show", "-o", "json").json["failures"]
        failed, unknown = ({row["row"] for row in shown if row["state"] == state} for state in ("failed", "unknown"))
        assert (len(failed), len(unknown)) == (told["failed"], told["unknown"])
        assert failed <= set(INVALID) <= failed | unknown
        with sending(server.environ, *args, "--yes") as sender:
            code, told, _ = sender.ends()
    del told["failures"]
    assert (code, told) == (2, _counts(run, accepted=ROWS - len(INVALID), failed=len(INVALID)))
    assert len({event.insert_id for event in server.taken()}) == ROWS - len(INVALID)


@pytest.mark.slow
@pytest.mark.parametrize(("processes", "concurrency", "kills"), list(kill_plans())[1:])
def test_rows_that_are_turned_away_once_and_killed_in_between_go_again_under_one_key_until_all_are_taken(
    processes: int, concurrency: int, kills: list[Kill], cli: CommandLine
) -> None:
    keys = write_rows(ROWS, invalid=INVALID)
    args = (*begin(processes, concurrency), "--retries", "0")
    with recording("--before", "40", "--after", "40", "--turn-away") as server:
        for kill in kills:
            killed(kill, server, processes, args)
            args = ("--resume", "last")
        for _ in range(2):  # the first time, some come that were never there before
            with sending(server.environ, "--resume", "last") as sender:
                code, told, _ = sender.ends()
            assert sum(told[name] for name in ("accepted", "failed", "unknown", "not_sent")) == told["total"] == ROWS
    assert (code, told["accepted"], told["failed"]) == (2, len(keys), len(INVALID))
    check_each_once(server.taken(), keys)
    assert state_of_run(cli)["state"] == "finished"


def _is_at(server: Server, goal: int) -> bool:
    return server.requests() >= goal


def _has_workers(sender: Sender, number: int) -> bool:
    return len(sender.workers()) == number


def _counts(run: str, *, accepted: int, failed: int = 0, unknown: int = 0, not_sent: int = 0) -> dict[str, object]:
    total = accepted + failed + unknown + not_sent
    counts = {"total": total, "accepted": accepted, "failed": failed, "unknown": unknown, "not_sent": not_sent}
    return {"run": run, **counts}


def _told(run: str, *, accepted: int, failed: int = 0, not_sent: int = 0) -> dict[str, object]:
    """Give what a session tells that met no failure itself."""
    return _counts(run, accepted=accepted, failed=failed, not_sent=not_sent) | {"failures": []}


HOW_TO_GO_ON = """\
interrupted: finishing what is under way (again: end at once)
  runner send --resume {run}
      sends what is unknown or was not sent, under the same ids
error[interrupted]: interrupted
"""


@pytest.mark.parametrize("processes", [1, 2])
def test_the_first_ctrl_c_finishes_what_is_under_way_and_a_resume_sends_only_the_rest(
    processes: int, cli: CommandLine
) -> None:
    keys = write_rows(3_000)
    with recording("--before", "20", "--after", "20") as server:
        with sending(server.environ, *begin(processes, 4)) as sender:
            sender.runs_until(lambda: server.requests() >= 5)
            sender.process.send_signal(signal.SIGINT)
            code, told, err = sender.ends()
        arrived = {event.key for event in server.taken()}
        run = told["run"]
        assert (code, err) == (130, HOW_TO_GO_ON.format(run=run))
        assert 500 <= len(arrived) < 3_000
        assert told == _told(run, accepted=len(arrived), not_sent=3_000 - len(arrived))
        assert state_of_run(cli)["state"] == "interrupted"
        with sending(server.environ, "--resume", "last") as sender:
            code, told, err = sender.ends()
    assert (code, told, err) == (0, _told(run, accepted=3_000), "")
    check_each_once(server.taken(), keys)
    assert sent_again(server.taken()) == set()


@pytest.mark.parametrize("processes", [1, 2])
def test_the_second_ctrl_c_ends_at_once_and_what_was_under_way_is_unknown(
    processes: int, silent: socket.socket, cli: CommandLine
) -> None:
    write_rows(3_000)
    environ = environ_for(f"http://127.0.0.1:{silent.getsockname()[1]}/")
    with sending(environ, *begin(processes, 4)) as sender:
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(4) == b"POST"
            sender.process.send_signal(signal.SIGINT)
            assert sender.process.stderr is not None
            assert sender.process.stderr.readline() == HOW_TO_GO_ON.splitlines(keepends=True)[0]
            sender.process.send_signal(signal.SIGINT)
            sender.process.communicate(timeout=10)
    assert sender.process.returncode == 130
    run = state_of_run(cli)
    assert (run["state"], run["accepted"], run["failed"], run["unknown"]) == ("interrupted", 0, 0, 400)


def test_a_worker_that_is_killed_is_replaced_and_nothing_is_lost_or_sent_beyond_what_it_had() -> None:
    keys = write_rows(4_000)
    with recording("--before", "20", "--after", "20") as server, sending(server.environ, *begin(2, 8)) as sender:
        for goal in (6, 18):
            sender.runs_until(partial(_is_at, server, goal))
            os.kill(min(sender.workers()), signal.SIGKILL)
        code, told, err = sender.ends()
    assert (code, told, err) == (0, _told(told["run"], accepted=4_000), "")
    check_each_once(server.taken(), keys)
    assert len(sent_again(server.taken())) <= 2 * 4, "a worker has 4 of the 8 requests under way"


def test_a_part_without_keys_whose_worker_is_killed_is_unknown_and_not_sent_again(cli: CommandLine) -> None:
    write_rows(4_000, spec=UNKEYED_SPEC)
    args = (*begin(2, 8), "--results", "results.jsonl")
    with recording("--before", "20", "--after", "20") as server, sending(server.environ, *args) as sender:
        sender.runs_until(partial(_is_at, server, 6))
        os.kill(min(sender.workers()), signal.SIGKILL)
        code, told, _ = sender.ends()
    assert (code, told["failed"], told["not_sent"], told["total"]) == (1, 0, 0, 4_000)
    assert 0 < told["unknown"] <= 4 * PART_ROWS, "a worker has 4 of the 8 requests under way"
    arrived = [event.insert_id for event in server.taken()]
    assert len(arrived) == len(set(arrived)) >= told["accepted"]
    assert told["failures"][0]["message"] == (
        "the process that sent it died; what has no idempotency key is not sent again by itself"
    )
    lines = [json.loads(line) for line in Path("results.jsonl").read_text("utf-8").splitlines()]
    assert sorted(line["row"] for line in lines) == list(range(1, 4_001))
    assert {line["code"] for line in lines if line["state"] == "unknown"} == {"worker-died"}
    assert len(cli("runs", "show", "-o", "json").json["failures"]) == told["unknown"]


def test_rows_without_a_key_that_are_unknown_go_again_only_when_somebody_says_yes(cli: CommandLine) -> None:
    write_rows(300, spec=UNKEYED_SPEC)
    with recording("--after", "60000") as slow, sending(slow.environ, *begin(1, 2)) as sender:
        sender.runs_until(lambda: slow.requests() >= 2)
        sender.kill("all")
        slow.kill()
    arrived = len(slow.taken())
    assert arrived == 200
    assert len(cli("runs", "show", "-o", "json").json["failures"]) == 200, "rows in flight when it was killed are shown"
    with recording() as server:
        with sending(server.environ, "--resume", "last") as sender:
            code, told, err = sender.ends()
        run = told["run"]
        assert (code, told) == (1, _counts(run, accepted=100, unknown=200) | {"failures": []})
        assert err == (
            f"  runner send --resume {run} --yes\n"
            "      sends the 200 unknown too: they have no key, so they may count twice\n"
        )
        with sending(server.environ, "--resume", "last") as sender:
            assert sender.ends()[:2] == (1, told)
        assert len(server.taken()) == arrived + 100
        with sending(server.environ, "--resume", "last", "--yes") as sender:
            code, told, err = sender.ends()
    assert (code, told) == (0, _told(run, accepted=300))
    assert err == "200 rows without a key that may have arrived: sent again, may count twice\n"
    assert len(server.taken()) == arrived + 300
    assert cli("runs", "show", "-o", "json").json["failures"] == []


def test_a_row_in_doubt_that_is_refused_when_it_goes_again_stays_unknown(cli: CommandLine) -> None:
    """A refusal says nothing of the time before: the first copy of such a row may have been taken."""
    write_rows(300)
    with recording("--after", "60000") as slow, sending(slow.environ, *begin(1, 2)) as sender:
        sender.runs_until(lambda: slow.requests() >= 2)
        sender.kill("all")
        slow.kill()
    assert (state_of_run(cli)["accepted"], state_of_run(cli)["unknown"]) == (0, 200)
    Path("record.tsv").unlink()
    with recording("--refuse", "7") as server:
        for _ in range(2):  # once more: they go again, and are as unknown as before
            with sending(server.environ, "--resume", "last") as sender:
                code, told, _ = sender.ends()
            del told["failures"]
            assert (code, told) == (1, _counts(told["run"], accepted=270, failed=10, unknown=20))
    in_doubt = {record["row"] for record in cli("runs", "show", "-o", "json").json["failures"] if record["row"] <= 200}
    assert in_doubt == set(range(7, 200, 10))
    check_each_once(server.taken(), {f"order-{n}" for n in range(1, 301) if n % 10 != 7})
    assert sent_again(server.taken()) == set()


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


@pytest.mark.parametrize("name", ["last", "20260102-030405-0000", "2026"])
def test_a_run_is_resumed_by_its_id_the_beginning_of_it_or_as_last(
    name: str, stopped: CommandLine, server: CapturingServer
) -> None:
    ended = stopped("send", "--resume", name, "-o", "json")
    assert (ended.code, ended.json) == (0, _told("20260102-030405-0000", accepted=150))
    assert sorted(len(request.json) for request in server.received) == [50, 100]
    assert {event["properties"]["shop"] for request in server.received for event in request.json} == {"east"}


def _change_rows() -> None:
    Path("rows.csv").write_text("n\n" + "7\n" * 150, "utf-8")


def _change_spec() -> None:
    Path("spec.yaml").write_text(SPEC.replace("order_placed", "order_paid"), "utf-8")


CHANGES: dict[str, tuple[list[Callable[[], None]], list[str], str]] = {
    "file": ([_change_rows], [], "the file rows.csv"),
    "spec": ([_change_spec], [], "the spec spec.yaml"),
    "variable": ([], ["--var", "shop=west"], "a variable or the workspace"),
    "all": (
        [_change_rows, _change_spec],
        ["--var", "shop=west"],
        "the spec spec.yaml and the file rows.csv and a variable or the workspace",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_resume_with_something_else_is_refused_and_says_what_changed(
    what: str, stopped: CommandLine, server: CapturingServer
) -> None:
    changes, flags, told = CHANGES[what]
    for change in changes:
        change()
    ended = stopped("send", "--resume", "last", *flags)
    assert (ended.code, ended.out, ended.err) == (
        2,
        "",
        (
            f"error[run-changed]: {told} changed since run 20260102-030405-0000 began\n"
            "  = resume with what it began with, or begin a new run\n"
        ),
    )
    assert server.received == []
    assert state_of_run(stopped)["state"] == "stopped"


def test_another_workspace_is_refused(stopped: CommandLine, server: CapturingServer) -> None:
    stopped.environ["SUPRSEND_WORKSPACE_KEY"] = "other"
    assert stopped("send", "--resume", "last").code == 2
    assert server.received == []


def test_a_run_that_is_at_work_can_not_be_resumed(silent: socket.socket, cli: CommandLine) -> None:
    write_rows(150)
    cli.environ = environ_for(f"http://127.0.0.1:{silent.getsockname()[1]}/")
    with sending(cli.environ, *begin(1, 1)) as sender:
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(4) == b"POST"
            run = state_of_run(cli)
            ended = cli("send", "--resume", "last")
            sender.kill("all")
    assert (run["state"], state_of_run(cli)["state"]) == ("running", "interrupted")
    assert (ended.code, ended.out, ended.err) == (
        74,
        "",
        f"error[run-locked]: run {run['run']} is at work in another process\n  = wait until it ends, or stop it\n",
    )


def test_rows_of_the_standard_input_are_piped_again_to_a_resume_and_others_are_refused(
    cli: CommandLine, server: CapturingServer
) -> None:
    write_rows(250)
    rows = Path("rows.csv").read_text("utf-8")
    cli.environ = environ_for(server.base_url)
    server.answers.append(REFUSED)
    begun = cli("send", "spec.yaml", "--rows", "-", "--concurrency", "1", stdin=rows)
    assert begun.code == 3
    assert "  runner send --resume 20260102-030405-0000 --rows -\n" in begun.err

    unpiped = cli("send", "--resume", "last")
    assert (unpiped.code, unpiped.err) == (
        64,
        (
            "error[usage]: the rows came from the standard input: pipe them in again\n"
            "  = … | runner send --resume 20260102-030405-0000 --rows -\n"
        ),
    )
    server.received.clear()
    for others in (rows.replace("\n7\n", "\n8\n"), rows.replace("\n7\n", "\n"), "n\n1\n2\n"):
        other = cli("send", "--resume", "last", "--rows", "-", stdin=others)
        assert (other.code, other.err.splitlines()[:2]) == (
            2,
            [
                "error[rows-changed]: the rows from 1 on are not those that the run began with",
                "  = resume with the same rows, or begin a new run",
            ],
        )
    assert server.received == []

    ended = cli("send", "--resume", "last", "--rows", "-", "-o", "json", stdin=rows)
    assert (ended.code, ended.json) == (0, _told("20260102-030405-0000", accepted=250))
    sent = [event["$idempotency_key"] for request in server.received for event in request.json]
    assert sorted(sent) == sorted(f"order-{n}" for n in range(1, 251))


def test_fewer_rows_than_were_begun_are_refused_at_a_resume(cli: CommandLine) -> None:
    write_rows(300)
    rows = Path("rows.csv").read_text("utf-8")
    with recording("--after", "60000") as slow:
        with sending(slow.environ, "spec.yaml", "--rows", "-", "--concurrency", "3") as sender:
            assert sender.process.stdin is not None
            sender.process.stdin.write(rows)
            sender.process.stdin.close()
            sender.process.stdin = None
            sender.runs_until(lambda: slow.requests() >= 3)
            sender.kill("all")
        slow.kill()
    Path("record.tsv").unlink()
    with recording() as server:
        cli.environ = server.environ
        ended = cli("send", "--resume", "last", "--rows", "-", stdin=rows.partition("\n101\n")[0])
    assert (ended.code, "rows-changed" in ended.err, state_of_run(cli)["total"]) == (2, True, None)


def test_the_printed_command_resumes_a_run_whose_configuration_is_beside_its_spec(
    cli: CommandLine, server: CapturingServer
) -> None:
    write_rows(150)
    Path("specs").mkdir()
    Path("spec.yaml").rename("specs/spec.yaml")
    Path("specs/runner.yaml").write_text("profiles: {staging: {api_key_env: SUPRSEND_STAGING_API_KEY}}\n", "utf-8")
    cli.environ = environ_for(server.base_url)
    server.answers.append(REFUSED)
    begun = cli("send", "specs/spec.yaml", "--rows", "rows.csv", "--concurrency", "1")
    assert begun.code == 3
    [command] = [line.split() for line in begun.err.splitlines() if line.startswith("  runner send --resume")]
    ended = cli(*command[1:], "-o", "json")
    assert (ended.code, ended.json) == (0, _told("20260102-030405-0000", accepted=150))


# Ends that others ask for

ENDS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_all_processes_of_a_run_finishes_what_is_under_way_and_a_resume_sends_only_the_rest(
    number: signal.Signals, cli: CommandLine
) -> None:
    """Whoever stops a service or closes a terminal signals the whole group."""
    keys = write_rows(3_000)
    with recording("--before", "20", "--after", "20") as server:
        with sending(server.environ, *begin(2, 4)) as sender:
            sender.runs_until(lambda: server.requests() >= 5)
            os.killpg(sender.process.pid, number)
            code, told, err = sender.ends()
        arrived = {event.key for event in server.taken()}
        assert (code, err) == (ENDS[number], HOW_TO_GO_ON.format(run=told["run"]))
        assert told == _told(told["run"], accepted=len(arrived), not_sent=3_000 - len(arrived))
        assert state_of_run(cli)["state"] == "interrupted"
        with sending(server.environ, "--resume", "last") as sender:
            code, told, err = sender.ends()
    assert (code, told["accepted"], err) == (0, 3_000, "")
    check_each_once(server.taken(), keys)
    assert sent_again(server.taken()) == set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_second_signal_of_any_kind_ends_at_once(number: signal.Signals, silent: socket.socket) -> None:
    write_rows(300)
    environ = environ_for(f"http://127.0.0.1:{silent.getsockname()[1]}/")
    with sending(environ, *begin(1, 2)) as sender:
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(4) == b"POST"
            sender.process.send_signal(signal.SIGINT)
            assert sender.process.stderr is not None
            assert sender.process.stderr.readline() == HOW_TO_GO_ON.splitlines(keepends=True)[0]
            sender.process.send_signal(number)
            sender.process.communicate(timeout=10)
    assert sender.process.returncode == ENDS[number]


@pytest.mark.parametrize("number", ENDS)
def test_the_same_signal_twice_at_once_is_one(number: signal.Signals, silent: socket.socket) -> None:
    """`timeout` signals the process that it started, and then the group that it is in; others hand on what both got."""
    write_rows(300)
    environ = environ_for(f"http://127.0.0.1:{silent.getsockname()[1]}/")
    with sending(environ, *begin(1, 2)) as sender:
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(4) == b"POST"
            for _ in range(3):
                sender.process.send_signal(number)
                assert sender.runs_for(0.01)
            assert sender.process.stderr is not None
            assert sender.process.stderr.readline() == HOW_TO_GO_ON.splitlines(keepends=True)[0]
            assert sender.runs_for(0.3)
            sender.process.send_signal(number)
            sender.process.communicate(timeout=10)
    assert sender.process.returncode == ENDS[number]


def test_the_first_process_of_a_container_ends_by_sigterm() -> None:
    """Without a handler, the kernel would not even deliver it."""
    as_first = ["unshare", "--map-root-user", "--pid", "--fork", "--kill-child"]
    if run([*as_first, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no process namespaces here")
    write_rows(3_000)
    with recording("--after", "100") as server:
        command = [*as_first, *COMMAND, "send", *begin(2, 4), "-o", "json"]
        with Popen(command, env=server.environ, stdout=PIPE, stderr=PIPE, text=True) as process:
            while server.requests() < 3:
                assert process.poll() is None
                time.sleep(0.01)
            [first] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            os.kill(int(first), signal.SIGTERM)
            out, _ = process.communicate(timeout=BOUND_S)
        arrived = {event.key for event in server.taken()}
    told = json.loads(out)
    assert process.returncode == 143
    assert told == _told(told["run"], accepted=len(arrived), not_sent=3_000 - len(arrived))


@pytest.mark.parametrize("number", ENDS)
@pytest.mark.parametrize("processes", [1, 2])
def test_an_interrupt_ends_the_pauses_and_nothing_is_tried_again(
    processes: int, number: signal.Signals, server: CapturingServer, cli: CommandLine
) -> None:
    write_rows(1_000)
    busy = {"status": "error", "error": {"message": "slow down", "type": "rate_limited"}}
    server.answers.extend([(429, busy, {"Retry-After": "60"})] * 10)
    with sending(environ_for(server.base_url), *begin(processes, 4), "--timeout", "300") as sender:
        sender.runs_until(lambda: len(server.received) == 4)
        assert sender.runs_for(0.3)
        began_s = time.monotonic()
        sender.process.send_signal(number)
        code, told, _ = sender.ends()
    assert time.monotonic() - began_s < 10
    assert (code, len(server.received)) == (ENDS[number], 4)
    assert told["accepted"] == told["unknown"] == 0
    assert told["failed"] + told["not_sent"] == 1_000
    failures = cli("runs", "show", "-o", "json").json["failures"]
    assert {(each["code"], each["status_code"], each["attempts"]) for each in failures} <= {("rate-limited", 429, 1)}


def test_an_interrupt_ends_the_pause_of_a_low_rate(server: CapturingServer) -> None:
    write_rows(10)
    args = ("spec.yaml", "--rows", "rows.csv", "--rate", "0.02/s")
    with sending(environ_for(server.base_url), *args) as sender:
        sender.runs_until(lambda: len(server.received) == 1)
        sender.process.send_signal(signal.SIGTERM)
        code, told, _ = sender.ends()
    assert (code, told["accepted"], told["not_sent"]) == (143, 1, 9)


# Rows that come in their time


def write(sender: Sender, *lines: object) -> None:
    assert sender.process.stdin is not None
    sender.process.stdin.write("".join(f"{line}\n" for line in lines))
    sender.process.stdin.flush()


PIPED = ("spec.yaml", "--rows", "-")


@pytest.mark.slow
@pytest.mark.parametrize("pause_s", [0.1, 1])
def test_rows_of_a_slow_pipe_go_out_when_they_come(pause_s: float) -> None:
    write_rows(1)
    with recording() as server:
        began_s = time.monotonic()
        with sending(server.environ, "spec.yaml", "--var", "n=0") as sender:  # how long it takes to begin at all
            sender.process.wait(BOUND_S)
        begins_s = time.monotonic() - began_s
        began_s = time.monotonic()
        with sending(server.environ, *PIPED) as sender:
            write(sender, "n", 1)
            number = 1
            while server.requests() < 2:
                assert time.monotonic() - began_s < begins_s + 1.5
                if time.monotonic() - began_s > number * pause_s:
                    number += 1
                    write(sender, number)
                time.sleep(0.01)
            code, told, _ = sender.ends()
    assert (code, told["accepted"]) == (0, number)
    check_each_once(server.taken(), {f"order-{n}" for n in range(number + 1)})


def test_answers_are_recorded_while_a_pipe_is_silent_and_a_kill_sends_nothing_of_them_again(cli: CommandLine) -> None:
    write_rows(1)
    with recording() as server:
        with sending(server.environ, *PIPED, "--linger", "0.2") as sender:
            write(sender, "n")
            for rows in (range(1, 4), range(4, 10), range(10, 11)):
                write(sender, *rows)
                sender.runs_until(partial(_is_accepted, cli, rows[-1]))
            sender.kill("all")
        assert (state_of_run(cli)["state"], state_of_run(cli)["unknown"]) == ("interrupted", 0)
        before = server.requests()
        with sending(server.environ, "--resume", "last", "--rows", "-") as sender:
            write(sender, "n", *range(1, 201))
            code, told, err = sender.ends()
        assert server.requests() == before + 2, "those of a part that is known are cut as they were then"
    assert (code, told["accepted"], err) == (0, 200, "")
    check_each_once(server.taken(), {f"order-{n}" for n in range(1, 201)})
    assert sent_again(server.taken()) == set()


def _is_accepted(cli: CommandLine, number: int) -> bool:
    runs = cli("runs", "list", "-o", "json").json["runs"]
    return bool(runs) and runs[0]["accepted"] == number


@pytest.mark.parametrize("number", ENDS)
def test_a_signal_ends_a_run_whose_pipe_is_silent(number: signal.Signals, cli: CommandLine) -> None:
    write_rows(1)
    with recording() as server, sending(server.environ, *PIPED) as sender:
        write(sender, "n", 1, 2, 3)
        sender.runs_until(lambda: _is_accepted(cli, 3))
        sender.process.send_signal(number)
        sender.process.wait(5)  # the pipe stays open
        code, told, err = sender.ends()
    assert code == ENDS[number]
    assert (told["accepted"], told["total"], told["not_sent"]) == (3, None, None)
    assert f"  runner send --resume {told['run']} --rows -\n" in err
    assert state_of_run(cli)["state"] == "interrupted"


def test_a_pipe_that_does_not_wait_for_its_reader_is_waited_for() -> None:
    """Some programs make the end that they hand on non-blocking."""
    write_rows(1)
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with recording() as server, os.fdopen(reading) as stdin, os.fdopen(writing, "w") as pipe:
        command = [*COMMAND, "send", *PIPED, "-o", "json"]
        with Popen(command, env=server.environ, stdin=stdin, stdout=PIPE, text=True) as process:
            for line in ("n", 1, 2):
                time.sleep(0.3)
                print(line, file=pipe, flush=True)
            pipe.close()
            out, _ = process.communicate(timeout=BOUND_S)
    assert (process.returncode, json.loads(out)["accepted"]) == (0, 2)


# Files that change


def _cut_file(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _append_row(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"999999999\n")


def _overwrite_in_place(path: Path) -> None:
    """With other rows of the same length; nothing but the bytes tells."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(before.st_size - 60_000)
        file.write(b"777777777\n" * 5_000)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replace(path: Path) -> None:
    Path("other").write_bytes(b"n\n")
    Path("other").rename(path)


SHOP = "x" * 60


def _rows_of(name: str, number: int) -> bytes:
    """Write rows of nine digits each, so that half of one would be another."""
    numbers = range(100_000_000, 100_000_000 + number)
    match name:
        case "rows.csv" | "rows.csv.gz":
            text = "\n".join(["n,shop", *(f"{n},{SHOP}" for n in numbers), ""]).encode()
            return gzip.compress(text, 0) if name.endswith(".gz") else text
        case "rows.jsonl":
            return "".join(f'{{"shop": "{SHOP}", "n": {n}}}\n' for n in numbers).encode()
        case _:
            file = BytesIO()
            table = pa.table({"n": pa.array(numbers, pa.int64()), "shop": [SHOP] * number})
            pq.write_table(table, file, row_group_size=2_000, compression="none", use_dictionary=False)
            return file.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz", "rows.jsonl", "rows.parquet"])
@pytest.mark.parametrize("change", [_cut_file, _append_row, _overwrite_in_place, _replace])
def test_a_file_that_changes_under_a_run_stops_it_and_no_row_is_sent_that_was_not_there(
    change: Callable[[Path], None], name: str, cli: CommandLine
) -> None:
    count = 10_000
    path = Path(name)
    Path("spec.yaml").write_text(SPEC, "utf-8")
    content = _rows_of(name, count)
    path.write_bytes(content)
    original = {f"order-{n}" for n in range(100_000_000, 100_000_000 + count)}
    with recording("--after", "100") as server:
        args = ("spec.yaml", "--rows", name, "--processes", "1", "--concurrency", "10")
        with sending(server.environ, *args) as sender:
            sender.runs_until(lambda: server.requests() >= 5)
            change(path)
            code, told, err = sender.ends()
        arrived = {event.key for event in server.taken()}
        assert arrived <= original
        assert told["accepted"] == len(arrived)
        assert told["unknown"] == told["failed"] == 0
        if change is _replace:
            assert (code, told["accepted"], state_of_run(cli)["state"]) == (0, count, "finished")
        else:
            assert (code, state_of_run(cli)["state"]) == (2, "stopped")
            assert f"error[rows-changed]: {name} changed while it was read: it " in err
        with sending(server.environ, "--resume", "last") as sender:
            code, refused, _ = sender.ends()
        assert (code, refused["problems"][0]["code"]) in {(2, "run-changed"), (2, "rows-format")}
        path.write_bytes(content)
        if change is not _replace:
            with sending(server.environ, "--resume", "last") as sender:
                code, told, _ = sender.ends()
            assert (code, told["accepted"]) == (0, count)
    check_each_once(server.taken(), original)
    assert sent_again(server.taken()) == set()


def test_a_file_that_changes_after_its_last_row_was_read_is_told_too(silent: socket.socket, cli: CommandLine) -> None:
    write_rows(3)
    environ = environ_for(f"http://127.0.0.1:{silent.getsockname()[1]}/")
    with sending(environ, *begin(1, 1), "--retries", "0") as sender:
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(4) == b"POST"
            _append_row(Path("rows.csv"))
            records = json.dumps({"records": [{"status": "success", "status_code": 202}] * 3}).encode()
            head = b"HTTP/1.1 207 Multi-Status\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            connection.sendall(head % len(records) + records)
            code, told, err = sender.ends()
    assert (code, told["accepted"], state_of_run(cli)["state"]) == (2, 3, "stopped")
    assert "rows.csv changed while it was read: it grew from 8 to 18 bytes" in err


@pytest.mark.parametrize("command", ["render", "runs"])
def test_a_file_that_changes_while_its_rows_are_printed_ends_the_command(
    command: str, server: CapturingServer, cli: CommandLine
) -> None:
    Path("spec.yaml").write_text(SPEC, "utf-8")
    Path("rows.csv").write_text("n,shop\n" + f"1,{'x' * 5_000}\n" * 200, "utf-8")
    cli.environ = environ_for(server.base_url)
    args = ["render", "spec.yaml", "--rows", "rows.csv"]
    if command == "runs":
        refusal = {"status": "error", "error": {"message": "no", "type": "refused"}}
        server.answers.extend([(404, refusal)] * 2)
        assert cli("send", "spec.yaml", "--rows", "rows.csv").code == 1
        args = ["runs", "failed", "last"]
    with Popen([*COMMAND, *args], env=cli.environ, stdout=PIPE, stderr=PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()  # what is behind it is more than a pipe holds
        with Path("rows.csv").open("r+b") as file:
            file.seek(-100_000, os.SEEK_END)
            file.write(b"7" * 50_000)
        out, err = process.communicate(timeout=BOUND_S)
    assert process.returncode == 2
    assert "error[rows-changed]: rows.csv changed while it was read: it was written to" in err
    assert "7" * 20 not in out
    assert 10 < out.count("\n") < 200


# Little memory

MEMORY = """
import os, resource, sys
most = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_DATA, (most, most))
os.execvp(sys.argv[2], sys.argv[2:])
"""


def wide_rows(name: str, number: int) -> None:
    """Write rows with a column of 1 MB that nobody takes."""
    if name == "rows.parquet":
        table = pa.table({"n": list(range(1, number + 1)), "note": [str(n) * 200_000 for n in range(number)]})
        pq.write_table(table, name, row_group_size=100)
        return
    with Path(name).open("w") as file:
        note = "x" * 1_000_000
        file.write("n,note\n" if name == "rows.csv" else "")
        form = "{n},{note}\n" if name == "rows.csv" else '{{"n": {n}, "note": "{note}"}}\n'
        file.writelines(form.format(n=n, note=note) for n in range(1, number + 1))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl", "rows.parquet"])
def test_columns_that_nobody_takes_need_no_memory_and_a_kill_loses_nothing(name: str, cli: CommandLine) -> None:
    number = 300
    Path("spec.yaml").write_text(SPEC, "utf-8")
    wide_rows(name, number)
    limited = [sys.executable, "-c", MEMORY, str(350 * 1024 * 1024)]
    with recording("--after", "200") as server:
        for kills in (True, False):
            flags = ["--resume", "last"] if not kills else ["spec.yaml", "--rows", name, "--ignore-extra"]
            command = [*limited, *COMMAND, "send", *flags, "--concurrency", "2", "--processes", "1", "-qo", "json"]
            with Popen(command, env=server.environ, stdout=PIPE, stderr=PIPE, text=True) as process:
                if kills:
                    while server.requests() < 1:
                        assert process.poll() is None, process.communicate()
                        time.sleep(0.01)
                    process.kill()
                out, err = process.communicate(timeout=2 * BOUND_S)
    assert (process.returncode, err) == (0, "")
    assert json.loads(out)["accepted"] == number
    assert state_of_run(cli)["state"] == "finished"
    check_each_once(server.taken(), {f"order-{n}" for n in range(1, number + 1)})
    assert len(sent_again(server.taken())) <= 2
