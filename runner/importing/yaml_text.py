"""A spec as plain values with comments → YAML: keys in the order of the manual, and quotes wherever a reader could differ."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.errors import Step
    from runner.source import Json

KEYS = (
    "version", "name", "description", "labels", "extends", "vars", "let", "event", "distinct_id", "tenant_id", "brand_id",
    "idempotency_key", "properties", "attachments", "schema", "volatile", "tests",
)  # fmt: skip
_WIDTH = 110
_PLAIN = re.compile(r"[A-Za-z_$][A-Za-z0-9_./@+$-]*(?: [A-Za-z0-9_./@+$-]+)*")
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
"""Words that some YAML reader takes for a boolean or null."""
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_BLOCKS = ("vars", "let", "properties", "tests", "attachments")
_HEX_BYTE, _HEX_SHORT = 0xFF, 0xFFFF


@dataclass(slots=True)
class Commented:
    """The document of a spec, and the comments above its keys, by their paths; those of the path () begin the file."""

    document: dict[str, Json]
    comments: dict[tuple[Step, ...], list[str]] = field(default_factory=dict)

    def ask(self, path: tuple[Step, ...], question: str) -> None:
        """Add a comment above a key, unless it is there already."""
        lines = self.comments.setdefault(path, [])
        if question not in lines:
            lines.append(question)

    @property
    def questions(self) -> list[str]:
        """The comments but for the first line of the file, which says where it comes from."""
        lines = [line for lines in self.comments.values() for line in lines]
        return lines[1:]


def yaml_text(spec: Commented) -> str:
    """Return the text of a spec."""
    lines = [f"# {line}" for line in spec.comments.get((), ())]
    ordered = {key: spec.document[key] for key in KEYS if key in spec.document}
    previous = ""
    for key, value in ordered.items():
        if previous and (key in _BLOCKS or previous in _BLOCKS) and (key, previous) != ("attachments", "properties"):
            lines.append("")
        lines += _entry(key, value, "", (key,), spec.comments)
        previous = key
    return "\n".join(lines) + "\n"


def _entry(
    key: str, value: Json, indent: str, path: tuple[Step, ...], comments: Mapping[tuple[Step, ...], Sequence[str]]
) -> Iterator[str]:
    yield from (f"{indent}# {line}" for line in comments.get(path, ()))
    head = f"{indent}{_scalar(key)}:"
    short = f"{head} {flow(value)}"
    if _is_flow(value, short, path, comments):
        yield short
        return
    yield head
    yield from _block(value, indent + "  ", path, comments)


def _block(
    value: Json, indent: str, path: tuple[Step, ...], comments: Mapping[tuple[Step, ...], Sequence[str]]
) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _entry(key, item, indent, (*path, key), comments)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from (f"{indent}# {line}" for line in comments.get((*path, index), ()))
            short = f"{indent}- {flow(item)}"
            if _is_flow(item, short, (*path, index), comments):
                yield short
                continue
            below = _block(item, indent + "  ", (*path, index), comments)
            first = next(below)
            yield f"{indent}- {first.lstrip()}"
            yield from below


def _is_flow(
    value: Json, line: str, path: tuple[Step, ...], comments: Mapping[tuple[Step, ...], Sequence[str]]
) -> bool:
    if not isinstance(value, dict | list) or not value:
        return True
    if path[0] in _BLOCKS and (len(path) == 1 or (path[0] == "tests" and len(path) == 2)):  # noqa: PLR2004 - a case
        return False
    if any(len(below) > len(path) and below[: len(path)] == path for below in comments):
        return False
    return len(line) <= _WIDTH


def flow(value: Json) -> str:
    """Return a value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return _scalar(value)


def _scalar(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _float(value)
        case _:
            text = str(value)
            return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else _quoted(text)


def _float(value: float) -> str:
    if not isfinite(value):
        raise ValueError("JSON has no such number")
    digits, exponent, power = repr(value).partition("e")
    if not exponent:
        return digits
    # Readers of YAML 1.1 take a number for text without a fraction and a sign.
    return f"{digits if '.' in digits else digits + '.0'}e{power if power[0] in '+-' else '+' + power}"


def _quoted(text: str) -> str:
    if text.isprintable() and ('"' in text or "\\" in text):
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(_ESCAPES.get(char) or (char if char.isprintable() else _escaped(char)) for char in text) + '"'


def _escaped(char: str) -> str:
    code = ord(char)
    if code <= _HEX_BYTE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _HEX_SHORT else f"\\U{code:08x}"
