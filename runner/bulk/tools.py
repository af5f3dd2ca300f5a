"""A run's setup → the program of its spec and its connection, made once in each process."""

from __future__ import annotations

import re
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

from runner.bulk.columns import extra_columns
from runner.bulk.outcomes import RowOutcome
from runner.bulk.results import MAX_MESSAGE, RowResult, result_line
from runner.errors import MachineError, Problem
from runner.eventspec import Occurrence, load, specialize
from runner.rows.block_rows import BlockRows
from runner.rows.row import BadRow, Row
from runner.run import Prepared, Rejected, prepare_with
from runner.secrets import Mask
from runner.suprsend.delivery import Pauses
from runner.suprsend.encoding import Encoded
from runner.suprsend.turns import Turns
from runner.variables import RowResolver

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.bulk.part import Part
    from runner.bulk.setup import Setup
    from runner.codes import Code
    from runner.eventspec import Make, Spec
    from runner.rows.places import Places
    from runner.run import Outcome
    from runner.suprsend.answer import Result
    from runner.suprsend.connection import Connection


class Tools:
    """The spec's program and the connection of one run in one process, shared by its threads.

    After `pauses` are ended, failed requests are not retried.
    """

    def __init__(self, setup: Setup, spec: Spec, pauses: Pauses) -> None:
        self.spec = spec
        self.setup = setup
        self.pauses = pauses
        self._resolver = RowResolver(spec.variables, setup.fixed, setup.columns, setup.header)
        self.keys_may_repeat = spec.has_key and not spec.auto_key
        self._names = [variable.name for variable in spec.variables]
        self._mask = Mask(setup.secrets)
        self._env = setup.target.env
        self._max_event_kb = setup.target.max_event_kb
        self._checks_keys = setup.header is None and not setup.allows_extra
        self._plain: Make | None = specialize(
            spec, self._resolver, setup.seed, setup.now, self._env, self._max_event_kb, setup.key_run
        )

    @cached_property
    def connection(self) -> Connection:
        """The connections to the target, kept open."""
        from runner.suprsend.connection import Connection  # noqa: PLC0415 - a dry run loads no HTTP library

        setup, target = self.setup, self.setup.target
        return Connection(
            target.authorized(),
            target.base_url,
            timeout_s=setup.timeout_s,
            retries=setup.retries,
            sleep=self._pause,
            admit=target.admit,
            may_retry=lambda: not self.pauses.are_over,
            turns=turns,
            trace=setup.trace,
        )

    def _pause(self, seconds: float) -> None:
        with turns.passed():
            self.pauses.sleep(seconds)

    def make(self, row: Row | BadRow) -> Encoded | Prepared | Rejected:
        """Make a row's event, in the fast form that holds only the bytes where that is enough."""
        encoded = (
            self._plain(row.values, row.origin or row.number)
            if self._plain is not None and isinstance(row, Row)
            else None
        )
        return encoded if encoded is not None else self.prepare(row)

    def make_all(self, rows: Iterable[Row | BadRow]) -> list[Encoded | Prepared | Rejected]:
        """Make the event of each row, as `make` does."""
        plain = self._plain
        if plain is None:
            return [self.prepare(row) for row in rows]
        if isinstance(rows, BlockRows):
            return [
                (plain(cells, number) if cells is not None else None) or self.prepare(rows.row(number))
                for number, cells in rows.cells()
            ]
        return [
            (plain(row.values, row.origin or row.number) if isinstance(row, Row) else None) or self.prepare(row)
            for row in rows
        ]

    def prepare(self, row: Row | BadRow) -> Prepared | Rejected:
        """Make a row's event, or report its problems."""
        if isinstance(row, BadRow):
            return Rejected(self.spec, (row.problem,), ())
        setup = self.setup
        if self._checks_keys:
            extra = [str(key) for key in row.values if key not in setup.columns]
            if extra:
                return Rejected(self.spec, tuple(extra_columns(extra, self._names)), ())
        values = self._resolver.resolve(row.values)
        occurrence = Occurrence(setup.seed, row.origin or row.number, setup.now)
        return prepare_with(values, self.spec, occurrence, self._env, self._max_event_kb, None, setup.key_run)

    def key_of(self, row: Row | BadRow) -> tuple[str | None, str | None]:
        """Return the idempotency key of a row's event, and the key masked; None if it makes no event."""
        event = self.make(row)
        if isinstance(event, Rejected):
            return None, None
        if isinstance(event, Prepared):
            key, mask = event.event.idempotency_key, self._mask.with_values(event.secrets)
        else:
            key, mask = event.key, self._mask
        return key, key and mask.data(key)

    def failure(self, row: Row | BadRow, secrets: Sequence[str], outcome: Outcome) -> RowOutcome:
        """Return the outcome of a row that was not accepted. `secrets` are the row's own."""
        state = "failed" if outcome.state == "accepted" else outcome.state
        code: Code = outcome.error.code if outcome.error else "not-sent"
        message = outcome.error.message if outcome.error else "not sent"
        text = self._mask.with_values(secrets).cut(message, MAX_MESSAGE)
        variable = _variable_of(outcome.error)
        return RowOutcome(
            row.number, row.line, state, code, outcome.status_code, outcome.attempts, row.origin, variable, text
        )

    def result(self, row: Row | BadRow, outcome: Outcome, places: Places) -> RowResult:
        """Return what is written of a row."""
        error = outcome.error
        return RowResult(
            row.number,
            row.line,
            outcome.state,
            outcome.status_code,
            outcome.idempotency_key,
            outcome.insert_id,
            outcome.message_id,
            error.code if error else None,
            error.message if error else None,
            outcome.attempts,
            self.setup.session,
            places.of(row.number),
        )

    def plain_result(self, row: Row | BadRow, event: Encoded, result: Result, places: Places) -> RowResult:
        """Return what is written of an accepted row of whose event only the bytes are known."""
        return RowResult(
            row.number,
            row.line,
            "accepted",
            result.status_code,
            event.key,
            event.insert_id,
            result.message_id,
            None,
            None,
            result.attempts,
            self.setup.session,
            places.of(row.number),
        )

    def accepted_lines(
        self,
        part: Part,
        rows: Sequence[Row | BadRow],
        made: Sequence[Encoded | Prepared | Rejected],
        results: Sequence[Result],
    ) -> str | None:
        """Return the lines of a part for the file of results, if all rows were accepted; None if `lines` must write them."""
        session = self.setup.session
        if not self.setup.wants_results:
            return ""
        events = [event for event in made if isinstance(event, Encoded)]
        if part.files or len(events) < len(made):
            return None
        if self._has_secrets(
            text
            for event, result in zip(events, results, strict=True)
            for text in (event.key, event.insert_id, result.message_id)
            if text
        ):
            return None
        numbered = rows.numbered() if isinstance(rows, BlockRows) else ((row.number, row.line) for row in rows)
        return "".join(
            result_line(number, line, "accepted", code, key, insert_id, message_id, attempts, session)
            for (number, line), (_, _, key, insert_id), (_, code, _, message_id, _, _, attempts) in zip(
                numbered, events, results, strict=True
            )
        )

    def lines(self, results: Sequence[tuple[RowResult, Sequence[str]]]) -> str:
        """Return the lines of rows for the file of results; each comes with its own secrets."""
        is_clean = not self._has_secrets(text for result, _ in results for text in result.texts())
        return "".join(
            (result if is_clean and not secrets else result.masked(self._mask.with_values(secrets))).as_line()
            for result, secrets in results
        )

    def _has_secrets(self, texts: Iterable[str]) -> bool:
        """Return whether a secret of the run may be in one of these texts. They are searched once, since most have none."""
        # A break instead would be taken for one within a secret, which takes ten times as long.
        return bool(self._mask.data_spans(" ".join(texts)))


def _variable_of(error: Problem | None) -> str:
    """Return the name of the variable with this problem; a longer path could contain text of a cell."""
    at = error.at if error is not None and error.at is not None else ""
    return at.removeprefix("vars.") if _VARIABLE.fullmatch(at) else ""


_VARIABLE = re.compile(r"vars\.\w+")


pauses = Pauses()
"""The pauses between attempts of all requests of a process of this machine, which works on one run at a time."""


turns = Turns()
"""The turns of the threads of this process that make events and wait for the platform."""


def end_pauses() -> None:
    """End the current parts soon: failed requests of this process are not retried."""
    pauses.end()


_latest: list[Tools] = []


_making = Lock()


def tools_of(setup: Setup) -> Tools:
    """Return the tools for a setup, with the spec of its file; they are made at the first call.

    Raises MachineError if the spec has changed since the run began.
    """
    with _making:
        if not _latest or (_latest[0].setup is not setup and _latest[0].setup != setup):
            spec = load(setup.spec, setup.project, setup.config).spec
            if spec is None or spec.digest != setup.spec_digest:
                hint = "a run sends one version of its spec: start a new run"
                raise MachineError(Problem("spec-changed", f"{setup.spec} was changed while it was sent", hint=hint))
            _latest[:] = [Tools(setup, spec, pauses)]  # a process works on one run at a time
        return _latest[0]
