"""What people see of a run at work."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from contextlib import ExitStack
from pathlib import Path
from select import select
from typing import TYPE_CHECKING

import pytest

from runner.bulk.engine import Tally
from runner.bulk.outcomes import Counts
from runner.errors import Problem
from runner.report import Format, Output
from runner.report.progress import Progress
from runner.report.rows import row_place
from runner.rows.places import FileStart, Places

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO


def tally(**counts: int) -> Tally:
    return Tally(Counts(**counts))


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_bar_that_is_taken_away() -> None:
    screen = Screen()
    progress = Progress(Output(io.StringIO(), screen), 1000, 0.0)
    progress.update(tally(accepted=400, failed=3, unknown=1, not_sent=50), 9.0)
    progress.update(tally(accepted=401, failed=3, unknown=1, not_sent=50), 9.05)
    progress.end()
    counts = "400 accepted · 3 failed · 1 unknown · 50 not sent"
    bar = f"[#########...........] 45% · 454 rows · 50/s · {counts} · 10.8 s left"
    assert screen.getvalue() == f"\r\x1b[K{bar}\r\x1b[K"


def test_a_pipe_gets_a_line_now_and_then() -> None:
    pipe = io.StringIO()
    progress = Progress(Output(io.StringIO(), pipe), None, 0.0)
    for second in range(1, 25):
        progress.update(tally(accepted=second * 100), float(second))
    progress.end()
    assert pipe.getvalue() == "1,000 rows · 100/s · 1,000 accepted\n2,000 rows · 100/s · 2,000 accepted\n"


def test_failures_are_counted_by_their_codes_and_rows_by_their_workers() -> None:
    pipe = io.StringIO()
    progress = Progress(Output(io.StringIO(), pipe, verbose=True), 1000, 0.0)
    now = tally(accepted=80, failed=20)
    now.codes.update({"refused": 3, "var-schema": 12, "var-type": 4, "row-json": 1})
    now.workers.update({"4712": 60, "4711": 40})
    progress.update(now, 10.0)
    assert pipe.getvalue() == (
        "[##..................] 10% · 100 rows · 10/s · 80 accepted · 20 failed (12 var-schema, 4 var-type, 3 refused, 1 other)"
        " · 90.0 s left · by worker: 4711 40, 4712 60\n"
    )


def test_as_json_there_is_a_line_each_second_and_one_at_the_end() -> None:
    pipe = io.StringIO()
    progress = Progress(
        Output(io.StringIO(), pipe, quiet=True), 1000, 0.0, run="20260102-030405-7f3a", before=50, is_json=True
    )
    for at_s in (0.5, 1.0, 1.5):
        now = tally(accepted=50 + int(at_s * 100), failed=1)
        now.codes["refused"] = 1
        now.workers["7"] = int(at_s * 100)
        progress.update(now, at_s, waiting=3)
    progress.end()
    first, last = (json.loads(line)["progress"] for line in pipe.getvalue().splitlines())
    assert first == {
        "run": "20260102-030405-7f3a", "rows": 151, "about": 1000, "accepted": 150, "failed": 1, "unknown": 0, "not_sent": 0, "waiting": 3,
        "elapsed_s": 1.0, "rate": 101.0, "left_s": 8.4, "codes": {"refused": 1}, "workers": {"7": 100},
    }  # fmt: skip
    assert (last["rows"], last["elapsed_s"]) == (201, 1.5)


def test_quiet_shows_nothing() -> None:
    screen = Screen()
    progress = Progress(Output(io.StringIO(), screen, quiet=True), 1000, 0.0)
    progress.update(tally(accepted=450), 9.0)
    progress.end()
    assert screen.getvalue() == ""


def test_a_row_is_named_with_its_line_where_there_are_lines() -> None:
    one = Places()
    assert (row_place(1234, 1235, one), row_place(1234, 0, one)) == ("row 1,234 (line 1,235)", "row 1,234")


def test_a_row_of_several_files_is_named_with_its_file() -> None:
    places = Places([FileStart(1, "a.csv"), FileStart(1001, "b.csv")])
    assert row_place(1234, 235, places) == "row 1,234 (b.csv line 235)"
    assert row_place(1234, 0, places) == "row 1,234 (b.csv row 234)"
    assert row_place(1000, 0, places) == "row 1,000 (a.csv row 1,000)"


# On a real terminal

COLUMNS = 60
BAR = "[####################] 100% · 454 rows · 50/s · 450 accepte"
"""As much of it as fits beside the cursor."""


class Terminal:
    """A pseudo-terminal of 60 columns, and what a person sees on it: every line, as the cursor left it."""

    def __init__(self, opened: ExitStack) -> None:
        self._master, self.slave = pty.openpty()
        opened.callback(os.close, self._master)
        opened.callback(lambda: os.close(self.slave) if self.slave >= 0 else None)
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
        self._written = b""

    def open(self) -> TextIO:
        return os.fdopen(os.dup(self.slave), "w", encoding="utf-8")

    def release(self) -> None:
        """Leave the terminal to the processes that hold it: when the last one ends, so does the reading."""
        os.close(self.slave)
        self.slave = -1

    def read_until(self, sign: bytes) -> None:
        while sign not in self._written and self._read():
            pass

    def read_all(self) -> None:
        while self._read():
            pass

    def _read(self) -> bool:
        assert select([self._master], [], [], 20)[0], f"nothing more came after {self._written!r}"
        try:
            piece = os.read(self._master, 65536)
        except OSError:  # Linux says so when nobody holds the terminal any more
            return False
        self._written += piece
        return bool(piece)

    @property
    def written(self) -> bytes:
        return self._written

    @property
    def screen(self) -> list[str]:
        """The lines, with the one that the cursor is in."""
        lines, at = [""], 0
        for token in re.findall(r"\x1b\[K|[\r\n]|.", self._written.decode()):
            if token == "\r":
                at = 0
            elif token == "\n":
                lines.append("")
            elif token == "\x1b[K":
                lines[-1] = lines[-1][:at]
            else:
                if at == COLUMNS:
                    lines.append("")
                    at = 0
                lines[-1] = lines[-1][:at].ljust(at) + token + lines[-1][at + 1 :]
                at += 1
        return lines


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    with ExitStack() as opened:
        yield Terminal(opened)


@pytest.fixture
def stderr(terminal: Terminal) -> Iterator[TextIO]:
    with terminal.open() as stream:
        yield stream


def busy(output: Output) -> Progress:
    progress = Progress(output, 454, 0.0)
    progress.update(tally(accepted=450, failed=3, unknown=1), 9.0)
    return progress


def test_a_message_stands_above_the_bar_that_comes_back(terminal: Terminal, stderr: TextIO) -> None:
    output = Output(io.StringIO(), stderr, verbose=True)
    progress = busy(output)
    output.message("first")
    output.message("second\nthird")
    terminal.read_until(b"third")
    stderr.write("#")
    stderr.flush()
    terminal.read_until(b"accepte#")
    assert terminal.screen == ["first", "second", "third", f"{BAR}#"]
    progress.end()
    output.message("done")
    terminal.read_until(b"done\r\n")
    assert terminal.screen == ["first", "second", "third", "done", ""]


@pytest.mark.parametrize("form", [Format.PRETTY, Format.JSON])
def test_the_last_word_leaves_no_bar_behind(form: Format, terminal: Terminal, stderr: TextIO) -> None:
    output = Output(stderr, stderr, form, color=False)
    busy(output)
    problem = Problem("ledger-refused", "can't use the ledger")
    if form is Format.JSON:
        output.json({"problems": [problem.code]})
        terminal.read_until(b"}\r\n")
        assert terminal.screen == ["{", '  "problems": [', '    "ledger-refused"', "  ]", "}", ""]
    else:
        output.complaints([problem])
        terminal.read_until(b"ledger\r\n")
        assert terminal.screen == ["error[ledger-refused]: can't use the ledger", ""]


def test_a_run_that_showed_no_bar_writes_nothing_to_take_it_away(terminal: Terminal, stderr: TextIO) -> None:
    output = Output(io.StringIO(), stderr)
    progress = Progress(output, 454, 0.0)
    progress.update(tally(accepted=450), 0.05)
    progress.end()
    output.message("done")
    terminal.read_until(b"\n")
    assert terminal.written == b"done\r\n"


@pytest.mark.parametrize("streams", ["both", "stderr alone"])
def test_an_interrupted_run_leaves_a_whole_screen(streams: str, terminal: Terminal, in_tmp: Path) -> None:
    Path("signup.yaml").write_text('version: 1\nevent: signed_up\ndistinct_id: "{{ user }}"\n')
    Path("rows.csv").write_text("user\n" + "".join(f"u{number}\n" for number in range(5000)))
    command = [sys.executable, "-m", "runner", "send", "signup.yaml", "--rows", "rows.csv", "--sandbox", "--rate", "50"]
    command += ["--color", "never"]
    stdout = terminal.slave if streams == "both" else subprocess.PIPE
    with subprocess.Popen(command, cwd=in_tmp, stdin=terminal.slave, stdout=stdout, stderr=terminal.slave) as process:
        terminal.release()
        terminal.read_until(b"rows \xc2\xb7")
        process.send_signal(signal.SIGINT)
        terminal.read_all()
        printed = process.stdout.read().decode() if process.stdout else ""
    assert process.returncode == 130
    steady = [(r"127\.0\.0\.1:[0-9]+", "HERE"), (r"[0-9-]{15}-[0-9a-f]{4}", "RUN"), (r"[0-9]+(?:[.,][0-9]+)*", "N")]
    said = "\n".join(terminal.screen) + printed
    for pattern, word in steady:
        said = re.sub(pattern, word, said)
    summary = "N rows: N accepted, N failed, N unknown, N not sent · N s, N/s · run RUN\n"
    begun = "sandbox: started for this command on http://HERE/\ninterrupted: finishing what is under way (again: end at once)\n"
    ways = "  runner send --resume RUN\n      sends what is unknown or was not sent, under the same ids\n"
    ways += "error[interrupted]: interrupted\n"
    assert said.replace("\n", "") == (begun + (summary + ways if streams == "both" else ways + summary)).replace(
        "\n", ""
    )
