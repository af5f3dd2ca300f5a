"""The body of a request → the events in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.importing.json_text import json_of
from runner.importing.payloads import events_in
from runner.importing.placeholders import readable, with_holes
from runner.importing.sample import Found, Hole

if TYPE_CHECKING:
    from runner.importing.placeholders import HoleOf


def body_events(body: str, origin: str, name: str, stem: str, *, line: int = 1, hole_of: HoleOf = Hole) -> Found:
    """Return the events of a JSON body. `origin` says where it stands, `name` is the source. Raises InvalidInput.

    `hole_of` makes the holes of marked variables in it.
    """
    return events_in(with_holes(json_of(readable(body), name, line), hole_of), origin, stem)
