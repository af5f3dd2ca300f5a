"""The names of variables that the user passes → problems of those that no spec declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import MAX_HINTS, Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from runner.source import Node
    from runner.variables.given import Given


def without_names(root: Node) -> Problem:
    """Return the problem of a vars file whose root is not a map."""
    hint = "such as `user: u1`; pass a list of maps as rows, with --rows"
    return Problem("wrong-type", "a vars file is a map of names to values", root.position(), hint=hint)


def unknown(given: Mapping[str, Given], known: Collection[str]) -> Iterator[Problem]:
    """Yield a problem for each name in `given` that no spec declares."""
    strangers = ((name, value) for name, value in given.items() if name not in known)
    for number, (name, value) in enumerate(strangers):
        otherwise = "no spec here has variables" if not known else None
        hint = did_you_mean(name, known, otherwise) if number < MAX_HINTS else None
        message = f"no spec here declares a variable '{name}' ({value.origin})"
        yield Problem("unknown-variable", message, value.position, at=f"vars.{name}", hint=hint)
