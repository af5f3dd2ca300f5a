"""Time zones of schedules, and local times as instants."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from runner.workflows.outcomes import RefusedError

if TYPE_CHECKING:
    from runner.workflows.definition import Zone
    from runner.workflows.run import Run

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def zone_of(run: Run, zone: Zone) -> ZoneInfo:
    """Return the zone of a schedule. That of a recipient without one is the account's."""
    name: object = zone.name
    if zone.is_of_recipient:
        name = run.people()[0].get("$timezone") or run.simulation.world.timezone
    found = find_zone(name) if isinstance(name, str) else None
    if found is None:
        raise RefusedError(f"unknown time zone '{name}'")
    return found


@cache
def find_zone(name: str) -> ZoneInfo | None:
    """Return a zone by its IANA name; None if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def local(at_ms: int, zone: ZoneInfo) -> datetime:
    """Return an instant as the local time of a zone."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone)


def instant(day: date, minute: int, zone: ZoneInfo) -> int:
    """Return a local time, in minutes after midnight, as milliseconds since 1970.

    A time that a day does not have, since clocks go forward, is that much later; of one that it has twice, the first is meant.
    """
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - it gets its zone below
    time = (midnight + timedelta(minutes=minute)).replace(tzinfo=zone)
    return round((time - _EPOCH) / timedelta(milliseconds=1))
