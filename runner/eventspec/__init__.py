"""A spec's file and variables → an event, or problems."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.eventspec.event import Occurrence, render
    from runner.eventspec.portable import load_portable, portable_text
    from runner.eventspec.reader import check, load
    from runner.eventspec.spec import Loaded, Spec
    from runner.eventspec.specialized import Make, specialize

__all__ = [
    "Loaded",
    "Make",
    "Occurrence",
    "Spec",
    "check",
    "load",
    "load_portable",
    "portable_text",
    "render",
    "specialize",
]

_HOMES = {
    "Loaded": "spec",
    "Make": "specialized",
    "Occurrence": "event",
    "Spec": "spec",
    "check": "reader",
    "load": "reader",
    "load_portable": "portable",
    "portable_text": "portable",
    "render": "event",
    "specialize": "specialized",
}


def __getattr__(name: str) -> object:
    if home := _HOMES.get(name):
        return getattr(import_module(f"runner.eventspec.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
