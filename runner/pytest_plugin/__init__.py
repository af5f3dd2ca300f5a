"""pytest's collection → cases → verdicts → pytest's reports.

Specs are collected below the folders of the ini option `runner_specs`, and where one is named on the command line. A
project that has neither pays for the import of this file alone, which loads the standard library and pytest.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

_SUFFIXES = (".yaml", ".yml")
_CONFIG_NAME = "runner.yaml"
_SPEC_KEY = r"""(?m)^["']?(event|distinct_id|extends)["']?[ \t]*:|\A\s*\{\s*"(version|name|event)"\s*:"""
"""What a file has that means to be a spec: one of its keys at the margin, or JSON that begins as specs do."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the folders of specs, and where the answers of cases come from."""
    parser.addini("runner_specs", "folders of event specs whose cases are run", type="paths", default=[])
    group = parser.getgroup("runner", "cases of event specs")
    modes = ("none", "once", "new_episodes", "rewrite")
    group.addoption("--runner-record", choices=modes, default="none", help="When to record cassettes; default never.")
    group.addoption("--runner-sandbox", action="store_true", help="Record from a sandbox on this machine.")
    group.addoption("--runner-record-in-ci", action="store_true", help="Record although CI is set.")
    group.addoption("--runner-update", action="store_true", help="Write golden files anew.")
    group.addoption("--runner-profile", metavar="NAME", help="The profile of runner.yaml to record from.")
    group.addoption("--runner-config", metavar="FILE", help="Another file than runner.yaml.")


def pytest_configure(config: pytest.Config) -> None:
    """Let `pytest` without paths run the specs too, beside the `testpaths`."""
    if config.getoption("runner_record") != "none":
        from runner.pytest_plugin.nodes import cases_of  # noqa: PLC0415 - only a project that asks for it pays for it

        cases_of(config).check(next(iter(_folders(config)), Path()))
    for folder in _folders(config):
        if not folder.exists():
            raise pytest.UsageError(f"runner_specs: no such folder: {folder}")
        if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
            config.args.append(str(folder))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take a file that is one of our specs."""
    if file_path.suffix not in _SUFFIXES:
        return None
    is_named = parent.session.isinitpath(file_path)
    if _is_below(_folders(parent.config), file_path) or (is_named and _means_to_be_spec(file_path)):
        from runner.pytest_plugin.nodes import SpecFile  # noqa: PLC0415

        return SpecFile.of(parent, file_path)
    return None


def _folders(config: pytest.Config) -> list[Path]:
    return [Path(os.path.normpath(folder)) for folder in config.getini("runner_specs")]


def _is_below(folders: Iterable[Path], path: Path) -> bool:
    """Tell whether a file is a spec by its place and name, as `runner validate` tells it."""
    for folder in folders:
        if path == folder:
            return True
        if path.is_relative_to(folder):
            return path.name != _CONFIG_NAME and all(name[0] not in "_." for name in path.relative_to(folder).parts)
    return False


def _means_to_be_spec(path: Path) -> bool:
    """Tell one of our specs from somebody else's YAML without parsing it: of a broken one people want to be told."""
    if path.name == _CONFIG_NAME or path.name[0] in "_.":
        return False
    try:
        return re.search(_SPEC_KEY, path.read_text("utf-8")) is not None
    except (OSError, UnicodeDecodeError):
        return False
