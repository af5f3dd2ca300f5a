"""Syntax of other formats → hints for the syntax of specs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.project.format import document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.errors import Problem, Step
    from runner.source import Fault, Node


_JSON_TYPES = ("string", "number", "integer", "boolean", "array", "object", "null")


def advised(problem: Problem, fault: Fault, root: Node) -> Problem:
    """Add a hint to a problem that comes from the syntax of another format."""
    node = root.get(*fault.path)
    value = node.value if node is not None else None
    hint = problem.hint
    match fault.path:
        case ("vars", _) if fault.keyword == "additionalProperties" and node is not None:
            hint = _hint_of_keyword(str(fault.key), node) or hint
        case ("vars",) if fault.keyword == "type" and isinstance(value, list):
            hint = "write a map of names to declarations, such as user: {type: string}"
        case () if fault.keyword == "required" and fault.key == "version":
            hint = "add the line `version: 1`"
        case ("vars", _) if fault.keyword == "type" and value in _JSON_TYPES:
            hint = f"write {{type: {value}}}"
        case ("vars", _) if fault.keyword == "type" and isinstance(value, str):
            hint = "a variable is declared by a map, such as {type: string, default: …}"
        case ("vars", _, "required") if isinstance(value, bool):
            hint = (
                "omit it: a variable without a default is required"
                if value
                else "omit it, and add a default to make the variable optional"
            )
        case (*_, str(key)) if fault.keyword == "type" and hint is None:
            hint = _example(key, fault.rule)
        case _:
            pass
    return replace(problem, hint=hint)


def _example(key: str, rule: Sequence[Step]) -> str | None:
    """Return an example for a key from the format's schema; None if the type is example enough."""
    from runner.source.yaml_writer import in_one_line  # noqa: PLC0415 - valid specs do not need it

    part = document()
    for step in rule[:-1]:
        part = part[step]  # the path was found in the same document
    shown = next((each for each in part.get("examples", ()) if isinstance(each, dict | list)), None)
    if shown is None:
        return None
    return f"such as {key}: {in_one_line(shown)}"


_BOUNDS = {"number": "imum", "integer": "imum", "string": "Length", "array": "Items", "object": "Properties"}


_KEYWORDS = {
    "regex": "did you mean 'pattern'?", "regexp": "did you mean 'pattern'?",
    **dict.fromkeys(("choices", "options", "values", "one_of", "allowed"), "did you mean 'enum'?"),
    "optional": "omit it: a variable with a default is optional",
}  # fmt: skip


def _hint_of_keyword(key: str, declaration: Node) -> str | None:
    """Return the keyword of JSON Schema for one of another format; `min` and `max` depend on the type."""
    if key not in ("min", "max"):
        return _KEYWORDS.get(key)
    kind = declaration.get("type")
    suffix = _BOUNDS.get(kind.value) if kind is not None and isinstance(kind.value, str) else None
    return f"did you mean '{key}{suffix or 'imum'}'?"
