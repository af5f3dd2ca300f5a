"""Nesting of more than 64 levels and aliases of too many values are refused at once, whatever libyaml accepts."""

from __future__ import annotations

import time

import pytest

from runner.errors import Position, Problem
from tests.source.conftest import read, refusal


def test_64_levels_are_read() -> None:
    root = read("[" * 64 + "1" + "]" * 64).root
    for _ in range(64):
        assert root is not None
        root = root.get(0)
    assert root is not None
    assert root.value == 1


@pytest.mark.parametrize("line", ["[" * 65 + "]" * 65, "[" * 65 + "1" + "]" * 65])
def test_65_levels_are_refused_where_the_65th_begins(line: str) -> None:
    assert refusal(line) == Problem(
        "yaml-depth", "nested more than 64 levels deep", Position("f.yaml", 1, 65, 66, line)
    )


def test_block_nesting_counts_as_flow_nesting_does() -> None:
    content = "\n".join("  " * level + "a:" for level in range(65)) + " 1\n"
    assert refusal(content) == Problem(
        "yaml-depth", "nested more than 64 levels deep", Position("f.yaml", 65, 129, 130, "  " * 64 + "a: 1")
    )


@pytest.mark.parametrize("levels", [65, 999, 1001, 100_000])
@pytest.mark.parametrize(
    ("opening", "column"), [("[", 65), ("{a: ", 257), ("[{a: ", 161), ("- ", 129), ("[a, {b: ", 257)]
)
def test_nesting_is_refused_at_its_65th_level_however_much_libyaml_takes(
    opening: str, column: int, levels: int
) -> None:
    # libyaml reads ahead, and from 0.2.6 on it refuses 1,000 levels itself: before it yields the 65th.
    content = opening * levels
    assert refusal(content) == Problem(
        "yaml-depth", "nested more than 64 levels deep", Position("f.yaml", 1, column, column + 1, content)
    )


@pytest.mark.parametrize("opening", ["[", "- ", "{a: ", "[{a: "])
def test_a_hundred_thousand_open_brackets_are_refused_at_once(opening: str) -> None:
    start = time.process_time()
    assert refusal(opening * 100_000).code == "yaml-depth"
    assert time.process_time() - start < 2


def test_faults_before_too_much_nesting_are_told_too() -> None:
    problems = read("a: !env X\nb: " + "[" * 2000).problems
    assert [(problem.code, problem.position and problem.position.line) for problem in problems] == [
        ("yaml-tag", 1),
        ("yaml-depth", 2),
    ]
    assert refusal("a: *x\nb: " + "[" * 2000).code == "yaml-alias"


def test_an_alias_bomb_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    start = time.process_time()
    problem = refusal("\n".join(lines))
    assert time.process_time() - start < 2
    assert (problem.code, problem.message) == ("yaml-size", "more than 100,000 values, aliases written out")
    assert problem.position is not None
    assert problem.position.text == lines[4]
