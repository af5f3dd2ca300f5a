"""One session of a run, from its first open part to its end or the next interrupt."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Literal, Protocol

from runner.bulk.conclusion import Conclusion
from runner.bulk.engine import MAX_DEATHS, Engine, Limits
from runner.bulk.executor import force_of
from runner.bulk.inflow import Inflow
from runner.bulk.ledger import Ledger
from runner.bulk.parts import FlowingParts, Idle, Parts, SpanParts
from runner.bulk.record import RunRecord
from runner.bulk.results import results_file, undelivered_line
from runner.bulk.tools import tools_of
from runner.errors import SAME_SIGNAL_S, MachineError, RunnerError
from runner.rows.places import Places
from runner.rows.spans import SpannedRows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path
    from types import FrameType
    from typing import TypeAlias

    from runner.bulk.cluster.connect import Cluster
    from runner.bulk.engine import Tally
    from runner.bulk.executor import Force
    from runner.bulk.outcomes import PartOutcome
    from runner.bulk.part import Part
    from runner.bulk.plan import RunPlan
    from runner.bulk.record import SavedOptions
    from runner.bulk.results import ResultsFile
    from runner.bulk.run_ledger import RunLedger
    from runner.bulk.sample import Sample
    from runner.config import Target
    from runner.rows.places import FileStart
    from runner.rows.row import BadRow, Row
    from runner.run import Prepared, Rejected, Run

    AnyParts: TypeAlias = Parts | FlowingParts | SpanParts

_COUNT_S = 2.0
"""Time to count the remaining rows after an interrupt; the sender of a SIGTERM does not wait long."""


class Watcher(Protocol):
    """An observer of a session."""

    def update(self, tally: Tally, now_s: float, waiting: int) -> None:
        """Receive what came of the rows so far, and the number of rows that were read ahead. Called often."""
        ...

    def interrupted(self) -> None:
        """Receive the first interrupt: parts in flight are finished, and no more are sent."""
        ...

    def broken_off(self, error: BaseException) -> None:
        """Receive the error that ends the session at once, before it is raised."""
        ...

    def end(self) -> None:
        """Receive the end of the session."""
        ...


class RunSession:
    """A session of a run, which holds its lock until the end of the `with` block. It runs once."""

    def __init__(
        self,
        plan: RunPlan,
        book: RunLedger,
        results: ResultsFile,
        target: Target,
        secrets: Sequence[str],
        cluster: Cluster | None,
        *,
        is_resumed: bool,
    ) -> None:
        """With a `cluster`, its workers send, else those of this machine."""
        self.record = book.record
        self.in_doubt = book.counts().unknown + book.counts().in_flight
        """Number of rows that may have arrived in an earlier session."""
        self._plan = plan
        self._book = book
        self._cluster = cluster
        self._cutter = plan.cutter()
        self._reader = plan.reader()
        self._starts = self._cutter.starts if self._cutter is not None else plan.rows.starts
        self._recorder = _Recorder(book, results, self._starts)
        self._setup = plan.setup(book.record, target, secrets, book.session)
        self._digests = plan.digests(book.record)
        self._known = book.part if is_resumed else None
        self._begun_to = book.last_row() if is_resumed else 0
        self._ended_by: int | None = None
        self._is_announced = False

    @property
    def can_compare_rows(self) -> bool:
        """Whether piped rows can be compared with those of earlier sessions."""
        return self._digests is None or self._digests.is_same_key

    def run(self, watcher: Watcher, lasts_s: float, sample: Sample | None = None) -> Conclusion:
        """Send the open rows, and add accepted ones to the sample, also those of earlier sessions. No part begins after `lasts_s`.

        Raises errors that end the session at once: KeyboardInterrupt, MachineError of a worker, bugs.
        """
        began_s = time.monotonic()
        options = self._plan.options
        parts: AnyParts
        limits = Limits(
            options.concurrency,
            options.rate,
            options.max_failures,
            MAX_DEATHS if self._setup.has_keys else 1,
            lasts_s,
        )
        with self._force() as force:
            engine = Engine(
                force.executor,
                force.task,
                self._recorder,
                limits,
                monotonic=time.monotonic,
                hurry=partial(self._hurry, force, watcher),
                on_progress=lambda tally: watcher.update(tally, time.monotonic(), parts.waiting),
                on_done=partial(self._add_sent, sample),
                capacity=force.capacity,
            )
            with self._parts(engine, sample) as parts, self._interrupts(engine):
                try:
                    tally = engine.run(self._placed(parts))
                except (KeyboardInterrupt, MachineError) as error:
                    watcher.broken_off(error)
                    raise
                watcher.end()
                self._count_rest(parts)
        return self._concluded(engine, tally, parts, began_s)

    def _force(self) -> AbstractContextManager[Force]:
        if self._cluster is not None:
            return self._cluster.force(self._plan, self._setup)
        return force_of(self._plan.options, self._setup)

    @contextmanager
    def _parts(self, engine: Engine, sample: Sample | None) -> Iterator[AnyParts]:
        """Return the parts: those of a file of this machine are read on request, others as their rows arrive."""
        on_finished = partial(self._add_finished, sample)
        options, digests = self._plan.options, self._digests
        if self._cutter is not None:
            with self._cutter as cutter:
                yield SpanParts(
                    cutter,
                    options.part_rows,
                    self._known,
                    begun_to=self._begun_to,
                    offset=options.offset,
                    on_finished=on_finished,
                )
            return
        rows, size, known, begun_to = self._plan.chosen_rows(), options.part_rows, self._known, self._begun_to
        if not options.may_wait:
            yield Parts(
                rows,
                size,
                known,
                digests=digests,
                begun_to=begun_to,
                offset=options.offset,
                on_finished=on_finished,
                take=self._plan.take if digests is None else lambda _: None,
            )
            return
        with Inflow(rows, engine.wake) as inflow:
            yield FlowingParts(
                inflow,
                size,
                known,
                digests=digests,
                linger_s=options.linger_s,
                begun_to=begun_to,
                offset=options.offset,
                on_finished=on_finished,
            )

    def _placed(self, parts: Iterable[Part | Idle]) -> Iterator[Part | Idle]:
        return (part if isinstance(part, Idle) else part.placed(self._starts) for part in parts)

    def _add_sent(self, sample: Sample | None, part: Part, outcome: PartOutcome) -> None:
        """Add rows to the sample that were accepted just now, and requests to the trace."""
        if (trace := self._plan.trace) is not None:
            trace.add_requests(outcome.attempts)
        if sample is not None:
            others = {failure.row for failure in outcome.failures}
            accepted = [row for row in self._read(part.rows) if row.number not in others]
            sample.add(accepted, self._make)

    def _read(self, rows: Sequence[Row | BadRow] | SpannedRows) -> Iterable[Row | BadRow]:
        """Return the rows of a part, read here if it has a reference."""
        if isinstance(rows, SpannedRows):
            assert self._reader is not None  # noqa: S101
            return self._reader.rows(rows)
        return rows

    def _add_finished(self, sample: Sample | None, rows: Sequence[Row | BadRow] | SpannedRows) -> None:
        """Add rows to the sample that an earlier session sent, and that were accepted."""
        if sample is not None and (wanted := [row for row in self._read(rows) if sample.may_take(row.number)]):
            others = self._book.not_accepted(range(wanted[0].number, wanted[-1].number + 1))
            sample.add_earlier([row for row in wanted if row.number not in others], self._make)

    def _make(self, row: Row | BadRow) -> Prepared | Rejected:
        return tools_of(self._setup).prepare(row)

    def _hurry(self, force: Force, watcher: Watcher) -> None:
        """Stop retrying the parts in flight, and report that they will be finished.

        A signal that arrives before this report is the same interrupt.
        """
        force.hurry()
        time.sleep(SAME_SIGNAL_S)
        self._is_announced = True
        watcher.interrupted()

    def _count_rest(self, parts: AnyParts) -> None:
        if not parts.is_over:
            until_s = time.monotonic() + _COUNT_S
            with suppress(KeyboardInterrupt):  # a second interrupt: the rows are not counted
                parts.count_rest(lambda: self._ended_by is not None and time.monotonic() > until_s)

    def _concluded(self, engine: Engine, tally: Tally, parts: AnyParts, began_s: float) -> Conclusion:
        """Record the end of the session."""
        read_error = parts.failure or self._change(parts.read)
        total = parts.read if parts.is_over else None
        is_cut = tally.stopped or read_error is not None
        state: Literal["interrupted", "stopped", "finished"] = "stopped" if is_cut else "finished"
        ledger_error = engine.failure
        try:
            self._book.close("interrupted" if tally.stopped == "interrupted" else state, total)
        except MachineError as error:
            ledger_error = ledger_error or error
        return Conclusion(
            record=self.record,
            options=self._plan.options,
            has_keys=self._setup.has_keys,
            counts=self._book.counts(engine.unwritten).settled(None),
            total=total,
            rows_read=parts.read,
            places=Places(self._starts),
            stop_reason=tally.stopped,
            signal=self._ended_by,
            read_error=read_error,
            ledger_error=ledger_error,
            failure_kinds=frozenset(self._book.kinds()) if ledger_error is None else frozenset(),
            session_rows=tally.counts.rows,
            took_s=time.monotonic() - began_s,
            failures=(*tally.failures,),
            repeated_keys=tally.keys.close(),
        )

    def _change(self, read: int) -> RunnerError | None:
        """Return the error if the file has changed since its rows were read.

        A store was asked with each range, and may let this wait.
        """
        if self._plan.options.dataset.is_remote:
            return None
        try:
            self._plan.rows.check(self._plan.options.offset + read)
        except RunnerError as error:
            return error
        return None

    @contextmanager
    def _interrupts(self, engine: Engine) -> Iterator[None]:
        """Let the first Ctrl-C, SIGTERM or SIGHUP finish the parts in flight, and the second one end the session at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(number: int, frame: FrameType | None) -> None:
            if self._ended_by is None:
                self._ended_by = number
                engine.stop("interrupted")
            elif not self._is_announced:
                pass  # the same interrupt: `timeout` signals a process, and then its process group
            elif callable(otherwise := before[signal.Signals(number)]):
                otherwise(number, frame)
            else:
                raise KeyboardInterrupt

        # A program that was started with nohup must go on without a terminal.
        handled = [
            each for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) != signal.SIG_IGN
        ]
        before = {number: signal.signal(number, stop) for number in handled}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def begun(
    plan: RunPlan,
    run: Run,
    saved: SavedOptions,
    folder: Path,
    target: Target,
    secrets: Sequence[str],
    cluster: Cluster | None = None,
) -> Iterator[RunSession]:
    """Record a new run in the ledger of a folder, and lock it. Raises MachineError."""
    with results_file(plan.options.results, "w") as results:
        fingerprints, parent = plan.fingerprints(run.seed), plan.rows.parent
        with Ledger(folder) as ledger:
            parent_session = ledger.sessions(parent) if parent else 0
            path, rows = str(plan.source.path), plan.options.dataset.given
            record = RunRecord(
                run.id, run.seed, run.started, path, rows, saved.arguments(), fingerprints, parent, parent_session
            )
            with ledger.begin(record) as book:
                yield RunSession(plan, book, results, target, secrets, cluster, is_resumed=False)


@contextmanager
def resumed(
    plan: RunPlan,
    ledger: Ledger,
    record: RunRecord,
    target: Target,
    secrets: Sequence[str],
    cluster: Cluster | None = None,
    *,
    repeats_unknown: bool,
) -> Iterator[RunSession]:
    """Lock a run of a ledger and resume it. Raises MachineError.

    Unless it `repeats_unknown`, rows that may have arrived and have no idempotency key are not sent again.
    """
    with (
        results_file(plan.options.results, "a") as results,
        ledger.resume(record.id, repeats_unknown=plan.has_keys or repeats_unknown) as book,
    ):
        yield RunSession(plan, book, results, target, secrets, cluster, is_resumed=True)


class _Recorder:
    """Writes a line for each row to the file of results, and then the outcomes to the ledger."""

    def __init__(self, book: RunLedger, results: ResultsFile, starts: Sequence[FileStart]) -> None:
        self._starts = starts
        """Where the files of rows begin, as far as they were read; it grows."""
        self._recorded = 0
        """The number of starts that the ledger has."""
        self._book = book
        self._results = results
        self._with_lines: set[int] = set()
        """Parts whose lines are written, and which are not in the ledger yet."""
        self._refusal: MachineError | None = None

    def write(self, done: Sequence[PartOutcome], begun: Sequence[Part]) -> None:
        if self._results.is_wanted:
            self._write_lines([outcome for outcome in done if outcome.first_row not in self._with_lines])
        self._with_lines.update(outcome.first_row for outcome in done)
        starts = self._starts[self._recorded :]
        self._book.write(done, begun, starts)
        self._recorded += len(starts)
        self._with_lines.clear()

    def _write_lines(self, done: Sequence[PartOutcome]) -> None:
        if self._refusal is not None:  # the last line may be incomplete
            raise self._refusal
        places = Places(self._starts)
        lines = (
            outcome.results
            or "".join(undelivered_line(row, self._book.session, places.of(row.row)) for row in outcome.failures)
            for outcome in done
        )
        try:
            self._results.write("".join(lines))
        except MachineError as error:
            self._refusal = error
            raise
