"""The files of a first project → lines, or JSON; and what is left to do by hand."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from runner.project.files import SPECS
from runner.project.first import ATTRIBUTES, FILL_IN, SPEC, text_of
from runner.report.format import Format

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.project.first import Layout, ProjectFile
    from runner.report.output import Output

_NEXT = (
    (f"runner validate {SPECS}/", "finds every problem of every spec"),
    (f"runner test {SPECS}/", "replays the cases from their cassettes, with no network"),
    (f"runner send {SPECS}/{SPEC} --var user=u1 --sandbox", "sends the event to a server on this machine"),
)


def show_project(output: Output, layout: Layout, files: Sequence[ProjectFile]) -> None:
    """Show which files were written, and the next commands."""
    folder = os.path.relpath(layout.home)
    if output.format in (Format.JSON, Format.JSONL):
        listed = [{"path": os.path.relpath(file.path), "state": file.state} for file in files]
        if output.format is Format.JSON:
            output.json({"folder": folder, "files": listed, "next": [command for command, _ in _NEXT]})
        else:
            output.items("files", listed)
        return
    for file in files:
        mark = output.style.good("written") if file.state == "written" else output.style.faint("kept   ")
        output.data(f"{mark}  {os.path.relpath(file.path)}")
    _show_left_to_do(output, layout)
    output.message("next:" if folder == "." else f"next, after `cd {shlex.quote(folder)}`:")
    for command, effect in _NEXT:
        output.message(f"  {command}\n      {effect}")


def _show_left_to_do(output: Output, layout: Layout) -> None:
    settings = layout.pytest_settings
    if settings is not None and "runner_specs" not in (text_of(settings) or ""):
        name = os.path.relpath(settings)
        output.message(
            f"to have a plain `pytest` run the cases, add runner_specs = specs to pytest's section of {name}"
        )
    workflow, text = os.path.relpath(layout.workflow), text_of(layout.workflow) or ""
    if FILL_IN in text:
        output.message(f"the workflow can't install runner yet: in {workflow}, replace {FILL_IN} with its source")
    elif "runner test" not in text:
        output.message(f"{workflow} exists and does not run `runner test`: no workflow runs these specs")
    if ATTRIBUTES.split()[0] not in (text_of(layout.root / ".gitattributes") or ""):
        output.message(f"to keep the ends of lines in recordings, add to .gitattributes: {ATTRIBUTES}")
