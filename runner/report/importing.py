"""Imported specs → lines, or JSON: what was written, what each asks, and what is left to do; with --dry-run a diff."""

from __future__ import annotations

import os
from difflib import unified_diff
from typing import TYPE_CHECKING

from runner.report.format import Format
from runner.report.style import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from runner.importing.bundle import Bundle
    from runner.importing.written import WrittenSpec
    from runner.report.output import Output

_MAX_COMPARED = 1024 * 1024


def show_diff(output: Output, folder: Path, specs: Mapping[str, WrittenSpec]) -> None:
    """Show each file that would be written as a diff from the one that exists, or from nothing."""
    if output.format in (Format.JSON, Format.JSONL):
        return
    for name, spec in specs.items():
        path = folder / name
        before = _text_of(path)
        shown = os.path.relpath(path)
        old = "/dev/null" if before is None else shown
        lines = unified_diff((before or "").splitlines(), spec.text.splitlines(), old, shown, lineterm="")
        for line in lines:
            output.data(line)


def _text_of(path: Path) -> str | None:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_MAX_COMPARED)
    except OSError:
        return None


def show_imported(
    output: Output,
    folder: Path,
    bundle: Bundle,
    recorded: Sequence[Path],
    not_allowed: Sequence[str],
    *,
    is_written: bool,
) -> None:
    """Show the specs, the cassettes that were recorded, and the next steps.

    `not_allowed` are environment variables that runner.yaml does not allow yet.
    """
    if output.format in (Format.JSON, Format.JSONL):
        listed = [_as_json(folder, name, spec, is_written=is_written) for name, spec in bundle.specs.items()]
        cassettes = [os.path.relpath(path) for path in recorded]
        output.items("files", listed, {"env_allowed": list(not_allowed), "cassettes": cassettes})
        return
    if is_written:
        for name, spec in bundle.specs.items():
            counts = [
                counted(spec.events, "event"),
                counted(len(spec.variables), "variable"),
                counted(spec.cases, "case"),
            ]
            if spec.questions:
                counts.append(counted(len(spec.questions), "question"))
            output.data(f"{output.style.good('written')}  {os.path.relpath(folder / name)}  {', '.join(counts)}")
    for path in recorded:
        output.data(f"{output.style.good('written')}  {os.path.relpath(path)}")
    if bundle.addresses:
        replaced = "1 e-mail address was" if bundle.addresses == 1 else f"{bundle.addresses} e-mail addresses were"
        output.message(f"{replaced} replaced by example addresses")
    if not_allowed:
        output.message(
            f"what looks like a secret comes from the environment; in runner.yaml: env_allowed: [{', '.join(not_allowed)}]"
        )
    if is_written and bundle.specs:
        output.message(f"next: answer the questions in the comments, then `runner test {os.path.relpath(folder)}/`")


def _as_json(folder: Path, name: str, spec: WrittenSpec, *, is_written: bool) -> dict[str, object]:
    about: dict[str, object] = {
        "path": os.path.relpath(folder / name),
        "state": "written" if is_written else "not written",
        "event": spec.event,
        "events": spec.events,
        "variables": list(spec.variables),
        "questions": list(spec.questions),
        "env": list(spec.env),
    }
    return about if is_written else about | {"text": spec.text}
