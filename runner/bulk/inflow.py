"""Rows that come in their time, read ahead by a thread of its own, so that nobody waits for a silent pipe."""

from __future__ import annotations

import sys
from collections import deque
from concurrent.futures import Future
from threading import Condition, get_ident
from time import monotonic
from typing import TYPE_CHECKING

from runner.bulk.parts import PART_CHARS, Idle
from runner.bulk.row import LargeRow, size_of
from runner.errors import RunnerError
from runner.suprsend.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Self

    from runner.bulk.row import BadRow, Row

AHEAD_ROWS = 1000
AHEAD_CHARS = 4 * PART_CHARS
"""With so many rows, or so many characters in large ones, nothing more is read until some are taken."""


class Inflow:
    """Reads rows from its `with` block's beginning on. `wake` is called, in its thread, when `take` may have more to give.

    A thread that waits for a silent pipe can't be ended: it is left behind at the end of the block, and ends the process
    no later.
    """

    def __init__(self, rows: Iterable[Row | BadRow], wake: Callable[[], None]) -> None:
        self._rows = rows
        self._wake = wake
        self._changed = Condition()
        """Guards all that follows."""
        self._ahead: deque[tuple[Row | BadRow, int, float]] = deque()
        self._chars = 0
        self._wanted = sys.maxsize
        """With so many rows somebody is to be woken."""
        self._is_over = False
        self._is_left = False
        self._reading: Future[None] = Future()

    @property
    def waiting(self) -> int:
        """How many rows were read and not taken."""
        return len(self._ahead)

    @property
    def is_over(self) -> bool:
        """Whether no more rows will come than are waiting."""
        with self._changed:
            return self._is_over

    @property
    def failure(self) -> RunnerError | None:
        """Why the rows can't be read any further, once they were all taken. Raises what is no such reason."""
        error = self._reading.exception()
        if error is None or isinstance(error, RunnerError):
            return error
        raise error

    def take(self, number: int, chars: int | None = None, linger_s: float | None = None) -> list[Row | BadRow] | Idle:
        """Take so many rows; fewer at the end, if they hold so many characters, or if they have waited so long.

        Gives Idle where that is not so yet, and no row after the last one.
        """
        with self._changed:
            is_due = self._is_over or self._is_full() or len(self._ahead) >= number
            if not (is_due or (chars is not None and self._chars >= chars)):
                left_s = None
                if self._ahead and linger_s is not None:
                    left_s = self._ahead[0][2] + linger_s - monotonic()
                if left_s is None or left_s > 0:
                    self._wanted = 1 if linger_s is not None and not self._ahead else number
                    return Idle(left_s)
            rows: list[Row | BadRow] = []
            taken = 0
            while self._ahead and len(rows) < number and (chars is None or taken < chars):
                row, size, _ = self._ahead.popleft()
                rows.append(row)
                taken += size
            self._chars -= taken
            self._changed.notify()
            return rows

    def __enter__(self) -> Self:
        threads = Threads(1)
        self._reading = threads.submit(self._read, get_ident())
        self._reading.add_done_callback(self._end)
        threads.shutdown(wait=False)
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._is_left = True
            self._changed.notify()

    def _read(self, owner: int) -> None:
        if get_ident() == owner:
            raise OSError("can't start a thread to read the rows")
        for row in self._rows:
            if not self._add(row):
                return

    def _end(self, _: Future[None]) -> None:
        with self._changed:
            self._is_over = True
        self._wake()

    def _add(self, row: Row | BadRow) -> bool:
        """Keep a row, and wait until there is room for the next one; False if nobody will take it."""
        size = size_of(row) if type(row) is LargeRow else 0
        with self._changed:
            self._ahead.append((row, size, monotonic()))
            self._chars += size
            is_full = self._is_full()
            is_awaited = self._wanted < sys.maxsize and (
                len(self._ahead) >= self._wanted or self._chars >= PART_CHARS or is_full
            )
            if is_awaited:
                self._wanted = sys.maxsize
        if is_awaited:
            self._wake()
        if is_full:
            with self._changed:
                self._changed.wait_for(lambda: self._is_left or not self._is_full())
        return not self._is_left

    def _is_full(self) -> bool:
        return len(self._ahead) >= AHEAD_ROWS or self._chars >= AHEAD_CHARS
