"""A secret without a value gets, in a case, one that fits its declaration and is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.errors import InvalidInput
from runner.testing.placeholders import placeholder
from runner.variables import Variable

if TYPE_CHECKING:
    from pathlib import Path

    from runner.source import Json
    from tests.conftest import CommandLine


@pytest.mark.parametrize(
    "declaration",
    [
        {}, {"type": "string"}, {"type": "integer"}, {"type": "number", "maximum": -5}, {"type": "boolean"}, {"type": "array"},
        {"type": "object"}, {"type": "string", "maxLength": 4}, {"type": "string", "minLength": 40}, {"enum": ["a", "b"]},
        {"type": "string", "pattern": "^[0-9]{6}$"}, {"type": "string", "pattern": "^sk_live_[A-Za-z0-9]{24}$"},
        {"type": "string", "pattern": "^[0-9a-f]{64}$"}, {"type": "string", "pattern": "^[A-Z]+$"}, {"const": "x"},
        {"type": "string", "pattern": "^ghp\\\\-[0-9]+$".replace("\\\\", "\\")}, {"type": "string", "format": "uuid"},
        {"type": "string", "format": "email"}, {"type": "string", "format": "uri"}, {"type": "string", "format": "date-time"},
        {"type": "string", "pattern": "^a+b{2}c[0-9]$", "examples": ["aabbc7"]}, {"type": "integer", "multipleOf": 7, "minimum": 7},
    ],
)  # fmt: skip
def test_a_placeholder_fits_the_declaration(declaration: dict[str, Json]) -> None:
    variable = Variable("token", {**declaration, "secret": True})
    value = placeholder(variable)
    assert list(Variable("token", declaration).schema.faults(value)) == []
    assert placeholder(variable) == value


def test_a_placeholder_that_nobody_can_guess_is_asked_for() -> None:
    with pytest.raises(InvalidInput) as caught:
        placeholder(Variable("token", {"type": "string", "pattern": "^a+b{2}c[0-9]$"}))
    [told] = caught.value.problems
    assert told.message == "a case sees no secrets, and no placeholder was found that fits the declaration of 'token'"
    assert told.hint == "give it a value in the case's vars:, or the declaration an example in examples:"


SPEC = """version: 1
vars:
  token: {type: string, secret: true, pattern: "PATTERN"}
event: order_placed
distinct_id: u1
properties: {t: "{{ token }}"}
tests: [{name: a, CASE}]
"""


@pytest.mark.parametrize(
    ("pattern", "case", "code"),
    [
        ("^[0-9]{6}$", "expect: {}", 0),
        ("^a+b{2}c[0-9]$", "expect: {}", 1),
        ("^a+b{2}c[0-9]$", "vars: {token: abbc1}", 0),
    ],
)
def test_a_secret_with_a_pattern_does_not_break_its_own_cases(
    cli: CommandLine, in_tmp: Path, pattern: str, case: str, code: int
) -> None:
    in_tmp.joinpath("s.yaml").write_text(SPEC.replace("PATTERN", pattern).replace("CASE", case))
    ended = cli("test", "s.yaml")
    assert ended.code == code, ended.out
    assert ("no placeholder was found" in ended.out + ended.err) is (code == 1)
