"""The coverage of workflows → text, or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.errors import Problem
from runner.report.format import Format
from runner.report.style import printable
from runner.workflows.coverage import percent
from runner.workflows.story import place_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.report.output import Output
    from runner.workflows.coverage import WorkflowCoverage

_MAX_MISSED = 100


def show_coverage(output: Output, covered: Sequence[WorkflowCoverage], least: float | None) -> bool:
    """Show the share of each workflow that was reached, and what was not. Return whether the whole is below `least` percent."""
    whole = percent(covered)
    if output.format not in (Format.JSON, Format.JSONL):  # there, it stands with the cases
        _show(output, covered, whole)
    is_below = least is not None and whole < least
    if is_below:
        message = f"the cases reach {whole:.1f} % of the workflows, less than {least:g} %"
        output.complaints([Problem("workflow-coverage", message, hint="--coverage lists what no case reaches")])
    return is_below


def _show(output: Output, covered: Sequence[WorkflowCoverage], whole: float) -> None:
    style = output.style
    output.data(style.strong("coverage of workflows"))
    for each in covered:
        share = f"{100 * each.reached / each.total if each.total else 100:5.1f} %"
        output.data(f"  {share}  {printable(each.workflow)}  {style.faint(f'{each.reached} of {each.total}')}")
        for missed in each.missed[:_MAX_MISSED]:
            place = style.place(printable(place_of(missed.source) or ""))
            output.data(f"           not reached: {printable(output.masked(missed.text))}  {place}")
        if len(each.missed) > _MAX_MISSED:
            output.data(f"           and {len(each.missed) - _MAX_MISSED} more")
    output.data(f"  {whole:5.1f} %  in all")


def coverage_json(each: WorkflowCoverage) -> dict[str, Any]:
    """Return the coverage of a workflow as data."""
    return {
        "workflow": each.workflow,
        "reached": each.reached,
        "total": each.total,
        "missed": [
            {"kind": missed.part[1], "text": missed.text, "place": place_of(missed.source)} for missed in each.missed
        ],
    }
