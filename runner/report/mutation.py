"""Mutation scores → text with the line to add for each change that no case notices, or JSON."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from runner.importing.yaml_text import flow
from runner.report.format import Format
from runner.report.style import counted, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.report.output import Output
    from runner.testing.mutation import MutationScore, Survivor
    from runner.testing.suggestion import Suggestion


def show_mutations(output: Output, scores: Sequence[MutationScore]) -> None:
    """Show the changes that no case notices, and the score of each spec and of all."""
    noticed, total = sum(each.noticed for each in scores), sum(each.total for each in scores)
    if output.format in (Format.JSON, Format.JSONL):
        output.items("specs", map(_as_json, scores), {"noticed": noticed, "total": total})
        return
    for score in scores:
        _show(output, score)
    if total:
        output.data(f"{_percent(noticed, total)}  {noticed:,} of {counted(total, 'change')} noticed")


def _show(output: Output, score: MutationScore) -> None:
    style, spec = output.style, printable(output.masked(score.spec))
    share = style.faint(f"{score.noticed} of {counted(score.total, 'change')} noticed")
    nothing = style.faint("no case that passes makes an event, so no change is noticed")
    shown = f"{_percent(score.noticed, score.total)}  {share}" if score.total else nothing
    output.data(f"{style.strong(spec)}  {shown}")
    for suggested, alike in groupby(score.survivors, key=lambda each: each.suggestion._replace(kinds=())):
        for survivor in alike:
            kinds = ", ".join(survivor.kinds)
            output.data(f"  {style.error('not noticed')}  {printable(output.masked(survivor.at))}: {kinds}")
        line = suggested.ref.case.node.position().line
        output.data(f"      {printable(output.masked(_place(suggested)))} ({spec}:{line}):")
        output.data(f"      expect: {output.masked_data(flow(suggested.expect))}")
    for ref in score.failed:
        name = printable(output.masked(ref.case.name))
        output.message(f"{spec}: case '{name}' fails unchanged, and is left out")


def _place(suggestion: Suggestion) -> str:
    """Return where a line goes: existing cases can't notice a change if their events differ at its path."""
    place = f"case '{suggestion.ref.case.name}'"
    place = f"step {suggestion.step} of {place}" if suggestion.step else place
    place = f"row {suggestion.row} of {place}" if suggestion.row else place
    return f"add a case with the variables of {place}" if suggestion.is_new else f"add to {place}"


def _percent(noticed: int, total: int) -> str:
    return f"{100 * noticed / total:5.1f} %"


def _as_json(score: MutationScore) -> dict[str, object]:
    return {
        "spec": score.spec,
        "cases": score.cases,
        "noticed": score.noticed,
        "total": score.total,
        "survivors": [*map(_survivor_as_json, score.survivors)],
        "failed": [ref.case.name for ref in score.failed],
    }


def _survivor_as_json(survivor: Survivor) -> dict[str, object]:
    to = survivor.suggestion
    return {
        "at": survivor.at,
        "kinds": [*survivor.kinds],
        "case": to.ref.case.name,
        "line": to.ref.case.node.position().line,
        "step": to.step,
        "row": to.row,
        "is_new": to.is_new,
        "expect": flow(to.expect),
    }
