"""Rows of a file → parts, without those that an earlier session of the run has settled."""

from __future__ import annotations

import sys
from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from runner.bulk.part import Part
from runner.bulk.row import LargeRow, size_of
from runner.errors import InvalidInput, Problem, RunnerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runner.bulk.inflow import Inflow
    from runner.bulk.row import BadRow, Row
    from runner.bulk.run_ledger import PartState

PART_CHARS = 1024 * 1024
"""Of large rows: with the one that brings it to so many characters, a part ends."""
_SOONER = 10


class Digests(NamedTuple):
    """How rows are held against what they were: by digests with a key, so that a secret cell can't be guessed from one.

    Where the rows were digested with another key, they can't be held against anything: `is_same_key` tells.
    """

    key: bytes = b""
    is_same_key: bool = True

    def of(self, rows: Sequence[Row | BadRow]) -> str:
        """Digest rows."""
        content = repr([row[2:] for row in rows]).encode("utf-8", "surrogatepass")
        return blake2b(content, digest_size=16, key=self.key).hexdigest()


class Idle(NamedTuple):
    """No part is due. One may be in so many seconds, else when rows have come."""

    at_most_s: float | None


class Cutter:
    """Makes parts of rows. `read` counts the rows so far; `is_over` tells whether they were all read.

    A part has `size` rows, or fewer that hold much. One that is recorded has as many as then: `known` returns what is
    recorded of the part that begins at a row. With `digests`, the rows are held against what was recorded of them;
    `begun_to` is the last row that was begun, `offset` how many rows were left out at first. Where the rows can't be
    read any further, or others stand there now, the parts end, and `failure` says why: what is under way by then must
    not be lost.
    """

    def __init__(
        self,
        size: int,
        known: Callable[[int], PartState | None] | None,
        *,
        digests: Digests | None,
        begun_to: int = 0,
        offset: int = 0,
    ) -> None:
        self.read = 0
        self.is_over = False
        self.failure: RunnerError | None = None
        self._size = size
        self._known = known
        self._digests = digests
        self._begun_to = begun_to
        self._offset = offset

    def _state(self) -> PartState | None:
        """Return what is recorded of the next part."""
        return self._known(self._offset + self.read + 1) if self._known else None

    def _part(self, rows: Sequence[Row | BadRow], state: PartState | None) -> Part | None:
        """Make a part of rows; None if there is nothing to send of them."""
        self.read += len(rows)
        first_row = rows[0].number
        digest = self._digests.of(rows) if self._digests else ""
        if state is not None and self._digests and not self._digests.is_same_key:
            digest = state.digest
        if state is not None and (state.rows, state.digest) != (len(rows), digest):
            message = f"the rows from {first_row:,} on are not those that the run began with"
            self.failure = self.failure or _other_rows(message)
            return None
        if state is not None and state.is_done:
            rows = [row for row in rows if row.number in state.open_rows]
        return Part(first_row, state.rows if state else len(rows), digest, rows) if rows else None

    def _end(self) -> None:
        """There are no more rows."""
        last_row = self._offset + self.read if self.read else 0
        if self.failure is None and last_row < self._begun_to:
            message = f"the rows end after row {last_row:,}, and the run began with {self._begun_to:,} or more"
            self.failure = _other_rows(message)
        self.is_over = self.failure is None


class Parts(Cutter):
    """The parts of rows that are there to be read: each is read when it is asked for."""

    def __init__(
        self,
        rows: Iterator[Row | BadRow],
        size: int,
        known: Callable[[int], PartState | None] | None,
        *,
        digests: Digests | None,
        begun_to: int = 0,
        offset: int = 0,
    ) -> None:
        super().__init__(size, known, digests=digests, begun_to=begun_to, offset=offset)
        self._rows = rows

    waiting = 0
    """None is read before its part."""

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
        """Read on to the end, to know how many rows there are, unless somebody has had enough of it."""
        while rows := self._next_rows(self._size, PART_CHARS):
            self.read += len(rows)
            if is_enough():
                return
        self.is_over = self.failure is None

    def _next_rows(self, number: int, chars: int) -> list[Row | BadRow]:
        """Read so many rows; fewer at the end, and if they hold so many characters."""
        rows: list[Row | BadRow] = []
        if self.failure is not None:
            return rows
        try:
            large = 0
            for row in islice(self._rows, number):
                rows.append(row)
                if type(row) is LargeRow:
                    large += size_of(row)
                    if large >= chars:
                        break
        except RunnerError as error:  # what was read before it is in the list already
            self.failure = error
        return rows


class FlowingParts(Cutter):
    """The parts of rows that come in their time, such as those of a pipe.

    A part is due when its rows are there, and one that is not whole `linger_s` after its first row came. The very first one
    does not wait that long: it shows whether the rest can go out at all. Until then the iterator yields Idle.
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
    ) -> None:
        super().__init__(size, known, digests=digests, begun_to=begun_to, offset=offset)
        self._rows = rows
        self._linger_s = linger_s

    @property
    def waiting(self) -> int:
        """How many rows are read and in no part."""
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
        """Count the rows that have come, if no more will: nobody knows how long a pipe goes on."""
        if self.failure is None and self._rows.is_over:
            self.read += self._rows.waiting
            self.failure = self._rows.failure
            self.is_over = self.failure is None


def _other_rows(message: str) -> InvalidInput:
    return InvalidInput(Problem("rows-changed", message, hint="resume with the same rows, or begin a new run"))
