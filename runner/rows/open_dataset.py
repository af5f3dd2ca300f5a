"""The dataset of a run → its open rows: those of its files, or of its query over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from runner.errors import InvalidInput, Problem
from runner.rows.row_files import RowFiles, open_plain

if TYPE_CHECKING:
    from runner.rows.dataset import Dataset
    from runner.rows.row_file import RowFile


def open_dataset(dataset: Dataset, stdin: BinaryIO, *, is_cut: bool = False) -> RowFile | RowFiles:
    """Open the rows of a run. With `is_cut`, their files can be cut, even if it is only one.

    Raises the errors of `open_plain`, and InvalidInput for a query.
    """
    if is_cut:
        return RowFiles(dataset)
    if dataset.query is None:
        return open_plain(dataset, stdin)
    try:
        from runner.rows.query_rows import QueryRows  # noqa: PLC0415 - it loads DuckDB and pyarrow, which are an extra
    except ModuleNotFoundError as error:
        hint = "pip install 'suprsend-runner[sql]'"
        raise InvalidInput(Problem("rows-format", f"for --query, {error.name} must be installed", hint=hint)) from None
    return QueryRows(dataset)
