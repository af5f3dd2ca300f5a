"""Interrupts: the first finishes what is under way, the second ends at once."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from subprocess import PIPE, Popen, run
from typing import TYPE_CHECKING

import pytest

from tests.bulk.crash.conftest import (
    BOUND_S,
    CLUSTER,
    COMMAND,
    ENDS,
    EXECUTORS,
    begin,
    check_each_once,
    environ_for,
    sending,
    sent_again,
    state_of_run,
    summary_of,
    write_rows,
)
from tests.servers.listeners import url_of
from tests.servers.recording import recording_server

if TYPE_CHECKING:
    import socket

    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer

pytestmark = pytest.mark.usefixtures("in_tmp")
HOW_TO_GO_ON = """\
interrupted: finishing what is under way (again: end at once)
  runner send --resume {run}
      sends what is unknown or was not sent, under the same ids
error[interrupted]: interrupted
"""


@pytest.mark.parametrize("executor", EXECUTORS)
def test_the_first_ctrl_c_finishes_what_is_under_way_and_a_resume_sends_only_the_rest(
    executor: int | str, cli: CommandLine
) -> None:
    keys = write_rows(3_000)
    with recording_server("--before", "20", "--after", "20") as server:
        with sending(environ_for(server.base_url), *begin(executor, 4)) as sender:
            sender.runs_until(lambda: server.requests() >= 5)
            sender.process.send_signal(signal.SIGINT)
            code, told, err = sender.ends()
        arrived = {event.key for event in server.taken()}
        run = told["run"]
        assert (code, err) == (130, HOW_TO_GO_ON.format(run=run))
        assert 500 <= len(arrived) < 3_000
        assert told == summary_of(run, accepted=len(arrived), not_sent=3_000 - len(arrived))
        assert state_of_run(cli)["state"] == "interrupted"
        with sending(environ_for(server.base_url), "--resume", "last") as sender:
            code, told, err = sender.ends()
    assert (code, told, err) == (0, summary_of(run, accepted=3_000), "")
    check_each_once(server.taken(), keys)
    assert sent_again(server.taken()) == set()


@pytest.mark.parametrize("executor", EXECUTORS)
def test_the_second_ctrl_c_ends_at_once_and_what_was_under_way_is_unknown(
    executor: int | str, silent: socket.socket, cli: CommandLine
) -> None:
    write_rows(3_000)
    environ = environ_for(url_of(silent))
    with sending(environ, *begin(executor, 4)) as sender:
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(4) == b"POST"
            sender.process.send_signal(signal.SIGINT)
            assert sender.process.stderr is not None
            assert sender.process.stderr.readline() == HOW_TO_GO_ON.splitlines(keepends=True)[0]
            sender.process.send_signal(signal.SIGINT)
            sender.process.communicate(timeout=10)
    assert sender.process.returncode == 130
    run, unknown = state_of_run(cli), 3_000 if executor == CLUSTER else 400
    assert (run["state"], run["accepted"], run["failed"], run["unknown"]) == ("interrupted", 0, 0, unknown)


@pytest.mark.parametrize(
    ("executor", "number"),
    [(2, signal.SIGTERM), (2, signal.SIGHUP), pytest.param(CLUSTER, signal.SIGINT, marks=pytest.mark.slow)],
)
def test_a_signal_to_all_processes_of_a_run_finishes_what_is_under_way_and_a_resume_sends_only_the_rest(
    executor: int | str, number: signal.Signals, cli: CommandLine
) -> None:
    """Whoever stops a service or closes a terminal signals the whole group."""
    keys = write_rows(3_000)
    with recording_server("--before", "20", "--after", "20") as server:
        with sending(environ_for(server.base_url), *begin(executor, 4)) as sender:
            sender.runs_until(lambda: server.requests() >= 5)
            os.killpg(sender.process.pid, number)
            code, told, err = sender.ends()
        arrived = {event.key for event in server.taken()}
        assert (code, err) == (ENDS[number], HOW_TO_GO_ON.format(run=told["run"]))
        assert told == summary_of(told["run"], accepted=len(arrived), not_sent=3_000 - len(arrived))
        assert state_of_run(cli)["state"] == "interrupted"
        with sending(environ_for(server.base_url), "--resume", "last") as sender:
            code, told, err = sender.ends()
    assert (code, told["accepted"], err) == (0, 3_000, "")
    check_each_once(server.taken(), keys)
    assert sent_again(server.taken()) == set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_second_signal_of_any_kind_ends_at_once(number: signal.Signals, silent: socket.socket) -> None:
    write_rows(300)
    environ = environ_for(url_of(silent))
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
    environ = environ_for(url_of(silent))
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
    with recording_server("--after", "100") as server:
        command = [*as_first, *COMMAND, "send", *begin(2, 4), "-o", "json"]
        with Popen(command, env=environ_for(server.base_url), stdout=PIPE, stderr=PIPE, text=True) as process:
            while server.requests() < 3:
                assert process.poll() is None
                time.sleep(0.01)
            [first] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            os.kill(int(first), signal.SIGTERM)
            out, _ = process.communicate(timeout=BOUND_S)
        arrived = {event.key for event in server.taken()}
    told = json.loads(out)
    assert process.returncode == 143
    assert told == summary_of(told["run"], accepted=len(arrived), not_sent=3_000 - len(arrived))


@pytest.mark.parametrize(
    ("executor", "number"),
    [
        *((processes, number) for processes in (1, 2) for number in ENDS),
        pytest.param(CLUSTER, signal.SIGTERM, marks=pytest.mark.slow),
    ],
)
def test_an_interrupt_ends_the_pauses_and_nothing_is_tried_again(
    executor: int | str, number: signal.Signals, server: CapturingServer, cli: CommandLine
) -> None:
    rows = 4_000 if executor == CLUSTER else 1_000
    write_rows(rows)
    busy = {"status": "error", "error": {"message": "slow down", "type": "rate_limited"}}
    server.answers.extend([(429, busy, {"Retry-After": "60"})] * 10)
    with sending(environ_for(server.base_url), *begin(executor, 4), "--timeout", "300") as sender:
        sender.runs_until(lambda: len(server.received) == 4)
        assert sender.runs_for(0.3)
        began_s = time.monotonic()
        sender.process.send_signal(number)
        code, told, _ = sender.ends()
    assert time.monotonic() - began_s < 10
    assert (code, len(server.received)) == (ENDS[number], 4)
    assert told["accepted"] == told["unknown"] == 0
    assert told["failed"] + told["not_sent"] == rows
    failures = cli("runs", "show", "-o", "json").json["failures"]
    tried = {(each["code"], each["status_code"], each["attempts"]) for each in failures if each["attempts"]}
    assert tried <= {("rate-limited", 429, 1)}


def test_an_interrupt_ends_the_pause_of_a_low_rate(server: CapturingServer) -> None:
    write_rows(10)
    args = ("spec.yaml", "--rows", "rows.csv", "--rate", "0.02/s")
    with sending(environ_for(server.base_url), *args) as sender:
        sender.runs_until(lambda: len(server.received) == 1)
        sender.process.send_signal(signal.SIGTERM)
        code, told, _ = sender.ends()
    assert (code, told["accepted"], told["not_sent"]) == (143, 1, 9)
