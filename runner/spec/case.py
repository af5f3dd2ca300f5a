"""Cases: what a spec's `tests:` say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner.errors import MAX_HINTS, Problem, did_you_mean
from runner.source import SchemaError
from runner.spec.matchers import matcher_problems
from runner.spec.variables import Given

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runner.source import Node
    from runner.spec.variables import Variable


@dataclass(frozen=True, slots=True)
class Case:
    """One case. `now` is its frozen instant, `vars` what it gives."""

    name: str
    vars: dict[str, Given]
    now: datetime | None


def read_cases(tests: Node | None) -> list[Case]:
    """Read cases whose form is known to be right."""
    return [_case(node) for node in tests.items] if tests is not None else []


def case_problems(tests: Node, variables: Mapping[str, Variable | None]) -> Iterator[Problem]:
    """Report what the format's schema can't tell of cases: names, values of variables, instants and matchers.

    `variables` has every name that a case may give; None for one whose declaration can't be read.
    """
    names: dict[str, Node] = {}
    told = 0
    for node in tests.items:
        name, shown = node.get("name"), None
        if name is not None and isinstance(name.value, str):
            shown = in_case(name.value)
            if name.value in names:
                line = names[name.value].position().line
                message = f"there are two cases '{name.value}'"
                yield Problem("duplicate-case", message, name.position(), hint=f"the first is on line {line}")
            names.setdefault(name.value, name)
        for problem in _one_case(node, variables, hinted=told < MAX_HINTS):
            told += 1
            yield replace(problem, context=shown)


def secrets_in_cases(tests: Node, variables: Iterable[Variable]) -> list[str]:
    """List the secret texts that cases give."""
    names = {variable.name for variable in variables if variable.is_secret}
    given = [node.get("vars", name) for node in tests.items for name in names]
    return [text for item in given if item is not None for text in Given.written(item, "a case").secrets]


def in_case(name: str) -> str:
    """Say where a problem happened."""
    return f"in case '{name}'"


def _one_case(node: Node, variables: Mapping[str, Variable | None], *, hinted: bool) -> Iterator[Problem]:
    given, expect, now = node.get("vars"), node.get("expect"), node.get("now")
    fails = expect is not None and "error" in expect.entries
    for key, item in given.entries.items() if given is not None else ():
        variable = variables.get(key)
        if key not in variables:
            message = f"the spec declares no variable '{key}'"
            place = given.key_position(key) if given is not None else None
            yield Problem("unknown-variable", message, place, hint=did_you_mean(key, variables) if hinted else None)
        elif variable is not None and not fails:  # a case that expects an error may well give what it takes to have one
            try:
                yield from variable.problems(Given.written(item, "the case"))
            except SchemaError:  # told at the declaration
                continue
    if now is not None and isinstance(now.value, str):
        try:
            datetime.fromisoformat(now.value).astimezone(UTC)
        except (ValueError, OverflowError):
            hint = "for example 2026-01-02T03:04:05Z"
            yield Problem("bad-value", f"'{now.value}' is not an instant", now.position(), hint=hint)
    for part in expect.entries.values() if expect is not None else ():
        for value in part.entries.values():
            yield from matcher_problems(value)


def _case(node: Node) -> Case:
    name, given, now = node.get("name"), node.get("vars"), node.get("now")
    shown = str(name.value) if name is not None else ""
    values = given.entries if given is not None else {}
    return Case(
        shown,
        {key: Given.written(item, f"case '{shown}'") for key, item in values.items()},
        datetime.fromisoformat(str(now.value)).astimezone(UTC) if now is not None else None,
    )
