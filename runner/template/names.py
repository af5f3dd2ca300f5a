"""Names of types and variables, as messages show them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from runner.template.kinds import DictItems, DictKeys, DictValues
from runner.template.namespace import TemplateNamespace
from runner.template.omit import Omit


def type_name(value: object) -> str:
    """Return the name of a value's type, in the words of a spec's author."""
    if isinstance(value, Iterator):
        return "a sequence"
    return _TYPE_NAMES.get(type(value), type(value).__name__)


def shown_name(name: str) -> str:
    """Return a name as a message shows it, on one line. A long one may be a secret, and is shown by its length only."""
    return name.replace("\n", "\\n") if len(name) <= MAX_NAME else f"… ({len(name):,} characters)"


MAX_NAME = 100
"""Maximum length of a name that a message shows."""
_TYPE_NAMES: dict[type, str] = {
    str: "text", int: "a number", float: "a number", bool: "a boolean", type(None): "null", list: "a list",
    tuple: "a list", dict: "a map", datetime: "a date", date: "a date", time: "a time", timedelta: "a duration",
    TemplateNamespace: "a namespace", Omit: "omit", DictKeys: "a sequence", DictValues: "a sequence", DictItems: "a sequence",
}  # fmt: skip
