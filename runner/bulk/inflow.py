"""Rows of a pipe or a store, read ahead by a thread, so that the run does not wait for a silent one."""

from __future__ import annotations

import sys
from collections import deque
from concurrent.futures import Future
from threading import Condition, get_ident
from time import monotonic
from typing import TYPE_CHECKING

from runner.bulk.parts import PART_CHARS, Idle
from runner.errors import RunnerError
from runner.rows.row import LargeRow, size_of
from runner.suprsend.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Self

    from runner.rows.row import BadRow, Row

AHEAD_ROWS = 1000
AHEAD_CHARS = 4 * PART_CHARS
"""Reading pauses at this number of waiting rows, or at this number of characters in large ones."""


class Inflow:
    """Reads rows in a thread during its `with` block. The thread calls `wake` when `take` may return more.

    A thread that waits for a silent pipe can't be stopped: it remains after the block, as a daemon.

    One thread adds rows and another one takes them, without a lock: `take` sets what it wants before it checks the rows, and
    the reader adds a row before it checks what is wanted. So at least one of them sees the other's change.
    """

    def __init__(self, rows: Iterable[Row | BadRow], wake: Callable[[], None]) -> None:
        self._rows = rows
        self._wake = wake
        self._ahead: deque[tuple[Row | BadRow, int, float]] = deque()
        self._chars_read = 0
        self._chars_taken = 0
        self._wanted = sys.maxsize
        """Number of rows at which `wake` is called."""
        self._is_over = False
        self._is_left = False
        self._room = Condition()
        """Set when there may be room for more rows."""
        self._reading: Future[None] = Future()

    @property
    def waiting(self) -> int:
        """Number of rows that were read and not taken."""
        return len(self._ahead)

    @property
    def is_over(self) -> bool:
        """Whether all remaining rows are waiting."""
        return self._is_over

    @property
    def failure(self) -> RunnerError | None:
        """Why the rest of the rows can't be read, once the others were taken. Raises unexpected exceptions of the thread."""
        error = self._reading.exception()
        if error is None or isinstance(error, RunnerError):
            return error
        raise error

    def take(self, number: int, chars: int | None = None, linger_s: float | None = None) -> list[Row | BadRow] | Idle:
        """Return `number` rows; fewer at the end, if they have too many characters, or if they have waited too long.

        Return Idle if that many are not there yet, and no rows after the last one.
        """
        ahead = self._ahead
        self._wanted = 1 if linger_s is not None and not ahead else number
        is_due = self._is_over or self._is_full() or len(ahead) >= number
        if not (is_due or (chars is not None and self._chars() >= chars)):
            left_s = ahead[0][2] + linger_s - monotonic() if ahead and linger_s is not None else None
            if left_s is None or left_s > 0:
                return Idle(left_s)
        self._wanted = sys.maxsize
        rows: list[Row | BadRow] = []
        taken = 0
        for _ in range(min(number, len(ahead))):
            row, size, _ = ahead.popleft()
            rows.append(row)
            taken += size
            if chars is not None and taken >= chars:
                break
        self._chars_taken += taken
        with self._room:
            self._room.notify()
        return rows

    def __enter__(self) -> Self:
        threads = Threads(1)
        self._reading = threads.submit(self._read, get_ident())
        self._reading.add_done_callback(self._end)
        threads.shutdown(wait=False)
        return self

    def __exit__(self, *_: object) -> None:
        with self._room:
            self._is_left = True
            self._room.notify()

    def _read(self, owner: int) -> None:
        if get_ident() == owner:
            raise OSError("can't start a thread to read the rows")
        ahead = self._ahead
        for row in self._rows:
            size = size_of(row) if type(row) is LargeRow else 0
            self._chars_read += size
            ahead.append((row, size, monotonic()))
            if len(ahead) >= self._wanted or (size and self._chars() >= PART_CHARS):
                self._notify()
            if len(ahead) >= AHEAD_ROWS or (size and self._is_full()):
                self._notify()
                with self._room:
                    self._room.wait_for(lambda: self._is_left or not self._is_full())
            if self._is_left:
                return

    def _end(self, _: Future[None]) -> None:
        self._is_over = True
        self._wake()

    def _notify(self) -> None:
        if self._wanted < sys.maxsize:
            self._wanted = sys.maxsize
            self._wake()

    def _chars(self) -> int:
        return self._chars_read - self._chars_taken

    def _is_full(self) -> bool:
        return len(self._ahead) >= AHEAD_ROWS or self._chars() >= AHEAD_CHARS
