"""Event files → the events that a workspace has.

Source: the platform's published JSON schema of events. The older layout has one file with all events that have a schema.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runner.source import describe
from runner.workflows.assets import DeclaredEvent, UnreadFile

if TYPE_CHECKING:
    from runner.source import Node
    from runner.workflows.asset_folder import AssetFolder

_MAPPING = ("event", "event_schema_mapping.json")
_MAX_NAME = 1024


def read_events(folder: AssetFolder) -> tuple[dict[str, DeclaredEvent] | None, list[UnreadFile]]:
    """Return the events by the names inside their files, and the files that can't be read."""
    found: dict[str, DeclaredEvent] = {}
    unread: list[UnreadFile] = []
    for path in folder.paths(folder.path / "events"):
        if os.path.lexists(path / "event.json"):
            root = folder.map(path / "event.json")
            event = _event(folder, root) if root is not None else None
            if event is None:
                unread.append(folder.unread(path / "event.json"))
            elif event.name in found:
                _report_twice(folder, event, found[event.name])
            else:
                found[event.name] = event
    mapping = folder.path.joinpath(*_MAPPING)
    if not os.path.lexists(mapping):
        return (found if folder.has("events") else None), unread
    older: dict[str, DeclaredEvent] = {}
    root = folder.map(mapping)
    if root is None:
        unread.append(folder.unread(mapping))
    for event in _mapped(folder, root) if root is not None else ():
        if event.name in older:
            _report_twice(folder, event, older[event.name])
        else:
            older[event.name] = event
    return older | found, unread


def _mapped(folder: AssetFolder, root: Node) -> list[DeclaredEvent]:
    events = root.get("events")
    if events is None or not isinstance(events.value, list):
        folder.report("the file of events must have a list of 'events'", (events or root).position())
        return []
    return [event for node in events.items if (event := _event(folder, node)) is not None]


def _event(folder: AssetFolder, node: Node) -> DeclaredEvent | None:
    if not isinstance(node.value, dict):
        folder.report(f"an event must be a map, not {describe(node.value)}", node.position())
        return None
    name = folder.field(node, "name", "an event")
    if name is None:
        return None
    if len(name) > _MAX_NAME:
        folder.report(f"the name of an event has more than {_MAX_NAME:,} characters", node.entries["name"].position())
        return None
    link = node.get("payload_schema")
    if link is None or link.value is None:
        return DeclaredEvent(name, None, node)
    if not isinstance(link.value, dict):
        folder.report(
            f"'payload_schema' of an event must be a map or null, not {describe(link.value)}", link.position()
        )
        return DeclaredEvent(name, None, node)
    return DeclaredEvent(name, folder.field(link, "schema", "the 'payload_schema' of an event"), node)


def _report_twice(folder: AssetFolder, event: DeclaredEvent, first: DeclaredEvent) -> None:
    place = first.source.position()
    message = f"the event '{event.name}' is declared twice"
    hint = f"the first is {place.path}:{place.line}; the name inside a file counts, not that of its folder"
    folder.report(message, event.source.entries["name"].position(), hint=hint)
