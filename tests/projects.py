"""What tests of specs share: a project folder to write specs into, and problems as one line each."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from runner.errors import InvalidInput, Problem
from runner.eventspec import Loaded, Occurrence, Spec, load, render
from runner.source import read_text
from runner.template.budget import Budget
from runner.template.plan import Plan, RenderingError
from runner.template.template import Allowance, Template, parse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.suprsend import Event


class Templates:
    """Parses and renders single templates, as the property `a` of a file that holds nothing else.

    A template's first character stands in column 5.
    """

    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    seed = UUID("00000000-0000-4000-8000-000000000001")

    def parse(self, source: str, place: str = "a") -> Template:
        root = read_text(f"a: {json.dumps(source, ensure_ascii=False)}\n", "t.yaml").root
        node = root.get("a") if root is not None else None
        assert node is not None
        return parse(node, ("properties", place), Allowance())

    def state(self, row: int = 0) -> Budget:
        return Budget(self.now, self.seed, row)

    def evaluate(self, source: str, **variables: object) -> Any:
        return Plan(self.parse(source)).evaluate(variables, self.state())

    def evaluate_all(self, shape: dict[str, str], row: int = 0, **variables: object) -> Any:
        plan = Plan({key: self.parse(source, key) for key, source in shape.items()})
        return plan.evaluate(variables, self.state(row))

    def faults(self, source: str) -> list[str]:
        """Parse alone, and tell what is wrong."""
        return lines(self.parse(source).problems())

    def failure(self, source: str, **variables: object) -> list[str]:
        """Render what parses, and tell what is wrong."""
        assert self.faults(source) == []
        with pytest.raises(RenderingError) as caught:
            self.evaluate(source, **variables)
        return lines(caught.value.problems)


class Project:
    """A project's folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, content: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
        return path

    def load(self, content: str, name: str = "spec.yaml") -> Loaded:
        return load(self.write(name, content), self.root)

    def problems(self, content: str, name: str = "spec.yaml") -> list[str]:
        return lines(self.load(content, name).problems)

    def spec(self, content: str, name: str = "spec.yaml") -> Spec:
        loaded = self.load(content, name)
        assert loaded.spec is not None, lines(loaded.problems)
        return loaded.spec

    def render(self, content: str, row: int = 0, **values: Any) -> Event:
        return render(self.spec(content), values, Occurrence(Templates.seed, row, Templates.now))

    def refusals(self, content: str, **values: Any) -> list[str]:
        with pytest.raises(InvalidInput) as caught:
            self.render(content, **values)
        return lines(caught.value.problems)


def lines(problems: Iterable[Problem]) -> list[str]:
    """Write each problem as one line: place, severity and code, message, (hint), @way."""
    return [_line(problem) for problem in problems]


def _line(problem: Problem) -> str:
    place = problem.position
    parts = [f"{Path(place.path).name}:{place.line}:{place.column}-{place.end_column}"] if place is not None else []
    parts += [f"{problem.severity}[{problem.code}]", problem.message]
    parts += [f"({problem.hint})"] if problem.hint else []
    parts += [f"@{problem.at}"] if problem.at else []
    return " ".join(parts)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "proj")


@pytest.fixture
def templates() -> Templates:
    return Templates()
