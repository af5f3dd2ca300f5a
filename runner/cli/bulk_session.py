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

from runner.bulk.engine import Engine, Limits, kind_of
from runner.bulk.inflow import Inflow
from runner.bulk.ledger import PartBegun, PartDone, RowRecord
from runner.bulk.machine import cores, room_for_processes
from runner.bulk.parts import FlowingParts, Parts
from runner.bulk.task import end_pauses, pauses, send_part
from runner.bulk.workers import Workers
from runner.errors import SAME_SIGNAL_S, SIGNALLED, ExitCode, MachineError, Problem, RunnerError
from runner.report.bulk import Progress, Summary, show_summary
from runner.run import sum_up
from runner.suprsend.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Executor
    from types import FrameType
    from typing import TextIO

    from runner.bulk.engine import Tally
    from runner.bulk.ledger import RunLedger
    from runner.bulk.parts import Digests
    from runner.bulk.row import BadRow, Row
    from runner.bulk.rows import RowFile
    from runner.bulk.task import Part, PartOutcome, Setup
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
        rows: RowFile,
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
        with ExitStack() as stack:
            executor = stack.enter_context(executor_of(self._bulk))
            engine = Engine(
                executor,
                partial(send_part, self._setup),
                _Book(self._book, results),
                Limits(self._bulk.concurrency, self._bulk.rate, self._bulk.max_failures),
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
                output.message(
                    f"run {self._book.record.id} stopped; once there is room, go on with: {self._commands.resume()}"
                )
                raise
            progress.end()
            if isinstance(parts, Parts) and not parts.is_over:
                until_s = time.monotonic() + _COUNT_S
                with suppress(KeyboardInterrupt):  # whoever is in a hurry does without the number of rows
                    parts.count_rest(lambda: self._ended_by is not None and time.monotonic() > until_s)
        failure = parts.failure or self._change(parts.read)
        if failure is not None:
            self._session.output.complaints(failure.problems)
        total = parts.read if parts.is_over else None
        is_cut = tally.stopped or failure is not None
        state: Literal["interrupted", "stopped", "finished"] = "stopped" if is_cut else "finished"
        self._book.close("interrupted" if tally.stopped == "interrupted" else state, total)
        return self._conclude(tally, failure, total, time.monotonic() - began_s)

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

    def _conclude(self, tally: Tally, failure: RunnerError | None, total: int | None, took_s: float) -> ExitCode:
        """Show what became of the whole run, and give the exit code."""
        record, counts = self._book.record, self._book.counts()
        unknown = counts.unknown + counts.in_flight
        not_sent = None if total is None else total - counts.accepted - counts.failed - unknown
        commands = []
        if counts.failed and record.rows != "-":
            kinds = {kind_of(*each) for each in self._book.kinds()} - {ExitCode.OK}
            mend = "once they are mended, " if kinds == {ExitCode.INVALID} else ""
            commands.append(
                (self._commands.send_failed(), f"{mend}sends the failed rows once more, as a run of its own")
            )
        if unknown or not_sent or not_sent is None:
            piped = ", with the same rows piped in" if record.rows == "-" else ""
            better = ", with credentials that are taken" if tally.stopped == "credentials" else ""
            effect = f"sends what is unknown or was not sent, under the same ids{piped}{better}"
            commands.append((self._commands.resume(), effect))
        show_summary(
            self._session.output,
            Summary(
                record.id, total, counts.accepted, counts.failed, unknown, not_sent,
                tally.accepted + tally.failed + tally.unknown, took_s, tally.failures, commands, self._commands.show(),
            ),
        )  # fmt: skip
        if tally.stopped == "interrupted" and self._ended_by is not None:
            return ExitCode(SIGNALLED + self._ended_by)
        if tally.stopped in _STOPS:
            return _STOPS[tally.stopped]
        if failure is not None:
            return failure.exit_code
        if not counts.failed + unknown + (not_sent or 0):
            return ExitCode.OK
        return sum_up({kind_of(*each) for each in self._book.kinds()} - {ExitCode.OK})


_STOPS = {
    "credentials": ExitCode.CREDENTIALS,
    "no-answer": ExitCode.NO_ANSWER,
    "rate-limited": ExitCode.RATE_LIMITED,
}


def cut(rows: RowFile, bulk: BulkOptions) -> Iterator[Row | BadRow]:
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
    processes = bulk.processes or _processes(bulk.rows)
    threads = ceil(bulk.concurrency / processes)
    executor = Threads(threads) if processes == 1 else Workers(processes, threads)
    is_over = False
    try:
        yield executor
        is_over = True
    finally:
        executor.shutdown(wait=is_over, cancel_futures=not is_over)


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
    with file:
        yield file


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

    def __init__(self, ledger: RunLedger, results: TextIO | None) -> None:
        self._ledger = ledger
        self._results = results

    def write(self, done: Sequence[PartOutcome], begun: Sequence[Part]) -> None:
        if self._results:
            try:
                self._results.writelines(outcome.results for outcome in done)
                self._results.flush()
            except OSError as error:
                message = f"can't write {self._results.name}: {error.strerror}"
                raise MachineError(Problem("output-refused", message)) from None
        self._ledger.write(
            [
                PartDone(
                    outcome.first_row,
                    outcome.size,
                    outcome.accepted,
                    [RowRecord(*failure[:6]) for failure in outcome.failures],
                )
                for outcome in done
            ],
            [PartBegun(part.first_row, part.size, part.digest) for part in begun],
        )
