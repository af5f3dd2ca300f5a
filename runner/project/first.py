"""The first project that `runner init` writes. A file that exists stays as it is."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from runner.errors import MachineError, Problem
from runner.project.files import CASSETTES, CONFIG_NAME, SPECS, SUFFIXES, beside_specs, marked_project
from runner.source import open_file
from runner.source.document import MAX_BYTES
from runner.writing import create

if TYPE_CHECKING:
    from collections.abc import Iterator

_STARTER = Path(__file__).with_name("starter")
SPEC = "order-placed.yaml"
FILL_IN = "URL@COMMIT"
"""What stands in a workflow whose source is unknown."""
SOURCE = re.compile(r"(?:https://|file:///|ssh://(?:[\w.-]+@)?)[\w.~:/%+-]+@(?:[0-9a-f]{40}|[0-9a-f]{64})", re.ASCII)
"""Where a workflow may install from: an address without credentials, and a whole commit, since tags and branches move."""
_WORKFLOW = "notifications.yml"
_REPORTS = ("junit.xml", "smoke.xml")
"""Files that jobs of the workflow upload."""
ATTRIBUTES = f"{CASSETTES}/** text eol=lf"
_ATTRIBUTES_FILE = (
    f"# Recordings are the same bytes in every checkout, also where git would change the ends of lines.\n{ATTRIBUTES}\n"
)
_PYTEST_FILES = {
    "pytest.toml": "",
    ".pytest.toml": "",
    "pytest.ini": "",
    ".pytest.ini": "",
    "pyproject.toml": r"\[tool\.pytest\b",
    "tox.ini": r"\[pytest\]",
    "setup.cfg": r"\[tool:pytest\]",
}
"""Where pytest looks for its settings, and the section that has them; of the first four, the name is enough."""


class ProjectFile(NamedTuple):
    """A file of the first project, and whether it was written or existed."""

    path: Path
    state: Literal["written", "kept"]


class Layout(NamedTuple):
    """Where the files of a project belong: its folder, the root of its repository, and its workflow."""

    home: Path
    root: Path
    workflow: Path

    @classmethod
    def made(cls, home: Path) -> Layout:
        """Make the folder of a project, and return where its files belong. Raise MachineError if it can't be made."""
        try:
            home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MachineError(Problem("output-refused", f"can't make {home}: {error.strerror}")) from None
        root = marked_project(home) or beside_specs(home)
        return cls(home, root, _workflow(home, root))

    @property
    def spec(self) -> Path:
        """The first spec."""
        return self.home / SPECS / SPEC

    @property
    def has_first_spec(self) -> bool:
        """Whether the first spec is as `write` writes it; a changed spec has other cases."""
        return text_of(self.spec) == (_STARTER / SPEC).read_text("utf-8")

    @property
    def pytest_settings(self) -> Path | None:
        """The file that pytest reads its settings from, if there is one."""
        for name, section in _PYTEST_FILES.items():
            path = self.home / name
            text = text_of(path)
            if text is not None and re.search(rf"^{section}", text, re.MULTILINE):
                return path
        return None

    def write(self, source: str) -> list[ProjectFile]:
        """Write the files that are missing. The workflow installs runner from `source`, `URL@COMMIT`."""
        return [
            ProjectFile(path, "written" if create(path, text.encode(), self.root) else "kept")
            for path, text in self._texts(source)
        ]

    def _texts(self, source: str) -> Iterator[tuple[Path, str]]:
        home, root = self.home, self.root
        yield home / CONFIG_NAME, (_STARTER / CONFIG_NAME).read_text("utf-8")
        if os.path.lexists(self.spec) or not _has_specs(home / SPECS):  # a project with specs needs no first one
            yield self.spec, (_STARTER / SPEC).read_text("utf-8")
        if self.pytest_settings in (None, home / "pytest.ini"):  # a second file would override the first one
            yield home / "pytest.ini", (_STARTER / "pytest.ini").read_text("utf-8")
        yield root / ".gitattributes", _ATTRIBUTES_FILE
        text = (_STARTER / _WORKFLOW).read_text("utf-8").replace(FILL_IN, source)
        if home != root:
            below = home.relative_to(root).as_posix()
            text = text.replace("name: notifications\n", f"name: {json.dumps(f'notifications of {below}')}\n", 1)
            text = text.replace("jobs:\n", f"defaults:\n  run:\n    {_place(home, root)}\n\njobs:\n", 1)
            for report in _REPORTS:
                text = text.replace(f"path: {report}", f"path: {json.dumps(f'{below}/{report}')}")
        yield self.workflow, text


def _workflow(home: Path, root: Path) -> Path:
    """Return the file of the workflow, at the root of the repository: GitHub reads it nowhere else.

    If a workflow of the usual name runs the specs of another folder, this folder's gets another name.
    """
    path = root / ".github" / "workflows" / _WORKFLOW
    lines = [line.strip() for line in (text_of(path) or "").splitlines()]
    if home == root or not os.path.lexists(path) or _place(home, root) in lines:
        return path
    slug = re.sub(r"[^A-Za-z0-9]+", "-", home.relative_to(root).as_posix()).strip("-")
    return path.with_name(f"notifications-{slug}.yml")


def _place(home: Path, root: Path) -> str:
    """Return the line of a workflow that sets the folder of its commands."""
    below = home.relative_to(root).as_posix()
    return f"working-directory: {below if re.fullmatch(r'[A-Za-z][A-Za-z0-9_./-]*', below) else json.dumps(below)}"


def _has_specs(folder: Path) -> bool:
    """Return whether there are specs, valid or not."""
    return folder.is_dir() and any(path.suffix in SUFFIXES for path in folder.iterdir())


def text_of(path: Path) -> str | None:
    """Return the text of a file, or the beginning of a long one; None if it can't be read."""
    try:
        with open_file(path) as file:
            return file.read(MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return None
