"""The template language: Jinja in its immutable sandbox, with closed lists and bounded operations.

What a template may do is listed here; everything else is refused when the spec is read. What may grow is bounded: a
text, a list, a number, the steps of all loops and the time of one event.
"""

from __future__ import annotations

import json
import re
import time
from datetime import date, datetime
from hashlib import sha256
from itertools import islice
from math import isfinite
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import NAMESPACE_URL, uuid5

from jinja2 import StrictUndefined, TemplateSyntaxError, pass_context
from jinja2.filters import FILTERS as STOCK_FILTERS
from jinja2.lexer import TokenStream
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS as STOCK_TESTS
from jinja2.utils import missing
from markupsafe import Markup

from runner.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from uuid import UUID

    from jinja2.runtime import Context

MAX_TEXT = 1_000_000
"""Characters of one text, and of all texts that one event puts together. An event may have 819,200 bytes."""
MAX_ITEMS = 100_000
MAX_STEPS = 100_000
MAX_BITS = 4096
MAX_WIDTH = 1000
MAX_SECONDS = 2.0

STATE = "\0state"
"""The name under which a `State` stands among the variables; no template can spell it."""


class TemplateFault(Exception):  # noqa: N818 - it is a fault in a template, found while rendering
    """A template asks for what it may not have, or gives what can't be sent."""

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class State:
    """What one rendering of one event knows and may still spend: its instant, its ids, its budget."""

    def __init__(self, now: datetime, seed: UUID, row: int) -> None:
        self.now = now
        self._seed = seed
        self._row = row
        self._calls: dict[str, int] = {}
        self._text_left = MAX_TEXT
        self._steps_left = MAX_STEPS
        self._deadline = time.monotonic() + MAX_SECONDS

    def uuid4(self, place: str) -> str:
        """Give a UUID that depends on the run, the row, the place in the spec and how often it was called there."""
        call = self._calls[place] = self._calls.get(place, -1) + 1
        return str(uuid5(self._seed, f"uuid4\n{self._row}\n{place}\n{call}"))

    def spend_text(self, length: int) -> None:
        """Account for a piece of text."""
        self._text_left -= length
        if self._text_left < 0:
            raise too_large("the texts of one event have", MAX_TEXT, "characters")

    def step(self) -> None:
        """Account for one step of a loop."""
        self._steps_left -= 1
        if self._steps_left < 0:
            raise too_large("the loops of one event take", MAX_STEPS, "steps")
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
    match obj:
        case _ if obj is missing:
            return f"variable '{name}' is not defined", None
        case dict():
            return f"there is no key '{name}' here", did_you_mean(str(name), map(str, obj))
        case list() | tuple() if isinstance(name, int):
            return f"there is no item {name} in a list of {len(obj)}", None
        case None:
            return f"null has no '{name}'", None
        case _:
            return f"{_NAMES.get(type(obj), type(obj).__name__)} has no '{name}'", None


_NAMES: dict[type, str] = {str: "text", int: "a number", float: "a number", bool: "a boolean", list: "a list"}


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """Jinja's immutable sandbox, in which a node's `lineno` is its offset in the template plus one.

    Jinja knows lines only; a message that points at a name needs the column. The parser copies the number that comes
    with a token to the node it makes of it, so numbering the tokens by offset is enough.
    """

    intercepted_binops = frozenset(["+", "*", "**", "%"])

    def _tokenize(
        self,
        source: str,
        name: str | None,
        filename: str | None = None,
        state: str | None = None,  # noqa: ARG002 - Jinja's signature
    ) -> TokenStream:
        numbered = ((offset + 1, kind, text) for offset, kind, text in tokens(source))
        return TokenStream(self.lexer.wrap(numbered, name, filename), name, filename)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute `left operator right` when the result is of a bounded size."""
        match operator:
            case "*":
                _check_product(left, right)
            case "**":
                _check_power(left, right)
            case "+" if isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
                check_length(len(left) + len(right))
            case "%" if isinstance(left, str):
                check_format(left)
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Allow the methods of the closed list, and what a loop tells of itself."""
        if isinstance(obj, LoopContext):
            return attr in LOOP_ATTRIBUTES
        return attr in METHODS and super().is_safe_attribute(obj, attr, value)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Look a name up as a map's key first: `order.items` is the order's items, not a method of dict."""
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


def tokens(source: str) -> Iterator[tuple[int, str, str]]:
    """Split a template into tokens: offset, kind, text. Raises TemplateSyntaxError with the offset plus one as its line."""
    at = 0
    try:
        for _, kind, token in environment.lexer.tokeniter(source, None):
            at = max(source.find(token, at), at)
            yield at, kind, token
            at += len(token)
    except TemplateSyntaxError as error:
        found = re.fullmatch(r"(unexpected char .*) at (\d+)", error.message or "")
        message, offset = (found[1], int(found[2])) if found else (error.message or "", at)
        raise TemplateSyntaxError(message, offset + 1) from None


def _check_product(left: object, right: object) -> None:
    for sequence, factor in ((left, right), (right, left)):
        if isinstance(sequence, str | list | tuple) and isinstance(factor, int):
            check_length(len(sequence) * factor)
            return
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > MAX_BITS:
        raise too_large("a product has", MAX_BITS, "bits")


def _check_power(base: object, exponent: object) -> None:
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * abs(exponent) > MAX_BITS:
        raise too_large("a power has", MAX_BITS, "bits")


def check_length(length: int) -> None:
    """Refuse a text or list that would be too long."""
    if length > MAX_ITEMS * 10:
        raise too_large("a text or list has", MAX_ITEMS * 10, "items")


def check_format(text: str) -> None:
    """Refuse a %-format whose widths or precisions blow a text up."""
    for match in _FORMAT.finditer(text):
        if "*" in match[0] or any(int(number) > MAX_WIDTH for number in _DIGITS.findall(match[0])):
            raise TemplateFault("template-too-large", f"format {match[0]} is wider than {MAX_WIDTH}")


_FORMAT = re.compile(r"%(?:\([^)]*\))?[-#0 +]*(?:\*|[0-9]+)?(?:\.(?:\*|[0-9]+))?")
_DIGITS = re.compile(r"[0-9]+")


def too_large(what: str, limit: int, unit: str) -> TemplateFault:
    """Make the fault of something that grows beyond its limit."""
    return TemplateFault("template-too-large", f"{what} more than {limit:,} {unit}")


# What a `{{ … }}` gives.


def native(value: object) -> object:
    """Check the value of a lone expression: JSON all the way down, nothing undefined. Tuples become lists."""
    match value:
        case None | bool() | int() | float():
            return value
        case Markup():
            return str(value)
        case str():
            return value
        case StrictName():
            raise value.fault
        case dict():
            return {_key(key): native(item) for key, item in value.items()}
        case list() | tuple():
            return [native(item) for item in value]
        case datetime() | date():
            raise TemplateFault("template-datetime", "a date is not a JSON value", "write {{ … | isoformat }}")
        case _ if hasattr(value, "__next__") or isinstance(value, range):
            raise TemplateFault("template-type", "a sequence that is not a list yet", "write {{ … | list }}")
        case _:
            _refuse_type(value)


def text(value: object) -> str:
    """Write a value inside text: null, lists and maps are no text, booleans are `true` and `false`."""
    match value:
        case Markup():
            return str(value)
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float() if isfinite(value):
            return repr(value)
        case StrictName():
            raise value.fault
        case None:
            hint = "give it a text with default('…', true), or let it stand alone in its value"
            raise TemplateFault("template-null", "null inside text", hint)
        case list() | tuple() | dict():
            what = "a map" if isinstance(value, dict) else "a list"
            raise TemplateFault(
                "template-not-text", f"{what} inside text", "use |join(', ') or |tojson, or let it stand alone"
            )
        case datetime() | date():
            raise TemplateFault("template-datetime", "a date inside text", "write {{ … | isoformat }}")
        case _ if hasattr(value, "__next__") or isinstance(value, range):
            raise TemplateFault("template-not-text", "a list inside text", "use |join(', ')")
        case _:
            _refuse_type(value)


def _key(key: object) -> str:
    if isinstance(key, str):
        return str(key)
    raise TemplateFault("template-type", f"the key {key!r} of a map is not text")


def _refuse_type(value: object) -> NoReturn:
    name = getattr(value, "__name__", None)
    if callable(value) and name:
        raise TemplateFault("template-type", f"'{name}' is a method, not a value", f"call it: {name}()")
    raise TemplateFault("template-type", f"a {type(value).__name__} is not a JSON value")


# Filters that only the compiler of a spec uses. They take the context so that Jinja does not fold them.


@pass_context
def _native(_context: Context, value: object) -> object:
    return native(value)


@pass_context
def _joined(context: Context, pieces: tuple[object, ...]) -> str:
    whole = "".join([piece if type(piece) is str else text(piece) for piece in pieces])
    context.parent[STATE].spend_text(len(whole))
    return whole


@pass_context
def _piece(context: Context, value: object) -> str:
    piece = text(value)
    context.parent[STATE].spend_text(len(piece))
    return piece


@pass_context
def _steps(context: Context, values: Iterable[object]) -> Iterator[object]:
    if isinstance(values, StrictName):
        raise values.fault
    step = context.parent[STATE].step
    for value in values:
        step()
        yield value


# Filters and globals that templates use.


def _isoformat(value: object) -> str:
    if not isinstance(value, datetime | date):
        raise TemplateFault("template-type", "isoformat takes a date, such as now()")
    return value.isoformat()


def _tojson(value: object, indent: int | None = None) -> str:
    return json.dumps(native(value), ensure_ascii=False, allow_nan=False, indent=min(indent, 16) if indent else None)


def _sha256(value: object) -> str:
    return sha256(text(value).encode()).hexdigest()


def _center(value: object, width: int = 80) -> str:
    check_length(width)
    return text(value).center(width)


def _indent(value: object, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    whole = text(value)
    check_length((len(width) if isinstance(width, str) else width) * (whole.count("\n") + 1) + len(whole))
    return str(STOCK_FILTERS["indent"](whole, width, first, blank))


def _replace(value: object, old: str, new: str, count: int = -1) -> str:
    whole = text(value)
    found = min(whole.count(old), count) if count >= 0 else whole.count(old)
    check_length(len(whole) + found * (len(new) - len(old)))
    return whole.replace(old, new, count)


def _join(value: Iterable[object], d: str = "", attribute: str | None = None) -> str:
    items = [text(_part(item, attribute)) for item in islice(value, MAX_ITEMS + 1)]
    if len(items) > MAX_ITEMS:
        raise too_large("a list has", MAX_ITEMS, "items")
    check_length(sum(map(len, items)) + len(d) * len(items))
    return d.join(items)


def _part(item: object, attribute: str | None) -> object:
    if attribute is None:
        return item
    for name in attribute.split("."):
        item = item[name] if isinstance(item, dict) and name in item else StrictName(obj=item, name=name)
    return item


def _format(value: str, *args: object, **kwargs: object) -> str:
    check_format(value)
    if args and kwargs:
        raise TemplateFault("template-type", "format takes values by order or by name, not both")
    return value % (kwargs or args)


def _batch(value: Iterable[object], linecount: int, fill_with: object = None) -> list[object]:
    check_length(linecount * 10)
    return list(STOCK_FILTERS["batch"](islice(value, MAX_ITEMS), linecount, fill_with))


def _slice(value: Iterable[object], slices: int, fill_with: object = None) -> list[object]:
    check_length(slices * 10)
    return list(STOCK_FILTERS["slice"](list(islice(value, MAX_ITEMS)), slices, fill_with))


def _wordwrap(value: str, width: int = 79) -> str:
    return str(STOCK_FILTERS["wordwrap"](environment, text(value), width))


def _round(value: float, precision: int = 0, method: str = "common") -> float:
    if abs(precision) > _MAX_PRECISION:
        raise TemplateFault("template-type", f"round to {precision} digits")
    return float(STOCK_FILTERS["round"](value, precision, method))


_MAX_PRECISION = 300


@pass_context
def _now(context: Context) -> datetime:
    return context.parent[STATE].now  # type: ignore[no-any-return]


@pass_context
def _uuid4(context: Context, place: str = "") -> str:
    return context.parent[STATE].uuid4(place)  # type: ignore[no-any-return]


def _uuid5(name: object) -> str:
    return str(uuid5(NAMESPACE_URL, text(name)))


def _range(*bounds: int) -> list[int]:
    numbers = range(*bounds)
    if len(numbers) > MAX_ITEMS:
        raise too_large("a range has", MAX_ITEMS, "numbers")
    return list(numbers)


_STOCK_FILTER_NAMES = [
    "abs",
    "capitalize",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "filesizeformat",
    "first",
    "float",
    "forceescape",
    "groupby",
    "int",
    "items",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "reverse",
    "select",
    "selectattr",
    "sort",
    "string",
    "striptags",
    "sum",
    "title",
    "trim",
    "truncate",
    "unique",
    "upper",
    "urlencode",
    "wordcount",
]
FILTERS: dict[str, Any] = {name: STOCK_FILTERS[name] for name in _STOCK_FILTER_NAMES} | {
    "batch": _batch, "center": _center, "format": _format, "indent": _indent, "isoformat": _isoformat, "join": _join,
    "replace": _replace, "round": _round, "sha256": _sha256, "slice": _slice, "tojson": _tojson, "wordwrap": _wordwrap,
}  # fmt: skip
TESTS = {
    name: STOCK_TESTS[name]
    for name in [
        "boolean",
        "defined",
        "divisibleby",
        "even",
        "false",
        "float",
        "in",
        "integer",
        "iterable",
        "lower",
        "mapping",
        "none",
        "number",
        "odd",
        "sequence",
        "string",
        "true",
        "undefined",
        "upper",
        "eq",
        "equalto",
        "==",
        "ne",
        "!=",
        "lt",
        "lessthan",
        "<",
        "le",
        "<=",
        "gt",
        "greaterthan",
        ">",
        "ge",
        ">=",
    ]
}
GLOBALS: dict[str, Any] = {"now": _now, "uuid4": _uuid4, "uuid5": _uuid5, "range": _range}
METHODS = frozenset(
    [
        "capitalize",
        "casefold",
        "count",
        "date",
        "day",
        "endswith",
        "find",
        "get",
        "hour",
        "index",
        "isalnum",
        "isalpha",
        "isdecimal",
        "isdigit",
        "islower",
        "isoformat",
        "isspace",
        "istitle",
        "isupper",
        "items",
        "keys",
        "lower",
        "lstrip",
        "minute",
        "month",
        "partition",
        "removeprefix",
        "removesuffix",
        "rpartition",
        "rstrip",
        "second",
        "split",
        "splitlines",
        "startswith",
        "strftime",
        "strip",
        "swapcase",
        "time",
        "timestamp",
        "title",
        "upper",
        "values",
        "weekday",
        "year",
    ]
)
LOOP_ATTRIBUTES = frozenset(
    {"index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem"}
)


def _environment() -> TemplateEnvironment:
    made = TemplateEnvironment(undefined=StrictName, optimized=False, keep_trailing_newline=True, cache_size=0)
    made.filters = FILTERS | {
        "native value": _native,
        "joined text": _joined,
        "text piece": _piece,
        "loop steps": _steps,
    }
    made.tests = TESTS
    made.globals = GLOBALS
    return made


environment = _environment()
