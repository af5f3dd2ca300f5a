"""The one exception of sources that can't be imported, and the limits that keep a hostile source from filling memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import InvalidInput, Position, Problem

if TYPE_CHECKING:
    from runner.codes import Code

MAX_BYTES = 64 * 1024 * 1024
"""Maximum size of a source: archives of a browser have tens of megabytes."""
MAX_DEPTH = 64
MAX_EVENTS = 10_000
"""Maximum number of events of one source that are looked at."""
MAX_SPECS = 200
"""Maximum number of specs that one import writes."""


def unusable(
    message: str, hint: str | None = None, position: Position | None = None, code: Code = "import-source"
) -> InvalidInput:
    """Return the exception for a source with a fault. Its line is not shown: it may hold secrets."""
    return InvalidInput(Problem(code, message, position, hint=hint))


def place(name: str, line: int, column: int = 1) -> Position:
    """Return a position in a source."""
    return Position(name, line, column, column + 1, "")
