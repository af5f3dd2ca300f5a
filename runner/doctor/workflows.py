"""Checks of specs against the assets folder, by the rules of `runner validate`: events, schemas and properties."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.doctor.finding import Finding, failure, skipped, summary_of
from runner.errors import InvalidInput
from runner.project.config_file import shown_path
from runner.project.files import find_config
from runner.workflows.layouts import find_assets
from runner.workflows.project_checks import ProjectChecks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from runner.errors import Problem
    from runner.eventspec import Spec
    from runner.lint.levels import AssetRule

ASSETS, EVENTS, SCHEMAS, PROPERTIES = "assets", "events", "schemas", "properties"
_RULES: Mapping[str, tuple[AssetRule, ...]] = {
    EVENTS: ("unknown-event", "unheard-event"),
    SCHEMAS: ("stale-schema",),
    PROPERTIES: ("event-schema", "condition-variable", "template-variable"),
}
"""The rules of each finding; their levels are those of `checks:` in `runner.yaml`."""
NAMES = (ASSETS, *_RULES)
"""The names of all findings, in their order."""
_OK = {
    EVENTS: "live workflows listen to the events of all specs",
    SCHEMAS: "no spec has an old copy of a schema",
    PROPERTIES: "specs send what schemas, conditions and templates read",
}
_PULL = "pull the workspace's workflows, events, schemas and templates into suprsend/ with the platform's command line"
_SEE_ASSETS = f"not checked: see {ASSETS}"


def workflows(specs: Sequence[Spec], start: Path, config: Path | None) -> tuple[Finding, ...]:
    """Check the files of the assets folder that belongs to `start`, and specs against them."""
    try:
        folder = find_assets(start, config)
        if folder is None:
            return skipped(ASSETS, "there is no assets folder", _PULL), *_unchecked()
        project = ProjectChecks(folder, config or find_config(start))
    except InvalidInput as error:
        return failure(ASSETS, summary_of(error.problems), error.problems[0].hint), *_unchecked()
    shown = shown_path(folder)
    own = project.own_problems
    assets = _finding(ASSETS, own, f"pull {shown} again") if own else Finding(ASSETS, "ok", f"{shown} is valid")
    if assets.state == "failed":  # what a spec lacks may be in a file that can't be read
        return assets, *_unchecked()
    if not specs:
        return assets, *(skipped(name, "there are no specs") for name in _RULES)
    problems = [problem for spec in specs for problem in project.of_spec(spec)]
    return assets, *(_of_rules(name, problems, shown) for name in _RULES)


def _unchecked() -> list[Finding]:
    return [skipped(name, _SEE_ASSETS) for name in _RULES]


def _of_rules(name: str, problems: Sequence[Problem], shown: str) -> Finding:
    found = [problem for problem in problems if problem.code in _RULES[name]]
    return _finding(name, found, f"if {shown} is old, pull it again") if found else Finding(name, "ok", _OK[name])


def _finding(name: str, problems: Sequence[Problem], otherwise: str) -> Finding:
    """Return a failure if there are errors, else a warning."""
    errors = [problem for problem in problems if problem.severity == "error"]
    shown = errors or problems
    advice = (shown[0].hint or otherwise).replace("\n", " ")
    return Finding(name, "failed" if errors else "warning", summary_of(shown), advice)
