"""`vars:` of `runner.yaml` → the declarations that the specs below it share."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import MAX_PROBLEMS, InvalidInput, MachineError, NotFound, Problem
from runner.project.config_file import read_config
from runner.project.files import find_config
from runner.source import Node, describe, discreet
from runner.template.template import RESERVED

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from runner.source import Document


class SharedVars(NamedTuple):
    """The map of a `runner.yaml` that declares variables, and what is wrong with it."""

    root: Node | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def table(self) -> Node | None:
        """The declarations."""
        return self.root.get("vars") if self.root is not None else None

    def first_names(self) -> list[str]:
        """List the names, or the first ones of very many: as many as a suggestion looks through."""
        return list(islice(self.table.entries, _MANY)) if self.table is not None else []

    def over(self, spec: Node, names: Collection[str]) -> Node:
        """Return a spec with the declarations of `names` beside its own. No report shows a line of theirs."""
        root, table = self.root, self.table
        found = [name for name in names if name in table.entries] if table is not None else []
        if root is None or table is None or not found:
            return spec
        shared, own = table.only(*found).within(table.text.hidden), spec.get("vars")
        merged = own.over(shared) if own is not None else shared
        return spec.replaced("vars", merged, (spec if own is not None else root).keys["vars"])


_MANY = 1000


def shared_vars(spec: Path, project: Path, config: Path | None) -> SharedVars:
    """Read what `config` declares, else the nearest `runner.yaml` above a spec of a project.

    A config that is a pipe declares nothing: it can be read only once.
    """
    try:
        path = config or find_config(spec, project)
        if path is None or not path.is_file():
            return SharedVars()
        return _shared(read_config(path))
    except (InvalidInput, NotFound, MachineError) as error:
        return SharedVars(problems=error.problems)


def _shared(document: Document) -> SharedVars:
    """Take the declarations, and the first of what may be thousands of problems: each spec below the file has them."""
    errors = (problem for problem in document.problems if problem.severity == "error")
    problems = list(islice(errors, MAX_PROBLEMS))
    root = document.root
    table = root.get("vars") if root is not None else None
    if table is not None and not isinstance(table.value, dict):
        message, hint = f"'vars' must be a map, not {describe(table.value)}", "such as user: {type: string}"
        problems.append(Problem("wrong-type", message, table.position(), at="vars", hint=hint))
    for name in sorted(RESERVED):
        if table is not None and name in table.entries:
            message = f"'{name}' can't be the name of a variable: a template has another meaning for it"
            place, at = table.key_position(name), f"vars.{name}"
            problems.append(Problem("reserved-name", message, place, at=at, hint="choose another name"))
    return SharedVars(root, tuple(map(discreet, problems)))
