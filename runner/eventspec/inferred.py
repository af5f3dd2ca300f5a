"""The declared types of a spec → mistakes in its templates, and values that its schema never accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from jinja2 import nodes

from runner.errors import Problem, dotted
from runner.eventspec.lets import ordered
from runner.template.inference import Inference
from runner.template.shape import ForEach, Merge
from runner.template.stretch import name_stretch, stretch
from runner.template.template import Template
from runner.template.types import (
    FRACTION,
    INTEGER,
    JSON,
    LIST,
    MAP,
    NULL,
    NUMBER,
    OMITTED,
    OTHER,
    SEQUENCE,
    SOME_TEXT,
    TEXT,
    UNDEFINED,
    UNKNOWN,
    Type,
    exact_words,
    list_of,
    map_of,
    maybe,
    of_schema,
    of_value,
    shown_values,
    union,
    union_of,
    without,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.errors import Severity
    from runner.eventspec.fields import Fields
    from runner.eventspec.spec import Spec
    from runner.source import Node
    from runner.template.lookups import Scope
    from runner.template.shape import Shape
    from runner.variables import Variable


def type_problems(event: Fields, variables: Sequence[Variable], schema: Node | None) -> list[Problem]:
    """Report what can be inferred. `schema` is that of the properties."""
    scope = {variable.name: _declared(variable) for variable in variables}
    check = _Check()
    for name, let in ordered(event.lets).items():
        value = check.value(let, None, scope)
        is_late = value.kinds & SEQUENCE and value is not UNKNOWN  # a let makes a list of it
        scope[name] = value._replace(kinds=value.kinds & ~SEQUENCE | LIST) if is_late else value
    expected = of_schema(schema.plain()) if schema is not None else None
    check.is_let = False
    for field, shape in event.shape.items():
        check.value(shape, expected if field == "properties" else None, scope)
    return check.problems


def properties_type(spec: Spec) -> Type:
    """Return the type of a spec's properties."""
    scope = {variable.name: _declared(variable) for variable in spec.variables}
    check = _Check()
    for name, let in spec.lets.items():
        value = check.value(let, None, scope)
        scope[name] = value._replace(kinds=value.kinds & ~SEQUENCE | LIST) if value.kinds & SEQUENCE else value
    return check.value(spec.shape["properties"], None, scope)


def clash_with(found: Type, schema: object) -> str | None:
    """Return why a value of a type never fits a JSON Schema; None if it may."""
    clash = _clash(found, of_schema(schema))
    return clash.message if clash is not None else None


def _declared(variable: Variable) -> Type:
    declared = of_schema(variable.schema_source)
    if variable.may_be_secret:
        declared = Type(declared.kinds)  # messages show values that are declared
    return declared if variable.required or variable.has_default else maybe(declared)


class _Clash(NamedTuple):
    """Why a value can't be what the schema asks for. `path` leads to the part of the value that can't."""

    path: tuple[str, ...]
    message: str
    hint: str | None = None
    severity: Severity = "error"


class _Check:
    """Goes through the shapes of one event."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.is_let = True
        """Whether the types of whole values are needed, and not only their mistakes."""
        self._inference = Inference()
        self._conditions = 0
        """The number of conditions around a value: they may leave out what is null."""

    def value(self, shape: Shape, expected: Type | None, scope: Scope) -> Type:
        """Check a shape against what the schema asks for, if anything, and return its type."""
        match shape:
            case Template():
                return self._template(shape, expected, scope)
            case ForEach():
                return self._for_each(shape, expected, scope)
            case Merge():
                return self._merge(shape, expected, scope)
            case dict():
                return self._map(shape, expected, scope)
            case list():
                items = [self.value(item, expected and expected.item, scope) for item in shape]
                return list_of(union_of(without(item, OMITTED) for item in items)) if self.is_let else UNKNOWN
            case _:
                return of_value(shape) if self.is_let else UNKNOWN

    def _map(self, shape: dict[str, Shape], expected: Type | None, scope: Scope) -> Type:
        wanted = expected.keys if expected is not None and expected.keys is not None else {}
        found = {key: self.value(item, wanted.get(key), scope) for key, item in shape.items()}
        if not self.is_let:
            return UNKNOWN
        return map_of(
            {key: without(item, OMITTED) for key, item in found.items()},
            (key for key, item in found.items() if not item.kinds & OMITTED),
        )

    def _merge(self, merge: Merge, expected: Type | None, scope: Scope) -> Type:
        types: list[Type] = []
        later: set[str] | None = set()
        """The keys of later parts, which replace the same keys of earlier ones; None if they are not known."""
        for part in reversed(merge.parts):
            is_sent = later is not None and (later.isdisjoint(part) if isinstance(part, dict) else not later)
            types.append(self.value(part, expected if is_sent else None, scope))
            if isinstance(part, Template):
                self._expect(part, types[-1], MAP | OTHER | OMITTED, "a map is expected here, and this is {}")
            if later is not None and isinstance(part, dict):
                later.update(part)
            else:
                later = None
        if any(each.kinds != MAP or each.keys is None or not each.is_closed for each in types):
            return Type(MAP)
        keys: dict[str, Type] = {}
        for each in types:
            for name, value in (each.keys or {}).items():
                keys[name] = union(keys[name], value) if name in keys else value
        return map_of(keys, {name for each in types for name in each.required})

    def _for_each(self, each: ForEach, expected: Type | None, scope: Scope) -> Type:
        inference = self._inference
        loop = each.loop.tree.body[0] if each.loop.tree is not None else None
        inner = dict(scope)
        if isinstance(loop, nodes.For):
            values = union_of(found for _, found in inference.branches(loop.iter, scope))
            self._report(each.loop)
            is_list = self._expect(
                each.loop, values, LIST | MAP | SEQUENCE | OTHER, "$for goes through a list, and this is {}", loop.iter
            )
            inner = inference.inside(loop, values if is_list else UNKNOWN, scope)
        if each.condition is not None and (condition := each.condition.lone) is not None:
            inference.lone_condition(condition, inner)
            self._report(each.condition)
        self._conditions += each.condition is not None
        body = self.value(each.body, expected and expected.item, inner)
        self._conditions -= each.condition is not None
        return list_of(without(body, OMITTED))

    def _expect(
        self, template: Template, found: Type, kinds: int, message: str, node: nodes.Node | None = None
    ) -> bool:
        """Refuse a value that is always of other kinds."""
        given = found.kinds & ~UNDEFINED
        if not given or given & kinds or (node := node or template.lone) is None:
            return True
        self._inference.report("template-type", message.format(words(given)), node)
        self._report(template)
        return False

    def _template(self, template: Template, expected: Type | None, scope: Scope) -> Type:
        if template.tree is None:
            return UNKNOWN if template.findings or not self.is_let else of_value(template.text)
        lone = template.lone
        if lone is None:
            if not _is_plain(template.pieces):
                self._inference.block(template.tree.body, dict(scope))
                self._report(template)
            if expected is not None:
                self._hold(template, template.tree.body[0], SOME_TEXT, expected, is_whole=False)
            return SOME_TEXT
        if isinstance(lone, nodes.Name) and lone.name in scope:
            branches: list[tuple[nodes.Node, Type]] = [(lone, scope[lone.name])]  # as most are
        else:
            branches = self._inference.branches(lone, scope)
            self._report(template)
        if expected is not None:
            for node, found in branches:
                self._hold(template, node, found, expected, is_whole=len(branches) == 1)
        return branches[0][1] if len(branches) == 1 else union_of(found for _, found in branches)

    def _hold(self, template: Template, node: nodes.Node, found: Type, expected: Type, *, is_whole: bool) -> None:
        """Hold the value of a template against the schema."""
        clash = _clash(found, expected)
        if clash is None and is_whole and not self._conditions and _is_path(node):
            clash = _null(found, expected)
        if clash is None:
            return
        start, end = stretch(template.text, node) if template.lone is not None else (0, len(template.text))
        at = dotted((*template.path, *clash.path))
        place = template.place(start, end)
        self.problems.append(
            Problem("schema-violation", clash.message, place, at=at, hint=clash.hint, severity=clash.severity)
        )

    def _report(self, template: Template) -> None:
        """Report what the inference found in a template."""
        mistakes = self._inference.mistakes
        for mistake in mistakes:
            start, end = (
                name_stretch(template.text, mistake.node, mistake.name)
                if mistake.name is not None
                else stretch(template.text, mistake.node)
            )
            place = template.place(start, end)
            self.problems.append(
                Problem(mistake.code, mistake.message, place, hint=mistake.hint, severity=mistake.severity)
            )
        mistakes.clear()


def _is_plain(pieces: Sequence[nodes.Expr] | None) -> bool:
    """Return whether pieces of text are names alone, in which nothing can be wrong."""
    return pieces is not None and all(isinstance(piece, nodes.Name | nodes.TemplateData) for piece in pieces)


def _is_path(node: nodes.Node) -> bool:
    while isinstance(node, nodes.Getattr):
        node = node.node
    return isinstance(node, nodes.Name)


def _clash(found: Type, expected: Type, path: tuple[str, ...] = ()) -> _Clash | None:
    """Return why a value never is what the schema asks for; None if it may be."""
    kinds = found.kinds & ~UNDEFINED
    if not kinds or kinds & ~JSON or expected is UNKNOWN:
        return None
    if not kinds & expected.kinds:
        given = exact_words(kinds) if kinds == FRACTION else words(kinds)
        message = f"the schema expects {exact_words(expected.kinds)}, and this is {given}"
        return _Clash(path, message, _hint(kinds, expected.kinds))
    if (
        found.values is not None
        and expected.values is not None
        and not any(one == other for one in found.values for other in expected.values)
    ):
        return _Clash(path, "the schema does not allow this value", f"it allows {shown_values(expected.values)}")
    if kinds == MAP and found.keys is not None and expected.keys is not None:
        for name in sorted(found.required & expected.keys.keys()):
            inner = _clash(found.keys[name], expected.keys[name], (*path, name))
            if inner is not None:
                return inner if path else inner._replace(message=f"{dotted(inner.path)}: {inner.message}")
    if kinds == LIST and found.item is not None and expected.item is not None:
        inner = _clash(found.item, expected.item)
        if inner is not None:  # a list without items is right
            return _Clash(path, f"in the items of the list {inner.message}", None, "warning")
    return None


def _null(found: Type, expected: Type) -> _Clash | None:
    if not found.kinds & NULL or found.kinds & ~JSON or found.kinds == JSON or expected.kinds & NULL:
        return None
    message = f"this may be null, and the schema expects {exact_words(expected.kinds)}"
    return _Clash((), message, "give it a value with default(…, true), or leave it out with omit", "warning")


def _hint(kinds: int, expected: int) -> str | None:
    if kinds == TEXT and not expected & ~NUMBER:
        return f"make a number of it: {{{{ … | {'int' if expected == INTEGER else 'float'} }}}}"
    if not kinds & ~NUMBER and expected == TEXT:
        return "make text of it: {{ … | string }}"
    return None
