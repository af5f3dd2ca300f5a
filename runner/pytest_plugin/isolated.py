"""The plugin that replaces a project's settings in the pytest of `runner test`, also in processes of pytest-xdist.

Folders are nodes that contain only specs: no Python is imported, no text is read as a doctest, and no name or file of a
project hides a spec that `runner validate` checks.
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
    """A folder with specs, or above a named one."""

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
    """Collect every folder here, so that none becomes a package whose `__init__.py` is imported."""
    return SpecFolder.from_parent(parent, path=path)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector:
    """Collect a named spec outside the folders of the session, and no other files."""
    return SpecFile.of(parent, file_path)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Send the settings to a process of pytest-xdist."""
    cases: Cases = node.config.pluginmanager.get_plugin(CASES)
    node.workerinput[CASES] = cases.settings()


def pytest_configure(config: pytest.Config) -> None:
    """Receive the settings in a process of pytest-xdist. Let `--lf` select cases, not files.

    A file whose name pytest can't store matches no stored file, so its failed cases would be skipped.
    """
    if (chooses_files := config.pluginmanager.get_plugin("lfplugin-collwrapper")) is not None:
        config.pluginmanager.unregister(chooses_files)
    if (settings := getattr(config, "workerinput", {}).get(CASES)) is not None:
        config.pluginmanager.register(Cases.of(settings, os.environ), CASES)
