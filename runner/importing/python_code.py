"""Python files that call `Event(…)` → the events that they make, read from the syntax tree: nothing is run.

What is written out in the code is a constant; an expression is a hole, named by the last words of it. A name that is assigned
once in its function, or at the top of the file, stands for what is assigned.
"""

from __future__ import annotations

import ast
import warnings
from itertools import chain
from typing import TYPE_CHECKING

from runner.importing.expressions import Scope, entries_of, value_of
from runner.importing.faults import MAX_BYTES, place, unusable
from runner.importing.payloads import has_public_url, left_out
from runner.importing.sample import ABSENT, Found, Hole, Pieces, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.importing.sample import Absent, Value

_PARAMETERS = ("distinct_id", "event_name", "properties", "idempotency_key", "tenant_id", "brand_id")
_EVENT = "Event"
_PACKAGES = ("suprsend", "runner")
_MAX_SOURCE = MAX_BYTES // 16
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def python_events(text: str, name: str) -> Found:
    """Return the events that a file makes. Raises InvalidInput with the place of a fault of syntax."""
    if len(text) > _MAX_SOURCE:
        raise unusable(f"{name} has more than {_MAX_SOURCE:,} characters", code="file-too-large")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an invalid escape in the code that is read
            tree = ast.parse(text)
    except SyntaxError as error:
        raise unusable(
            f"not valid Python: {error.msg}", position=place(name, error.lineno or 1, error.offset or 1)
        ) from None
    except (ValueError, RecursionError, MemoryError):
        raise unusable(
            "not valid Python: it has a null character, or is nested too deep", position=place(name, 1)
        ) from None
    try:
        return _Reader(name, tree).found()
    except RecursionError:
        raise unusable("nested too deep", position=place(name, 1)) from None


class _Reader:
    def __init__(self, name: str, tree: ast.Module) -> None:
        self.name = name
        self.tree = tree
        self.names, self.packages = _names_of_event(tree)
        self.notes: list[str] = []

    def found(self) -> Found:
        top = Scope.of(self.tree)
        samples = list(self._in(self.tree, top))
        return Found(tuple(samples), tuple(self.notes))

    def _in(self, scope: ast.AST, around: Scope) -> Iterator[Sample]:
        """Walk the calls of a function, or of the file, and those of the functions in it."""
        for node in _own_nodes(scope):
            if isinstance(node, _FUNCTIONS):
                yield from self._in(node, around.within(node))
            elif isinstance(node, ast.Call) and self._is_event(node) and (sample := self._event(node, scope, around)):
                yield sample

    def _is_event(self, call: ast.Call) -> bool:
        match call.func:
            case ast.Name(id=name):
                return name in self.names
            case ast.Attribute(attr=name, value=package) if name == _EVENT:
                return ast.unparse(package).split(".")[0] in self.packages
            case _:
                return False

    def _event(self, call: ast.Call, scope: ast.AST, around: Scope) -> Sample | None:
        where = f"{self.name} line {call.lineno}"
        given: dict[str, ast.expr] = dict(zip(_PARAMETERS, call.args, strict=False))
        for keyword in call.keywords:
            given |= _arguments(keyword, around)
        event = value_of(given["event_name"], around) if "event_name" in given else None
        if not isinstance(event, str) or "distinct_id" not in given:
            self.notes.append(f"{where}: skipped an event whose name is not written out there")
            return None
        questions: list[tuple[str, str]] = []
        properties = self._properties(given.get("properties"), around, questions)
        target = _assigned_to(scope, call)
        attached = tuple(_attachments(scope, target, around)) if target else ()
        questions += (left_out(each["url"]) for each in attached if not has_public_url(each))
        if _add_later([self.tree, scope], target, given.get("properties"), around, properties):
            questions.append(
                ("properties", "The code changes the properties before it sends them. Which others are there?")
            )
        return Sample(
            where,
            event,
            _field(given, "distinct_id", around),
            properties,
            _field(given, "idempotency_key", around) or None,
            _field(given, "tenant_id", around),
            _field(given, "brand_id", around),
            tuple(each for each in attached if has_public_url(each)),
            questions=tuple(questions),
            constants="written",
        )

    def _properties(self, given: ast.expr | None, around: Scope, questions: list[tuple[str, str]]) -> dict[str, Value]:
        if given is None:
            return {}
        entries = entries_of(given, around)
        if entries is not None:
            if not entries.is_complete:
                questions.append(("properties", "The code adds entries that it does not write out there. Which?"))
            return dict(entries.known)
        if value_of(given, around) is not None:
            questions.append(
                ("properties", "The code does not write out the properties where it makes the event. Which are they?")
            )
        return {}


def _field(given: Mapping[str, ast.expr], name: str, around: Scope) -> Value:
    value = value_of(given[name], around) if name in given else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, Hole) and not value.declaration:
        return Hole(value.name, {"type": "string"})
    if value is None or isinstance(value, str | Hole | Pieces):
        return value
    return Hole(name, {"type": "string"})


def _arguments(keyword: ast.keyword, around: Scope) -> dict[str, ast.expr]:
    """Return the arguments of `name=value`, and of `**map` for a map that is written out."""
    if keyword.arg is not None:
        return {keyword.arg: keyword.value}
    node = around.meaning(keyword.value) or keyword.value
    pairs = zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ()
    return {key.value: item for key, item in pairs if isinstance(key, ast.Constant) and isinstance(key.value, str)}


def _names_of_event(tree: ast.Module) -> tuple[set[str], set[str]]:
    """Return the names that `Event`, and the packages that have it, go by in a file.

    An `Event` of another package, such as that of `threading`, does not count.
    """
    names, packages = {_EVENT}, set(_PACKAGES)
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=module, names=aliases, level=level):
                is_ours = level > 0 or (module or "").split(".")[0] in _PACKAGES
                for alias in aliases:
                    if alias.name == _EVENT and is_ours:
                        names.add(alias.asname or alias.name)
                    elif (alias.asname or alias.name) == _EVENT:
                        names.discard(_EVENT)
            case ast.Import(names=aliases):
                packages |= {
                    alias.asname for alias in aliases if alias.asname and alias.name.split(".")[0] in _PACKAGES
                }
            case _:
                pass
    return names, packages


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Walk the nodes of a scope in their order. A function in it is one node, without what is in it."""
    pending = list(ast.iter_child_nodes(scope))[::-1]
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, _FUNCTIONS):
            pending += list(ast.iter_child_nodes(node))[::-1]


def _assigned_to(scope: ast.AST, call: ast.Call) -> str | None:
    """Return the name, or the attribute, that an event is assigned to."""
    for node in _own_nodes(scope):
        match node:
            case ast.Assign(targets=[target, *_], value=value) if value is call:
                return ast.unparse(target)
            case ast.AnnAssign(target=target, value=value) | ast.NamedExpr(target=target, value=value) if value is call:
                return ast.unparse(target)
            case _:
                pass
    return None


def _attachments(scope: ast.AST, target: str, around: Scope) -> Iterator[dict[str, Value]]:
    """Yield the files that `target.add_attachment(…)` attaches."""
    for node in _own_nodes(scope):
        match node:
            case ast.Call(func=ast.Attribute(value=owner, attr="add_attachment")) if ast.unparse(owner) == target:
                given = dict(zip(("file_path", "file_name", "ignore_if_error"), node.args, strict=False))
                given |= {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
                if "file_path" not in given:
                    continue
                attached: dict[str, Value] = {"url": value_of(given["file_path"], around)}
                if (name_of := value_of(given["file_name"], around) if "file_name" in given else None) is not None:
                    attached["filename"] = name_of
                if (
                    ignored := value_of(given["ignore_if_error"], around) if "ignore_if_error" in given else False
                ) is not False:
                    attached["ignore_if_error"] = ignored
                yield attached
            case _:
                pass


def _add_later(
    scopes: Sequence[ast.AST], target: str | None, given: ast.expr | None, around: Scope, properties: dict[str, Value]
) -> bool:
    """Add what is set after the map was made: `properties["key"] = value`, or by way of the event.

    Return whether it is changed in another way, too.
    """
    name = given.id if isinstance(given, ast.Name) else None
    is_changed = False
    for node in chain.from_iterable(map(_own_nodes, dict.fromkeys(scopes))):
        match node:
            case ast.Assign(targets=[ast.Subscript(value=map_, slice=ast.Constant(value=str(key)))]) if _is_map(
                map_, name, target
            ):
                properties[key] = _later(properties.get(key, ABSENT), value_of(node.value, around))
            case ast.Call(func=ast.Attribute(value=map_, attr="update" | "setdefault" | "pop" | "clear")):
                is_changed = is_changed or _is_map(map_, name, target)
            case ast.AugAssign(target=map_) | ast.Delete(targets=[ast.Subscript(value=map_)]):
                is_changed = is_changed or _is_map(map_, name, target)
            case _:
                pass
    return is_changed


def _is_map(node: ast.expr, name: str | None, target: str | None) -> bool:
    """Return whether an expression is the map of properties: its name, or that of the event."""
    match node:
        case ast.Name(id=found):
            return found == name
        case ast.Attribute(value=owner, attr="properties"):
            return ast.unparse(owner) == target
        case _:
            return False


def _later(before: Value | Absent, value: Value) -> Value:
    return (
        value
        if before is ABSENT or isinstance(value, Hole)
        else Hole("", {}, question="The code sets it twice. Which value counts?")
    )
