"""`runner.yaml`, or a file that is named instead → its document, read once for all that is taken from it."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

from runner.errors import shown_argument
from runner.source import read

if TYPE_CHECKING:
    from runner.source import Document


def read_config(path: Path, *, may_be_pipe: bool = False) -> Document:
    """Read a file of settings. Raises NotFound and MachineError for one that can't be opened.

    A file that has not changed is not read again: all the specs below it ask for it. The document must not be changed.
    """
    try:
        stat = path.stat()
    except OSError:
        return read(path, shown_path(path))
    if not S_ISREG(stat.st_mode):
        return read(path, shown_path(path), may_be_pipe=may_be_pipe)
    return _read_once(path, Path.cwd(), (stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size))


@lru_cache(maxsize=4)
def _read_once(path: Path, working: Path, stamp: object) -> Document:  # noqa: ARG001 - what names and changes the file
    return read(path, shown_path(path))


def shown_path(path: Path) -> str:
    """Name a file the short way, relative to the working directory where it lies below it."""
    resolved = Path(os.path.realpath(path))
    name = str(resolved.relative_to(Path.cwd())) if resolved.is_relative_to(Path.cwd()) else str(path)
    return name if resolved.is_file() else shown_argument(name)
