"""Secrets of a spec that would be seen: the mask does not recognize a part of one, or what is made of it, nor a short one."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from runner.errors import Problem
from runner.eventspec.exposure import exposures
from runner.secrets import MIN_SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.eventspec.fields import Fields
    from runner.source import Node
    from runner.variables import Variable


def secret_problems(event: Fields, variables: Sequence[Variable]) -> Iterator[Problem]:
    """Warn of secrets that the mask will not recognize, or can't hide."""
    secrets = {each.name: each for each in variables if each.may_be_secret}
    for template, exposure in exposures(event, secrets) if secrets else ():
        message = f"a part of the secret '{exposure.secret}', or a text made from it, is not masked"
        hint = "insert the whole secret, or declare the inserted text as a secret variable"
        place = template.place(exposure.start, exposure.end)
        yield Problem("secret-transformed", message, place, hint=hint, severity="warning")
    for variable in secrets.values():
        declaration = variable.table.get(variable.name) if variable.table is not None else None
        for node in _short_values(declaration) if declaration is not None else ():
            message = f"the secret '{variable.name}' may have fewer than {MIN_SECRET} characters"
            hint = "such a short secret is masked only in events, and only as a separate word"
            place = node.position()
            at = f"vars.{variable.name}"
            yield Problem("secret-too-short", message, place, at=at, hint=hint, severity="warning")


def _short_values(declaration: Node) -> Iterator[Node]:
    """Yield the first node of a declaration that allows a very short value."""
    length = declaration.get("maxLength")
    enum = declaration.get("enum")
    values = [declaration.get("default"), declaration.get("const"), *(enum.items if enum is not None else ())]
    short = (node for node in values if node is not None and _is_short(node.value))
    if length is not None and isinstance(length.value, int | float) and length.value < MIN_SECRET:
        yield length
    else:
        yield from islice(short, 1)


def _is_short(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool) and 0 < len(str(value)) < MIN_SECRET
