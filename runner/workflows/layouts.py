"""A path → the folder that the platform's command line pulled into, of its older or newer layout.

Source: the platform's command line: older versions write `workflow/SLUG.json`, newer ones `workflows/SLUG/workflow.json`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import InvalidInput, Problem, shown_argument
from runner.project.config_file import read_config
from runner.project.files import find_config, link_out, project_of

if TYPE_CHECKING:
    from runner.source import Node

DEFAULT_FOLDER = "suprsend"
KINDS = (
    "workflow", "workflows", "event", "events", "schema", "schemas", "templates", "category", "preference_categories",
)  # fmt: skip
"""The folders of assets that are read, of both layouts."""


def find_assets(start: Path, config: Path | None = None) -> Path | None:
    """Return the assets folder that belongs to a path; None without one, and with `assets: false`.

    It is that of `assets:` in the `runner.yaml` of the path, else `suprsend/` beside that file or at the root of the project.

    Raises InvalidInput for a folder that does not exist, has no assets or is outside of the project, and for an invalid `runner.yaml`.
    """
    project = project_of(start)
    path = config or find_config(start, project)
    root = _config(path) if path is not None else None
    setting = root.get("assets") if root is not None else None
    if setting is not None and path is not None:
        return _named(setting, path) if setting.value is not False else None
    for place in (path.parent if path is not None else None, project):
        if place is not None and is_assets_folder(folder := place / DEFAULT_FOLDER):
            if problem := link_out(folder, project_of(place), os.path.relpath(folder), "assets must lie"):
                raise InvalidInput(problem)
            return _shown(folder)
    return None


def _config(path: Path) -> Node | None:
    if not path.is_file():
        return None
    document = read_config(path)
    if any(problem.severity == "error" for problem in document.problems):
        from runner.config import refuse  # noqa: PLC0415 - files of settings are rarely broken

        refuse(document.problems, document.text.path)
    return document.root


def _named(setting: Node, config: Path) -> Path:
    """Return the folder that a `runner.yaml` names."""
    if not isinstance(setting.value, str) or not setting.value:
        message, hint = "assets must be the path of a folder, or false", "such as assets: ../suprsend"
        raise InvalidInput(Problem("wrong-type", message, setting.position(), at="assets", hint=hint))
    folder, shown = config.parent / setting.value, shown_argument(setting.value)
    if not os.path.isdir(folder):  # noqa: PTH112 - unlike Path.is_dir, it takes a name of any length
        raise InvalidInput(Problem("file-not-found", f"no such folder: {shown}", setting.position(), at="assets"))
    if not Path(os.path.realpath(folder)).is_relative_to(project_of(config)):
        message = f"assets must lie in the project, {shown} does not"
        raise InvalidInput(Problem("path-outside", message, setting.position(), at="assets"))
    if not is_assets_folder(folder):
        hint = f"it has none of the folders {', '.join(KINDS)}"
        raise InvalidInput(
            Problem("assets-not-found", f"no assets in {shown}", setting.position(), at="assets", hint=hint)
        )
    shorter = _shown(folder)
    return shorter if os.path.realpath(shorter) == os.path.realpath(folder) else folder


def is_assets_folder(folder: Path) -> bool:
    """Return whether a folder has one of the folders of assets."""
    return any(os.path.isdir(folder / kind) for kind in KINDS)  # noqa: PTH112 - it never raises


def has_workflows(folder: Path) -> bool:
    """Return whether workflow files were pulled into an assets folder. Without them, nothing is known of messages."""
    return any(os.path.isdir(folder / kind) for kind in ("workflow", "workflows"))  # noqa: PTH112 - it never raises


def _shown(folder: Path) -> Path:
    """Return a folder relative to the working directory, if that is shorter: its files are named in reports."""
    relative = Path(os.path.relpath(folder))
    return relative if len(relative.parts) < len(folder.parts) else folder
