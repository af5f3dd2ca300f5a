"""`vars:` of `runner.yaml` → the declarations that the specs below it share."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

from runner.errors import InvalidInput, MachineError, NotFound, Problem
from runner.project.files import find_config
from runner.source import Node, describe, discreet, read
from runner.template.template import RESERVED

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


@dataclass(frozen=True, slots=True)
class SharedVars:
    """What a `runner.yaml` declares, and what is wrong with it. `root` is its map; no line of it is shown."""

    root: Node | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def entries(self) -> Mapping[str, Node]:
        """The declarations by name."""
        table = self.root.get("vars") if self.root is not None else None
        return table.entries if table is not None else {}

    @property
    def first_names(self) -> list[str]:
        """The names, or the first ones of very many: as many as a suggestion looks through."""
        return list(islice(self.entries, _MANY))

    def over(self, spec: Node, names: Collection[str]) -> Node:
        """Return a spec with the declarations of `names` beside its own."""
        found = [name for name in names if name in self.entries]
        if self.root is None or not found:
            return spec
        shared = self.root.entries["vars"].only(*found)
        own = spec.get("vars")
        table = own.over(shared) if own is not None else shared
        return spec.replaced("vars", table, (spec if own is not None else self.root).keys["vars"])


_MANY = 1000


def shared_vars(spec: Path, project: Path, config: Path | None) -> SharedVars:
    """Read what `config` declares, else the nearest `runner.yaml` above a spec of a project.

    A config that is a pipe declares nothing: it can be read only once.
    """
    try:
        path = config or find_config(spec, project)
    except InvalidInput as error:
        return SharedVars(problems=error.problems)
    try:
        stat = path.stat() if path is not None else None
    except OSError:  # reported by what reads its profiles
        return SharedVars()
    if path is None or stat is None or not S_ISREG(stat.st_mode):
        return SharedVars()
    return _read(path, Path.cwd(), (stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size))


@lru_cache(maxsize=4)
def _read(path: Path, working: Path, stamp: object) -> SharedVars:  # noqa: ARG001 - a file that changes is another
    """Read a file once for all specs below it, which come one after the other: it may have thousands of variables."""
    try:
        document = read(path, os.path.relpath(path, working))
    except (NotFound, MachineError) as error:
        return SharedVars(problems=error.problems)
    document.text.shows_lines = False
    problems = [discreet(problem) for problem in document.problems if problem.severity == "error"]
    root = document.root
    table = root.get("vars") if root is not None else None
    if root is None or table is None:
        return SharedVars(problems=tuple(problems))
    if not isinstance(table.value, dict):
        message, hint = f"'vars' must be a map, not {describe(table.value)}", "such as user: {type: string}"
        problems.append(Problem("wrong-type", message, table.position(), at="vars", hint=hint))
    for name in sorted(table.entries.keys() & RESERVED):
        message = f"'{name}' can't be the name of a variable: a template has another meaning for it"
        place, at = table.key_position(name), f"vars.{name}"
        problems.append(Problem("reserved-name", message, place, at=at, hint="choose another name"))
    return SharedVars(root, tuple(problems))
