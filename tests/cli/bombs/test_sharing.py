"""Hostile bases and shared variables, each in a process of its own: done with in 3 seconds and 300 MB."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.cli.bombs.costs import cost, is_bounded

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "version: 1\nevent: paid\ndistinct_id: u1\n"
ALIASES = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{here}: &{here} [{', '.join([f'*{before}'] * 9)}]\n" for before, here in zip("abcdefgh", "bcdefghi", strict=True)
)
"""Values of which each has the one before it nine times."""


@cache
def many(count: int, value: str) -> str:
    return "{" + ",".join(f"v{number}: {value}" for number in range(count)) + "}"


def chain(length: int) -> dict[str, str]:
    """Bases of which each builds on the next one, and all have variables of their own."""
    return {f"_{number}.yaml": f"extends: _{number + 1}.yaml\n{HEAD}" for number in range(length)}


def lattice(levels: int) -> dict[str, str]:
    """Levels of ten bases, each of which builds on all of the next level: more ways than anything can walk."""
    return {
        f"_{level}_{number}.yaml": f"extends: [{', '.join(f'_{level + 1}_{each}.yaml' for each in range(10))}]\n{HEAD}"
        for level in range(levels)
        for number in range(10)
    } | {f"_{levels}_{number}.yaml": HEAD for number in range(10)}


VALIDATE, RENDER = ("validate", "specs"), ("render", "specs/bomb.yaml")

BOMBS: dict[str, tuple[dict[str, str], tuple[str, ...], int, str]] = {
    "bases in a list": (
        {"bomb.yaml": f"extends: [{', '.join(f'_{n}.yaml' for n in range(10_000))}]\n{HEAD}"}, VALIDATE, 2, "error[bad-value]",
    ),
    "bases in a chain": ({"bomb.yaml": f"extends: _0.yaml\n{HEAD}", **chain(10_000)}, VALIDATE, 2, "error[bad-value]"),
    "ways through bases": ({"bomb.yaml": f"extends: _0_0.yaml\n{HEAD}", **lattice(8)}, VALIDATE, 0, "2 pieces of advice"),
    "ways to a circle": (
        {"bomb.yaml": f"extends: _0_0.yaml\n{HEAD}", **lattice(8), "_8_0.yaml": f"extends: _0_0.yaml\n{HEAD}"},
        VALIDATE, 2, "error[extends-cycle]",
    ),
    "the same base many times": (
        {"bomb.yaml": f"extends: [{', '.join(['_0.yaml'] * 100)}]\n{HEAD}", "_0.yaml": HEAD}, VALIDATE, 0, "2 pieces of advice",
    ),
    "large bases": (
        {"bomb.yaml": f"extends: [{', '.join(f'_{n}.yaml' for n in range(100))}]\n{HEAD}"}
        | {f"_{n}.yaml": f"{HEAD}properties: {many(700, '7')}\n" for n in range(100)},
        VALIDATE, 0, "2 pieces of advice",
    ),
    "aliases of a base": ({"bomb.yaml": f"extends: _0.yaml\n{HEAD}", "_0.yaml": f"properties: {{}}\n{ALIASES}"}, VALIDATE, 2, "error["),
    "shared variables": (
        {"../runner.yaml": f"vars: {many(90_000, '{}')}\n", "bomb.yaml": f"{HEAD}properties: {{a: '{{{{ v7 }}}}'}}\n"}, VALIDATE, 0, "2 pieces of advice",
    ),
    "shared variables that are misspelt": (
        {"../runner.yaml": f"vars: {many(90_000, '{}')}\n", "bomb.yaml": f"{HEAD}vars: {{}}\nproperties: {json.dumps({f'p{n}': f'{{{{ w{n} }}}}' for n in range(500)})}\n"},
        VALIDATE, 2, "error[template-undefined]",
    ),
    "shared variables of many specs": (
        {"../runner.yaml": f"vars: {many(90_000, '{}')}\n"} | {f"{n}.yaml": f"{HEAD}properties: {{a: '{{{{ v{n} }}}}'}}\n" for n in range(300)},
        VALIDATE, 0, "600 pieces of advice",
    ),
    "shared variables that are none": (
        {"../runner.yaml": f"vars: {many(90_000, 'x')}\n", "bomb.yaml": f"{HEAD}properties: {{a: '{{{{ v7 }}}}'}}\n"}, VALIDATE, 2, "error[wrong-type]",
    ),
    "shared aliases": ({"../runner.yaml": f"{ALIASES}vars: {{v7: {{default: *i}}}}\n", "bomb.yaml": f"{HEAD}properties: {{a: '{{{{ v7 }}}}'}}\n"}, VALIDATE, 2, "error["),
    "shared variables, rendered": (
        {"../runner.yaml": f"vars: {many(30_000, '{default: 1}')}\n", "bomb.yaml": f"{HEAD}properties: {{a: '{{{{ v7 }}}}'}}\n"}, RENDER, 0, '"a":1',
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_of_sharing_is_bounded(tmp_path: Path, name: str) -> None:
    files, args, code, told = BOMBS[name]
    (tmp_path / "specs").mkdir()
    for path, content in files.items():
        (tmp_path / "specs" / path).write_text(content, "utf-8")
    took = cost(tmp_path, *args)
    assert (took.code, told in took.told) == (code, True), took.told[:2000]
    assert is_bounded(took), took
