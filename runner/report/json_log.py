"""Messages as lines of JSON on stderr, for programs that collect logs: `--log-format json`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runner.report.format import Format
from runner.report.output import Output
from runner.report.problems import as_json, masked
from runner.report.style import harmless_json, json_without_commands

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from runner.errors import Problem

_LEVELS = {"error": "error", "warning": "warning", "advice": "info"}


class JsonLog(Output):
    """An output whose messages are objects, one a line, with `time`, `level` and `message`; problems have `problem` too.

    What is masked, and what is left out with `-q` or without `-v`, is the same as of text. Progress is a message every ten
    seconds. Questions stay text: they are for people.
    """

    def __init__(self, *args: Any, clock: Callable[[], datetime], **options: Any) -> None:
        super().__init__(*args, **options)
        self._clock = clock

    def message(self, text: str) -> None:
        """Write a message, but not with `-q`."""
        if not self.quiet:
            self._log("info", text)

    def announce(self, text: str) -> None:
        """Write a message, also with `-q`."""
        self._log("info", text)

    def detail(self, text: str) -> None:
        """Write a message with `-v`."""
        if self.verbose:
            self._log("debug", text)

    @property
    def has_terminal(self) -> bool:
        """Return False: no line is replaced."""
        return False

    def complaints(self, problems: Iterable[Problem]) -> None:
        """Write problems; with `-q` without warnings."""
        if self.format is Format.GITHUB:
            super().complaints(problems)
            return
        for problem in problems:
            if not self.quiet or problem.severity == "error":
                shown = masked(problem, self._mask)
                self._log(_LEVELS[problem.severity], shown.message, {"problem": as_json(shown)})

    def _log(self, level: str, text: str, more: dict[str, object] | None = None) -> None:
        time = self._clock().isoformat(timespec="milliseconds")
        line = {"time": time, "level": level, "message": self._mask.text(text)} | (more or {})
        text = json.dumps(line, ensure_ascii=False)
        self._exact(self._stderr, json_without_commands(harmless_json(text)))
