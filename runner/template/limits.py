"""Limits of what the templates of one event may make, and the checks against them."""

from __future__ import annotations

from runner.template.fault import TemplateFault

MAX_TEXT = 1_000_000
"""Maximum number of characters of one text, and of all texts of one event. An event may have 819,200 bytes."""
MAX_ITEMS = 100_000
MAX_STEPS = 100_000
MAX_BITS = 4096
MAX_NUMBER_BITS = 3 * MAX_BITS
MAX_WIDTH = 1000
MAX_WORK = 2_000_000
"""Maximum work of one event: values, and words of 8 bytes of text, that its operations visit or create."""
MAX_SECONDS = 2.0
MAX_FORMATS = 10_000
MAX_KEY_VALUES = 1000


def check_length(length: int) -> None:
    """Raise TemplateFault if a text or a list would be too long."""
    if length > MAX_ITEMS * 10:
        raise too_large("a text or list has", MAX_ITEMS * 10, "items")


def check_whole(number: object, what: str) -> None:
    """Raise TemplateFault if a value is not a whole number, before it is used as a factor."""
    if not isinstance(number, int):
        raise TemplateFault("template-type", f"{what} must be a whole number")


def check_key(key: object) -> None:
    """Raise TemplateFault if a key has too many values: Python visits all of them on each look-up."""
    left = MAX_KEY_VALUES
    waiting = [key]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple):
            left -= len(part) + 1
            if left < 0:
                raise too_large("a key has", MAX_KEY_VALUES, "values")
            waiting += part


def too_large(what: str, limit: int, unit: str) -> TemplateFault:
    """Return the fault of something that exceeds its limit."""
    return TemplateFault("template-too-large", f"{what} more than {limit:,} {unit}")
