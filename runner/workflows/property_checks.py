"""Conditions, expressions and templates of workflows that read properties which a spec never sends, or not as a type that can do.

What nodes of a workflow add to the payload is known by its key only. Where a call may have added any key, nothing is reported.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from runner.errors import Problem
from runner.template.types import JSON, LIST, NUMBER, OMITTED, TEXT, UNDEFINED, words
from runner.workflows.handlebars import HandlebarsError, references
from runner.workflows.reads import ConditionRead, ExpressionRead, TemplateRead, awaiting, reads_of, root_of
from runner.workflows.sent import kinds_of_json
from runner.workflows.story import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.workflows.assets import Assets, TemplateVariable
    from runner.workflows.definition import Comparison, Expression, Workflow
    from runner.workflows.reads import Read
    from runner.workflows.sent import Sent, SentProperties

_HOLD_WITHOUT = ("EMPTY", "NON_EMPTY", "!=", "NOT_CONTAINS", "NOT_ARRAY_INTERSECTS")
"""Operators for which a missing variable is no mistake."""
_KINDS = {
    **dict.fromkeys((">", ">=", "<", "<="), NUMBER),
    **dict.fromkeys(("CONTAINS", "NOT_CONTAINS"), TEXT | LIST),
    **dict.fromkeys(("ARRAY_INTERSECTS", "NOT_ARRAY_INTERSECTS"), LIST),
    **dict.fromkeys(("DATETIME_EQUALS", "DATETIME_LT", "DATETIME_GT"), TEXT | NUMBER),
}
"""The kinds of values for which an operator can hold."""
_NAME = r'(?:\.[A-Za-z_]\w*|\."[^".\\]+")'
_PATH = re.compile(rf"{_NAME}(?:{_NAME}|\[\d*\])*")
"""An expression of jq that is a path alone."""
_MAX_SHOWN = 20
"""Limit for the problems of one spec and one workflow."""


def reading_problems(workflow: Workflow, assets: Assets, sent: SentProperties) -> Iterator[Problem]:
    """Yield what is wrong with the properties of an event that triggers a workflow. Each property is reported once."""
    seen: set[tuple[str, str]] = set()
    for read in reads_of(workflow):
        for problem in _of_read(read, workflow, assets, sent) if not read.payload.is_open else ():
            key = (problem.code, problem.at or "")
            if key not in seen and len(seen) < _MAX_SHOWN:
                seen.add(key)
                yield problem


def _of_read(read: Read, workflow: Workflow, assets: Assets, sent: SentProperties) -> Iterator[Problem]:
    match read:
        case TemplateRead():
            yield from _of_template(read, workflow, assets, sent)
        case ConditionRead(condition, payload) if not payload.is_batched:
            yield from _of_condition(condition, workflow, sent, payload.made)
        case ExpressionRead(expression, payload) if not payload.is_batched:
            yield from _of_expression(expression, workflow, sent, payload.made)
        case _:
            pass


def awaiting_problems(workflow: Workflow, event: str, sent: SentProperties) -> Iterator[Problem]:
    """Yield what is wrong with the properties of an event that a workflow waits for."""
    seen: set[str] = set()
    for condition in awaiting(workflow, event):
        for problem in _of_condition(condition, workflow, sent, ()):
            if (problem.at or "") not in seen and len(seen) < _MAX_SHOWN:
                seen.add(problem.at or "")
                yield problem


def _of_condition(
    condition: Comparison, workflow: Workflow, sent: SentProperties, made: frozenset[str] | tuple[()]
) -> Iterator[Problem]:
    variable = condition.variable
    if variable.startswith("$") or variable in made or root_of(variable) in made:
        return
    message, hint = _wrong(condition, sent.at(variable))
    if message is not None:
        where = f"{workflow.slug} at {place_of(condition.source)}"
        yield Problem("condition-variable", f"{message} ({where})", at=f"properties.{variable}", hint=hint)


def _wrong(condition: Comparison, sent: Sent) -> tuple[str | None, str | None]:
    """Return why a condition can't hold for what is sent, and a hint; None if it may hold."""
    variable, operator = condition.variable, condition.operator
    if sent.type is None:
        if operator in _HOLD_WITHOUT:
            return None, None
        return f"a condition reads '{variable}', which is never sent", sent.hint
    kinds = sent.type.kinds & ~(UNDEFINED | OMITTED)
    if not kinds or kinds & ~JSON:
        return None, None
    expected = _KINDS.get(operator)
    if operator == "==" and condition.value is not None and (constant := kinds_of_json(condition.value)) is not None:
        expected = NUMBER if constant & NUMBER else constant
    if expected is None or kinds & expected:
        return None, None
    shown = operator if condition.value is None else f"{operator} {condition.value[:100]}"
    return f"a condition reads '{variable}' by {shown}, which can't hold: it is sent as {words(kinds)}", None


def _of_expression(
    expression: Expression, workflow: Workflow, sent: SentProperties, made: frozenset[str]
) -> Iterator[Problem]:
    for variable in _paths(expression):
        if variable.startswith("$") or variable in made or root_of(variable) in made:
            continue
        found = sent.at(variable)
        if found.type is None:
            where = f"{workflow.slug} at {place_of(expression.source)}"
            message = f"an expression needs '{variable}', which is never sent ({where})"
            yield Problem("expression-variable", message, at=f"properties.{variable}", hint=found.hint)


def _paths(expression: Expression) -> Iterator[str]:
    """Yield the properties that an expression can't do without: of jq only if it is a path alone, of JSONNET none."""
    if expression.language == "jq" and (path := _PATH.fullmatch(expression.text.strip())) is not None:
        yield re.sub(r"\[\d*\]", "[]", path[0].replace('"', "")).removeprefix(".")
    elif expression.language == "handlebars":
        with suppress(HandlebarsError):  # running it reports that
            yield from (each.path for each in references(expression.text) if each.is_required)


def _of_template(read: TemplateRead, workflow: Workflow, assets: Assets, sent: SentProperties) -> Iterator[Problem]:
    for variable in _needed(read, assets):
        root = root_of(variable.name)
        if variable.name in read.payload.made or root in read.payload.made:
            continue
        found = sent.at(variable.name)
        if found.type is None:
            where = f"{workflow.slug}: {variable.path}:{variable.line}"
            message = f"the template '{read.template}' needs '{variable.name}', which is never sent ({where})"
            yield Problem("template-variable", message, at=f"properties.{variable.name}", hint=found.hint)


def _needed(read: TemplateRead, assets: Assets) -> Sequence[TemplateVariable]:
    """Return the variables without which a template can't be rendered for its channels."""
    template = (assets.templates or {}).get(read.template)
    if template is None:
        return ()
    channels = read.channels or template.channels
    return [each for each in template.variables if each.is_required and each.channel in channels]
