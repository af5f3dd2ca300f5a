"""Plain YAML scalars → values, by the scalar table of the spec format.

null is `null`, `~` or nothing, booleans are `true` and `false`, numbers follow JSON's grammar, and every other plain
scalar is text: nothing turns `no` into false or `12:30` into 750.
"""

from __future__ import annotations

import re
from dataclasses import replace
from math import isfinite, isinf
from typing import TYPE_CHECKING, TypeAlias

from runner.errors import Problem
from runner.source.json_reader import NUMBER, is_integer

if TYPE_CHECKING:
    from runner.codes import Code
    from runner.source.text import Text

_CONSTANTS: dict[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}
_AMBIGUOUS = re.compile(
    r"""
    (?i:y|n|yes|no|on|off|true|false|null)     # words that YAML 1.1 reads as booleans or null
    | [-+]?0[0-7_]+ | 0o[0-7]+ | [-+]?0x[0-9a-fA-F_]+ | [-+]?0b[01_]+
    | [-+]?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)? | [-+]?\.[0-9_]+(?:[eE][-+]?[0-9]+)?
    | [-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?     # sexagesimal: 12:30 is 750 in YAML 1.1
    | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt\ ].*)?
    """,
    re.VERBOSE,
)
_DATE = re.compile("[0-9]{4}-")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF|nan|NaN|NAN)")

Scalar: TypeAlias = "bool | int | float | str | None"


def is_text(plain: str) -> bool:
    """Return whether a plain scalar is text here."""
    return plain not in _CONSTANTS and NUMBER.fullmatch(plain) is None


def is_ambiguous(plain: str) -> bool:
    """Return whether other YAML readers may take a plain scalar that is text here for something else."""
    return _AMBIGUOUS.fullmatch(plain) is not None


class PlainScalars:
    """Reads the plain scalars of a text. Appends a warning to `problems` for each one that other YAML readers read differently."""

    def __init__(self, text: Text, problems: list[Problem]) -> None:
        self._text = text
        self._problems = problems
        self._groups: dict[str, tuple[int, int]] = {}
        """Warnings that are reported once a group: the index of the first among the problems, and how many followed."""

    def value(self, value: str, start: int, end: int) -> Scalar:
        """Return the value of a plain scalar that stands at `[start, end)`."""
        if value in _CONSTANTS:
            return _CONSTANTS[value]
        if match := NUMBER.fullmatch(value):
            number = self._number(value, match, start, end)
            exponent = match["exponent"] or ""
            if exponent and not (match["fraction"] and exponent[1] in "+-") and isfinite(number):
                message = f"{value} is a number here, but text to other YAML readers"
                self._ambiguous("numbers", message, f'if it is text, write "{value}"', start, end)
            return number
        if _AMBIGUOUS.fullmatch(value):
            group = "dates" if _DATE.match(value) else ""
            self._ambiguous(
                group, f"{value} is text here, but not to every YAML reader", f'write "{value}"', start, end
            )
        elif _NOT_FINITE.fullmatch(value):
            self._note(
                "not-finite", f"{value} is not a JSON number", start, end, hint=f'if it is text, write "{value}"'
            )
        return value

    def _ambiguous(self, group: str, message: str, hint: str, start: int, end: int) -> None:
        """Warn about a scalar. Programs write numbers and dates by the hundred: warn once for each such group."""
        if group in self._groups:
            place, count = self._groups[group]
            self._groups[group] = place, count + 1
            return
        if group:
            self._groups[group] = len(self._problems), 0
        self._note("ambiguous-scalar", message, start, end, hint=hint, warning=True)

    def count_groups(self) -> None:
        """Add to the warning of each group how many more there are in the file."""
        for group, (place, count) in self._groups.items():
            if count:
                first = self._problems[place]
                message = f"{first.message}; so {'is' if count == 1 else 'are'} {count:,} more {group if count > 1 else group[:-1]} in this file"
                self._problems[place] = replace(first, message=message)

    def _number(self, value: str, match: re.Match[str], start: int, end: int) -> int | float:
        if is_integer(match):
            try:
                return int(value)
            except ValueError:  # more digits than Python converts
                self._note("number-too-large", f"a number of {len(value)} digits", start, end, hint="write it as text")
                return 0
        number = float(value)
        if isinf(number):
            self._note("number-too-large", f"{value} is too large for a double", start, end, hint="write it as text")
        return number

    def _note(
        self, code: Code, message: str, start: int, end: int, *, hint: str | None = None, warning: bool = False
    ) -> None:
        place = self._text.position(start, end)
        self._problems.append(Problem(code, message, place, hint=hint, severity="warning" if warning else "error"))
