"""Paths that somebody gave → the spec files among and below them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import MachineError, NotFound, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

CONFIG_NAME = "runner.yaml"
_SUFFIXES = (".yaml", ".yml")


def find(paths: Iterable[Path]) -> list[Path]:
    """List the specs at `paths`: a file is taken as it is, a folder gives its `*.yaml` and `*.yml`, sorted, all levels down.

    Names that begin with `_` or `.`, and `runner.yaml`, are no specs. Raises NotFound for a path that does not exist,
    and for a folder without specs.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            below = sorted(_below(path))
            if not below:
                hint = f"specs end in {' or '.join(_SUFFIXES)}; names that begin with _ or . don't count"
                raise NotFound(Problem("no-specs", f"no specs in {path}", hint=hint))
            found.update(dict.fromkeys(below))
        elif path.exists():
            found[path] = None
        else:
            raise NotFound(Problem("file-not-found", f"no such file or folder: {path}", hint=_nearby(path)))
    return list(found)


def _below(folder: Path) -> Iterable[Path]:
    for parent, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = sorted(name for name in folders if name[0] not in "_.")
        for name in names:
            if name.endswith(_SUFFIXES) and name[0] not in "_." and name != CONFIG_NAME:
                yield Path(parent, name)


def _refuse(error: OSError) -> None:
    raise MachineError(Problem("file-unreadable", f"can't read {error.filename}: {error.strerror}"))


def _nearby(path: Path) -> str | None:
    """Suggest the file that was probably meant."""
    for suffix in _SUFFIXES:
        if path.with_name(path.name + suffix).exists():
            return f"did you mean {path}{suffix}?"
        if path.suffix and path.with_suffix(suffix).exists():
            return f"did you mean {path.with_suffix(suffix)}?"
    return None
