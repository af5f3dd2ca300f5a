"""A file in the canonical layout, as people write it → the same file, to the byte: each comment is where it was."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import pytest

from runner.formatting.files import formatted
from runner.project.format import document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT = ("one", "  two", "", "# three")
SCALARS = {
    "plain": "plain", '"quoted"': "'quoted'", "'say \"it\"'": '"say \\"it\\""', '"no"': "no", '"0123"': "'0123'",
    "12.50": "12.50", "null": "~", "[]": "[ ]", "{}": "{   }", "[a, {b: 1}]": "[ a,{b:   1} ,]",
    '"caf\\xE9"': '"caf\\xE9"', "https://example.com/#top": "https://example.com/#top", "'\\d'": '"\\\\d"',
}  # fmt: skip
"""Scalars and brackets as `fmt` writes them, and as people do."""


@dataclass
class Item:
    """An entry of a map, or an item of a list, with its comments and one value: a scalar, a block of text, or items."""

    key: str | None
    value: str | tuple[str, ...] | list[Item]
    above: list[str] = field(default_factory=list)
    beside: str = ""
    below: list[str] = field(default_factory=list)
    """Lines after the last item in it."""


def items(random: Random, depth: int = 0, *, is_list: bool = False) -> list[Item]:
    """Make up items. The first one in a list's item has nothing above it: it stands on the line of the dash."""
    made = []
    for index in range(random.randint(1, 4)):
        key = None if is_list else f"k{random.randrange(10**9)}"
        value = random.choice([*SCALARS, TEXT, None, None, None]) if depth < 4 else "plain"
        item = Item(key, value if value is not None else items(random, depth + 1, is_list=random.random() < 0.5))
        item.above = comments(random, begins_blank=index > 0)
        if isinstance(item.value, list):
            item.below = comments(random)
        if is_list and isinstance(item.value, list):
            item.value[0].above = []
        elif random.random() < 0.3:
            item.beside = f"# {random.random()}"
        made.append(item)
    return made


def comments(random: Random, *, begins_blank: bool = True) -> list[str]:
    """Make up comments, and single blank lines before them."""
    lines: list[str] = []
    while random.random() < 0.3:
        lines += [""] if (lines or begins_blank) and random.random() < 0.4 else []
        lines.append(f"# {random.random()}")
    return lines


class Formatter:
    """Writes items in the canonical layout."""

    def lines(self, items: list[Item], column: int = 0) -> Iterator[str]:
        for index, item in enumerate(items):
            following = items[index + 1] if index + 1 < len(items) else None
            gap, inner = self.gap(), column + self.indent(item, following)
            head = " " * column + ("-" if item.key is None else self.key(item.key))
            comment = f"{self.gap()} {item.beside}" if item.beside else ""
            yield from self.own(item.above, column)
            if isinstance(item.value, str):
                yield f"{head}{gap}{self.scalar(item.value)}{comment}"
            elif isinstance(item.value, tuple):
                yield f"{head}{gap}|{comment}"
                yield from (" " * inner + line if line else "" for line in item.value)
            elif item.key is not None:
                yield f"{head}{comment}"
                yield from self.lines(item.value, inner)
            else:
                inner = column + 1 + len(gap)
                first, *rest = self.lines(item.value, inner)
                yield from (f"{head}{gap}{first[inner:]}", *rest)
            yield from self.own(item.below, inner)

    def own(self, lines: list[str], column: int) -> Iterator[str]:
        for line in lines:
            yield from [" " * column + line] if line else self.blank()

    def gap(self) -> str:
        return " "

    def indent(self, item: Item, following: Item | None) -> int:
        del item, following
        return 2

    def key(self, key: str) -> str:
        return f"{key}:"

    def scalar(self, scalar: str) -> str:
        return scalar

    def blank(self) -> list[str]:
        return [""]


class Person(Formatter):
    """Writes items with other spaces, quotes, indentation and blank lines, each time in another way."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def gap(self) -> str:
        return " " * self._random.randint(1, 3)

    def indent(self, item: Item, following: Item | None) -> int:
        """Return the indentation; 0 for some lists, where a blank line parts the comments below them from the next key."""
        is_list = isinstance(item.value, list) and item.value[0].key is None
        begins = following.above[:1] if following is not None else None
        is_apart = (begins == [""] and "" not in item.below) or (begins == [] and not item.below)
        may_be_flat = item.key is not None and is_list and is_apart
        return self._random.choice((0, 2) if may_be_flat else (1, 2, 4))

    def key(self, key: str) -> str:
        return self._random.choice((f"{key}:", f'"{key}":', f"'{key}' :"))

    def scalar(self, scalar: str) -> str:
        return self._random.choice((scalar, SCALARS[scalar]))

    def blank(self) -> list[str]:
        return [self._random.choice(("", " "))] * self._random.randint(1, 3)


@pytest.mark.parametrize("batch", range(10))
def test_what_people_write_becomes_what_fmt_writes(tmp_path: Path, batch: int) -> None:
    path = tmp_path / "spec.yaml"
    for seed in range(batch * 50, batch * 50 + 50):
        random = Random(seed)  # noqa: S311 - the same files each time
        made = items(random)
        wanted = "".join(f"{line}\n" for line in Formatter().lines(made))
        text = "".join(f"{line}\n" for line in Person(random).lines(made))
        path.write_bytes(random.choice((text, text.replace("\n", "\r\n"), f"---\n{text}...\n")).encode())
        assert formatted(path).after == wanted, f"seed {seed}"
        path.write_text(wanted)
        assert not formatted(path).is_changed, f"seed {seed}"


@pytest.mark.parametrize("batch", range(5))
def test_comments_follow_keys_that_are_ordered(tmp_path: Path, batch: int) -> None:
    path, names = tmp_path / "spec.yaml", list(document()["properties"])
    for seed in range(batch * 50, batch * 50 + 50):
        random = Random(seed)  # noqa: S311 - the same files each time
        made = [item for _ in range(3) for item in items(random)]
        for name, item in zip(sorted(random.sample(names, len(made)), key=names.index), made, strict=True):
            item.key = name
        shuffled = random.sample(made, len(made))
        shuffled[0].above = []  # comments at the top are those of the file
        wanted = "".join(f"{line}\n" for line in Formatter().lines(made)).lstrip("\n")
        path.write_text("".join(f"{line}\n" for line in Person(random).lines(shuffled)))
        assert formatted(path).after == wanted, f"seed {seed}"
