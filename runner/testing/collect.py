"""A spec's file → its cases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import InvalidInput, Problem
from runner.eventspec import load
from runner.project.files import SPECS
from runner.testing.case_ref import CaseRef
from runner.testing.cassette_path import cassette_path
from runner.testing.expand import expand

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.cases import Case
    from runner.errors import Position
    from runner.eventspec import Spec


class SpecCases(NamedTuple):
    """The cases of a spec's file, none if one of the problems is an error."""

    path: Path
    problems: tuple[Problem, ...]
    cases: tuple[CaseRef, ...]
    secrets: tuple[str, ...]
    """Secret texts of defaults and cases; they must not be printed."""
    spec: Spec | None
    """None if it can't be read."""


def collect(path: Path, project: Path, config: Path | None = None) -> SpecCases:
    """Load a spec, by the rules of `config` if it is given, and return its cases.

    Raises NotFound and MachineError for the file itself.
    """
    loaded = load(path, project, config)
    if loaded.spec is None:
        return SpecCases(path, loaded.problems, (), loaded.secrets, None)
    try:
        cases = expand(loaded.spec)
    except InvalidInput as error:
        return SpecCases(path, (*loaded.problems, *error.problems), (), loaded.secrets, loaded.spec)
    below = path.resolve().relative_to(project)
    assets = _assets(path, config, cases)
    refs = tuple(
        CaseRef(loaded.spec, case, path, project, cassette_path(project, project / below, case.name), config, assets)
        for case in cases
    )
    if shared := list(_shared(refs, below)):
        return SpecCases(path, (*loaded.problems, *shared), (), loaded.secrets, loaded.spec)
    return SpecCases(path, loaded.problems, refs, loaded.secrets, loaded.spec)


def _assets(path: Path, config: Path | None, cases: Sequence[Case]) -> Path | None:
    """Return the folder with the workflows that cases expect messages of; None if none does or there is none."""
    if not any(case.expects_messages for case in cases):
        return None
    from runner.workflows.layouts import find_assets, has_workflows  # noqa: PLC0415 - most specs expect no messages

    folder = find_assets(path, config)
    return folder if folder is not None and has_workflows(folder) else None


def _shared(refs: Sequence[CaseRef], below: Path) -> Iterator[Problem]:
    """Report cases that would overwrite each other's cassettes, in this spec or in another one."""
    with_answers = [ref for ref in refs if ref.asks_for_answer]
    seen: dict[Path, CaseRef] = {}
    for ref in with_answers:
        if (other := seen.setdefault(ref.cassette, ref)) is not ref:
            message = f"the cases '{other.case.name}' and '{ref.case.name}' would share a cassette"
            hint = "give one of them another name" if ref.case.name == ref.case.group else "give one of them an `id:`"
            yield Problem("duplicate-case", message, _name(ref), hint=hint)
    for ref in with_answers[:1]:
        homeless = Path(*below.parts[1:]) if below.parts[0] == SPECS and len(below.parts) > 1 else Path(SPECS, below)
        names = {each.with_suffix(suffix) for each in (below, homeless) for suffix in (".yaml", ".yml")} - {below}
        for other_spec in sorted(each for each in names if (ref.project / each).is_file()):
            message = f"the cases of this spec and of {other_spec} would share their cassettes"
            yield Problem("duplicate-case", message, _name(ref), hint="give one of the two another name")


def _name(ref: CaseRef) -> Position:
    return (ref.case.node.get("name") or ref.case.node).position()
