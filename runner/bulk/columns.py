"""Columns of a file, variables of a spec → the variable of each column."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from runner.errors import InvalidInput, Problem, did_you_mean
from runner.rows.row import SHOWN_NAME_CHARS, name_problems
from runner.variables import Given

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.eventspec import Spec
    from runner.rows.dataset import DataFile
    from runner.rows.row_form import RowForm
    from runner.rows.span_reader import SpanReader
    from runner.source import Json
    from runner.variables import Variable


def assign(
    columns: Sequence[str] | None, variables: Sequence[str], renamed: Mapping[str, str], *, ignore_extra: bool
) -> dict[str, str]:
    """Return the variable of each column; `renamed` maps some variables to their columns.

    Without `columns`, for JSON whose rows have their own keys, each variable has the key of its name. Raises InvalidInput
    for a name that is neither a variable nor a column, and, unless `ignore_extra`, for columns without a variable.
    """
    taken = {column: name for name, column in renamed.items()}
    taken |= {name: name for name in variables if name not in renamed and name not in taken}
    problems = list(_wrong_renames(columns, variables, renamed))
    if columns is not None and not problems:
        extra = [] if ignore_extra else [column for column in columns if column not in taken]
        problems += extra_columns(extra, variables)
        known = set(columns)
        taken = {column: name for column, name in taken.items() if column in known}
    if problems:
        raise InvalidInput(*problems)
    return taken


def typed_text(variables: Mapping[str, Variable], column: str, text: str, *, keeps_untyped: bool = False) -> Json:
    """Return a text as the type of its column's variable. Raises ValueError.

    With `keeps_untyped`, a text stays what it is unless a type is declared.
    """
    variable = variables.get(column)
    if variable is None or (keeps_untyped and not variable.types):
        return text
    return variable.typed(Given(text, column, is_text=True))


def reader_of(files: Sequence[DataFile], form: RowForm, spec: Spec, columns: Mapping[str, str]) -> SpanReader:
    """Return the reader of references to rows, which converts texts to the types of their variables."""
    from runner.rows.span_reader import SpanReader  # noqa: PLC0415 - most processes are handed rows, and open no files

    by_name = {variable.name: variable for variable in spec.variables}
    variables = {column: by_name[name] for column, name in columns.items()}
    return SpanReader(files, form, partial(typed_text, variables, keeps_untyped=True), partial(typed_text, variables))


def extra_columns(columns: Sequence[str], variables: Sequence[str]) -> list[Problem]:
    """Report columns without a variable."""
    return name_problems(columns, lambda column: _extra_column(column, variables))


def _extra_column(column: str, variables: Sequence[str]) -> Problem:
    hint = did_you_mean(column, variables, "the spec has no variables" if not variables else None)
    ways = "rename it with --map VARIABLE=COLUMN, or ignore it with --ignore-extra"
    return Problem(
        "unknown-column",
        f"there is no variable for the column '{column[:SHOWN_NAME_CHARS]}'",
        hint=f"{hint}\nor {ways}" if hint else ways,
    )


def _wrong_renames(
    columns: Sequence[str] | None, variables: Sequence[str], renamed: Mapping[str, str]
) -> Iterator[Problem]:
    for name, column in renamed.items():
        if name not in variables:
            message = f"no variable '{name}' (--map {name}={column})"
            yield Problem("unknown-variable", message, hint=did_you_mean(name, variables))
        if columns is not None and column not in columns:
            message = f"the file has no column '{column}' (--map {name}={column})"
            yield Problem("unknown-column", message, hint=did_you_mean(column, columns))
