"""The workflows of a project, and the test data of its `runner.yaml`, read once for all its cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import InvalidInput
from runner.project.config_file import read_config
from runner.project.files import find_config
from runner.workflows.assets_reader import read_assets
from runner.workflows.expressions import Engine
from runner.workflows.interpreter import interpret
from runner.workflows.test_data import world_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.source import Node
    from runner.workflows.assets import Assets
    from runner.workflows.timeline import Event, Timeline


class ProjectWorkflows:
    """The workflows in a folder, and what they depend on by the `runner.yaml` of a project.

    Raises InvalidInput for a workflow file that can't be read: without it, no message and no silence says anything.
    """

    def __init__(self, folder: Path, spec: Path, config: Path | None) -> None:
        self.assets: Assets
        self.assets, problems = read_assets(folder)
        if errors := [problem for problem in problems if problem.severity == "error"]:
            raise InvalidInput(*errors)
        path = config or find_config(spec)
        self._config = read_config(path).root if path is not None else None
        self._engine = Engine()

    def run(self, events: Sequence[Event], case: Node | None = None) -> Timeline:
        """Run events through the workflows, with the test data of the project and of a case."""
        return interpret(self.assets, events, world_of(self._config, case), self._engine)

    def close(self) -> None:
        """Stop the engine of expressions."""
        self._engine.close()
