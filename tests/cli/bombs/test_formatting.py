"""Hostile specs for `fmt` and for advice, each in a process of its own: done with in 3 seconds and 300 MB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.bombs.costs import cost, is_bounded

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "version: 1\nevent: paid\ndistinct_id: u1\n"
BOMBS = {
    "brackets in brackets": f"x-a: {'[' * 60}{', '.join(['1'] * 60_000)}{']' * 60}\n",
    "comments": "".join(f"# runner: ignore no-case, c{number}\n" for number in range(25_000)),
    "comments between entries": "x-a:\n" + "".join(f"  # c\n  p{number}: 1 # d\n" for number in range(20_000)),
    "blocks": "x-a:\n" + "- |\n  a\n" * 40_000,
    "anchors": "x-a: [" + ", ".join(f"{{a: &a{number} 1}}" for number in range(15_000)) + "]\n",
    "aliases": "x-a: &a [x, x, x]\nx-b: [" + ", ".join(["*a"] * 20_000) + "]\n",
    "labels": f"labels: [{', '.join(['a'] * 60_000)}]\n",
    "one long text": f"description: {'a b ' * 200_000}\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("command", [("fmt", "--check", "-q"), ("validate", "--fix", "-q")], ids=["fmt", "validate"])
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_of_layout_is_bounded(tmp_path: Path, name: str, command: tuple[str, ...]) -> None:
    (tmp_path / "bomb.yaml").write_text(HEAD + BOMBS[name], "utf-8")
    took = cost(tmp_path, *command, "bomb.yaml")
    assert took.code in (0, 1, 2)
    assert is_bounded(took), took
