"""Methods that a template may call, and what a call costs.

Most methods go once through the text or list that they belong to. Methods that cost more are charged here one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.template.budget import NEW
from runner.template.kinds import SMALL
from runner.template.limits import MAX_WIDTH, check_key, too_large

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import BuiltinMethodType

    from runner.template.budget import Budget

METHODS = frozenset([
    "capitalize", "casefold", "count", "date", "day", "endswith", "find", "get", "hour", "index", "isalnum",
    "isalpha", "isdecimal", "isdigit", "islower", "isoformat", "isspace", "istitle", "isupper", "items", "keys",
    "lower", "lstrip", "minute", "month", "partition", "removeprefix", "removesuffix", "replace", "rpartition", "rstrip",
    "second", "split", "splitlines", "startswith", "strftime", "strip", "swapcase", "time", "timestamp", "total_seconds", "title",
    "upper", "values", "weekday", "year",
])  # fmt: skip
"""Methods of texts, lists, maps and dates that a template may call."""
_AT_ONCE = frozenset(["get", "items", "keys", "values"])
"""Methods of maps whose time does not depend on the size of the map."""
_STRIP = frozenset(["strip", "lstrip", "rstrip"])


def charge_call(budget: Budget, method: BuiltinMethodType, args: Sequence[object], named: Mapping[str, object]) -> None:
    """Charge a call of a method before it runs, for the values that it visits."""
    name, owner = method.__name__, method.__self__
    if not args and not named and isinstance(owner, str):
        budget.work_on(owner)
        return
    if name not in _AT_ONCE:
        budget.work_on(owner)
    for value in (*args, *named.values()):
        if type(value) not in SMALL:
            budget.walk(value)
    first: Any = next(iter((*args, *named.values())), None)
    if name == "get":
        check_key(first)
    elif name in _STRIP:
        charge_strip(budget, owner, first)
    elif name == "rpartition" and isinstance(owner, str) and isinstance(first, str):
        budget.work(len(owner) * len(first) // _QUICK)  # searching from the right, Python compares naively
    elif name in ("count", "index") and isinstance(owner, list | tuple):
        budget.search(first, owner)
    elif name == "strftime" and isinstance(first, str) and len(first) > MAX_WIDTH:
        raise too_large("a date's format has", MAX_WIDTH, "characters")  # each may write 256 characters


def charge_result(budget: Budget, value: object) -> None:
    """Charge the result of a method."""
    if isinstance(value, str):
        if len(value) > _SHORT:
            budget.work_on(value)
    elif isinstance(value, list | tuple):
        budget.work(len(value) * NEW)
        for item in value:
            if isinstance(item, str) and len(item) > _SHORT:
                budget.work_on(item)


def charge_strip(budget: Budget, text: object, characters: object) -> None:
    """Charge stripping `characters`: each character of the text is compared with all of them."""
    if isinstance(text, str) and isinstance(characters, str):
        budget.work(len(text) * len(characters) // _QUICK)


_QUICK = 32
"""Characters that Python compares in the time of one unit of work."""
_SHORT = 16
