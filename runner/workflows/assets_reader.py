"""The assets folder of a project → `Assets`, with the problems of its files. A file that can't be read does not hide the others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runner.errors import Problem, RunnerError
from runner.source import describe, read
from runner.suprsend.messages import CHANNELS
from runner.workflows.assets import Assets, Category, DeclaredEvent, PulledSchema, Template
from runner.workflows.definition_reader import read_workflow
from runner.workflows.layouts import files_of, find_assets, unreadable
from runner.workflows.template_files import TemplateReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.source import Node
    from runner.suprsend.messages import Channel
    from runner.workflows.definition import Workflow

__all__ = ["find_assets", "read_assets"]

_MAPPING = "event_schema_mapping.json"


def read_assets(folder: Path) -> tuple[Assets, tuple[Problem, ...]]:
    """Return the assets in a folder. Raises InvalidInput if it has too many files."""
    return _Reader(folder).assets()


class _Reader:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._problems: list[Problem] = []

    def assets(self) -> tuple[Assets, tuple[Problem, ...]]:
        assets = Assets(
            self._folder,
            self._events(),
            self._schemas(),
            self._workflows(),
            self._templates(),
            self._categories(),
            self._has("events"),
        )
        return assets, tuple(self._problems)

    def _has(self, *names: str) -> bool:
        return any((self._folder / name).is_dir() for name in names)

    def _root(self, path: Path) -> Node | None:
        """Return the map in a JSON file; None, with a problem, if it can't be read."""
        if not self._is_readable(path):
            return None
        try:
            document = read(path)
        except RunnerError as error:
            self._problems += error.problems
            return None
        self._problems += document.problems
        root = document.root
        if root is not None and not isinstance(root.value, dict):
            message = f"an asset must be a map, not {describe(root.value)}"
            self._problems.append(Problem("asset-invalid", message, root.position()))
            return None
        return root

    def _is_readable(self, path: Path) -> bool:
        problem = unreadable(path, self._folder)
        self._problems += [problem] if problem is not None else []
        return problem is None

    def _text(self, node: Node, key: str, what: str) -> str | None:
        found = node.get(key)
        if found is None or not isinstance(found.value, str) or not found.value:
            message = f"{what} has no '{key}'"
            self._problems.append(Problem("asset-invalid", message, (found or node).position()))
            return None
        return found.value

    def _workflows(self) -> dict[str, Workflow] | None:
        if not self._has("workflow", "workflows"):
            return None
        found: dict[str, Workflow] = {}
        for slug, path in files_of(self._folder, "workflow", "workflows", "workflow.json"):
            if not self._is_readable(path):
                continue
            try:
                workflow, problems = read_workflow(path, slug)
            except RunnerError as error:
                self._problems += error.problems
                continue
            self._problems += problems
            if workflow is not None:
                found[slug] = workflow
        return found

    def _events(self) -> dict[str, DeclaredEvent] | None:
        """Return the events. The older layout lists only those with a schema: of others nothing is known."""
        found: dict[str, DeclaredEvent] = {}
        is_complete = self._has("events")
        for _, path in files_of(self._folder, "events", "events", "event.json"):
            root = self._root(path)
            if root is not None:
                found |= {event.name: event for event in self._event(root)}
        mapping = self._folder / "event" / _MAPPING
        if os.path.lexists(mapping) and (root := self._root(mapping)) is not None:
            events = root.get("events")
            for node in events.items if events is not None else ():
                found = {event.name: event for event in self._event(node)} | found
        return found if is_complete or mapping.is_file() else None

    def _event(self, node: Node) -> Iterator[DeclaredEvent]:
        name = self._text(node, "name", "an event")
        schema = node.get("payload_schema", "schema")
        if name is not None:
            yield DeclaredEvent(name, str(schema.value) if schema is not None and schema.value else None, node)

    def _schemas(self) -> dict[str, PulledSchema]:
        found: dict[str, PulledSchema] = {}
        for slug, path in files_of(self._folder, "schema", "schemas", "schema.json"):
            beside = path.with_name("payload_schema.json")
            is_newer = path.parent.parent.name == "schemas"
            place = beside if is_newer and os.path.lexists(beside) else path
            root = self._root(place)
            node = root if place is beside else root.get("json_schema") if root is not None else None
            if node is not None:
                found[slug] = PulledSchema(slug, node.plain(), place, node)
        return found

    def _templates(self) -> dict[str, Template] | None:
        if not self._has("templates"):
            return None
        reader = TemplateReader(self._folder)
        found = {}
        for name in ("main.json", "template.json"):
            for slug, path in files_of(self._folder, "templates", "templates", name):
                if self._is_readable(path):
                    found[slug] = reader.read(slug, path.parent)
        self._problems += reader.problems
        return found

    def _categories(self) -> dict[str, Category] | None:
        for place in ("preference_categories/categories.json", "category/categories_preferences.json"):
            path = self._folder / place
            if os.path.lexists(path) and (root := self._root(path)) is not None:
                return {category.slug: category for category in self._categories_of(root)}
        return None

    def _categories_of(self, root: Node) -> Iterator[Category]:
        roots = root.get("root_categories")
        for group in roots.items if roots is not None else ():
            sections = group.get("sections")
            for section in sections.items if sections is not None else ():
                categories = section.get("categories")
                for node in categories.items if categories is not None else ():
                    slug = node.get("category") or node.get("slug")
                    default = node.get("default_preference")
                    if slug is None or not isinstance(slug.value, str):
                        self._text(node, "category", "a category")
                        continue
                    schedule = node.get("digest_schedule")
                    yield Category(
                        slug.value,
                        str(default.value) if default is not None else "opt_in",
                        _channels(node.get("default_mandatory_channels")) or (),
                        _channels(node.get("default_opt_in_channels")),
                        schedule.plain() if schedule is not None else None,
                    )


def _channels(node: Node | None) -> tuple[Channel, ...] | None:
    """Return a list of channels; None for null, which means all."""
    if node is None or node.value is None:
        return None
    names = [item.value for item in node.items]
    return tuple(channel for channel in CHANNELS if channel in names)
