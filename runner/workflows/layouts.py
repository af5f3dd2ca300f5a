"""The folder that the platform's command line pulls into → the files of each kind of asset, in its older and newer layout.

Source: the platform's command line: older versions write `workflow/SLUG.json`, newer ones `workflows/SLUG/workflow.json`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import InvalidInput, Problem
from runner.project.config_file import read_config
from runner.project.files import find_config, project_of

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_FOLDER = "suprsend"
MAX_FILES = 5_000
"""Limit for the files of one kind."""
KINDS = (
    "workflow", "workflows", "event", "events", "schema", "schemas", "templates", "category", "preference_categories",
)  # fmt: skip
"""The folders of assets that are read, of both layouts."""


class AssetFile(NamedTuple):
    """A file of an asset. `name` is that of its folder, or of the file in the older layout; the platform takes it as slug."""

    name: str
    path: Path


def find_assets(start: Path, config: Path | None = None) -> Path | None:
    """Return the assets folder that belongs to a path; None without one, and with `assets: false`.

    It is that of `assets:` in the `runner.yaml` of the path, else `suprsend/` beside that file or at the root of the project.

    Raises InvalidInput for a folder that does not exist, has no assets or is outside of the project, and for an invalid `runner.yaml`.
    """
    project = project_of(start)
    path = config or find_config(start, project)
    root = read_config(path).root if path is not None and path.is_file() else None
    setting = root.get("assets") if root is not None else None
    if setting is not None and setting.value is False:
        return None
    if setting is not None and path is not None and isinstance(setting.value, str):
        folder = path.parent / setting.value
        if not folder.is_dir():
            raise InvalidInput(
                Problem("file-not-found", f"no such folder: {setting.value}", setting.position(), at="assets")
            )
        if not folder.resolve().is_relative_to(project_of(path).resolve()):
            message = f"assets must lie in the project, {setting.value} does not"
            raise InvalidInput(Problem("path-outside", message, setting.position(), at="assets"))
        if not is_assets_folder(folder):
            hint = f"it has none of the folders {', '.join(KINDS)}"
            message = f"no assets in {setting.value}"
            raise InvalidInput(Problem("assets-not-found", message, setting.position(), at="assets", hint=hint))
        return folder
    for place in (path.parent if path is not None else None, project):
        if place is not None and is_assets_folder(place / DEFAULT_FOLDER):
            return _shown(place / DEFAULT_FOLDER)
    return None


def is_assets_folder(folder: Path) -> bool:
    """Return whether a folder has one of the folders of assets."""
    return any((folder / kind).is_dir() for kind in KINDS)


def has_workflows(folder: Path) -> bool:
    """Return whether workflow files were pulled into an assets folder. Without them, nothing is known of messages."""
    return any((folder / kind).is_dir() for kind in ("workflow", "workflows"))


def _shown(folder: Path) -> Path:
    """Return a folder relative to the working directory, if that is shorter: its files are named in reports."""
    relative = Path(os.path.relpath(folder))
    return relative if len(relative.parts) < len(folder.parts) else folder


def files_of(folder: Path, older: str, newer: str, name: str) -> Iterator[AssetFile]:
    """Yield the files of one kind in both layouts: `older/SLUG.json`, and `newer/SLUG/NAME`, sorted by slug.

    What has such a name and can't be read is among them: see `unreadable`.
    """
    found: dict[str, Path] = {}
    for path in _listed(folder / older):
        if path.suffix == ".json":
            found.setdefault(path.stem, path)
    for path in _listed(folder / newer):
        if os.path.lexists(path / name):
            found[path.name] = path / name
    for slug in sorted(found):
        yield AssetFile(slug, found[slug])


def unreadable(path: Path, folder: Path) -> Problem | None:
    """Return the problem of what is not a file in a folder: a pipe, or a symbolic link that leaves the folder. It must not be read."""
    if not Path(os.path.realpath(path)).is_relative_to(folder.resolve()):  # unlike `resolve`, it takes loops of links
        return Problem("asset-invalid", f"{path} is a symbolic link that leaves the assets folder: it is not read")
    if not path.is_file():
        return Problem("asset-invalid", f"{path} is not a file: it is not read")
    return None


def _listed(folder: Path) -> list[Path]:
    """Return what is in a folder, sorted; nothing if it is not one. Raises InvalidInput for too many files."""
    if not folder.is_dir():
        return []
    found = sorted(folder.iterdir())
    if len(found) > MAX_FILES:
        raise InvalidInput(Problem("file-too-large", f"{folder} has more than {MAX_FILES:,} files"))
    return found
