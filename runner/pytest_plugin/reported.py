"""A problem of a case → its texts for pytest's report, an annotation and JSON."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from runner.problems import ENTRIES, Trait
from runner.project.files import as_unicode
from runner.report import as_json, as_text
from runner.report.github_annotation import as_annotation
from runner.report.style import without_commands

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.errors import Position, Problem
    from runner.secrets import Mask
    from runner.testing.case_ref import CaseRef


def report_of(problem: Problem, mask: Mask, workspace: str | None, ref: CaseRef | None = None) -> dict[str, Any]:
    """Return a problem in every form, masked, as texts that can be sent to another process.

    An annotation needs a position: without one, it is put at the case. A difference from a cassette was caused by a change
    of the spec, so it is put at the value in the spec.
    """
    document = {key: as_unicode(value) if isinstance(value, str) else value for key, value in as_json(problem).items()}
    placed = problem
    if ref is not None and (problem.position is None or Trait.OF_SPEC in ENTRIES[problem.code].traits):
        placed = replace(problem, position=_place_in_spec(ref, problem.at or ""))
    return {
        "text": without_commands(as_text(problem, mask=mask)),
        "json": mask.texts(document),
        "annotation": as_annotation(placed, mask, workspace),
        "difference": problem.difference and [*map(mask.text, problem.difference)],
    }


def _place_in_spec(ref: CaseRef, at: str) -> Position:
    """Return the position of an event's value in its spec, else of the nearest value above it, else of the case."""
    found = root = ref.spec.root
    for key in re.findall(r"[^.\[\]$]+", at):
        if (below := found.get(key)) is None:
            break
        found = below
    return (ref.case.node if found is root else found).position()


def joined_texts(reports: Iterable[Mapping[str, Any]]) -> str:
    """Return the texts of several reports, separated by blank lines."""
    return "\n\n".join(each["text"] for each in reports)
