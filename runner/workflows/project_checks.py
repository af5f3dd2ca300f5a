"""The assets folder of a project, read to hold its specs against it, by the rules of its `runner.yaml`."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from runner.lint.levels import levelled, levels_of
from runner.project.config_file import read_config
from runner.workflows.asset_links import link_problems
from runner.workflows.assets_reader import read_assets
from runner.workflows.checks import asset_problems
from runner.workflows.data_checks import DataChecks
from runner.workflows.reach import Listeners

if TYPE_CHECKING:
    from pathlib import Path

    from runner.errors import Problem
    from runner.eventspec import Spec


class ProjectChecks:
    """The checks of a project, by the rules of a `runner.yaml`. `own_problems` are those of its assets and of `checks:` itself."""

    def __init__(self, folder: Path, config: Path | None) -> None:
        root = read_config(config).root if config is not None and config.is_file() else None
        self._levels, wrong = levels_of(root.get("checks") if root is not None else None)
        self._assets, problems = read_assets(folder)
        self._listeners = Listeners(self._assets)
        self._data = DataChecks(self._assets)
        of_data = self._data.problems(root) if root is not None else ()
        self.own_problems: tuple[Problem, ...] = (
            *wrong,
            *levelled((*problems, *link_problems(self._assets), *of_data), self._levels),
        )

    def of_spec(self, spec: Spec) -> tuple[Problem, ...]:
        """Return what does not fit between a spec with its cases and the assets."""
        sections = {id(case.node): case.node for case in spec.cases}  # those of one `parametrize` have one
        of_data = chain.from_iterable(map(self._data.problems, sections.values()))
        found = chain(asset_problems(spec, self._assets, self._listeners), of_data)
        return tuple(levelled(found, self._levels, spec.root))
