"""Rows of a file → parts, without those that an earlier session has finished."""

from __future__ import annotations

import sys
from abc import abstractmethod
from dataclasses import replace
from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from runner.bulk.part import Part
from runner.errors import InvalidInput, Problem, RunnerError
from runner.rows.row import LargeRow, size_of
from runner.rows.spans import SpannedRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runner.bulk.inflow import Inflow
    from runner.bulk.run_ledger import PartState
    from runner.rows.block_rows import BlockRows
    from runner.rows.row import BadRow, Row
    from runner.rows.span_cutter import SpanCutter

PART_CHARS = 1024 * 1024
"""A part of large rows ends with the row that reaches this number of characters."""
_SOONER = 10
OTHER_ROWS = "resume with the same rows, or start a new run"
OTHER_RESULT = "order the query by columns that no two rows share, and start a new run"


class Digests(NamedTuple):
    """Compares rows with those of earlier sessions, by keyed digests from which a secret cell can't be guessed.

    Rows that were digested with another key can't be compared; `is_same_key` is False then.
    """

    key: bytes = b""
    is_same_key: bool = True
    hint: str = OTHER_ROWS
    """What to do about other rows."""

    def of(self, rows: Sequence[Row | BadRow]) -> str:
        """Return the digest of rows."""
        content = repr([row[2:] for row in rows]).encode("utf-8", "surrogatepass")
        return blake2b(content, digest_size=16, key=self.key).hexdigest()


class Idle(NamedTuple):
    """No part is due. One may be after `at_most_s` seconds, by default when rows arrive."""

    at_most_s: float | None


class Cutter:
    """Makes parts of rows. `read` counts the rows so far; `is_over` says whether all were read.

    A part has `size` rows, or fewer large ones. A recorded part keeps its number of rows: `known` returns the record of the
    part that begins at a row. With `digests`, the rows are compared with the recorded ones. `begun_to` is the last row that
    was begun, `offset` the number of skipped rows. `on_finished` gets the rows of each part that an earlier session finished.
    If the rest of the rows can't be read, or has changed, the parts end and `failure` says why; it is not raised, so that the
    parts in flight can be finished.
    """

    def __init__(
        self,
        size: int,
        known: Callable[[int], PartState | None] | None,
        *,
        digests: Digests | None,
        begun_to: int = 0,
        offset: int = 0,
        on_finished: Callable[[Sequence[Row | BadRow] | SpannedRows], None] = lambda _: None,
    ) -> None:
        self.read = 0
        self.is_over = False
        self.failure: RunnerError | None = None
        self._size = size
        self._known = known
        self._digests = digests
        self._begun_to = begun_to
        self._offset = offset
        self._on_finished = on_finished

    def _state(self) -> PartState | None:
        """Return the record of the next part."""
        return self._known(self._offset + self.read + 1) if self._known else None

    def _part(self, rows: Sequence[Row | BadRow] | SpannedRows, state: PartState | None) -> Part | None:
        """Return a part of rows; None if all of them were finished before."""
        first_row = self._offset + self.read + 1
        self.read += len(rows)
        digest = self._digests.of(rows) if self._digests and not isinstance(rows, SpannedRows) else ""
        if state is not None and self._digests and not self._digests.is_same_key:
            digest = state.digest
        if state is not None and (state.rows, state.digest) != (len(rows), digest):
            message = f"the rows from {first_row:,} on are not the ones that the run began with"
            self.failure = self.failure or self._other_rows(message)
            return None
        if state is not None and state.is_done:
            self._on_finished(rows)
            if isinstance(rows, SpannedRows):
                rows = replace(rows, only=state.open_rows)
            else:
                rows = [row for row in rows if row.number in state.open_rows]
        return Part(first_row, state.rows if state else len(rows), digest, rows) if rows else None

    def _end(self) -> None:
        """Note the end of the rows."""
        last_row = self._offset + self.read if self.read else 0
        if self.failure is None and last_row < self._begun_to:
            message = f"the rows end after row {last_row:,}, and the run began with {self._begun_to:,} or more"
            self.failure = self._other_rows(message)
        self.is_over = self.failure is None

    def _other_rows(self, message: str) -> InvalidInput:
        hint = self._digests.hint if self._digests else OTHER_ROWS
        return InvalidInput(Problem("rows-changed", message, hint=hint))


class RequestedParts(Cutter):
    """Parts whose rows are taken when a part is requested."""

    waiting = 0
    """The number of rows that were read ahead: none."""

    def __iter__(self) -> Iterator[Part]:
        while True:
            state = self._state()
            rows = self._next_rows(state.rows, sys.maxsize) if state else self._next_rows(self._size, PART_CHARS)
            if not rows:
                break
            part = self._part(rows, state)
            if part is not None:
                yield part
        self._end()

    def count_rest(self, is_enough: Callable[[], bool]) -> None:
        """Go to the end to count the rows, unless interrupted."""
        while rows := self._next_rows(self._size, PART_CHARS):
            self.read += len(rows)
            if is_enough():
                return
        self.is_over = self.failure is None

    def _next_rows(self, number: int, chars: int) -> Sequence[Row | BadRow] | SpannedRows:
        """Return `number` rows; fewer at the end, or if they have too many characters; none after a failure."""
        if self.failure is not None:
            return ()
        return self._take_rows(number, chars)

    @abstractmethod
    def _take_rows(self, number: int, chars: int) -> Sequence[Row | BadRow] | SpannedRows:
        """Return rows, and set `failure` if the next ones can't be read."""


class Parts(RequestedParts):
    """The parts of a file, read here. If `take` returns rows in a block, these are handed over."""

    def __init__(
        self,
        rows: Iterator[Row | BadRow],
        size: int,
        known: Callable[[int], PartState | None] | None,
        *,
        digests: Digests | None,
        begun_to: int = 0,
        offset: int = 0,
        on_finished: Callable[[Sequence[Row | BadRow] | SpannedRows], None] = lambda _: None,
        take: Callable[[int], BlockRows | None] = lambda _: None,
    ) -> None:
        super().__init__(size, known, digests=digests, begun_to=begun_to, offset=offset, on_finished=on_finished)
        self._rows = rows
        self._take = take

    def _take_rows(self, number: int, chars: int) -> Sequence[Row | BadRow]:
        block: BlockRows | None = None
        rows: list[Row | BadRow] = []
        try:
            while (left := number - len(block or ())) and (more := self._take(left)) is not None:
                block = block.followed_by(more) if block else more
            large = 0
            for row in islice(self._rows, left):
                rows.append(row)
                if type(row) is LargeRow:
                    large += size_of(row)
                    if large >= chars:
                        break
        except RunnerError as error:  # the rows before the error are already in the list
            self.failure = error
        return [*block, *rows] if block and rows else block or rows


class SpanParts(RequestedParts):
    """The parts of files as references to their rows, which other processes read."""

    def __init__(
        self,
        rows: SpanCutter,
        size: int,
        known: Callable[[int], PartState | None] | None,
        *,
        begun_to: int = 0,
        offset: int = 0,
        on_finished: Callable[[Sequence[Row | BadRow] | SpannedRows], None] = lambda _: None,
    ) -> None:
        super().__init__(size, known, digests=None, begun_to=begun_to, offset=offset, on_finished=on_finished)
        self._rows = rows

    def _take_rows(self, number: int, chars: int) -> SpannedRows:
        try:
            return self._rows.take(number, chars)
        except RunnerError as error:
            self.failure = error
            return SpannedRows(())


class FlowingParts(Cutter):
    """The parts of rows that arrive by and by, from a pipe or a store.

    A part is due when it is complete, or `linger_s` after its first row arrived. The first part does not wait, because it
    shows early whether rows can be sent at all. Until a part is due, the iterator yields Idle.
    """

    def __init__(
        self,
        rows: Inflow,
        size: int,
        known: Callable[[int], PartState | None] | None,
        *,
        digests: Digests | None,
        linger_s: float,
        begun_to: int = 0,
        offset: int = 0,
        on_finished: Callable[[Sequence[Row | BadRow] | SpannedRows], None] = lambda _: None,
    ) -> None:
        super().__init__(size, known, digests=digests, begun_to=begun_to, offset=offset, on_finished=on_finished)
        self._rows = rows
        self._linger_s = linger_s

    @property
    def waiting(self) -> int:
        """The number of rows that were read ahead."""
        return self._rows.waiting

    def __iter__(self) -> Iterator[Part | Idle]:
        while self.failure is None:
            state = self._state()
            linger_s = self._linger_s if self.read else self._linger_s / _SOONER
            taken = self._rows.take(state.rows) if state else self._rows.take(self._size, PART_CHARS, linger_s)
            if isinstance(taken, Idle):
                yield taken
            elif taken:
                part = self._part(taken, state)
                if part is not None:
                    yield part
            else:
                break
        self.failure = self.failure or self._rows.failure
        self._end()

    def count_rest(self, _: Callable[[], bool]) -> None:
        """Count the rows that have arrived, if they were the last ones."""
        if self.failure is None and self._rows.is_over:
            self.read += self._rows.waiting
            self.failure = self._rows.failure
            self.is_over = self.failure is None
