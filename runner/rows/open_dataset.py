"""The dataset of a run → its open rows: those of its files, or of its query over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from runner.errors import InvalidInput, Problem
from runner.rows.row_files import open_plain

if TYPE_CHECKING:
    from runner.rows.dataset import Dataset
    from runner.rows.row_file import RowFile
    from runner.rows.row_files import RowFiles


def open_dataset(dataset: Dataset, stdin: BinaryIO) -> RowFile | RowFiles:
    """Open the rows of a run. Raises the errors of `open_plain`, and InvalidInput for a query."""
    if dataset.query is None:
        return open_plain(dataset, stdin)
    try:
        from runner.rows.query_rows import QueryRows  # noqa: PLC0415 - it loads DuckDB and pyarrow, which are an extra
    except ModuleNotFoundError as error:
        hint = "pip install 'suprsend-runner[sql]'"
        raise InvalidInput(Problem("rows-format", f"for --query, {error.name} must be installed", hint=hint)) from None
    return QueryRows(dataset)
