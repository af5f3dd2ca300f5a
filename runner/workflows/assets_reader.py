"""The assets folder of a project → `Assets`, with the problems of its files. A file that can't be read does not hide the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import RunnerError, first_of
from runner.workflows.asset_folder import AssetFolder
from runner.workflows.assets import Assets, UnreadFile
from runner.workflows.category_files import read_categories
from runner.workflows.definition_reader import read_workflow
from runner.workflows.event_files import read_events
from runner.workflows.layouts import find_assets
from runner.workflows.schema_files import read_schemas
from runner.workflows.template_files import read_templates

if TYPE_CHECKING:
    from pathlib import Path

    from runner.errors import Problem
    from runner.workflows.definition import Workflow

__all__ = ["find_assets", "read_assets"]


def read_assets(path: Path) -> tuple[Assets, tuple[Problem, ...]]:
    """Return the assets in a folder, and the first hundred problems of its files."""
    folder = AssetFolder(path)
    events, unread_events = read_events(folder)
    schemas = read_schemas(folder)
    workflows, unread_workflows = _read_workflows(folder)
    templates = read_templates(folder)
    categories = read_categories(folder)
    unread = (
        *unread_events,
        *unread_workflows,
        *((UnreadFile(str(path), None, is_workflow=True),) if folder.is_cut else ()),
    )
    assets = Assets(path, events, schemas, workflows, templates, categories, folder.has("events"), unread)
    return assets, first_of(folder.problems)


def _read_workflows(folder: AssetFolder) -> tuple[dict[str, Workflow] | None, list[UnreadFile]]:
    """Return the workflows by the slugs of their places, and the files that can't be read."""
    found: dict[str, Workflow] = {}
    unread: list[UnreadFile] = []
    for slug, path in folder.files("workflow", "workflows", "workflow.json"):
        workflow = None
        if folder.may_read(path):
            try:
                workflow, problems = read_workflow(path, slug)
            except RunnerError as error:
                problems = error.problems
            folder.problems += problems
        if workflow is not None:
            found[slug] = workflow
        else:
            unread.append(folder.unread(path, is_workflow=True))
    return (found if folder.has("workflow", "workflows") else None), unread
