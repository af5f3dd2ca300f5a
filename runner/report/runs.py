"""Past runs in the ledger, and their failed rows → lines, JSON."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import UTC
from itertools import chain, islice
from typing import TYPE_CHECKING, cast

from runner.bulk.failed import typed
from runner.bulk.origin import COLUMN
from runner.report.format import Format
from runner.report.rows import row_as_json, row_place, state_text
from runner.report.run_measures import show_measures
from runner.report.style import printable
from runner.rows.dataset import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from runner.bulk.failed import RowsAgain
    from runner.bulk.ledger import RunSummary
    from runner.bulk.measures import RunMeasures
    from runner.bulk.outcomes import RowOutcome
    from runner.report.output import Output
    from runner.rows.places import Places
    from runner.source import Json
    from runner.variables import Variable

_A_SCREEN = 20


def show_runs(output: Output, runs: Sequence[RunSummary]) -> None:
    """Show runs, the newest first."""
    if output.format in (Format.JSON, Format.JSONL):
        output.items("runs", map(_run_as_json, runs))
        return
    if not runs:
        output.message("no runs yet: runner send SPEC --rows FILE begins one")
    for run in runs:
        output.data(_run_line(run, output))


def show_run(
    output: Output,
    run: RunSummary,
    children: Sequence[str],
    exceptions: Callable[[], Iterable[RowOutcome]],
    places: Places,
    at_most: int | None,
    measures: Callable[[], RunMeasures],
) -> None:
    """Show one run, and the rows that were not accepted: as text `at_most` that many, as JSON all.

    If there are more than a screen shows, the first lines count those that failed alike.
    """
    if output.format in (Format.JSON, Format.JSONL):
        head = _run_as_json(run) | {"children": children}
        output.long_json(head, "failures", (_record_as_json(record, places, run.parent) for record in exceptions()))
        return
    output.data(_run_line(run, output))
    if run.parent:
        output.data(f"  sends failed rows of run {run.parent}")
    if children:
        output.data(f"  failed rows went again in run {', '.join(children)}")
    show_measures(output, measures())
    groups = Counter((row.state, row.code, row.status_code, row.variable) for row in exceptions())
    if groups.total() > _A_SCREEN:
        for group, count in groups.most_common():
            output.data(_group_line(count, *group, output))
    rows = iter(exceptions())
    for record in islice(rows, at_most):
        output.data(_record_line(record, places, run.parent, output))
    if more := sum(1 for _ in rows):
        output.data(output.style.faint(f"  … {more:,} more: --all shows them, -o json too"))


def failed_texts(
    output: Output, rows: RowsAgain, variables: Callable[[Sequence[str]], Mapping[str, Variable]]
) -> Iterator[str]:
    """Yield failed rows, ready to be sent again: unchanged, or as JSON with the types of `variables`."""
    header = rows.header
    if header is None:
        return (output.row_text({COLUMN: mark, **cast("Mapping[str, Json]", values)}) for mark, values in rows)
    if output.format not in (Format.JSON, Format.JSONL):
        return chain([_csv_line([COLUMN, *header])], (_csv_line([mark, *values]) for mark, values in rows))
    of_columns = variables(header)
    return (output.row_text({COLUMN: mark, **typed(values, header, of_columns)}) for mark, values in rows)


def _csv_line(cells: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)  # Python 3.11 quotes a line break only where the line's own end has it
    return line.getvalue().removesuffix("\r\n")


def _group_line(count: int, state: str, code: str, status_code: int, variable: str, output: Output) -> str:
    status = f" {status_code}" if status_code else ""
    where = f" at {printable(variable)}" if variable else ""
    return f"  {count:,} x {state_text(state, output)}  {code}{status}{where}"


def _record_line(record: RowOutcome, places: Places, parent: str | None, output: Output) -> str:
    status = f" {record.status_code}" if record.status_code else ""
    place = row_place(record.row, record.line, places)
    origin = f", row {record.origin:,} of the first run" if parent and record.origin else ""
    return f"  {state_text(record.state, output)}  {place}{origin}  {record.code}{status}"


def _record_as_json(outcome: RowOutcome, places: Places, parent: str | None) -> dict[str, object]:
    return row_as_json(outcome, places) | ({} if parent is None else {"origin": outcome.origin})


def _run_line(run: RunSummary, output: Output) -> str:
    counts = f"{run.counts.accepted:,} accepted, {run.counts.failed:,} failed, {run.counts.unknown:,} unknown"
    rest = "" if run.total is None else f", {run.counts.not_sent:,} not sent of {run.total:,}"
    files = f"{printable(run.spec)} x {printable(listed(run.rows))}"
    begun = _instant(run.started_at)
    return f"{output.style.strong(run.run)}  {begun}  {run.state:<11}  {counts}{rest}  {output.style.faint(files)}"


def _instant(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _run_as_json(run: RunSummary) -> dict[str, object]:
    return {
        "run": run.run,
        "spec": run.spec,
        "rows": [*run.rows],
        "state": run.state,
        "started_at": run.started_at.isoformat(),
        "total": run.total,
        "accepted": run.counts.accepted,
        "failed": run.counts.failed,
        "unknown": run.counts.unknown,
        "not_sent": run.counts.not_sent,
        "parent": run.parent,
    }
