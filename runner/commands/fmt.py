"""`runner fmt`: write specs, cassettes and `runner.yaml` in one layout, or say which are not."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from runner.errors import ExitCode, InvalidInput, MachineError, NotFound, RunnerError
from runner.exits import summed
from runner.formatting.files import files_at, formatted
from runner.project.files import CONFIG_NAME
from runner.report.formatted import FormattedFile, show_formatted
from runner.source import has_text, read_text
from runner.writing import rewrite

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from runner.commands.session import Session
    from runner.errors import Problem
    from runner.formatting.files import Formatted
    from runner.report.formatted import State
    from runner.source import Node


def fmt(session: Session, paths: Sequence[Path], *, check: bool, diff: bool) -> ExitCode:
    """Format the files at `paths`, else those of the project. `check` and `diff` change nothing, and report what would be."""
    output = session.output
    writes = not (check or diff)
    files: list[FormattedFile] = []
    problems: list[Problem] = []
    kinds: set[ExitCode] = set()
    for path in files_at(paths):
        try:
            each = formatted(path)
            if writes and each.is_changed:
                _write(each)
        except (InvalidInput, NotFound, MachineError) as error:  # of one file: the others are formatted all the same
            files.append(FormattedFile(str(path), "refused", ()))
            problems += error.problems
            kinds.add(error.exit_code)
            continue
        if diff and each.is_changed:
            output.hide(_secrets(each, session.settings.config))
        files.append(_file(each, writes=writes, diff=diff))
        problems += each.problems
        if check and each.is_changed:
            problems.append(each.first_change)
        kinds.add(_CODES[files[-1].state])
    show_formatted(output, files, problems, writes=writes)
    return summed(kinds, before=ExitCode.INVALID)


_CODES: Mapping[State, ExitCode] = {
    "formatted": ExitCode.OK,
    "unchanged": ExitCode.OK,
    "unformatted": ExitCode.REFUSED,
    "refused": ExitCode.INVALID,
}


def _write(each: Formatted) -> None:
    content = (each.after or "").encode()
    rewrite(each.path, content, each.project, shown=each.shown, is_current=lambda raw: has_text(raw, each.before))


def _file(each: Formatted, *, writes: bool, diff: bool) -> FormattedFile:
    if each.after is None:
        return FormattedFile(each.shown, "refused", ())
    if not each.is_changed:
        return FormattedFile(each.shown, "unchanged", ())
    return FormattedFile(each.shown, "formatted" if writes else "unformatted", tuple(_diff(each)) if diff else ())


def _diff(each: Formatted) -> Iterator[str]:
    from difflib import unified_diff  # noqa: PLC0415 - only --diff needs it

    old, new = (text.removesuffix("\n").split("\n") for text in (each.before.content, each.after or ""))
    lines = list(unified_diff(old, new, each.shown, f"{each.shown} (formatted)", lineterm=""))
    yield from lines or [f"--- {each.shown}: only the ends of its lines differ"]


def _secrets(each: Formatted, config: Path | None) -> Iterator[str]:
    """Yield the secrets of a file, which no diff may show: those of its spec, and what is declared as one if it has none."""
    root = read_text(each.before.content, each.shown).root
    yield from _declared(root) if root is not None else ()
    if each.path.name == CONFIG_NAME:
        return
    from runner.eventspec import load  # noqa: PLC0415 - only --diff needs it

    with suppress(RunnerError):  # of runner.yaml, say, which concerns no layout
        yield from load(each.path, each.project, config).secrets


def _declared(node: Node) -> Iterator[str]:
    """Yield the texts in the default of each variable that is declared as a secret."""
    default, secret = node.get("default"), node.get("secret")
    if default is not None and secret is not None and secret.value is not False:
        yield from default.sources()
        yield from _texts(default)
    for below in (*node.entries.values(), *node.items):
        yield from _declared(below)


def _texts(node: Node) -> Iterator[str]:
    if not isinstance(node.value, dict | list | bool | None):
        yield str(node.value)
    for below in (*node.entries.values(), *node.items):
        yield from _texts(below)
