"""Specs and cases as nodes of pytest's tree. Loaded with the first spec."""

from __future__ import annotations

import logging
import os
import warnings
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.errors import ExitCode, Problem, RunnerError
from runner.project import project_of
from runner.project.files import as_unicode
from runner.pytest_plugin.reported import joined_texts, report_of
from runner.report.style import name_of
from runner.secrets import Mask
from runner.testing.answers import Options, answers_for, is_ci
from runner.testing.collect import collect
from runner.testing.verdict import run_case

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from runner.cases import Step
    from runner.testing.answers import Answers
    from runner.testing.case_ref import CaseRef
    from runner.testing.collect import SpecCases
    from runner.workflows.coverage import Part
    from runner.workflows.story import Line

    Settings: TypeAlias = tuple[dict[str, Any], str, bool, dict[str, list[str]]]


CASES = "runner-cases"
"""The name of the plugin with a session's `Cases`."""


class SpecFile(pytest.File):
    """The node of a spec's file."""

    reports: list[dict[str, Any]]
    """Reports of the problems that keep its cases from running."""

    @classmethod
    def of(cls, parent: pytest.Collector, path: Path) -> SpecFile:
        """Make the node of a spec's file. Its name is escaped, because pytest prints it unchanged."""
        node: SpecFile = cls.from_parent(parent, path=path)
        if (shown := one_part(name_of(node.nodeid))) != node.nodeid:
            shown = shown.replace("[", r"\x5b")  # pytest splits a given id at these
            node = cls.from_parent(parent, path=path, name=name_of(node.name), nodeid=shown)
        node.reports = []
        return node

    def collect(self) -> list[pytest.Item]:
        """Return its cases. Raises CollectError with the problems of the spec."""
        cases = cases_of(self.config)
        path = _from_here(self.path, self.config)
        mask = Mask()
        try:
            mask = cases.answers(path.parent).mask
            with _short_interrupts():
                found = collect(path, project_of(self.path), cases.config)
        except RunnerError as error:
            raise self._refused(error.problems, mask) from None
        mask = mask.with_values(found.secrets)
        errors = [problem for problem in found.problems if problem.severity == "error"]
        if errors:
            raise self._refused(errors, mask)
        for warning in found.problems:
            self._show(warning, mask)
        cases.specs.append(found)
        return [CaseItem.of(self, ref, cases, mask) for ref in found.cases if cases.chooses(self.path, ref)]

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:  # type: ignore[override]
        """Return the problems of the spec, without a traceback."""
        return str(excinfo.value) if self.reports else super().repr_failure(excinfo)

    def _refused(self, problems: Iterable[Problem], mask: Mask) -> pytest.Collector.CollectError:
        self.reports = [report_of(problem, mask, cases_of(self.config).workspace) for problem in problems]
        return self.CollectError(joined_texts(self.reports))

    def _show(self, warning: Problem, mask: Mask) -> None:
        """Add a warning to pytest's summary; filters do not turn it into an error."""
        place = warning.position
        shown = warnings.WarningMessage(
            pytest.PytestWarning(f"{warning.code}: {name_of(mask.text(warning.message))}"),
            pytest.PytestWarning,
            name_of(place.path if place else str(self.path)),
            place.line if place else 1,
            line="",  # otherwise the line is read from the file, which may contain secrets
        )
        self.config.hook.pytest_warning_recorded.call_historic(
            kwargs={"warning_message": shown, "when": "collect", "nodeid": self.nodeid, "location": None}
        )


class CaseItem(pytest.Item):
    """The node of a case."""

    ref: CaseRef
    cases: Cases
    mask: Mask
    reports: list[dict[str, Any]]
    """Reports of its problems, after it has run."""
    code: int
    reached: list[Part]
    messages: list[str]
    sizes: list[int]
    story: list[Line]
    """What its verdict has, after it has run."""
    left_out: str | None
    """Why it is skipped."""
    labels: tuple[pytest.Mark, ...]

    @classmethod
    def of(cls, parent: SpecFile, ref: CaseRef, cases: Cases, mask: Mask) -> CaseItem:
        """Make the node of a case, with its `skip` and `xfail` as marks.

        The id is set explicitly: pytest 9.2 builds another one from a name with brackets than it reads back, and `--lf` would
        skip the case.
        """
        name = node_name(ref.case.name)
        node: CaseItem = cls.from_parent(parent, name=name, nodeid=f"{parent.nodeid}::{name}")
        node.ref, node.cases, node.mask, node.reports, node.code = ref, cases, mask, [], 0
        node.reached, node.messages, node.sizes, node.story = [], [], [], []
        node.labels = tuple(cases.mark(label, node.config) for label in ref.case.labels)
        node.left_out = ref.case.skip or cases.not_live(ref)
        if node.left_out is not None:
            node.add_marker(pytest.mark.skip(reason=name_of(node.left_out)))
        if ref.case.xfail is not None:  # a bug of runner is not the expected failure
            reason = name_of(ref.case.xfail)
            node.add_marker(pytest.mark.xfail(reason=reason, strict=True, raises=pytest.fail.Exception))
        return node

    def iter_markers(self, name: str | None = None) -> Iterator[pytest.Mark]:
        """Yield its marks, and without a name also its labels, by which `-m` and `-k` select.

        A plugin that looks for its own mark, such as `timeout` or `flaky`, must not find a label with that name.
        """
        yield from super().iter_markers(name)
        yield from self.labels if name is None else ()

    def runtest(self) -> None:
        """Run the case. Raises `pytest.fail.Exception` with the text of its problems."""
        with _unlogged(), _short_interrupts():
            verdict = run_case(self.ref, self.cases.answers(self.ref.path.parent), update=self.cases.update)
        mask = self.mask.with_values(verdict.secrets)
        self.reached = sorted(verdict.reached)
        self.messages = [name_of(mask.text(message)) for message in verdict.messages]
        self.sizes = [*verdict.sizes]
        self.story = [line._replace(text=name_of(mask.text(line.text))) for line in verdict.story]
        self.user_properties += [("message", message) for message in self.messages]
        if verdict.problems:
            self.reports = [report_of(problem, mask, self.cases.workspace, self.ref) for problem in verdict.problems]
            self.code = int(verdict.code)
            pytest.fail(joined_texts(self.reports), pytrace=False)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> str:  # type: ignore[override]
        """Return the problems of the case; of a bug, a short traceback without arguments, which may be secret."""
        if self.reports:
            return str(excinfo.value)
        steps = super().repr_failure(excinfo, "short")  # a longer one has the arguments of functions
        last = excinfo.traceback[-1]
        text = self.mask.text(f"{Path(last.path).name}:{last.lineno + 1}: {excinfo.exconly()}\n{steps}")
        return "\n".join(map(name_of, text.split("\n")))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return path, line and heading for pytest's report; the path is that of the node's id."""
        place = self.config.rootpath / self.parent.nodeid if self.parent is not None else self.path
        return place, self.ref.case.node.position().line - 1, f"{name_of(self.path.name)}: {self.name}"


def node_name(case: str) -> str:
    r"""Return the name of a case's node: escaped for output, and a single part of an id.

    >>> node_name("Order::paid")
    'Order:\\x3apaid'
    """
    return one_part(name_of(case))


def one_part(text: str) -> str:
    """Escape a text so that pytest reads it as one part of an id."""
    return text.replace("::", r":\x3a")


def named_cases(text: str, refs: Sequence[CaseRef]) -> frozenset[str]:
    """Return the cases with this name, with this name in pytest's reports, or of this group."""
    for of in (lambda case: case.name, lambda case: node_name(case.name), lambda case: case.group):
        if names := frozenset(ref.case.name for ref in refs if of(ref.case) == text):
            return names
    return frozenset()


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep a server's texts out of pytest's captured logs, which are not masked."""
    logger = logging.getLogger("runner.suprsend")
    logger.addFilter(_refuse_all)
    try:
        yield
    finally:
        logger.removeFilter(_refuse_all)


@contextmanager
def _short_interrupts() -> Iterator[None]:
    """Let Ctrl-C end a session wherever it meets a template.

    pytest makes a text of each step of the traceback, and fails at one of a program that was made of a template: Python 3.11
    has no line for the jump back to the beginning of a loop.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt from None


def _refuse_all(_: logging.LogRecord) -> bool:
    return False


class Cases:
    """The shared state of a session's cases. Its hooks run for every test, so it is registered with the first spec."""

    def __init__(
        self,
        options: Options,
        environ: Mapping[str, str],
        today: date,
        *,
        update: bool,
        chosen: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self.specs: list[SpecCases] = []
        self.update = update
        self._chosen = chosen or {}
        self.workspace = environ.get("GITHUB_WORKSPACE")
        """The folder of the repository in a workflow: annotations are relative to it."""
        self.config = options.config
        self._options = options
        self._environ = environ
        self._today = today
        self._answers: dict[Path, Answers] = {}
        self._labels: set[str] = set()

    @classmethod
    def of(cls, settings: Settings, environ: Mapping[str, str]) -> Cases:
        """Return the state of another process from its `settings`."""
        options, today, update, chosen = settings
        config = options["config"]
        options = options | {"config": Path(config) if config else None}
        return cls(Options(**options), environ, date.fromisoformat(today), update=update, chosen=chosen)

    def settings(self) -> Settings:
        """Return the settings of the session as plain values."""
        options = asdict(self._options)
        options |= {"config": options["config"] and str(options["config"])}
        return (
            options,
            self._today.isoformat(),
            self.update,
            {path: list(names) for path, names in self._chosen.items()},
        )

    def chooses(self, path: Path, ref: CaseRef) -> bool:
        """Return whether a case is selected: all of a file are, unless some were named."""
        names = self._chosen.get(os.path.realpath(path))
        return names is None or ref.case.name in names

    def not_live(self, ref: CaseRef) -> str | None:
        """Return why a live run leaves a case out; None if it does not."""
        if not self._options.live:
            return None
        if not ref.case.expects_messages:
            return "it expects no messages"
        if any(step.since for step in ref.case.steps):
            return "it lets time pass between its steps"
        if not any(map(_waits, ref.case.steps)):
            return "its messages come later than a live run waits"
        return None

    def answers(self, folder: Path) -> Answers:
        """Return the source of answers for the specs of a folder. Raises the errors of `answers_for`."""
        if folder not in self._answers:
            self._answers[folder] = answers_for(self._options, folder, self._environ, self._today)
        return self._answers[folder]

    def check(self, folder: Path) -> None:
        """Raise pytest.UsageError for a recording that is not allowed or has no target."""
        try:
            self.answers(folder)
        except RunnerError as error:
            raise pytest.UsageError(str(error)) from None

    def mark(self, label: str, config: pytest.Config) -> pytest.Mark:
        """Return the mark of a label, declared so that `--strict-markers` knows it."""
        if label not in self._labels:
            self._labels.add(label)
            config.addinivalue_line("markers", f"{label}: a label of specs")
        mark: pytest.Mark = getattr(pytest.mark, label).mark
        return mark

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Let `-k` select a case by its whole name, with spaces, or all cases of a `parametrize:`."""
        name = config.option.keyword
        if not name or name.isidentifier():
            return
        cases = [item for item in items if isinstance(item, CaseItem)]
        chosen_names = named_cases(name, [item.ref for item in cases])
        named = [item for item in cases if item.ref.case.name in chosen_names]
        if named:
            config.option.keyword = ""
            chosen = set(named)
            config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
            items[:] = named

    def pytest_exception_interact(
        self, node: pytest.Item | pytest.Collector, call: pytest.CallInfo[Any], report: pytest.CollectReport
    ) -> None:
        """Add the problems of a spec to its report, if its cases can't be run."""
        if isinstance(node, SpecFile):
            code = ExitCode.INVALID if node.reports else ExitCode.BUG
            reports = node.reports or [report_of(_bug(call), Mask(), None)]
            report.runner = {"reports": reports, "code": int(code)}  # type: ignore[attr-defined]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add the result of a case to its report, as plain values that can be sent to another process."""
        report = yield
        if isinstance(item, CaseItem):
            case = item.ref.case
            if report.failed and not item.reports:
                item.reports, item.code = _unforeseen(item, call)
            report.runner = {  # type: ignore[attr-defined]
                "spec": as_unicode(str(item.ref.path)),
                "case": case.name,
                "group": case.group,
                "reason": item.left_out if report.skipped and item.left_out else case.xfail,
                "reports": item.reports,
                "code": item.code,
                "reached": item.reached,
                "messages": item.messages,
                "sizes": item.sizes,
                "story": [tuple(line) for line in item.story],
            }
        return report


def _waits(step: Step) -> bool:
    """Return whether a live run waits for messages of a step, or for their absence."""
    messages = step.expect.get("messages") if step.expect is not None else None
    exactly = step.expect.get("exactly") if step.expect is not None else None
    if messages is None:
        return False
    is_exact = not messages.items or (exactly is not None and exactly.value is True)
    return is_exact or any("after" not in item.entries for item in messages.items)


def _unforeseen(item: CaseItem, call: pytest.CallInfo[None]) -> tuple[list[dict[str, Any]], int]:
    """Return the report of a failure without a verdict: a case marked `xfail` passed, or runner has a bug."""
    case = item.ref.case
    if call.excinfo is None:
        node = case.node.get("xfail") or case.node
        problem = Problem("case-passed", f"expected to fail ({case.xfail}), but it passed", node.position(), at="xfail")
        return [report_of(problem, item.mask, item.cases.workspace, item.ref)], int(ExitCode.REFUSED)
    return [report_of(_bug(call), item.mask, item.cases.workspace, item.ref)], int(ExitCode.BUG)


def _bug(call: pytest.CallInfo[Any]) -> Problem:
    error = call.excinfo
    return Problem("bug", f"{error.typename}: {error.value}" if error else "unknown")


def cases_of(config: pytest.Config) -> Cases:
    """Return the shared state of this session's cases."""
    cases: Cases | None = config.pluginmanager.get_plugin(CASES)
    if cases is None:
        given = config.option
        records_nothing = is_ci(os.environ) and not given.runner_record_in_ci
        file = Path(given.runner_config) if given.runner_config else None
        options = Options(given.runner_record, given.runner_sandbox, given.runner_profile, file, records_nothing)
        cases = Cases(options, os.environ, datetime.now(UTC).date(), update=given.runner_update)
        config.pluginmanager.register(cases, CASES)
    return cases


def _from_here(path: Path, config: pytest.Config) -> Path:
    """Return a path relative to the folder in which pytest was called, if it lies below."""
    here = config.invocation_params.dir
    return path.relative_to(here) if path.is_relative_to(here) else path
