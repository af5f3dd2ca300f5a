"""`runner import`: what exists already → specs with cases. A file that exists is never changed."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from runner.config import load_profile
from runner.durations import duration_s
from runner.errors import ExitCode, Problem, UsageError
from runner.importing.bundle import bundled
from runner.importing.faults import unusable
from runner.importing.received import received_events
from runner.importing.sources import STDIN, joined, source_events
from runner.project.environment import env_rules
from runner.project.files import project_of
from runner.report.importing import show_diff, show_imported
from runner.sandbox.rules import rules_of
from runner.secrets import Mask
from runner.writing import create

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.commands.session import Session
    from runner.importing.bundle import Bundle
    from runner.importing.sample import Found
    from runner.importing.sources import Kind

_NAMED_FILES = 5


def import_(
    session: Session,
    sources: Sequence[str],
    kind: Kind | None,
    folder: Path,
    last: str | None,
    *,
    from_sandbox: bool,
    dry_run: bool,
) -> ExitCode:
    """Write a spec for each event that the sources have, or show with `dry_run` what would be written.

    Raise UsageError if a file exists, before anything is written.
    """
    if not sources and not from_sandbox:
        hint = "name a file, a folder, a curl command in quotes, - for standard input, or add --from-sandbox"
        raise UsageError(Problem("usage", "import needs a source", hint=hint))
    if last is not None and not from_sandbox:
        raise UsageError(Problem("usage", "--last is an option of --from-sandbox"))
    if folder.exists() and not folder.is_dir():
        raise UsageError(Problem("usage", f"{folder} is not a folder", hint="--to takes the folder of the specs"))
    parts = [source_events(source, session.world.stdin, kind) for source in sources]
    if from_sandbox:
        parts.append(_from_sandbox(session, last))
    found = joined(parts)
    for note in found.notes:
        session.output.message(note)
    if not found.samples:
        raise unusable(
            "no events were found",
            "an event has the keys event and distinct_id; any other JSON payload is taken as properties",
        )
    bundle = bundled(
        found.samples, _named(sources, from_sandbox=from_sandbox), is_answered=from_sandbox and not sources
    )
    session.output.complaints(bundle.problems)
    if dry_run:
        show_diff(session.output, folder, bundle.specs)
    else:
        _write(folder, bundle)
    recorded = [] if dry_run else _record(session, folder, bundle)
    _show(session, folder, bundle, recorded, is_written=not dry_run)
    return ExitCode.INVALID if bundle.problems else ExitCode.OK


def _named(sources: Sequence[str], *, from_sandbox: bool) -> str:
    """Return what a spec says of its sources."""
    names = [*map(_name_of, sources[:_NAMED_FILES]), *(["the sandbox"] if from_sandbox else [])]
    return ", ".join(names)


def _name_of(source: str) -> str:
    """Return the name of a file without its folders, or the kind of another source without its content."""
    if source == STDIN:
        return "standard input"
    if os.path.lexists(source):
        return Path(source).name or "a folder"
    return "a JSON argument" if source.lstrip().startswith(("{", "[")) else "a curl command"


def _write(folder: Path, bundle: Bundle) -> None:
    if not bundle.specs:
        return
    paths = [folder / name for name in bundle.specs]
    if existing := [path for path in paths if os.path.lexists(path)]:
        raise _exists(existing)
    # The project is that of the folder around, so that a planted link can't lead out of it.
    around = next(parent for parent in folder.absolute().parents if parent.exists())
    root = project_of(around)
    for path, spec in zip(paths, bundle.specs.values(), strict=True):
        if not create(path, spec.text.encode(), root):
            raise _exists([path])


def _exists(paths: Sequence[Path]) -> UsageError:
    hint = "see how it would change with --dry-run, write to another folder with --to, or remove it first"
    return UsageError(
        *(
            Problem("file-exists", f"{path} exists, and import overwrites nothing", hint=hint)
            for path in islice(paths, _NAMED_FILES)
        )
    )


def _record(session: Session, folder: Path, bundle: Bundle) -> list[Path]:
    """Record the cassettes that are missing, as `runner test --record once` does, and return their paths."""
    from runner.testing.answers import Answers  # noqa: PLC0415 - most sources have no answers
    from runner.testing.collect import collect  # noqa: PLC0415
    from runner.testing.verdict import run_case  # noqa: PLC0415

    recorded = []
    config = session.settings.config
    for name in bundle.specs:
        path = folder / name
        for ref in collect(path, project_of(path), config).cases:
            if ref.asks_for_answer and not os.path.lexists(ref.cassette):
                rules = rules_of(load_profile(start=path, config=config))
                verdict = run_case(ref, Answers("once", session.world.clock().date(), Mask(), rules))
                session.output.complaints(verdict.problems)
                recorded += [ref.cassette] if verdict.passed else []
    return recorded


def _show(session: Session, folder: Path, bundle: Bundle, recorded: Sequence[Path], *, is_written: bool) -> None:
    settings = session.settings
    refused = []
    for name, spec in bundle.specs.items():
        rules = env_rules((folder / name).absolute(), settings.config)
        refused += [variable for variable in spec.env if rules.refusal(variable, variable) is not None]
    show_imported(session.output, folder, bundle, recorded, refused, is_written=is_written)


def _from_sandbox(session: Session, last: str | None) -> Found:
    """Return the events that arrived at this user's sandbox."""
    from runner.commands.running_sandbox import sandbox_control  # noqa: PLC0415 - other sources need no sandbox

    try:
        last_s = duration_s(last) if last is not None else None
    except ValueError as error:
        raise UsageError(Problem("usage", f"--last: {error}")) from None
    control = sandbox_control(session.world.environ)
    since_ms = 0 if last_s is None else int((session.world.clock().timestamp() - last_s) * 1000)
    found = received_events(control.newest({}), since_ms)
    if not found.samples and not found.notes:
        when = f" in the last {last}" if last else ""
        hint = "point your application at it, and let it send: `runner sandbox` prints the settings"
        raise unusable(f"no events arrived at the sandbox{when}", hint)
    return found
