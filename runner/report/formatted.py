"""Files that were formatted, or are to be → lines, a diff, or JSON."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple

from runner.report.format import Format
from runner.report.problems import as_json
from runner.report.style import counted, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.errors import Problem
    from runner.report.output import Output


State = Literal["formatted", "unformatted", "unchanged", "refused"]
"""What became of a file: `unformatted` is one that would be changed, `refused` one that can't be formatted."""


class FormattedFile(NamedTuple):
    """A file, and what became of it."""

    path: str
    state: State
    diff: tuple[str, ...]


def show_formatted(
    output: Output, files: Sequence[FormattedFile], problems: Sequence[Problem], *, writes: bool
) -> None:
    """Show which files were changed, or would be, and the problems of others."""
    output.findings(problems)
    if output.format in (Format.JSON, Format.JSONL):
        listed = [_as_json(file) for file in files]
        if output.format is Format.JSON:
            output.json({"files": listed, "problems": [as_json(problem) for problem in problems]})
        else:
            output.items("files", listed)
        return
    for file in files:
        if file.state == "formatted":
            output.data(f"{output.style.good('formatted')}  {printable(file.path)}")
        for line in file.diff:
            output.data(_painted(line, output))
    output.message(_summary(files, writes=writes))


def _as_json(file: FormattedFile) -> dict[str, object]:
    shown: dict[str, object] = {"path": file.path, "state": file.state}
    return shown | {"diff": "\n".join(file.diff)} if file.diff else shown


def _painted(line: str, output: Output) -> str:
    text = printable(line)
    if line.startswith(("--- ", "+++ ", "@@")):
        return output.style.strong(text)
    if line.startswith("+"):
        return output.style.good(text)
    return output.style.error(text) if line.startswith("-") else text


def _summary(files: Sequence[FormattedFile], *, writes: bool) -> str:
    counts = Counter(file.state for file in files)
    parts = [f"{number} {_WORDS[state]}" for state, number in counts.items() if state != "unchanged"]
    return f"{counted(len(files), 'file')} {'read' if writes else 'checked'}: {', '.join(parts) or 'nothing to change'}"


_WORDS = {"formatted": "formatted", "unformatted": "not formatted", "refused": "can't be formatted"}
