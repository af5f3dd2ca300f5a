"""`runner send SPEC --rows FILE`: an event a row, recorded so that it can go on after any end."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import sha256
from io import BytesIO
from itertools import islice
from math import ceil
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from runner.bulk.check import check_rows
from runner.bulk.columns import assign
from runner.bulk.engine import Engine, Limits, kind_of
from runner.bulk.ledger import Ledger, PartBegun, PartDone, RowRecord, RunRecord
from runner.bulk.parts import Parts
from runner.bulk.rows import fingerprint, open_rows
from runner.bulk.task import Part, PartOutcome, Setup, check_part, send_part
from runner.bulk.workers import Workers
from runner.cli.send import SendOptions
from runner.cli.specs import load_specs
from runner.cli.target import aim, make_ready
from runner.cli.variables import VariableFlags
from runner.config import find_config, load_profile
from runner.errors import ExitCode, InvalidInput, MachineError, Problem, UsageError, shown_argument
from runner.report.bulk import Progress, Summary, show_check, show_summary
from runner.run import Run, sum_up
from runner.spec import project_of, resolve_fixed
from runner.suprsend.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Executor
    from typing import TextIO
    from uuid import UUID

    from runner.bulk.engine import Tally
    from runner.bulk.ledger import RunLedger
    from runner.bulk.row import BadRow, Row
    from runner.bulk.rows import RowFile
    from runner.cli.world import Session, World
    from runner.config import Target
    from runner.report import Output
    from runner.source import Json
    from runner.spec import Spec

LEDGER_FOLDER = ".runner"
PART_ROWS = 100
_MAX_CONCURRENCY = 1000
_MAX_PROCESSES = 64
_SMALL_BYTES = 256 * 1024
"""A file of less is sent sooner by this process than others are started."""
_KEYS_HOLD = timedelta(hours=23)
"""The platform remembers a key for 24 hours."""


@dataclass(frozen=True, slots=True)
class BulkOptions:
    """What `send --rows` was asked to do, apart from what every `send` is."""

    rows: str
    renamed: Mapping[str, str]
    ignore_extra: bool
    limit: int | None
    offset: int
    concurrency: int
    processes: int | None
    rate: float | None
    max_failures: int | None
    results: Path | None

    @classmethod
    def read(
        cls,
        rows: str,
        renames: Sequence[str],
        ignore_extra: bool,
        limit: int | None,
        offset: int,
        concurrency: int,
        processes: int | None,
        rate: str | None,
        max_failures: int | None,
        results: Path | None,
    ) -> BulkOptions:
        """Read what was typed. Raises UsageError."""
        numbers = {
            "--limit": (limit, 1, None),
            "--offset": (offset, 0, None),
            "--concurrency": (concurrency, 1, _MAX_CONCURRENCY),
            "--processes": (processes, 1, _MAX_PROCESSES),
            "--max-failures": (max_failures, 1, None),
        }
        for name, (number, least, most) in numbers.items():
            if number is not None and not least <= number <= (most or number):
                bounds = f"{least} to {most}" if most else f"{least} or more"
                raise UsageError(Problem("usage", f"{name} {number}: it takes {bounds}"))
        pace = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(?:/s)?", rate) if rate is not None else None
        if rate is not None and (pace is None or not float(pace[1])):
            raise UsageError(
                Problem(
                    "usage", f"--rate {shown_argument(rate)}: it takes events a second", hint="for example --rate 50/s"
                )
            )
        pairs = [_rename(text) for text in renames]
        renamed = dict(pairs)
        if len(renamed) < len(pairs) or len(set(renamed.values())) < len(pairs):
            raise UsageError(Problem("usage", "--map names a variable or a column twice"))
        events_s = float(pace[1]) if pace else None
        return cls(rows, renamed, ignore_extra, limit, offset, concurrency, processes, events_s, max_failures, results)


def _rename(text: str) -> tuple[str, str]:
    name, sign, column = text.partition("=")
    if not (name and sign and column):
        hint = "for example --map user=customer_id"
        raise UsageError(Problem("usage", f"--map {shown_argument(text)} is no NAME=COLUMN", hint=hint))
    return name, column


def send_rows(
    session: Session, paths: Sequence[Path], flags: VariableFlags, options: SendOptions, bulk: BulkOptions
) -> ExitCode:
    """Begin a run: send an event for each row of a file."""
    output, world, settings = session.output, session.world, session.settings
    options.check()
    flags.check(paths)
    _check_results(bulk.results, [paths[0], Path(bulk.rows), flags.vars_file, settings.config])
    specs = load_specs(output, paths)
    if len(specs) != 1:
        raise UsageError(Problem("usage", f"--rows takes one spec, these are {len(specs)}"))
    run = Run(world.new_seed(), world.clock())
    with ExitStack() as stack:
        start = _Start(session, stack, paths[0], specs[0], flags, options, bulk)
        if options.dry_run:
            return start.check(run)
        target = start.reach()
        if target is None:
            return ExitCode.INTERRUPTED
        results = stack.enter_context(_results(bulk, "w"))
        record = RunRecord(
            run.id,
            run.seed,
            run.started,
            str(paths[0]),
            bulk.rows,
            _arguments(session, specs[0], flags, options, bulk),
            start.fingerprints(run.seed),
        )
        book = stack.enter_context(start.ledger(settings.config).begin(record))
        sending = _Sending(session, book, start.setup(record, target), start.rows, bulk, is_resumed=False)
        return sending.run(results)


def resume(session: Session, run: str, given: VariableFlags, *, rows: str | None, yes: bool) -> ExitCode:
    """Go on with a run: send what is unknown or was not sent, under the same ids.

    Raises InvalidInput when the spec, the rows or the variables are not what they were, UsageError when the platform may
    have forgotten the keys.
    """
    world, settings = session.world, session.settings
    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger(ledger_folder(Path(), settings.config)))
        record = ledger.find(run)
        flags, options, bulk = _recorded(record, given, rows, yes=yes)
        said: Any = record.arguments
        session.settings = settings._replace(profile=said["profile"], config=settings.config or _path(said["config"]))
        specs = load_specs(session.output, [Path(record.spec)])
        start = _Start(session, stack, Path(record.spec), specs[0], flags, options, bulk)
        _compare(record, start.fingerprints(record.seed))
        if world.clock() - record.started > _KEYS_HOLD and not yes:
            message = f"run {record.id} began more than 23 hours ago: the platform may have forgotten its keys"
            hint = "what arrived then would count again; add --yes to send it all the same"
            raise UsageError(Problem("run-too-old", message, hint=hint))
        target = start.reach()
        if target is None:
            return ExitCode.INTERRUPTED
        results = stack.enter_context(_results(bulk, "a"))
        book = stack.enter_context(ledger.resume(record.id))
        sending = _Sending(session, book, start.setup(record, target), start.rows, bulk, is_resumed=True)
        return sending.run(results)


class _Start:
    """All that must hold before the first row is sent."""

    def __init__(
        self,
        session: Session,
        stack: ExitStack,
        path: Path,
        spec: Spec,
        flags: VariableFlags,
        options: SendOptions,
        bulk: BulkOptions,
    ) -> None:
        """Open the rows, assign columns to variables, and resolve the variables that no row gives.

        Raises InvalidInput, NotFound.
        """
        self._session = session
        self._stack = stack
        self._path = path
        self._spec = spec
        self._options = options
        self._bulk = bulk
        self._profile = load_profile(start=path, config=session.settings.config, name=session.settings.profile)
        self._target = aim(session, self._profile, sandbox=options.sandbox)
        [job] = flags.jobs(session.output, [spec], session.world.environ, self._profile)
        self.rows = stack.enter_context(_open(session.world, bulk.rows))
        inputs = job.inputs
        names = [variable.name for variable in spec.variables]
        columns = assign(self.rows.columns, names, bulk.renamed, ignore_extra=bulk.ignore_extra)
        self._columns = {column: name for column, name in columns.items() if name not in inputs.layers[0]}
        fixed = resolve_fixed(
            spec.variables, inputs.layers, inputs.environ, inputs.profile, set(self._columns.values())
        )
        session.output.hide(fixed.secrets)
        if fixed.problems:
            raise InvalidInput(*fixed.problems)
        self._fixed = fixed

    def fingerprints(self, seed: UUID) -> dict[str, str]:
        """Digest what must not change between the sessions of a run. Nobody can guess a secret from it."""
        shared = [sorted(self._columns.items()), sorted(self._fixed.values.items()), self._target.env]
        return {
            "spec": self._spec.digest,
            "rows": "" if self._bulk.rows == "-" else fingerprint(Path(self._bulk.rows)),
            "variables": sha256(seed.bytes + json.dumps(shared, default=str).encode()).hexdigest(),
        }

    def reach(self) -> Target | None:
        """Make sure that the events may go out; None if somebody says no."""
        what = f"an event for each row of {self._bulk.rows}"
        options = self._options
        return make_ready(
            self._session, self._profile, self._target, what, self._stack, sandbox=options.sandbox, yes=options.yes
        )

    def check(self, run: Run) -> ExitCode:
        """Render every row, and send nothing."""
        record = RunRecord(run.id, run.seed, run.started, str(self._path), self._bulk.rows, {}, {})
        task = partial(check_part, self.setup(record, self._target))
        parts = Parts(_cut(self.rows, self._bulk), PART_ROWS, None, digests=False)
        with _executor(self._bulk) as executor:
            checked = check_rows(parts, executor, task, self._bulk.concurrency)
        show_check(self._session.output, checked)
        if parts.failure is not None:
            raise parts.failure
        return ExitCode.INVALID if checked.invalid else ExitCode.OK

    def ledger(self, config: Path | None) -> Ledger:
        """Open the ledger that the run belongs to."""
        return self._stack.enter_context(Ledger(ledger_folder(self._path, config)))

    def setup(self, record: RunRecord, target: Target) -> Setup:
        """Put together what a part needs, wherever it is sent from."""
        return Setup(
            spec=self._path,
            project=project_of(self._path),
            spec_digest=self._spec.digest,
            fixed=self._fixed.values,
            secrets=self._fixed.secrets,
            columns=self._columns,
            is_text=self.rows.is_text,
            allows_extra=self._bulk.ignore_extra,
            seed=record.seed,
            now=record.started,
            target=target,
            timeout_s=self._options.timeout_s,
            retries=self._options.retries,
            wants_results=self._bulk.results is not None,
        )


def _arguments(
    session: Session, spec: Spec, flags: VariableFlags, options: SendOptions, bulk: BulkOptions
) -> dict[str, Json]:
    """Put together what a resume must know. The ledger keeps no secret: of those only the names."""
    secret = {variable.name for variable in spec.variables if variable.is_secret}
    named = [("var", text) for text in flags.var] + [("var_json", text) for text in flags.var_json]
    kept = [(flag, text) for flag, text in named if text.partition("=")[0] not in secret]
    return {
        "var": [text for flag, text in kept if flag == "var"],
        "var_json": [text for flag, text in kept if flag == "var_json"],
        "secret": [*sorted(secret & {text.partition("=")[0] for _, text in named})],
        "vars_file": _text(flags.vars_file),
        "case": flags.case,
        "profile": session.settings.profile,
        "config": _text(session.settings.config),
        "sandbox": options.sandbox,
        "timeout_s": options.timeout_s,
        "retries": options.retries,
        "renamed": dict(bulk.renamed),
        "ignore_extra": bulk.ignore_extra,
        "limit": bulk.limit,
        "offset": bulk.offset,
        "concurrency": bulk.concurrency,
        "processes": bulk.processes,
        "rate": bulk.rate,
        "max_failures": bulk.max_failures,
        "results": _text(bulk.results),
    }


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _recorded(
    record: RunRecord, given: VariableFlags, rows: str | None, *, yes: bool
) -> tuple[VariableFlags, SendOptions, BulkOptions]:
    """Take up the arguments that a run began with. Raises UsageError for what must be given again."""
    said: Any = record.arguments
    again = {text.partition("=")[0] for text in (*given.var, *given.var_json)}
    for name in said["secret"]:
        if name not in again:
            message = f"the variable '{name}' must be given again: runs keep no secrets"
            raise UsageError(Problem("usage", message, hint=f"add --var {name}=…"))
    if record.rows == "-" and rows != "-":
        hint = f"… | runner send --resume {record.id} --rows -"
        raise UsageError(Problem("usage", "the rows came from the standard input: pipe them in again", hint=hint))
    flags = VariableFlags(
        (*said["var"], *given.var),
        (*said["var_json"], *given.var_json),
        given.vars_file or _path(said["vars_file"]),
        given.case or said["case"],
    )
    options = SendOptions(
        (), dry_run=False, sandbox=said["sandbox"], timeout_s=said["timeout_s"], retries=said["retries"], yes=yes
    )
    names = ("renamed", "ignore_extra", "limit", "offset", "concurrency", "processes", "rate", "max_failures")
    bulk = BulkOptions(rows=record.rows, results=_path(said["results"]), **{name: said[name] for name in names})
    return flags, options, bulk


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def _where(record: RunRecord) -> str:
    """Write the flag that finds a run's ledger from the working directory, if one is needed."""
    config = find_config(Path(record.spec))
    return "" if config is None or config == find_config(Path()) else f" --config {quote(os.path.relpath(config))}"


def _resume_command(record: RunRecord) -> str:
    return f"runner send --resume {record.id}{_where(record)}{' --rows -' if record.rows == '-' else ''}"


def _flags_of(record: RunRecord) -> str:
    """Write the flags that make the same events of other rows. Of secrets, the names."""
    said: Any = record.arguments
    flags = [("--var", text) for text in said["var"]] + [("--var-json", text) for text in said["var_json"]]
    flags += [("--map", f"{name}={column}") for name, column in said["renamed"].items()]
    flags += [(flag, said[name]) for flag, name in _PLAIN_FLAGS.items() if said[name]]
    parts = [f" {flag} {quote(text)}" for flag, text in flags]
    parts += [f" --var {name}=…" for name in said["secret"]]
    return (
        "".join(parts) + (" --ignore-extra" if said["ignore_extra"] else "") + (" --sandbox" if said["sandbox"] else "")
    )


_PLAIN_FLAGS = {"--vars-file": "vars_file", "--case": "case", "--profile": "profile", "--config": "config"}


def _compare(record: RunRecord, now: Mapping[str, str]) -> None:
    """Refuse to go on with anything but what the run began with. Raises InvalidInput that says what changed."""
    whats = {
        "spec": f"the spec {record.spec}",
        "rows": f"the file {record.rows}",
        "variables": "a variable or the workspace",
    }
    changed = [what for name, what in whats.items() if record.fingerprints[name] != now[name]]
    if changed:
        message = f"{' and '.join(changed)} changed since run {record.id} began"
        hint = "resume with what it began with, or begin a new run"
        raise InvalidInput(Problem("run-changed", message, hint=hint))


def _open(world: World, rows: str) -> RowFile:
    if rows != "-":
        return open_rows(Path(rows), BytesIO(), rows)
    stream: BinaryIO = getattr(world.stdin, "buffer", None) or BytesIO(world.stdin.read().encode())
    return open_rows(None, stream, "the standard input")


def ledger_folder(start: Path, config: Path | None) -> Path:
    """Find where runs are kept: beside `runner.yaml`, else in the working directory, or in the one folder of it that has some."""
    found = config or find_config(start)
    if found:
        return found.parent / LEDGER_FOLDER
    here = Path() / LEDGER_FOLDER
    below = [] if here.exists() else list(Path().glob(f"*/{LEDGER_FOLDER}"))
    return below[0] if start == Path() and len(below) == 1 else here


def _check_results(results: Path | None, read: Sequence[Path | None]) -> None:
    """Refuse to overwrite what the run reads. Raises UsageError."""
    if results and results.exists() and any(each and each.exists() and each.samefile(results) for each in read):
        raise UsageError(Problem("usage", f"--results {results}: the run reads this file"))


@contextmanager
def _results(bulk: BulkOptions, mode: Literal["w", "a"]) -> Iterator[TextIO | None]:
    """Open the file of results, if one is wanted. Raises MachineError."""
    if bulk.results is None:
        yield None
        return
    try:
        file = bulk.results.open(mode, encoding="utf-8")
    except OSError as error:
        raise MachineError(Problem("output-refused", f"can't write {bulk.results}: {error.strerror}")) from None
    with file:
        yield file


class _Book:
    """Writes outcomes to the ledger, and before that a line for each row to the file of results."""

    def __init__(self, ledger: RunLedger, results: TextIO | None) -> None:
        self._ledger = ledger
        self._results = results

    def write(self, done: Sequence[PartOutcome], begun: Sequence[Part]) -> None:
        if self._results:
            self._results.writelines(outcome.results for outcome in done)
            self._results.flush()
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


class _Sending:
    """One session of a run: from its first part, or where it was left, to its end or the next interrupt."""

    def __init__(
        self, session: Session, book: RunLedger, setup: Setup, rows: RowFile, bulk: BulkOptions, *, is_resumed: bool
    ) -> None:
        self._session = session
        self._book = book
        self._setup = setup
        self._bulk = bulk
        self._parts = Parts(
            _cut(rows, bulk),
            _part_rows(bulk.rate),
            book.part if is_resumed else None,
            digests=bulk.rows == "-",
            begun_to=book.last_row() if is_resumed else 0,
        )

    def run(self, results: TextIO | None) -> ExitCode:
        """Send what is to be sent, and show what became of the run."""
        world = self._session.world
        began_s = time.monotonic()
        output = self._session.output
        about = _about(self._bulk) if output.has_terminal and not output.quiet else None
        progress = Progress(output, about, began_s)
        with ExitStack() as stack:
            executor = stack.enter_context(_executor(self._bulk))
            engine = Engine(
                executor,
                partial(send_part, self._setup),
                _Book(self._book, results),
                Limits(self._bulk.concurrency, self._bulk.rate, self._bulk.max_failures),
                monotonic=time.monotonic,
                sleep=world.sleep,
                tell=lambda tally: progress.tell(tally, time.monotonic()),
            )
            stack.enter_context(_stopping(engine, self._session.output))
            try:
                tally = engine.run(iter(self._parts))
            except KeyboardInterrupt:
                progress.end()
                self._session.output.message(f"ended at once; go on with: {_resume_command(self._book.record)}")
                raise
            progress.end()
        if not self._parts.is_over and self._bulk.rows != "-":
            self._parts.count_rest()
        if self._parts.failure is not None:
            self._session.output.complaints(self._parts.failure.problems)
        total = self._parts.read if self._parts.is_over else None
        is_cut = tally.stopped or self._parts.failure is not None
        state: Literal["interrupted", "stopped", "finished"] = "stopped" if is_cut else "finished"
        self._book.close("interrupted" if tally.stopped == "interrupted" else state, total)
        return self._conclude(tally, total, time.monotonic() - began_s)

    def _conclude(self, tally: Tally, total: int | None, took_s: float) -> ExitCode:
        """Show what became of the whole run, and give the exit code."""
        record, counts = self._book.record, self._book.counts()
        unknown = counts.unknown + counts.in_flight
        not_sent = None if total is None else total - counts.accepted - counts.failed - unknown
        commands = []
        where = _where(record)
        if counts.failed and record.rows != "-":
            again = f"runner send {quote(record.spec)} --rows -{_flags_of(record)}"
            effect = "sends the failed rows once more, as a run of its own"
            commands.append((f"runner runs failed {record.id}{where} | {again}", effect))
        if unknown or not_sent or not_sent is None:
            piped = ", with the same rows piped in" if record.rows == "-" else ""
            effect = f"sends what is unknown or was not sent, under the same ids{piped}"
            commands.append((_resume_command(record), effect))
        show_summary(
            self._session.output,
            Summary(
                record.id, total, counts.accepted, counts.failed, unknown, not_sent,
                tally.accepted + tally.failed + tally.unknown, took_s, tally.failures, commands,
            ),
        )  # fmt: skip
        if tally.stopped in _STOPS:
            return _STOPS[tally.stopped]
        if self._parts.failure is not None:
            return self._parts.failure.exit_code
        if not counts.failed + unknown + (not_sent or 0):
            return ExitCode.OK
        return sum_up({kind_of(*each) for each in self._book.kinds()} - {ExitCode.OK})


_STOPS = {
    "interrupted": ExitCode.INTERRUPTED,
    "credentials": ExitCode.CREDENTIALS,
    "no-answer": ExitCode.NO_ANSWER,
    "rate-limited": ExitCode.RATE_LIMITED,
}


def _cut(rows: RowFile, bulk: BulkOptions) -> Iterator[Row | BadRow]:
    return islice(rows, bulk.offset, None if bulk.limit is None else bulk.offset + bulk.limit)


def _about(bulk: BulkOptions) -> int | None:
    """Estimate how many rows will be sent, by the lines of a file that has one a row."""
    path = Path(bulk.rows)
    if path.suffix.lower() not in (".csv", ".tsv", ".jsonl", ".ndjson"):
        return bulk.limit
    with path.open("rb") as file:
        lines = sum(piece.count(b"\n") for piece in iter(partial(file.read, 1 << 20), b""))
    return max(0, min(lines - bulk.offset, lines if bulk.limit is None else bulk.limit))


def _part_rows(rate: float | None) -> int:
    """How many rows go out together: as many as the platform takes, but of a slow run no more than in a fifth of a second."""
    return PART_ROWS if rate is None else max(1, min(PART_ROWS, int(rate / 5)))


@contextmanager
def _executor(bulk: BulkOptions) -> Iterator[Executor]:
    """Give what runs the parts. An interrupt does not wait for it."""
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
