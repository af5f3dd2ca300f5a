"""The beginning of a path → the specs that it may become."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from runner.project.files import kind_of


def paths_from(incomplete: str) -> tuple[str, list[str]]:
    """Return the folder as it was typed, and the names in it that may complete the path: specs, and folders with a slash."""
    folder, _, begun = incomplete.rpartition("/")
    typed = incomplete.removesuffix(begun)
    with suppress(OSError):
        entries = sorted(
            path for path in Path(f"{folder}/" if "/" in incomplete else "").iterdir() if path.name.startswith(begun)
        )
        return typed, [f"{path.name}/" if path.is_dir() else path.name for path in entries if kind_of(path) is not None]
    return typed, []
