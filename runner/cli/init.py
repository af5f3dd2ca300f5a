"""`runner init`: a first project that works. What is there already stays as it is."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from runner import __version__
from runner.config import load_profile
from runner.errors import ExitCode, MachineError, Problem, RunnerError, UsageError
from runner.report import Format
from runner.secrets import Mask
from runner.source import open_file
from runner.source.document import MAX_BYTES
from runner.spec import project_of
from runner.spec.files import SPECS
from runner.testing.answers import Answers
from runner.testing.collect import collect
from runner.testing.verdict import run_case
from runner.writing import create

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.cli.world import Session

_STARTER = Path(__file__).with_name("starter")
_SPEC = "order-placed.yaml"
_NEXT = (
    ("runner validate specs/", "finds every fault of every spec"),
    ("runner test specs/", "replays the cases from their cassettes, with no network"),
    (f"runner send specs/{_SPEC} --var user=u1 --sandbox", "sends the event to a server on this machine"),
)


class _File(NamedTuple):
    path: Path
    state: Literal["written", "kept"]


def init(session: Session, folder: Path) -> ExitCode:
    """Write what is missing of a first project. Its cassette is recorded here and now, from a sandbox.

    No file is overwritten: one that is there is told and kept.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise UsageError(Problem("usage", f"{folder} is no folder", hint="runner init takes the folder of a project"))
    home = folder.resolve()
    root = _made(home)
    files = [
        _File(path, "written" if create(path, text.encode(), root) else "kept") for path, text in _texts(home, root)
    ]
    spec = home / SPECS / _SPEC
    if _text(spec) == (_STARTER / _SPEC).read_text("utf-8"):  # a spec of somebody's own has cases of its own
        files += _recorded(session, spec, root)
    _tell(session, home, files)
    return ExitCode.OK


def _made(home: Path) -> Path:
    """Make the folder of the project; return the project's root."""
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MachineError(Problem("output-refused", f"can't make {home}: {error.strerror}")) from None
    return _root(home)


def _texts(home: Path, root: Path) -> Iterator[tuple[Path, str]]:
    yield home / "runner.yaml", (_STARTER / "runner.yaml").read_text("utf-8")
    yield home / SPECS / _SPEC, (_STARTER / _SPEC).read_text("utf-8")
    if _pytest_settings(home) in (None, home / "pytest.ini"):  # a second one would take the first one's place
        yield home / "pytest.ini", (_STARTER / "pytest.ini").read_text("utf-8")
    # GitHub reads workflows at the root of a repository alone.
    workflow = (_STARTER / "notifications.yml").read_text("utf-8").replace("@VERSION@", __version__)
    if home != root:
        below = f"defaults:\n  run:\n    working-directory: {home.relative_to(root).as_posix()}\n\njobs:\n"
        workflow = workflow.replace("jobs:\n", below, 1)
    yield root / ".github" / "workflows" / "notifications.yml", workflow


def _text(path: Path) -> str | None:
    """Return the text of a file that may be somebody else's, or the beginning of a long one; None if it can't be read."""
    try:
        with open_file(path) as file:
            return file.read(MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return None


def _root(home: Path) -> Path:
    """Find the root of the project: of the repository, if there is one."""
    project = project_of(home)
    return project if (project / ".git").exists() else home


def _pytest_settings(home: Path) -> Path | None:
    """Find the file that pytest takes its settings from."""
    for name, section in _PYTEST_FILES.items():
        path = home / name
        text = _text(path)
        if text is not None and re.search(rf"^{section}", text, re.MULTILINE):
            return path
    return None


_PYTEST_FILES = {
    "pytest.toml": "",
    ".pytest.toml": "",
    "pytest.ini": "",
    ".pytest.ini": "",
    "pyproject.toml": r"\[tool\.pytest\b",
    "tox.ini": r"\[pytest\]",
    "setup.cfg": r"\[tool:pytest\]",
}
"""Where pytest looks for its settings, and what in a file says that they are there; of the first four the name does."""


def _recorded(session: Session, spec: Path, root: Path) -> Iterator[_File]:
    """Record what the cases have no cassette for."""
    rules = load_profile(start=spec, config=session.settings.config).sandbox_rules()
    answers = Answers("rewrite", session.world.clock().date(), Mask(), rules)
    for ref in collect(spec, root).cases:
        if not ref.asks_for_answer:
            continue
        if os.path.lexists(ref.cassette):
            yield _File(ref.cassette, "kept")
            continue
        verdict = run_case(ref, answers)
        if not verdict.passed:
            raise _NotRecorded(*verdict.problems)
        yield _File(ref.cassette, "written")


class _NotRecorded(RunnerError):  # noqa: N818 - it names a state of the world, as its siblings do
    """The first case did not pass: the `sandbox:` of a `runner.yaml` that was there wants something else."""

    exit_code = ExitCode.REFUSED


def _tell(session: Session, home: Path, files: list[_File]) -> None:
    output = session.output
    shown = os.path.relpath(home)
    commands = [command for command, _ in _NEXT]
    if output.format in (Format.JSON, Format.JSONL):
        told = [{"path": os.path.relpath(file.path), "state": file.state} for file in files]
        output.json({"folder": shown, "files": told, "next": commands})
        return
    for file in files:
        mark = output.style.good("written") if file.state == "written" else output.style.faint("kept   ")
        output.data(f"{mark}  {os.path.relpath(file.path)}")
    settings = _pytest_settings(home)
    if settings is not None and "runner_specs" not in (_text(settings) or ""):
        name = os.path.relpath(settings)
        output.message(
            f"to have a plain `pytest` run the cases, add runner_specs = specs to pytest's section of {name}"
        )
    output.message("next:" if shown == "." else f"next, after `cd {shlex.quote(shown)}`:")
    for command, effect in _NEXT:
        output.message(f"  {command}\n      {effect}")
