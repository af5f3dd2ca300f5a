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
    """The declarations of a `runner.yaml`, and what is wrong with it."""

    table: Node | None = None
    problems: tuple[Problem, ...] = ()

    def first_names(self) -> list[str]:
        """List the names, or the first ones of very many: as many as a suggestion looks through."""
        return list(islice(self.table.entries, _MANY)) if self.table is not None else []

    def over(self, spec: Node, names: Collection[str]) -> Node:
        """Return a spec with the declarations of `names` beside its own. No report shows a line of theirs."""
        table, own = self.table, spec.get("vars")
        found = [name for name in names if name in table.entries] if table is not None else []
        if table is None or not found:
            return spec
        # Only the entries are of the other file: what looks at the map does not look through all of that.
        quiet = table.text.hidden
        shared = Node({name: table.entries[name].within(quiet) for name in found}, spec.text, spec.start, spec.start)
        shared.keys = {name: table.keys[name] for name in found}
        if own is None:
            return spec.replaced("vars", shared, (spec.start, spec.start))
        return spec.replaced("vars", own.over(shared), spec.keys["vars"])


_MANY = 1000


def shared_vars(spec: Path, project: Path, config: Path | None) -> SharedVars:
    """Read what `config` declares, else the nearest `runner.yaml` above a spec of a project.

    A config that is a pipe declares nothing: it can be read only once.
    """
    try:
        path = config or find_config(spec, project)
        is_pipe = config is not None and not config.is_file()
        return SharedVars() if path is None or is_pipe else _shared(read_config(path))
    except (InvalidInput, NotFound, MachineError) as error:
        return SharedVars(problems=error.problems)


def _shared(document: Document) -> SharedVars:
    """Take the declarations, and the first of what may be thousands of problems: each spec below the file has them."""
    errors = (problem for problem in document.problems if problem.severity == "error")
    problems = list(islice(errors, MAX_PROBLEMS))
    table = document.root.get("vars") if document.root is not None else None
    if table is not None and not isinstance(table.value, dict):
        message, hint = f"'vars' must be a map, not {describe(table.value)}", "such as user: {type: string}"
        problems.append(Problem("wrong-type", message, table.position(), at="vars", hint=hint))
    for name in sorted(RESERVED):
        if table is not None and name in table.entries:
            message = f"'{name}' can't be the name of a variable: a template has another meaning for it"
            place, at = table.key_position(name), f"vars.{name}"
            problems.append(Problem("reserved-name", message, place, at=at, hint="choose another name"))
    return SharedVars(table, tuple(map(discreet, problems)))
