"""One session of pytest in this process, for `runner test`: cases → their results."""

from __future__ import annotations

import gc
import os
import re
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from runner.pytest_plugin import isolated
from runner.pytest_plugin.nodes import CASES
from runner.report.style import as_ours
from runner.testing.results import CaseResult, CaseRun
from runner.workflows.story import Line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import TextIO

    from runner.pytest_plugin.nodes import Cases
    from runner.testing.results import State
    from runner.workflows.coverage import Part


def run(args: Sequence[str], root: Path, cases: Cases, cache: Path | None, stdout: TextIO, stderr: TextIO) -> CaseRun:
    """Run the cases of specs below `root` in a pytest of this process; `args` name them, and may have other arguments of pytest.

    `stdout` and `stderr` escape their input; the colors of pytest are marked for that.

    The project's Python tests are ignored: their settings, conftest files and modules, and all plugins except those in
    `args`. `cache` is the folder for pytest's list of failed cases.
    """
    front = _Front(cases)
    own = ["-c", os.devnull, f"--rootdir={root}", f"--confcutdir={root}", "--noconftest", "--assert=plain"]
    own += ["-p", isolated.__name__, "-p", "no:doctest", "-p", "no:debugging"]  # a debugger reads ./.pdbrc
    own += ["--code-highlight=no"]  # another program, whose colors could not be distinguished from those in data
    own += ["--collect-in-virtualenv", "-o", "norecursedirs="]
    own += ["-p", "no:cacheprovider"] if cache is None else ["-o", f"cache_dir={cache}"]
    if any(map(_ASKS_FOR_XDIST.match, args)) and find_spec("xdist") is not None:
        own += ["-p", "xdist"]
    try:
        with redirect_stdout(stdout), redirect_stderr(stderr), _own_environment():
            status = pytest.main([*own, *args], plugins=[front])
    finally:
        gc.unfreeze()
    results = list(front.results.values())
    return CaseRun(
        int(status),
        front.codes,
        results,
        front.refused,
        front.unread,
        cases.specs,
        front.reached,
        front.was_interrupted,
        front.was_deselected,
    )


_ASKS_FOR_XDIST = re.compile(r"-[a-zA-Z]*n|--(?:numprocesses|dist|tx)\b")


@contextmanager
def _own_environment() -> Iterator[None]:
    """Hide the settings of the project's Python tests, and the working directory from processes of xdist."""
    own = {
        "PYTEST_ADDOPTS": None,
        "PYTEST_PLUGINS": None,
        "PY_COLORS": None,
        "FORCE_COLOR": None,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONSAFEPATH": "1",
    }
    before = {name: os.environ.get(name) for name in own}
    try:
        _set(own)
        yield
    finally:
        _set(before)


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


class _Front:
    """Collects the results for `runner test`."""

    def __init__(self, cases: Cases) -> None:
        self.codes: set[int] = set()
        self.results: dict[tuple[str, str], CaseResult] = {}
        """By spec and case, since two escaped names of pytest may be equal."""
        self.refused: list[Mapping[str, Any]] = []
        self.unread = 0
        self.reached: set[Part] = set()
        self.was_interrupted = self.was_deselected = False
        self._cases = cases

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        writer = config.get_terminal_writer()
        pytests_own = writer.markup

        def markup(text: str, **styles: bool) -> str:
            before, after = pytests_own("|", **styles).split("|")
            return f"{as_ours(before)}{text}{as_ours(after)}"

        writer.markup = markup  # type: ignore[method-assign]

    def pytest_load_initial_conftests(self, early_config: pytest.Config) -> None:
        early_config.pluginmanager.register(self._cases, CASES)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and (result := getattr(report, "runner", None)):
            self.refused += result["reports"]
            self.unread += 1
            self.codes.add(result["code"])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and not report.failed and not report.skipped:
            return
        result = getattr(report, "runner", None)
        if result is None:
            return
        state: State = "failed" if report.failed else "passed"
        if report.skipped:
            state = "xfailed" if hasattr(report, "wasxfail") else "skipped"
        if report.failed:
            self.codes.add(result["code"])
        reports = result["reports"] if report.failed else ()
        reason = result["reason"] if report.skipped else None
        self.reached.update(map(tuple, result["reached"]))
        self.results[result["spec"], result["case"]] = CaseResult(
            result["spec"],
            result["case"],
            state,
            reason,
            reports,
            result["messages"],
            report.duration,
            result["sizes"],
            [Line(*line) for line in result["story"]],
            report.stop,
            result["group"],
        )

    def pytest_collection_finish(self) -> None:
        gc.freeze()  # specs live to the end, and collecting garbage among them takes a fifth of the time

    def pytest_deselected(self) -> None:
        self.was_deselected = True

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        # pytest interrupts itself too, as when a spec can't be read.
        own = isinstance(excinfo.value, pytest.Session.Interrupted)
        self.was_interrupted = isinstance(excinfo.value, KeyboardInterrupt) and not own
