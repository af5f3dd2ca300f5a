"""An `Event` → a signed request → a `Response`; many events → chunks → a `BulkResponse`.

The names load on first use: the rules of an event are needed by commands that never open a connection.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.suprsend.bulk import BulkEvents, BulkResponse
    from runner.suprsend.client import Suprsend
    from runner.suprsend.event import Event

__all__ = ["BulkEvents", "BulkResponse", "Event", "Suprsend"]

_HOMES = {
    "BulkEvents": "runner.suprsend.bulk",
    "BulkResponse": "runner.suprsend.bulk",
    "Event": "runner.suprsend.event",
    "Suprsend": "runner.suprsend.client",
}


def __getattr__(name: str) -> object:
    if home := _HOMES.get(name):
        return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
