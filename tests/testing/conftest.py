"""What these tests share: projects in folders of their own, whose cases are run as `runner test` runs them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from runner.config import load_profile
from runner.project import find
from runner.sandbox.rules import SandboxRules, rules_of
from runner.secrets import Mask
from runner.testing.answers import Answers
from runner.testing.collect import collect
from runner.testing.inventory import orphans
from runner.testing.verdict import run_case

if TYPE_CHECKING:
    from runner.config import Target
    from runner.errors import Problem
    from runner.testing.answers import Record
    from runner.testing.case_ref import CaseRef
    from runner.testing.collect import SpecCases
    from runner.testing.verdict import Verdict

REPOSITORY = Path(__file__).resolve().parents[2]
TODAY = date(2026, 11, 24)


@dataclass(frozen=True)
class Project:
    """A folder with specs and cassettes. It is the working directory, so that messages name its files the short way."""

    path: Path
    mask: Mask = field(default_factory=Mask)
    live: Target | None = None

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), "utf-8")
        return file

    def files(self, folder: str) -> dict[str, str]:
        """Read all files below a folder."""
        found = sorted(path for path in (self.path / folder).rglob("*") if path.is_file())
        return {path.relative_to(self.path).as_posix(): path.read_text("utf-8") for path in found}

    def collected(self, specs: str = "specs") -> list[SpecCases]:
        """Collect the cases of specs."""
        return [collect(path, self.path) for path in find([Path(specs)])]

    def refs(self, specs: str = "specs") -> list[CaseRef]:
        """List the cases of specs that load."""
        return [ref for spec in self.collected(specs) for ref in spec.cases]

    def answers(self, record: Record = "none", today: date = TODAY) -> Answers:
        """Give what answers the cases: the cassettes, or to record them a sandbox with the project's rules, or `live`."""
        folder = self.path / "specs"
        rules = rules_of(load_profile(start=folder)) if folder.is_dir() else SandboxRules()
        return Answers(record=record, today=today, mask=self.mask, rules=rules, live=self.live)

    def verdicts(
        self, specs: str = "specs", *, record: Record = "none", update: bool = False, today: date = TODAY
    ) -> dict[str, Verdict]:
        """Run the cases of specs that load."""
        answers = self.answers(record, today)
        return {ref.case.name: run_case(ref, answers, update=update) for ref in self.refs(specs)}

    def problems(self, specs: str = "specs") -> list[Problem]:
        """List all errors: of specs that don't load, of their cases, and of cassettes that nobody plays."""
        collected = self.collected(specs)
        answers = self.answers()
        found = [problem for spec in collected for problem in spec.problems if problem.severity == "error"]
        for spec in collected:
            found += [problem for ref in spec.cases for problem in run_case(ref, answers).problems]
        return found + (orphans(self.path, collected) if specs == "specs" else [])


@pytest.fixture
def project(in_tmp: Path) -> Project:
    """Make an empty project the working directory."""
    (in_tmp / ".git").mkdir()
    return Project(in_tmp)


@pytest.fixture
def copy(project: Project) -> Project:
    """Give a copy of this repository's specs and cassettes."""
    for folder in ("specs", "cassettes"):
        shutil.copytree(REPOSITORY / folder, project.path / folder)
    return project
