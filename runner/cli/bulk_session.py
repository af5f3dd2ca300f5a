"""One session of a run: from its first part, or where it was left, to its end or the next interrupt."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import islice
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from runner.bulk.engine import MAX_DEATHS, Engine, Limits, kind_of
from runner.bulk.inflow import Inflow
from runner.bulk.machine import cores, room_for_processes
from runner.bulk.parts import FlowingParts, Parts
from runner.bulk.task import end_pauses, pauses, send_part, undelivered_line
from runner.bulk.workers import Workers
from runner.cli.target import advice
from runner.errors import SAME_SIGNAL_S, SIGNALLED, ExitCode, MachineError, Problem, RunnerError
from runner.report.bulk import Next, Progress, Summary, show_summary
from runner.run import sum_up
from runner.suprsend.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Executor
    from types import FrameType
    from typing import TextIO

    from runner.bulk.engine import Reason, Tally
    from runner.bulk.origin import MarkedRows
    from runner.bulk.outcomes import Counts, PartOutcome
    from runner.bulk.parts import Digests
    from runner.bulk.row import BadRow, Row
    from runner.bulk.run_ledger import RunLedger
    from runner.bulk.task import Part, Setup
    from runner.cli.bulk_commands import Commands
    from runner.cli.bulk_options import BulkOptions
    from runner.cli.world import Session

_SMALL_BYTES = 256 * 1024
"""A file of less is sent sooner by this process than others are started."""
_COUNT_S = 2.0
"""For so long the rest of the rows is counted after an interrupt: who sends a SIGTERM does not wait for ever."""


class Sending:
    """Sends what is to be sent of a run, records it, and shows it."""

    def __init__(
        self,
        session: Session,
        book: RunLedger,
        setup: Setup,
        rows: MarkedRows,
        bulk: BulkOptions,
        commands: Commands,
        digests: Digests | None,
        *,
        is_resumed: bool,
    ) -> None:
        self._session = session
        self._book = book
        self._setup = setup
        self._rows = rows
        self._bulk = bulk
        self._commands = commands
        self._digests = digests
        self._known = book.part if is_resumed else None
        self._begun_to = book.last_row() if is_resumed else 0
        self._ended_by: int | None = None
        self._is_told = False

    def run(self, results: TextIO | None) -> ExitCode:
        """Send what is to be sent, and show what became of the run."""
        began_s = time.monotonic()
        output = self._session.output
        about = _about(self._bulk) if output.has_terminal and not output.quiet else None
        progress = Progress(output, about, began_s)
        parts: Parts | FlowingParts
        book = _Book(self._book, results, self._setup.session)
        max_deaths = MAX_DEATHS if self._setup.has_keys else 1
        with ExitStack() as stack:
            executor = stack.enter_context(executor_of(self._bulk))
            engine = Engine(
                executor,
                partial(send_part, self._setup),
                book,
                Limits(self._bulk.concurrency, self._bulk.rate, self._bulk.max_failures, max_deaths),
                monotonic=time.monotonic,
                hurry=partial(self._hurry, executor),
                tell=lambda tally: progress.tell(tally, time.monotonic(), parts.waiting),
            )
            parts = self._cut(engine, stack)
            stack.enter_context(self._stopping(engine))
            try:
                tally = engine.run(iter(parts))
            except KeyboardInterrupt:
                progress.end()
                output.message(f"ended at once; go on with: {self._commands.resume()}")
                raise
            except MachineError:
                progress.end()
                output.message(f"run {self._book.record.id} stopped; go on with: {self._commands.resume()}")
                raise
            progress.end()
            if not parts.is_over:
                until_s = time.monotonic() + _COUNT_S
                with suppress(KeyboardInterrupt):  # whoever is in a hurry does without the number of rows
                    parts.count_rest(lambda: self._ended_by is not None and time.monotonic() > until_s)
        cause = parts.failure or self._change(parts.read)
        total = parts.read if parts.is_over else None
        is_cut = tally.stopped or cause is not None
        state: Literal["interrupted", "stopped", "finished"] = "stopped" if is_cut else "finished"
        failure = engine.failure
        try:
            self._book.close("interrupted" if tally.stopped == "interrupted" else state, total)
        except MachineError as error:
            failure = failure or error
        for each in (failure, cause):
            if each is not None:
                output.complaints(each.problems)
        counts = self._book.counts(engine.unwritten)
        end = _End(tally, counts, parts.read, total, cause, failure)
        self._show(end, time.monotonic() - began_s)
        if total == 0:
            output.message(self._bulk.without_rows())
        return failure.exit_code if failure else self._code(end)

    def _cut(self, engine: Engine, stack: ExitStack) -> Parts | FlowingParts:
        """Cut the rows into parts: those of a file when they are asked for, others when they come."""
        bulk, digests = self._bulk, self._digests
        rows, size, known, begun_to = cut(self._rows, bulk), bulk.part_rows, self._known, self._begun_to
        if bulk.rows != "-":
            return Parts(rows, size, known, digests=digests, begun_to=begun_to, offset=bulk.offset)
        inflow = stack.enter_context(Inflow(rows, engine.wake))
        return FlowingParts(
            inflow, size, known, digests=digests, linger_s=bulk.linger_s, begun_to=begun_to, offset=bulk.offset
        )

    def _hurry(self, executor: Executor) -> None:
        """Have nothing tried again of what is under way, and say that it will be finished.

        What comes before this is said is the same signal once more.
        """
        if isinstance(executor, Workers):
            executor.tell(end_pauses)
        else:
            end_pauses()
        time.sleep(SAME_SIGNAL_S)
        self._is_told = True
        self._session.output.message("interrupted: finishing what is under way (again: end at once)")

    def _change(self, read: int) -> RunnerError | None:
        """Return what is wrong if the file changed after so many rows of it were read."""
        try:
            self._rows.check(self._bulk.offset + read)
        except RunnerError as error:
            return error
        return None

    @contextmanager
    def _stopping(self, engine: Engine) -> Iterator[None]:
        """Let the first Ctrl-C, SIGTERM or SIGHUP finish what is under way, and the second one end at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(number: int, frame: FrameType | None) -> None:
            if self._ended_by is None:
                self._ended_by = number
                engine.stop("interrupted")
            elif not self._is_told:
                pass  # whoever began it may not know: `timeout` signals a process, and then the group that it is in
            elif callable(otherwise := before[signal.Signals(number)]):
                otherwise(number, frame)
            else:
                raise KeyboardInterrupt

        # Who starts a program with nohup wants it to go on without a terminal.
        heard = [
            each for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) != signal.SIG_IGN
        ]
        before = {number: signal.signal(number, stop) for number in heard}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _show(self, end: _End, took_s: float) -> None:
        """Show what became of the whole run."""
        tally, counts = end.tally, end.counts
        is_gone = end.failure is not None and end.failure.problems[0].code == "ledger-gone"
        show_summary(
            self._session.output,
            Summary(
                self._book.record.id, end.total, counts.accepted, counts.failed, end.unknown, end.not_sent,
                tally.counts.rows, took_s, tally.failures,
                counts.failed + end.unknown + counts.not_sent,
                _WHY.get(tally.stopped) if tally.stopped else None,
                [] if is_gone else list(self._next(end)),
                self._commands.show(),
                self._advice(tally),
                tally.keys.close(),
            ),
        )  # fmt: skip

    def _advice(self, tally: Tally) -> list[str]:
        target = self._setup.target
        hints = (advice(target, each.code, each.message, sandbox=target.admit is not None) for each in tally.failures)
        return list(filter(None, dict.fromkeys(hints)))

    def _next(self, end: _End) -> Iterator[Next]:
        """Name the commands that go on with the run."""
        record, commands, counts, unknown = self._book.record, self._commands, end.counts, end.unknown
        if end.failure is None and counts.failed and (record.rows != "-" or record.parent):
            kinds = {kind_of(code, was_sent) for state, code, was_sent in self._book.kinds() if state == "failed"}
            mend = "once they are mended, " if kinds == {ExitCode.INVALID} else ""
            yield Next(commands.send_failed(), f"{mend}sends the failed rows once more, as a run of its own")
        # What can't be read any further can't be read by a resume either, and a mended file is another one.
        fault = end.cause.problems[0].code if end.cause is not None else None
        has_rest = fault in _FOR_GOOD and not end.tally.stopped
        piped = ", with the same rows piped in" if record.rows == "-" and not record.parent else ""
        better = ", with credentials that are taken" if end.tally.stopped == "credentials" else ""
        when = "before the file is mended, " if has_rest else "once that is mended, " if end.failure else ""
        has_open = counts.not_sent if has_rest else end.not_sent is None or end.not_sent > 0
        if self._setup.has_keys and (unknown or has_open):
            effect = f"{when}sends what is unknown or was not sent, under the same ids{piped}{better}"
            yield Next(commands.resume(), effect)
        elif has_open:
            yield Next(commands.resume(), f"{when}sends what was not sent{piped}{better}")
        if unknown and not self._setup.has_keys:
            effect = f"{when}sends the {unknown:,} unknown too: they have no key, so they may count twice{piped}"
            yield Next(f"{commands.resume()} --yes", effect)
        if has_rest and fault in _MENDABLE:
            rest = self._bulk.offset + end.read
            limit = None if self._bulk.limit is None else self._bulk.limit - end.read
            yield Next(commands.send_rest(rest, limit), "once the file is mended, sends the rest, as a run of its own")

    def _code(self, end: _End) -> ExitCode:
        stopped = end.tally.stopped
        if stopped == "interrupted" and self._ended_by is not None:
            return ExitCode(SIGNALLED + self._ended_by)
        if stopped in _STOPS:
            return _STOPS[stopped]
        if end.cause is not None:
            return end.cause.exit_code
        if end.total == end.counts.accepted:
            return ExitCode.OK
        return sum_up({kind_of(code, was_sent) for _, code, was_sent in self._book.kinds()} - {ExitCode.OK})


class _End(NamedTuple):
    """How a session ended. `cause` is why no more rows could be read, `failure` why no more could be written down."""

    tally: Tally
    counts: Counts
    read: int
    total: int | None
    cause: RunnerError | None
    failure: MachineError | None

    @property
    def unknown(self) -> int:
        """How many rows may have arrived."""
        return self.counts.unknown + self.counts.in_flight

    @property
    def not_sent(self) -> int | None:
        """How many rows surely did not; None if nobody knows how many there are."""
        return None if self.total is None else self.total - self.counts.accepted - self.counts.failed - self.unknown


_MENDABLE = frozenset({"not-utf8", "rows-syntax"})
_FOR_GOOD = _MENDABLE | {"row-origin"}
_STOPS: dict[Reason, ExitCode] = {
    "credentials": ExitCode.CREDENTIALS,
    "no-answer": ExitCode.NO_ANSWER,
    "unavailable": ExitCode.NO_ANSWER,
    "rate-limited": ExitCode.RATE_LIMITED,
}
_WHY: dict[Reason, str] = {
    "no-answer": "the platform does not answer",
    "unavailable": "the platform does not answer properly",
    "rate-limited": "the platform asks to slow down",
}


def cut(rows: MarkedRows, bulk: BulkOptions) -> Iterator[Row | BadRow]:
    """Leave out what `--offset` and `--limit` leave out."""
    return islice(rows, bulk.offset, None if bulk.limit is None else bulk.offset + bulk.limit)


def _about(bulk: BulkOptions) -> int | None:
    """Estimate how many rows will be sent, by the lines of a file that has one a row."""
    path = Path(bulk.rows)
    if path.suffix.lower() not in (".csv", ".tsv", ".jsonl", ".ndjson"):
        return bulk.limit
    with path.open("rb") as file:
        lines = sum(piece.count(b"\n") for piece in iter(partial(file.read, 1 << 20), b""))
    return max(0, min(lines - bulk.offset, lines if bulk.limit is None else bulk.limit))


@contextmanager
def executor_of(bulk: BulkOptions) -> Iterator[Executor]:
    """Give what runs the parts. An interrupt does not wait for it."""
    pauses.begin()
    processes, threads = share_of(bulk)
    executor = Threads(threads) if processes == 1 else Workers(processes, threads)
    is_over = False
    try:
        yield executor
        is_over = True
    finally:
        executor.shutdown(wait=is_over, cancel_futures=not is_over)


def share_of(bulk: BulkOptions) -> tuple[int, int]:
    """Return in how many processes a run works, and with how many threads in each."""
    processes = bulk.processes or _processes(bulk.rows)
    return processes, ceil(bulk.concurrency / processes)


def _processes(rows: str) -> int:
    return 1 if rows == "-" or Path(rows).stat().st_size < _SMALL_BYTES else room_for_processes(cores())


@contextmanager
def results_of(bulk: BulkOptions, mode: Literal["w", "a"]) -> Iterator[TextIO | None]:
    """Open the file of results, if one is wanted. Raises MachineError."""
    if bulk.results is None:
        yield None
        return
    try:
        if mode == "a":
            _cut_half_line(bulk.results)
        file = bulk.results.open(mode, encoding="utf-8")
    except OSError as error:
        raise MachineError(Problem("output-refused", f"can't write {bulk.results}: {error.strerror}")) from None
    try:
        yield file
    finally:
        with suppress(OSError):  # each line was flushed when it was written, or its failure was told then
            file.close()


def write_results(results: TextIO | None, lines: str) -> None:
    """Write lines to the file of results, if there is one. Raises MachineError."""
    if results is None:
        return
    try:
        results.write(lines)
        results.flush()
    except OSError as error:
        raise MachineError(Problem("output-refused", f"can't write {results.name}: {error.strerror}")) from None


def _cut_half_line(path: Path) -> None:
    """Drop what a session that was killed, or whose disk was full, wrote of a last line: its row will come again."""
    with suppress(FileNotFoundError), path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        while size:
            step = min(size, 1 << 16)
            file.seek(size - step)
            if (end := file.read(step).rfind(b"\n")) >= 0:
                file.truncate(size - step + end + 1)
                return
            size -= step
        file.truncate(0)


class _Book:
    """Writes outcomes to the ledger, and before that a line for each row to the file of results."""

    def __init__(self, ledger: RunLedger, results: TextIO | None, session: int) -> None:
        self._ledger = ledger
        self._results = results
        self._session = session
        self._told: set[int] = set()
        """Parts that have their lines and are not in the ledger yet."""
        self._refusal: MachineError | None = None

    def write(self, done: Sequence[PartOutcome], begun: Sequence[Part]) -> None:
        if self._results:
            self._write_lines(self._results, [outcome for outcome in done if outcome.first_row not in self._told])
        self._told.update(outcome.first_row for outcome in done)
        self._ledger.write(done, begun)
        self._told.clear()

    def _write_lines(self, results: TextIO, done: Sequence[PartOutcome]) -> None:
        if self._refusal is not None:  # what was written last may be half a line
            raise self._refusal
        lines = (
            outcome.results or "".join(undelivered_line(row, self._session) for row in outcome.failures)
            for outcome in done
        )
        try:
            write_results(results, "".join(lines))
        except MachineError as error:
            self._refusal = error
            raise
