"""What people see of a run at work."""

from __future__ import annotations

import io

from runner.bulk.engine import Tally
from runner.report import Output
from runner.report.bulk import Progress


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_bar_that_is_taken_away() -> None:
    screen = Screen()
    progress = Progress(Output(io.StringIO(), screen), 1000, 0.0)
    progress.tell(Tally(accepted=450, failed=3, unknown=1), 9.0)
    progress.tell(Tally(accepted=451, failed=3, unknown=1), 9.05)
    progress.end()
    bar = "[#########...........] 45% · 454 rows · 50/s · 450 accepted · 3 failed · 1 unknown · 10.8 s left"
    assert screen.getvalue() == f"\r\x1b[K{bar}\r\x1b[K"


def test_a_pipe_gets_a_line_now_and_then() -> None:
    pipe = io.StringIO()
    progress = Progress(Output(io.StringIO(), pipe), None, 0.0)
    for second in range(1, 25):
        progress.tell(Tally(accepted=second * 100), float(second))
    progress.end()
    assert pipe.getvalue() == "1,000 rows · 100/s · 1,000 accepted\n2,000 rows · 100/s · 2,000 accepted\n"


def test_quiet_shows_nothing() -> None:
    screen = Screen()
    progress = Progress(Output(io.StringIO(), screen, quiet=True), 1000, 0.0)
    progress.tell(Tally(accepted=450), 9.0)
    progress.end()
    assert screen.getvalue() == ""
