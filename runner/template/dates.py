"""Dates in templates: `strftime` with a closed list of directives, with the same results on every machine.

In Python, most directives depend on the machine: `%s` on its time zone, `%c` and `%A` on a locale, `%-d` on its C library.
"""

from __future__ import annotations

import re
from datetime import date, time
from typing import TYPE_CHECKING

from runner.errors import did_you_mean
from runner.template.fault import TemplateFault

if TYPE_CHECKING:
    from collections.abc import Iterator

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_NUMBERS = "dfGHIjmMSuUVwWyY"
"""Directives that write digits, for which Python gives the same result everywhere."""
_PADDED = "dHIjmMSy"
"""Directives that also exist without leading zeros: `%-d`."""
_DIRECTIVE = re.compile(r"%(-?)(.?)", re.DOTALL)
DIRECTIVES = sorted({*_NUMBERS, *"aAbBpzZ%", *(f"-{name}" for name in _PADDED)}, key=str.lower)
_HINTS = {
    "%s": "write timestamp() | int",
    "%c": "write it out, as in %Y-%m-%d %H:%M:%S",
    "%x": "write it out, as in %Y-%m-%d",
    "%X": "write it out, as in %H:%M:%S",
    "%D": "write %m/%d/%y",
    "%F": "write %Y-%m-%d",
    "%T": "write %H:%M:%S",
    "%R": "write %H:%M",
    "%e": "write %-d",
    "%k": "write %-H",
    "%l": "write %-I",
    "%h": "write %b",
}


def strftime(moment: date | time, form: object) -> str:
    """Return a date or a time as text. Raises TemplateFault for a directive that is not in the list."""
    if not isinstance(form, str):
        raise TemplateFault("template-type", "the format of strftime must be text", "for example strftime('%Y-%m-%d')")
    if (wrong := next(wrong_directives(form), None)) is not None:
        raise TemplateFault("template-type", *explained(wrong))
    return _DIRECTIVE.sub(lambda found: _written(moment, found[1], found[2]), form)


def wrong_directives(form: str) -> Iterator[str]:
    """Yield the directives of a format that are not in the list."""
    return (found[0] for found in _DIRECTIVE.finditer(form) if found[0][1:] not in DIRECTIVES)


def explained(directive: str) -> tuple[str, str | None]:
    """Return the message and the hint for a directive that is not in the list."""
    if directive in ("%", "%-"):
        return "a % without a directive", "for the sign itself write %%"
    known = [f"%{name}" for name in DIRECTIVES]
    hint = _HINTS.get(directive) or did_you_mean(directive.lower(), known, f"these exist: {' '.join(known)}")
    return f"strftime has no directive '{directive}'", hint


def _written(moment: date | time, flag: str, name: str) -> str:
    if isinstance(moment, date):
        match name:
            case "A" | "a":
                day = _DAYS[moment.weekday()]
                return day if name == "A" else day[:3]
            case "B" | "b":
                month = _MONTHS[moment.month - 1]
                return month if name == "B" else month[:3]
            case _:
                pass
    match name:
        case "A" | "a" | "B" | "b":
            raise TemplateFault("template-type", f"a time has no '%{name}'", "take it from now()")
        case "p":
            return "PM" if getattr(moment, "hour", 0) >= _NOON else "AM"
        case "Y" | "G":
            return f"{int(moment.strftime(f'%{name}')):04}"
        case _:
            digits = moment.strftime(f"%{name}")
            return (digits.lstrip("0") or "0") if flag else digits


_NOON = 12
