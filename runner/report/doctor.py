"""The findings of `runner doctor` → one page with a mark for each, or JSON."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from runner.report.format import Format
from runner.report.github_actions import add_job_summary
from runner.report.style import counted, has_utf8, printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.doctor.finding import Finding, State
    from runner.report.output import Output

_MARKS: Mapping[State, str] = {"ok": "✓", "warning": "!", "failed": "✗", "skipped": "-"}
_WORDS: Mapping[State, str] = {"ok": "ok", "warning": "warning", "failed": "FAILED", "skipped": "skipped"}
_MAX_TEXT = 400
"""A server's own text may be of any length."""


def show_findings(output: Output, environ: Mapping[str, str], findings: Sequence[Finding]) -> None:
    """Show findings, each with what to do about it. Without UTF-8 in the locale, the page is plain ASCII."""
    if output.format in (Format.JSON, Format.JSONL):
        output.items("findings", (_as_json(output, each) for each in findings))
        return
    is_utf8 = has_utf8(environ)
    marks = _MARKS if is_utf8 else _WORDS
    widest, name_width = max(map(len, marks.values())), max(len(each.name) for each in findings)
    rows: list[tuple[str, str, str, str]] = []
    for each in findings:
        text, advice = (printable(output.cut(part or "", _MAX_TEXT)) for part in (each.text, each.advice))
        rows.append((each.state, each.name, text, advice))
        mark = _painted(output, each.state, marks[each.state].ljust(widest))
        lines = [f"{mark} {output.style.strong(each.name.ljust(name_width))}  {text}"]
        lines += [f"{'':{widest + name_width + 3}}= {advice}"] if advice else []
        for line in lines:
            output.data(line if is_utf8 else line.encode("ascii", "backslashreplace").decode())
    output.message(_summary(findings))
    add_job_summary(output, environ, f"runner doctor: {_summary(findings)}", ("", "check", "found", "to do"), rows)


def _as_json(output: Output, finding: Finding) -> dict[str, str | None]:
    advice = output.cut(finding.advice, _MAX_TEXT) if finding.advice is not None else None
    return {
        "name": finding.name,
        "state": finding.state,
        "text": output.cut(finding.text, _MAX_TEXT),
        "advice": advice,
    }


def _painted(output: Output, state: State, mark: str) -> str:
    style = output.style
    paint = {"ok": style.good, "warning": style.warning, "failed": style.error, "skipped": style.faint}
    return paint[state](mark)


def _summary(findings: Sequence[Finding]) -> str:
    counts = Counter(each.state for each in findings)
    parts = [f"{counts['failed']} failed"] if counts["failed"] else []
    parts += [counted(counts["warning"], "warning")] if counts["warning"] else []
    parts += [f"{counts['skipped']} skipped"] if counts["skipped"] else []
    return f"{counted(len(findings), 'check')}: {', '.join(parts) or 'all ok'}"
