"""What tests of rows share: a file that is written and read, and what comes of it told as lines."""

from __future__ import annotations

import gzip
import io
import json
from typing import TYPE_CHECKING

import pytest

from runner.errors import InvalidInput, RunnerError
from runner.rows.row_file import BadRow, Row, RowFile, open_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runner.errors import Problem


def named(file: RowFile) -> Iterator[Row | BadRow]:
    """Give the rows of a file, and the cells of a table by their columns' names."""
    for row in file:
        if isinstance(row, Row) and file.header is not None:
            assert type(row.values) is list
            yield row._replace(values=dict(zip(file.header, row.values, strict=True)))
        else:
            yield row


class Rows:
    """Reads what it is given: as a file of a name, whose bytes are packed if the name asks for it, or from a stream."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, content: bytes, name: str = "rows.csv") -> list[Row | BadRow]:
        with self.open(content, name) as file:
            return list(named(file))

    def open(self, content: bytes, name: str) -> RowFile:
        path = self._folder / name
        path.write_bytes(gzip.compress(content, 1) if name.lower().endswith(".gz") else content)
        return open_rows(path, io.BytesIO(), name)

    def stream(self, content: bytes, at_most: int = 1 << 20) -> list[Row | BadRow]:
        """Read from a stream that gives at most so many bytes at a time."""
        with open_rows(None, Dribble(content, at_most), "-") as file:
            return list(named(file))

    def stream_until_fault(self, content: bytes, at_most: int) -> tuple[list[Row | BadRow], str | None]:
        """Read from such a stream; also the code of the first fault of syntax, a row's own or the file's."""
        read: list[Row | BadRow] = []
        with open_rows(None, Dribble(content, at_most), "-") as file:
            try:
                for row in named(file):
                    if isinstance(row, BadRow) and row.problem.code == "row-quotes":
                        return read, row.problem.code
                    read.append(row)
            except InvalidInput as error:
                return read, error.problems[0].code
        return read, None

    def told(self, content: bytes, name: str = "rows.csv") -> list[str]:
        """Read a file, and tell each row and fault, the last fault too."""
        return list(self._tell(lambda: self.open(content, name)))

    def told_of_stream(self, content: bytes, at_most: int) -> list[str]:
        return list(self._tell(lambda: open_rows(None, Dribble(content, at_most), "-")))

    def _tell(self, opening: Callable[[], RowFile]) -> Iterator[str]:
        try:
            with opening() as file:
                for row in named(file):
                    if isinstance(row, Row):
                        yield f"{row.number} on line {row.line}: {json.dumps(row.values, ensure_ascii=False)}"
                    else:
                        yield f"{row.number} on line {row.line}: {_line(row.problem)}"
        except RunnerError as error:
            for problem in error.problems:
                yield f"{type(error).__name__}: {_line(problem)}"


class Dribble(io.BytesIO):
    """A stream that gives little at a time, as a pipe does."""

    def __init__(self, content: bytes, at_most: int) -> None:
        super().__init__(content)
        self._at_most = at_most

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read1(min(self._at_most, size) if size and size > 0 else self._at_most)


def _line(problem: Problem) -> str:
    place = problem.position
    where = f"{place.line}:{place.column} " if place else ""
    assert place is None or place.text == ""
    return f"{where}[{problem.code}] {problem.message}{f' ({problem.hint})' if problem.hint else ''}"


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    return Rows(tmp_path_factory.mktemp("rows"))
