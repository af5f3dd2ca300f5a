"""Spans → the rows that they refer to, read by a process that may not be the one that cut them."""

from __future__ import annotations

import io
from collections import OrderedDict
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from runner.errors import InvalidInput, Problem
from runner.rows.file_errors import translated_errors
from runner.rows.row import BrokenFileError
from runner.rows.row_file import open_bytes, parquet_of, rows_from
from runner.rows.row_form import placed
from runner.rows.spans import GroupRows, Lines, checksum_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from runner.rows.dataset import DataFile
    from runner.rows.parquet_rows import Parquet
    from runner.rows.row import BadRow, Row
    from runner.rows.row_form import RowForm
    from runner.rows.spans import Span, SpannedRows
    from runner.source import Json

_MAX_OPEN = 2
"""Row groups that stay open, each with a batch and a buffer a column in memory: more rows of the latest are soon asked for."""


class SpanReader:
    """Reads spans of the files of a run, in any order, from any thread.

    Texts are converted by their columns, as `RowFile.convert_texts` and `RowForm.partition_values` say.
    """

    def __init__(
        self,
        files: Sequence[DataFile],
        form: RowForm,
        convert_text: Callable[[str, str], Json],
        convert_partition: Callable[[str, str], Json],
    ) -> None:
        self._files = files
        self._form = form
        self._convert_text = convert_text
        self._convert_partition = convert_partition
        self._groups: OrderedDict[tuple[int, int], _OpenGroup] = OrderedDict()
        self._choosing = Lock()

    def rows(self, wanted: SpannedRows) -> Iterator[Row | BadRow]:
        """Yield rows with their numbers in the run.

        Raises InvalidInput for a file that is not the one that was cut, and the errors of `open_rows`.
        """
        for span in wanted.spans:
            file = self._files[span.file]
            given = self._form.partition_values(file, self._convert_partition)
            rows = self._lines(span, span.at) if isinstance(span.at, Lines) else self._of_group(span, span.at)
            for row in placed(rows, span.before, given):
                if wanted.only is None or row.number in wanted.only:
                    yield row

    def close(self) -> None:
        """Close all files."""
        with self._choosing:
            for group in self._groups.values():
                group.close()
            self._groups.clear()

    def _lines(self, span: Span, at: Lines) -> Iterator[Row | BadRow]:
        path = self._files[span.file].path
        with open_bytes(path, span.version) as file, translated_errors(path, span.first_row - 1):
            _check(file.size >= at.end and (span.version or checksum_of(file, at.begin, at.end) == span.checksum), path)
            file.seek(at.begin)
            content = io.BytesIO(file.read(at.end - at.begin))
        rows = rows_from(content.read, path, at.line, at.columns, span.first_row - 1)
        self._form.arrange(rows)
        return iter(rows)

    def _of_group(self, span: Span, at: GroupRows) -> Iterator[Row | BadRow]:
        with self._group(span, at) as group, translated_errors(group.path, span.first_row - 1):
            yield from group.rows(at.skipped, span.rows, span.first_row - 1)

    @contextmanager
    def _group(self, span: Span, at: GroupRows) -> Iterator[_OpenGroup]:
        """Take the open group that is before these rows, or open it."""
        key = (span.file, at.group)
        with self._choosing:
            group = self._groups.pop(key, None)  # no other thread may use it meanwhile
        if group is None or group.position > at.skipped:
            if group is not None:
                group.close()
            group = _OpenGroup(self._files[span.file].path, span, at, self._form, self._convert_text)
        with ExitStack() as on_failure:
            on_failure.callback(group.close)
            yield group
            on_failure.pop_all()
        if group.is_over:
            group.close()
            return
        with self._choosing:
            replaced = self._groups.pop(key, None)
            self._groups[key] = group
            oldest = self._groups.popitem(last=False)[1] if len(self._groups) > _MAX_OPEN else None
        for other in (replaced, oldest):
            if other is not None:
                other.close()


class _OpenGroup:
    """A row group that is read forward. `position` is the number of rows that were passed."""

    def __init__(
        self, path: str, span: Span, at: GroupRows, form: RowForm, convert: Callable[[str, str], Json]
    ) -> None:
        self.path = path
        self.position = 0
        with ExitStack() as opened, translated_errors(path):
            file = opened.enter_context(open_bytes(path, span.version))
            _check(file.size >= at.end and (span.version or checksum_of(file, at.begin, at.end) == span.checksum), path)
            self._parquet: Parquet = parquet_of(file, path)
            if form.columns is not None:
                self._parquet.keep(form.columns)
            self._parquet.convert(convert)
            self._batches = self._parquet.batches(at.group)
            self._size = self._parquet.groups()[at.group].rows
            self._opened = opened.pop_all()
        self._rest: pa.RecordBatch | None = None

    @property
    def is_over(self) -> bool:
        """Whether all rows were passed."""
        return self.position >= self._size

    def rows(self, skipped: int, count: int, before: int) -> Iterator[Row | BadRow]:
        """Yield rows of the group, after this number of skipped ones; the first one has `before` rows before it in its file."""
        return self._parquet.rows_of(self._next(skipped, count), before)

    def close(self) -> None:
        """Close the file."""
        self._opened.close()

    def _next(self, skipped: int, count: int) -> Iterator[pa.RecordBatch]:
        while count:
            batch = self._rest if self._rest is not None else next(self._batches, None)
            if batch is None:
                raise BrokenFileError("a row group has fewer rows than its footer promises")
            self._rest = None
            pass_over = min(max(skipped - self.position, 0), batch.num_rows)
            wanted = batch.slice(pass_over, count)
            taken = pass_over + wanted.num_rows
            self.position += taken
            if taken < batch.num_rows:
                self._rest = batch.slice(taken)
            count -= wanted.num_rows
            if wanted.num_rows:
                yield wanted


def _check(is_same: object, path: str) -> None:
    if not is_same:
        message = f"{path} is not the file that the run reads elsewhere"
        hint = "each machine must have the same files under the same paths: a shared folder, or an object store"
        raise InvalidInput(Problem("rows-changed", message, hint=hint))
