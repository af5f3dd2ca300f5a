"""A bulk run: its check, its progress and its conclusion → a progress bar, lines, JSON."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.bulk.conclusion import Step
from runner.report.advice import advice
from runner.report.format import Format
from runner.report.progress import shown_time
from runner.report.rows import failure_as_json, failure_line, row_place
from runner.report.style import counted, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.bulk.check import RowCheck
    from runner.bulk.conclusion import Conclusion
    from runner.bulk.reason import Reason
    from runner.config import Target
    from runner.errors import Problem
    from runner.report.output import Output
    from runner.report.run_commands import RunCommands
    from runner.rows.dataset import Dataset

_SHOWN_COLUMNS = 10
_ALL = "--results FILE.jsonl writes a line for each row, with its key or what is wrong"
_WHY: dict[Reason, str] = {
    "no-answer": "the platform does not answer",
    "unavailable": "the platform does not answer properly",
    "rate-limited": "the platform asks to slow down",
    "time": "its time is over",
}


def show_conclusion(
    output: Output,
    end: Conclusion,
    commands: RunCommands,
    target: Target,
    sample: Sequence[Mapping[str, object]] | None = None,
) -> None:
    """Show the result of a run, its first failures, and the next commands. JSON has the messages of a `sample` of rows, too."""
    for error in (end.ledger_error, end.read_error):
        if error is not None:
            output.complaints(error.problems)
    if output.format in (Format.JSON, Format.JSONL):
        failures = [failure_as_json(failure, end.places) for failure in end.failures]
        if output.format is Format.JSON:
            output.json(_as_json(end) | {"failures": failures} | ({} if sample is None else {"sample": sample}))
        else:
            output.items("failures", [*failures, *(sample or ())], of=_as_json(end))
    else:
        for failure in end.failures:
            output.data(failure_line(failure, end.places, output))
        more = end.not_accepted - len(end.failures)
        if end.failures and more > 0:
            output.data(output.style.faint(f"… {more:,} more: {commands.show()}"))
        output.data(_sum(end))
    stopped = _stopped(end)
    if stopped and output.format in (Format.JSON, Format.JSONL):
        output.message(f"stopped: {stopped}")
    hints = (advice(target, each.code, each.message, sandbox=target.admit is not None) for each in end.failures)
    for hint in filter(None, dict.fromkeys(hints)):
        output.message(f"  = {hint}")
    for command, effect in _next(end, commands):
        output.message(f"  {command}\n      {effect}")
    if end.total == 0:
        output.message(end.options.without_rows())


def _as_json(end: Conclusion) -> dict[str, object]:
    same = {"same_key": end.repeated_keys} if end.repeated_keys else {}
    return {
        "run": end.record.id,
        "total": end.total,
        "accepted": end.counts.accepted,
        "failed": end.counts.failed,
        "unknown": end.counts.unknown,
        "not_sent": end.not_sent,
        **same,
    }


def _stopped(end: Conclusion) -> str | None:
    """Return why a run stopped by itself, None if it did not."""
    return _WHY.get(end.stop_reason) if end.stop_reason else None


def _next(end: Conclusion, commands: RunCommands) -> Iterator[tuple[str, str]]:
    """Yield the command of each next step, and its effect."""
    piped = ", with the same rows piped in" if end.record.is_piped and not end.record.parent else ""
    better = ", with credentials that are taken" if end.stop_reason == "credentials" else ""
    when = (
        "before the file is corrected, "
        if end.has_unread_rows
        else "once that is corrected, "
        if end.ledger_error
        else ""
    )
    for step in end.next_steps():
        match step:
            case Step.SEND_FAILED:
                mend = "once they are corrected, " if end.only_invalid_failed else ""
                yield commands.send_failed(), f"{mend}sends the failed rows again, as a new run"
            case Step.RESUME:
                what = "what is unknown or was not sent, under the same ids" if end.has_keys else "what was not sent"
                yield commands.resume(), f"{when}sends {what}{piped}{better}"
            case Step.RESUME_UNKNOWN:
                unknown = f"the {end.counts.unknown:,} unknown too: they have no key, so they may count twice"
                yield f"{commands.resume()} --yes", f"{when}sends {unknown}{piped}"
            case Step.SEND_REST:
                effect = "once the file is corrected, sends the rest, as a new run"
                yield commands.send_rest(*end.unread_rows), effect


def show_check(output: Output, checked: RowCheck) -> None:
    """Show the result of a dry run over rows."""
    if output.format in (Format.JSON, Format.JSONL):
        _show_check_as_json(output, checked)
        return
    for failure in checked.failures:
        output.data(failure_line(failure, checked.places, output))
    if checked.invalid > len(checked.failures):
        output.data(output.style.faint(f"… {checked.invalid - len(checked.failures):,} more: {_ALL}"))
    _show_duplicates(output, checked)
    size = f"{checked.event_bytes:,} bytes in {counted(checked.requests, 'request')}"
    largest = (
        f", the largest event {checked.largest_bytes:,} ({_named(checked.largest_row, checked)})"
        if checked.largest_row
        else ""
    )
    output.data(
        f"{counted(checked.rows, 'row')}: {checked.rows - checked.invalid:,} valid, {checked.invalid:,} invalid, "
        f"{_repeating(checked.twice)}; {size}{largest}"
    )
    output.message("dry run: nothing sent")


def show_repeated(output: Output, checked: RowCheck) -> None:
    """Show rows that share a key, for which nothing was sent; nothing if there are none."""
    if not checked.twice:
        return
    if output.format in (Format.JSON, Format.JSONL):
        _show_check_as_json(output, checked)
    else:
        _show_duplicates(output, checked)
    output.message(f"{_repeating(checked.twice)}: nothing sent")


def _show_duplicates(output: Output, checked: RowCheck) -> None:
    for row, first in checked.duplicates:
        output.data(
            f"{output.style.warning('same key')}  {_named(row, checked)} has the key of {_named(first, checked)}: the platform would count one"
        )
    if checked.twice > len(checked.duplicates):
        output.data(output.style.faint(f"… {checked.twice - len(checked.duplicates):,} more: {_ALL}"))


def _named(row: int, checked: RowCheck) -> str:
    return row_place(row, 0, checked.places)


def _show_check_as_json(output: Output, checked: RowCheck) -> None:
    head = {
        "rows": checked.rows,
        "invalid": checked.invalid,
        "requests": checked.requests,
        "event_bytes": checked.event_bytes,
        "largest_bytes": checked.largest_bytes,
        "largest_row": checked.largest_row,
        "twice": checked.twice,
    }
    failures = [failure_as_json(failure, checked.places) for failure in checked.failures]
    duplicates = [{"row": row, "first": first} for row, first in checked.duplicates]
    if output.format is Format.JSON:
        output.json(head | {"failures": failures, "duplicates": duplicates})
    else:
        output.items("failures", [*failures, *duplicates], of=head)


def with_columns(problem: Problem, columns: Sequence[str] | None, rows: Dataset) -> Problem:
    """Add to a missing variable's problem that a column may give its value, and the columns of the rows."""
    if problem.code != "var-missing" or columns is None:
        return problem
    name = (problem.at or "").removeprefix("vars.")
    shown = ", ".join(f"'{printable(column)}'" for column in columns[:_SHOWN_COLUMNS])
    more = ", …" if len(columns) > _SHOWN_COLUMNS else ""
    hint = f"{rows.name} has no column '{name}', only {shown}{more}: rename one with --map {name}=COLUMN,\nor {problem.hint}"
    return replace(problem, hint=hint)


def _sum(end: Conclusion) -> str:
    rate = end.session_rows / max(end.took_s, 1e-9)
    rest = "the rest not sent" if end.not_sent is None else f"{end.not_sent:,} not sent"
    total = "" if end.total is None else f"{counted(end.total, 'row')}: "
    same = f" ({_repeating(end.repeated_keys)}: not counted again)" if end.repeated_keys else ""
    counts = (
        f"{end.counts.accepted:,} accepted{same}, {end.counts.failed:,} failed, {end.counts.unknown:,} unknown, {rest}"
    )
    why = _stopped(end)
    stopped = f" · stopped: {why}" if why else ""
    return f"{total}{counts} · {shown_time(end.took_s)}, {rate:,.0f}/s · run {end.record.id}{stopped}"


def _repeating(rows: int) -> str:
    return f"{rows:,} repeat{'s' if rows == 1 else ''} the key of another row"
