"""What stands in for a project's own settings in the pytest of `runner test`, also in the processes of pytest-xdist.

Folders are nodes that list specs and nothing else: no Python is imported, no text is taken for a doctest, and no name
or file of a project keeps a spec away that `runner validate` checks.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from runner.project.files import kind_of, paths_in
from runner.pytest_plugin.nodes import CASES, Cases, SpecFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class SpecFolder(pytest.Directory):
    """A folder with specs, or on the way to one that was named."""

    def collect(self) -> Iterator[pytest.Collector]:
        """Yield the folders and specs in it."""
        for path in paths_in(self.path):
            kind = kind_of(path)
            if self.session.isinitpath(path, with_parents=True):
                kind = "folder" if path.is_dir() else "spec"
            elif kind is None or self.ihook.pytest_ignore_collect(collection_path=path, config=self.config):
                continue
            yield SpecFolder.from_parent(self, path=path) if kind == "folder" else SpecFile.of(self, path)


@pytest.hookimpl(tryfirst=True)
def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector:
    """Take every folder, so that none becomes a package, whose `__init__.py` is imported."""
    return SpecFolder.from_parent(parent, path=path)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector:
    """Take a spec that was named, and stands in no folder of the session: pytest has no other files."""
    return SpecFile.of(parent, file_path)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Send a process of pytest-xdist what was asked for."""
    cases: Cases = node.config.pluginmanager.get_plugin(CASES)
    node.workerinput[CASES] = cases.asked()


def pytest_configure(config: pytest.Config) -> None:
    """Receive, in a process of pytest-xdist, what was asked for. Have `--lf` choose among cases, and not among files.

    Of a file whose name pytest can't keep, no file that it remembers is the one: it would be left out, with what failed in it.
    """
    if (chooses_files := config.pluginmanager.get_plugin("lfplugin-collwrapper")) is not None:
        config.pluginmanager.unregister(chooses_files)
    if (asked := getattr(config, "workerinput", {}).get(CASES)) is not None:
        config.pluginmanager.register(Cases.of(asked, os.environ), CASES)
