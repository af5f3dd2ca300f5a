"""Random specs against random schemas and conditions: what is reported is broken in every event that the spec can send."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from runner.errors import RunnerError
from runner.eventspec import check, render
from runner.eventspec.event import Occurrence
from runner.source import Schema, SchemaError, read_text
from runner.workflows.assets import Assets, DeclaredEvent, PulledSchema
from runner.workflows.checks import asset_problems
from runner.workflows.condition_values import Scope
from runner.workflows.conditions import any_holds
from runner.workflows.reach import Listeners
from tests.workflows.definitions import assets_of, condition, email, workflow_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.errors import Problem
    from runner.eventspec import Spec
    from runner.source import Json
    from runner.source.fault import Fault

VALUES: dict[str, tuple[Any, list[Any]]] = {
    "s": ("string", ["", "a", "paid", "2024-01-01"]),
    "n": ("number", [0, 1.5, -3, 1000]),
    "i": ("integer", [0, 7, -2]),
    "b": ("boolean", [True, False]),
    "l": ("array", [[], ["a"], [1, 2], [{"name": "cup"}]]),
    "o": ("object", [{}, {"name": "cup"}, {"name": 3, "x": None}]),
    "z": (["string", "null"], [None, "q"]),
}
TEMPLATES = [
    "{{ s }}", "{{ n }}", "{{ i }}", "{{ b }}", "{{ l }}", "{{ o }}", "{{ z }}", "a {{ s }}", "{{ n * 2 }}", "{{ s if b else n }}",
    "{{ s if b else omit }}", "{{ l | length }}", "{{ o.name | default('k') }}", "{{ z | default('none', true) }}", "{{ [s, n] }}",
    "{{ {'name': s} }}", "{{ s | upper }}", "{{ n > 3 }}", "{{ l | first | default(none) }}", "{{ omit }}", "{{ i / 2 }}",
    "{{ l | map(attribute='name') | list if b else l }}",
]  # fmt: skip
CONSTANTS = ["paid", "lost", "", 3, -1, 2.5, True, None, "2024-01-01", [], ["a"], [1, "a"], {"name": "cup"}, {}]
KEYS = ["a", "b", "c", "name", "status"]
TYPES = ["string", "number", "integer", "boolean", "array", "object", "null", ["string", "null"], ["number", "string"]]
HEAD = {"version": 1, "vars": {name: {"type": kind, "default": values[0]} for name, (kind, values) in VALUES.items()}}
ROUNDS, EVENTS = 150, 8


class Draw(Random):
    """Random specs, schemas and conditions."""

    def may(self, chance: float) -> bool:
        return self.random() < chance

    def value(self, level: int = 0) -> Any:
        if self.may(0.4):
            return self.choice(TEMPLATES)
        if self.may(0.5) or level > 2:
            return self.choice(CONSTANTS)
        if self.may(0.3):
            return {"$for": "x in l", "$do": self.value(level + 1)}
        return self.entries(level) if self.may(0.6) else [self.value(level + 1) for _ in range(self.randrange(3))]

    def entries(self, level: int = 0) -> dict[str, Any]:
        return {key: self.value(level + 1) for key in self.sample(KEYS, self.randrange(1, 5))}

    def properties(self) -> Any:
        if self.may(0.1):
            return {"$merge": [self.entries(), self.choice(["{{ o }}", "{{ {'a': s} }}", {"b": 1}])]}
        return self.choice(["{{ o }}", {"$literal": {"a": 1}}]) if self.may(0.1) else self.entries()

    def schema(self, level: int = 0) -> dict[str, Any]:
        parts: list[tuple[float, str, Any]] = [
            (0.7, "type", self.choice(TYPES)),
            (0.2, "enum", self.sample(CONSTANTS, self.randrange(1, 5))),
            (0.1, "const", self.choice(CONSTANTS)),
            (0.15, "minimum", self.choice([0, 3])),
            (0.15, "pattern", self.choice(["^p", "^$", "[0-9]"])),
            (0.15, "minLength", 1),
            (0.1, "format", "date-time"),
        ]
        if level < 3:
            deeper = [self.schema(level + 1) for _ in range(6)]
            parts += [
                (0.4, "properties", {key: self.schema(level + 1) for key in self.sample(KEYS, self.randrange(1, 4))}),
                (0.3, "required", self.sample(KEYS, 2)),
                (0.2, "additionalProperties", self.choice([False, True, {"type": "string"}])),
                (0.1, "patternProperties", {"^a": deeper[0]}),
                (0.2, "items", deeper[1]),
                (0.1, "prefixItems", [deeper[2]]),
                (0.1, "anyOf", deeper[3:5]),
                (0.1, "allOf", [deeper[5]]),
                (0.1, "not", deeper[0]),
                (0.1, "$ref", self.choice(["#/$defs/x", "#/properties/a", "#"])),
                (0.05, "dependentRequired", {"a": ["b"]}),
                (0.05, "unevaluatedProperties", False),
            ]
        return {key: value for chance, key, value in parts if self.may(chance)}

    def whole_schema(self) -> dict[str, Any]:
        made = {key: value for key, value in self.schema().items() if key not in ("enum", "const")}
        parts = {"properties": {key: self.schema(1) for key in self.sample(KEYS, 3)}, **made}
        return {**parts, "type": "object", "$defs": {"x": self.schema(2)}}

    def condition(self) -> dict[str, Any]:
        operators = [
            "==", ">", "<=", "CONTAINS", "EMPTY", "NON_EMPTY", "ARRAY_INTERSECTS", "DATETIME_LT", "NOT_CONTAINS", "!=",
        ]  # fmt: skip
        value = self.choice(['"paid"', "3", "true", "null", '"now"', '["a"]', "-1.5", '"2030-01-01T00:00:00Z"'])
        op = self.choice(operators)
        path = self.choice([*KEYS, "a.name", "b.0", "c.b.a", "other", "status.name"])
        return condition(path, op, None if op in ("EMPTY", "NON_EMPTY") else value)


def loaded(tmp_path: Path, properties: Any) -> Spec | None:
    path = tmp_path / "spec.yaml"
    spec = {**HEAD, "event": "order_placed", "distinct_id": "u1", "properties": properties}
    path.write_text(json.dumps(spec), "utf-8")
    return check(path, tmp_path, None).spec


def sent_by(spec: Spec, draw: Draw) -> Iterator[dict[str, Any]]:
    """Yield the properties of some events."""
    for row in range(EVENTS):
        values = {name: draw.choice(values) for name, (_, values) in VALUES.items()}
        try:
            event = render(spec, values, Occurrence(UUID(int=1), row, datetime(2026, 1, 2, tzinfo=UTC)))
        except RunnerError:
            continue  # such as an attribute that an item of a list does not have
        yield dict(event.properties)


def is_broken(problem: Problem, properties: Json, faults: list[Fault]) -> bool:
    """Return whether a problem is one of an event, or about something that this event does not have."""
    steps = [int(step) if step.isdecimal() else step for step in re.findall(r"[^.\[\]]+", problem.at or "")][1:]
    value: Any = properties
    above = steps[:-1] if " requires " in problem.message else steps
    for step in above:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return True
    if " requires " in problem.message and not isinstance(value, dict):
        return True
    names = [step for step in steps if isinstance(step, str)]
    paths = [[step for step in fault.path if isinstance(step, str)] for fault in faults]
    return any(path[: len(names)] == names or names[: len(path)] == path for path in paths)


@pytest.mark.parametrize("seed", range(2))
def test_what_a_schema_is_said_to_refuse_it_refuses_in_every_event(seed: int, tmp_path: Path) -> None:
    draw, reported = Draw(seed), 0
    source = read_text("{}", "event.json", as_json=True).root
    assert source is not None
    for _ in range(ROUNDS):
        spec, document = loaded(tmp_path, draw.properties()), draw.whole_schema()
        try:
            schema = Schema(document)
        except SchemaError:
            continue
        assets = Assets(
            tmp_path,
            {"order_placed": DeclaredEvent("order_placed", "order", source)},
            {"order": PulledSchema("order", document, tmp_path, source)},
        )
        problems = (
            [each for each in asset_problems(spec, assets, Listeners(assets)) if each.code == "event-schema"]
            if spec
            else []
        )
        reported += bool(problems)
        for properties in sent_by(spec, draw) if spec and problems else ():
            faults = schema.faults(properties)
            assert [each for each in problems if not is_broken(each, properties, faults)] == [], (properties, document)
    assert reported > ROUNDS / 4


@pytest.mark.parametrize("seed", range(2))
def test_a_condition_that_is_said_never_to_hold_holds_for_no_event(seed: int, tmp_path: Path) -> None:
    draw, reported = Draw(seed), 0
    for _ in range(ROUNDS):
        spec = loaded(tmp_path, draw.properties())
        assets = assets_of(
            tmp_path, workflow_file(email(), trigger_events=["order_placed"], conditions=[draw.condition()])
        )
        problems = (
            [each for each in asset_problems(spec, assets, Listeners(assets)) if each.code == "condition-variable"]
            if spec
            else []
        )
        reported += bool(problems)
        [workflow] = (assets.workflows or {}).values()
        for properties in sent_by(spec, draw) if spec and problems else ():
            holds, checks = any_holds(workflow.conditions, Scope(properties, {}, {}, {}, "orders", 0))
            assert not holds, (properties, checks, problems)
    assert reported > ROUNDS / 10
