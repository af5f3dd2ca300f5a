"""What a template may spend, and what it is told when it asks for more, or for what is not there."""

from __future__ import annotations

import re
import time
from hashlib import sha1
from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined
from jinja2.utils import missing

from runner.errors import did_you_mean

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

MAX_TEXT = 1_000_000
"""Characters of one text, and of all texts that one event puts together. An event may have 819,200 bytes."""
MAX_ITEMS = 100_000
MAX_STEPS = 100_000
MAX_BITS = 4096
MAX_WIDTH = 1000
MAX_WORK = 2_000_000
"""Items, and eighths of a character, that all operations of one event may go through."""
MAX_SECONDS = 2.0


class TemplateFault(Exception):  # noqa: N818 - it is a fault in a template, found while rendering
    """A template asks for what it may not have, or gives what can't be sent."""

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


def derived_id(seed: UUID, name: str) -> str:
    """Give the text of `uuid5(seed, name)` (RFC 9562, section 5.5), in a third of the time: an event has up to three of them."""
    digits = sha1(seed.bytes + name.encode(), usedforsecurity=False).hexdigest()
    variant = _VARIANTS[digits[16]]
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


_VARIANTS = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
"""The digit with its two highest bits set to those of the variant."""


class Budget:
    """What one rendering of one event may still spend; it also knows the event's instant and makes its ids."""

    _text_left = MAX_TEXT
    _items_left = MAX_ITEMS
    _steps_left = MAX_STEPS
    _work_left = MAX_WORK

    def __init__(self, now: datetime, seed: UUID, row: int) -> None:
        self.now = now
        self._seed = seed
        self._row = row
        self._deadline = time.monotonic() + MAX_SECONDS
        self._calls: dict[str, int] = {}

    def anew(self) -> Budget:
        """Give a budget of which nothing is spent but the time."""
        fresh = Budget(self.now, self._seed, self._row)
        fresh._deadline = self._deadline
        return fresh

    def uuid4(self, place: str) -> str:
        """Give a UUID that depends on the run, the row, the place in the spec and how often it was called there."""
        call = self._calls[place] = self._calls.get(place, -1) + 1
        return derived_id(self._seed, f"uuid4\n{self._row}\n{place}\n{call}")

    def spend_items(self, count: int) -> None:
        """Account for values in lists and maps."""
        self._items_left -= count
        if self._items_left < 0:
            raise too_large("the lists and maps of one event have", MAX_ITEMS, "values")

    def spend_text(self, length: int) -> None:
        """Account for a piece of text."""
        self._text_left -= length
        if self._text_left < 0:
            raise too_large("the texts of one event have", MAX_TEXT, "characters")

    def work_on(self, value: object) -> None:
        """Account for an operation that goes through a text, a list or a map."""
        match value:
            case str():
                self._work_left -= len(value) // 8 + 1
            case list() | tuple() | dict():
                self._work_left -= len(value) + 1
            case _:
                self._work_left -= 1
        if self._work_left < 0:
            raise too_large("the templates of one event go through", MAX_WORK, "values")
        self._check_time()

    def step(self) -> None:
        """Account for one step of a loop."""
        self._steps_left -= 1
        if self._steps_left < 0:
            raise too_large("the loops of one event take", MAX_STEPS, "steps")
        self._check_time()

    def _check_time(self) -> None:
        if time.monotonic() > self._deadline:
            raise TemplateFault("template-too-slow", f"rendering takes longer than {MAX_SECONDS:g} seconds")


class StrictName(StrictUndefined):
    """An undefined value that says what was looked for, and what is there instead."""

    __slots__ = ()

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: str | None = None,
        exc: Any = None,  # noqa: ARG002 - the sandbox passes its own; here all faults are of one kind
    ) -> None:
        # Jinja's type asks for one of its exceptions; any that takes a text will do.
        super().__init__(hint or _undefined_text(obj, name), obj, name, UndefinedFault)  # type: ignore[arg-type]

    @property
    def fault(self) -> TemplateFault:
        """What any use of it raises."""
        return UndefinedFault(self._undefined_message)


class UndefinedFault(TemplateFault):
    """A name, a key or an index that is not there. Jinja raises it with one text: message, hint and name in a line each."""

    def __init__(self, text: str | None = None) -> None:
        message, hint, name = ((text or "") + "\n\n").split("\n")[:3]
        super().__init__("template-undefined", message, hint or None)
        self.name = name or None


def _undefined_text(obj: object, name: object) -> str:
    message, hint = _undefined_words(obj, name)
    shown = name if isinstance(name, str) and "\n" not in name else ""
    return f"{message}\n{hint or ''}\n{shown}"


def _undefined_words(obj: object, name: object) -> tuple[str, str | None]:
    if isinstance(name, str):
        name = name.replace("\n", "\\n")  # a message is one line
    match obj:
        case _ if obj is missing:
            return f"variable '{name}' is not defined", None
        case dict():
            return f"there is no key '{name}' here", did_you_mean(
                str(name), (str(key).replace("\n", "\\n") for key in obj)
            )
        case list() | tuple() if isinstance(name, int):
            return f"there is no item {name} in a list of {len(obj)}", None
        case None:
            return f"null has no '{name}'", None
        case _:
            return f"{_NAMES.get(type(obj), type(obj).__name__)} has no '{name}'", None


_NAMES: dict[type, str] = {str: "text", int: "a number", float: "a number", bool: "a boolean", list: "a list"}


def check_length(length: int) -> None:
    """Refuse a text or list that would be too long."""
    if length > MAX_ITEMS * 10:
        raise too_large("a text or list has", MAX_ITEMS * 10, "items")


def check_format(text: str, *values: object) -> None:
    """Refuse a %-format whose widths, precisions or values blow a text up."""
    longest = max((len(value) for value in values if isinstance(value, str)), default=0)
    check_length(len(text) + text.count("%") * longest)
    for match in _FORMAT.finditer(text):
        if "*" in match[0] or any(int(number) > MAX_WIDTH for number in _DIGITS.findall(match[0])):
            raise TemplateFault("template-too-large", f"format {match[0]} is wider than {MAX_WIDTH}")


_FORMAT = re.compile(r"%(?:\([^)]*\))?[-#0 +]*(?:\*|[0-9]+)?(?:\.(?:\*|[0-9]+))?")
_DIGITS = re.compile(r"[0-9]+")


def too_large(what: str, limit: int, unit: str) -> TemplateFault:
    """Make the fault of something that grows beyond its limit."""
    return TemplateFault("template-too-large", f"{what} more than {limit:,} {unit}")
