"""What is known of the properties that a spec sends, by the paths that workflows and templates read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import did_you_mean
from runner.eventspec.inferred import properties_type
from runner.template.types import LIST, MAP, OMITTED, SEQUENCE, UNDEFINED, UNKNOWN, Type, kind_of

if TYPE_CHECKING:
    from runner.eventspec import Spec

_ABSENT = OMITTED | UNDEFINED


class Sent(NamedTuple):
    """The value at a path. `type` None: it is never sent; `hint` names a similar key then."""

    type: Type | None
    hint: str | None = None


class SentProperties:
    """The properties of one spec."""

    def __init__(self, spec: Spec) -> None:
        self.type = properties_type(spec)

    def at(self, path: str) -> Sent:
        """Return what is known of the value at a path: that of a key with exactly this name, else step by step."""
        whole = self.type
        if whole.keys is not None and path in whole.keys:
            return Sent(whole.keys[path])
        for step in path.split("."):
            name = step.replace("[]", "")
            whole = _items(whole) if name.isdecimal() and whole.kinds & LIST else _entry(whole, name)
            if not whole.kinds:
                known = self.type.keys or {}
                return Sent(None, did_you_mean(path.partition(".")[0], known) if known else None)
            for _ in range(step.count("[]")):
                whole = _items(whole)
        return Sent(whole)


_NEVER = Type(0)


def _entry(whole: Type, name: str) -> Type:
    if whole.kinds & ~(MAP | _ABSENT) and not whole.kinds & MAP:
        return _NEVER if not whole.kinds & (LIST | SEQUENCE) or name != "length" else UNKNOWN
    if whole.keys is None:
        return UNKNOWN
    found = whole.keys.get(name)
    if found is None:
        return _NEVER if whole.is_closed else UNKNOWN
    return found


def _items(whole: Type) -> Type:
    if not whole.kinds & (LIST | SEQUENCE):
        return UNKNOWN if whole.kinds & MAP else _NEVER
    return whole.item if whole.item is not None else UNKNOWN


def kinds_of_json(text: str) -> int | None:
    """Return the kind of a JSON text; None if it is none."""
    try:
        return kind_of(json.loads(text))
    except ValueError:
        return None
