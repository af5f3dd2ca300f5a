"""The file of results: a line of JSON for each row that a run has dealt with."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, suppress
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Literal, NamedTuple, TextIO

from runner.errors import MachineError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.bulk.outcomes import RowOutcome
    from runner.codes import Code
    from runner.rows.places import FilePlace
    from runner.secrets import Mask
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


class RowResult(NamedTuple):
    """What is written of a row. `place` is its file in a run over several files."""

    row: int
    line: int
    state: State
    status_code: int
    key: str | None
    insert_id: str | None
    message_id: str | None
    code: Code | None
    error: str | None
    attempts: int
    session: int
    place: FilePlace | None

    def texts(self) -> Iterator[str]:
        """Yield the texts that may have a secret in them."""
        yield from filter(None, (self.key, self.insert_id, self.message_id, self.error))
        if self.place is not None:
            yield self.place.path

    def masked(self, mask: Mask) -> RowResult:
        """Return the result with secrets masked in its texts."""
        key, insert_id, message_id, error = (
            None if text is None else hide(text)
            for hide, text in (
                (mask.data, self.key),
                (mask.text, self.insert_id),
                (mask.text, self.message_id),
                (mask.text, self.error),
            )
        )
        place = self.place and self.place._replace(path=mask.text(self.place.path))
        return self._replace(key=key, insert_id=insert_id, message_id=message_id, error=error, place=place)

    def as_line(self) -> str:
        """Return the line of the row: JSON. It is put together here, since a library's encoder takes as long as all else."""
        error = self.error
        if error is not None and len(error) > MAX_MESSAGE:
            error = f"{error[:MAX_MESSAGE]} …"
        place = "" if self.place is None else f'"file": {_quoted(self.place.path)}, "row_in_file": {self.place.row}, '
        known = self.key, self.insert_id, self.message_id, self.attempts, self.session
        return result_line(self.row, self.line, self.state, self.status_code, *known, place, self.code, error)


def result_line(
    row: int,
    line: int,
    state: State,
    status_code: int,
    key: str | None,
    insert_id: str | None,
    message_id: str | None,
    attempts: int,
    session: int,
    place: str = "",
    code: Code | None = None,
    error: str | None = None,
) -> str:
    """Return the line of a row, as `RowResult.as_line` does. Most rows are accepted: for those, no other value is made."""
    return (
        f'{{"row": {row}, {place}"line": {line}, "state": "{state}", "status_code": {status_code}, '
        f'"key": {_text(key)}, "insert_id": {_text(insert_id)}, "message_id": {_text(message_id)}, '
        f'"code": {_text(code)}, "error": {_text(error)}, "attempts": {attempts}, "session": {session}}}\n'
    )


def _text(text: str | None) -> str:
    return "null" if text is None else _quoted(text)


_quoted = encode_basestring
MAX_MESSAGE = 300
"""Characters of an error in a line."""


def undelivered_line(failure: RowOutcome, session: int, place: FilePlace | None) -> str:
    """Return the line of a row whose worker died: nothing more is known of its event."""
    return RowResult(
        failure.row,
        failure.line,
        failure.state,
        failure.status_code,
        None,
        None,
        None,
        failure.code,
        failure.message,
        failure.attempts,
        session,
        place,
    ).as_line()


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


def messages_of(path: Path, at_most: int) -> dict[int, str]:
    """Return the messages of rows that were not accepted, by their numbers, from a file of results; {} if it can't be read.

    The last line of a row counts.
    """
    found: dict[int, str] = {}
    if not path.is_file():  # a pipe would be waited for
        return found
    with suppress(OSError), path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            if '"state": "accepted"' in line:
                continue
            try:
                result = json.loads(line)
                row, message = int(result["row"]), str(result["error"] or "")
            except (ValueError, TypeError, KeyError):
                continue  # the file may be any other by now
            if row in found or len(found) < at_most:
                found[row] = message
    return found
