"""`runner init`: a first project that works. What is there already stays as it is."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from runner.config import load_profile
from runner.errors import ExitCode, MachineError, Problem, RunnerError, UsageError, shown_argument
from runner.project.files import CASSETTES, CONFIG_NAME, SPECS, SUFFIXES, beside_specs, marked_project
from runner.report import Format
from runner.sandbox.rules import rules_of
from runner.secrets import Mask
from runner.source import open_file
from runner.source.document import MAX_BYTES
from runner.testing.answers import Answers
from runner.testing.collect import collect
from runner.testing.verdict import run_case
from runner.writing import create

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.commands.session import Session

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


def init(session: Session, folder: Path, source: str | None) -> ExitCode:
    """Write what is missing of a first project. Its cassette is recorded here and now, from a sandbox.

    No file is overwritten: one that is there is told and kept. `source` is what the workflow installs runner from,
    `URL@COMMIT`; without it that of this installation, else the user is asked for it.
    """
    if source is not None and not _SOURCE.fullmatch(source):
        raise UsageError(_no_source(source))
    if os.path.lexists(folder) and not folder.is_dir():
        raise UsageError(Problem("usage", f"{folder} is no folder", hint="runner init takes the folder of a project"))
    home = folder.resolve()
    root = _made(home)
    workflow = _workflow(home, root)
    if not os.path.lexists(workflow):
        source = source or _installed_from() or _asked(session)
    files = [
        _File(path, "written" if create(path, text.encode(), root) else "kept")
        for path, text in _texts(home, root, workflow, source or _FILL_IN)
    ]
    spec = home / SPECS / _SPEC
    if _text(spec) == (_STARTER / _SPEC).read_text("utf-8"):  # a spec of somebody's own has cases of its own
        files += _recorded(session, spec, root)
    _tell(session, home, root, workflow, files)
    return ExitCode.OK


def _made(home: Path) -> Path:
    """Make the folder of the project; return the project's root."""
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MachineError(Problem("output-refused", f"can't make {home}: {error.strerror}")) from None
    return _root(home)


def _texts(home: Path, root: Path, workflow: Path, source: str) -> Iterator[tuple[Path, str]]:
    yield home / CONFIG_NAME, (_STARTER / CONFIG_NAME).read_text("utf-8")
    if os.path.lexists(home / SPECS / _SPEC) or not _has_specs(home / SPECS):  # else somebody is past the first one
        yield home / SPECS / _SPEC, (_STARTER / _SPEC).read_text("utf-8")
    if _pytest_settings(home) in (None, home / "pytest.ini"):  # a second one would take the first one's place
        yield home / "pytest.ini", (_STARTER / "pytest.ini").read_text("utf-8")
    yield root / ".gitattributes", _ATTRIBUTES
    text = (_STARTER / _WORKFLOW).read_text("utf-8").replace(_FILL_IN, source)
    if home != root:
        below = home.relative_to(root).as_posix()
        text = text.replace("name: notifications\n", f"name: {json.dumps(f'notifications of {below}')}\n", 1)
        text = text.replace("jobs:\n", f"defaults:\n  run:\n    {_place(home, root)}\n\njobs:\n", 1)
        text = text.replace("path: junit.xml", f"path: {json.dumps(f'{below}/junit.xml')}")
    yield workflow, text


_WORKFLOW = "notifications.yml"
_FILL_IN = "URL@COMMIT"
_SOURCE = re.compile(r"(?:https://|file:///|ssh://(?:[\w.-]+@)?)[\w.~:/%+-]+@(?:[0-9a-f]{40}|[0-9a-f]{64})", re.ASCII)
"""Where a workflow may install from: an address without credentials, and a whole commit, since tags and branches move."""
_ATTRIBUTES = f"# Recordings are the same bytes in every checkout, also where git would change the ends of lines.\n{CASSETTES}/** text eol=lf\n"


def _workflow(home: Path, root: Path) -> Path:
    """Choose the file of the workflow, at the root of the repository: GitHub reads it nowhere else.

    Where the one of that name runs the specs of another folder, this one's gets a name of its own.
    """
    path = root / ".github" / "workflows" / _WORKFLOW
    lines = [line.strip() for line in (_text(path) or "").splitlines()]
    if home == root or not os.path.lexists(path) or _place(home, root) in lines:
        return path
    slug = re.sub(r"[^A-Za-z0-9]+", "-", home.relative_to(root).as_posix()).strip("-")
    return path.with_name(f"notifications-{slug}.yml")


def _place(home: Path, root: Path) -> str:
    """Write the line of a workflow that says in which folder its commands are run."""
    below = home.relative_to(root).as_posix()
    return f"working-directory: {below if re.fullmatch(r'[A-Za-z][A-Za-z0-9_./-]*', below) else json.dumps(below)}"


def _has_specs(folder: Path) -> bool:
    """Return whether there are specs, or what is to become one."""
    return folder.is_dir() and any(path.suffix in SUFFIXES for path in folder.iterdir())


def _installed_from() -> str | None:
    """Return what this runner was installed from, if that was a commit of a git repository."""
    from importlib.metadata import PackageNotFoundError, distribution  # noqa: PLC0415 - of use here alone

    try:
        told = json.loads(distribution("suprsend-runner").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return None
    source = f"{told.get('url')}@{told.get('vcs_info', {}).get('commit_id')}"
    return source if _SOURCE.fullmatch(source) else None


def _asked(session: Session) -> str | None:
    """Ask what the workflow shall install runner from; None if nobody is there, or knows."""
    if not session.world.stdin.isatty():
        return None
    session.output.ask(f"the workflow installs runner from a git repository ({_FILL_IN}; empty: to be filled in): ")
    answer = session.world.stdin.readline().strip()
    if answer and not _SOURCE.fullmatch(answer):
        raise UsageError(_no_source(answer))
    return answer or None


def _no_source(text: str) -> Problem:
    message = f"'{shown_argument(text)}' is not {_FILL_IN}, an https address without credentials and a whole commit"
    hint = f"for example https://github.com/OWNER/suprsend-runner@{'0123456789abcdef' * 2}01234567; `git ls-remote URL` lists commits"
    return Problem("usage", message, hint=hint)


def _text(path: Path) -> str | None:
    """Return the text of a file that may be somebody else's, or the beginning of a long one; None if it can't be read."""
    try:
        with open_file(path) as file:
            return file.read(MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return None


def _root(home: Path) -> Path:
    """Find the root of the project that the folder is in, or will be once it has a `runner.yaml`."""
    return marked_project(home) or beside_specs(home)


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
    rules = rules_of(load_profile(start=spec, config=session.settings.config))
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


def _tell(session: Session, home: Path, root: Path, workflow: Path, files: list[_File]) -> None:
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
    text = _text(workflow) or ""
    if _FILL_IN in text:
        output.message(
            f"the workflow can't install runner yet: write where from instead of {_FILL_IN} in {os.path.relpath(workflow)}"
        )
    elif "runner test" not in text:
        output.message(
            f"{os.path.relpath(workflow)} was there already, and does not run `runner test`: no workflow runs these specs"
        )
    if f"{CASSETTES}/**" not in (_text(root / ".gitattributes") or ""):
        output.message(f"to keep the ends of lines in recordings, add to .gitattributes: {CASSETTES}/** text eol=lf")
    output.message("next:" if shown == "." else f"next, after `cd {shlex.quote(shown)}`:")
    for command, effect in _NEXT:
        output.message(f"  {command}\n      {effect}")
