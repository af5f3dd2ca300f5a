"""What the interpreter could not model, as problems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.workflows.timeline import Timeline


def refusals(timeline: Timeline) -> Iterator[Problem]:
    """Yield a problem for each run that was refused, with the node and the place in the workflow file."""
    for run in timeline.runs:
        decision = run.refusal
        if decision is not None:
            node = f" at node '{decision.node}'" if decision.node else ""
            position = decision.source.position() if decision.source is not None else None
            yield Problem("workflow-unmodelled", f"the workflow '{run.workflow}'{node}: {decision.text}", position)
