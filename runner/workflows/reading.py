"""Reading values of a workflow file: each with its type checked, and its problems at their place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.errors import MAX_HINTS, Problem, did_you_mean
from runner.source import describe
from runner.suprsend.messages import CHANNELS
from runner.workflows.definition import Expression
from runner.workflows.durations import seconds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from runner.source import Node
    from runner.suprsend.messages import Channel
    from runner.workflows.definition import Language

MAX_EXPRESSION_CHARS = 10_000


class Reading:
    """The reading of one file. Problems are collected; a value that can't be read is replaced by a default."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.refs: dict[str, Node] = {}

    def report(self, message: str, node: Node, at: str | None = None, hint: str | None = None) -> None:
        """Add a problem at a node."""
        self.problems.append(Problem("workflow-invalid", message, node.position(), at=at, hint=hint))

    def child(self, node: Node, key: str, kind: type, name: str, *, needed: bool = False) -> Node | None:
        """Return an entry of a map that has the type `kind`; null counts as absent."""
        found = node.get(key)
        if found is None or found.value is None:
            if needed:
                self.report(f"{name} has no '{key}'", node)
            return None
        if not isinstance(found.value, kind) or (kind is int and isinstance(found.value, bool)):
            self.report(f"'{key}' of {name} must be {_KINDS[kind]}, not {describe(found.value)}", found)
            return None
        return found

    def text(self, node: Node, key: str, name: str, default: str | None = None) -> str:
        """Return a text; without a default it is needed."""
        found = self.child(node, key, str, name, needed=default is None)
        return str(found.value) if found is not None else default or ""

    def one_of(self, node: Node, key: str, name: str, words: Collection[str], default: str | None = None) -> str:
        """Return one of some words; the default, else the first of them, for another one."""
        found = self.child(node, key, str, name, needed=default is None)
        if found is None:
            return default if default is not None else next(iter(words))
        if found.value not in words:
            hint = did_you_mean(str(found.value), words) if len(self.problems) < MAX_HINTS else None
            self.report(f"'{key}' of {name} can't be '{str(found.value)[:100]}'", found, hint=hint)
            return default if default is not None else next(iter(words))
        return str(found.value)

    def number(self, node: Node, key: str, name: str, default: int, least: int = 0, most: int = 10**9) -> int:
        """Return an integer between two limits."""
        found = self.child(node, key, int, name)
        if found is None:
            return default
        value = found.value if isinstance(found.value, int) else default
        if not least <= value <= most:
            self.report(f"'{key}' of {name} must be between {least} and {most}, not {value}", found)
            return default
        return value

    def flag(self, node: Node, key: str, name: str, *, default: bool = False) -> bool:
        """Return a boolean."""
        found = self.child(node, key, bool, name)
        return found.value is True if found is not None else default

    def expression(
        self, node: Node, key: str, name: str, language: Language, *, needed: bool = False
    ) -> Expression | None:
        """Return an expression; None without one, and for an empty one that is not needed."""
        found = self.child(node, key, str, name, needed=needed)
        if found is None:
            return None
        text = str(found.value)
        if not text.strip():
            if needed:
                self.report(f"'{key}' of {name} is empty", found)
            return None
        if len(text) > MAX_EXPRESSION_CHARS:
            self.report(f"'{key}' of {name} has more than {MAX_EXPRESSION_CHARS:,} characters", found)
            return None
        return Expression(language, text, found)

    def duration(self, node: Node, key: str, name: str, *, needed: bool = True) -> int | None:
        """Return a duration in seconds."""
        found = self.child(node, key, str, name, needed=needed)
        if found is None:
            return None
        try:
            return seconds(str(found.value))
        except ValueError as error:
            self.report(f"'{key}' of {name}: {error}", found)
            return None

    def channels(self, node: Node, key: str, name: str) -> tuple[Channel, ...]:
        """Return a list of channels; `mobile_push` stands for both of its kinds."""
        found = self.child(node, key, list, name)
        channels: dict[Channel, None] = {}
        for item in found.items if found is not None else ():
            if isinstance(item.value, str) and item.value in _GROUPS:
                channels.update(dict.fromkeys(_GROUPS[item.value]))
            elif isinstance(item.value, str) and item.value in CHANNELS:
                channels[CHANNELS[CHANNELS.index(item.value)]] = None
            else:
                hint = did_you_mean(str(item.value), CHANNELS) if isinstance(item.value, str) else None
                self.report(f"{describe(item.value)} is not a channel in '{key}' of {name}", item, hint=hint)
        return tuple(channels)

    def no_others(self, node: Node, known: Iterable[str], name: str) -> None:
        """Report entries that are not known."""
        names = tuple(known)
        for key in node.entries:
            if key not in names and not key.startswith("$"):
                hint = did_you_mean(key, names) if len(self.problems) < MAX_HINTS else None
                position = node.key_position(key)
                self.problems.append(
                    Problem("workflow-invalid", f"{name} has the unknown property '{key}'", position, hint=hint)
                )

    def ref(self, node: Node, name: str) -> str | None:
        """Return the `ref` of a node or a branch, which is unique in its file."""
        found = self.child(node, "ref", str, name)
        if found is None or not found.value:
            return None
        ref = str(found.value)
        if not _REF.fullmatch(ref):
            self.report(f"the ref '{ref[:100]}' of {name} must be a name of letters, digits and _", found)
            return None
        if ref in self.refs:
            line = self.refs[ref].position().line
            self.report(f"the ref '{ref}' stands for two things", found, hint=f"the first is on line {line}")
            return None
        self.refs[ref] = found
        return ref


_REF = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,63}")
_KINDS = {str: "text", int: "an integer", bool: "true or false", list: "a list", dict: "a map"}
_GROUPS: dict[str, tuple[Channel, ...]] = {
    "mobile_push": ("androidpush", "iospush"),
    "push": ("androidpush", "iospush"),
}
