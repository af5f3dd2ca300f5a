"""Specs and cases as nodes of pytest's tree. Loaded with the first spec."""

from __future__ import annotations

import logging
import os
import re
import warnings
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.errors import ExitCode, Problem, RunnerError
from runner.problems import ENTRIES, Trait
from runner.project import project_of
from runner.project.files import as_unicode
from runner.report import as_json, as_text
from runner.report.problems import as_annotation
from runner.report.style import name_of, without_commands
from runner.secrets import Mask
from runner.testing.answers import Options, answers_for, is_ci
from runner.testing.collect import collect
from runner.testing.verdict import run_case

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from runner.errors import Position
    from runner.testing.answers import Answers
    from runner.testing.collect import SpecCases
    from runner.testing.verdict import CaseRef

    Asked: TypeAlias = tuple[dict[str, Any], str, bool, dict[str, list[str]]]

CASES = "runner-cases"
"""The name under which a session's `Cases` are registered."""


class SpecFile(pytest.File):
    """A spec."""

    told: list[dict[str, Any]]
    """What keeps its cases from being run."""

    @classmethod
    def of(cls, parent: pytest.Collector, path: Path) -> SpecFile:
        """Make the node of a spec's file. pytest prints its name as it is: so it is one that nothing obeys."""
        node: SpecFile = cls.from_parent(parent, path=path)
        if (shown := one_part(name_of(node.nodeid))) != node.nodeid:
            shown = shown.replace("[", r"\x5b")  # pytest takes a given id apart at these
            node = cls.from_parent(parent, path=path, name=name_of(node.name), nodeid=shown)
        node.told = []
        return node

    def collect(self) -> list[pytest.Item]:
        """Give its cases. Raises CollectError that tells what is wrong with it."""
        cases = cases_of(self.config)
        path = _from_here(self.path, self.config)
        mask = Mask()
        try:
            mask = cases.answers(path.parent).mask
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
        """Show what is wrong with a spec, and no more."""
        return str(excinfo.value) if self.told else super().repr_failure(excinfo)

    def _refused(self, problems: Iterable[Problem], mask: Mask) -> pytest.Collector.CollectError:
        self.told = [_told(problem, mask, cases_of(self.config).workspace) for problem in problems]
        return self.CollectError(_text(self.told))

    def _show(self, warning: Problem, mask: Mask) -> None:
        """Put a warning among those that pytest shows at the end; no filter makes it an error."""
        place = warning.position
        shown = warnings.WarningMessage(
            pytest.PytestWarning(f"{warning.code}: {name_of(mask.text(warning.message))}"),
            pytest.PytestWarning,
            name_of(place.path if place else str(self.path)),
            place.line if place else 1,
            line="",  # else the line is read from the file, whatever stands in it
        )
        self.config.hook.pytest_warning_recorded.call_historic(
            kwargs={"warning_message": shown, "when": "collect", "nodeid": self.nodeid, "location": None}
        )


class CaseItem(pytest.Item):
    """A case."""

    ref: CaseRef
    cases: Cases
    mask: Mask
    told: list[dict[str, Any]]
    """What is wrong with it, once it has run."""
    code: int
    labels: tuple[pytest.Mark, ...]

    @classmethod
    def of(cls, parent: SpecFile, ref: CaseRef, cases: Cases, mask: Mask) -> CaseItem:
        """Make the node of a case, with its `skip` and `xfail` as marks.

        Its id is the text that pytest keeps: one that pytest 9.2 builds from a name with brackets is another than the
        one that it reads again, and `--lf` would leave the case out.
        """
        name = node_name(ref.case.name)
        node: CaseItem = cls.from_parent(parent, name=name, nodeid=f"{parent.nodeid}::{name}")
        node.ref, node.cases, node.mask, node.told, node.code = ref, cases, mask, [], 0
        node.labels = tuple(cases.mark(label, node.config) for label in ref.case.labels)
        if ref.case.skip is not None:
            node.add_marker(pytest.mark.skip(reason=name_of(ref.case.skip)))
        if ref.case.xfail is not None:  # a bug of ours is no failure that anybody expects
            reason = name_of(ref.case.xfail)
            node.add_marker(pytest.mark.xfail(reason=reason, strict=True, raises=pytest.fail.Exception))
        return node

    def iter_markers(self, name: str | None = None) -> Iterator[pytest.Mark]:
        """Yield its marks, and where every mark is asked for its labels too: `-m` and `-k` select by them.

        To a plugin that looks for a mark of its own, such as `timeout` or `flaky`, a label of that name is none.
        """
        yield from super().iter_markers(name)
        yield from self.labels if name is None else ()

    def runtest(self) -> None:
        """Run the case. Raises `pytest.fail.Exception` with the text of all that is wrong."""
        with _unlogged():
            verdict = run_case(self.ref, self.cases.answers(self.ref.path.parent), update=self.cases.update)
        if verdict.problems:
            mask = self.mask.with_values(verdict.secrets)
            self.told = [_told(problem, mask, self.cases.workspace, self.ref) for problem in verdict.problems]
            self.code = int(verdict.code)
            pytest.fail(_text(self.told), pytrace=False)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> str:  # type: ignore[override]
        """Show what is wrong with a case, and nothing of what this program had at hand: secrets may be among it."""
        if self.told:
            return str(excinfo.value)
        steps = super().repr_failure(excinfo, "short")  # a longer one has what functions were given
        last = excinfo.traceback[-1]
        text = self.mask.text(f"{Path(last.path).name}:{last.lineno + 1}: {excinfo.exconly()}\n{steps}")
        return "\n".join(map(name_of, text.split("\n")))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Say where it stands, and how its failure is headed. pytest prints both: the place is the one of the node's id."""
        place = self.config.rootpath / self.parent.nodeid if self.parent is not None else self.path
        return place, self.ref.case.node.position().line - 1, f"{name_of(self.path.name)}: {self.name}"


def node_name(case: str) -> str:
    r"""Return the name of a case's node: harmless where pytest prints it, and one part of an id.

    >>> node_name("Order::paid")
    'Order:\\x3apaid'
    """
    return one_part(name_of(case))


def one_part(text: str) -> str:
    """Write a text so that pytest takes it for one part of an id."""
    return text.replace("::", r":\x3a")


def named_cases(text: str, refs: Sequence[CaseRef]) -> frozenset[str]:
    """List the cases that a text names: the one of this name, or of this name in pytest's reports, or a whole group."""
    for of in (lambda case: case.name, lambda case: node_name(case.name), lambda case: case.group):
        if names := frozenset(ref.case.name for ref in refs if of(ref.case) == text):
            return names
    return frozenset()


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep what a server says out of pytest's captured logs: it may repeat a secret, and the mask is not asked there."""
    logger = logging.getLogger("runner.suprsend")
    logger.addFilter(_refuse_all)
    try:
        yield
    finally:
        logger.removeFilter(_refuse_all)


def _refuse_all(_: logging.LogRecord) -> bool:
    return False


class Cases:
    """What the cases of a session share. It hears of every test, so it is registered with the first spec."""

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
    def of(cls, asked: Asked, environ: Mapping[str, str]) -> Cases:
        """Make what another process shares, of what that has `asked`."""
        options, today, update, chosen = asked
        config = options["config"]
        options = options | {"config": Path(config) if config else None}
        return cls(Options(**options), environ, date.fromisoformat(today), update=update, chosen=chosen)

    def asked(self) -> Asked:
        """Say what was asked for, in plain values."""
        options = asdict(self._options)
        options |= {"config": options["config"] and str(options["config"])}
        return (
            options,
            self._today.isoformat(),
            self.update,
            {path: list(names) for path, names in self._chosen.items()},
        )

    def chooses(self, path: Path, ref: CaseRef) -> bool:
        """Return whether a case of a file is run: all of the file are, unless some were named."""
        names = self._chosen.get(os.path.realpath(path))
        return names is None or ref.case.name in names

    def answers(self, folder: Path) -> Answers:
        """Give where answers come from for the specs of a folder. Raises what `answers_for` does."""
        if folder not in self._answers:
            self._answers[folder] = answers_for(self._options, folder, self._environ, self._today)
        return self._answers[folder]

    def check(self, folder: Path) -> None:
        """Make sure that a recording may be and has somewhere to come from. Raises pytest.UsageError."""
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
        """Let `-k` take the whole name of a case, or of several that `parametrize:` makes; there may be spaces in it."""
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
        """Add to the report of a spec whose cases can't be run what is wrong with it."""
        if isinstance(node, SpecFile):
            code = ExitCode.INVALID if node.told else ExitCode.BUG
            told = node.told or [_told(_bug(call), Mask(), None)]
            report.runner = {"told": told, "code": int(code)}  # type: ignore[attr-defined]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add to the report of a case what became of it, in plain values: it may go to another process."""
        report = yield
        if isinstance(item, CaseItem):
            case = item.ref.case
            if report.failed and not item.told:
                item.told, item.code = _unforeseen(item, call)
            report.runner = {  # type: ignore[attr-defined]
                "spec": as_unicode(str(item.ref.path)),
                "case": case.name,
                "reason": case.skip if report.skipped and case.skip else case.xfail,
                "told": item.told,
                "code": item.code,
            }
        return report


def _unforeseen(item: CaseItem, call: pytest.CallInfo[None]) -> tuple[list[dict[str, Any]], int]:
    """Tell of a failure that no verdict names: a case that was marked to fail passed, or there is a bug."""
    case = item.ref.case
    if call.excinfo is None:
        node = case.node.get("xfail") or case.node
        problem = Problem("case-passed", f"expected to fail ({case.xfail}), but it passed", node.position(), at="xfail")
        return [_told(problem, item.mask, item.cases.workspace, item.ref)], int(ExitCode.REFUSED)
    return [_told(_bug(call), item.mask, item.cases.workspace, item.ref)], int(ExitCode.BUG)


def _bug(call: pytest.CallInfo[Any]) -> Problem:
    error = call.excinfo
    return Problem("bug", f"{error.typename}: {error.value}" if error else "unknown")


def cases_of(config: pytest.Config) -> Cases:
    """Give what the cases of this session share."""
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
    """Write a path the way people would where they called pytest."""
    here = config.invocation_params.dir
    return path.relative_to(here) if path.is_relative_to(here) else path


def _told(problem: Problem, mask: Mask, workspace: str | None, ref: CaseRef | None = None) -> dict[str, Any]:
    """Return a problem in every form, masked, in texts that can be sent to another process.

    An annotation needs a place: without one of its own, it stands at its case. What differs from a cassette was changed
    in the spec: there it stands, at the value that differs.
    """
    told = {key: as_unicode(value) if isinstance(value, str) else value for key, value in as_json(problem).items()}
    placed = problem
    if ref is not None and (problem.position is None or Trait.OF_SPEC in ENTRIES[problem.code].traits):
        placed = replace(problem, position=_place_in_spec(ref, problem.at or ""))
    return {
        "text": without_commands(as_text(problem, mask=mask)),
        "json": mask.texts(told),
        "annotation": as_annotation(placed, mask, workspace),
    }


def _place_in_spec(ref: CaseRef, at: str) -> Position:
    """Find the value of an event in its spec, or the nearest one that it is below; else its case."""
    found = root = ref.spec.root
    for key in re.findall(r"[^.\[\]$]+", at):
        if (below := found.get(key)) is None:
            break
        found = below
    return (ref.case.node if found is root else found).position()


def _text(told: Iterable[Mapping[str, Any]]) -> str:
    return "\n\n".join(each["text"] for each in told)
