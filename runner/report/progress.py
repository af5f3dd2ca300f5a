"""The progress of a run → a bar on a terminal, lines of text, or lines of JSON for a scheduler."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.bulk.engine import Tally
    from runner.report.output import Output
    from runner.report.run_commands import RunCommands

_EVERY_S = 10.0
_JSON_EVERY_S = 1.0
_BAR = 20
_FINE_S = 100
_SHOWN_CODES = 3


class Progress:
    """Shows the progress of a run: a bar on a terminal, otherwise a line every ten seconds; as JSON a line each second.

    `about` is the estimated number of rows, if there is an estimate, and `before` the number of those that were done when
    it began to look. With `-v`, lines of text have the rows of each worker process.
    """

    def __init__(
        self,
        output: Output,
        about: int | None,
        began_s: float,
        *,
        run: str = "",
        before: int = 0,
        is_json: bool = False,
    ) -> None:
        self._output = output
        self._about = about
        self._began_s = began_s
        self._shown_s = began_s
        self._run = run
        self._before = before
        self._is_json = is_json
        self._last = ""

    def update(self, tally: Tally, now_s: float, waiting: int = 0) -> None:
        """Show the progress if it is due. `waiting` rows were read and are not being sent yet."""
        if self._is_json:
            self._last = self._json(tally, now_s, waiting)
            every_s = _JSON_EVERY_S
        else:
            every_s = 0.1 if self._output.has_terminal else _EVERY_S
        if now_s - self._shown_s >= every_s:
            self._shown_s = now_s
            self._show(self._last or self._text(tally, now_s, waiting))

    def end(self) -> None:
        """Remove the bar; as JSON, show where it ended."""
        self._show(self._last)

    def _show(self, line: str) -> None:
        if self._is_json:
            self._output.json_line(line)
        else:
            self._output.status(line)

    def _rate(self, done: int, now_s: float) -> float:
        return (done - self._before) / max(now_s - self._began_s, 1e-9)

    def _left_s(self, done: int, rate: float) -> float | None:
        return max(0, self._about - done) / rate if self._about and rate else None

    def _text(self, tally: Tally, now_s: float, waiting: int) -> str:
        counts = tally.counts
        done = counts.rows
        rate = self._rate(done, now_s)
        parts = [f"{done:,} rows", f"{rate:,.0f}/s"]
        parts += [f"{counts.accepted:,} accepted"]
        parts += [f"{counts.failed:,} failed{_by_code(tally)}"] if counts.failed else []
        parts += [f"{counts.unknown:,} unknown"] if counts.unknown else []
        parts += [f"{counts.not_sent:,} not sent"] if counts.not_sent else []
        parts += [f"{waiting:,} waiting"] if waiting else []
        if self._about:
            share = min(1.0, done / self._about)
            filled = round(share * _BAR)
            parts.insert(0, f"[{'#' * filled}{'.' * (_BAR - filled)}] {share:.0%}")
        left_s = self._left_s(done, rate)
        parts += [] if left_s is None else [f"{shown_time(left_s)} left"]
        if self._output.verbose and tally.workers:
            parts += ["by worker: " + ", ".join(f"{pid} {rows:,}" for pid, rows in sorted(tally.workers.items()))]
        return " · ".join(parts)

    def _json(self, tally: Tally, now_s: float, waiting: int) -> str:
        counts = tally.counts
        done = counts.rows
        rate = self._rate(done, now_s)
        left_s = self._left_s(done, rate)
        progress = {
            "run": self._run,
            "rows": done,
            "about": self._about,
            "accepted": counts.accepted,
            "failed": counts.failed,
            "unknown": counts.unknown,
            "not_sent": counts.not_sent,
            "waiting": waiting,
            "elapsed_s": round(now_s - self._began_s, 1),
            "rate": round(rate, 1),
            "left_s": None if left_s is None else round(left_s, 1),
            "codes": dict(tally.codes),
            "workers": {str(pid): rows for pid, rows in sorted(tally.workers.items())},
        }
        return json.dumps({"progress": progress})


class RunWatch(Progress):
    """Shows a session of a run, and the command that resumes it if it breaks off."""

    def __init__(
        self, output: Output, about: int | None, began_s: float, commands: RunCommands, *, is_json: bool
    ) -> None:
        super().__init__(output, about, began_s, run=commands.record.id, is_json=is_json)
        self._commands = commands

    def interrupted(self) -> None:
        """Announce that requests under way will be finished."""
        self._output.message("interrupted: finishing what is under way (again: end at once)")

    def broken_off(self, error: BaseException) -> None:
        """Show the command that resumes the run."""
        self.end()
        what = "ended at once" if isinstance(error, KeyboardInterrupt) else f"run {self._commands.record.id} stopped"
        self._output.message(f"{what}; go on with: {self._commands.resume()}")


def shown_time(seconds: float) -> str:
    """Return a time that passed, or that is left: `2.5 s`, `3 min 05 s`, `28 h 10 min`."""
    if seconds < _FINE_S:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def _by_code(tally: Tally) -> str:
    """Return the codes of most failures, and how many have each."""
    codes = tally.codes.most_common()
    few = [f"{rows:,} {code}" for code, rows in codes[:_SHOWN_CODES]]
    more = sum(rows for _, rows in codes[_SHOWN_CODES:])
    few += [f"{more:,} other"] if more else []
    return f" ({', '.join(few)})" if few else ""
