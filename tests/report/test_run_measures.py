"""The measures of a run in a terminal: they fit its width, and where it shows no blocks there are none."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import termios
from contextlib import suppress

import pytest

from runner.bulk.measures import RunMeasures
from runner.report.output import Output
from runner.report.run_measures import show_measures

UTF8 = {"LANG": "en_US.UTF-8"}


def measured(parts: int) -> RunMeasures:
    found = RunMeasures()
    for part in range(parts):
        found.add(
            f"[{1767323045000 + part * 990},100,0,0,0,[[[{0.3 * 1.9 ** (part % 16):.1f},100]],[[256,100]],[[1,100]],260]]"
        )
    return found


def shown(columns: int, environ: dict[str, str], measures: RunMeasures) -> list[str]:
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with os.fdopen(side, "w", encoding="utf-8") as stdout:
        show_measures(Output(stdout, io.StringIO(), environ=environ), measures)
    told = b""
    with suppress(OSError), os.fdopen(main, "rb", buffering=0) as screen:  # Linux ends it with an error
        while piece := screen.read(65536):
            told += piece
    return told.decode().splitlines()


@pytest.mark.parametrize("columns", [20, 60, 80, 200])
def test_lines_are_as_wide_as_the_terminal_at_most(columns: int) -> None:
    rate, times = shown(columns, UTF8, measured(60))
    least = len("  time to the answer  ") + 8 + len("  p50 48.9 ms, p95 2.44 s, p99 4.64 s")
    assert max(len(rate), len(times)) <= max(columns, least)
    assert (rate[:22], times[:22]) == ("  events a second     ", "  time to the answer  ")
    assert ("█" in rate, "█" in times) == (True, True)


def test_without_utf8_there_are_numbers_alone() -> None:
    rate, times = shown(80, {"LANG": "C"}, measured(60))
    assert (rate.isascii(), times.isascii()) == (True, True)
    assert rate.startswith("  events a second  at most ")
    assert times.startswith("  time to the answer  p50 ")


def test_one_part_has_times_and_no_rate() -> None:
    [line] = shown(80, UTF8, measured(1))
    assert line.startswith("  time to the answer  █  p50 ")


def test_a_run_that_sent_nothing_has_no_lines() -> None:
    assert shown(80, UTF8, RunMeasures()) == []
