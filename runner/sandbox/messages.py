"""Accepted events → the messages that come of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from runner.sandbox.arrival import Arrival


class Messages(Protocol):
    """Makes and stores the messages of events, in the transaction that stores these."""

    def store(self, writer: sqlite3.Connection, arrivals: Sequence[Arrival]) -> None:
        """Store the messages of accepted events; refused and duplicate ones have none."""
