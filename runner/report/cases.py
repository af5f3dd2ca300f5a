"""Cases that were run, and cassettes that no case plays → text, JSON, annotations and a job summary."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING

from runner.report.coverage import coverage_json
from runner.report.format import Format
from runner.report.github_actions import add_job_summary, annotate
from runner.report.problems import as_json
from runner.report.style import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from runner.errors import Problem
    from runner.report.output import Output
    from runner.testing.results import CaseResult, CaseRun, State
    from runner.workflows.coverage import WorkflowCoverage

_STATES: tuple[State, ...] = ("passed", "failed", "skipped", "xfailed")


def show_cases(
    output: Output,
    environ: Mapping[str, str],
    paths: Sequence[Path],
    ended: CaseRun,
    left: Sequence[Problem],
    covered: Sequence[WorkflowCoverage] | None = None,
) -> None:
    """Show what pytest does not: the cases as JSON, and the problems of `left` over cassettes. `paths` are the arguments."""
    counts = Counter(result.state for result in ended.cases)
    reports = [each for result in ended.cases for each in result.reports] + list(ended.refused)
    coverage = {} if covered is None else {"coverage": list(map(coverage_json, covered))}
    match output.format:
        case Format.JSON:
            problems = [each["json"] for each in ended.refused] + [as_json(problem) for problem in left]
            sums = {"total": len(ended.cases)} | {state: counts[state] for state in _STATES}
            output.json(sums | {"cases": [_as_json(result) for result in ended.cases], "problems": problems} | coverage)
        case Format.JSONL:
            for result in ended.cases:
                output.json(_as_json(result))
            for each in ended.refused:
                output.json(each["json"])
            for problem in left:
                output.json(as_json(problem))
            for part in coverage.values():
                output.json({"coverage": part})
        case Format.PRETTY | Format.GITHUB:
            output.complaints(left)
    missing = [each for each in reports if each["json"]["code"] == "cassette-missing"]
    if len(missing) > 1:
        command = shlex.join(["runner", "test", *map(str, paths), "--record", "once", "--sandbox"])
        output.message(f"{len(missing)} cassettes are missing; to record all: {command}")
    shown = [] if output.format is Format.GITHUB else left  # of complaints, that format makes annotations
    annotate(output, [*(each["annotation"] for each in reports), *map(output.annotation_of, shown)])
    parts = [f"{counts[state]} {state}" for state in _STATES if counts[state]]
    parts += [f"{counted(ended.unread, 'spec')} can't be run"] if ended.unread else []
    add_job_summary(
        output,
        environ,
        f"runner test: {', '.join(parts) or 'no cases'}",
        ("", "spec", "case", "what"),
        list(_rows(ended, left)),
    )
    messages = [(result.spec, result.case, message) for result in ended.cases for message in result.messages]
    if messages:
        add_job_summary(output, environ, counted(len(messages), "message"), ("spec", "case", "message"), messages)


def _as_json(result: CaseResult) -> dict[str, object]:
    problems = [each["json"] for each in result.reports]
    return {name: getattr(result, name) for name in ("spec", "case", "state", "reason")} | {
        "messages": list(result.messages),
        "problems": problems,
    }


def _rows(ended: CaseRun, left: Sequence[Problem]) -> Iterator[tuple[str, str, str, str]]:
    """Yield the rows of the job summary: failures first, then skipped cases."""
    for each in ended.refused:
        yield "❌", each["json"]["path"] or "", "", each["json"]["message"]
    for result in ended.cases:
        for each in result.reports:
            yield "❌", result.spec, result.case, each["json"]["message"]
    for problem in left:
        yield "❌", problem.position.path if problem.position else "", "", problem.message
    for result in ended.cases:
        if result.state in ("skipped", "xfailed"):
            yield result.state, result.spec, result.case, result.reason or ""
