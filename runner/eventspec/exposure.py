"""A template and its secrets → the places where only a part of a secret, or a changed secret, gets into the event.

The mask recognizes whole secrets and their usual escapes, but not parts or transformed texts, neither in output nor in a
cassette. So these are reported when the spec is read.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from jinja2 import nodes

from runner.eventspec.lets import ordered
from runner.template.inspector import Use
from runner.template.shape import ForEach, Merge
from runner.template.template import Template

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    from runner.eventspec.fields import Fields
    from runner.template.shape import Shape
    from runner.variables import Variable


class Exposure(NamedTuple):
    """A secret that is not inserted whole, and the range of the template's text that does it."""

    secret: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Trace:
    """The part of a secret in a value. `cut` is the operation that made it incomplete.

    Each text in a container is a secret itself: taking one out of it does not cut a secret.
    """

    secret: str
    is_container: bool
    is_number: bool = False
    has_fraction: bool = False
    """Whether it may be, or contain, a number that loses digits as an integer."""
    cut: nodes.Node | None = None


_Traces: TypeAlias = frozenset[_Trace]
_NONE: _Traces = frozenset()


_MAX_TRACES = 100_000
"""Limit for the traces of a template: about a quarter of a second."""


class _TooManyError(Exception):
    """The limit of traces is reached."""


def exposures(event: Fields, secrets: Mapping[str, Variable]) -> Iterator[tuple[Template, Exposure]]:
    """Yield the secrets that templates cut or change, each with its first place in a template.

    A let holds what its templates write, and an item of a `$for` what is in its list. If tracing them takes
    too long, yield each secret that a template reads.
    """
    known: dict[str, _Traces] = {}
    for name, shape in ordered(event.lets).items():
        found = yield from _in_shape(shape, secrets, known)
        if found:
            is_container = isinstance(shape, dict | list | ForEach | Merge)
            known[name] = frozenset(replace(trace, is_container=is_container or trace.is_container) for trace in found)
    yield from _in_shape(event.shape, secrets, known)


def _in_shape(
    shape: Shape, secrets: Mapping[str, Variable], known: Mapping[str, _Traces]
) -> Generator[tuple[Template, Exposure], None, _Traces]:
    """Yield the exposures in a shape, and return the traces of secrets in its value."""
    found = _NONE
    match shape:
        case Template():
            return (yield from _in_template(shape, secrets, known))
        case ForEach():
            yield from _in_template(shape.loop, secrets, known)
            reader = _Reader(secrets, known)
            reader.block(shape.loop.tree.body if shape.loop.tree is not None else [])
            return (yield from _in_shape(shape.body, secrets, {**known, **reader.stored}))
        case Merge(parts=parts):
            parts_of: Iterable[Shape] = parts
        case dict():
            parts_of = shape.values()
        case list():
            parts_of = shape
        case _:
            return found
    for part in parts_of:
        found |= yield from _in_shape(part, secrets, known)
    return found


def _in_template(
    template: Template, secrets: Mapping[str, Variable], known: Mapping[str, _Traces]
) -> Generator[tuple[Template, Exposure], None, _Traces]:
    if template.tree is None or not any(use.name in secrets or use.name in known for use in _reads(template, known)):
        return _NONE
    try:
        reader = _Reader(secrets, known)
        found = reader.block(template.tree.body)
        if (
            template.tree.find(nodes.NSRef) is not None
        ):  # a value set at the end of a loop exists at its beginning in the next round
            found |= reader.block(template.tree.body)
        if (lone := template.lone) is not None:
            found |= reader.value(lone)
    except (_TooManyError, RecursionError):
        first = {
            name: Exposure(name, offset, offset + len(name))
            for name, offset, _ in reversed(template.uses)
            if name in secrets
        }
        for exposure in first.values():
            yield template, exposure
        return _NONE
    seen: set[str] = set()
    for trace in sorted(found, key=lambda trace: _offset(trace.cut) if trace.cut else -1):
        if trace.cut is not None and trace.secret not in seen:
            seen.add(trace.secret)
            start = _offset(trace.cut)
            name = next((node.name for node in _names(trace.cut)), "")
            yield template, Exposure(trace.secret, start, start + max(len(name), 1))
    return frozenset(trace for trace in found if trace.cut is None)  # what is cut has been reported


def _reads(template: Template, known: Mapping[str, _Traces]) -> Iterator[Use]:
    """List the variables that a template reads, and the names of loops around it."""
    yield from template.uses
    if template.tree is not None:
        names = {node.name for node in template.tree.find_all(nodes.Name)}
        yield from (Use(name, 0, optional=False) for name in known if name in names)


def _names(node: nodes.Node) -> Iterable[nodes.Name]:
    return [node] if isinstance(node, nodes.Name) else node.find_all(nodes.Name)


def _offset(node: nodes.Node) -> int:
    return next((name.lineno for name in _names(node)), node.lineno or 1) - 1


class _Reader:
    """Traces secrets through a template: into the output of blocks and the values of expressions."""

    def __init__(self, secrets: Mapping[str, Variable], known: Mapping[str, _Traces]) -> None:
        self._secrets = secrets
        self._left = _MAX_TRACES
        self._set: dict[str, _Traces] = dict(known)
        self._looped: _Traces = _NONE
        """Traces in the items of all loops, for `loop.nextitem` and `loop.previtem`."""

    @property
    def stored(self) -> dict[str, _Traces]:
        """The traces in each name that was set."""
        return self._set

    def block(self, body: Iterable[nodes.Node]) -> _Traces:
        """Return the traces in the output of statements."""
        return _NONE.union(*(self._statement(node) for node in body))

    def _statement(self, node: nodes.Node) -> _Traces:
        match node:
            case nodes.Output():
                return _as_text(_NONE.union(*(self.value(item) for item in node.nodes)))
            case nodes.Assign():
                traces = self.value(node.node)
                is_unpacked = isinstance(node.target, nodes.Tuple)
                self._store(node.target, _items(traces, node.node) if is_unpacked else traces)
                return _NONE
            case nodes.AssignBlock():
                self._store(node.target, self._filtered(node.filter, self.block(node.body)))
                return _NONE
            case nodes.FilterBlock():
                return self._filtered(node.filter, self.block(node.body))
            case nodes.For():
                items = _items(self.value(node.iter), node.iter)
                self._looped |= items
                self._store(node.target, items)
                return self.block([*node.body, *node.else_])
            case nodes.If():
                return self.block([*node.body, *node.elif_, *node.else_])
            case nodes.With():
                for target, value in zip(node.targets, node.values, strict=True):
                    self._store(target, self.value(value))
                return self.block(node.body)
            case _:
                return _NONE

    def _store(self, target: nodes.Node, traces: _Traces) -> None:
        spaces = [target] if isinstance(target, nodes.NSRef) else target.find_all(nodes.NSRef)
        for name in (*_names(target), *spaces):
            self._set[name.name] = self._set.get(name.name, _NONE) | traces

    def value(self, node: nodes.Node | None) -> _Traces:
        """Return the traces of secrets in the value of an expression."""
        traces = self._followed(node)
        self._left -= len(traces)
        if self._left < 0:
            raise _TooManyError
        return traces

    def _followed(self, node: nodes.Node | None) -> _Traces:
        match node:
            case nodes.Name(name=name):
                return self._set.get(name, _NONE) | self._read(name)
            case nodes.Getitem():
                return self._item(node)
            case nodes.Getattr(node=nodes.Name(name="loop"), attr=name) if "loop" not in self._set:
                return self._looped if name in ("nextitem", "previtem") else _NONE
            case nodes.Getattr():
                return frozenset(replace(trace, is_container=False) for trace in self.value(node.node))
            case nodes.Filter():
                return self._filtered(node, self.value(node.node))
            case nodes.Call():
                return self._called(node)
            case nodes.CondExpr():
                return self.value(node.expr1) | self.value(node.expr2)
            case nodes.Compare() | nodes.Test() | nodes.Not() | None:
                return _NONE
            case nodes.List() | nodes.Tuple() | nodes.Dict():
                return frozenset(replace(trace, is_container=True) for trace in self._below(node))
            case nodes.Concat() | nodes.And() | nodes.Or() | nodes.Pair() | nodes.Keyword():
                return self._below(node)
            case nodes.Mod(left=nodes.Const(value=str(pattern))):
                return self._formatted(node, pattern, self.value(node.right))
            case nodes.Add() | nodes.Mul():
                return frozenset(_cut(trace, node) if trace.is_number else trace for trace in self._below(node))
            case _:  # arithmetic, and any other node
                return _all_cut(self._below(node), node)

    def _below(self, node: nodes.Node) -> _Traces:
        return _NONE.union(*(self.value(child) for child in node.iter_child_nodes()))

    def _read(self, name: str) -> _Traces:
        variable = self._secrets.get(name)
        if variable is None:
            return _NONE
        types = {*variable.types}
        is_container = bool(types) and types <= {"array", "object", "null"}
        has_fraction = not types or bool(types & {"number", "array", "object"})
        return frozenset({_Trace(name, is_container, bool(types & {"integer", "number"}), has_fraction)})

    def _item(self, node: nodes.Getitem) -> _Traces:
        is_key = isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str)
        is_slice = isinstance(node.arg, nodes.Slice)
        return frozenset(
            replace(trace, is_container=is_slice) if trace.is_container else trace if is_key else _cut(trace, node)
            for trace in self.value(node.node)
        )

    def _filtered(self, node: nodes.Filter | None, value: _Traces) -> _Traces:
        """Return the traces in the result of a filter; those of its arguments are inserted whole."""
        if node is None:
            return value
        given = _NONE.union(*(self.value(each) for each in (*node.args, *node.kwargs)))
        name = node.name
        if name in _TELLS_NOTHING:
            return _NONE
        if name == "b64encode":  # the mask knows the base64 of the whole secret, not of what was made of it
            inner: tuple[type[nodes.Expr], ...] = (nodes.Filter, nodes.Call)
            changed = isinstance(node.node, inner) or (node.node is not None and any(node.node.find_all(inner)))
            return _all_cut(value, node) if changed else value
        if name == "format":
            pattern = node.node.value if isinstance(node.node, nodes.Const) else None
            return _all_cut(value, node) | self._formatted(node, pattern, given)
        if _is_recognized(name, [*node.args, *node.kwargs], value):
            return given | (value if name in _DEFAULTS else frozenset(replace(t, is_container=False) for t in value))
        if name in _OF_LISTS and not _takes_letters(node) and (name != "map" or _maps_recognizably(node, value)):
            is_list = name not in _OF_LISTS_TEXT
            return given | frozenset(
                replace(trace, is_container=is_list) if trace.is_container else _cut(trace, node) for trace in value
            )
        return _all_cut(value, node) | given

    def _formatted(self, node: nodes.Node, pattern: object, given: _Traces) -> _Traces:
        if not isinstance(pattern, str):
            return _all_cut(given, node)
        kinds = _WHOLE if any(trace.has_fraction for trace in given) else _WHOLE | _WHOLE_NUMBERS
        is_whole = all(each["precision"] is None and each["kind"] in kinds for each in _FORMAT.finditer(pattern))
        return given if is_whole else _all_cut(given, node)

    def _called(self, node: nodes.Call) -> _Traces:
        given = _NONE.union(*(self.value(each) for each in (*node.args, *node.kwargs)))
        if not isinstance(node.node, nodes.Getattr):
            match node.node:
                case nodes.Name(name="uuid5"):
                    return _NONE
                case nodes.Name(name="namespace"):
                    return given
                case _:
                    return _all_cut(given, node)
        value, method = self.value(node.node.node), node.node.attr
        if method in _METHODS_THAT_TELL_NOTHING:
            return _NONE
        if method == "get":
            return given | frozenset(replace(trace, is_container=False) for trace in value)
        if method in _METHODS_OF_MAPS:
            return value | given
        if method in _METHODS_THAT_KEEP and not node.args:
            return value
        return _all_cut(value, node) | given


def _is_recognized(name: object, given: Sequence[nodes.Node], traces: _Traces) -> bool:
    """Return whether the mask still recognizes the result of a filter with these arguments."""
    if name == "int":
        return not given and all(trace.is_number and not trace.has_fraction for trace in traces)
    if name == "float":
        return not given and all(trace.is_number for trace in traces)
    return name in _KEEPS and not (name == "trim" and given)


def _maps_recognizably(node: nodes.Filter, traces: _Traces) -> bool:
    """Return whether `map` takes a part of each item, or applies a filter whose result the mask recognizes."""
    if any(keyword.key == "attribute" for keyword in node.kwargs):
        return True
    name = node.args[0] if node.args else None
    return isinstance(name, nodes.Const) and _is_recognized(name.value, [*node.args[1:], *node.kwargs], traces)


def _takes_letters(node: nodes.Filter) -> bool:
    """Return whether a filter may take an item of each item by its number, which is a character of a text."""
    place = _PLACES_OF_ATTRIBUTES.get(node.name)
    if place is None:
        return False
    given = [*node.args[place : place + 1], *(each.value for each in node.kwargs if each.key == "attribute")]
    return not all(isinstance(each, nodes.Const) and _is_name(each.value) for each in given)


def _is_name(attribute: object) -> bool:
    return attribute is None or (
        isinstance(attribute, str) and not any(part.isdigit() for part in attribute.split("."))
    )


def _cut(trace: _Trace, node: nodes.Node) -> _Trace:
    return trace if trace.cut is not None else replace(trace, is_container=False, cut=node)


def _all_cut(traces: _Traces, node: nodes.Node) -> _Traces:
    return frozenset(_cut(trace, node) for trace in traces)


def _as_text(traces: _Traces) -> _Traces:
    return frozenset(replace(trace, is_container=False, is_number=False) for trace in traces)


def _items(traces: _Traces, node: nodes.Node) -> _Traces:
    """Return the traces in the items of an iterated value: single characters of a text."""
    return frozenset(
        replace(trace, is_container=False) if trace.is_container else _cut(trace, node) for trace in traces
    )


_KEEPS = frozenset(
    """
    capitalize center d default e escape forceescape indent lower string title tojson trim upper urlencode wordwrap
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
"""Filters whose results the mask recognizes. All but `_DEFAULTS` turn a list or a map into one text."""
_DEFAULTS = frozenset({"d", "default"})
_PLACES_OF_ATTRIBUTES = {"groupby": 0, "join": 1, "map": sys.maxsize}
"""Filters that output an attribute, and the position of that argument if it has no name."""
_OF_LISTS = frozenset(
    """
    batch dictsort first groupby items join last list map max min reject rejectattr reverse select selectattr slice sort
    unique
    """.split()  # noqa: SIM905
)
"""Filters that return whole items of a list, and characters of a text."""
_OF_LISTS_TEXT = frozenset({"first", "join", "last", "max", "min"})
_TELLS_NOTHING = frozenset({"count", "hmac_sha256", "length", "sha256", "wordcount"})
_METHODS_THAT_TELL_NOTHING = frozenset(
    """
    count endswith find index isalnum isalpha isdecimal isdigit islower isspace istitle isupper startswith
    """.split()  # noqa: SIM905
)
_METHODS_THAT_KEEP = frozenset("capitalize casefold lower lstrip rstrip strip swapcase title upper".split())  # noqa: SIM905
_METHODS_OF_MAPS = frozenset({"items", "keys", "values"})
_FORMAT = re.compile(r"%(?:\([^)]*\))?+[-+ #0]*+(?:\*|\d*+)(?P<precision>\.(?:\*|\d*+))?+(?P<kind>.)", re.DOTALL)
_WHOLE = frozenset("s%")
"""Formats that output a whole text or number, if they have no precision."""
_WHOLE_NUMBERS = frozenset("di")
"""Formats that drop the fraction."""
