"""A spec and the assets folder → what does not fit: events, schemas, conditions and templates of its workflows.

All of this is static: what a template makes is known by its type only, and nothing is reported that may be right.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.errors import Problem, did_you_mean
from runner.eventspec.inferred import clash_with
from runner.template.template import Template
from runner.template.types import LIST, NUMBER, OMITTED, TEXT, UNDEFINED, UNKNOWN, words
from runner.workflows.definition import (
    Batch,
    Comparison,
    Digest,
    Fetch,
    Send,
    SendMulti,
    SendSmart,
    Transform,
)
from runner.workflows.reach import all_conditions, all_nodes, awaited_events, flat_conditions
from runner.workflows.sent import SentProperties, kinds_of_json
from runner.workflows.story import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.errors import Position
    from runner.eventspec import Spec
    from runner.source import Json
    from runner.workflows.assets import Assets
    from runner.workflows.definition import Condition, Workflow
    from runner.workflows.sent import Sent

_HOLDS_WITHOUT = ("EMPTY", "NON_EMPTY", "!=", "NOT_CONTAINS", "NOT_ARRAY_INTERSECTS")
"""Operators that a missing variable is no mistake for."""
_KINDS = {
    **dict.fromkeys((">", ">=", "<", "<="), NUMBER),
    **dict.fromkeys(("CONTAINS", "NOT_CONTAINS"), TEXT | LIST),
    **dict.fromkeys(("ARRAY_INTERSECTS", "NOT_ARRAY_INTERSECTS"), LIST),
    **dict.fromkeys(("DATETIME_EQUALS", "DATETIME_LT", "DATETIME_GT"), TEXT | NUMBER),
}
"""The kinds of values for which an operator can hold."""
_MAX_SHOWN = 20


def asset_problems(spec: Spec, assets: Assets) -> Iterator[Problem]:
    """Yield what does not fit together. A spec whose event is made by a template is not held against anything."""
    name = event_name(spec)
    if name is None:
        return
    node = spec.root.get("event")
    place = node.position() if node is not None else spec.root.position()
    unknown = _unknown_event(name, assets, place)
    yield from unknown
    yield from _stale_schema(spec, name, assets)
    listening = [workflow for workflow in assets.listening_to(name) if workflow.is_live]
    if not unknown:
        yield from _unheard_event(name, assets, place)
    sent = SentProperties(spec)
    if sent.type is UNKNOWN or sent.type.keys is None:
        return
    for problem in _of_properties(name, assets, listening, sent):
        yield replace(problem, position=_place(spec, problem.at or ""))


def _of_properties(name: str, assets: Assets, listening: Sequence[Workflow], sent: SentProperties) -> Iterator[Problem]:
    yield from _schema(name, assets, sent)
    for workflow in listening:
        yield from _conditions(workflow, sent)
        yield from _templates(workflow, assets, sent)


def _place(spec: Spec, at: str) -> Position:
    """Return the position of a property's key; of all properties if the spec has no such key."""
    properties = spec.root.get("properties")
    key = at.partition(".")[2].partition(".")[0].partition("[")[0]
    if properties is not None and key in properties.entries:
        return properties.key_position(key)
    return spec.root.key_position("properties")


def event_name(spec: Spec) -> str | None:
    """Return the name of the event; None if a template makes it."""
    shape = spec.shape.get("event")
    return shape.text.strip() if isinstance(shape, Template) and shape.tree is None else None


def _unknown_event(name: str, assets: Assets, place: Position) -> list[Problem]:
    if assets.events is None or not assets.knows_all_events or name in assets.events:
        return []
    hint = did_you_mean(
        name, assets.events, f"pull the events again, or create it: no file in {assets.folder} declares it"
    )
    return [Problem("unknown-event", f"the workspace has no event '{name}'", place, at="event", hint=hint)]


def _unheard_event(name: str, assets: Assets, place: Position) -> Iterator[Problem]:
    if assets.workflows is None:
        return
    live = [workflow for workflow in assets.workflows.values() if workflow.is_live]
    if any(name in workflow.events or name in awaited_events(workflow.nodes) for workflow in live):
        return
    dead = assets.listening_to(name)
    known = {event for workflow in live for event in workflow.events}
    hint = "; ".join(f"{workflow.slug} does, and is {workflow.status}" for workflow in dead) or did_you_mean(
        name, known
    )
    yield Problem("unheard-event", f"no live workflow listens to the event '{name}'", place, at="event", hint=hint)


def _stale_schema(spec: Spec, name: str, assets: Assets) -> Iterator[Problem]:
    node = spec.root.get("schema")
    declared = (assets.events or {}).get(name)
    pulled = assets.schemas.get(declared.schema) if declared is not None and declared.schema is not None else None
    if node is None or not isinstance(node.value, str) or pulled is None or spec.schema_root is None:
        return
    if _comparable(spec.schema_root.plain()) != _comparable(pulled.document):
        message = f"this copy of the schema differs from that of the event: {pulled.path}"
        yield Problem("stale-schema", message, node.position(), at="schema", hint="copy it again, or name that file")


def _comparable(document: Json) -> Json:
    """Return a schema without what says nothing of values."""
    if not isinstance(document, dict):
        return document
    return {key: value for key, value in document.items() if key not in ("$schema", "$id", "title", "description")}


def _schema(name: str, assets: Assets, sent: SentProperties) -> Iterator[Problem]:
    declared = (assets.events or {}).get(name)
    pulled = assets.schemas.get(declared.schema) if declared is not None and declared.schema is not None else None
    if pulled is None or not isinstance(pulled.document, dict):
        return
    required = pulled.document.get("required")
    keys = sent.type.keys or {}
    for key in required if isinstance(required, list) else ():
        if isinstance(key, str) and key not in keys and sent.type.is_closed:
            message = f"the schema '{pulled.slug}' of the event requires '{key}', which is never sent"
            yield Problem("event-schema", message, at="properties", hint=did_you_mean(key, keys))
    if (clash := clash_with(sent.type, pulled.document)) is not None:
        message = f"the schema '{pulled.slug}' of the event is broken: {clash[1]}"
        yield Problem("event-schema", message, at=f"properties.{clash[0]}" if clash[0] else "properties")


def _conditions(workflow: Workflow, sent: SentProperties) -> Iterator[Problem]:
    """Report conditions on properties that are never sent, or that can't hold for their type."""
    nodes = list(all_nodes(workflow.nodes))
    later: list[Condition] = list(all_conditions(workflow.nodes))
    if any(isinstance(node, Batch | Digest) for node in nodes) or _adds_unknown(workflow):
        later = []  # what the payload has there is not known
    made = _made_by(workflow)
    seen: set[str] = set()
    for condition in (*flat_conditions(workflow.conditions), *later):
        if not isinstance(condition, Comparison) or condition.namespace or condition.variable in seen:
            continue
        if condition.variable.partition(".")[0] in made or len(seen) == _MAX_SHOWN:
            continue
        message, hint = _wrong(condition, sent.at(condition.variable)) or (None, None)
        if message is not None:
            seen.add(condition.variable)
            where = f"{workflow.slug} at {place_of(condition.source)}"
            yield Problem(
                "condition-variable", f"{message} ({where})", at=f"properties.{condition.variable}", hint=hint
            )


def _wrong(condition: Comparison, sent: Sent) -> tuple[str, str | None] | None:
    """Return why a condition can't hold for what is sent, and a hint."""
    variable, operator = condition.variable, condition.operator
    if sent.type is None:
        if operator in _HOLDS_WITHOUT:
            return None
        return f"a condition reads '{variable}', which is never sent", sent.hint
    kinds = sent.type.kinds & ~(UNDEFINED | OMITTED)
    expected = _KINDS.get(operator)
    if operator == "==" and condition.value is not None and (constant := kinds_of_json(condition.value)) is not None:
        expected = NUMBER if constant & NUMBER else constant
    if expected is None or not kinds or kinds & expected:
        return None
    shown = f"{operator} {condition.value}" if condition.value is not None else operator
    return f"a condition reads '{variable}' by {shown}, which can't hold: it is sent as {words(kinds)}", None


def _adds_unknown(workflow: Workflow) -> bool:
    """Return whether a call merges its answer into the payload: any key may come of it."""
    return any(isinstance(node, Fetch) and node.output_key is None for node in all_nodes(workflow.nodes))


def _made_by(workflow: Workflow) -> set[str]:
    """Return the keys that nodes of a workflow add to the payload."""
    made: set[str] = set()
    for node in all_nodes(workflow.nodes):
        if isinstance(node, Transform):
            made.update(key for key, _ in node.variables)
        elif isinstance(node, Fetch) and node.output_key is not None:
            made.add(node.output_key)
    return made


def _templates(workflow: Workflow, assets: Assets, sent: SentProperties) -> Iterator[Problem]:
    """Report variables without which a template of the workflow can't be rendered, and that are never sent."""
    if assets.templates is None or _adds_unknown(workflow):
        return
    made = _made_by(workflow)
    seen: set[str] = set()
    for slug in _template_slugs(workflow):
        template = assets.templates.get(slug)
        for variable in template.variables if template is not None else ():
            root = variable.name.partition(".")[0].replace("[]", "")
            if not variable.is_required or root in made or variable.name in seen or len(seen) == _MAX_SHOWN:
                continue
            found = sent.at(variable.name)
            if found.type is None:
                seen.add(variable.name)
                where = f"{workflow.slug}: {variable.path}:{variable.line}"
                message = f"the template '{slug}' needs '{variable.name}', which is never sent ({where})"
                yield Problem("template-variable", message, at=f"properties.{variable.name}", hint=found.hint)


def _template_slugs(workflow: Workflow) -> Sequence[str]:
    nodes = all_nodes(workflow.nodes)
    return list(dict.fromkeys(node.template for node in nodes if isinstance(node, Send | SendMulti | SendSmart)))
