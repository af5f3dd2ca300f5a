"""Python's error messages about a template → messages and hints for the author of a spec."""

from __future__ import annotations

import re
from typing import NamedTuple

_TYPES = {
    "str": "text", "int": "a number", "float": "a number", "bool": "a boolean", "list": "a list", "tuple": "a list",
    "dict": "a map", "NoneType": "null", "datetime": "a date", "datetime.datetime": "a date", "datetime.date": "a date",
    "datetime.time": "a time", "datetime.timedelta": "a duration", "generator": "a sequence", "Namespace": "a namespace",
}  # fmt: skip
_OPERANDS = r"""(?x)
    unsupported\ operand\ type\(s\)\ for\ (?P<operator>\S+?):\ '(?P<left>[\w.]+)'\ and\ '(?P<right>[\w.]+)'
    | '(?P<comparison>\S+)'\ not\ supported\ between\ instances\ of\ '(?P<smaller>[\w.]+)'\ and\ '(?P<greater>[\w.]+)'
    | can\ only\ concatenate\ (?P<sequence>\w+)\ \(not\ "(?P<other>\w+)"\)"""
TEXT_HINT = "join texts with ~; convert text to a number with | int or | float"
_NULL_HINT = "remove nulls with | reject('none'), or replace them with default(…, true)"


class _Words(NamedTuple):
    """The message and the hint for a complaint of Python's; `{0}` and so on are its groups, with types in words.

    The regular expression is compiled when it is needed: compiling all of them would take 10 ms of each command.
    """

    complaint: str
    message: str
    hint: str | None


_NOT_MANY = "only lists, maps and texts have items"
_WORDS = tuple(
    _Words(*words)
    for words in (
        (r"integer (?:division or )?modulo by zero|float (?:floor division|modulo)(?: by zero)?", "division by zero", None),
        (r"object of type '([\w.]+)' has no len\(\)", "{0} has no length", _NOT_MANY),
        (r"(?:argument of type )?'([\w.]+)' (?:object )?is not (?:iterable|reversible|a container or iterable)", "{0} has no items", _NOT_MANY),
        (r"cannot unpack non-iterable ([\w.]+) object", "{0} has no items", _NOT_MANY),
        (r"argument must be iterable", "this has no items", _NOT_MANY),
        (r"'([\w.]+)' object has no attribute 'items'|Can only get item pairs from a mapping", "only a map has pairs of keys and values", None),
        (r"'in <string>' requires string as left operand, not ([\w.]+)", "{0} can't be searched for in text", "convert it to text with | string"),
        (r"bad operand type for (?:unary )?(\S+?)(?:\(\))?: '([\w.]+)'", "'{0}' needs a number, not {1}", "convert text to a number with | int or | float"),
        (r"can't multiply sequence by non-int of type '([\w.]+)'", "a text or a list can be repeated a whole number of times, not by {0}", "convert text to a number with | int"),
        (r"could not convert string to float: .*|invalid literal for int\(\).*", "the text is not a number", None),
        (r"unhashable type: '([\w.]+)'", "{0} can't be a key", None),
        (r"'([\w.]+)' object cannot be interpreted as an integer|slice indices must be integers.*", "a whole number is needed here", None),
        (r"range\(\) arg 3 must not be zero", "the steps of range() can't be 0", None),
        (r"(?:\w+\.<locals>\.)?.*\(?\)? ?missing \d+ required positional arguments?: (.*)", "an argument is missing: {0}", None),
        (r".*(?:takes at least|expected at least|takes exactly|expected) \d+ (?:positional )?arguments?.*(?:got 0|\(0 given\))", "an argument is missing", None),
        (r".*got an unexpected keyword argument '(\w+)'|.*'(\w+)' is an invalid keyword argument.*", "there is no argument '{0}'", None),
        (r".*got multiple values for argument '(\w+)'", "the argument '{0}' is given twice", None),
        (r".*(?:takes|expected) .*argument.* (?:were|was)? ?(?:given|got \d+).*|.*takes no (?:keyword )?arguments.*", "there are too many arguments", None),
        (r"(?:startswith|endswith) first arg must be .*|strip arg must be None or str|must be str.*, not ([\w.]+)|.*argument \d+ must be str.*", "a text is needed as the argument", "convert it to text with | string"),
        (r"%(\w) format: (?:a real number|an integer) is required, not ([\w.]+)", "%{0} writes a number, not {1}", None),
        (r"not enough arguments for format string|format requires a mapping", "the format has more placeholders than values", None),
        (r"not all arguments converted during string formatting", "there are more values than placeholders in the format", None),
        (r"unsupported format character '(.)'.*", "unknown conversion '%{0}'", "for the sign itself write %%"),
        (r"incomplete format(?: key)?", "the format ends in the middle", "for the sign itself write %%"),
        (r"substring not found", "the text does not contain it", "find() returns -1 instead"),
        (r".*is not in list|tuple\.index\(x\): x not in tuple|list\.index\(x\): x not in list", "the list does not contain it", None),
        (r"empty separator", "an empty text separates nothing", "split text into characters with | list"),
        (r"cannot assign attribute on non-namespace object", "only namespaces have attributes that can be set", None),
    )
)  # fmt: skip
"""The first one that matches a whole complaint applies."""


def in_words(complaint: str) -> tuple[str, str | None]:
    """Return the message and the hint for a complaint of Python's."""
    if (found := re.match(_OPERANDS, complaint)) is not None:
        return _of_operands(found)
    for words in _WORDS:
        if match := re.fullmatch(words.complaint, complaint.rstrip(".")):
            values = [_TYPES.get(each, each) for each in match.groups() if each is not None]
            return words.message.format(*values), words.hint
    return complaint[:1].lower() + complaint[1:], None


def _of_operands(found: re.Match[str]) -> tuple[str, str | None]:
    operator = (found["operator"] or found["comparison"] or "+").removesuffix("=" if found["operator"] else "\0")
    left, right = (
        _TYPES.get(name, name)
        for name in (
            found["left"] or found["smaller"] or found["sequence"],
            found["right"] or found["greater"] or found["other"],
        )
    )
    hint = _NULL_HINT if "null" in (left, right) else TEXT_HINT if "text" in (left, right) else None
    return f"{left} {operator} {right} is not supported", hint
