"""What goes wrong while a file of rows is read → errors that name the file and the row."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner.errors import InvalidInput, MachineError, Problem, RunnerError
from runner.rows.row import BrokenFileError
from runner.rows.stable_file import FileChangedError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def translated_errors(shown: str, rows: int = 0) -> Iterator[None]:
    """Translate exceptions while the file is opened, or after this number of rows, into a RunnerError."""
    try:
        yield
    except (BrokenFileError, FileChangedError, OSError) as error:
        raise error_of(error, shown, rows) from None


def error_of(error: BrokenFileError | FileChangedError | OSError, shown: str, rows: int) -> RunnerError:
    """Return the error for what went wrong after this number of rows."""
    after = f"after row {rows}" if rows else "before the first row"
    if isinstance(error, BrokenFileError):
        return InvalidInput(Problem("rows-syntax", f"{shown}: {error} {after}"))
    if isinstance(error, FileChangedError):
        taken = f"only the rows up to {rows:,} were read, as they were at first" if rows else "no row was read"
        hint = f"{taken}; restore it to resume the run, or start a new run with a file that does not change"
        return InvalidInput(
            Problem("rows-changed", f"{error.file or shown} changed while it was read: {error}", hint=hint)
        )
    when = f" {after}" if rows else ""
    return MachineError(Problem("file-unreadable", f"can't read {shown}{when}: {error.strerror or error}"))
