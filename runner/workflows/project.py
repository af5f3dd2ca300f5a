"""The workflows of a project, and the test data of its `runner.yaml`, read once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner.errors import InvalidInput, NotFound, Problem
from runner.project.config_file import read_config
from runner.project.files import find_config
from runner.workflows.assets_reader import read_assets
from runner.workflows.expressions import Engine
from runner.workflows.interpreter import interpret
from runner.workflows.reach import awaited_events
from runner.workflows.test_data import world_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.source import Node
    from runner.workflows.timeline import Event, Timeline
    from runner.workflows.world import World


class LeftOut(NamedTuple):
    """A file with an error, by its first problem.

    `events` are those that a file of a workflow names, of the events that are known; None if its text is not known.
    """

    problem: Problem
    is_workflow: bool
    events: tuple[str, ...] | None


class ProjectWorkflows:
    """The workflows in a folder, and what they depend on by the `runner.yaml` that belongs to a path.

    `problems` are those of the files; a file with an error is left out. `check` refuses that.
    """

    def __init__(self, folder: Path, start: Path, config: Path | None) -> None:
        self.assets, self.problems = read_assets(folder)
        path = config or find_config(start)
        self._config = read_config(path).root if path is not None and path.is_file() else None
        self.engine = Engine()

    def check(self) -> None:
        """Raise InvalidInput for files that can't be read, NotFound without a workflow: neither a message nor silence says anything then."""
        if errors := [problem for problem in self.problems if problem.severity == "error"]:
            raise InvalidInput(*errors)
        if not self.assets.workflows:
            hint = "pull the workflows with the platform's command line"
            raise NotFound(Problem("assets-not-found", f"no workflow files in {self.assets.folder}", hint=hint))

    def left_out(self) -> list[LeftOut]:
        """Return the files with an error: no messages come of their workflows."""
        unread = {file.path: file for file in self.assets.unread if file.is_workflow}
        names = sorted({*(self.assets.events or ()), *self.heard_events()})
        found: dict[str, LeftOut] = {}
        for problem in self.problems:
            if problem.severity != "error":
                continue
            at = problem.position.path if problem.position is not None else None
            file = (
                unread.get(at) if at else next((each for each in unread.values() if each.path in problem.message), None)
            )
            events = tuple(name for name in names if file is not None and file.may_name(name))
            is_known = file is None or file.text is not None
            found.setdefault(at or problem.message, LeftOut(problem, file is not None, events if is_known else None))
        return list(found.values())

    def world(self, case: Node | None = None) -> World:
        """Return the test data of the project, updated by that of a case."""
        return world_of(self._config, case)

    def heard_events(self) -> frozenset[str]:
        """Return the events that a live workflow listens to or waits for."""
        live = [workflow for workflow in (self.assets.workflows or {}).values() if workflow.is_live]
        return frozenset(name for each in live for name in (*each.events, *awaited_events(each.nodes)))

    def run(self, events: Sequence[Event], case: Node | None = None) -> Timeline:
        """Run events through the workflows, with the test data of the project and of a case."""
        return interpret(self.assets, events, self.world(case), self.engine)

    def close(self) -> None:
        """Stop the engine of expressions."""
        self.engine.close()
