"""Rows of a slow pipe go out in their time."""

from __future__ import annotations

import json
import os
import time
from functools import partial
from subprocess import PIPE, Popen
from typing import TYPE_CHECKING

import pytest

from tests.bulk.crash.conftest import (
    BOUND_S,
    COMMAND,
    ENDS,
    Sender,
    check_each_once,
    environ_for,
    sending,
    sent_again,
    state_of_run,
    write_rows,
)
from tests.servers.recording import recording_server

if TYPE_CHECKING:
    import signal

    from tests.conftest import CommandLine

pytestmark = pytest.mark.usefixtures("in_tmp")


def write(sender: Sender, *lines: object) -> None:
    assert sender.process.stdin is not None
    sender.process.stdin.write("".join(f"{line}\n" for line in lines))
    sender.process.stdin.flush()


PIPED = ("spec.yaml", "--rows", "-")


@pytest.mark.slow
@pytest.mark.parametrize("pause_s", [0.1, 1])
def test_rows_of_a_slow_pipe_go_out_when_they_come(pause_s: float) -> None:
    write_rows(1)
    with recording_server() as server:
        began_s = time.monotonic()
        with sending(
            environ_for(server.base_url), "spec.yaml", "--var", "n=0"
        ) as sender:  # how long it takes to begin at all
            sender.process.wait(BOUND_S)
        begins_s = time.monotonic() - began_s
        began_s = time.monotonic()
        with sending(environ_for(server.base_url), *PIPED) as sender:
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
    with recording_server() as server:
        with sending(environ_for(server.base_url), *PIPED, "--linger", "0.2") as sender:
            write(sender, "n")
            for rows in (range(1, 4), range(4, 10), range(10, 11)):
                write(sender, *rows)
                sender.runs_until(partial(_is_accepted, cli, rows[-1]))
            sender.kill("all")
        assert (state_of_run(cli)["state"], state_of_run(cli)["unknown"]) == ("interrupted", 0)
        before = server.requests()
        with sending(environ_for(server.base_url), "--resume", "last", "--rows", "-") as sender:
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
    with recording_server() as server, sending(environ_for(server.base_url), *PIPED) as sender:
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
    with recording_server() as server, os.fdopen(reading) as stdin, os.fdopen(writing, "w") as pipe:
        command = [*COMMAND, "send", *PIPED, "-o", "json"]
        with Popen(command, env=environ_for(server.base_url), stdin=stdin, stdout=PIPE, text=True) as process:
            for line in ("n", 1, 2):
                time.sleep(0.3)
                print(line, file=pipe, flush=True)
            pipe.close()
            out, _ = process.communicate(timeout=BOUND_S)
    assert (process.returncode, json.loads(out)["accepted"]) == (0, 2)
