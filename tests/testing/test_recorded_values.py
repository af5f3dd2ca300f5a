"""No change of any value that was recorded replays green."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from runner.errors import ExitCode
from runner.testing.verdict import run_case

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.testing.conftest import Project


# Every value in every recorded request, changed in every way

UNCOMPARED = {"$insert_id", "$time", "env", "$ss_sdk_version"}


def changed(value: Any, place: str = "") -> Iterator[tuple[str | None, Any]]:
    """Yield JSON values with one change each: at every place, several.

    Each comes with what replaces what at which place; with None if something was added, removed, renamed or moved.
    """
    if isinstance(value, dict):
        yield None, {**value, "added": None}
        for key, item in value.items():
            if key in UNCOMPARED:
                continue
            rest = {name: other for name, other in value.items() if name != key}
            yield None, rest
            yield None, {**rest, f"{key}_": item}
            for change, other in changed(item, f"{place}.{key}"):
                yield change, {**value, key: other}
    elif isinstance(value, list):
        yield None, [*value, None]
        yield None, value[:-1]
        if value[::-1] != value:
            yield None, value[::-1]
        for index, item in enumerate(value):
            for change, other in changed(item, f"{place}[{index}]"):
                yield change, [*value[:index], other, *value[index + 1 :]]
    else:
        others: list[Any] = [None, True, False, 0, 1, 1.5, "", "x", [], {}, [value], json.dumps(value), str(value)]
        if isinstance(value, bool):
            others += [int(value), str(value).lower()]
        elif isinstance(value, int):
            others += [value + 1, float(value), -value]
        elif isinstance(value, str):
            others += [f"{value} ", f" {value}", value.swapcase(), f"{value}\n", value[:-1]]
        for other in others:
            if (type(other), other) != (type(value), value):
                yield f"{place}: {type(value)} {other!r}", other


def test_no_change_of_any_recorded_value_replays_green(copy: Project) -> None:
    """Of the replacements at a place, every second is tried, and once for all requests of a spec."""
    answers = copy.answers()
    tried = 0
    replaced: set[tuple[Path, str]] = set()
    for ref in copy.refs():
        if not ref.asks_for_answer:
            continue
        recorded = ref.cassette.read_text("utf-8")
        cassette = yaml.safe_load(recorded)
        for interaction in cassette["interactions"]:
            request = interaction["request"]
            body = request["body"]
            for change, other in changed(json.loads(body)):
                if change is not None:
                    if (ref.cassette.parent, change) in replaced:
                        continue
                    replaced.add((ref.cassette.parent, change))
                    if len(replaced) % 2:
                        continue
                request["body"] = json.dumps(other)
                ref.cassette.write_text(json.dumps(cassette), "utf-8")
                verdict = run_case(ref, answers)
                assert verdict.code is ExitCode.CASSETTE, (ref.cassette, other)
                tried += 1
            request["body"] = body
        ref.cassette.write_text(recorded, "utf-8")
        assert run_case(ref, answers).passed
    assert tried > 1000
