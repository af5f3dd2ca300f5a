"""Files named by the cases of a spec → their paths, which must lie in the project, and the values of a vars file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import Problem
from runner.project.files import SUFFIXES, misspelt
from runner.project.tree import Files
from runner.source import discreet
from runner.variables import without_names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.source import Node

_VALUES = (".yaml", ".yml", ".json")
_GOLDEN = (".json",)


class CaseFiles(Files):
    """Finds the files of one spec's cases, and collects their `problems`.

    The problems of a vars file are reported once, however many cases name it.
    """

    def __init__(self, project: Path) -> None:
        super().__init__(project)
        self._values: dict[object, Node | None] = {}

    def values(self, node: Node) -> Node | None:
        """Read the map of a vars file. It may hold secrets, so its problems show no values."""
        if node.value not in self._values:
            self._values[node.value] = self._read_values(node)
        return self._values[node.value]

    def table(self, node: Node, suffixes: Sequence[str]) -> Path | None:
        """Return the path of a file of rows."""
        path = self._inside(node, "no file of rows", suffixes)
        return path if path is not None and self._exists(path, node) else None

    def spec_of_step(self, node: Node) -> Path | None:
        """Return the path of another spec."""
        path = self._inside(node, "no spec", SUFFIXES)
        if path is None or not self._exists(path, node):
            return None
        if path.name.startswith("_"):
            message = f"'{node.value}' is a base for specs, not a spec itself"
            self.problems.append(Problem("bad-value", message, node.position(), hint="name a spec that extends it"))
            return None
        return path

    def schema(self, node: Node) -> Path | None:
        """Return the path of a JSON Schema."""
        path = self._inside(node, "no JSON Schema", _VALUES)
        return path if path is not None and self._exists(path, node) else None

    def golden(self, node: Node) -> Path | None:
        """Return the path of a golden file, which may not exist yet."""
        return self._inside(node, "no golden file", _GOLDEN)

    def _read_values(self, node: Node) -> Node | None:
        path = self._inside(node, "no vars file", _VALUES)
        document = self._read(path, node) if path is not None else None
        if document is None:
            return None
        self.problems += map(discreet, document.problems)
        root = document.root
        if root is not None and not isinstance(root.value, dict):
            self.problems.append(discreet(without_names(root)))
            return None
        return root

    def _exists(self, path: Path, node: Node) -> bool:
        if path.is_file():
            return True
        message = f"a folder, not a file: {path}" if path.is_dir() else f"no such file: {path}"
        self.problems.append(Problem("file-not-found", message, node.position(), hint=misspelt(path)))
        return False
