"""Conditions of workflow files → typed values, with their problems."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from runner.errors import did_you_mean
from runner.source import describe
from runner.workflows.definition import Comparison, Group, Namespace, Operator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.source import Node
    from runner.workflows.definition import Condition
    from runner.workflows.reading import Reading

OPERATORS: tuple[Operator, ...] = get_args(Operator)
_ALIASES: Mapping[str, Operator] = {
    "NOT_INTERSECTS": "NOT_ARRAY_INTERSECTS",
    "ARRAY_NOT_INTERSECTS": "NOT_ARRAY_INTERSECTS",
}
NAMESPACES: tuple[Namespace, ...] = get_args(Namespace)
_WITHOUT_VALUE = ("EMPTY", "NON_EMPTY")
_REF_OPERATORS = ("IS", "IS_NOT")
_STATUS_VARIABLE = "message_status"
_STATUSES = ("delivered", "seen", "clicked", "delivery_failed")
_MAX_DEPTH = 8
_EXPRESSION = "expression_v1"


def read_conditions(
    reading: Reading, node: Node | None, name: str, *, may_be_empty: bool = False
) -> tuple[Condition, ...]:
    """Return a list of conditions, of which one must hold. Empty ones mean no condition where they may be."""
    if node is None or node.value is None:
        return ()
    if not isinstance(node.value, list):
        reading.report(f"'conditions' of {name} must be a list, not {describe(node.value)}", node)
        return ()
    found = [read_item(reading, item, name, may_be_empty=may_be_empty) for item in node.items]
    return tuple(condition for condition in found if condition is not None)


def read_item(reading: Reading, item: Node, name: str, *, may_be_empty: bool = False) -> Condition | None:
    """Read an item: `{"type": "expression_v1", "expression_v1": {…}}`, or the expression itself."""
    if not isinstance(item.value, dict):
        reading.report(f"a condition of {name} must be a map, not {describe(item.value)}", item)
        return None
    expression = item.get(_EXPRESSION)
    if expression is None and ("args" in item.entries or "variable" in item.entries):
        return read_condition(reading, item, name)
    kind = item.get("type")
    if kind is not None and kind.value != _EXPRESSION:
        reading.report(f"a condition of {name} has the unknown type {describe(kind.value)}", kind)
        return None
    if expression is None or not isinstance(expression.value, dict):
        reading.report(f"a condition of {name} has no '{_EXPRESSION}'", item)
        return None
    arguments = expression.get("args")
    if may_be_empty and (arguments is None or arguments.value in (None, [])):
        return None
    return read_condition(reading, expression, name)


def read_condition(reading: Reading, node: Node, name: str, depth: int = 0) -> Condition | None:
    """Read a comparison, or a group of conditions."""
    if not isinstance(node.value, dict):
        reading.report(f"a condition of {name} must be a map, not {describe(node.value)}", node)
        return None
    arguments = node.get("args")
    if arguments is None:
        return _comparison(reading, node, name)
    operator = reading.one_of(node, "op", f"a condition of {name}", ("AND", "OR"), "AND")
    if not isinstance(arguments.value, list) or not arguments.items:
        reading.report(f"'args' in a condition of {name} must be a list with at least one condition", arguments)
        return None
    if depth == _MAX_DEPTH:
        reading.report(f"the conditions of {name} are nested more than {_MAX_DEPTH} deep", node)
        return None
    found = [read_condition(reading, argument, name, depth + 1) for argument in arguments.items]
    known = tuple(condition for condition in found if condition is not None)
    return Group("OR" if operator == "OR" else "AND", known, node) if known else None


def _comparison(reading: Reading, node: Node, name: str) -> Comparison | None:
    what = f"a condition of {name}"
    operator = _operator(reading, node, what)
    namespace = _namespace(reading, node, what)
    variable = reading.child(node, "variable", str, what, needed=True)
    if operator is None or namespace is None or variable is None:
        return None
    is_status = namespace == "$ref"
    if is_status != (operator in _REF_OPERATORS):
        hint = "IS and IS_NOT are for the status of a message: variable_ns $ref"
        reading.report(f"the operator {operator} of {what} does not fit its variable", node, hint=hint)
        return None
    if is_status and variable.value != _STATUS_VARIABLE:
        hint = f"only '{_STATUS_VARIABLE}' is known"
        reading.report(f"{what} reads '{str(variable.value)[:100]}' of a message", variable, hint=hint)
        return None
    value = _value(reading, node, what, operator)
    ref = reading.child(node, "ref", str, what, needed=is_status)
    if value is None and operator not in _WITHOUT_VALUE:
        return None
    if is_status and (ref is None or not _is_status(reading, node, value or "", operator, what)):
        return None
    return Comparison(
        namespace, str(variable.value), operator, value, str(ref.value) if ref is not None else None, node
    )


def _operator(reading: Reading, node: Node, what: str) -> Operator | None:
    found = reading.child(node, "op", str, what, needed=True)
    if found is None:
        return None
    name = str(found.value)
    for operator in OPERATORS:
        if operator == name:
            return operator
    if name in _ALIASES:
        return _ALIASES[name]
    reading.report(f"{what} has the unknown operator '{name[:100]}'", found, hint=did_you_mean(name, OPERATORS))
    return None


def _namespace(reading: Reading, node: Node, what: str) -> Namespace | None:
    found = node.get("variable_ns")
    if found is None or found.value in (None, ""):
        return ""
    name = "$brand" if found.value == "$tenant" else found.value
    for namespace in NAMESPACES:
        if namespace == name:
            return namespace
    shown = str(found.value)[:100]
    reading.report(f"{what} reads the unknown namespace '{shown}'", found, hint=did_you_mean(shown, NAMESPACES[1:]))
    return None


def _value(reading: Reading, node: Node, what: str, operator: Operator) -> str | None:
    found = node.get("value")
    if found is None or found.value is None:
        if operator not in _WITHOUT_VALUE:
            reading.report(f"{what} has no 'value'", node)
        return None
    if not isinstance(found.value, str):
        hint = 'the platform writes each value as text that holds an expression: "100"'
        reading.report(f"'value' of {what} must be text, not {describe(found.value)}", found, hint=hint)
        return None
    return found.value


def _is_status(reading: Reading, node: Node, value: str, operator: Operator, what: str) -> bool:
    status = value.strip().strip('"').removeprefix("$message.")
    if status not in _STATUSES or (status == "delivery_failed" and operator == "IS_NOT"):
        hint = "$message.delivered, $message.seen, $message.clicked, or with IS $message.delivery_failed"
        reading.report(f"{what} compares with the unknown status '{value[:100]}'", node.get("value") or node, hint=hint)
        return False
    return True
