"""A spec → a Python function that encodes the events of plain rows.

Most rows of a large file are plain: texts and numbers that break no rule, inserted into templates. For those, the work of
`RowResolver`, `render` and `encode` is generated here as one Python function, at a sixth of the cost. It returns None for a
row that it can't be sure of: those three then make the event, or report its problems. Otherwise its result is byte for
byte the same as theirs.
"""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from runner.eventspec.event import Occurrence
from runner.eventspec.own_key import own_key
from runner.eventspec.python_source import MAX_CELL, Kind, PythonValue, begin_of, joined, kind_of, lone
from runner.eventspec.shape_bounds import LONGEST, is_constant, largest, levels, most_text
from runner.suprsend.encoding import encode_plain
from runner.suprsend.event import Attachment, Event, Stamp
from runner.suprsend.rules import MAX_KEY, is_plain_name, is_sound, is_tenant, plain_url_check
from runner.template.budget import Budget
from runner.template.ids import row_ids
from runner.template.limits import MAX_TEXT
from runner.template.omit import OMIT, without_omitted
from runner.template.plan import Plan, RenderingError
from runner.template.shape import ForEach, Merge, may_omit, omitting
from runner.template.template import Template
from runner.variables import PLAIN_NUMBER, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from runner.eventspec.spec import Spec
    from runner.suprsend.encoding import Encoded
    from runner.template.shape import Shape
    from runner.variables import Cells, RowResolver, Variable


Make: TypeAlias = "Callable[[Cells, int], Encoded | None]"


def specialize(
    spec: Spec, resolver: RowResolver, seed: UUID, now: datetime, env: str, max_event_kb: int, run: str | None = None
) -> Make | None:
    """Return the function for rows as `resolver` reads them; it takes a row's values and its number.

    With `run`, the name of a run, events get keys that no other run has. Return None for a spec that can't be specialized.
    """
    try:
        return _Writer(spec, resolver, seed, now, env, max_event_kb, run).function()
    except (_NotPlainError, RecursionError, MemoryError, SyntaxError, ValueError):  # Python's compiler has limits
        return None


class _NotPlainError(Exception):
    """The spec can't be specialized."""


class _Writer:
    """Writes the function's lines; `self._known` holds the objects that they name."""

    def __init__(
        self, spec: Spec, resolver: RowResolver, seed: UUID, now: datetime, env: str, max_event_kb: int, run: str | None
    ) -> None:
        self._spec = spec
        self._resolver = resolver
        self._seed = seed
        self._now = now
        self._env = env
        self._max_event_kb = max_event_kb
        self._run = run
        self._lines: list[str] = []
        self._known: dict[str, Any] = {
            "encode_plain": encode_plain, "key_of": row_ids(seed, "key"), "id_of": row_ids(seed, "insert"), "seed": seed, "now": now,
            "Budget": Budget, "number_in": PLAIN_NUMBER.fullmatch, "is_sound": is_sound, "booleans": _BOOLEANS, "whole": whole,
            "omit": OMIT, "without_omitted": without_omitted,
            # KeyError: a JSON row lacks a key, or a word is not a boolean. ValueError: a number has too many digits.
            "Unsure": (KeyError, ValueError, RenderingError),
        }  # fmt: skip
        self._scope: dict[str, PythonValue] = {}
        self._most_text = most_text([*spec.lets.values(), spec.shape])
        self._rest: dict[str, Shape] = {}
        self._fixed = dict(resolver.fixed)
        """The values that all rows share."""
        self._lets: dict[str, Shape] = {}
        """Those that are left to Jinja."""
        self._given: dict[str, str] = {}
        """The locals that Jinja reads, by the names that templates have for them."""
        self._slots: dict[str, str] = {}
        self._nonce = token_hex(16)
        """Part of the placeholders for expressions, so that no spec can contain one by chance."""

    def function(self) -> Make:
        spec, shape = self._spec, self._spec.shape
        if not isinstance(shape["properties"], dict) or not isinstance(shape["attachments"], list):
            raise _NotPlainError
        if not self._resolver.is_plain or self._most_text > MAX_TEXT:
            raise _NotPlainError
        self._read_row()
        self._compute_lets()
        begun = len(self._lines)
        skeleton = self._skeleton(shape)
        self._write_body(skeleton, shape["properties"])
        self._lines[begun:begun] = self._write_rest()
        body = [f"        {line}" for line in self._lines]
        source = "\n".join(
            ["def make(row, row_number):", "    try:", *body, "    except Unsure:", "        return None"]
        )
        exec(compile(source, f"<{spec.path}>", "exec"), self._known)  # noqa: S102 - all texts in it went through repr
        make: Make = self._known["make"]
        return make

    # Reading the row

    def _read_row(self) -> None:
        resolver = self._resolver
        for name, value in resolver.fixed.items():
            self._scope[name] = PythonValue(self._bind(value), kind_of(value))
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
                accepts = variable.schema.check_up_to(LONGEST) if is_bounded else variable.schema.accepts
                self._unless(f"{self._bind(accepts)}({local})")
            self._scope[variable.name] = PythonValue(local, kind)
            self._given[variable.name] = local

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

    # Rendering the templates

    def _constant_lets(self) -> Mapping[str, object]:
        names = set(self._fixed)
        lets: dict[str, Shape] = {}
        for name, shape in self._spec.lets.items():
            if is_constant(shape, names):
                names.add(name)
                lets[name] = shape
        try:
            made = Plan({}, lets).trace(self._fixed, Budget(self._now, self._seed, 0))[1]
        except RenderingError:
            return {}
        return {name: made[name] for name in lets if made[name] is not OMIT}

    def _constant(self, shape: Shape) -> PythonValue | None:
        """Evaluate once what no row changes; return None if it fails, or is too large."""
        if not is_constant(shape, self._fixed):
            return None
        try:
            found = cast(
                "dict[str, object]", Plan({"value": shape}).evaluate(self._fixed, Budget(self._now, self._seed, 0))
            )
        except RenderingError:
            return None
        if "value" not in found:
            return PythonValue("omit", "any", omits=True)
        value = found["value"]
        if (kind := kind_of(value)) == "any":
            return None
        self._most_text += MAX_CELL
        return PythonValue(self._bind(value), kind)

    def _compute_lets(self) -> None:
        """Compute the lets that Python can compute; Jinja computes the others, and whatever reads them.

        Those that no row changes are computed once.
        """
        constant = self._constant_lets()
        for number, (name, shape) in enumerate(self._spec.lets.items()):
            if name in constant:
                self._fixed[name] = constant[name]
                self._scope[name] = PythonValue(self._bind(constant[name]), kind_of(constant[name]))
                continue
            value = self._in_python(shape) if isinstance(shape, Template) else None
            if value is None:
                self._lets[name] = shape
                continue
            local = f"l{number}"
            self._lines.append(f"{local} = {value.source}")
            if value.kind == "text":
                is_short = f"len({local}) <= {MAX_CELL}"
                self._unless(f"{local} is omit or {is_short}" if value.omits else is_short)
            self._scope[name] = value._replace(source=local)
            self._given[name] = local

    def _skeleton(self, shape: dict[str, Shape]) -> dict[str, object]:
        """Return the event on the wire, with placeholders for the values that differ between rows."""
        spec = self._spec
        if spec.may_omit_tenant or any(
            shape.get(field) is None for field in spec.optional_fields if not (field == _KEY and spec.auto_key)
        ):
            raise _NotPlainError
        has_key = spec.has_key or self._run is not None
        self._lines.append(f"sent_key = {self._key(shape) if has_key else None}")
        key = self._slot(_KEY, "sent_key") if has_key else None
        event = Event(
            self._slot("distinct_id", self._id("user", self._value(shape["distinct_id"]), None)),
            self._slot("event", self._checked("name", shape["event"], is_plain_name)),
            shape["properties"],  # type: ignore[arg-type]
            key,
            *(
                self._slot(field, self._checked(field, shape[field], is_tenant))
                if shape.get(field) is not None
                else None
                for field in ("tenant_id", "brand_id")
            ),
        )
        entries = cast("list[dict[str, Shape]]", shape["attachments"])
        event.attachments = tuple(self._attachment(number, entry) for number, entry in enumerate(entries))
        self._lines.append("insert_id = id_of(row_number)")
        insert_id = self._slot("$insert_id", "insert_id")
        return event.wire(self._env, Stamp(insert_id, Occurrence(self._seed, 0, self._now).stamp.time_ms))

    def _attachment(self, number: int, entry: dict[str, Shape]) -> Attachment:
        filename, ignore = _constant_of(entry.get("filename")), _constant_of(entry.get("ignore_if_error", False))
        if type(ignore) is not bool or not (filename is None or isinstance(filename, str)):
            raise _NotPlainError
        if may_omit(entry["url"], omitting(self._spec.lets)):
            raise _NotPlainError
        url = self._checked(f"url{number}", entry["url"], plain_url_check(begin_of(entry["url"])))
        return Attachment(self._slot(f"url{number}", url), filename, ignore)

    def _key(self, shape: dict[str, Shape]) -> str:
        """Write the idempotency key, and the check of the spec's own."""
        key = "None"
        if self._spec.has_key:
            auto = PythonValue("key_of(row_number)", "text")
            key = self._id("key", auto if self._spec.auto_key else self._value(shape[_KEY]), MAX_KEY)
        return key if self._run is None else f"{self._bind(own_key)}({key}, {self._run!r}, row_number)"

    def _slot(self, name: str, source: str) -> str:
        """Return a placeholder for an expression."""
        slot = f"{name} {self._nonce}"
        self._slots[slot] = source
        return slot

    def _id(self, local: str, value: PythonValue, at_most: int | None) -> str:
        """Write the check of an id: a text, which is sent trimmed, or an integer."""
        if value.kind == "number":
            self._unless(f"type({value.source}) is int")
            self._lines.append(f"{local} = repr({value.source})")
        else:
            self._check_text(value)
            self._lines.append(f"{local} = {value.source}.strip()")
        self._unless(local if at_most is None else f"0 < len({local}) <= {at_most}")
        return local

    def _checked(self, local: str, shape: Shape, check: Callable[[str], object]) -> str:
        """Write the check of a text against a rule of the platform; a text that no row changes is checked now."""
        text = shape.constant if isinstance(shape, Template) else shape
        if isinstance(text, str):
            if not check(text):
                raise _NotPlainError
            return repr(text)
        value = self._value(shape)
        self._check_text(value)
        self._lines.append(f"{local} = {value.source}")
        self._unless(f"{self._bind(check)}({local})")
        return local

    def _check_text(self, value: PythonValue) -> None:
        if value.kind == "any":
            self._unless(f"type({value.source}) is str")
        elif value.kind != "text" or value.omits:
            raise _NotPlainError

    def _value(self, shape: Shape) -> PythonValue:
        match shape:
            case Template():
                return self._in_python(shape) or self._constant(shape) or self._left_to_jinja(shape)
            case ForEach() | Merge():
                return self._left_to_jinja(shape)
            case _:
                return PythonValue(self._bind(shape), kind_of(shape))

    def _in_python(self, template: Template) -> PythonValue | None:
        if (constant := template.constant) is not None:
            return PythonValue(repr(constant), "text")
        if (expression := template.lone) is not None:
            return lone(expression, self._scope)
        if (pieces := template.pieces) is not None:
            return joined(pieces, self._scope)
        return None

    def _left_to_jinja(self, shape: Shape) -> PythonValue:
        name = f"r{len(self._rest)}"
        self._rest[name] = shape
        if may_omit(shape, omitting(self._spec.lets)):
            return PythonValue(f"rest.get({name!r}, omit)", "any", omits=True)
        return PythonValue(f"rest[{name!r}]", "any")

    # Writing the event

    def _write_rest(self) -> list[str]:
        """Write the evaluation of the templates that are left to Jinja; it precedes all uses of their results."""
        if not self._rest and not self._lets:
            return []
        self._known |= {"plan": Plan(dict(self._rest), self._lets), "fixed": self._fixed}
        given = "".join(f", {name!r}: {local}" for name, local in self._given.items())
        return [
            "budget = Budget(now, seed, row_number)",
            f"budget.spend_text({self._most_text})",  # text that the function joins itself counts as well
            f"rest = plan.evaluate({{**fixed{given}}}, budget)",
            f"if not is_sound(rest, {levels(self._spec.shape)}):",
            "    return None",
        ]

    def _write_body(self, skeleton: dict[str, object], properties: dict[str, Shape]) -> None:
        whole = cast("dict[str, object]", skeleton["properties"])
        left_before = len(self._rest)
        self._lines.append(f"properties = {self._literal(properties)}")
        if (schema := self._spec.schema) is not None:
            is_bounded = len(self._rest) == left_before
            accepts = schema.check_up_to(largest(properties)) if is_bounded else schema.accepts
            self._unless(f"{self._bind(accepts)}(properties)")
        self._lines += [
            f"properties[{key!r}] = {self._literal(item)}" for key, item in whole.items() if key not in properties
        ]
        members = ", ".join(
            f"{key!r}: {'properties' if key == 'properties' else self._literal(item)}" for key, item in skeleton.items()
        )
        self._lines.append(f"return encode_plain({{{members}}}, {self._max_event_kb * 1024}, sent_key, insert_id)")

    def _literal(self, shape: object) -> str:
        match shape:
            case Template():
                return self._value(shape).source
            case str() if shape in self._slots:
                return self._slots[shape]
            case ForEach() | Merge():
                return self._value(shape).source
            case dict():
                entries = f"{{{', '.join(f'{key!r}: {self._literal(item)}' for key, item in shape.items())}}}"
                return f"without_omitted({entries})" if self._omits(shape.values()) else entries
            case list():
                items = f"[{', '.join(map(self._literal, shape))}]"
                return f"without_omitted({items})" if self._omits(shape) else items
            case None | bool() | int() | str():
                return repr(shape)
            case _:
                return self._bind(shape)

    def _omits(self, shapes: Iterable[Any]) -> bool:
        names = omitting(self._spec.lets)
        return any(may_omit(shape, names) for shape in shapes)

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


def _constant_of(shape: Shape) -> object:
    if isinstance(shape, Template):
        if shape.constant is None:
            raise _NotPlainError
        return shape.constant
    return shape
