"""What a test expects of an event → how one that arrived differs from it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import lru_cache
from operator import methodcaller
from typing import TYPE_CHECKING, cast

from runner.cases import in_case
from runner.cases.matchers import matcher_problems
from runner.errors import InvalidInput, NotFound, Problem, RunnerError, did_you_mean
from runner.project import project_of
from runner.secrets import Mask
from runner.source import read_text, shared_allowance
from runner.testing.collect import collect
from runner.testing.expect import compare
from runner.testing.shown import both_shown, with_path
from runner.testing.verdict import compare_event

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from runner.eventspec import Spec
    from runner.source import Json, Node
    from runner.testing.arrivals import ReceivedEvent
    from runner.testing.collect import SpecCases

__tracebackhide__ = methodcaller("errisinstance", RunnerError)
"""pytest shows the caller's line for these errors, without the frames of this module."""
_OPEN = Mask()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an event must be: values of its fields, its properties, and the `event` that a case expects. None fits all.

    `names` are values by the parameters of a sandbox's endpoints. `mask` hides the secrets of the spec.
    """

    names: Mapping[str, str]
    properties: Node | None = None
    spec: Spec | None = None
    case: str | None = None
    expected: Node | None = None
    mask: Mask = field(default=_OPEN)

    def differences(self, event: ReceivedEvent) -> list[Problem]:
        """Return how an event differs; the fields of `names` first, and only these if it is of another name."""
        fields = list(self._wrong_fields(event))
        if any(problem.at == "event" for problem in fields):
            return fields
        return [*fields, *self._wrong_properties(event), *self._breaches(event), *self._not_as_in_case(event)]

    def _wrong_fields(self, event: ReceivedEvent) -> Iterator[Problem]:
        fields = {
            "event": event.event,
            "distinct_id": event.user,
            "tenant_id": event.tenant,
            "idempotency_key": event.idempotency_key,
        }
        for name, wanted in self.names.items():
            if fields[name] != wanted:
                one, other = both_shown(wanted, fields[name])
                yield Problem("case-mismatch", f"{name}: expected {one}, got {other}", at=name)

    def _wrong_properties(self, event: ReceivedEvent) -> Iterator[Problem]:
        if self.properties is not None:
            found = cast("Json", event.body.get("properties") or {})
            for each in compare(self.properties, found, "properties", mask=self.mask):
                yield Problem("case-mismatch", each.message, at=each.at, hint=each.hint)

    def _breaches(self, event: ReceivedEvent) -> Iterator[Problem]:
        spec = self.spec
        if spec is None or spec.schema is None:
            return
        with shared_allowance():
            faults = spec.schema.faults(cast("Json", event.properties))
        for fault in faults:
            rule = spec.schema_root.nearest(fault.rule).position() if spec.schema_root is not None else None
            at = ".".join(("properties", *filter(None, [fault.at()])))
            yield Problem(fault.code or "schema-violation", with_path(at, fault.message), rule, at=at)

    def _not_as_in_case(self, event: ReceivedEvent) -> Iterator[Problem]:
        if self.expected is not None and self.case is not None:
            found = cast("dict[str, Json]", dict(event.body))
            for problem in compare_event(self.expected, found, self.mask):
                yield replace(problem, context=in_case(self.case))


def wanted_by_spec(
    path: Path, shown: str, case: str | None, names: Mapping[str, str], properties: Node | None, config: Path | None
) -> Wanted:
    """Return what a spec, and one of its cases, expects of an event. `shown` is the spec's path in messages.

    Raises NotFound for a file or a case that does not exist, InvalidInput for an invalid spec, or a case without a single
    expectation of an `event`.
    """
    found = _collected(path, config, path.stat().st_mtime_ns)
    if found.spec is None or any(problem.severity == "error" for problem in found.problems):
        raise InvalidInput(*(problem for problem in found.problems if problem.severity == "error"))
    expected = None
    if case is not None:
        refs = {ref.case.name: ref.case for ref in found.cases}
        if case not in refs:
            hint = did_you_mean(case, refs, "it has no cases")
            raise NotFound(Problem("case-not-found", f"{shown} has no case '{case}'", hint=hint))
        steps = [step.expect for step in refs[case].steps if step.expect is not None and step.expect.get("event")]
        if len(steps) != 1:
            message = f"the case '{case}' of {shown} expects {'several events' if steps else 'no `event`'}"
            raise InvalidInput(Problem("bad-value", message, refs[case].node.position()))
        expected = steps[0]
    mask = Mask(found.secrets)
    return Wanted(
        {**_name_of(found.spec, shown, expected, names), **names}, properties, found.spec, case, expected, mask
    )


@lru_cache(maxsize=100)
def _collected(path: Path, config: Path | None, _changed_ns: int) -> SpecCases:
    return collect(path, project_of(path), config)


def _name_of(spec: Spec, shown: str, expected: Node | None, names: Mapping[str, str]) -> dict[str, str]:
    """Return the event's name. Raises InvalidInput if it is a template, and neither the test nor the case names it."""
    if "event" in names:
        return {}
    in_case_ = expected.get("event", "event") if expected is not None else None
    for node in (in_case_, spec.root.get("event")):
        if node is not None and isinstance(node.value, str) and "{{" not in node.value and "{%" not in node.value:
            return {"event": node.value.strip()}
    if in_case_ is not None:  # a matcher
        return {}
    message = f"the event's name in {shown} is a template"
    raise InvalidInput(Problem("bad-value", message, hint='name the event: event="…"'))


def expected_node(values: Mapping[str, object] | None) -> Node | None:
    """Return properties of Python as an expectation, in which matchers count as in a case.

    Raises InvalidInput for an invalid matcher, TypeError for a value that JSON does not have.
    """
    if values is None:
        return None
    document = read_text(json.dumps(values), "properties", as_json=True)
    found = [*document.problems, *(matcher_problems(document.root, is_entry=True) if document.root is not None else ())]
    if found:
        raise InvalidInput(*(replace(problem, position=None) for problem in found))
    return document.root
