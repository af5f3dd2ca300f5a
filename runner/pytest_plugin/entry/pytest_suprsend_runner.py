"""The plugin of suprsend-runner for plain pytest: the project's files → those that are specs.

Specs are collected below the folders of the ini option `runner_specs`, and where one is named on the command line. A
project that has neither pays for the import of this file alone, which loads the standard library and pytest.

An installation has this file at the top level, as `pytest_suprsend_runner`, a name that no project has. The package
`runner` is imported where there is a spec to run, and not before: a project may have a `runner` of its own. There the
plugin is off, and its tests get what they import.
"""

from __future__ import annotations

import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.pytest_plugin.running_sandbox import SandboxSessions
    from runner.pytest_plugin.sandbox_session import SandboxSession

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
    group.addoption(
        "--runner-sandbox-url", metavar="URL", help="A running sandbox for the fixture; default RUNNER_SANDBOX_URL."
    )
    group.addoption("--runner-record-in-ci", action="store_true", help="Record although CI is set.")
    group.addoption("--runner-update", action="store_true", help="Write golden files anew.")
    group.addoption("--runner-profile", metavar="NAME", help="The profile of runner.yaml to record from.")
    group.addoption("--runner-config", metavar="FILE", help="Another file than runner.yaml.")


def pytest_configure(config: pytest.Config) -> None:
    """Let `pytest` without paths run the specs too, beside the `testpaths`."""
    folders = _folders(config)
    is_recording = config.getoption("runner_record") != "none"
    if (folders or is_recording) and (other := _other_runner()) is not None:
        raise pytest.UsageError(f"the cases of specs can't be run: {other}; `runner test` runs them")
    if is_recording:
        from runner.pytest_plugin.nodes import cases_of  # noqa: PLC0415 - only a project that asks for it pays for it

        cases_of(config).check(next(iter(folders), Path()))
    for folder in folders:
        if not folder.exists():
            raise pytest.UsageError(f"runner_specs: no such folder: {folder}")
        if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
            config.args.append(str(folder))


def pytest_report_header() -> list[str]:
    """Report why the plugin is off, if it is."""
    other = _other_runner()
    return [] if other is None else [f"suprsend-runner: off, because {other}"]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take a file that is one of our specs."""
    if file_path.suffix not in _SUFFIXES:
        return None
    is_asked_for = _is_below(_folders(parent.config), file_path)
    if not is_asked_for and not (parent.session.isinitpath(file_path) and _means_to_be_spec(file_path)):
        return None
    if _NODES not in sys.modules and (other := _other_runner()) is not None:
        if not is_asked_for:
            return None
        raise parent.CollectError(f"the cases of {file_path.name} can't be run: {other}; `runner test` runs them")
    from runner.pytest_plugin.nodes import SpecFile  # noqa: PLC0415

    return SpecFile.of(parent, file_path)


@pytest.fixture(scope="session")
def runner_sandbox_sessions(pytestconfig: pytest.Config) -> Iterator[SandboxSessions]:
    """Yield the sandbox of this process, for fixtures that live longer than a test: `.session()` makes a session."""
    if (other := _other_runner()) is not None:
        pytest.fail(f"runner_sandbox can't be used: {other}", pytrace=False)
    from runner.pytest_plugin.running_sandbox import sandbox_sessions  # noqa: PLC0415

    with sandbox_sessions(pytestconfig) as sessions:
        yield sessions


@pytest.fixture
def runner_sandbox(
    request: pytest.FixtureRequest, runner_sandbox_sessions: SandboxSessions
) -> Iterator[SandboxSession]:
    """Yield a session of a sandbox for one test of an application: its credentials, what arrived, and assertions."""
    with runner_sandbox_sessions.of(request.node) as session:
        yield session


_NODES = "runner.pytest_plugin.nodes"
_OURS = ("pytest_plugin/nodes.py", "suprsend/event.py")
"""Files that identify our package `runner` without importing it."""


def _other_runner() -> str | None:
    """Return a description of another module that Python imports as `runner`; None if it is our package."""
    try:
        found = find_spec("runner")
    except ValueError:  # a module without a specification
        return "'runner' is another module here"
    if found is None:
        return "there is no package 'runner' here"
    places = [Path(place) for place in found.submodule_search_locations or ()]
    if any(all((place / name).is_file() for name in _OURS) for place in places):
        return None
    return f"'runner' is {found.origin or next(iter(places), 'another module')} here"


def _folders(config: pytest.Config) -> list[Path]:
    return [Path(os.path.normpath(folder)) for folder in config.getini("runner_specs")]


def _is_below(folders: Iterable[Path], path: Path) -> bool:
    """Return whether a file is a spec by its path, by the rules of `runner validate`."""
    for folder in folders:
        if path == folder:
            return True
        if path.is_relative_to(folder):
            return path.name != _CONFIG_NAME and all(name[0] not in "_." for name in path.relative_to(folder).parts)
    return False


def _means_to_be_spec(path: Path) -> bool:
    """Return whether a file looks like a spec, without parsing it, so that invalid specs are reported too."""
    if path.name == _CONFIG_NAME or path.name[0] in "_.":
        return False
    try:
        return re.search(_SPEC_KEY, path.read_text("utf-8")) is not None
    except (OSError, UnicodeDecodeError):
        return False
