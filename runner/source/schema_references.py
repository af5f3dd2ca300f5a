"""References in a JSON Schema → the schemas that they may refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin

from runner.source.pattern_work import TooMuchError

if TYPE_CHECKING:
    from runner.source.node import Json


MAX_PLACES = 20_000_000
"""Maximum number of characters in the paths of all rules together: the validator stores the path of each rule."""
_URIS = 4
"""Cost of a character of a URI, which is parsed and joined, relative to one of a path."""
SchemaMap = dict[str, "Json"]


class References:
    """The targets of references. It follows the rules of JSON Schema, and returns every schema that a reference may mean."""

    def __init__(self, schema: Json) -> None:
        self._bases: dict[int, str] = {}
        self._named: dict[str, list[Json]] = {"": [schema]}
        self._anchors: dict[str, list[Json]] = {}
        self._places = 0
        self.longest = 0
        """Characters of the longest path of a schema."""
        self._add(schema, "", 0)

    def _add(self, value: Json, base: str, way: int) -> None:
        """Add a value and all values inside it; `way` is the number of characters in its path."""
        if isinstance(value, dict):
            self._spend(way * len(value))
            self.longest = max(self.longest, way)
            if isinstance(name := value.get("$id"), str):
                self._spend((len(base) + len(name)) * _URIS)
                base = urljoin(base, name).partition("#")[0]
                self._named.setdefault(base, []).append(value)
            self._bases[id(value)] = base
            for keyword in ("$anchor", "$dynamicAnchor"):
                if isinstance(anchor := value.get(keyword), str):
                    self._named.setdefault(f"{base}#{anchor}", []).append(value)
                    self._anchors.setdefault(anchor, []).append(value)
        entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for step, item in entries:
            if isinstance(item, dict | list):
                self._add(item, base, way + (len(step) if isinstance(step, str) else 1) + 1)

    def _spend(self, chars: int) -> None:
        self._places += chars
        if self._places > MAX_PLACES:
            raise TooMuchError("its keys and names are too long for the number of its rules")

    def targets(self, schema: SchemaMap, reference: str, *, is_dynamic: bool) -> list[Json]:
        """Return the schemas that a reference in a schema may refer to."""
        base = self._bases[id(schema)]
        self._spend((len(base) + len(reference)) * _URIS)
        whole = base + reference if reference.startswith("#") else urljoin(base, reference)
        name, _, fragment = whole.partition("#")
        fragment = unquote(fragment)
        if fragment and not fragment.startswith("/"):
            return self._anchors.get(fragment, []) if is_dynamic else self._named.get(f"{name}#{fragment}", [])
        steps = [step.replace("~1", "/").replace("~0", "~") for step in fragment.split("/")[1:]]
        found = [_at(resource, steps) for resource in self._named.get(name, [])]
        return [target for target in found if isinstance(target, dict | bool)]


_FEW_DIGITS = 9


def _at(value: Json, steps: list[str]) -> Json:
    for step in steps:
        if isinstance(value, list):
            is_index = step.isdecimal() and len(step) <= _FEW_DIGITS
            value = value[int(step)] if is_index and int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value
