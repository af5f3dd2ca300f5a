"""From an offset to a place, in files of many lines and of few: as somebody finds it who counts the lines."""

from __future__ import annotations

from random import Random

import pytest

from runner.source import Text

RANDOM = Random(20260102)  # noqa: S311 - no secret is made of it
BLOCK = 4096
"""A file is looked at in blocks of so many characters."""


def counted(content: str, offset: int) -> tuple[int, int, str]:
    """Count a line, a column and the line's text, one character after the other."""
    before = content[:offset].split("\n")
    return len(before), len(before[-1]) + 1, content.split("\n")[len(before) - 1]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n",
        "x" * (3 * BLOCK),
        "\n" * (2 * BLOCK + 1),
        "x" * (BLOCK - 1) + "\n" + "y" * BLOCK + "\n",
        "x" * BLOCK + "\n" + "y" * (BLOCK - 2) + "\nz",
        "".join(RANDOM.choices("ab\n", [9, 9, 1], k=5 * BLOCK)),
        "".join(RANDOM.choices("a\n", [2000, 1], k=5 * BLOCK)),
    ],
    ids=["empty", "one line feed", "one line", "line feeds", "at an end", "behind an end", "short lines", "long lines"],
)
def test_a_place_is_where_counting_finds_it(content: str) -> None:
    text = Text("f", content)
    edges = [edge + step for edge in range(0, len(content) + 1, BLOCK) for step in (-1, 0, 1)]
    offsets = [*edges, *(RANDOM.randint(0, len(content)) for _ in range(50)), len(content)]
    for offset in (each for each in offsets if 0 <= each <= len(content)):
        place = text.position(offset)
        assert (place.line, place.column, place.text) == counted(content, offset)
        assert text.line(offset) == place.line
