"""Paths that stay valid in another working directory."""

from __future__ import annotations

import os
from pathlib import Path

from runner.rows.urls import is_url


def absolute_path(path: str) -> str:
    """Return an absolute path; `-`, the standard input, and URLs stay as they are."""
    return path if path == "-" or is_url(path) else str(Path(path).absolute())


def relative_path(path: str) -> str:
    """Return a path relative to the working directory if that is shorter, and never in a form that looks like a flag."""
    if path == "-" or is_url(path) or ".." in Path(path).parts:  # after a link, `..` is not the folder before it
        return path
    relative = os.path.relpath(path)
    relative = f"./{relative}" if relative.startswith("-") else relative
    return min(path, relative, key=len)
