"""Turns to compute, for threads that compute a little and wait long."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock, get_ident
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Turns:
    """Lets one thread at a time compute, and another one while it waits for a server.

    The interpreter lets no two threads compute at once either. But there, each thread that comes back from the network
    interrupts the one that computes, which takes a fifth of the time of eight threads that send.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._owner = 0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for a turn, and have it during the block."""
        self._take()
        try:
            yield
        finally:
            self._give()

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Let another thread compute during the block, in which this one waits. Without a turn, this does nothing."""
        is_mine = self._owner == get_ident()
        if is_mine:
            self._give()
        try:
            yield
        finally:
            if is_mine:
                self._take()

    def _take(self) -> None:
        self._lock.acquire()
        self._owner = get_ident()

    def _give(self) -> None:
        self._owner = 0
        self._lock.release()
