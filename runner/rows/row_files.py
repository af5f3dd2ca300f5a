"""Several files of rows as one: their rows in the order of the files, numbered through, in bounded memory.

One file is open at a time. Each was opened once before the first row is read, so that a file with other columns is found
before anything is sent; when its turn comes, it must still be the same.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import chain
from operator import length_hint
from typing import TYPE_CHECKING, NamedTuple, Self

from runner.errors import InvalidInput, Problem
from runner.rows.formats import suffix_of
from runner.rows.places import FileStart
from runner.rows.remote_store import RemoteState
from runner.rows.row import first_row
from runner.rows.row_file import open_named, open_rows
from runner.rows.row_form import RowForm, placed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from typing import BinaryIO

    from runner.rows.block_rows import BlockRows
    from runner.rows.dataset import DataFile, Dataset
    from runner.rows.formats import Suffix
    from runner.rows.row import BadRow, Row
    from runner.rows.row_file import RowFile
    from runner.rows.stable_file import Memory
    from runner.source import Json


class _Member(NamedTuple):
    """A file that was opened before. `memory` is what it must still be; `columns` are None for JSON."""

    file: DataFile
    suffix: Suffix
    memory: Memory | RemoteState | None
    columns: tuple[str, ...] | None


class RowFiles:
    """Files of rows, for one pass over them, with the attributes and methods of a `RowFile`.

    All have one kind of format, and the same columns among those that count. `columns` has those of all files. `starts`
    grows while rows are read.
    """

    def __init__(self, dataset: Dataset) -> None:
        """Open each file. Raises the errors of `open_rows`, and InvalidInput for files that do not go together."""
        self._members = [_opened_before(file) for file in dataset.files]
        first = self._members[0]
        for other in self._members:
            _check_kind(first, other)
        self.partitions = (*(name for name, _ in first.file.partitions),)
        for member in self._members:
            _refuse_shadowed(member)
        own = dict.fromkeys(column for member in self._members for column in member.columns or ())
        self.form = RowForm(None if first.columns is None else (*own,), self.partitions, first.suffix.is_table)
        self.columns = None if first.columns is None else (*own, *self.partitions)
        self.header = self.columns if self.form.is_text else None
        self.starts: list[FileStart] = []
        self._convert_partition: Callable[[str, str], Json] = lambda _, text: text
        self._convert_text: Callable[[str, str], Json] = lambda _, text: text
        self._rows = self._all_rows()
        self._seen: Iterator[Row | BadRow] = iter(())
        self._before = self._in_file = 0
        """The numbers of rows of earlier files, and of those of the open one that were read."""
        self._open: RowFile | None = None
        self._opened = ExitStack()

    @property
    def members(self) -> list[tuple[DataFile, Memory | RemoteState | None]]:
        """Each file, and what it was when it was opened."""
        return [(member.file, member.memory) for member in self._members]

    def keep(self, wanted: Collection[str], known: Collection[str] | None) -> None:
        """Drop other columns, as `RowFile.keep` does. Raises InvalidInput for a file that lacks a wanted column."""
        self.form = self.form._replace(wanted=frozenset(wanted), known=None if known is None else frozenset(known))
        if self.columns is None:
            return
        self.columns = (*(column for column in self.columns if column in wanted),)
        self.header = self.columns if self.form.is_text else None
        own = (*(column for column in self.columns if column not in self.partitions),)
        self.form = self.form._replace(columns=own)
        for member in self._members:
            missing = [column for column in own if column not in (member.columns or ())]
            if missing:
                message = f"{member.file.path} has no column '{missing[0]}', which other files of the run have"
                raise InvalidInput(
                    Problem("rows-differ", message, hint="send files with other columns in a run of their own")
                )

    def convert_partitions(self, convert: Callable[[str, str], Json]) -> None:
        """Convert the texts in the names of folders by column, where rows have typed values. Call it before the first row is read.

        Raises InvalidInput for a text that `convert` refuses with ValueError.
        """
        self._convert_partition = convert
        for member in self._members:
            self.form.partition_values(member.file, convert)

    def convert_texts(self, convert: Callable[[str, str], Json]) -> None:
        """Convert texts, as `RowFile.convert_texts` does. Call it before the first row is read."""
        self._convert_text = convert

    def first(self, at_most: int) -> Row | None:
        """Return the first readable row among the first ones, as `RowFile.first` does."""
        seen: list[Row | BadRow] = []
        try:
            return first_row(self._rows, at_most, seen)
        finally:
            self._seen = iter(seen)
            self._rows = chain(self._seen, self._rows)

    def take(self, at_most: int) -> BlockRows | None:
        """Return the next rows of the open file in a block, as `RowFile.take` does; columns in the names of folders need rows."""
        if self._open is None or self.partitions or length_hint(self._seen):
            return None
        rows = self._open.take(at_most)
        if rows is None:
            return None
        self._in_file += len(rows)
        return rows.after(self._before)

    def fingerprint(self) -> str:
        """Return the fingerprint of each file, separated by spaces. From now on the files must not change."""
        return " ".join(map(_fingerprint, self._members))

    def check(self, rows: int) -> None:
        """Raise InvalidInput if the open file has changed; the others were checked at their ends."""
        if self._open is not None:
            self._open.check(rows - self.starts[-1].first_row + 1)

    def __iter__(self) -> Iterator[Row | BadRow]:
        return self._rows

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def _all_rows(self) -> Iterator[Row | BadRow]:
        for member in self._members:
            with ExitStack() as self._opened:
                self._open = self._opened.enter_context(_open(member))
                self._open.convert_texts(self._convert_text)
                self.form.arrange(self._open)
                if len(self._members) > 1 or self.partitions:
                    self.starts.append(FileStart(self._before + 1, member.file.path))
                given = self.form.partition_values(member.file, self._convert_partition)
                for row in placed(iter(self._open), self._before, given):
                    self._in_file = row.number - self._before
                    yield row
                self._before, self._in_file = self._before + self._in_file, 0
                self._open = None


def open_plain(dataset: Dataset, stdin: BinaryIO) -> RowFile | RowFiles:
    """Open the rows of files. Raises the errors of `open_rows` and of `RowFiles`."""
    if dataset.is_piped:
        return open_rows(None, stdin, dataset.name)
    [file, *others] = dataset.files
    if others or file.partitions:
        return RowFiles(dataset)
    return open_named(file.path)


def _opened_before(file: DataFile) -> _Member:
    with open_named(file.path) as opened:
        suffix = suffix_of(file.path)
        assert suffix is not None  # noqa: S101 - it was opened by it
        return _Member(file, suffix, opened.memory, opened.columns)


def _open(member: _Member) -> RowFile:
    return open_named(member.file.path, member.memory)


def _fingerprint(member: _Member) -> str:
    if isinstance(member.memory, RemoteState):  # it is the version that the store named when the file was opened
        return member.memory.fingerprint()
    with _open(member) as opened:
        return opened.fingerprint()


def _check_kind(one: _Member, other: _Member) -> None:
    if one.suffix.kind != other.suffix.kind:
        message = (
            f"{one.file.path} and {other.file.path} are of different formats: {one.suffix.kind} and {other.suffix.kind}"
        )
        raise InvalidInput(Problem("rows-differ", message, hint="send them in runs of their own"))


def _refuse_shadowed(member: _Member) -> None:
    for name, _ in member.file.partitions:
        if name in (member.columns or ()):
            message = f"the column '{name}' is in {member.file.path} and in the names of its folders"
            raise InvalidInput(Problem("rows-partition", message, hint="take one of them away"))
