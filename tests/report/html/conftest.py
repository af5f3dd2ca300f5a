"""What tests of reports share: a browser, results of cases, and texts that try to run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from runner.report.html.cases_report import cases_report
from runner.secrets import Mask
from runner.testing.results import CaseResult, CaseRun
from runner.workflows.story import Line

if TYPE_CHECKING:
    from collections.abc import Sequence

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def problem(message: str, difference: list[str] | None = None, at: str = "properties.amount") -> dict[str, Any]:
    return {
        "json": {
            "code": "case-mismatch",
            "message": message,
            "path": "specs/a.yaml",
            "line": 7,
            "at": at,
            "hint": None,
        },
        "difference": difference,
    }


def case(name: str, *reports: dict[str, Any], spec: str = "specs/a.yaml", story: Sequence[Line] = ()) -> CaseResult:
    return CaseResult(spec, name, "failed" if reports else "passed", None, reports, (), 0.002, (400,), story)


def ended(*cases: CaseResult) -> CaseRun:
    return CaseRun(1, {1}, cases, (), 0, (), frozenset(), was_interrupted=False, was_deselected=False)


def report(*cases: CaseResult, secrets: Sequence[str] = ()) -> bytes:
    return cases_report(ended(*cases), (), AT, Mask(secrets))


STORY = [Line(0, "order-confirmation for u1"), Line(1, "sent by mail", 60.0, "workflows/a.json:3", state=True)]
