"""The messages of a sample of rows → a table and counts, JSON, and what is wrong with them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from runner.durations import shown_duration
from runner.report.messages import message_lines, messages_json
from runner.report.rows import place_json, row_place
from runner.report.style import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.bulk.sample import SampledRow
    from runner.errors import Problem
    from runner.report.output import Output
    from runner.report.run_commands import RunCommands
    from runner.rows.places import Places
    from runner.suprsend.message_wait import WaitedEvent
    from runner.suprsend.waiting import Waiting


def show_begin(output: Output, rows: Sequence[SampledRow], accepted: int, waiting: Waiting) -> None:
    """Show which rows are waited for."""
    of = f"{len(rows):,} of {counted(accepted, 'accepted row')}" if len(rows) < accepted else counted(accepted, "row")
    output.message(f"waiting for the messages of {of}, at most {shown_duration(waiting.within_s)}")


def show_watched(
    output: Output, rows: Sequence[SampledRow], at: Places, events: Mapping[str, WaitedEvent], waiting: Waiting
) -> None:
    """Show a table of the messages of each row, with the seconds since it was accepted, and the counts."""
    places = [row_place(row.row, row.line, at) for row in rows]
    lines = iter(
        message_lines(
            output,
            [
                ((place,), message, row.accepted_s)
                for place, row in zip(places, rows, strict=True)
                for message in events[row.key].messages
            ],
        )
    )
    size = max(map(len, places))
    for place, row in zip(places, rows, strict=True):
        event = events[row.key]
        for _ in event.messages:
            output.data(next(lines))
        if not event.messages:
            output.data(f"  {place:<{size}}  {'no message' if event.failure is None else 'not read'}")
    states = [events[row.key].state for row in rows]
    reached, failed, pending = (states.count(state) for state in ("reached", "failed", "pending"))
    output.data(
        f"messages of {counted(len(rows), 'row')}: {reached:,} {waiting.until}, {failed:,} failed, {pending:,} not yet"
    )


def watched_json(
    output: Output, rows: Sequence[SampledRow], at: Places, events: Mapping[str, WaitedEvent]
) -> list[dict[str, Any]]:
    """Return the rows of the sample with their messages as data."""
    return [
        {
            **place_json(row.row, row.line, at),
            "distinct_id": output.masked_data(row.outcome.distinct_id or ""),
            "idempotency_key": output.masked_data(row.key),
        }
        | messages_json(events[row.key])
        for row in rows
    ]


def of_rows(problem: Problem, rows: Sequence[SampledRow], at: Places) -> Problem:
    """Return the problem of the first of some rows as that of all of them."""
    place = f"in {row_place(rows[0].row, rows[0].line, at)}"
    more = len(rows) - 1
    return replace(problem, context=f"{place} and {counted(more, 'more row')}" if more else place)


def show_wait_again(output: Output, commands: RunCommands) -> None:
    """Show the command that waits again."""
    output.message(f"  {commands.resume()}\n      waits again for the messages of these rows")
