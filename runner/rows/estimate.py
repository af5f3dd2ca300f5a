"""Files of rows → the number of their rows, without reading them as such."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner.rows.formats import DELIMITERS, LINES, PARQUET, suffix_of
from runner.rows.urls import is_url

if TYPE_CHECKING:
    from runner.rows.dataset import DataFile, Dataset


def estimated_rows(dataset: Dataset) -> int | None:
    """Return about how many rows the files have: by lines where a row has one, exactly for Parquet; None for others.

    Files in a store are not read for it.
    """
    counts = [_rows_in(file) for file in dataset.files]
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None


def _rows_in(file: DataFile) -> int | None:
    suffix = suffix_of(file.path)
    if suffix is None or suffix.is_packed or is_url(file.path):
        return None
    if suffix.format == PARQUET:
        return _in_footer(Path(file.path))
    if suffix.format not in (*DELIMITERS, *LINES):
        return None
    with Path(file.path).open("rb") as content:
        lines = sum(piece.count(b"\n") for piece in iter(partial(content.read, 1 << 20), b""))
    return max(0, lines - (suffix.format in DELIMITERS))


def _in_footer(path: Path) -> int | None:
    from pyarrow import ArrowException, parquet  # noqa: PLC0415 - an extra; who reads the rows reports what is wrong

    with suppress(ArrowException, OSError):
        return int(parquet.read_metadata(path).num_rows)
    return None
