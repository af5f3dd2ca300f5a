"""A collection of Postman (schema v2.0 and v2.1) → the events that its requests post.

Postman has variables of its own, `{{name}}`, in texts and in place of values. They become variables of the spec.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from runner.errors import InvalidInput
from runner.importing.faults import MAX_EVENTS
from runner.importing.http_body import body_events
from runner.importing.placeholders import mark
from runner.importing.sample import ABSENT, Found, Hole, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.source import Json

_NAME = re.compile(r"\{\{\s*(\$?[\w. -]{1,100}?)\s*\}\}")
_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*[\s\S]*?\*/')
_MAX_ITEMS = 20_000


def is_collection(value: Json) -> bool:
    """Return whether a JSON value is a collection of Postman."""
    if not isinstance(value, dict) or not isinstance(value.get("item"), list):
        return False
    info = value.get("info")
    return isinstance(info, dict) and ("_postman_id" in info or "postman" in str(info.get("schema", "")))


def unwrapped(value: Json) -> Json:
    """Return the collection in what Postman's API answers; any other value as it is."""
    inner = value.get("collection") if isinstance(value, dict) and len(value) == 1 else None
    return inner if is_collection(inner) else value


def collection_events(value: Json, name: str, stem: str) -> Found:
    """Return the events of a collection. A request whose body is not JSON is a note."""
    known = _known(value.get("variable") if isinstance(value, dict) else None)
    samples: list[Sample] = []
    notes: list[str] = []
    for title, request in _requests(value):
        body = request.get("body")
        raw = body.get("raw") if isinstance(body, dict) and body.get("mode", "raw") == "raw" else None
        if not isinstance(raw, str) or not raw.strip():
            continue
        if len(samples) >= MAX_EVENTS:
            break
        origin = f"{name}, request {title}"
        try:
            found = body_events(_marked(raw), origin, name, stem, hole_of=partial(_hole, known))
        except InvalidInput as error:
            notes.append(f"{origin}: skipped its body: {error.problems[0].message}")
            continue
        samples += found.samples
        notes += found.notes
    return Found(tuple(samples), tuple(notes))


def _requests(collection: Json) -> Iterator[tuple[str, dict[str, Json]]]:
    """Walk the requests of all folders, in their order, with their names."""
    pending: list[Json] = [collection]
    for _ in range(_MAX_ITEMS):
        if not pending:
            return
        item = pending.pop()
        if not isinstance(item, dict):
            continue
        below = item.get("item")
        if isinstance(below, list):
            pending += reversed(below)
        request = item.get("request")
        if isinstance(request, dict):
            yield str(item.get("name", "without a name"))[:100], request


def _known(listed: Json) -> dict[str, Json]:
    """Return the values of a collection's variables."""
    return {
        str(each["key"]): each["value"]
        for each in (listed if isinstance(listed, list) else ())
        if isinstance(each, dict) and "key" in each and each.get("value") not in (None, "")
    }


def _marked(raw: str) -> str:
    """Return the body of a request with marked variables, and blanks in place of comments."""
    text = _COMMENT.sub(lambda match: match[1] or " ", raw)
    return _NAME.sub(lambda match: mark(match[1]), text)


def _hole(known: Mapping[str, Json], name: str, declaration: Mapping[str, Json]) -> Hole:
    if name.startswith("$"):
        return Hole(name[1:], declaration, question=f"Postman made it up anew, by {{{{{name}}}}}. What is it?")
    value = known.get(name, ABSENT)
    if value is not ABSENT:
        return Hole(name, declaration, str(value) if declaration else value)
    return Hole(name, declaration, question=f"What is {name}? The collection has no value of it.")
