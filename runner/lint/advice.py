"""A valid spec → what its author may want to change: keys that lose events, what no case notices, what says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import Problem, dotted
from runner.lint.personal import personal_data
from runner.template.inserted import calls_functions
from runner.template.shape import templates_of
from runner.template.template import Template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.errors import Position
    from runner.eventspec import Spec
    from runner.source import Node


def advice(spec: Spec) -> Iterator[Problem]:
    """Yield advice on a spec and its cases."""
    yield from _of_description(spec)
    yield from _of_key(spec)
    yield from _of_labels(spec)
    yield from _of_cases(spec)


def _of_description(spec: Spec) -> Iterator[Problem]:
    node = spec.root.get("description")
    if node is None or not str(node.value).strip():
        hint = "say in a sentence what the event means: description: A customer paid for an order."
        yield Problem("no-description", "the spec has no description", _beginning(spec), at="description", hint=hint)


def _of_key(spec: Spec) -> Iterator[Problem]:
    root = spec.root
    node, attachments = root.get("idempotency_key"), root.get("attachments")
    if node is None and attachments is not None and attachments.value != []:
        message = "the event has attachments, and no idempotency key: sent twice, its files are mailed twice"
        hint = "add idempotency_key, made of what the event is about; auto, if each send is meant"
        yield Problem(
            "attachments-without-key", message, root.key_position("attachments"), at="idempotency_key", hint=hint
        )
    key = spec.shape.get("idempotency_key")
    if not isinstance(key, Template) or node is None:
        return
    if _is_constant(key, spec):
        message = "the idempotency key is the same for all events: of those within 24 hours, only the first counts"
        hint = "put what the event is about into it, such as order-{{ order_id }}"
        yield Problem("constant-key", message, node.position(), at="idempotency_key", hint=hint)
    if (found := personal_data(key, spec)) is not None:
        name, place = found
        message = f"'{name}' looks like personal data, and stands in the idempotency key"
        hint = "keys are kept in logs: use an id instead, or a hash: | sha256"
        yield Problem("personal-data-in-key", message, place, at="idempotency_key", hint=hint)


def _is_constant(key: Template, spec: Spec) -> bool:
    """Return whether a template reads no variable, not by a let either, and calls no function."""
    seen: set[str] = set()
    rest = [key]
    while rest:
        template = rest.pop()
        names = {use.name for use in template.uses} - seen
        if calls_functions(template) or not names <= spec.lets.keys():
            return False
        seen |= names
        rest += [each for name in names for each in templates_of(spec.lets[name])]
    return True


def _of_labels(spec: Spec) -> Iterator[Problem]:
    yield from _repeated(spec.root, frozenset(), "labels")
    tests, given = spec.root.get("tests"), frozenset(spec.labels)
    for index, case in enumerate(tests.items if tests is not None else ()):
        yield from _repeated(case, given, dotted(("tests", index, "labels")))


def _repeated(owner: Node, given: frozenset[str], at: str) -> Iterator[Problem]:
    """Yield a problem for each label that is `given` by the spec, or that stands in the list already."""
    labels = owner.get("labels")
    seen = set(given)
    for item in labels.items if labels is not None else ():
        label = str(item.value)
        if label in seen:
            whose = "the case has it from its spec" if label in given else "it is in the list already"
            message = f"the label '{label}' selects nothing more: {whose}"
            is_alias = item.start < owner.keys["labels"][0]  # it is written above, in another list
            place = owner.key_position("labels") if is_alias else item.position()
            yield Problem("unused-label", message, place, at=at, hint="remove it")
        seen.add(label)


def _of_cases(spec: Spec) -> Iterator[Problem]:
    if not spec.cases:
        hint = "add a case: runner help cases"
        yield Problem("no-case", "the spec has no case: no test notices a change of it", _beginning(spec), hint=hint)
        return
    expected = [step.expect for case in spec.cases for step in case.steps if step.expect is not None]
    if any(not _OF_EVENT.isdisjoint(each.entries) for each in expected):
        return
    accepted = next((each for each in expected if _accepts(each.get("response"))), None)
    if accepted is not None:
        message = "cases expect a response, and none says what the event must be"
        hint = "add the properties that matter: expect: {event: {properties: …}}"
        yield Problem("event-not-expected", message, accepted.key_position("response"), at="expect", hint=hint)


_OF_EVENT = frozenset({"event", "golden", "messages"})


def _accepts(response: Node | None) -> bool:
    """Return whether a response is expected that takes the event."""
    success = response.get("success") if response is not None else None
    return response is not None and (success is None or success.value is not False)


def _beginning(spec: Spec) -> Position:
    """Return the position of the first key of the spec's own file."""
    root = spec.root
    own = [name for name, node in root.entries.items() if node.text is root.text]
    return root.key_position(min(own, key=lambda name: root.keys[name]))
