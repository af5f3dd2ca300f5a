"""Paths that somebody gave → the spec files among and below them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import MachineError, NotFound, Problem, nearest, shown_argument

if TYPE_CHECKING:
    from collections.abc import Iterable

CONFIG_NAME = "runner.yaml"
_SUFFIXES = (".yaml", ".yml")
_LONG_NAME = 200


def find(paths: Iterable[Path]) -> list[Path]:
    """List the specs at `paths`: a file is taken as it is, a folder gives its `*.yaml` and `*.yml`, sorted, all levels down.

    Names that begin with `_` or `.`, and `runner.yaml`, are no specs. Raises NotFound for a path that does not exist,
    for a file that is no spec by its name, and for a folder without specs.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112 - unlike Path.is_dir, it takes a name of any length
            below = sorted(_below(path))
            if not below:
                hint = f"specs end in {' or '.join(_SUFFIXES)}; names that begin with _ or . don't count"
                raise NotFound(Problem("no-specs", f"no specs in {path}", hint=hint))
            found.update(dict.fromkeys(below))
        else:
            _check_file(path)
            found[path] = None
    return list(found)


def project_of(start: Path) -> Path:
    """Find the folder that a spec's files may not leave: the repository's, else the working directory, else `start`."""
    folder = folder_of(start)
    for candidate in (folder, *folder.parents):
        if (candidate / ".git").exists():
            return candidate
    working = Path.cwd()
    return working if folder.is_relative_to(working) else folder


def folder_of(start: Path) -> Path:
    """Find the folder that a path stands in, or is. Where the path stands counts, not where a link leads."""
    folder = start if start.is_dir() else start.parent
    return folder.resolve()


def _check_file(path: Path) -> None:
    try:
        path.lstat()
    except OSError:
        shown = shown_argument(str(path))
        if shown != str(path):
            hint = f"a variable is given with --var {shown}" if "=" in shown else None
            raise NotFound(Problem("file-not-found", f"no such file or folder: {shown}", hint=hint)) from None
        raise NotFound(Problem("file-not-found", f"no such file or folder: {path}", hint=_nearby(path))) from None
    if path.suffix not in _SUFFIXES or path.name.startswith("."):
        hint = f"specs end in {' or '.join(_SUFFIXES)}, and do not begin with a dot"
        raise NotFound(Problem("not-a-spec", f"{path} is no spec by its name", hint=hint))
    if path.name == CONFIG_NAME:
        raise NotFound(Problem("not-a-spec", f"{path} holds profiles; it is no spec"))
    if path.name.startswith("_"):
        hint = "name a spec that extends it"
        raise NotFound(Problem("not-a-spec", f"{path} is a base for specs, not one itself", hint=hint))


def _below(folder: Path) -> Iterable[Path]:
    for parent, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = sorted(name for name in folders if name[0] not in "_.")
        for name in names:
            path = Path(parent, name)
            is_spec = name.endswith(_SUFFIXES) and name[0] not in "_." and name != CONFIG_NAME
            # A link that leads nowhere, or out of the project, is told of when it is read; a pipe would never end.
            if is_spec and (path.is_symlink() or path.is_file()):
                yield path


def _refuse(error: OSError) -> None:
    raise MachineError(Problem("file-unreadable", f"can't read {error.filename}: {error.strerror}"))


def _nearby(path: Path) -> str | None:
    """Suggest the file that was probably meant."""
    if not path.name or len(path.name) > _LONG_NAME:
        return None
    for suffix in _SUFFIXES:
        if path.with_name(path.name + suffix).exists():
            return f"did you mean {path}{suffix}?"
        if path.suffix and path.with_suffix(suffix).exists():
            return f"did you mean {path.with_suffix(suffix)}?"
    return misspelt(path)


def misspelt(path: Path) -> str | None:
    """Suggest an existing path for one that does not exist, if one of its names is a few letters wrong."""
    if os.path.lexists(path):
        return None
    missing = next((part for part in (*reversed(path.parents), path) if not os.path.lexists(part)), path)
    try:
        near = nearest(missing.name, os.listdir(missing.parent))  # noqa: PTH208 - names, not paths
    except (OSError, ValueError):
        return None
    if near is None:
        return None
    meant = missing.parent / near / path.relative_to(missing)
    return f"did you mean {meant}?" if os.path.lexists(meant) else None
