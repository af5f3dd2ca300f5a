"""The files of one assets folder, read within limits. No link leads out of the folder, and no pipe is opened."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import Problem, RunnerError
from runner.source import MAX_BYTES, Text, describe, open_file, read
from runner.workflows.assets import UnreadFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.codes import Code
    from runner.errors import Position
    from runner.source import Node

MAX_FILES = 50_000
"""Limit for the files and folders that are read, and for the entries of one folder."""
MAX_TOTAL_BYTES = 128 * 1024 * 1024
"""Limit for the files that are read, together."""


class AssetFile(NamedTuple):
    """A file of an asset. `name` is that of its folder, or of the file in the older layout; the platform takes it as slug."""

    name: str
    path: Path


class AssetFolder:
    """An assets folder. `problems` are those of its files; it is cut if files are left out that were not even counted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self.is_cut = False
        self._real = Path(os.path.realpath(path))
        self._left = MAX_FILES
        self._bytes_left = MAX_TOTAL_BYTES

    def report(self, message: str, place: Position | None, *, hint: str | None = None) -> None:
        """Add a problem: a file is not what the platform's command line writes."""
        self.problems.append(Problem("asset-invalid", message, place, hint=hint))

    def has(self, *names: str) -> bool:
        """Return whether there is a folder of one of some names."""
        return any(os.path.isdir(self.path / name) for name in names)  # noqa: PTH112 - it never raises

    def paths(self, folder: Path) -> list[Path]:
        """Return what is in a folder, sorted, without hidden names. It is empty for anything else than a folder."""
        if not os.path.isdir(folder) or self._leaves(folder) or not self._count(0):  # noqa: PTH112 - it never raises
            return []
        try:
            with os.scandir(folder) as entries:
                names = [entry.name for entry in islice(entries, MAX_FILES + 1)]
        except OSError as error:
            self._cut("file-unreadable", f"can't read {folder}: {error.strerror}")
            return []
        if len(names) > MAX_FILES:
            self._cut("file-too-large", f"{folder} has more than {MAX_FILES:,} files: none of them is read")
            return []
        return [folder / name for name in sorted(names) if not name.startswith(".")]

    def files(self, older: str | None, newer: str, *names: str) -> Iterator[AssetFile]:
        """Yield the files of one kind in both layouts, sorted by slug: `older/SLUG.json`, and `newer/SLUG/NAME`, which wins.

        Of several `names` the first that exists is taken. What has such a name and can't be read is among them.
        """
        found: dict[str, Path] = {}
        for folder in self.paths(self.path / newer):
            path = next((path for name in names if os.path.lexists(path := folder / name)), None)
            if path is not None:
                found[folder.name] = path
        for path in self.paths(self.path / older) if older is not None else ():
            if path.suffix != ".json":
                continue
            if path.stem in found:
                self._report_stale(path, found[path.stem])
            else:
                found[path.stem] = path
        for slug in sorted(found):
            yield AssetFile(slug, found[slug])

    def _report_stale(self, path: Path, newer: Path) -> None:
        message = f"this file is not read: {newer} takes precedence"
        hint = "older versions of the platform's command line wrote it: delete it"
        place = Text(str(path), "").position(0)
        self.problems.append(Problem("stale-asset", message, place, hint=hint, severity="warning"))

    def map(self, path: Path) -> Node | None:
        """Return the map in a JSON file; None, with a problem, if it can't be read or holds something else."""
        root = self.document(path)
        if root is None or isinstance(root.value, dict):
            return root
        self.report(f"an asset must be a map, not {describe(root.value)}", root.position())
        return None

    def document(self, path: Path) -> Node | None:
        """Return the value in a JSON file; None, with a problem, if it can't be read."""
        if not self.may_read(path):
            return None
        try:
            document = read(path)
        except RunnerError as error:
            self.problems += error.problems
            return None
        self.problems += document.problems
        is_broken = any(problem.severity == "error" for problem in document.problems)
        return None if is_broken else document.root

    def field(self, node: Node, key: str, what: str) -> str | None:
        """Return a text of a map that must have it; None, with a problem, without it."""
        found = node.get(key)
        if found is not None and isinstance(found.value, str) and found.value.strip():
            return found.value
        given = f", which is {describe(found.value) if found.value != '' else 'empty'}" if found is not None else ""
        self.report(f"{what} must have a text '{key}'{given}", (found or node).position())
        return None

    def items(self, node: Node, key: str, what: str) -> list[Node]:
        """Return the maps in a list of a map. Anything else there is a problem; null counts as an empty list."""
        listed = node.get(key)
        if listed is None or listed.value is None:
            return []
        if not isinstance(listed.value, list):
            self.report(f"'{key}' of {what} must be a list, not {describe(listed.value)}", listed.position())
            return []
        for item in listed.items:
            if not isinstance(item.value, dict):
                self.report(f"'{key}' of {what} must have maps, not {describe(item.value)}", item.position())
        return [item for item in listed.items if isinstance(item.value, dict)]

    def unread(self, path: Path, *, is_workflow: bool = False) -> UnreadFile:
        """Return a file that can't be read as what it should be, with its text if that can be."""
        return UnreadFile(str(path), self._raw(path), is_workflow)

    def _raw(self, path: Path) -> str | None:
        if not Path(os.path.realpath(path)).is_relative_to(self._real):
            return None
        try:
            with open_file(path) as file:
                raw = file.read(MAX_BYTES + 1)
        except OSError:
            return None
        return raw.decode("utf-8", "replace") if len(raw) <= MAX_BYTES else None

    def text(self, path: Path) -> Text | None:
        """Return the text of a file; None, with a problem, if it can't be read. Bytes that are not UTF-8 are replaced."""
        if not self.may_read(path):
            return None
        try:
            with open_file(path) as file:
                raw = file.read(MAX_BYTES + 1)
        except OSError as error:
            self.report(f"can't read {path}: {error.strerror}", None)
            return None
        if len(raw) > MAX_BYTES:
            self.report(f"{path} is larger than {MAX_BYTES:,} bytes: it is not read", None)
            return None
        return Text(str(path), raw.decode("utf-8", "replace"))

    def may_read(self, path: Path) -> bool:
        """Return whether a file may be read, and count it. It may not, with a problem, if it is none or the limits are reached."""
        if self._leaves(path):
            return False
        if not os.path.isfile(path):  # noqa: PTH113 - it never raises
            self.report(f"{path} is not a file: it is not read", None)
            return False
        try:
            size_bytes = path.stat().st_size
        except OSError:
            size_bytes = 0  # reading it reports what is wrong
        return self._count(min(size_bytes, MAX_BYTES))

    def _count(self, size_bytes: int) -> bool:
        """Count a file or a folder; return False, with one problem, once the limits are reached."""
        is_first = self._left >= 0 and self._bytes_left >= 0
        self._left -= 1
        self._bytes_left -= size_bytes
        if self._left >= 0 and self._bytes_left >= 0:
            return True
        if is_first:
            limits = f"{MAX_FILES:,} files and folders, or {MAX_TOTAL_BYTES // 1024**2} MiB"
            self._cut("file-too-large", f"{self.path} has more than {limits}: the rest is not read")
        return False

    def _cut(self, code: Code, message: str) -> None:
        self.problems.append(Problem(code, message))
        self.is_cut = True

    def _leaves(self, path: Path) -> bool:
        """Report a link that leads out of the folder. A loop of links leads nowhere: it is not a file."""
        if Path(os.path.realpath(path)).is_relative_to(self._real):
            return False
        self.report(f"{path} is a symbolic link that leaves the assets folder: it is not read", None)
        return True
