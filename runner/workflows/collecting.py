"""Batch and digest nodes: the first event opens a window, later ones join it, and the run goes on once at its end.

Source: the platform's documentation, "Batch" and "Digest".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.durations import shown_ms
from runner.workflows import schedules
from runner.workflows.agenda import Pause
from runner.workflows.batches import BatchKey, OpenBatch
from runner.workflows.definition import Expression
from runner.workflows.dynamic_schedule import schedule_from
from runner.workflows.evaluation import spelled, value_of
from runner.workflows.outcomes import RefusedError, StoppedError
from runner.workflows.waits import MAX_MS, end_of
from runner.workflows.zones import zone_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from runner.workflows.definition import Batch, Digest, Schedule
    from runner.workflows.run import Run
    from runner.workflows.timeline import Event

    Collecting = Generator[Pause, Event | None, bool]


def batch(node: Batch, run: Run) -> Collecting:
    """Collect events by the key of a batch. Return False if the run ends here."""
    key = _key_text(node, run)
    batch_key = BatchKey(run.workflow.slug, node.common.id, run.recipient, key or "")
    found = run.simulation.batches.find(batch_key, run.now_ms)
    if found is not None and found.run is not None:
        return _join(node, run, found)
    if found is None:
        found = OpenBatch(end_of(node.window, run), node.retained)
        run.simulation.batches.open(batch_key, found)
        if node.flushes_first:
            leading = OpenBatch(found.closes_ms, node.retained)
            leading.add(run.events, run.event_count)
            run.note(
                "passed", "the first event goes on at once, and opens a batch", node.common, until_ms=found.closes_ms
            )
            _leave(run, leading, key)
            return True
    yield from _collect(node, run, found, None)
    _leave(run, found, key)
    return True


def digest(node: Digest, run: Run) -> Collecting:
    """Collect events up to the next time of a schedule. Return False if the run ends here."""
    digest_key = BatchKey(run.workflow.slug, node.common.id, run.recipient, "")
    found = run.simulation.batches.find(digest_key, run.now_ms)
    if found is not None:
        return _join(node, run, found)
    schedule = _schedule(node, run)
    found = OpenBatch(_closing(schedule, run), node.retained)
    run.simulation.batches.open(digest_key, found)
    yield from _collect(node, run, found, schedules.unknowns(schedule))
    if found.count < node.least:
        run.note("ended", f"the digest has {found.count} events, fewer than {node.least}", node.common)
        return False
    _leave(run, found, None)
    return True


def _join(node: Batch | Digest, run: Run, found: OpenBatch) -> bool:
    found.add(run.events, run.event_count)
    what = "batch" if node.common.node_type == "batch" else "digest"
    text = f"joined the {what} that run {found.run} opened: it has {found.count} events"
    run.note("joined", text, node.common, until_ms=found.closes_ms)
    return False


def _collect(
    node: Batch | Digest, run: Run, found: OpenBatch, inexact: str | None
) -> Generator[Pause, Event | None, None]:
    found.run = run.index
    found.add(run.events, run.event_count)
    what = "batch" if node.common.node_type == "batch" else "digest"
    text = f"opened a {what}, which ends after {shown_ms(found.closes_ms - run.now_ms)}"
    run.note("waited", text, node.common, until_ms=found.closes_ms, inexact=inexact)
    yield Pause(found.closes_ms)
    run.note("passed", f"the {what} ended with {found.count} events", node.common)


def _leave(run: Run, found: OpenBatch, key: str | None) -> None:
    run.payload = found.payload(key)
    run.is_batched = True
    run.events, run.event_count = found.events(), found.count


def _key_text(node: Batch, run: Run) -> str | None:
    if node.key is None:
        return None
    value = value_of(run, node.key)
    if isinstance(value, dict | list):
        raise RefusedError(f"the batch key {spelled(node.key)} is an object or a list", node.key.source)
    return None if value is None else str(value)


def _schedule(node: Digest, run: Run) -> Schedule:
    if node.schedule is None:
        return _category_schedule(run)
    if not isinstance(node.schedule, Expression):
        return node.schedule
    try:
        return schedule_from(value_of(run, node.schedule))
    except ValueError as error:
        raise StoppedError(f"{spelled(node.schedule)}: {error}", node.schedule.source) from None


def _category_schedule(run: Run) -> Schedule:
    slug = run.workflow.category
    category = (run.simulation.assets.categories or {}).get(slug)
    if category is None or category.digest_schedule is None:
        raise RefusedError(f"the digest schedule of the category '{slug}': the pulled categories do not have it")
    try:
        return schedule_from(category.digest_schedule)
    except ValueError as error:
        raise StoppedError(f"the digest schedule of the category '{slug}': {error}") from None


def _closing(schedule: Schedule, run: Run) -> int:
    try:
        found = schedules.next_time(schedule, run.now_ms, zone_of(run, schedule.zone))
    except ValueError as error:
        raise StoppedError(f"`dtstart`: {error}") from None
    if found is None or found > MAX_MS:
        raise StoppedError("the schedule has no next time")
    return found
