"""One session of pytest in this process, for `runner test`: cases → what became of each."""

from __future__ import annotations

import gc
from contextlib import redirect_stderr, redirect_stdout
from shlex import quote
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pytest

import runner.pytest_plugin
from runner.pytest_plugin.nodes import CASES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import TextIO

    from runner.pytest_plugin.nodes import Cases
    from runner.testing.collect import SpecCases

State = Literal["passed", "failed", "skipped", "xfailed"]


class CaseResult(NamedTuple):
    """What became of a case. `told` is what is wrong with it, in every form."""

    spec: str
    case: str
    state: State
    reason: str | None
    told: Sequence[Mapping[str, Any]]


class Ended(NamedTuple):
    """How a session of `run` ended."""

    status: int
    """pytest's own exit status."""
    codes: set[int]
    """What failures mean, as numbers of `ExitCode`."""
    cases: Sequence[CaseResult]
    refused: Sequence[Mapping[str, Any]]
    """What is wrong with specs whose cases could not be run, in every form."""
    specs: Sequence[SpecCases]
    """What was collected in this process."""
    was_interrupted: bool
    was_deselected: bool


def run(
    args: Sequence[str], specs: Iterable[Path], project: Path, cases: Cases, stdout: TextIO, stderr: TextIO
) -> Ended:
    """Run the cases of specs in a pytest of this process. `specs` are the folders and files of which `args` name some.

    What belongs to the project's Python tests stays away: `addopts`, conftest files, test modules. Its other settings
    and its plugins hold.
    """
    front = _Front(cases)
    folders = " ".join(quote(str(path)) for path in specs)
    own = [f"--rootdir={project}", "--assert=plain", "--noconftest"]
    for setting in ("addopts=", "python_files=", f"runner_specs={folders}"):
        own += ["-o", setting]
    try:
        with redirect_stdout(stdout), redirect_stderr(stderr):
            status = pytest.main([*own, *args], plugins=[front])
    finally:
        gc.unfreeze()
    results = list(front.results.values())
    return Ended(
        int(status), front.codes, results, front.refused, cases.specs, front.was_interrupted, front.was_deselected
    )


class _Front:
    """Hears what `runner test` has to tell, and makes sure that the plugin is there where none are loaded by themselves."""

    def __init__(self, cases: Cases) -> None:
        self.codes: set[int] = set()
        self.results: dict[str, CaseResult] = {}
        self.refused: list[Mapping[str, Any]] = []
        self.was_interrupted = self.was_deselected = False
        self._cases = cases

    def pytest_load_initial_conftests(self, early_config: pytest.Config) -> None:
        plugins = early_config.pluginmanager
        if not plugins.has_plugin(runner.pytest_plugin.__name__):
            plugins.register(runner.pytest_plugin, runner.pytest_plugin.__name__)
        plugins.register(self._cases, CASES)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and (told := getattr(report, "runner", None)):
            self.refused += told["told"]
            self.codes.add(told["code"])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and not report.failed and not report.skipped:
            return
        told = getattr(report, "runner", None)
        if told is None:
            return
        state: State = "failed" if report.failed else "passed"
        if report.skipped:
            state = "xfailed" if hasattr(report, "wasxfail") else "skipped"
        if report.failed:
            self.codes.add(told["code"])
        problems = told["told"] if report.failed else ()
        reason = told["reason"] if report.skipped else None
        self.results[report.nodeid] = CaseResult(told["spec"], told["case"], state, reason, problems)

    def pytest_collection_finish(self) -> None:
        gc.freeze()  # specs live to the end: walking through them again and again takes a fifth of the time

    def pytest_deselected(self) -> None:
        self.was_deselected = True

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        # pytest interrupts itself too, as when a spec can't be read.
        own = isinstance(excinfo.value, pytest.Session.Interrupted)
        self.was_interrupted = isinstance(excinfo.value, KeyboardInterrupt) and not own
