"""`runner send --rows --wait`: a run of rows → the messages that come of a sample of its accepted rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.bulk.sample import Sample
from runner.commands.send_wait import code_of, look_until, looking, problem_of
from runner.errors import ExitCode, Interrupted
from runner.exits import summed
from runner.report import Format
from runner.report.bulk import show_conclusion
from runner.report.watched import of_rows, show_begin, show_wait_again, show_watched, watched_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.bulk.options import BulkOptions
    from runner.bulk.sample import SampledRow
    from runner.bulk.session import RunSession, Watcher
    from runner.commands.session import Session
    from runner.config import Target
    from runner.errors import Problem
    from runner.report.run_commands import RunCommands
    from runner.rows.places import Places
    from runner.suprsend.connection import Connection
    from runner.suprsend.message_wait import WaitedEvent
    from runner.suprsend.waiting import Waiting


def send_and_wait(
    session: Session,
    running: RunSession,
    watcher: Watcher,
    lasts_s: float,
    options: BulkOptions,
    waiting: Waiting,
    commands: RunCommands,
    target: Target,
) -> ExitCode:
    """Send the rows of a run, and wait for the messages of a sample. Rows that were not accepted decide the exit code.

    A run that ends before its last row is not waited for: a resume sends the rest, and waits then.
    """
    output, clock = session.output, session.world.clock
    sample = Sample(options.sample, running.record.seed, lambda: clock().timestamp())
    end = running.run(watcher, lasts_s, sample)
    rows = sample.rows()
    if end.is_cut or not rows:
        show_conclusion(output, end, commands, target, sample=[])
        if rows:
            output.message("the messages were not waited for: the run did not come to its end")
        return end.exit_code
    is_data = output.format in (Format.JSON, Format.JSONL)
    if not is_data:
        show_conclusion(output, end, commands, target)
    show_begin(output, rows, end.counts.accepted, waiting)
    with output.hiding(secret for row in rows for secret in row.secrets):
        with looking(session, target) as connection:
            events, was_interrupted = look_until(session, connection, [row.key for row in rows], waiting)
            problems: list[Problem] = []
            try:
                problems += () if was_interrupted else _problems(session, connection, rows, end.places, events, waiting)
            except KeyboardInterrupt:
                was_interrupted = True
        if is_data:
            show_conclusion(output, end, commands, target, sample=watched_json(output, rows, end.places, events))
        else:
            show_watched(output, rows, end.places, events, waiting)
        output.complaints(problems)
    if was_interrupted:
        output.message("interrupted while waiting for messages: the rows were sent")
        show_wait_again(output, commands)
        raise Interrupted
    codes = [code_of(event) for event in events.values()]
    if ExitCode.NO_MESSAGE in codes:
        show_wait_again(output, commands)
    return end.exit_code or summed(codes)


def _problems(
    session: Session,
    connection: Connection,
    rows: Sequence[SampledRow],
    places: Places,
    events: Mapping[str, WaitedEvent],
    waiting: Waiting,
) -> list[Problem]:
    """Return a problem for each kind of failure, that of its first row: the others have the same reason most of the time."""
    kinds: dict[ExitCode, list[SampledRow]] = {}
    for row in rows:
        if (code := code_of(events[row.key])) is not ExitCode.OK:
            kinds.setdefault(code, []).append(row)
    return [
        of_rows(problem_of(session, connection, events[first.key], first.outcome, waiting), [first, *others], places)
        for first, *others in kinds.values()
    ]
