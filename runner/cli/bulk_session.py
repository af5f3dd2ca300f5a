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
from typing import TYPE_CHECKING, Literal

from runner.bulk.engine import MAX_DEATHS, Engine, Limits, kind_of
from runner.bulk.ledger import PartBegun, PartDone, RowRecord
from runner.bulk.parts import Parts
from runner.bulk.task import send_part, undelivered_line
from runner.bulk.workers import Workers
from runner.errors import ExitCode, MachineError, Problem
from runner.report.bulk import Next, Progress, Summary, show_summary
from runner.run import sum_up
from runner.suprsend.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Executor
    from typing import TextIO

    from runner.bulk.engine import Reason, Tally
    from runner.bulk.ledger import Counts, RunLedger
    from runner.bulk.origin import MarkedRows
    from runner.bulk.parts import Digests
    from runner.bulk.row import BadRow, Row
    from runner.bulk.task import Part, PartOutcome, Setup
    from runner.cli.bulk_commands import Commands
    from runner.cli.bulk_options import BulkOptions
    from runner.cli.world import Session
    from runner.report import Output

_SMALL_BYTES = 256 * 1024
"""A file of less is sent sooner by this process than others are started."""


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
        self._bulk = bulk
        self._commands = commands
        self._parts = Parts(
            cut(rows, bulk),
            bulk.part_rows,
            book.part if is_resumed else None,
            digests=digests,
            begun_to=book.last_row() if is_resumed else 0,
        )

    def run(self, results: TextIO | None) -> ExitCode:
        """Send what is to be sent, and show what became of the run."""
        world = self._session.world
        began_s = time.monotonic()
        output = self._session.output
        about = _about(self._bulk) if output.has_terminal and not output.quiet else None
        progress = Progress(output, about, began_s)
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
                sleep=world.sleep,
                tell=lambda tally: progress.tell(tally, time.monotonic()),
            )
            stack.enter_context(_stopping(engine, self._session.output))
            try:
                tally = engine.run(iter(self._parts))
            except KeyboardInterrupt:
                progress.end()
                output.message(f"ended at once; go on with: {self._commands.resume()}")
                raise
            except MachineError:
                progress.end()
                output.message(f"run {self._book.record.id} stopped; go on with: {self._commands.resume()}")
                raise
            progress.end()
        if not self._parts.is_over and self._bulk.rows != "-":
            self._parts.count_rest()
        total = self._parts.read if self._parts.is_over else None
        is_cut = tally.stopped or self._parts.failure is not None
        state: Literal["interrupted", "stopped", "finished"] = "stopped" if is_cut else "finished"
        failure = engine.failure
        try:
            self._book.close("interrupted" if tally.stopped == "interrupted" else state, total)
        except MachineError as error:
            failure = failure or error
        for cause in (failure, self._parts.failure):
            if cause is not None:
                output.complaints(cause.problems)
        counts = self._book.counts(book.records(engine.unwritten))
        self._show(tally, counts, total, time.monotonic() - began_s, failure)
        return failure.exit_code if failure else self._code(tally, counts, total)

    def _show(
        self, tally: Tally, counts: Counts, total: int | None, took_s: float, failure: MachineError | None
    ) -> None:
        """Show what became of the whole run."""
        unknown = counts.unknown + counts.in_flight
        not_sent = None if total is None else total - counts.accepted - counts.failed - unknown
        is_gone = failure is not None and failure.problems[0].code == "ledger-gone"
        show_summary(
            self._session.output,
            Summary(
                self._book.record.id, total, counts.accepted, counts.failed, unknown, not_sent,
                tally.handled, took_s, tally.failures,
                counts.failed + unknown + counts.not_sent,
                _WHY.get(tally.stopped) if tally.stopped else None,
                [] if is_gone else list(self._next(tally, counts, unknown, not_sent, failure)),
                self._commands.show(),
            ),
        )  # fmt: skip

    def _next(
        self, tally: Tally, counts: Counts, unknown: int, not_sent: int | None, failure: MachineError | None
    ) -> Iterator[Next]:
        """Name the commands that go on with the run."""
        record, commands = self._book.record, self._commands
        if failure is None and counts.failed and (record.rows != "-" or record.parent):
            kinds = {kind_of(code, was_sent) for state, code, was_sent in self._book.kinds() if state == "failed"}
            mend = "once they are mended, " if kinds == {ExitCode.INVALID} else ""
            yield Next(commands.send_failed(), f"{mend}sends the failed rows once more, as a run of its own")
        # What can't be read any further can't be read by a resume either, and a mended file is another one.
        is_broken = self._parts.failure is not None and self._parts.failure.problems[0].code in _FOR_GOOD
        has_rest = is_broken and not tally.stopped
        piped = ", with the same rows piped in" if record.rows == "-" and not record.parent else ""
        better = ", with credentials that are taken" if tally.stopped == "credentials" else ""
        when = "before the file is mended, " if has_rest else "once that is mended, " if failure else ""
        has_open = counts.not_sent if has_rest else not_sent is None or not_sent > 0
        if self._setup.has_keys and (unknown or has_open):
            effect = f"{when}sends what is unknown or was not sent, under the same ids{piped}{better}"
            yield Next(commands.resume(), effect)
        elif has_open:
            yield Next(commands.resume(), f"{when}sends what was not sent{piped}{better}")
        if unknown and not self._setup.has_keys:
            effect = f"{when}sends the {unknown:,} unknown too: they have no key, so they may count twice{piped}"
            yield Next(f"{commands.resume()} --yes", effect)
        if has_rest and self._parts.failure is not None and self._parts.failure.problems[0].code in _MENDABLE:
            rest = self._bulk.offset + self._parts.read
            limit = None if self._bulk.limit is None else self._bulk.limit - self._parts.read
            yield Next(commands.send_rest(rest, limit), "once the file is mended, sends the rest, as a run of its own")

    def _code(self, tally: Tally, counts: Counts, total: int | None) -> ExitCode:
        if tally.stopped in _STOPS:
            return _STOPS[tally.stopped]
        if self._parts.failure is not None:
            return self._parts.failure.exit_code
        if total == counts.accepted:
            return ExitCode.OK
        return sum_up({kind_of(code, was_sent) for _, code, was_sent in self._book.kinds()} - {ExitCode.OK})


_MENDABLE = frozenset({"not-utf8", "rows-syntax"})
_FOR_GOOD = _MENDABLE | {"row-origin"}
_STOPS: dict[Reason, ExitCode] = {
    "interrupted": ExitCode.INTERRUPTED,
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
    if rows == "-" or Path(rows).stat().st_size < _SMALL_BYTES:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _stopping(engine: Engine, output: Output) -> Iterator[None]:
    """Let the first Ctrl-C finish what is under way, and the second one end at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_: int, __: object) -> None:
        if engine.tally.stopped:
            raise KeyboardInterrupt
        engine.stop("interrupted")
        output.message("interrupted: finishing what is under way (again: end at once)")

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


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
        self._ledger.write(self.records(done), [PartBegun(part.first_row, part.size, part.digest) for part in begun])
        self._told.clear()

    def records(self, done: Sequence[PartOutcome]) -> list[PartDone]:
        """Give what the ledger keeps of outcomes."""
        return [
            PartDone(
                outcome.first_row,
                outcome.size,
                outcome.accepted,
                [RowRecord(*failure[:6], failure.origin) for failure in outcome.failures],
            )
            for outcome in done
        ]

    def _write_lines(self, results: TextIO, done: Sequence[PartOutcome]) -> None:
        if self._refusal is not None:  # what was written last may be half a line
            raise self._refusal
        try:
            for outcome in done:
                lines = outcome.results or "".join(undelivered_line(row, self._session) for row in outcome.failures)
                results.write(lines)
            results.flush()
        except OSError as error:
            message = f"can't write {results.name}: {error.strerror}"
            self._refusal = MachineError(Problem("output-refused", message))
            raise self._refusal from None
