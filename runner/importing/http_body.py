"""The body of a request → the events in it."""

from __future__ import annotations

from runner.importing.json_text import json_of
from runner.importing.payloads import events_in
from runner.importing.sample import Found, plain


def body_events(body: str, origin: str, name: str, stem: str, *, line: int = 1) -> Found:
    """Return the events of a JSON body. `origin` says where it stands, `name` is the source. Raises InvalidInput."""
    return events_in(plain(json_of(body, name, line)), origin, stem)
