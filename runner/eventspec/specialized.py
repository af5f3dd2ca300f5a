"""A spec, specialized for the rows of a file → one function that makes what goes out for a plain row.

Most rows of a large file are plain: texts and numbers that break no rule, and templates that put them in their places.
For those, what `RowResolver`, `render` and `encode` do one after the other is written out here as one Python function,
at a sixth of the cost. Of a row that it is not sure of, the function gives None: those three make its event, or say what
is wrong with it. What it does give is what they would give, byte for byte.
"""

from __future__ import annotations

from math import isfinite
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, cast

from jinja2 import nodes

from runner.eventspec.event import Occurrence
from runner.suprsend.encoding import encode_plain
from runner.suprsend.event import Attachment, Event, Stamp
from runner.suprsend.rules import MAX_KEY, is_plain_name, is_plain_url, is_sound, is_tenant
from runner.template.budget import Budget
from runner.template.ids import row_ids
from runner.template.limits import MAX_TEXT
from runner.template.plan import Plan, RenderingError
from runner.template.shape import ForEach, Merge, may_omit, templates_of
from runner.template.template import Template
from runner.variables import PLAIN_NUMBER, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from runner.eventspec.spec import Spec
    from runner.source import Json
    from runner.suprsend.encoding import Encoded
    from runner.template.shape import Shape
    from runner.variables import Cells, RowResolver, Variable

Make: TypeAlias = "Callable[[Cells, int], Encoded | None]"

MAX_CELL = 4096
"""Characters of a plain cell. What is longer is put together where its length is bounded."""


def specialize(
    spec: Spec, resolver: RowResolver, seed: UUID, now: datetime, env: str, max_event_kb: int
) -> Make | None:
    """Write the function for rows as `resolver` reads them; it takes a row's values and its number.

    None for a spec that asks for more than putting values in their places.
    """
    try:
        return _Writer(spec, resolver, seed, now, env, max_event_kb).function()
    except (_NotPlainError, RecursionError, MemoryError, SyntaxError, ValueError):  # Python's compiler may give up
        return None


class _NotPlainError(Exception):
    """The spec is none that can be written out."""


Kind = Literal["text", "number", "boolean", "any"]


class _Value(NamedTuple):
    """An expression of Python and what it gives. A text is as long as a cell at most, a number is finite."""

    source: str
    kind: Kind


class _Writer:
    """Writes the function's lines; `self._known` are the objects that they name."""

    def __init__(
        self, spec: Spec, resolver: RowResolver, seed: UUID, now: datetime, env: str, max_event_kb: int
    ) -> None:
        self._spec = spec
        self._resolver = resolver
        self._seed = seed
        self._now = now
        self._env = env
        self._max_event_kb = max_event_kb
        self._lines: list[str] = []
        self._known: dict[str, Any] = {
            "encode_plain": encode_plain, "key_of": row_ids(seed, "key"), "id_of": row_ids(seed, "insert"), "seed": seed, "now": now,
            "Budget": Budget, "number_in": PLAIN_NUMBER.fullmatch, "is_plain_name": is_plain_name,
            "is_plain_url": is_plain_url, "is_tenant": is_tenant, "is_sound": is_sound, "booleans": _BOOLEANS, "whole": whole,
            # A key that a row of JSON lacks or a word that is no boolean; a number of too many digits.
            "Unsure": (KeyError, ValueError, RenderingError),
        }  # fmt: skip
        self._scope: dict[str, _Value] = {}
        self._most_text = _most_text(spec.shape)
        self._rest: list[Template] = []
        self._slots: dict[str, str] = {}
        self._nonce = token_hex(16)
        """Makes texts that stand for expressions: no spec can spell them."""

    def function(self) -> Make:
        spec, shape = self._spec, self._spec.shape
        if spec.lets or not _is_plain(shape) or not self._resolver.is_plain or self._most_text > MAX_TEXT:
            raise _NotPlainError
        self._read_row()
        begun = len(self._lines)
        skeleton = self._skeleton(shape)
        self._write_body(skeleton, cast("dict[str, Shape]", shape["properties"]))
        self._lines[begun:begun] = self._write_rest()
        body = [f"        {line}" for line in self._lines]
        source = "\n".join(
            ["def make(row, row_number):", "    try:", *body, "    except Unsure:", "        return None"]
        )
        exec(compile(source, f"<{spec.path}>", "exec"), self._known)  # noqa: S102 - all texts in it went through repr
        make: Make = self._known["make"]
        return make

    # What the row gives

    def _read_row(self) -> None:
        resolver = self._resolver
        for name, value in resolver.fixed.items():
            self._scope[name] = _Value(self._bind(value), _kind_of(value))
        if not resolver.is_text:
            self._unless(f"len(row) == {len(resolver.columns)}")
        for number, column in enumerate(resolver.columns):
            variable = column.variable
            local = f"v{number}"
            kind = _KINDS.get(variable.types, "any")
            self._lines.append(f"{local} = row[{column.key!r}]")
            if resolver.is_text:
                self._read_text(local, kind, variable)
            elif kind == "text":
                self._unless(f"type({local}) is str and len({local}) <= {MAX_CELL}")
            elif kind == "number":
                self._unless(f"type({local}) is int or type({local}) is float")
            if variable.takes_whole and not resolver.is_text:
                self._lines.append(f"if type({local}) is float: {local} = whole({local})")
            if not (resolver.is_text and variable.is_only_typed):
                is_bounded = resolver.is_text or kind in ("text", "number")
                accepts = variable.schema.check_up_to(_LONGEST) if is_bounded else variable.schema.accepts
                self._unless(f"{self._bind(accepts)}({local})")
            self._scope[variable.name] = _Value(local, kind)

    def _read_text(self, local: str, kind: Kind, variable: Variable) -> None:
        if kind == "text":
            self._unless(f"len({local}) <= {MAX_CELL}")
        elif kind == "number":
            self._lines.append(f"found = number_in({local})")
            self._unless("found")
            if variable.types == ("integer",):
                self._unless("found[1] is None")
                self._lines.append(f"{local} = int({local})")
            else:
                self._lines.append(f"{local} = float({local}) if found[1] else int({local})")
        elif kind == "boolean":
            self._lines.append(f"{local} = booleans[{local}]")
        else:
            raise _NotPlainError

    # What the templates make of it

    def _skeleton(self, shape: dict[str, Shape]) -> dict[str, object]:
        """Give the event as it goes out, with stand-ins for what differs from row to row."""
        spec = self._spec
        if any(shape.get(field) is None for field in spec.optional_fields if not (field == _KEY and spec.auto_key)):
            raise _NotPlainError
        key: str | None = None
        if spec.has_key:
            auto = _Value("key_of(row_number)", "text")
            key = self._slot(_KEY, self._id("key", auto if spec.auto_key else self._value(shape[_KEY]), MAX_KEY))
        event = Event(
            self._slot("distinct_id", self._id("user", self._value(shape["distinct_id"]), None)),
            self._slot("event", self._checked("name", self._value(shape["event"]), "is_plain_name")),
            shape["properties"],  # type: ignore[arg-type]
            key,
            *(
                self._slot(field, self._checked(field, self._value(shape[field]), "is_tenant"))
                if shape.get(field) is not None
                else None
                for field in ("tenant_id", "brand_id")
            ),
        )
        entries = cast("list[dict[str, Shape]]", shape["attachments"])
        event.attachments = tuple(self._attachment(number, entry) for number, entry in enumerate(entries))
        insert_id = self._slot("$insert_id", "id_of(row_number)")
        return event.wire(self._env, Stamp(insert_id, Occurrence(self._seed, 0, self._now).stamp.time_ms))

    def _attachment(self, number: int, entry: dict[str, Shape]) -> Attachment:
        filename, ignore = _constant(entry.get("filename")), _constant(entry.get("ignore_if_error", False))
        if type(ignore) is not bool or not (filename is None or isinstance(filename, str)):
            raise _NotPlainError
        url = self._checked(f"url{number}", self._value(entry["url"]), "is_plain_url")
        return Attachment(self._slot(f"url{number}", url), filename, ignore)

    def _slot(self, name: str, source: str) -> str:
        """Give a text that stands for an expression until the source is written."""
        slot = f"{name} {self._nonce}"
        self._slots[slot] = source
        return slot

    def _id(self, local: str, value: _Value, at_most: int | None) -> str:
        """Write the check of a text that goes out trimmed; it may be given as an integer."""
        if value.kind == "number":
            self._unless(f"type({value.source}) is int")
            self._lines.append(f"{local} = repr({value.source})")
        else:
            self._check_text(value)
            self._lines.append(f"{local} = {value.source}.strip()")
        self._unless(local if at_most is None else f"0 < len({local}) <= {at_most}")
        return local

    def _checked(self, local: str, value: _Value, check: str) -> str:
        """Write a check of a text that some rule restricts."""
        self._check_text(value)
        self._lines.append(f"{local} = {value.source}")
        self._unless(f"{check}({local})")
        return local

    def _check_text(self, value: _Value) -> None:
        if value.kind == "any":
            self._unless(f"type({value.source}) is str")
        elif value.kind != "text":
            raise _NotPlainError

    def _value(self, shape: Shape) -> _Value:
        if not isinstance(shape, Template):
            return _Value(self._bind(shape), _kind_of(shape))
        if (constant := shape.constant) is not None:
            return _Value(repr(constant), "text")
        value = None
        if (lone := shape.lone) is not None:
            value = self._expression(lone)
        elif (pieces := shape.pieces) is not None:
            value = self._joined(pieces)
        return value or self._left_to_jinja(shape)

    def _left_to_jinja(self, template: Template) -> _Value:
        self._rest.append(template)
        return _Value(f"rest[{len(self._rest) - 1}]", "any")

    def _expression(self, node: nodes.Node) -> _Value | None:
        """Write an expression over values of known kinds as Python has it, which is how Jinja has it. None if it is another."""
        match node:
            case nodes.Name(name=str(name)):
                found = self._scope.get(name)
                return found if found and found.kind != "any" else None
            case nodes.Const(value=value):
                kind = _kind_of(value)
                return _Value(repr(value), kind) if kind != "any" else None
            case nodes.Not(node=inner):
                value = self._expression(inner)
                return value and _Value(f"(not {value.source})", "boolean")
            case nodes.Compare(expr=first, ops=operands) if all(each.op in _COMPARISONS for each in operands):
                return self._comparison([first, *(each.expr for each in operands)], [each.op for each in operands])
            case nodes.And(left=left, right=right):
                return self._either("({} and {})", left, right)
            case nodes.Or(left=left, right=right):
                return self._either("({} or {})", left, right)
            case nodes.CondExpr(test=test, expr1=left, expr2=nodes.Expr() as right):
                condition = self._expression(test)
                return condition and self._either(f"({{}} if {_braced(condition.source)} else {{}})", left, right)
            case nodes.Concat(nodes=pieces):
                return self._joined(pieces)
            case _:
                return None

    def _comparison(self, sides: Sequence[nodes.Node], operators: Sequence[str]) -> _Value | None:
        values = [self._expression(side) for side in sides]
        if None in values or len({value.kind for value in values if value}) > 1:
            return None
        parts = [
            part
            for value, sign in zip(values, [*operators, ""], strict=True)
            if value
            for part in (value.source, _COMPARISONS.get(sign, ""))
        ]
        return _Value(f"({' '.join(parts).strip()})", "boolean")

    def _either(self, pattern: str, left: nodes.Node, right: nodes.Node) -> _Value | None:
        one, other = self._expression(left), self._expression(right)
        if one is None or other is None or one.kind != other.kind:
            return None
        return _Value(pattern.format(one.source, other.source), one.kind)

    def _joined(self, pieces: Sequence[nodes.Expr]) -> _Value | None:
        texts = []
        for piece in pieces:
            value = (
                _Value(repr(piece.data), "text") if isinstance(piece, nodes.TemplateData) else self._expression(piece)
            )
            if value is None:
                return None
            texts.append(_AS_TEXT[value.kind].format(value.source))
        return _Value(f'"".join([{", ".join(texts)}])', "text")

    # What goes out

    def _write_rest(self) -> list[str]:
        """Write what Jinja does, before all that needs it."""
        if not self._rest:
            return []
        self._known |= {"plan": Plan(list(self._rest)), "fixed": self._resolver.fixed}
        given = "".join(
            f", {column.variable.name!r}: v{number}" for number, column in enumerate(self._resolver.columns)
        )
        return [
            "budget = Budget(now, seed, row_number)",
            f"budget.spend_text({self._most_text})",  # what is written out counts as well
            f"rest = plan.evaluate({{**fixed{given}}}, budget)",
            f"if not is_sound(rest, {_depth(self._spec.shape)}):",
            "    return None",
        ]

    def _write_body(self, skeleton: dict[str, object], properties: dict[str, Shape]) -> None:
        whole = cast("dict[str, object]", skeleton["properties"])
        left_before = len(self._rest)
        self._lines.append(f"properties = {self._literal(properties)}")
        if (schema := self._spec.schema) is not None:
            is_bounded = len(self._rest) == left_before
            accepts = schema.check_up_to(_largest(properties)) if is_bounded else schema.accepts
            self._unless(f"{self._bind(accepts)}(properties)")
        self._lines += [
            f"properties[{key!r}] = {self._literal(item)}" for key, item in whole.items() if key not in properties
        ]
        members = ", ".join(
            f"{key!r}: {'properties' if key == 'properties' else self._literal(item)}" for key, item in skeleton.items()
        )
        self._lines.append(f"return encode_plain({{{members}}}, {self._max_event_kb})")

    def _literal(self, shape: object) -> str:
        match shape:
            case Template():
                return self._value(shape).source
            case str() if shape in self._slots:
                return self._slots[shape]
            case dict():
                return f"{{{', '.join(f'{key!r}: {self._literal(item)}' for key, item in shape.items())}}}"
            case list():
                return f"[{', '.join(map(self._literal, shape))}]"
            case None | bool() | int() | str():
                return repr(shape)
            case _:
                return self._bind(shape)

    def _unless(self, condition: str) -> None:
        self._lines += [f"if not ({condition}):", "    return None"]

    def _bind(self, value: object) -> str:
        name = f"k{len(self._known)}"
        self._known[name] = value
        return name


_KEY = "idempotency_key"
_BOOLEANS = {"true": True, "false": False}
_KINDS: Mapping[tuple[str, ...], Kind] = {
    ("string",): "text",
    ("number",): "number",
    ("integer",): "number",
    ("boolean",): "boolean",
}
_COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">="}
_AS_TEXT = {"text": "{}", "number": "repr({})", "boolean": "('true' if {} else 'false')"}


def _is_plain(shape: Shape) -> bool:
    match shape:
        case Template():
            return not may_omit(shape)
        case ForEach() | Merge():
            return False
        case dict():
            return all(map(_is_plain, shape.values()))
        case list():
            return all(map(_is_plain, shape))
        case _:
            return True


def _kind_of(value: object) -> Kind:
    match value:
        case bool():
            return "boolean"
        case str() if len(value) <= MAX_CELL:
            return "text"
        case int() if -(2**63) <= value < 2**63:
            return "number"
        case float() if isfinite(value):
            return "number"
        case _:
            return "any"


def _constant(shape: Shape) -> object:
    if isinstance(shape, Template):
        if shape.constant is None:
            raise _NotPlainError
        return shape.constant
    return shape


def _braced(source: str) -> str:
    return source.replace("{", "{{").replace("}", "}}")


def _depth(shape: Shape) -> int:
    """Count the levels of maps and lists."""
    match shape:
        case dict():
            return 1 + max(map(_depth, shape.values()), default=0)
        case list():
            return 1 + max(map(_depth, shape), default=0)
        case _:
            return 0


_LONGEST = "x" * MAX_CELL


def _largest(shape: Shape) -> Json:
    """Return what is as large as any value that is written out for a shape."""
    match shape:
        case Template():
            return "x" * _most_text(shape)
        case dict():
            return {key: _largest(item) for key, item in shape.items()}
        case list():
            return list(map(_largest, shape))
        case ForEach() | Merge():
            raise _NotPlainError
        case _:
            return shape


def _most_text(shape: Shape) -> int:
    """Bound the characters of all that templates put together, if no value is longer than a cell."""
    trees = [template for template in templates_of(shape) if template.tree is not None]
    names = sum(1 for template in trees if template.tree for _ in template.tree.find_all(nodes.Name))
    return names * MAX_CELL + sum(len(template.text) for template in trees)
