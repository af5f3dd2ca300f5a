"""A spec and the assets folder → what does not fit: events, schemas, conditions and templates of its workflows.

All of this is static: what a template makes is known by its type only, and nothing is reported that may be right.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.errors import Problem, did_you_mean
from runner.template.template import Template
from runner.template.types import UNKNOWN
from runner.workflows.property_checks import awaiting_problems, reading_problems
from runner.workflows.schema_checks import linked_schema, schema_problems, stale_copy
from runner.workflows.sent import SentProperties

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.errors import Position
    from runner.eventspec import Spec
    from runner.workflows.assets import Assets
    from runner.workflows.reach import Listeners

_MAX_NAMED = 5


def asset_problems(spec: Spec, assets: Assets, listeners: Listeners) -> Iterator[Problem]:
    """Yield what does not fit together. A spec whose event is made by a template is not held against anything.

    `listeners` are those of the assets.
    """
    name = event_name(spec)
    if name is None:
        return
    node = spec.root.get("event")
    place = node.position() if node is not None else spec.root.position()
    unknown = _unknown_event(name, assets, place)
    yield from unknown or _unheard_event(name, assets, listeners, place)
    pulled = linked_schema(name, assets)
    if pulled is not None and (stale := stale_copy(spec, pulled)) is not None:
        yield stale
    sent = SentProperties(spec)
    if sent.type is UNKNOWN or sent.type.keys is None:
        return
    for problem in _of_properties(spec, name, assets, listeners, sent):
        yield replace(problem, position=_place(spec, problem.at or ""))


def event_name(spec: Spec) -> str | None:
    """Return the name of the event; None if a template makes it."""
    shape = spec.shape.get("event")
    return shape.text.strip() if isinstance(shape, Template) and shape.tree is None else None


def _of_properties(
    spec: Spec, name: str, assets: Assets, listeners: Listeners, sent: SentProperties
) -> Iterator[Problem]:
    pulled = linked_schema(name, assets)
    if pulled is not None:
        yield from schema_problems(spec, sent.type, pulled)
    for workflow in listeners.live(name):
        yield from reading_problems(workflow, assets, sent)
    for workflow in listeners.waiting(name):
        yield from awaiting_problems(workflow, name, sent)


def _place(spec: Spec, at: str) -> Position:
    """Return the position of a property's key; of all properties if the spec has no such key."""
    properties = spec.root.get("properties")
    key = at.partition(".")[2].partition(".")[0].partition("[")[0]
    if properties is not None and key in properties.entries:
        return properties.key_position(key)
    return spec.root.key_position("properties")


def _unknown_event(name: str, assets: Assets, place: Position) -> list[Problem]:
    if assets.events is None or not assets.knows_all_events or name in assets.events or assets.may_name(name):
        return []
    hint = did_you_mean(
        name, assets.events, f"pull the events again, or create it: no file in {assets.folder} declares it"
    )
    return [Problem("unknown-event", f"the workspace has no event '{name}'", place, at="event", hint=hint)]


def _unheard_event(name: str, assets: Assets, listeners: Listeners, place: Position) -> Iterator[Problem]:
    if assets.workflows is None or assets.may_name(name) or listeners.live(name) or listeners.waiting(name):
        return
    dead = listeners.dead(name)
    states = "; ".join(f"{workflow.slug} does, and is {workflow.status}" for workflow in dead[:_MAX_NAMED])
    hint = states or did_you_mean(name, listeners.heard())
    yield Problem("unheard-event", f"no live workflow listens to the event '{name}'", place, at="event", hint=hint)
