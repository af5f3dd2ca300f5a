"""`runner list`: specs with their variables, cases and recordings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import ExitCode
from runner.eventspec.many import labelled
from runner.project import find, project_of
from runner.project.files import SPECS
from runner.report.specs import ListedCase, ListedSpec, ListedVariable, show_specs
from runner.testing.collect import collect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.commands.session import Session
    from runner.eventspec import Spec
    from runner.source import Node
    from runner.testing.case_ref import CaseRef
    from runner.variables import Variable


def list_specs(session: Session, paths: Sequence[Path], labels: Sequence[str]) -> ExitCode:
    """List the specs at `paths`, else those in specs/. Specs with problems are reported after the list."""
    output = session.output
    collected = [collect(path, project_of(path), session.settings.config) for path in find(paths or [Path(SPECS)])]
    for each in collected:
        output.hide(each.secrets)
    cases = {id(each.spec): each.cases for each in collected}
    specs = labelled([each.spec for each in collected if each.spec is not None], labels)
    show_specs(output, [_listed(spec, cases[id(spec)]) for spec in specs])
    problems = dict.fromkeys(problem for each in collected for problem in each.problems if problem.severity == "error")
    output.complaints(problems)
    return ExitCode.INVALID if problems else ExitCode.OK


def _listed(spec: Spec, cases: Sequence[CaseRef]) -> ListedSpec:
    return ListedSpec(
        spec.path,
        spec.name,
        _text(spec.root.get("event")) or "",
        _text(spec.root.get("description")),
        spec.labels,
        tuple(map(_variable, spec.variables)),
        tuple(map(_case, cases)),
    )


def _variable(variable: Variable) -> ListedVariable:
    description = variable.schema_source.get("description")
    return ListedVariable(
        variable.name,
        variable.types,
        variable.required,
        variable.has_default,
        None if variable.may_be_secret else variable.default,
        variable.env,
        variable.may_be_secret,
        description if isinstance(description, str) else None,
        variable.table.entries[variable.name].text.path if variable.table is not None else None,
    )


def _case(ref: CaseRef) -> ListedCase:
    cassette = os.path.relpath(ref.cassette) if ref.asks_for_answer else None
    return ListedCase(ref.case.name, ref.case.labels, cassette, ref.asks_for_answer and ref.cassette.is_file())


def _text(node: Node | None) -> str | None:
    return str(node.value) if node is not None and isinstance(node.value, str) else None
