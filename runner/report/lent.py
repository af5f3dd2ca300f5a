"""A stream for a program in this process, whose text becomes harmless on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.report.style import without_commands, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO


class Lent:
    """A stream that makes text harmless before it writes it, also if lines come in pieces. It is not a terminal.

    `put` writes a text, and flushes for None. It accepts text also when the reader went away: a program must end normally
    and return its result.
    """

    def __init__(self, stream: TextIO, put: Callable[[str | None], None], *, is_for_workflow: bool) -> None:
        self._put = put
        self._is_for_workflow = is_for_workflow
        self._line = ""
        self.encoding = stream.encoding
        self.fileno = stream.fileno

    def write(self, text: str) -> int:
        """Write a text that became harmless; return the length of the given one."""
        harmless = written(text)
        if self._is_for_workflow:
            whole = without_commands(self._line + harmless)
            # Otherwise a command could begin in one piece and end in the next.
            harmless = whole[len(self._line) :] if whole.startswith(self._line) else f"\\{without_commands(harmless)}"
            self._line = f"{self._line}{harmless}".rpartition("\n")[2]
        self._put(harmless)
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        self._put(None)

    def isatty(self) -> bool:
        """Return False: colors would become harmless, too."""
        return False
