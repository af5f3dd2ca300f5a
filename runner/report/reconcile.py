"""What became of the rows of a run → a table of counts, the first rows of each kind, JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from runner.bulk.reconcile.judgement import FATES, KINDS, LOST
from runner.durations import shown_duration
from runner.errors import Problem
from runner.report.format import Format
from runner.report.rows import place_json, row_place
from runner.report.style import counted, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.bulk.reconcile.join import Join, Reason, RowFinding
    from runner.bulk.reconcile.judgement import Fate, Kind
    from runner.codes import Code
    from runner.report.output import Output
    from runner.report.run_commands import RunCommands
    from runner.rows.places import Places
    from runner.suprsend.answer import State
    from runner.suprsend.messages_api import ListFailure

_SHOWN = 5
"""Rows of each kind that are shown as text."""
_REASONS = 20
_MAX_REASON = 120
_MAX_KEY = 80
_STATES: Final[Mapping[State, str]] = {
    "accepted": "accepted", "unknown": "unknown", "not_sent": "not sent", "failed": "failed",
}  # fmt: skip
_FATES: Final[Mapping[Fate, str]] = {
    "delivered": "delivered",
    "under_way": "on their way to the vendor or the recipient",
    "late": "not there yet",
    "not_executed": "not executed",
    "no_message": "without a message",
    "undelivered": "with a message that failed",
    "incomplete": "with fewer messages than expected",
    "repeated": "with the key of another row",
    "not_found": "not found",
    "as_recorded": "as recorded",
    "unexpected": "arrived all the same",
    "sent_again": "sent again in another run",
    "not_asked": "not asked for",
}
_KINDS: Final[Mapping[Kind, str]] = {
    "not_executed": "not executed",
    "no_message": "no message",
    "undelivered": "undelivered",
    "incomplete": "incomplete",
    "duplicate": "duplicate",
    "unexpected": "unexpected",
    "late": "not yet",
    "arrived": "arrived",
}


class Reconciled(NamedTuple):
    """A run that was compared with an export as of a time. `tables` are those of the export; there are none for a live one.

    `failure` is why not all messages could be asked for.
    """

    commands: RunCommands
    as_of: datetime
    within_s: float
    tables: Sequence[str]
    join: Join
    places: Places
    failure: ListFailure | None


def show_reconciled(output: Output, found: Reconciled) -> None:
    """Show what became of the rows: counts, reasons, and as text the first rows of each kind, as JSON all."""
    if output.format in (Format.JSON, Format.JSONL):
        items = (_as_json(each, found.places) for each in found.join.findings())
        output.long_json(_head(found), "findings", items)
    else:
        for line in _lines(output, found):
            output.data(line)
    if found.failure is not None:
        message = f"not all messages could be asked for: {found.failure.message}"
        code: Code = "credentials-refused" if found.failure.refuses_credentials else "no-answer"
        output.complaints([Problem(code, message)])
    if any(fate == "late" for _, fate in found.join.fates):
        output.message(_late(found))
    if found.join.fates["unknown", "not_found"]:
        output.message(
            f"  {found.commands.resume()}\n      sends the unknown rows that are not found, under the same keys"
        )


def _late(found: Reconciled) -> str:
    latest = datetime.fromtimestamp(found.join.latest_us / 1_000_000, UTC)
    what = "its latest message" if latest > found.commands.record.started else "the run began"
    source = "the export ends" if found.tables else "this look was"
    after = shown_duration(round((found.as_of - latest).total_seconds()))
    return (
        f"  {source} {after} after {what}: what is missing counts as late for {shown_duration(found.within_s)}"
        " (--within); reconcile again later"
    )


def _lines(output: Output, found: Reconciled) -> Iterator[str]:
    join = found.join
    yield (
        output.style.strong(f"run {found.commands.record.id}")
        + f"  as of {found.as_of.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    )
    for state, name in _STATES.items():
        fates = [(fate, join.fates[state, fate]) for fate in FATES if join.fates[state, fate]]
        if fates:
            yield f"{sum(count for _, count in fates):,} {name}"
            yield from (f"  {count:>9,}  {_FATES[fate]}" for fate, count in fates)
    kinds = join.kinds()
    for kind in ("duplicate", "arrived"):
        if kinds[kind]:
            what = "executed or notified more than once" if kind == "duplicate" else "unknown, and arrived"
            yield f"{counted(kinds[kind], 'row')} {what}"
    if join.others:
        yield output.style.faint(f"{counted(join.others, 'item')} of other events")
    if reasons := join.reasons(_REASONS):
        yield "reasons"
        yield from (_reason_line(output, reason) for reason in reasons)
    for kind in KINDS:
        yield from (_finding_line(output, each, found.places) for each in join.findings(kind, _SHOWN))
        if kinds[kind] > _SHOWN:
            yield output.style.faint(f"… {kinds[kind] - _SHOWN:,} more {_KINDS[kind]}: -o jsonl shows all")


def _reason_line(output: Output, reason: Reason) -> str:
    what = _text(output, *reason[1:4])
    return f"  {reason.times:>9,}  {_KINDS[reason.kind]}{f'  {what}' if what else ''}"


def _finding_line(output: Output, each: RowFinding, places: Places) -> str:
    kind, remark = each.remark.kind, each.remark
    paint = output.style.error if kind in LOST else output.style.warning if kind == "late" else output.style.good
    key = printable(output.cut(each.key or "", _MAX_KEY))
    what = _text(output, remark.channel, remark.status, remark.reason)
    place = row_place(each.row, each.line, places)
    return f"{paint(_KINDS[kind])}  {place}  {key}{f'  {what}' if what else ''}"


def _text(output: Output, *parts: str) -> str:
    return "  ".join(printable(output.cut(part, _MAX_REASON)) for part in parts if part)


def _head(found: Reconciled) -> dict[str, object]:
    join = found.join
    kinds = join.kinds()
    return {
        "run": found.commands.record.id,
        "started_at": found.commands.record.started.isoformat(),
        "as_of": found.as_of.isoformat(),
        "within_s": found.within_s,
        "tables": [*found.tables],
        "rows": {
            state: {fate: join.fates[state, fate] for fate in FATES if join.fates[state, fate]} for state in _STATES
        },
        "kinds": {kind: kinds[kind] for kind in KINDS if kinds[kind]},
        "reasons": [
            {"kind": each.kind, "channel": each.channel or None, "status": each.status or None, "reason": each.reason or None, "count": each.times}
            for each in join.reasons(_REASONS)
        ],
        "other_items": join.others,
        "error": found.failure.message if found.failure is not None else None,
    }  # fmt: skip


def _as_json(each: RowFinding, places: Places) -> dict[str, object]:
    remark = each.remark
    return {
        "kind": remark.kind,
        **place_json(each.row, each.line, places),
        "state": each.state,
        "key": each.key,
        "channel": remark.channel or None,
        "status": remark.status or None,
        "reason": remark.reason or None,
    }
