"""Rows of a file → parts, without those that an earlier session of the run has settled."""

from __future__ import annotations

from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from runner.bulk.row import LargeRow
from runner.bulk.task import Part
from runner.errors import InvalidInput, Problem, RunnerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runner.bulk.ledger import PartState
    from runner.bulk.row import BadRow, Row


class Digests(NamedTuple):
    """How rows are held against what they were: by digests with a key, so that a secret cell can't be guessed from one.

    Where the rows were digested with another key, they can't be held against anything: `is_same_key` tells.
    """

    key: bytes = b""
    is_same_key: bool = True

    def of(self, rows: Sequence[Row | BadRow]) -> str:
        """Digest rows; those of no other run as they always were."""
        content = repr([row[2:] if row.origin else row[2:3] for row in rows]).encode("utf-8", "surrogatepass")
        return blake2b(content, digest_size=16, key=self.key).hexdigest()


class Parts:
    """Cuts rows into parts of `size`, or less behind a large row. `read` counts the rows so far; `is_over` tells whether they were all read.

    `known` tells what is recorded of the part that begins at a row. With `digests`, the rows are held against what
    was recorded of them; `begun_to` is the last row that was begun. Where the rows can't be read any further, or others stand there now, the parts end, and
    `failure` says why: what is under way by then must not be lost.
    """

    def __init__(
        self,
        rows: Iterator[Row | BadRow],
        size: int,
        known: Callable[[int], PartState | None] | None,
        *,
        digests: Digests | None,
        begun_to: int = 0,
    ) -> None:
        self.read = 0
        self.is_over = False
        self.failure: RunnerError | None = None
        self._rows = rows
        self._size = size
        self._known = known
        self._digests = digests
        self._begun_to = begun_to

    def __iter__(self) -> Iterator[Part]:
        last_row = 0
        while rows := self._next_rows():
            self.read += len(rows)
            first_row, last_row = rows[0].number, rows[-1].number
            digest = self._digests.of(rows) if self._digests else ""
            state = self._known(first_row) if self._known else None
            if state is not None and self._digests and not self._digests.is_same_key:
                digest = state.digest
            if state is not None and (state.rows, state.digest) != (len(rows), digest):
                message = f"the rows from {first_row:,} on are not those that the run began with"
                hint = "resume with the same rows, or begin a new run"
                self.failure = InvalidInput(Problem("rows-changed", message, hint=hint))
                return
            if state is not None and state.is_done:
                rows = [row for row in rows if row.number in state.open_rows]
            if rows:
                yield Part(first_row, state.rows if state else len(rows), digest, rows)
        if self.failure is None and last_row < self._begun_to:
            message = f"the rows end after row {last_row:,}, and the run began with {self._begun_to:,} or more"
            hint = "resume with the same rows, or begin a new run"
            self.failure = InvalidInput(Problem("rows-changed", message, hint=hint))
        self.is_over = self.failure is None

    def count_rest(self) -> None:
        """Read on to the end, to know how many rows there are."""
        while rows := self._next_rows():
            self.read += len(rows)
        self.is_over = self.failure is None

    def _next_rows(self) -> list[Row | BadRow]:
        rows: list[Row | BadRow] = []
        if self.failure is None:
            try:
                for row in islice(self._rows, self._size):
                    rows.append(row)
                    if type(row) is LargeRow:
                        break
            except RunnerError as error:  # what was read before it is in the list already
                self.failure = error
        return rows
