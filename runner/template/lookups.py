"""Names, keys and attributes → their types, and those that do not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from runner.errors import MAX_HINTS, did_you_mean, nearest
from runner.template.signatures import METHODS, PARTS
from runner.template.types import (
    ANYTHING,
    MAP,
    OMITTED,
    OTHER,
    UNDEFINED,
    UNKNOWN,
    Type,
    each_kind,
    maybe,
    union,
    words,
)

if TYPE_CHECKING:
    from jinja2 import nodes

    from runner.codes import Code
    from runner.errors import Severity

Scope: TypeAlias = dict[str, Type]
"""The names that an expression can read, and their types. A name that is not there has an unknown one."""


class Mistake(NamedTuple):
    """A mistake in a template: at a node, or at a name that belongs to it."""

    code: Code
    message: str
    node: nodes.Node
    hint: str | None = None
    severity: Severity = "error"
    name: str | None = None


class Lookups:
    """Looks up attributes and keys, and collects the `mistakes` that it finds."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self.muted = 0
        """More than 0 inside a branch that is never taken."""
        self._hints = 0
        self.tested: set[str] = set()
        """Keys that templates test for: a map may not have them."""

    def report(
        self,
        code: Code,
        message: str,
        node: nodes.Node,
        hint: str | None = None,
        severity: Severity = "error",
        name: str | None = None,
    ) -> None:
        """Add a mistake, unless it is in code that never runs."""
        if not self.muted:
            self.mistakes.append(Mistake(code, message, node, hint, severity, name))

    def attribute(self, node: nodes.Node, name: str, owner: Type, *, guarded: bool = False) -> Type:
        """Return the type of an attribute or key. One that is `guarded` may not exist."""
        kinds = owner.kinds & ~UNDEFINED
        if guarded:
            self.tested.add(name)
        if kinds == ANYTHING & ~UNDEFINED or kinds & (OTHER | OMITTED):
            return owner.keys.get(name, UNKNOWN) if owner.keys is not None else UNKNOWN
        found = Type(owner.kinds & UNDEFINED)
        for kind in each_kind(kinds):
            part = self._key(node, name, owner, guarded=guarded) if kind == MAP else PARTS.get(kind, {}).get(name)
            found = union(found, part) if part is not None else maybe(found)
        if found.kinds == UNDEFINED and kinds and not kinds & MAP and not guarded:
            self.report("template-undefined", f"{words(kinds)} has no '{name}'", node, _call_it(name, kinds), name=name)
            return UNKNOWN
        return found

    def _may_hint(self) -> bool:
        """Return whether to look for what was meant once more: a hostile spec has thousands of names."""
        self._hints += 1
        return self._hints <= MAX_HINTS

    def _key(self, node: nodes.Node, name: str, owner: Type, *, guarded: bool) -> Type:
        """Look up a key of a map, and report one that the map does not have."""
        if owner.keys is None:
            return UNKNOWN
        if (found := owner.keys.get(name)) is not None:
            return found if name in owner.required else maybe(found)
        others = list(owner.keys)
        message = f"there is no key '{name}' here"
        if owner.is_closed:
            alone = owner.kinds & ~UNDEFINED == MAP
            severity: Severity = "error" if alone and not guarded else "warning"
            if alone:
                hint = _call_it(name, MAP)
                if hint is None and self._may_hint():
                    hint = did_you_mean(name, others, "the map is declared without it")
                self.report("template-undefined", message, node, hint, severity, name)
            return UNKNOWN if alone else Type(UNDEFINED)
        is_asked = name not in self.tested and not guarded and not self.muted
        if is_asked and owner.is_listed and self._may_hint() and (near := nearest(name, others)) is not None:
            message = f"the declaration lists no key '{name}'"
            self.report("template-undefined", message, node, f"did you mean '{near}'?", "warning", name)
        return UNKNOWN


def _call_it(name: str, kinds: int) -> str | None:
    is_method = any(name in METHODS.get(kind, {}) for kind in each_kind(kinds))
    return f"to use the method, call it: {name}()" if is_method else None
