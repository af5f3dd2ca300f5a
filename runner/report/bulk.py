"""A bulk run at work, and what became of it → a progress bar, lines, a summary."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from runner.report.output import Format
from runner.report.style import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from runner.bulk.check import Checked
    from runner.bulk.engine import Tally
    from runner.bulk.ledger import RunSummary
    from runner.bulk.outcomes import RowOutcome
    from runner.report.output import Output


class Next(NamedTuple):
    """A command to go on with, and what it does."""

    command: str
    effect: str


@dataclass(frozen=True, slots=True)
class Summary:
    """A run's sum: `accepted + failed + unknown + not_sent = total`. `total` is None if the rows were not counted to the end."""

    run: str
    total: int | None
    accepted: int
    failed: int
    unknown: int
    not_sent: int | None
    handled: int
    """How many rows this session of the run got through."""
    took_s: float
    failures: Sequence[RowOutcome]
    """The first ones of this session."""
    recorded: int
    """How many rows the run came to that were not accepted."""
    stopped: str | None
    """Why the run stopped by itself, in words."""
    next_commands: Sequence[Next]
    show_command: str
    """The command that shows all rows that were not accepted."""
    advice: Sequence[str] = ()
    """What to do about failures that are not the rows' own."""
    repeated: int = 0
    """How many rows this session had accepted under a key that another of its rows has: the platform counts one of these."""


_EVERY_S = 10.0


class Progress:
    """Shows how far a run is: a bar on a terminal, else a line now and then."""

    def __init__(self, output: Output, about: int | None, began_s: float) -> None:
        """Begin. `about` is how many rows there may be, if that can be told."""
        self._output = output
        self._about = about
        self._began_s = began_s
        self._told_s = began_s

    def tell(self, tally: Tally, now_s: float, waiting: int = 0) -> None:
        """Show the state of things, if it is time to. `waiting` rows were read and are not on their way."""
        every_s = 0.1 if self._output.has_terminal else _EVERY_S
        if now_s - self._told_s >= every_s:
            self._told_s = now_s
            self._output.status(self._line(tally, now_s, waiting))

    def end(self) -> None:
        """Take the bar away."""
        self._output.status("")

    def _line(self, tally: Tally, now_s: float, waiting: int) -> str:
        counts = tally.counts
        done = counts.rows
        rate = done / max(now_s - self._began_s, 1e-9)
        parts = [f"{done:,} rows", f"{rate:,.0f}/s"]
        parts += [f"{counts.accepted:,} accepted"]
        parts += [f"{counts.failed:,} failed"] if counts.failed else []
        parts += [f"{counts.unknown:,} unknown"] if counts.unknown else []
        parts += [f"{counts.not_sent:,} not sent"] if counts.not_sent else []
        parts += [f"{waiting:,} waiting"] if waiting else []
        if self._about:
            share = min(1.0, done / self._about)
            filled = round(share * _BAR)
            parts.insert(0, f"[{'#' * filled}{'.' * (_BAR - filled)}] {share:.0%}")
            parts += [f"{_duration(max(0, self._about - done) / rate)} left"] if done else []
        return " · ".join(parts)


_BAR = 20


def show_summary(output: Output, summary: Summary) -> None:
    """Show what became of a run, the first failures, and how to go on."""
    if output.format in (Format.JSON, Format.JSONL):
        counts = {
            name: getattr(summary, name) for name in ("run", "total", "accepted", "failed", "unknown", "not_sent")
        }
        counts |= {"same_key": summary.repeated} if summary.repeated else {}
        output.json(counts | {"failures": [_as_json(failure) for failure in summary.failures]})
    else:
        for failure in summary.failures:
            output.data(_failure_line(failure, output))
        shown = len(summary.failures)
        more = summary.recorded - shown
        if shown and more > 0:
            output.data(output.style.faint(f"… {more:,} more: {summary.show_command}"))
        output.data(_sum(summary))
    if summary.stopped and output.format in (Format.JSON, Format.JSONL):
        output.message(f"stopped: {summary.stopped}")
    for hint in summary.advice:
        output.message(f"  = {hint}")
    for command, effect in summary.next_commands:
        output.message(f"  {command}\n      {effect}")


def show_check(output: Output, checked: Checked) -> None:
    """Show what a file of rows would send."""
    if output.format in (Format.JSON, Format.JSONL):
        counts = asdict(checked)
        counts["failures"] = [_as_json(failure) for failure in checked.failures]
        counts["duplicates"] = [{"row": row, "first": first} for row, first in checked.duplicates]
        output.json(counts)
        return
    for failure in checked.failures:
        output.data(_failure_line(failure, output))
    if checked.invalid > len(checked.failures):
        output.data(output.style.faint(f"… {checked.invalid - len(checked.failures):,} more: {_ALL}"))
    for row, first in checked.duplicates:
        output.data(
            f"{output.style.warning('same key')}  row {row:,} has the key of row {first:,}: the platform would count one"
        )
    if checked.twice > len(checked.duplicates):
        output.data(output.style.faint(f"… {checked.twice - len(checked.duplicates):,} more: {_ALL}"))
    size = f"{checked.event_bytes:,} bytes in {checked.requests:,} request{'' if checked.requests == 1 else 's'}"
    largest = (
        f", the largest event {checked.largest_bytes:,} (row {checked.largest_row:,})" if checked.largest_row else ""
    )
    output.data(
        f"{_rows(checked.rows)}: {checked.rows - checked.invalid:,} valid, {checked.invalid:,} invalid, "
        f"{_repeating(checked.twice)}; {size}{largest}"
    )
    output.message("dry run: nothing sent")


_ALL = "--results FILE.jsonl writes a line for each row, with its key or what is wrong"


def show_runs(output: Output, runs: Sequence[RunSummary]) -> None:
    """Show runs, the newest first."""
    if output.format in (Format.JSON, Format.JSONL):
        output.json({"runs": [_run_as_json(run) for run in runs]})
        return
    if not runs:
        output.message("no runs yet: runner send SPEC --rows FILE begins one")
    for run in runs:
        output.data(_run_line(run, output))


def show_run(
    output: Output,
    run: RunSummary,
    children: Sequence[str],
    exceptions: Callable[[], Iterable[RowOutcome]],
    at_most: int | None,
) -> None:
    """Show one run, and the rows that were not accepted: as text `at_most` so many, as JSON all.

    Of more than a screen has room for, it is told first how many came to the same.
    """
    if output.format in (Format.JSON, Format.JSONL):
        head = _run_as_json(run) | {"children": children}
        output.long_json(head, "failures", (_record_as_json(record, run.parent) for record in exceptions()))
        return
    output.data(_run_line(run, output))
    if run.parent:
        output.data(f"  sends failed rows of run {run.parent}")
    if children:
        output.data(f"  failed rows went again in run {', '.join(children)}")
    groups = Counter((row.state, row.code, row.status_code, row.variable) for row in exceptions())
    if groups.total() > _A_SCREEN:
        for group, count in groups.most_common():
            output.data(_group_line(count, *group, output))
    rows = iter(exceptions())
    for record in islice(rows, at_most):
        output.data(_record_line(record, run.parent, output))
    if more := sum(1 for _ in rows):
        output.data(output.style.faint(f"  … {more:,} more: --all shows them, -o json too"))


_A_SCREEN = 20


def _group_line(count: int, state: str, code: str, status_code: int, variable: str, output: Output) -> str:
    status = f" {status_code}" if status_code else ""
    where = f" at {printable(variable)}" if variable else ""
    return f"  {count:,} x {_state(state, output)}  {code}{status}{where}"


def _record_line(record: RowOutcome, parent: str | None, output: Output) -> str:
    status = f" {record.status_code}" if record.status_code else ""
    place = row_place(record.row, record.line)
    origin = f", row {record.origin:,} of the first run" if parent and record.origin else ""
    return f"  {_state(record.state, output)}  {place}{origin}  {record.code}{status}"


def _record_as_json(outcome: RowOutcome, parent: str | None) -> dict[str, object]:
    return _recorded(outcome) | ({} if parent is None else {"origin": outcome.origin})


def _state(state: str, output: Output) -> str:
    return output.style.error("not sent" if state == "not_sent" else state)


def row_place(row: int, line: int) -> str:
    """Name a row as people find it. In a file that has no lines, `line` is 0."""
    return f"row {row:,} (line {line:,})" if line else f"row {row:,}"


def _failure_line(failure: RowOutcome, output: Output) -> str:
    status = f" {failure.status_code}" if failure.status_code else ""
    place = row_place(failure.row, failure.line)
    return f"{_state(failure.state, output)}  {place}  {failure.code}{status}  {printable(failure.message)}"


def _run_line(run: RunSummary, output: Output) -> str:
    counts = f"{run.counts.accepted:,} accepted, {run.counts.failed:,} failed, {run.counts.unknown:,} unknown"
    rest = "" if run.total is None else f", {run.counts.not_sent:,} not sent of {run.total:,}"
    files = f"{printable(run.spec)} x {printable(run.rows)}"
    begun = _instant(run.started_at)
    return f"{output.style.strong(run.run)}  {begun}  {run.state:<11}  {counts}{rest}  {output.style.faint(files)}"


def _instant(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _run_as_json(run: RunSummary) -> dict[str, object]:
    return {
        "run": run.run,
        "spec": run.spec,
        "rows": run.rows,
        "state": run.state,
        "started_at": run.started_at.isoformat(),
        "total": run.total,
        "accepted": run.counts.accepted,
        "failed": run.counts.failed,
        "unknown": run.counts.unknown,
        "not_sent": run.counts.not_sent,
        "parent": run.parent,
    }


def _sum(summary: Summary) -> str:
    rate = summary.handled / max(summary.took_s, 1e-9)
    rest = "the rest not sent" if summary.not_sent is None else f"{summary.not_sent:,} not sent"
    total = "" if summary.total is None else f"{_rows(summary.total)}: "
    same = f" ({_repeating(summary.repeated)}: not counted again)" if summary.repeated else ""
    counts = f"{summary.accepted:,} accepted{same}, {summary.failed:,} failed, {summary.unknown:,} unknown, {rest}"
    stopped = f" · stopped: {summary.stopped}" if summary.stopped else ""
    return f"{total}{counts} · {_duration(summary.took_s)}, {rate:,.0f}/s · run {summary.run}{stopped}"


def _repeating(rows: int) -> str:
    return f"{rows:,} repeat{'s' if rows == 1 else ''} the key of another row"


def _rows(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"


def _duration(seconds: float) -> str:
    if seconds < _FINE_S:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


_FINE_S = 100


def _as_json(outcome: RowOutcome) -> dict[str, object]:
    origin = {"origin": outcome.origin} if outcome.origin else {}
    return _recorded(outcome) | {"message": outcome.message} | origin


def _recorded(outcome: RowOutcome) -> dict[str, object]:
    return {
        "row": outcome.row,
        "line": outcome.line,
        "state": outcome.state,
        "code": outcome.code,
        "status_code": outcome.status_code,
        "attempts": outcome.attempts,
    }
