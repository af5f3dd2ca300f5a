"""A spec, rows and variables → the plan of a run, checked before its first row is sent.

`send --rows`, its dry run, `render --rows` and a resume use the same plan, so they make the same events.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from runner.bulk.columns import assign, extra_columns, reader_of, typed_text
from runner.bulk.keyed import keyed_digest
from runner.bulk.ledger import Ledger
from runner.bulk.ledger_file import FILE_NAME
from runner.bulk.origin import COLUMN, MarkedRows
from runner.bulk.parts import OTHER_RESULT, OTHER_ROWS, Digests
from runner.bulk.record import STATE_DIR, SavedOptions, check_parent, check_unchanged, has_same_key
from runner.bulk.setup import Setup
from runner.errors import InvalidInput, NotFound, Problem
from runner.rows.open_dataset import open_dataset
from runner.rows.row_files import RowFiles
from runner.rows.span_cutter import SpanCutter
from runner.variables import resolve_fixed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import TextIO
    from uuid import UUID

    from runner.bulk.options import BulkOptions
    from runner.bulk.record import RunRecord
    from runner.config import Target
    from runner.eventspec import Spec
    from runner.rows.block_rows import BlockRows
    from runner.rows.row import BadRow, Row
    from runner.rows.span_reader import SpanReader
    from runner.run import Inputs, Run
    from runner.suprsend.retry import Patience
    from runner.tracing.trace import Trace

_KEY_BYTES = 64
"""The length limit for keys of BLAKE2."""


class Source(NamedTuple):
    """A loaded spec with its path, the project folder that its files must lie in, and the `runner.yaml` if one was named."""

    spec: Spec
    path: Path
    project: Path
    config: Path | None


@dataclass(frozen=True, slots=True)
class RunPlan:
    """The plan of a run, the same for all its sessions.

    `columns` maps columns to variables, `fixed` has the other variables. If there are `problems`, some variables have no
    value and the run can't start. `secrets` must not be printed. `origin` is the run that determines the ids of the rows, if
    they failed in another one.
    """

    source: Source
    rows: MarkedRows
    columns: Mapping[str, str]
    fixed: Mapping[str, object]
    secrets: tuple[str, ...]
    problems: tuple[Problem, ...]
    options: BulkOptions
    target: Target
    patience: Patience
    origin: RunRecord | None
    trace: Trace | None = None
    cut: RowFiles | None = None
    """The files, if their rows are read by those who send them, by references; None if they get the rows themselves."""

    @property
    def has_keys(self) -> bool:
        """Whether each event has an idempotency key."""
        return self.source.spec.has_key or self._has_own_keys or self._has_keys_of_origin

    def chosen_rows(self) -> Iterator[Row | BadRow]:
        """Yield the rows of the run."""
        return self.options.chosen(self.rows)

    def take(self, at_most: int) -> BlockRows | None:
        """Return the next rows of the run in a block, maybe fewer; None if `chosen_rows` is to yield them."""
        is_whole = not self.options.offset and self.options.limit is None
        return self.rows.take(at_most) if is_whole else None

    def cutter(self) -> SpanCutter | None:
        """Return what cuts the files into references; None if those who send get the rows themselves."""
        if self.cut is None:
            return None
        files, memories = zip(*self.cut.members, strict=True)
        return SpanCutter(files, memories, offset=self.options.offset, limit=self.options.limit)

    def reader(self) -> SpanReader | None:
        """Return the reader of references; None if there are none."""
        dataset, spec = self.options.dataset, self.source.spec
        return reader_of(dataset.files, self.cut.form, spec, self.columns) if self.cut is not None else None

    def setup(self, run: Run | RunRecord, target: Target, secrets: Sequence[str], session: int = 1) -> Setup:
        """Return the setup for the parts of a session.

        If the rows failed in another run, ids and time are those of that run. `secrets` are all texts to be masked.
        """
        origin = self.origin or run
        source = self.source
        key_run = run.id if self._has_own_keys else origin.id if self._has_keys_of_origin else None
        return Setup(
            spec=source.path,
            project=source.project,
            config=source.config,
            spec_digest=source.spec.digest,
            fixed=self.fixed,
            secrets=(*secrets,),
            columns=self.columns,
            header=self.rows.header,
            allows_extra=self.options.ignore_extra,
            seed=origin.seed,
            now=origin.started,
            target=target,
            timeout_s=self.patience.timeout_s,
            retries=self.patience.retries,
            wants_results=self.options.results is not None,
            session=session,
            has_keys=self.has_keys,
            key_run=key_run,
            trace=self.trace.context if self.trace is not None else None,
        )

    def check_resumable(self, record: RunRecord, ledger: Ledger) -> bool:
        """Check that a run began with the same inputs, and skip rows that failed in a later session of its parent.

        Return whether all inputs could be compared: with other credentials, secret variables can't. Raises InvalidInput
        with the changed inputs.
        """
        check_parent(record, self.rows.parent)
        if record.parent is not None:
            self.rows.leave_out(ledger.failed_after(record.parent, record.parent_session))
        now = self.fingerprints(record.seed)
        check_unchanged(record, now)
        return has_same_key(record, now) or not now["secrets"]

    def fingerprints(self, seed: UUID) -> dict[str, str]:
        """Return digests of the inputs that must not change between the sessions of a run.

        Secrets are digested with a key that is not stored: the secret of the credentials, which a resume has too. So values
        can't be guessed from the ledger. With the public credentials of a sandbox, secrets are not digested.
        """
        values, secret_names = self.fixed.items(), self._secret_names()
        public = sorted((name, value) for name, value in values if name not in secret_names)
        secret = sorted((name, value) for name, value in values if name in secret_names)
        shared = [sorted(self.columns.items()), public, self.target.env]
        return {
            "spec": self.source.spec.digest,
            "rows": "" if self.options.is_piped else self.rows.fingerprint(),
            "variables": sha256(seed.bytes + json.dumps(shared, default=str).encode()).hexdigest(),
            "secrets": self._keyed(seed, json.dumps(secret, default=str)) if secret else "",
            "credentials": self._keyed(seed, "credentials"),
        }

    def digests(self, record: RunRecord) -> Digests | None:
        """Return the digests that compare rows of a pipe or a query with those of earlier sessions."""
        has_query = self.options.dataset.query is not None
        if not self.options.is_piped and not has_query:
            return None
        hint = OTHER_RESULT if has_query else OTHER_ROWS
        if self._secret_names().isdisjoint(self.columns.values()):
            return Digests(hint=hint)
        key = self._keyed(record.seed, "rows")
        is_same_key = record.fingerprints.get("credentials") == self._keyed(record.seed, "credentials")
        return Digests(key.encode()[:_KEY_BYTES], is_same_key, hint) if key else None

    @property
    def _has_own_keys(self) -> bool:
        """Whether keys have this run's id behind them, so that no messages of another run are found by them."""
        return self.options.waiting is not None

    @property
    def _has_keys_of_origin(self) -> bool:
        """Whether keys are those of rows that failed in a run with keys of its own."""
        return self.origin is not None and SavedOptions.of(self.origin).bulk.waiting is not None

    def _secret_names(self) -> set[str]:
        return {each.name for each in self.source.spec.variables if each.may_be_secret}

    def _keyed(self, seed: UUID, text: str) -> str:
        return keyed_digest(self.target, seed, text)


@contextmanager
def plan_run(
    source: Source,
    inputs: Inputs,
    options: BulkOptions,
    target: Target,
    patience: Patience,
    folder: Path,
    stdin: TextIO,
    trace: Trace | None = None,
) -> Iterator[RunPlan]:
    """Open the rows, assign columns to variables, and resolve the variables that no row gives.

    `folder` is that of the ledger with the runs that rows may come from. Raises InvalidInput and NotFound.
    """
    spec = source.spec
    stream: BinaryIO = getattr(stdin, "buffer", None) or BytesIO(stdin.read().encode() if options.is_piped else b"")
    with open_dataset(options.dataset, stream, is_cut=options.is_cut) as file:
        rows = MarkedRows(file)
        names = [variable.name for variable in spec.variables]
        assigned = assign(rows.columns, names, options.renamed, ignore_extra=options.ignore_extra)
        columns = {column: name for column, name in assigned.items() if name not in inputs.layers[0]}
        rows.keep(columns, None if options.ignore_extra else assigned)
        by_name = {each.name: each for each in spec.variables}
        variables = {column: by_name[name] for column, name in columns.items()}
        if isinstance(file, RowFiles):
            if not options.ignore_extra:
                _check_partitions(file, assigned, names)
            file.convert_partitions(partial(typed_text, variables))
        file.convert_texts(partial(typed_text, variables, keeps_untyped=True))
        if options.dataset.query is not None:
            file.first(1)  # it sorts all rows before this one: most errors come now, when no run has begun
        origin = _origin(folder, rows.parent) if rows.parent else None
        fixed = resolve_fixed(spec.variables, inputs.layers, inputs.environ, inputs.profile, set(columns.values()))
        yield RunPlan(
            source,
            rows,
            columns,
            fixed.values,
            (*fixed.secrets,),
            (*fixed.problems,),
            options,
            target,
            patience,
            origin,
            trace,
            file if isinstance(file, RowFiles) and options.is_cut and not rows.parent else None,
        )


def _check_partitions(files: RowFiles, assigned: Mapping[str, str], names: Sequence[str]) -> None:
    """Raise InvalidInput for columns in the names of folders that no variable takes."""
    if extra := [name for name in files.partitions if name not in assigned]:
        raise InvalidInput(*extra_columns(extra, names))


def _origin(folder: Path, parent: str) -> RunRecord:
    """Return the run that determines the ids of rows printed by `parent`. Raises InvalidInput."""
    with Ledger(folder, is_new_allowed=False) as ledger:
        try:
            return list(ledger.ancestry(ledger.find(parent)))[-1]
        except NotFound:
            message = f"the rows are those of run {parent}, which is not in {folder / FILE_NAME}"
            hint = f"name its ledger's folder with --state-dir or {STATE_DIR}, or remove the column {COLUMN} to send them as new rows"
            raise InvalidInput(Problem("row-origin", message, hint=hint)) from None
