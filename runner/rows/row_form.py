"""How rows are made of the files of a run: which columns they have, and what the names of folders add to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from runner.errors import InvalidInput, Problem
from runner.rows.row import BadRow

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from runner.rows.dataset import DataFile
    from runner.rows.row import Row
    from runner.rows.row_file import RowFile
    from runner.source import Json


class RowForm(NamedTuple):
    """The form of rows, the same for all files of a run, whichever process reads them.

    `columns` are those of the files that are kept, in their order; None for JSON, whose rows keep the `wanted` keys, and have
    null at others that are not `known`, as `RowFile.keep` says. `partitions` are columns in the names of folders. A row of
    texts (`is_text`) is a list of cells.
    """

    columns: tuple[str, ...] | None
    partitions: tuple[str, ...] = ()
    is_text: bool = False
    wanted: Collection[str] | None = None
    known: Collection[str] | None = None

    def arrange(self, opened: RowFile) -> None:
        """Let an open file yield these columns. Call it before its first row is read."""
        if self.columns is not None:
            opened.arrange(self.columns)
        elif self.wanted is not None:
            opened.keep(self.wanted, self.known)

    def partition_values(self, file: DataFile, convert: Callable[[str, str], Json]) -> dict[str, Json]:
        """Return the values of the wanted columns in the names of a file's folders.

        Raises InvalidInput for a text that `convert` refuses with ValueError.
        """
        given: dict[str, Json] = {}
        values = dict(file.partitions)
        for name in self.partitions:
            text = values[name]
            if self.wanted is not None and name not in self.wanted:
                continue
            if text is None:
                given[name] = "" if self.is_text else None
                continue
            try:
                given[name] = text if self.is_text else convert(name, text)
            except ValueError as error:
                message = f"the column '{name}' in the folders of {file.path} is not {error}"
                raise InvalidInput(Problem("rows-partition", message)) from None
        return given


def placed(rows: Iterator[Row | BadRow], before: int, given: Mapping[str, Json]) -> Iterator[Row | BadRow]:
    """Yield the rows of a file after this number of rows of other files, with the values of its folders."""
    if not given and not before:
        yield from rows
        return
    texts, entries = [*given.values()], given
    for row in rows:
        if isinstance(row, BadRow):
            yield row._replace(number=before + row.number)
            continue
        values: Any = row.values
        yield type(row)(
            before + row.number, row.line, values + texts if type(values) is list else {**values, **entries}
        )
