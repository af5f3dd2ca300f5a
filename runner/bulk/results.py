"""The file of results: a line of JSON for each row that a run has dealt with."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Literal, TextIO

from runner.errors import MachineError, Problem
from runner.secrets import Mask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.bulk.outcomes import RowOutcome
    from runner.codes import Code
    from runner.rows.places import FilePlace
    from runner.suprsend.answer import State


class ResultsFile:
    """An open file of results, or a stand-in that writes nothing. Raises MachineError if the file can't be written."""

    def __init__(self, file: TextIO | None) -> None:
        self._file = file

    @property
    def is_wanted(self) -> bool:
        """Whether a file of results was asked for."""
        return self._file is not None

    def write(self, lines: str) -> None:
        """Write lines and flush them to the operating system."""
        if self._file is None:
            return
        try:
            self._file.write(lines)
            self._file.flush()
        except OSError as error:
            raise MachineError(_refused(self._file.name, error)) from None


@contextmanager
def results_file(path: Path | None, mode: Literal["w", "a"]) -> Iterator[ResultsFile]:
    """Open the file of results, to overwrite it or to append to it. Raises MachineError."""
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


def result_line(
    mask: Mask,
    *,
    row: int,
    line: int,
    state: State,
    status_code: int,
    code: Code | None,
    error: str | None,
    attempts: int,
    session: int,
    key: str | None = None,
    insert_id: str | None = None,
    message_id: str | None = None,
    place: FilePlace | None = None,
) -> str:
    """Return the line of a row, as masked JSON; with its `place` in a run over several files."""
    document = {
        "row": row,
        **({} if place is None else {"file": place.path, "row_in_file": place.row}),
        "line": line,
        "state": state,
        "status_code": status_code,
        "key": key,
        "insert_id": insert_id,
        "message_id": message_id,
        "code": code,
        "error": error,
        "attempts": attempts,
        "session": session,
    }
    return json.dumps(mask.texts(document), ensure_ascii=False) + "\n"


def undelivered_line(failure: RowOutcome, session: int, place: FilePlace | None) -> str:
    """Return the line of a row whose worker died: nothing more is known of its event."""
    return result_line(
        Mask(),
        row=failure.row,
        line=failure.line,
        state=failure.state,
        status_code=failure.status_code,
        code=failure.code,
        error=failure.message,
        attempts=failure.attempts,
        session=session,
        place=place,
    )


def _refused(name: str, error: OSError) -> Problem:
    return Problem("output-refused", f"can't write {name}: {error.strerror}")


def _cut_half_line(path: Path) -> None:
    """Remove an incomplete last line, left by a killed session or a full disk; its row will be written again."""
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
