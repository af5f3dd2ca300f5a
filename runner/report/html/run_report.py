"""A run of rows → its report as an HTML file."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from runner.bulk.record import SavedOptions
from runner.problems import ENTRIES
from runner.report.distribution import rates_over_time
from runner.report.html.environment import instant, versions
from runner.report.html.figures import attempts_card, bars_card, rates_card, sizes_card, times_card
from runner.report.html.markup import Markup, el
from runner.report.html.page import card, counters, facts, failures, page, sections
from runner.report.html.plots import Bar, share_bar, shortened
from runner.report.html.table import Detail, FailureTable
from runner.report.html.ticks import shown_length, shown_rate
from runner.report.rows import row_place
from runner.report.style import counted
from runner.rows.dataset import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from runner.bulk.by_column import ColumnCounts
    from runner.bulk.ledger import RunSummary
    from runner.bulk.measures import RunMeasures
    from runner.bulk.outcomes import RowOutcome
    from runner.bulk.record import RunRecord
    from runner.rows.places import Places
    from runner.secrets import Mask

LIBRARIES = ("requests", "urllib3", "orjson", "jinja2")
_ORDER = ", those with most failures first"
_STATES = {"finished": "good", "running": "warn", "interrupted": "warn", "stopped": "bad"}


class RunReport(NamedTuple):
    """What a report shows of a run. `messages` has those of rows that were not accepted, as far as they are known."""

    summary: RunSummary
    record: RunRecord
    sessions: int
    measures: RunMeasures
    exceptions: Callable[[], Iterable[RowOutcome]]
    places: Places
    messages: Mapping[int, str]
    by: ColumnCounts | None
    show: str
    """The command that lists all rows that were not accepted."""


def run_report(report: RunReport, mask: Mask) -> bytes:
    """Return the file."""
    summary = report.summary
    files = f"{summary.spec} x {listed(summary.rows)}"
    has_failures = summary.state == "finished" and summary.counts.accepted != summary.total
    kind, state = ("bad", "finished with failures") if has_failures else (_STATES[summary.state], summary.state)
    header = el(
        "div",
        el("h1", f"Run {summary.run}", el(f"span.badge.{kind}", state)),
        el("p", f"{mask.text(files)} · {instant(summary.started_at)}"),
    )
    table = FailureTable(["Row", "State", "Code", "Status", "Attempts", "What"], mask)
    for outcome in report.exceptions():
        _add(table, outcome, report)
    listed_note = f"{table.shown:,} of {table.total:,} are listed here; {report.show} --all lists all."
    note = listed_note if table.shown < table.total else None
    parts = [
        _counters(report),
        share_bar(_parts(report), _shares(report)),
        sections(_cards(report, mask)) or el("p.about", "No row was sent."),
        failures("failures", f"Rows that were not accepted ({table.total:,})", note) if table.total else None,
        card("Environment", facts(_facts(report, mask))),
    ]
    return page(f"Run {summary.run}", [header], parts, {**table.data(), "filter": 2})


def _counters(report: RunReport) -> Markup:
    counts, measures = report.summary.counts, report.measures
    found = [("accepted", f"{counts.accepted:,}", "accepted")]
    found += [("failed" if counts.failed else "none", f"{counts.failed:,}", "failed")]
    found += [("unknown" if counts.unknown else "none", f"{counts.unknown:,}", "unknown")]
    found += [("none", f"{counts.not_sent:,}", "not sent")]
    rates = rates_over_time(measures.parts)
    if measures.has_rates:
        found += [("none", shown_rate(rates.mean), "rows a second")]
    if measures.parts:
        found += [("none", shown_length(rates.took_s), "time of sending")]
    return counters(found)


def _parts(report: RunReport) -> list[tuple[str, float]]:
    counts = report.summary.counts
    return [
        ("accepted", counts.accepted), ("failed", counts.failed), ("unknown", counts.unknown), ("not_sent", counts.not_sent),
    ]  # fmt: skip


def _shares(report: RunReport) -> str:
    return ", ".join(f"{length:,} {kind.replace('_', ' ')}" for kind, length in _parts(report))


def _cards(report: RunReport, mask: Mask) -> list[Markup | None]:
    measures = report.measures
    found: list[Markup | None] = []
    if measures.has_rates:
        found.append(rates_card(rates_over_time(measures.parts)))
    found.append(times_card("Time to the answer", measures.took_ms, "event"))
    found.append(sizes_card(measures.sizes, measures.largest_bytes))
    if report.summary.counts.rows > report.summary.counts.accepted:
        found.append(_by_code(report))
    if report.by is not None:
        found.append(_by_value(report.by, report.summary.total, mask))
    found.append(attempts_card(measures.attempts, report.sessions))
    return found


def _by_code(report: RunReport) -> Markup:
    kinds = Counter((row.state, row.code, row.status_code) for row in report.exceptions())
    rows = [
        Bar(f"{code} {status}" if status else code, [(state, count)], f"{count:,}", state.replace("_", " "))
        for (state, code, status), count in kinds.most_common()
    ]
    return bars_card("Why rows were not accepted", rows, f"{counted(len(rows), 'kind')} of failure.")


def _by_value(by: ColumnCounts, total: int | None, mask: Mask) -> Markup:
    worst = sorted(by.rows, key=lambda value: (-by.not_accepted.get(value, 0), -by.rows[value], value))
    rows = []
    for value in worst:
        whole, wrong = by.rows[value], by.not_accepted.get(value, 0)
        share = f"{wrong / whole:.1%} of {whole:,}"
        rows.append(Bar(mask.data(value), [("failed", wrong), ("rest", whole - wrong)], f"{wrong:,}", share))
    column = shortened(mask.text(by.column))
    title = f"Not accepted by {column}"
    note = f"{counted(len(rows), 'value')} of the column {column}{_ORDER if len(rows) > 1 else ''}."
    is_partial = total is None or sum(by.rows.values()) < total
    note += " Rows that the run has not reached are left out." if is_partial else ""
    return bars_card(title, rows, note)


def _add(table: FailureTable, outcome: RowOutcome, report: RunReport) -> None:
    message = report.messages.get(outcome.row, "")
    at = f"variable {outcome.variable}" if outcome.variable else ""
    meaning = ENTRIES[outcome.code].meaning
    cells = [
        row_place(outcome.row, outcome.line, report.places),
        outcome.state.replace("_", " "),
        outcome.code,
        str(outcome.status_code or ""),
        str(outcome.attempts),
        message or at or meaning,
    ]
    hint = f"More: runner explain {outcome.code}"
    table.add(cells, [Detail(at, message=f"{outcome.code}: {meaning}.".replace("`", ""), hint=hint)])


def _facts(report: RunReport, mask: Mask) -> list[tuple[str, str]]:
    record, saved = report.record, SavedOptions.of(report.record)
    bulk = saved.bulk
    found = [
        ("Run", record.id),
        ("Spec", mask.text(record.spec)),
        ("Rows", mask.text(listed(record.rows))),
        ("Started", instant(record.started)),
        ("Sessions", f"{report.sessions:,}"),
        ("Profile", saved.profile or "none"),
        ("Sent to", "a sandbox" if saved.is_sandboxed else "the platform"),
        ("Concurrent requests", f"{bulk.concurrency:,}"),
        ("Rate limit", f"{bulk.rate:g} a second" if bulk.rate else "none"),
        ("Time limit", f"{saved.timeout_s:g} s"),
        ("Retries at most", f"{saved.retries:,}"),
    ]
    found += [("Rows of run", record.parent)] if record.parent else []
    return [*found, *((f"{name} (report)", text) for name, text in versions(LIBRARIES))]
