"""Failures → the data of a searchable table: texts that are stored once, and rows of their numbers, within a number of bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from runner.report.style import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.secrets import Mask

    Row: TypeAlias = list[int | list[list[int]]]

MAX_BYTES = 200_000
"""The rest of a file has less than the other half of 400 KB. What is left out is counted, and a command shows it."""

_MAX_CHARS = 2000
"""Longest text of a cell: one long value must not take the room of all other rows."""


class Detail(NamedTuple):
    """One thing that is wrong: the field with the expected and the actual value, or a message without them."""

    at: str = ""
    expected: str = ""
    actual: str = ""
    message: str = ""
    place: str = ""
    hint: str = ""


class FailureTable:
    """Rows of a table. Their texts are masked, and their invisible characters are shown."""

    def __init__(self, columns: Sequence[str], mask: Mask, max_bytes: int = MAX_BYTES) -> None:
        self.columns = columns
        self.total = 0
        self._mask = mask
        self._left_bytes = max_bytes
        self._texts: dict[str, int] = {}
        self._rows: list[Row] = []
        self._is_full = False

    @property
    def shown(self) -> int:
        """The number of rows that the table has; `total` also counts those for which there is no room."""
        return len(self._rows)

    def add(self, cells: Sequence[str], details: Sequence[Detail] = ()) -> None:
        """Add a row, if there is room for it."""
        self.total += 1
        if self._is_full:
            return
        row: Row = [*map(self._number, cells), [[*map(self._number, each)] for each in details]]
        self._left_bytes -= len(json.dumps(row))
        self._is_full = self._left_bytes < 0
        if not self._is_full:
            self._rows.append(row)

    def data(self) -> dict[str, object]:
        """Return the data for the page's script."""
        return {"columns": [*self.columns], "texts": [*self._texts], "rows": self._rows}

    def _number(self, text: str) -> int:
        if text not in self._texts:
            shown = printable(self._mask.cut(text, _MAX_CHARS))
            if shown not in self._texts:
                self._texts[shown] = len(self._texts)
                self._left_bytes -= len(json.dumps(shown, ensure_ascii=False).encode("utf-8", "replace")) + 2
            return self._texts[shown]
        return self._texts[text]
