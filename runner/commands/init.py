"""`runner init`: write a first project that works, and record its cassette. A file that exists stays as it is."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from runner.config import load_profile
from runner.errors import ExitCode, Problem, RunnerError, UsageError, shown_argument
from runner.project.first import FILL_IN, SOURCE, Layout, ProjectFile
from runner.report.project import show_project
from runner.sandbox.rules import rules_of
from runner.secrets import Mask
from runner.testing.answers import Answers
from runner.testing.collect import collect
from runner.testing.verdict import run_case

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.commands.session import Session


def init(session: Session, folder: Path, source: str | None) -> ExitCode:
    """Write the missing files of a first project, and record its cassette from a sandbox.

    `source` is where the workflow installs runner from, `URL@COMMIT`. Without it, that of this installation is used; if
    that is unknown too, the user is asked.
    """
    if source is not None and not SOURCE.fullmatch(source):
        raise UsageError(_invalid_source(source))
    if os.path.lexists(folder) and not folder.is_dir():
        raise UsageError(
            Problem("usage", f"{folder} is not a folder", hint="runner init takes the folder of a project")
        )
    layout = Layout.made(folder.resolve())
    if not os.path.lexists(layout.workflow):
        source = source or _installed_from() or _ask_for_source(session)
    files = layout.write(source or FILL_IN)
    if layout.has_first_spec:
        files += _recorded(session, layout)
    show_project(session.output, layout, files)
    return ExitCode.OK


def _installed_from() -> str | None:
    """Return the git repository and commit that this runner was installed from, if it was."""
    from importlib.metadata import PackageNotFoundError, distribution  # noqa: PLC0415 - only init needs it

    try:
        origin = json.loads(distribution("suprsend-runner").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return None
    source = f"{origin.get('url')}@{origin.get('vcs_info', {}).get('commit_id')}"
    return source if SOURCE.fullmatch(source) else None


def _ask_for_source(session: Session) -> str | None:
    """Ask where the workflow installs runner from. Return None without a terminal or an answer."""
    if not session.world.stdin.isatty():
        return None
    session.output.ask(f"the workflow installs runner from a git repository ({FILL_IN}; empty: to be filled in): ")
    answer = session.world.stdin.readline().strip()
    if answer and not SOURCE.fullmatch(answer):
        raise UsageError(_invalid_source(answer))
    return answer or None


def _invalid_source(text: str) -> Problem:
    message = f"'{shown_argument(text)}' is not {FILL_IN}, an https address without credentials and a whole commit"
    hint = f"for example https://github.com/OWNER/suprsend-runner@{'0123456789abcdef' * 2}01234567; `git ls-remote URL` lists commits"
    return Problem("usage", message, hint=hint)


def _recorded(session: Session, layout: Layout) -> Iterator[ProjectFile]:
    """Record the cassettes that are missing."""
    rules = rules_of(load_profile(start=layout.spec, config=session.settings.config))
    answers = Answers("rewrite", session.world.clock().date(), Mask(), rules)
    for ref in collect(layout.spec, layout.root).cases:
        if not ref.asks_for_answer:
            continue
        if os.path.lexists(ref.cassette):
            yield ProjectFile(ref.cassette, "kept")
            continue
        verdict = run_case(ref, answers)
        if not verdict.passed:
            raise _NotRecorded(*verdict.problems)
        yield ProjectFile(ref.cassette, "written")


class _NotRecorded(RunnerError):  # noqa: N818 - it names a state, as its siblings do
    """The first case did not pass: an existing `runner.yaml` has a `sandbox:` that answers otherwise."""

    exit_code = ExitCode.REFUSED
