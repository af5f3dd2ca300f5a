"""The file of results: a line of JSON for each row that a run came to."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Literal, TextIO

from runner.errors import MachineError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class ResultsFile:
    """A file of results that is open, or none: then nothing is written. What the machine refuses is a MachineError."""

    def __init__(self, file: TextIO | None) -> None:
        self._file = file

    @property
    def is_wanted(self) -> bool:
        """Whether there is one."""
        return self._file is not None

    def write(self, lines: str) -> None:
        """Write lines; they are with the system when this returns."""
        if self._file is None:
            return
        try:
            self._file.write(lines)
            self._file.flush()
        except OSError as error:
            raise MachineError(_refused(self._file.name, error)) from None


@contextmanager
def results_file(path: Path | None, mode: Literal["w", "a"]) -> Iterator[ResultsFile]:
    """Open the file of results: anew, or to add lines to it. Raises MachineError."""
    if path is None:
        yield ResultsFile(None)
        return
    try:
        if mode == "a":
            _cut_half_line(path)
        file = path.open(mode, encoding="utf-8")
    except OSError as error:
        raise MachineError(_refused(str(path), error)) from None
    try:
        yield ResultsFile(file)
    finally:
        with suppress(OSError):  # each line was flushed when it was written, or its failure was raised then
            file.close()


def _refused(name: str, error: OSError) -> Problem:
    return Problem("output-refused", f"can't write {name}: {error.strerror}")


def _cut_half_line(path: Path) -> None:
    """Drop what a session that was killed, or whose disk was full, wrote of a last line: its row will come again."""
    with suppress(FileNotFoundError), path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        while size:
            step = min(size, 1 << 16)
            file.seek(size - step)
            if (end := file.read(step).rfind(b"\n")) >= 0:
                file.truncate(size - step + end + 1)
                return
            size -= step
        file.truncate(0)
