"""`runner send SPEC --rows FILE`: an event a row, recorded so that it can go on after any end."""

from __future__ import annotations

import hmac
import json
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from runner.bulk.check import check_rows
from runner.bulk.columns import assign
from runner.bulk.ledger import Ledger
from runner.bulk.ledger_file import FILE_NAME, FOLDER_NAME
from runner.bulk.origin import COLUMN, MarkedRows
from runner.bulk.parts import Digests, Parts
from runner.bulk.record import RunRecord
from runner.bulk.rows import open_rows
from runner.bulk.task import Setup, check_part
from runner.cli.bulk_commands import Commands
from runner.cli.bulk_options import PART_ROWS
from runner.cli.bulk_record import Kept, check_resume, check_same
from runner.cli.bulk_room import check_room
from runner.cli.bulk_session import Sending, cut, executor_of, results_of, share_of, write_results
from runner.cli.specs import load_spec
from runner.cli.target import aim, make_ready
from runner.config import PUBLIC_SECRETS, load_profile
from runner.errors import ExitCode, InvalidInput, NotFound, Problem, UsageError
from runner.eventspec import load
from runner.project import project_of
from runner.project.files import find_config
from runner.report.bulk import show_check
from runner.report.style import printable
from runner.run import Run
from runner.suprsend.auth import secret_of
from runner.variables import resolve_fixed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from uuid import UUID

    from runner.bulk.row import BadRow, Row
    from runner.bulk.rows import RowFile
    from runner.cli.bulk_options import BulkFlags, BulkOptions
    from runner.cli.send import SendOptions
    from runner.cli.variables import VariableFlags
    from runner.cli.world import Session, World
    from runner.config import Target
    from runner.eventspec import Spec
    from runner.report import Output

STATE_DIR = "RUNNER_STATE_DIR"
_KEYS_HOLD = timedelta(hours=23)
"""The platform remembers a key for 24 hours."""


def send_rows(
    session: Session,
    paths: Sequence[Path],
    flags: VariableFlags,
    options: SendOptions,
    given: BulkFlags,
    state_dir: Path | None,
) -> ExitCode:
    """Begin a run: send an event for each row of a file."""
    world, settings = session.world, session.settings
    options.patience()
    flags.check(paths)
    bulk = given.begin([paths[0], Path(given.rows or "-"), flags.vars_file, settings.config])
    spec = load_spec(session, paths, options.labels, "--rows")
    path = Path(spec.path)
    run = Run(world.new_seed(), world.clock())
    folder = state_dir_of(session, state_dir) or ledger_folder(path, settings.config)
    with ExitStack() as stack:
        start = Start(session, stack, path, spec, flags, options, bulk, folder)
        if options.dry_run:
            return start.check(run)
        target = start.reach()
        if target is None:
            return ExitCode.INTERRUPTED
        _check_room(bulk)
        results = stack.enter_context(results_of(bulk, "w"))
        config = settings.config or find_config(path)
        kept = Kept.of(spec, flags, settings.profile, config, project_of(path), options, bulk)
        fingerprints, parent = start.fingerprints(run.seed), start.rows.parent
        ledger = stack.enter_context(Ledger(folder))
        parent_session = ledger.sessions(parent) if parent else 0
        record = RunRecord(
            run.id, run.seed, run.started, str(path), bulk.rows, kept.arguments(), fingerprints, parent, parent_session
        )
        book = stack.enter_context(ledger.begin(record))
        commands = Commands(record, config, asks=target.confirm, state_dir=state_dir)
        setup, digests = start.setup(record, target, book.session), start.digests(record)
        return Sending(session, book, setup, start.rows, bulk, commands, digests, is_resumed=False).run(results)


def resume(
    session: Session,
    run: str,
    paths: Sequence[Path],
    flags: VariableFlags,
    options: SendOptions,
    given: BulkFlags,
    state_dir: Path | None,
) -> ExitCode:
    """Go on with a run: send what is unknown or was not sent, under the same ids.

    What is unknown and has no idempotency key goes out only with `--yes`, since it may count twice. What the flags give counts for this session, the rest is as the run began; to a file of results lines are added.
    Raises InvalidInput when the spec, the rows or the variables are not what they were, UsageError for flags that would
    make another run of it, or when the platform may have forgotten the keys.
    """
    world, settings = session.world, session.settings
    check_resume(given, options)
    with ExitStack() as stack:
        folder = state_dir_of(session, state_dir) or ledger_folder(Path(), settings.config)
        ledger = stack.enter_context(Ledger(folder, is_new_allowed=False))
        record = ledger.find(run)
        check_same(record, paths, given.rows, settings.profile)
        kept = Kept.read(record)
        config = settings.config or kept.config
        session.settings = settings._replace(profile=kept.profile, config=config)
        timeout_s, retries = options.patience(kept.timeout_s, kept.retries)
        options = replace(options, sandbox=kept.is_sandboxed, timeout_s=timeout_s, retries=retries)
        read = [Path(record.spec), Path(record.rows), flags.vars_file or kept.flags.vars_file, config]
        bulk = given.go_on(kept.bulk, read)
        if record.rows == "-" and given.rows != "-":
            source = "" if record.parent else "… | "
            hint = f"{source}{Commands(record, config, asks=False, state_dir=state_dir).resume()}"
            raise UsageError(Problem("usage", "the rows came from the standard input: pipe them in again", hint=hint))
        variables = kept.with_given(flags)
        spec = load_again(session, Path(record.spec), kept.project)
        start = Start(session, stack, Path(record.spec), spec, variables, options, bulk, folder, kept.project)
        _check_parent(record, start.rows.parent)
        if record.parent is not None:
            start.rows.leave_out(ledger.failed_after(record.parent, record.parent_session))
        _compare(session.output, record, start.fingerprints(record.seed))
        if spec.has_key and world.clock() - record.started > _KEYS_HOLD and not options.yes:
            message = f"run {record.id} began more than 23 hours ago: the platform may have forgotten its keys"
            hint = "what arrived then would count again; add --yes to send it all the same"
            raise UsageError(Problem("run-too-old", message, hint=hint))
        target = start.reach()
        if target is None:
            return ExitCode.INTERRUPTED
        _check_room(bulk)
        results = stack.enter_context(results_of(bulk, "a"))
        book = stack.enter_context(ledger.resume(record.id, repeats_unknown=spec.has_key or options.yes))
        in_doubt = book.counts().unknown + book.counts().in_flight
        if in_doubt and not spec.has_key and options.yes:
            session.output.message(
                f"{_rows(in_doubt)} without a key that may have arrived: sent again, may count twice"
            )
        commands = Commands(record, config, asks=target.confirm, state_dir=state_dir)
        setup, digests = start.setup(record, target, book.session), start.digests(record)
        if digests is not None and not digests.is_same_key:
            session.output.message("other credentials than the run began with: its rows can't be compared")
        return Sending(session, book, setup, start.rows, bulk, commands, digests, is_resumed=True).run(results)


def _check_room(bulk: BulkOptions) -> None:
    processes, threads = share_of(bulk)
    check_room(processes, threads, reads_parquet=Path(bulk.rows).suffix.lower() == ".parquet")


def _rows(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"


class Start:
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
        folder: Path,
        project: Path | None = None,
    ) -> None:
        """Open the rows, assign columns to variables, and resolve the variables that no row gives.

        `folder` has the ledger with the runs that rows may come from. Raises InvalidInput, NotFound.
        """
        self._session = session
        self._stack = stack
        self._path = path
        self._project = project or project_of(path)
        self._spec = spec
        self._options = options
        self._bulk = bulk
        self._profile = load_profile(start=path, config=session.settings.config, name=session.settings.profile)
        self._target = aim(session, self._profile, sandbox=options.sandbox)
        [job] = flags.jobs(session.output, [spec], session.world.environ, self._profile)
        self.rows = MarkedRows(stack.enter_context(_open(session.world, bulk.rows)))
        inputs = job.inputs
        names = [variable.name for variable in spec.variables]
        columns = assign(self.rows.columns, names, bulk.renamed, ignore_extra=bulk.ignore_extra)
        self._columns = {column: name for column, name in columns.items() if name not in inputs.layers[0]}
        self.rows.keep(self._columns, None if bulk.ignore_extra else columns)
        self._origin = _origin(folder, self.rows.parent) if self.rows.parent else None
        fixed = resolve_fixed(
            spec.variables, inputs.layers, inputs.environ, inputs.profile, set(self._columns.values())
        )
        session.output.hide(fixed.secrets)
        if fixed.problems:
            raise InvalidInput(*(_without_column(problem, self.rows.columns, bulk.rows) for problem in fixed.problems))
        self._fixed = fixed
        self._secret_names = {each.name for each in spec.variables if each.may_be_secret}

    def fingerprints(self, seed: UUID) -> dict[str, str]:
        """Digest what must not change between the sessions of a run.

        What is secret is digested with a key that is not kept: the secret of the credentials, which a resume has too. So
        values can't be tried out on the ledger. With the public credentials of a sandbox no secret is digested.
        """
        values = self._fixed.values.items()
        public = sorted((name, value) for name, value in values if name not in self._secret_names)
        secret = sorted((name, value) for name, value in values if name in self._secret_names)
        shared = [sorted(self._columns.items()), public, self._target.env]
        return {
            "spec": self._spec.digest,
            "rows": "" if self._bulk.rows == "-" else self.rows.fingerprint(),
            "variables": sha256(seed.bytes + json.dumps(shared, default=str).encode()).hexdigest(),
            "secrets": self._keyed(seed, json.dumps(secret, default=str)) if secret else "",
            "credentials": self._keyed(seed, "credentials"),
        }

    def digests(self, record: RunRecord) -> Digests | None:
        """Say how rows that can't be read twice are held against what they were."""
        if self._bulk.rows != "-":
            return None
        if self._secret_names.isdisjoint(self._columns.values()):
            return Digests()
        key = self._keyed(record.seed, "rows")
        is_same_key = record.fingerprints.get("credentials") == self._keyed(record.seed, "credentials")
        return Digests(key.encode()[:_KEY_BYTES], is_same_key) if key else None

    def _keyed(self, seed: UUID, text: str) -> str:
        """Digest a text with the secret of the credentials; "" if there is none that others don't know."""
        credentials = self._target.credentials
        key = secret_of(credentials) if credentials is not None else ""
        if not key or key in PUBLIC_SECRETS:
            return ""
        return hmac.digest(key.encode(), seed.bytes + text.encode("utf-8", "surrogatepass"), "sha256").hex()

    def reach(self) -> Target | None:
        """Make sure that the events may go out; None if somebody says no."""
        what = f"an event for each row of {self._bulk.rows}"
        options = self._options
        return make_ready(
            self._session, self._profile, self._target, what, self._stack, sandbox=options.sandbox, yes=options.yes
        )

    def check(self, run: Run) -> ExitCode:
        """Render every row, and send nothing."""
        setup, rows = self.unsent(run)
        parts = Parts(rows, PART_ROWS, None, digests=None)
        with results_of(self._bulk, "w") as results, executor_of(self._bulk) as executor:
            write = partial(write_results, results)
            checked = check_rows(parts, executor, partial(check_part, setup), self._bulk.concurrency, write)
        show_check(self._session.output, checked)
        if not checked.rows and parts.failure is None:
            self._session.output.message(self._bulk.without_rows())
        if parts.failure is not None:
            raise parts.failure
        return ExitCode.INVALID if checked.invalid else ExitCode.OK

    def unsent(self, run: Run) -> tuple[Setup, Iterator[Row | BadRow]]:
        """Give what the rows are rendered with that were asked for, and these rows, to send none of them."""
        record = RunRecord(run.id, run.seed, run.started, str(self._path), self._bulk.rows, {}, {})
        return self.setup(record, self._target), cut(self.rows, self._bulk)

    def setup(self, record: RunRecord, target: Target, number: int = 1) -> Setup:
        """Put together what a part needs, wherever it is sent from, in the session of that number.

        Ids and time are those of the run that the rows come from, if they come from another one.
        """
        timeout_s, retries = self._options.patience()
        origin = self._origin or record
        return Setup(
            spec=self._path,
            project=self._project,
            config=self._session.settings.config,
            spec_digest=self._spec.digest,
            fixed=self._fixed.values,
            secrets=self._session.output.hidden,
            columns=self._columns,
            header=self.rows.header,
            allows_extra=self._bulk.ignore_extra,
            seed=origin.seed,
            now=origin.started,
            target=target,
            timeout_s=timeout_s,
            retries=retries,
            wants_results=self._bulk.results is not None,
            session=number,
            has_keys=self._spec.has_key,
        )


def _without_column(problem: Problem, columns: Sequence[str] | None, rows: str) -> Problem:
    """Say of a variable without a value that a column may give it, and which columns there are."""
    if problem.code != "var-missing" or columns is None:
        return problem
    name = (problem.at or "").removeprefix("vars.")
    shown = ", ".join(f"'{printable(column)}'" for column in columns[:_SHOWN_COLUMNS])
    more = ", …" if len(columns) > _SHOWN_COLUMNS else ""
    file = "the standard input" if rows == "-" else rows
    hint = f"{file} has no column '{name}', only {shown}{more}: rename one with --map {name}=COLUMN,\nor {problem.hint}"
    return replace(problem, hint=hint)


_SHOWN_COLUMNS = 10


def _origin(folder: Path, parent: str) -> RunRecord:
    """Find the run from which the ids of rows come that `parent` printed. Raises InvalidInput."""
    with Ledger(folder, is_new_allowed=False) as ledger:
        try:
            return list(ledger.line(ledger.find(parent)))[-1]
        except NotFound:
            message = f"the rows are those of run {parent}, which is not in {folder / FILE_NAME}"
            hint = f"name its ledger's folder with --state-dir or {STATE_DIR}, or take the column {COLUMN} away: they are new rows then"
            raise InvalidInput(Problem("row-origin", message, hint=hint)) from None


def load_again(session: Session, path: Path, project: Path) -> Spec:
    """Load a spec as the run did, whatever the working directory is now. What was to be warned of was told then."""
    loaded = load(path, project, session.settings.config)
    session.output.hide(loaded.secrets)
    if loaded.spec is None:
        raise InvalidInput(*(problem for problem in loaded.problems if problem.severity == "error"))
    return loaded.spec


_KEY_BYTES = 64
"""The longest key that BLAKE2 takes."""


def _check_parent(record: RunRecord, now: str | None) -> None:
    """Refuse rows that would go out under the ids of another run than before. Raises InvalidInput."""
    if now != record.parent:
        began, comes = (f"run {run}" if run else "no run" for run in (record.parent, now))
        message = f"the rows are of {comes}, and run {record.id} began with rows of {began}"
        raise InvalidInput(Problem("rows-changed", message, hint="resume with the same rows, or begin a new run"))


def _compare(output: Output, record: RunRecord, now: Mapping[str, str]) -> None:
    """Refuse to go on with anything but what the run began with. Raises InvalidInput that says what changed.

    With other credentials secrets can't be compared.
    """
    whats = {
        "spec": f"the spec {record.spec}",
        "rows": f"the file {record.rows}",
        "variables": "a variable or the workspace",
    }
    before = record.fingerprints
    has_same_key = before.get("credentials") == now["credentials"]
    changed = [
        what
        for name, what in whats.items()
        if before[name] != now[name] or (name == "variables" and has_same_key and before["secrets"] != now["secrets"])
    ]
    if changed:
        message = f"{' and '.join(changed)} changed since run {record.id} began"
        hint = "resume with what it began with, or begin a new run"
        raise InvalidInput(Problem("run-changed", message, hint=hint))
    if not has_same_key and now["secrets"]:
        output.message("other credentials than the run began with: its secret variables can't be compared")


def _open(world: World, rows: str) -> RowFile:
    if rows != "-":
        return open_rows(Path(rows), BytesIO(), rows)
    stream: BinaryIO = getattr(world.stdin, "buffer", None) or BytesIO(world.stdin.read().encode())
    return open_rows(None, stream, "the standard input")


def state_dir_of(session: Session, given: Path | None) -> Path | None:
    """Name the folder of the ledger that the flag or the environment names."""
    named = session.world.environ.get(STATE_DIR)
    return given or (Path(named) if named else None)


def ledger_folder(start: Path, config: Path | None) -> Path:
    """Find where runs are kept.

    That is beside the `runner.yaml` of `start`, else of the working directory, else in the working directory itself, or
    in the one folder of it that has some.
    """
    found = config or find_config(start) or find_config(Path())
    if found:
        return found.parent / FOLDER_NAME
    here = Path() / FOLDER_NAME
    known = [] if (here / FILE_NAME).exists() else Path().glob(f"*/{FOLDER_NAME}/{FILE_NAME}")
    below = [path for path in known if not path.parents[1].is_symlink()]
    return below[0].parent if start == Path() and len(below) == 1 else here
