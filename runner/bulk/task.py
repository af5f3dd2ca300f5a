"""A part of rows, a spec, a target → what became of each row.

The one piece of work that threads, processes and clusters share: a function of its arguments alone. What is costly to
make of them, the spec's program and the connection, is made once a process.
"""

from __future__ import annotations

import json
import pickle
import re
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.bulk.columns import extra_columns
from runner.bulk.keys import digest_of
from runner.bulk.outcomes import PartOutcome, RowOutcome
from runner.bulk.row import BadRow, Row
from runner.errors import MachineError, Problem
from runner.eventspec import Occurrence, load, specialize
from runner.run import Prepared, Rejected, outcome_of, outcome_of_plain, prepare_with, unsent
from runner.secrets import Mask
from runner.suprsend.delivery import NOT_SENT, Delivery, Pauses, together
from runner.suprsend.encoding import Encoded
from runner.suprsend.statuses import refuses_credentials
from runner.variables import RowResolver

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from runner.codes import Code
    from runner.config import Target
    from runner.eventspec import Make, Spec
    from runner.run import Outcome
    from runner.suprsend.answer import Result
    from runner.suprsend.connection import Connection

MAX_MESSAGE = 300


@dataclass(frozen=True)
class Setup:
    """What all parts of a run have in common. Everything in it can be pickled; it goes out with each part."""

    spec: Path
    project: Path
    config: Path | None
    spec_digest: str
    fixed: Mapping[str, object]
    secrets: tuple[str, ...]
    columns: Mapping[str, str]
    header: tuple[str, ...] | None
    allows_extra: bool
    seed: UUID
    now: datetime
    target: Target
    timeout_s: float
    retries: int
    wants_results: bool
    session: int = 1
    """How often somebody went to work on the run: of several results of a row, those of the last session count."""
    has_keys: bool = True
    """Whether each event has an idempotency key. What has none may count twice when it is sent again."""

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle it once, and have a process unpickle it once."""
        return _setup_of, (self._pickled,)

    @cached_property
    def _pickled(self) -> bytes:
        return pickle.dumps([getattr(self, each.name) for each in fields(self)], pickle.HIGHEST_PROTOCOL)


@lru_cache(1)
def _setup_of(pickled: bytes) -> Setup:
    return Setup(*pickle.loads(pickled))  # noqa: S301 - it comes from the process that began the run


class Part(NamedTuple):
    """Contiguous rows of a file: `size` of them from `first_row` on. A resumed run may leave out some.

    `digest` is that of all of them, where the file can't be looked at beforehand.
    """

    first_row: int
    size: int
    digest: str
    rows: Sequence[Row | BadRow] = ()

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle rows as columns, in a third of the time and of the bytes."""
        bad = {at: row for at, row in enumerate(self.rows) if isinstance(row, BadRow)}
        columns = [[row[field] for row in self.rows] for field in range(len(Row._fields))]
        return _part_of, (self[:3], columns, bad)


def _part_of(head: tuple[int, int, str], columns: Sequence[Sequence[Any]], bad: Mapping[int, BadRow]) -> Part:
    rows: list[Row | BadRow] = list(map(Row, *columns))
    for at, row in bad.items():
        rows[at] = row
    return Part(*head, rows)


class PartCheck(NamedTuple):
    """What a part would make: `events` have their row, their size in bytes and their idempotency key.

    `results` are the lines for the file of results, if one is wanted.
    """

    size: int
    failures: tuple[RowOutcome, ...]
    requests: int
    events: tuple[tuple[int, int, str | None], ...]
    results: str


def check_part(setup: Setup, part: Part) -> PartCheck:
    """Render each row of a part, and send nothing."""
    tools = tools_of(setup)
    made = [tools.prepare(row) for row in part.rows]
    outcomes = unsent(made)
    failures = [
        tools.failure(row, event.secrets, outcome)
        for row, event, outcome in zip(part.rows, made, outcomes, strict=True)
        if isinstance(event, Rejected)
    ]
    events = [
        (row.number, len(event.body), outcome.idempotency_key)
        for row, event, outcome in zip(part.rows, made, outcomes, strict=True)
        if isinstance(event, Prepared)
    ]
    requests = len(together(event.encoded for event in made if isinstance(event, Prepared)))
    lines = map(tools.line, part.rows, made, outcomes) if setup.wants_results else ()
    return PartCheck(part.size, tuple(failures), requests, tuple(events), "".join(lines))


def send_part(setup: Setup, part: Part) -> PartOutcome:
    """Render, check and send each row of a part. What the network or a row does is in the outcome; a bug is raised.

    Raises MachineError when the spec is no longer what it was when the run began.
    """
    tools = tools_of(setup)
    made = [tools.make(row) for row in part.rows]
    sent = [_encoded(event) for event in made if not isinstance(event, Rejected)]
    deliveries = together(sent)
    met_refused_credentials = _deliver(tools.connection, deliveries)
    results = [result for delivery in deliveries for result in delivery.results]
    told = iter(results)
    failures: list[RowOutcome] = []
    lines: list[str] = []
    for row, event in zip(part.rows, made, strict=True):
        result = NOT_SENT if isinstance(event, Rejected) else next(told)
        if result.state == "accepted" and not setup.wants_results:
            continue
        if isinstance(event, Encoded):  # it is told by its result alone, and has no secret of its own
            failures.append(
                tools.failure(row, (), _settled(outcome_of_plain(setup.spec, result), result, met_refused_credentials))
            )
            continue
        outcome = _settled(outcome_of(event, result), result, met_refused_credentials)
        if outcome.state != "accepted":
            failures.append(tools.failure(row, event.secrets, outcome))
        if setup.wants_results:
            lines.append(tools.line(row, event, outcome))
    return PartOutcome(
        part.first_row,
        part.size,
        len(part.rows) - len(failures),
        tuple(failures),
        met_refused_credentials,
        "".join(lines),
        _digests(sent, results) if tools.keys_may_repeat else b"",
    )


def _digests(sent: Sequence[Encoded], results: Sequence[Result]) -> bytes:
    """Return the digests of the idempotency keys of what was accepted."""
    return b"".join(
        [digest_of(event.key or b"") for event, result in zip(sent, results, strict=True) if result.state == "accepted"]
    )


def _encoded(event: Encoded | Prepared) -> Encoded:
    return event if isinstance(event, Encoded) else event.encoded


def _settled(outcome: Outcome, result: Result, met_refused_credentials: bool) -> Outcome:
    """Count a row as not sent if it was surely not taken and may be another time: with others credentials, or later.

    That is what the platform turned away after all attempts, and what never reached it.
    """
    if result.state != "failed":
        return outcome
    is_theirs = met_refused_credentials and refuses_credentials(result.status_code)
    may_pass = is_theirs or result.transient or not result.status_code
    return replace(outcome, state="not_sent") if may_pass else outcome


def _deliver(connection: Connection, deliveries: Sequence[Delivery]) -> bool:
    """Send one request after the other: whoever wants several at once works on several parts."""
    for delivery in deliveries:
        connection.deliver(delivery)
        if delivery.met_refused_credentials:
            return True
    return False


class Tools:
    """What one process makes of a setup: once, for all its threads."""

    def __init__(self, setup: Setup) -> None:
        loaded = load(setup.spec, setup.project, setup.config).spec
        if loaded is None or loaded.digest != setup.spec_digest:
            hint = "a run sends one spec from its first row to the last: begin a new one"
            raise MachineError(Problem("spec-changed", f"{setup.spec} was changed while it was sent", hint=hint))
        self._spec: Spec = loaded
        self.setup = setup
        self._resolver = RowResolver(loaded.variables, setup.fixed, setup.columns, setup.header)
        self.keys_may_repeat = loaded.has_key and not loaded.auto_key
        self._names = [variable.name for variable in loaded.variables]
        self._mask = Mask(setup.secrets)
        self._env = setup.target.env
        self._max_event_kb = setup.target.max_event_kb
        self._checks_keys = setup.header is None and not setup.allows_extra
        self._plain: Make | None = None
        if not setup.wants_results:  # they tell more of each row than its bytes
            self._plain = specialize(loaded, self._resolver, setup.seed, setup.now, self._env, self._max_event_kb)

    @cached_property
    def connection(self) -> Connection:
        """The kept connections to the target."""
        from runner.suprsend.connection import Connection  # noqa: PLC0415 - a dry run loads no HTTP library

        setup, target = self.setup, self.setup.target
        return Connection(
            target.authorized(),
            target.base_url,
            timeout_s=setup.timeout_s,
            retries=setup.retries,
            sleep=pauses.sleep,
            admit=target.admit,
            may_retry=lambda: not pauses.are_over,
        )

    def make(self, row: Row | BadRow) -> Encoded | Prepared | Rejected:
        """Make a row's event, with no more about it than what goes out if that is all that is wanted."""
        encoded = (
            self._plain(row.values, row.origin or row.number)
            if self._plain is not None and isinstance(row, Row)
            else None
        )
        return encoded if encoded is not None else self.prepare(row)

    def prepare(self, row: Row | BadRow) -> Prepared | Rejected:
        """Make a row's event, or say why there can be none."""
        if isinstance(row, BadRow):
            return Rejected(self._spec, (row.problem,), ())
        setup = self.setup
        if self._checks_keys:
            extra = [str(key) for key in row.values if key not in setup.columns]
            if extra:
                return Rejected(self._spec, tuple(extra_columns(extra, self._names)), ())
        values = self._resolver.resolve(row.values)
        occurrence = Occurrence(setup.seed, row.origin or row.number, setup.now)
        return prepare_with(values, self._spec, occurrence, self._env, self._max_event_kb, None)

    def failure(self, row: Row | BadRow, secrets: Sequence[str], outcome: Outcome) -> RowOutcome:
        """Tell a row that was not accepted. `secrets` are its own."""
        state = "failed" if outcome.state == "accepted" else outcome.state
        code: Code = outcome.error.code if outcome.error else "not-sent"
        message = outcome.error.message if outcome.error else "not sent"
        text = self._mask.with_values(secrets).cut(message, MAX_MESSAGE)
        variable = _variable_of(outcome.error)
        return RowOutcome(
            row.number, row.line, state, code, outcome.status_code, outcome.attempts, row.origin, variable, text
        )

    def line(self, row: Row | BadRow, event: Prepared | Rejected, outcome: Outcome) -> str:
        """Tell a row as one line of JSON."""
        mask = self._mask.with_values(event.secrets) if event.secrets else self._mask
        document = {
            "row": row.number,
            "line": row.line,
            "state": outcome.state,
            "status_code": outcome.status_code,
            "key": outcome.idempotency_key and mask.data(outcome.idempotency_key),
            "insert_id": outcome.insert_id,
            "message_id": outcome.message_id,
            "code": outcome.error.code if outcome.error else None,
            "error": mask.cut(outcome.error.message, MAX_MESSAGE) if outcome.error else None,
            "attempts": outcome.attempts,
            "session": self.setup.session,
        }
        return json.dumps(mask.texts(document), ensure_ascii=False) + "\n"


def _variable_of(error: Problem | None) -> str:
    """Name the variable that a problem is about. A way into its value may hold a cell's own text."""
    at = error.at if error is not None and error.at is not None else ""
    return at.removeprefix("vars.") if _VARIABLE.fullmatch(at) else ""


_VARIABLE = re.compile(r"vars\.\w+")


pauses = Pauses()
"""Of all that this process sends: it works on one run at a time."""


def end_pauses() -> None:
    """Have the parts that this process works on end soon: what they sent without success is not sent once more."""
    pauses.end()


def undelivered_line(failure: RowOutcome, session: int) -> str:
    """Tell a row as one line of JSON whose worker died: nobody knows more of its event."""
    document = {
        "row": failure.row,
        "line": failure.line,
        "state": failure.state,
        "status_code": failure.status_code,
        "key": None,
        "insert_id": None,
        "message_id": None,
        "code": failure.code,
        "error": failure.message,
        "attempts": failure.attempts,
        "session": session,
    }
    return json.dumps(document) + "\n"


_latest: list[Tools] = []
_making = Lock()


def tools_of(setup: Setup) -> Tools:
    """Give what this process made of a setup; made at the first call."""
    with _making:
        if not _latest or (_latest[0].setup is not setup and _latest[0].setup != setup):
            _latest[:] = [Tools(setup)]  # a process works on one run at a time
        return _latest[0]
