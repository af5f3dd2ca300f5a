"""Paths → the YAML files of a project among and below them; a file → its canonical text, checked.

A text is returned only if our reader finds the same values in it, and it has the same comments.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from runner.config import format_document
from runner.errors import NotFound, Problem, shown_argument
from runner.formatting.layout import CASSETTE, SPEC, written
from runner.formatting.order import ordered
from runner.project.files import (
    CASSETTES,
    CONFIG_NAME,
    SPECS,
    SUFFIXES,
    is_named,
    link_out,
    misspelt,
    project_of,
    unreadable,
)
from runner.project.format import document as spec_format
from runner.project.tree import shown_problems
from runner.source import Text, discreet, read, read_text, unshown
from runner.source.yaml_comments import comments_of
from runner.source.yaml_tree import read_tree
from runner.testing.cassette_reader import TAGS
from runner.testing.leaks import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from runner.formatting.layout import Layout
    from runner.source import Document

DEFAULT_PATHS = (SPECS, CASSETTES, CONFIG_NAME)
"""What is formatted without paths, as far as it exists."""


class Formatted(NamedTuple):
    """A file and its canonical text; without one, `problems` say why."""

    path: Path
    """The file itself, also where its name is a link."""
    shown: str
    project: Path
    before: Text
    after: str | None
    problems: tuple[Problem, ...]
    is_changed: bool
    """Whether the file has other bytes than its canonical text."""

    @property
    def first_change(self) -> Problem:
        """The problem of a file that is not in the canonical layout, at the first line that would change."""
        old, new = self.before.content.splitlines(keepends=True), (self.after or "").splitlines(keepends=True)
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
        # Only the ends of lines differ if all lines are the same.
        start = sum(map(len, old[:same])) if old != new else 0
        place = self.before.hidden.position(start)
        return Problem(
            "unformatted", "the file is not in the canonical layout", place, hint=f"runner fmt {quote(self.shown)}"
        )


def files_at(paths: Sequence[Path]) -> list[Path]:
    """Return the YAML files at `paths`: each file, and those in folders at all levels, sorted.

    Links, and names that begin with a dot, are skipped in folders. Raises NotFound for a path that does not exist, that
    is not a YAML file, or that has none, and MachineError for a folder that can't be read.
    """
    given = paths or [path for name in DEFAULT_PATHS if (path := Path(name)).exists()]
    if not given:
        hint = "name files or folders: runner fmt PATH"
        raise NotFound(Problem("no-specs", f"there is no {SPECS}/, {CASSETTES}/ or {CONFIG_NAME} here", hint=hint))
    found: dict[Path, None] = {}
    for path in given:
        here = list(_below(path)) if path.is_dir() else [_checked(path)]
        if not here and paths:
            raise NotFound(Problem("no-specs", f"no files that end in {' or '.join(SUFFIXES)} in {path}"))
        found |= dict.fromkeys(here)
    return list(found)


def _checked(path: Path) -> Path:
    if not os.path.lexists(path):
        message = f"no such file or folder: {shown_argument(str(path))}"
        raise NotFound(Problem("file-not-found", message, hint=misspelt(path)))
    if path.suffix not in SUFFIXES:
        raise NotFound(
            Problem("not-a-spec", f"{path} is not a YAML file: its name must end in {' or '.join(SUFFIXES)}")
        )
    return path


def _below(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> NoReturn:
        raise unreadable(error) from None

    for here, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(here, name)
            if path.suffix in SUFFIXES and not name.startswith(".") and not path.is_symlink():
                yield path


def formatted(path: Path) -> Formatted:
    """Return the canonical text of a file, or the problems that prevent it. Raises NotFound and MachineError."""
    project, shown = project_of(path), str(path)
    target = Path(os.path.realpath(path))
    if path.is_symlink() and (refusal := _refusal_of_link(path, target, project)):
        return Formatted(target, shown, project, Text(shown, ""), None, (refusal,), is_changed=False)
    is_cassette = target.is_relative_to(project / CASSETTES)
    document = read(target, shown, tags=TAGS, max_bytes=MAX_BYTES) if is_cassette else read(target, shown)
    before = document.text
    errors = _errors(document, is_cassette=is_cassette, is_config=target.name == CONFIG_NAME)
    if errors:
        return Formatted(target, shown, project, before, None, errors, is_changed=False)
    if is_cassette or (document.root is not None and document.root.get("interactions") is not None):
        after = _canonical(document, _FORM_OF_CASSETTES, CASSETTE, TAGS if is_cassette else ())
    else:
        after = _canonical(document, format_document() if target.name == CONFIG_NAME else spec_format(), SPEC)
    if after is None:
        message = f"{shown} can't be written in the canonical layout without a change of its values"
        refused = Problem("format-refused", message, hint="write it in a simpler way; the file is as it was")
        return Formatted(target, shown, project, before, None, (refused,), is_changed=False)
    return Formatted(target, shown, project, before, after, (), target.read_bytes() != after.encode())


def canonical_spec(document: Document) -> str | None:
    """Return the canonical text of a spec without errors; None if its values or comments would change."""
    return _canonical(document, spec_format(), SPEC)


def _refusal_of_link(path: Path, target: Path, project: Path) -> Problem | None:
    """Return the problem of a link that leads out of the project, or to a file that is not formatted, such as a `.env`."""
    if outside := link_out(path, project, str(path), "files that are formatted must lie"):
        return outside
    if target.name == CONFIG_NAME or is_named(path, target, project, SUFFIXES):
        return None
    hint = f"such files end in {' or '.join(SUFFIXES)}, and do not begin with a dot"
    return Problem("not-a-spec", f"{path} is a link to a file that does not have the name of a spec", hint=hint)


def _errors(document: Document, *, is_cassette: bool, is_config: bool) -> tuple[Problem, ...]:
    """Return why a file can't be read, with its lines as far as they may be shown."""
    if is_cassette:
        found = [unshown(problem) for problem in document.problems]
    else:
        found = [discreet(problem) for problem in document.problems] if is_config else shown_problems(document)
    return tuple(problem for problem in found if problem.severity == "error")


def _canonical(document: Document, form: Any, layout: Layout, tags: Collection[str] = ()) -> str | None:
    tree = read_tree(document.text)
    value = ordered(tree.value, form, form) if tree.value is not None else None
    after = written(replace(tree, value=value), layout)
    again = read_text(after, document.text.path, tags=tags)
    is_same = _has_same_values(document, again) and _has_comments(again, tree.comments)
    return after if is_same else None


def _has_comments(document: Document, comments: Iterable[str]) -> bool:
    return sorted(each.text for each in comments_of(document.text)) == sorted(comments)


def _has_same_values(old: Document, new: Document) -> bool:
    """Return whether a document is valid, and has the values of an old one."""
    if any(problem.severity == "error" for problem in new.problems):
        return False
    values = [json.dumps(each.root and each.root.plain(), sort_keys=True) for each in (old, new)]
    return values[0] == values[1]


def _form(**below: Any) -> dict[str, Any]:
    return {"additionalProperties": False, "properties": below}


_FORM_OF_CASSETTES = _form(
    interactions={
        "items": _form(
            request=_form(body={}, headers={}, method={}, uri={}),
            response=_form(body={}, headers={}, status=_form(code={}, message={})),
        )
    },
    version={},
)
"""Keys in the order in which cassettes are recorded."""
