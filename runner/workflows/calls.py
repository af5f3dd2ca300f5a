"""Nodes that change or record data at once: transforms, calls with stand-in answers, records."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from runner.workflows.condition_values import shown
from runner.workflows.evaluation import value_of
from runner.workflows.outcomes import RefusedError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.source import Json
    from runner.workflows.definition import Fetch, Record, Transform
    from runner.workflows.run import Run

_GOOD: Final = (200, 201, 204)
"""HTTP statuses that the platform takes as a success (documentation: "Fetch")."""


def transform(node: Transform, run: Run) -> None:
    """Add the variables of a `transform` to the payload. All of them read the payload before the node."""
    found: dict[str, Json] = {key: value_of(run, expression) for key, expression in node.variables}
    run.payload = {**run.payload, **found}
    texts = [(key, expression.text) for key, expression in node.variables]
    inexact = next(
        (
            f"'{other}' may read the '{key}' of this node: it is taken as that before the node"
            for key, _ in texts
            for other, text in texts
            if other != key and re.search(rf"\b{re.escape(key)}\b", text)
        ),
        None,
    )
    shown_values = ", ".join(f"{key} = {shown(value)}" for key, value in found.items())
    run.note("passed", f"set {shown_values}", node.common, inexact=inexact)


def fetch(node: Fetch, run: Run) -> None:
    """Merge the stand-in answer of a call into the payload. The call is never made."""
    answers = run.simulation.world.answers
    identity = node.common.id
    if identity not in answers:
        if node.must_answer:
            raise RefusedError(f"no answer for the call: set `answers: {{{identity}: …}}` under `workflows:`")
        run.note("passed", "called a webhook; no answer is set for it", node.common)
        return
    answer = answers[identity]
    if isinstance(answer, int) and not isinstance(answer, bool):
        _fail(node, run, answer)
        return
    run.payload = {**run.payload, **_merged(node, answer)}
    run.note("passed", f"answered {shown(answer)}", node.common)


def record(node: Record, run: Run) -> None:
    """Record a node that changes users, lists or objects."""
    if node.common.node_type == "userupdate":
        run.changes_users = True
    run.note("passed", f"recorded, no data changes: {shown(node.properties)}", node.common)


def _fail(node: Fetch, run: Run, status: int) -> None:
    if status in _GOOD:
        run.note("passed", f"answered with {status} and no JSON", node.common)
        return
    inexact = "how the platform goes on after a failed call is not documented"
    if node.must_answer:
        raise StoppedError(f"the call failed with {status}", inexact=inexact)
    run.note("passed", f"the call failed with {status}", node.common, inexact=inexact)


def _merged(node: Fetch, answer: Json) -> Mapping[str, Json]:
    if node.output_key:
        return {node.output_key: answer}
    if not isinstance(answer, dict):
        raise RefusedError(f"the answer {shown(answer)} is not an object, and the node has no `output_key`")
    return answer
