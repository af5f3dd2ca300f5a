"""The `messages:` of an expectation → its problems, as far as they can be found in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.cases.matchers import matcher_problems
from runner.errors import Problem, did_you_mean
from runner.suprsend.messages import CHANNELS, STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.source import Node

_WORDS: tuple[tuple[str, Sequence[str]], ...] = (("channel", CHANNELS), ("status", STATUSES))
_BESIDE_ABSENT = ("absent", "within")
_NOT_MATCHED = ("absent", "after", "within", "count")


def message_problems(expect: Node) -> Iterator[Problem]:
    """Yield the problems of `messages` and `exactly` that the format's JSON Schema can't find."""
    messages = expect.get("messages")
    if messages is None:
        if "exactly" in expect.entries:
            message, place = "'exactly' applies to 'messages', which is missing", expect.key_position("exactly")
            yield Problem("missing-key", message, place, hint="add messages: […]")
        return
    for item in messages.items:
        absent = item.get("absent")
        if absent is not None:
            for key in item.entries:
                if key not in _BESIDE_ABSENT:
                    text = f"'absent' and '{key}' exclude each other"
                    yield Problem("conflicting-keys", text, item.key_position(key), hint="use a separate item")
        yield from _field_problems(absent if absent is not None else item)


def _field_problems(item: Node) -> Iterator[Problem]:
    for key, node in item.entries.items():
        if key not in _NOT_MATCHED:
            yield from matcher_problems(node, is_entry=True)
    for key, known in _WORDS:
        word = item.get(key)
        if word is not None and isinstance(word.value, str) and word.value not in known:
            hint = did_you_mean(word.value, known, f"one of: {', '.join(known)}")
            yield Problem("bad-value", f"there is no {key} '{word.value}'", word.position(), hint=hint)
