"""The budget of rendering one event: text, values, steps of loops, work and time."""

from __future__ import annotations

from sys import getsizeof
from time import monotonic
from typing import TYPE_CHECKING

from runner.template.fault import TemplateFault
from runner.template.ids import derived_id
from runner.template.kinds import COLLECTIONS, HASHED, LISTED, SMALL, WEIGHTLESS, DictItems
from runner.template.limits import (
    MAX_ITEMS,
    MAX_SECONDS,
    MAX_STEPS,
    MAX_TEXT,
    MAX_WORK,
    check_key,
    too_large,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from uuid import UUID


NEW = 10
"""Work to create a value in a list: with its place in the list it takes up to 80 bytes."""


class Budget:
    """What is left for rendering one event. It also holds the event's time and makes its ids.

    Each method that charges raises TemplateFault when its limit is exceeded.
    """

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
        """Return a full budget with the same deadline."""
        fresh = Budget(self.now, self._seed, self._row)
        fresh._deadline = self._deadline
        return fresh

    def uuid4(self, place: str) -> str:
        """Return a UUID that depends on the run, the row, the place in the spec and the number of calls there so far."""
        call = self._calls[place] = self._calls.get(place, -1) + 1
        return derived_id(self._seed, f"uuid4\n{self._row}\n{place}\n{call}")

    def spend_items(self, count: int) -> None:
        """Charge values in lists and maps."""
        self._items_left -= count
        if self._items_left < 0:
            raise too_large("the lists and maps of one event have", MAX_ITEMS, "values")

    def spend_text(self, length: int) -> None:
        """Charge a piece of text. An empty one counts as one character."""
        self._text_left -= length or 1
        if self._text_left < 0:
            raise too_large("the texts of one event have", MAX_TEXT, "characters")

    def work(self, amount: int) -> None:
        """Charge work; before it is done, if its amount is known by then."""
        self._work_left -= amount
        if self._work_left < 0:
            raise too_large("the templates of one event go through", MAX_WORK, "values")
        if monotonic() > self._deadline:
            raise _too_slow()

    def work_on(self, value: object) -> None:
        """Charge an operation that visits the characters of a text, or the items of a list or a map but nothing inside them."""
        kind = type(value)
        if kind in WEIGHTLESS:
            amount = 1
        elif kind is list or kind is dict:
            amount = len(value) + 1  # type: ignore[arg-type]
        elif kind is str and len(value) < _LONG:  # type: ignore[arg-type]
            amount = len(value) // 8 + 1  # type: ignore[arg-type]
        elif isinstance(value, str):
            amount = (getsizeof(value) - _EMPTY) // 8
        elif isinstance(value, COLLECTIONS):
            amount = len(value) * (NEW if kind is DictItems else 1) + 1
        else:
            amount = 1
        self._work_left -= amount
        if self._work_left < 0 or monotonic() > self._deadline:
            self.work(0)

    def list_of(self, value: object) -> None:
        """Charge a list of all items of a value. For text, each item is a new value."""
        if isinstance(value, str):
            self.work(len(value) * NEW)
        else:
            self.work_on(value)

    def walk(self, value: object, times: int = 1) -> None:
        """Charge operations that visit all values inside a value, at any depth; a value in two places counts twice."""
        amount = _INSIDE
        if isinstance(value, str):
            amount = (getsizeof(value) - _EMPTY) // 8
        elif isinstance(value, COLLECTIONS):
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
                self.walk(value.values(), times)  # its keys are counted
        self.work(amount * times)

    def compare(self, left: object, right: object) -> None:
        """Charge a comparison: Python visits both sides in parallel, and skips parts that are the same object."""
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
        elif isinstance(left, COLLECTIONS):
            self.walk(left)
            self.walk(right)

    def search(self, wanted: object, values: object) -> None:
        """Charge `wanted in values`."""
        if isinstance(values, HASHED):
            check_key(wanted)
        elif isinstance(values, str):
            self.work_on(values)
        elif isinstance(values, LISTED):
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
        """Yield the values, each charged when it is read; if `deep`, with all values inside it."""
        work = self.work
        for value in values:
            work(cost)
            if deep:
                self.walk(value)
            yield value

    def steps(self, values: Iterable[object], cost: int = 0) -> Iterator[object]:
        """Yield the values, each charged as one step of a loop, with the work in it that has the same `cost` for all."""
        for value in values:
            self._steps_left -= 1
            self._work_left -= cost
            if self._steps_left < 0:
                raise too_large("the loops of one event take", MAX_STEPS, "steps")
            if self._work_left < 0 or monotonic() > self._deadline:
                self.work(0)
            yield value

    def is_late(self) -> bool:
        """Return whether the deadline has passed."""
        return monotonic() > self._deadline


_INSIDE = 5
"""Work to enter a list or a map inside another."""
_LONG = 64
_EMPTY = 40
"""Bytes of overhead of a text, set a little too low so that no text is free."""


def _too_slow() -> TemplateFault:
    return TemplateFault("template-too-slow", f"rendering takes longer than {MAX_SECONDS:g} seconds")
