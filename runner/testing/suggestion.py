"""A change that no case notices → what a case must expect to notice it, tried out on what the cases make."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple, cast

from runner.cases.matchers import ON_THE_WIRE, matcher_of
from runner.source import read_text, type_name
from runner.testing.alteration import ANSWER, NOTHING, Mutation, change, changed_answer, value_at
from runner.testing.expect import compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypeAlias

    from runner.secrets import Mask
    from runner.source import Json, Node
    from runner.testing.alteration import Kind, Way, Wire
    from runner.testing.case_ref import CaseRef

    Document: TypeAlias = dict[str, Json]
    """An event at `event`, or an answer at `response`, as `expect:` names them."""

_LONG = 300
"""So many characters of JSON are not written down, if there is a shorter way."""
_ANY: Json = {"$any": True}


class StepSeen(NamedTuple):
    """What a step of a case makes: its events, and its answer if the case expects one."""

    ref: CaseRef
    number: int
    wires: Sequence[Wire]
    answer: Wire | None

    def documents(self, way: Way) -> list[Document]:
        """Return what a change at a path can concern."""
        if way == ANSWER:
            return [{"response": self.answer}] if self.answer is not None else []
        return [{"event": wire} for wire in self.wires]


class Suggestion(NamedTuple):
    """What to expect, and which kinds of change that notices. Secrets are not in it.

    It belongs to a case, or to a step if the case has several. With `is_new` it belongs to a case of its own with the same
    variables, those of a row if the step has several.
    """

    ref: CaseRef
    step: int | None
    row: int | None
    is_new: bool
    expect: Document
    kinds: tuple[Kind, ...]


def suggest(way: Way, kinds: Sequence[Kind], steps: Sequence[StepSeen], mask: Mask) -> Suggestion | None:
    """Return what notices most of these kinds of change at a path; None if nothing that may be written down does.

    `steps` are those of all cases of a spec. What a step expects must hold for all its events, and in a parametrized case
    for each set of variables.
    """
    found: list[Suggestion] = []
    for alike in _alike(steps):
        together = [document for step in alike for document in step.documents(way)]
        if _is_open(alike[0], way) and (best := _best(way, kinds, together, mask)):
            found.append(_suggestion(alike[0], best, row=None, is_new=False))
            if len(found[-1].kinds) == len(kinds):
                return found[-1]
    for step in steps:
        documents = step.documents(way)
        for row, document in enumerate(documents, 1):
            if best := _best(way, kinds, [document], mask):
                found.append(_suggestion(step, best, row=row if len(documents) > 1 else None, is_new=True))
                return max(found, key=lambda each: len(each.kinds))
    return None


def _alike(steps: Sequence[StepSeen]) -> Iterable[list[StepSeen]]:
    """Return the steps that share their expectations: those of a parametrized case."""
    found: dict[tuple[int, int], list[StepSeen]] = {}
    for step in steps:
        found.setdefault((id(step.ref.case.node), step.number), []).append(step)
    return found.values()


def _suggestion(step: StepSeen, best: tuple[Document, list[Kind]], *, row: int | None, is_new: bool) -> Suggestion:
    number = step.number if len(step.ref.case.steps) > 1 else None
    return Suggestion(step.ref, number, row, is_new, best[0], tuple(best[1]))


def _is_open(step: StepSeen, way: Way) -> bool:
    """Return whether a step can expect more at a path: beside a matcher there can be nothing."""
    node: Node | None = step.ref.case.steps[step.number - 1].expect
    for key in way if way == ANSWER else ("event", *way):
        if node is None:
            return True
        if matcher_of(node) is not None:
            return False
        node = node.get(key) if isinstance(key, str) else dict(enumerate(node.items)).get(key)
    return way != ANSWER or node is None or matcher_of(node) is None


def _best(
    way: Way, kinds: Sequence[Kind], documents: Sequence[Document], mask: Mask
) -> tuple[Document, list[Kind]] | None:
    """Return the expectation that holds for all documents, and that notices most kinds of change in one of them."""
    best: tuple[Document, list[Kind]] | None = None
    having = (each for each in documents if value_at(each, way if way == ANSWER else ("event", *way)) is not NOTHING)
    first = next(having, None)
    for expect in _expectations(way, first, mask) if first is not None else ():
        node = cast("Node", read_text(json.dumps(expect), "expect", as_json=True).root)
        if mask.json(expect) != expect or not all(_fits(node, each) for each in documents):
            continue
        noticed = [
            kind for kind in kinds if any(not _fits(node, _changed(each, Mutation(way, kind))) for each in documents)
        ]
        if noticed and (best is None or len(noticed) > len(best[1])):
            best = expect, noticed
        if len(noticed) == len(kinds):
            break
    return best


def _fits(expected: Node, document: Document) -> bool:
    return not compare(expected, document, "")


def _changed(document: Document, mutation: Mutation) -> Document:
    if mutation.way == ANSWER:
        return {"response": changed_answer(cast("Wire", document["response"]), mutation.kind)}
    wire: Wire = json.loads(json.dumps(document["event"]))
    change(wire, mutation)
    return {"event": wire}


def _expectations(way: Way, document: Document, mask: Mask) -> Iterator[Document]:
    """Yield what to expect at a path, the plainest first."""
    if way == ANSWER:
        answer = cast("Wire", document["response"])
        key = "status" if "total" in answer else "success"
        yield {"response": {key: answer[key]}}
        return
    field, below = way[0], way[1:]
    whole, value = cast("Wire", document["event"])[str(field)], value_at(document, ("event", *way))
    first_list = next((index for index, key in enumerate(below) if isinstance(key, int)), len(below))
    listed = _literal(value_at(whole, below[:first_list]), mask)
    plain = [_nested(whole, below[:first_list], listed, mask), _nested(whole, below, _literal(value, mask), mask)]
    short = [each for each in plain if len(json.dumps(each)) <= _LONG]
    is_long = isinstance(value, str) and len(value) > _LONG and mask.json(value) == value
    texts = [_nested(whole, below, {"$len": len(str(value))}, mask)] if is_long else []
    typed = _nested(whole, below, {"$schema": {"type": type_name(value)}}, mask)
    for expect in (*short, *texts, *plain, typed, _nested(whole, below, _ANY, mask)):
        yield {"event": {str(field): expect}}


def _nested(value: Json, way: Way, leaf: Json, mask: Mask) -> Json:
    """Return an expectation at a path below a value: other items of lists may be anything."""
    if not way:
        return leaf
    key, *rest = way
    if isinstance(key, int):
        items = cast("list[Json]", value)
        return [_nested(item, tuple(rest), leaf, mask) if index == key else _ANY for index, item in enumerate(items)]
    entries = cast("Wire", value)
    if _has_odd_keys(entries):
        return _exactly(entries, mask, {"type": "object", "required": [key]})
    return {key: _nested(entries[key], tuple(rest), leaf, mask)}


def _literal(value: Json, mask: Mask) -> Json:
    """Return an expectation of a whole value."""
    if isinstance(value, list):
        return [_literal(item, mask) for item in value]
    if not isinstance(value, dict):
        return value
    if _has_odd_keys(value):
        return _exactly(value, mask, {"type": "object"})
    return {key: _literal(item, mask) for key, item in value.items()}


def _has_odd_keys(entries: Wire) -> bool:
    """Return whether a map has keys that would be taken for matchers, so that it can only be expected as a whole."""
    return any(key.startswith("$") and key not in ON_THE_WIRE for key in entries)


def _exactly(value: Json, mask: Mask, otherwise: Wire) -> Json:
    return {"$schema": {"const": value} if mask.json(value) == value else otherwise}
