"""Paths that outlive the directory in which they were typed."""

from __future__ import annotations

import os
from pathlib import Path


def kept(path: str) -> str:
    """Write a path so that it leads to its file from everywhere; `-`, the standard input, stays as it is."""
    return path if path == "-" else str(Path(path).absolute())


def from_here(path: str) -> str:
    """Write a kept path relative to the working directory if that is shorter, and never so that it looks like a flag."""
    if path == "-" or ".." in Path(path).parts:  # behind a link, `..` is not the folder before it
        return path
    relative = os.path.relpath(path)
    relative = f"./{relative}" if relative.startswith("-") else relative
    return min(path, relative, key=len)
