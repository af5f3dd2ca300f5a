"""`users:`, `tenants:` and `workflows:` of a case or of `runner.yaml` → their problems.

`workflows.test_data` makes values of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.source import Node


def test_data_problems(section: Node) -> Iterator[Problem]:
    """Yield the problems of test data that its JSON Schema can't find: time zones that do not exist."""
    users = section.get("users")
    places = [user.get("timezone") for user in (users.entries.values() if users is not None else ())]
    for node in (*places, section.get("workflows", "timezone")):
        if node is not None and isinstance(node.value, str) and not is_zone(node.value):
            hint = "use an IANA name, such as Europe/Berlin"
            yield Problem("bad-value", f"unknown time zone '{node.value[:100]}'", node.position(), hint=hint)


def is_zone(name: str) -> bool:
    """Return whether this is the name of a time zone."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - few specs have test data

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
