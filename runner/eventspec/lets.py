"""`let`: named values that are computed once an event → the order to compute them in, and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import Problem
from runner.template.shape import templates_of
from runner.template.template import RESERVED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from runner.source import Node
    from runner.template.shape import Shape


def ordered(lets: Mapping[str, Shape]) -> dict[str, Shape]:
    """Return lets in an order in which each stands after those that it reads, and else as they are declared.

    What is part of a circle is left out: see `let_problems`.
    """
    waits = {name: len(_reads(shape, lets)) for name, shape in lets.items()}
    readers: dict[str, list[str]] = {name: [] for name in lets}
    for name, shape in lets.items():
        for read in _reads(shape, lets):
            readers[read].append(name)
    ready = [name for name, count in waits.items() if not count]
    for name in ready:  # it grows while it is walked
        for reader in readers[name]:
            waits[reader] -= 1
            if not waits[reader]:
                ready.append(reader)
    return {name: lets[name] for name in ready}


def needed(lets: Mapping[str, Shape], shape: Shape, own: Collection[str]) -> dict[str, Shape]:
    """Return the lets that a spec computes: its `own`, and of those that it inherits the ones that it reads."""
    read = [*own, *(use.name for template in templates_of(shape) for use in template.uses)]
    found: set[str] = set()
    while read:
        name = read.pop()
        if name in lets and name not in found:
            found.add(name)
            read += _reads(lets[name], lets)
    return {name: let for name, let in lets.items() if name in found}


def _reads(shape: Shape, lets: Collection[str]) -> set[str]:
    return {use.name for template in templates_of(shape) for use in template.uses if use.name in lets}


def let_problems(
    table: Node, lets: Mapping[str, Shape], variables: Collection[str], used: Collection[str]
) -> Iterator[Problem]:
    """Report lets that have the name of something else, circles of lets, and lets that nothing reads.

    `used` are the names that the templates of the event and of other lets read.
    """
    sound = ordered(lets)
    left = {name: _reads(shape, lets) for name, shape in lets.items() if name not in sound}
    reported: set[str] = set()
    for name in lets:
        place, at = table.key_position(name), f"let.{name}"
        if name in RESERVED or name in variables:
            other = "a variable" if name in variables else "something else in templates"
            message = f"'{name}' can't be the name of a let: it is the name of {other}"
            yield Problem("reserved-name", message, place, at=at, hint="choose another name")
        elif name in left and name not in reported and (way := _circle(name, left)):
            reported |= {*way}
            shown = way if len(way) <= _MAX_SHOWN else [*way[: _MAX_SHOWN - 2], "…", way[-1]]
            message = f"'{name}' needs itself: {' → '.join(shown)}"
            yield Problem("let-cycle", message, place, at=at, hint="compute one of them from variables alone")
        elif name not in used:
            yield Problem("unused-let", f"no template uses the let '{name}'", place, at=at, severity="warning")


_MAX_SHOWN = 8


def _circle(name: str, reads: Mapping[str, set[str]]) -> list[str] | None:
    """Return the shortest way from a let back to itself; None if there is none."""
    before: dict[str, str] = {}
    waiting = [name]
    for let in waiting:  # it grows while it is walked
        for following in sorted(reads.get(let, ())):
            if following == name:
                way = [let]
                while way[-1] != name:
                    way.append(before[way[-1]])
                return [*reversed(way), name]
            if following not in before:
                before[following] = let
                waiting.append(following)
    return None
