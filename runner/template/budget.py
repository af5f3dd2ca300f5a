"""What a template may spend, and what it is told when it asks for more, or for what is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time
from hashlib import sha1
from sys import getsizeof
from time import monotonic
from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined
from jinja2.utils import Namespace, missing

from runner.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from uuid import UUID

    from runner.codes import Code

MAX_TEXT = 1_000_000
"""Characters of one text, and of all texts that one event puts together. An event may have 819,200 bytes."""
MAX_ITEMS = 100_000
MAX_STEPS = 100_000
MAX_BITS = 4096
MAX_NUMBER_BITS = 3 * MAX_BITS
MAX_WIDTH = 1000
MAX_WORK = 2_000_000
"""Values, and words of 8 bytes of text, that all operations of one event may go through or make."""
MAX_SECONDS = 2.0
MAX_FORMATS = 10_000
MAX_KEY_VALUES = 1000
NEW = 10
"""What a new value in a list costs: with its place in the list it takes up to 80 bytes."""

_EMPTY_MAP: dict[str, object] = {}
_KEYS, _VALUES, _ITEMS = type(_EMPTY_MAP.keys()), type(_EMPTY_MAP.values()), type(_EMPTY_MAP.items())
_MANY = (list, tuple, dict, set, _KEYS, _VALUES, _ITEMS)
"""A map's keys or items, less some others, are a set."""
_HASHED = (dict, set, _KEYS)
_LISTED = (list, tuple, _VALUES)
SMALL = frozenset([int, float, bool, type(None)])
"""Types whose values cost nothing worth counting, whatever is done with them."""


class TemplateFault(Exception):  # noqa: N818 - it is a fault in a template, found while rendering
    """A template asks for what it may not have, or gives what can't be sent."""

    def __init__(self, code: Code, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


def derived_id(seed: UUID, name: str) -> str:
    """Give the text of `uuid5(seed, name)` (RFC 9562, section 5.5), in a third of the time: an event has up to three of them."""
    return _uuid5_text(sha1(seed.bytes + name.encode(), usedforsecurity=False).hexdigest())


def row_ids(seed: UUID, what: str) -> Callable[[int], str]:
    """Return `derived_id` for rows of a run: of a name that is `what` and, in a second line, the row's number.

    What the names have in common is hashed once.
    """
    shared = sha1(seed.bytes + f"{what}\n".encode(), usedforsecurity=False)

    def of(row: int) -> str:
        digest = shared.copy()
        digest.update(b"%d" % row)
        return _uuid5_text(digest.hexdigest())

    return of


def _uuid5_text(digits: str) -> str:
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
        self._deadline = monotonic() + MAX_SECONDS
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
        """Account for a piece of text. An empty one is a piece as well."""
        self._text_left -= length or 1
        if self._text_left < 0:
            raise too_large("the texts of one event have", MAX_TEXT, "characters")

    def work(self, amount: int) -> None:
        """Account for so much work, before it is done where its amount is known."""
        self._work_left -= amount
        if self._work_left < 0:
            raise too_large("the templates of one event go through", MAX_WORK, "values")
        if monotonic() > self._deadline:
            raise _too_slow()

    def work_on(self, value: object) -> None:
        """Account for an operation that goes through a text, a list or a map, but not through what its items hold."""
        kind = type(value)
        if kind is str and len(value) < _LONG:  # type: ignore[arg-type]
            amount = len(value) // 8 + 1  # type: ignore[arg-type]
        elif isinstance(value, str):
            amount = (getsizeof(value) - _EMPTY) // 8
        elif kind in SMALL:
            amount = 1
        elif isinstance(value, _MANY):
            amount = len(value) * (NEW if kind is _ITEMS else 1) + 1
        else:
            amount = 1
        self._work_left -= amount
        if self._work_left < 0 or monotonic() > self._deadline:
            self.work(0)

    def list_of(self, value: object) -> None:
        """Account for a list of all items of a value: those of a text are new ones."""
        if isinstance(value, str):
            self.work(len(value) * NEW)
        else:
            self.work_on(value)

    def walk(self, value: object, times: int = 1) -> None:
        """Account for operations that go through all that is in a value, however deep; a value in two places counts twice."""
        amount = _INSIDE
        if isinstance(value, str):
            amount = (getsizeof(value) - _EMPTY) // 8
        elif isinstance(value, _MANY):
            for item in value:
                kind = type(item)
                if kind is str:
                    amount += len(item) // 8 + 1  # type: ignore[arg-type]
                elif kind in SMALL:
                    amount += 1
                else:
                    self.work(amount * times)
                    amount = 0
                    self.walk(item, times)
            if isinstance(value, dict):
                self.walk(value.values(), times)  # its keys are done
        self.work(amount * times)

    def compare(self, left: object, right: object) -> None:
        """Account for a comparison: Python goes through both sides at once, and skips what is the same object."""
        if isinstance(left, str):
            if isinstance(right, str):
                self.work(min(len(left), len(right)) // 8 + 1)
        elif isinstance(left, list | tuple):
            if isinstance(right, list | tuple):
                self.work(min(len(left), len(right)) + _INSIDE)
                for one, other in zip(left, right, strict=False):
                    if one is not other and type(one) not in SMALL:
                        self.compare(one, other)
        elif isinstance(left, dict):
            if isinstance(right, dict):
                self.work(min(len(left), len(right)) + _INSIDE)
                if len(left) == len(right):
                    for key, one in left.items():
                        if type(one) not in SMALL and key in right and one is not right[key]:
                            self.compare(one, right[key])
        elif isinstance(left, _MANY):
            self.walk(left)
            self.walk(right)

    def search(self, wanted: object, values: object) -> None:
        """Account for `wanted in values`."""
        if isinstance(values, _HASHED):
            check_key(wanted)
        elif isinstance(values, str):
            self.work_on(values)
        elif isinstance(values, _LISTED):
            long = len(wanted) // 8 if isinstance(wanted, str) else 0
            self.work(len(values) * (long + 1) + 1)
            if not isinstance(wanted, str) and type(wanted) not in SMALL:
                for value in values:
                    if value is not wanted and type(value) not in SMALL:
                        self.compare(value, wanted)
        else:
            self.walk(values)
            self.walk(wanted)

    def each(self, values: Iterable[object], cost: int = 1, *, deep: bool = False) -> Iterator[object]:
        """Account for each value when it is asked for, and when `deep` for all that is in it."""
        work = self.work
        for value in values:
            work(cost)
            if deep:
                self.walk(value)
            yield value

    def step(self) -> None:
        """Account for one step of a loop."""
        self._steps_left -= 1
        if self._steps_left < 0:
            raise too_large("the loops of one event take", MAX_STEPS, "steps")
        if monotonic() > self._deadline:
            raise _too_slow()

    def is_late(self) -> bool:
        """Return whether the time of the event is over."""
        return monotonic() > self._deadline


_INSIDE = 5
"""What it costs to go into a list or a map that is in another."""
_LONG = 64
_EMPTY = 40
"""Bytes that each text takes, whatever its length; a little less than it is, so that none is for free."""


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
        super().__init__(hint, obj, name, UndefinedFault)  # type: ignore[arg-type]

    @classmethod
    def of_method(cls, obj: object, name: str) -> StrictName:
        """Make what a method is that is not called: nothing is there by its name."""
        return cls(f"{_undefined_words(obj, name)[0]}\nto use the method, call it: {name}()\n{name}")

    @property
    def _undefined_message(self) -> str:
        """Write the text only where it is read: to look for what was meant takes time, and most of these are caught."""
        return self._undefined_hint or _undefined_text(self._undefined_obj, self._undefined_name)

    @property
    def fault(self) -> TemplateFault:
        """What any use of it raises."""
        return UndefinedFault(self._undefined_message)


class TemplateNamespace(Namespace):
    """What `namespace()` makes. It is written in one word, however much it holds."""

    def __repr__(self) -> str:
        return "namespace"


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
    match name:
        case str():
            name = shown_name(name)
        case int() | None:
            pass
        case _:
            name = "…"  # written out, a list or a map may be of any length
    match obj:
        case _ if obj is missing:
            return f"variable '{name}' is not defined", None
        case dict():
            return f"there is no key '{name}' here", did_you_mean(str(name), _names(obj))
        case list() | tuple() if isinstance(name, int):
            return f"there is no item {name} in a list of {len(obj)}", None
        case None:
            return f"null has no '{name}'", None
        case _:
            return f"{type_name(obj)} has no '{name}'", None


def type_name(value: object) -> str:
    """Return what a spec's author calls the type of a value."""
    if isinstance(value, Iterator):
        return "a sequence"
    return _NAMES.get(type(value), type(value).__name__)


def shown_name(name: str) -> str:
    """Return a name as a message shows it, in one line. Of a long one only the length: it may be a secret, and a mask misses a part of one."""
    return name.replace("\n", "\\n") if len(name) <= MAX_NAME else f"… ({len(name):,} characters)"


def _names(keys: Iterable[object]) -> Iterator[str]:
    return (key.replace("\n", "\\n") for key in keys if isinstance(key, str) and len(key) <= MAX_NAME)


MAX_NAME = 100
"""Characters of a name that a message shows."""
_NAMES: dict[type, str] = {
    str: "text", int: "a number", float: "a number", bool: "a boolean", type(None): "null", list: "a list",
    tuple: "a list", dict: "a map", datetime: "a date", date: "a date", time: "a time",
    TemplateNamespace: "a namespace", _KEYS: "a sequence", _VALUES: "a sequence", _ITEMS: "a sequence",
}  # fmt: skip


def check_length(length: int) -> None:
    """Refuse a text or list that would be too long."""
    if length > MAX_ITEMS * 10:
        raise too_large("a text or list has", MAX_ITEMS * 10, "items")


def check_whole(number: object, what: str) -> None:
    """Refuse what is no whole number, before something is multiplied by it."""
    if not isinstance(number, int):
        raise TemplateFault("template-type", f"{what} must be a whole number")


def check_key(key: object) -> None:
    """Refuse a key of many values: Python goes through all of them wherever it looks the key up."""
    left = MAX_KEY_VALUES
    waiting = [key]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple):
            left -= len(part) + 1
            if left < 0:
                raise too_large("a key has", MAX_KEY_VALUES, "values")
            waiting += part


def check_format(text: str, *values: object) -> None:
    """Refuse a %-format whose widths, precisions or values blow a text up."""
    if text.count("%") > MAX_FORMATS:
        raise too_large("a format has", MAX_FORMATS, "conversions")
    conversions = _conversions(text)
    escapes = any(kind in ("r", "a") for _, kind in conversions)
    longest = max((_written(value, escapes=escapes) for value in values), default=0)
    length = len(text) + len(conversions) * longest
    for form, _ in conversions:
        numbers = _DIGITS.findall(form)
        if "*" in form or any(len(number) > _WIDE or int(number) > MAX_WIDTH for number in numbers):
            raise TemplateFault("template-too-large", f"format %{form[:MAX_NAME]} is wider than {MAX_WIDTH}")
        length += sum(map(int, numbers))
    check_length(length)


def _conversions(text: str) -> list[tuple[str, str]]:
    """Find what stands behind each % of a format, as its width and its type."""
    return list(_with_keys(text)) if "%(" in text else _PERCENT.findall(text)


def _with_keys(text: str) -> Iterator[tuple[str, str]]:
    """Find the same where keys stand in brackets; a key may have brackets in it as well."""
    at = text.find("%") + 1
    while at:
        if text.startswith("(", at):
            at = _after_key(text, at)
        if match := _CONVERSION.match(text, at):  # it matches everywhere, if only nothing
            yield match[1], match[2]
            at = match.end()
        at = text.find("%", at) + 1


def _after_key(text: str, start: int) -> int:
    level = 0
    for bracket in _BRACKETS.finditer(text, start):
        level += 1 if bracket[0] == "(" else -1
        if level == 0:
            return bracket.end()
    raise ValueError("incomplete format key")


_CONVERSION = re.compile(r"([-#0 +]*(?:\*|[0-9]+)?(?:\.(?:\*|[0-9]*))?)[hlL]?(.?)", re.DOTALL)
_PERCENT = re.compile("%" + _CONVERSION.pattern, re.DOTALL)
_BRACKETS = re.compile(r"[()]")
_DIGITS = re.compile(r"[0-9]+")
_WIDE = 4
"""Digits of MAX_WIDTH."""


def _written(value: object, *, escapes: bool) -> int:
    """Bound the characters of a value that a %-format writes: %r and %a escape texts, and so do lists and maps."""
    if isinstance(value, str):
        return len(value) * (_ESCAPE if escapes else 1)
    length = 0
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text:
                length += len(text) * _ESCAPE + 4
            case int() as number:
                length += number.bit_length() // 3 + 4
            case dict() as entries:
                length += 2
                waiting += entries
                waiting += entries.values()
            case part if isinstance(part, _MANY):
                length += 2 + len(part)
                waiting += part
            case _:
                length += _OTHER
        check_length(length)
    return length


_ESCAPE = 10
"""Characters of `\\U0001f600`."""
_OTHER = 100


def _too_slow() -> TemplateFault:
    return TemplateFault("template-too-slow", f"rendering takes longer than {MAX_SECONDS:g} seconds")


def too_large(what: str, limit: int, unit: str) -> TemplateFault:
    """Make the fault of something that grows beyond its limit."""
    return TemplateFault("template-too-large", f"{what} more than {limit:,} {unit}")
