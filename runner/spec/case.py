"""Cases: what a spec's `tests:` say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner.errors import Problem, did_you_mean
from runner.spec.variables import Given

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from runner.source import Node


@dataclass(frozen=True, slots=True)
class Case:
    """One case. `now` is its frozen instant, `vars` what it gives."""

    name: str
    vars: dict[str, Given]
    now: datetime | None


def read_cases(tests: Node | None) -> list[Case]:
    """Read cases whose form is known to be right."""
    return [_case(node) for node in tests.items] if tests is not None else []


def case_problems(tests: Node, known: Collection[str]) -> Iterator[Problem]:
    """Report names that stand twice, variables that don't exist, and instants that are none."""
    names: dict[object, Node] = {}
    for node in tests.items:
        name = node.get("name")
        if name is not None and isinstance(name.value, str):
            if name.value in names:
                line = names[name.value].position().line
                message = f"there are two cases '{name.value}'"
                yield Problem("duplicate-case", message, name.position(), hint=f"the first is on line {line}")
            names.setdefault(name.value, name)
        given = node.get("vars")
        for key in given.entries if given is not None else ():
            if given is not None and key not in known:
                message = f"the spec declares no variable '{key}'"
                yield Problem("unknown-variable", message, given.key_position(key), hint=did_you_mean(key, known))
        now = node.get("now")
        if now is not None and isinstance(now.value, str):
            try:
                datetime.fromisoformat(now.value)
            except ValueError:
                hint = "for example 2026-01-02T03:04:05Z"
                yield Problem("bad-value", f"'{now.value}' is not an instant", now.position(), hint=hint)


def _case(node: Node) -> Case:
    name, given, now = node.get("name"), node.get("vars"), node.get("now")
    shown = str(name.value) if name is not None else ""
    values = given.entries if given is not None else {}
    return Case(
        shown,
        {key: Given(item.plain(), f"case '{shown}'", position=item.position()) for key, item in values.items()},
        datetime.fromisoformat(str(now.value)).astimezone(UTC) if now is not None else None,
    )
