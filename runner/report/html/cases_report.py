"""The cases of a session → their report as an HTML file."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from runner.bulk.measures import size_step
from runner.durations import shown_duration
from runner.report.html.environment import instant, versions
from runner.report.html.figures import bars_card, sizes_card, times_card
from runner.report.html.markup import Markup, el
from runner.report.html.page import card, counters, facts, failures, page, sections
from runner.report.html.plots import Bar, share_bar, shortened
from runner.report.html.table import Detail, FailureTable
from runner.report.html.ticks import shown_length, shown_ms
from runner.report.style import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from runner.errors import Problem
    from runner.secrets import Mask
    from runner.testing.results import CaseResult, CaseRun, State
    from runner.workflows.story import Line

LIBRARIES = ("pytest", "vcrpy", "jinja2", "requests")
_STATES: tuple[State, ...] = ("passed", "failed", "skipped", "xfailed")
_ORDER = ", those with most failures first"
_SLOWEST = 10
_MAX_PATHS = 30
_MAX_LINES = 60
"""Lines of a path that are shown."""


def cases_report(ended: CaseRun, left: Sequence[Problem], at: datetime, mask: Mask) -> bytes:
    """Return the file. `left` are problems of cassettes that no case plays, `at` is the time of the end."""
    ended = ended._replace(cases=[_masked(result, mask) for result in ended.cases])
    counts = Counter(result.state for result in ended.cases)
    wrong = counts["failed"] + ended.unread + len(left)
    badge = el("span.badge.bad", "failed") if wrong else el("span.badge.good", "passed")
    header = el(
        "div",
        el("h1", f"{counted(len(ended.cases), 'case')}", badge),
        el("p", f"runner test · {instant(at)}"),
    )
    table = FailureTable(["Spec", "Case", "Code", "What"], mask)
    for result in ended.cases:
        if result.reports:
            _add(table, result.spec, result.case, result.reports)
    for report in ended.refused:
        _add(table, report["json"]["path"] or "", "", [report])
    for problem in left:
        path = problem.position.path if problem.position else ""
        table.add([path, "", problem.code, problem.message], [Detail(message=problem.message, hint=problem.hint or "")])
    is_cut = table.shown < table.total
    note = f"{table.shown:,} of {table.total:,} are listed here; runner test -o json lists all." if is_cut else None
    names = [(state, counts[state]) for state in _STATES]
    parts = [
        _counters(ended, counts, wrong),
        share_bar(names, ", ".join(f"{count:,} {state}" for state, count in names)),
        sections(_cards(ended)),
        failures("failures", f"Failures ({table.total:,})", note) if table.total else None,
        _paths(ended.cases),
        card("Environment", facts(versions(LIBRARIES))),
    ]
    return page("runner test", [header], parts, {**table.data(), "filter": 2})


def _masked(result: CaseResult, mask: Mask) -> CaseResult:
    story = [
        line._replace(text=mask.text(line.text), place=line.place and mask.text(line.place)) for line in result.story
    ]
    return result._replace(spec=mask.text(result.spec), case=mask.text(result.case), story=story)


def _counters(ended: CaseRun, counts: Mapping[State, int], wrong: int) -> Markup:
    found = [("accepted", f"{counts['passed']:,}", "passed")]
    found += [("failed" if wrong else "none", f"{counts['failed']:,}", "failed")]
    found += [("none", f"{counts['skipped']:,}", "skipped"), ("none", f"{counts['xfailed']:,}", "failed as expected")]
    found += [("failed", f"{ended.unread:,}", "specs that can't be run")] if ended.unread else []
    found += [("none", shown_length(sum(result.took_s for result in ended.cases)), "time of the cases")]
    return counters(found)


def _cards(ended: CaseRun) -> list[Markup | None]:
    cases = ended.cases
    took_ms = Counter(round(result.took_s * 1000, 1) for result in cases if result.state != "skipped")
    lengths = [size for result in cases for size in result.sizes]
    found = [_by_code(ended), _by_spec(cases)]
    found.append(times_card("Time of a case", took_ms, "case"))
    found.append(sizes_card(Counter(map(size_step, lengths)), max(lengths, default=0)))
    return [*found, _slowest(cases)]


def _by_code(ended: CaseRun) -> Markup | None:
    reports = [report for result in ended.cases for report in result.reports[:1]] + [*ended.refused]
    codes = Counter(report["json"]["code"] for report in reports)
    rows = [Bar(code, [("failed", count)], f"{count:,}") for code, count in codes.most_common()]
    return bars_card("Failures by code", rows, "The first problem of each case counts.") if rows else None


def _by_spec(cases: Sequence[CaseResult]) -> Markup | None:
    states: dict[str, Counter[str]] = {}
    for result in cases:
        states.setdefault(result.spec, Counter())[result.state] += 1
    ordered = sorted(states.items(), key=lambda each: (-each[1]["failed"], -each[1].total(), each[0]))
    rows = [
        Bar(
            spec,
            [(state, found[state]) for state in ("failed", "passed", "skipped", "xfailed")],
            f"{found.total():,}",
            f"{found['failed']:,} failed" if found["failed"] else "",
        )
        for spec, found in ordered
    ]
    return (
        bars_card("Cases by spec", rows, f"{counted(len(rows), 'spec')}{_ORDER if len(rows) > 1 else ''}.")
        if rows
        else None
    )


def _slowest(cases: Sequence[CaseResult]) -> Markup | None:
    run = [result for result in cases if result.state != "skipped"]
    slow = sorted(run, key=lambda result: -result.took_s)[:_SLOWEST]
    rows = [Bar(f"{each.spec}: {each.case}", [("one", each.took_s)], shown_ms(each.took_s * 1000)) for each in slow]
    return bars_card("Slowest cases", rows, "The time of a case with its cassette.") if rows else None


def _add(table: FailureTable, spec: str, case: str, reports: Sequence[Mapping[str, Any]]) -> None:
    first = reports[0]["json"]
    more = f" (and {len(reports) - 1} more)" if len(reports) > 1 else ""
    table.add([spec, case, first["code"], first["message"] + more], [_detail(report) for report in reports])


def _detail(report: Mapping[str, Any]) -> Detail:
    problem = report["json"]
    expected, actual = report["difference"] or ("", "")
    place = f"{problem['path']}:{problem['line']}" if problem["path"] else ""
    return Detail(problem["at"] or "", expected, actual, problem["message"], place, problem["hint"] or "")


def _paths(cases: Sequence[CaseResult]) -> Markup | None:
    """Return the ways of events through the workflows: those of failed cases first."""
    told = sorted((result for result in cases if result.story), key=lambda result: result.state != "failed")
    if not told:
        return None
    shown = [
        el(
            "details.path",
            el("summary", shortened(f"{result.spec}: {result.case}"), _badge(result.state)),
            el("ol.story", *_lines(result.story)),
            open=True if result.state == "failed" else None,
        )
        for result in told[:_MAX_PATHS]
    ]
    more = len(told) - _MAX_PATHS
    rest = el("p.about", f"and {counted(more, 'case')} more: runner trace shows each") if more > 0 else None
    note = f"{counted(len(told), 'case')} with workflows: what each decided, and when."
    return card("Paths through the workflows", *shown, rest, note=note)


def _badge(state: str) -> Markup:
    kind = {"passed": "good", "failed": "bad"}.get(state, "none")
    return el(f"span.badge.{kind}", state)


def _lines(story: Sequence[Line]) -> Iterable[Markup]:
    for line in story[:_MAX_LINES]:
        at = el("span.at", f"{shown_duration(line.at_s)} ") if line.at_s is not None else None
        mark = {True: el("span.yes", "✓ "), False: el("span.no", "✗ "), None: None}[line.state]
        place = el("span.place", f"  {line.place}") if line.place else None
        yield el(f"li.depth{line.depth}", at, mark, el("bdi", shortened(line.text)), place)
    if len(story) > _MAX_LINES:
        yield el("li", f"and {len(story) - _MAX_LINES} more lines")
