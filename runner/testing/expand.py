"""Cases of a spec and the files that they name → the cases and rows to run."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from runner.cases.parametrize import ID, choice_id, named
from runner.errors import InvalidInput, Problem, did_you_mean
from runner.rows.row import SHOWN_NAME_CHARS, BadRow, Row, name_problems, place
from runner.rows.row_file import open_rows
from runner.variables import Given

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from runner.cases import Case, Step
    from runner.errors import Position
    from runner.eventspec import Spec
    from runner.source import Json
    from runner.variables import Variable

MAX_ROWS = 10_000
"""Limit for the rows of a case's file, which are held in memory and rendered one by one."""

MAX_CHARS = 16 * 1024 * 1024


def expand(spec: Spec) -> list[Case]:
    """Return all cases of a spec; where `parametrize:` names a file, one for each of its rows.

    Raises NotFound, MachineError and InvalidInput for the files, and InvalidInput for two cases with the same name.
    """
    if all(case.parametrize is None for case in spec.cases):
        return list(spec.cases)
    cases: list[Case] = []
    for case in spec.cases:
        if case.parametrize is None:
            cases.append(case)
        else:
            cases += _of_file(case, case.parametrize, spec.variables)
    _refuse_namesakes(cases, spec)
    return cases


def rows_of(step: Step, variables: Sequence[Variable]) -> Iterator[dict[str, Given]]:
    """Yield the variables of each event of a step: its own, updated by one of its `rows:` if it has some.

    `variables` are those of the step's spec. Raises the errors of `expand`.
    """
    if step.rows is None:
        yield step.vars
        return
    for row in (
        step.rows if isinstance(step.rows, tuple) else (row.values for row in _read(step.rows, variables, step.vars))
    ):
        yield {**step.vars, **row}


class _FileRow(NamedTuple):
    """A row of a file. `plain` has all its cells as they are written, `values` those that set a variable."""

    number: int
    position: Position
    values: dict[str, Given]
    plain: dict[str, Json]


def _of_file(case: Case, path: Path, variables: Sequence[Variable]) -> Iterator[Case]:
    known = {variable.name: variable for variable in variables}
    places: dict[str, Position] = {}
    for row in _read(path, variables, case.vars, besides=ID):
        choice = choice_id(row.plain, row.number, known)
        if choice in places:
            message = f"there are two cases '{named(case.name, choice)}'"
            hint = f"the first is on line {places[choice].line}; add a column `id` to distinguish them"
            raise InvalidInput(Problem("duplicate-case", message, row.position, hint=hint))
        places[choice] = row.position
        yield case.chosen(choice, {name: given for name, given in row.values.items() if name in known})


def _refuse_namesakes(cases: Sequence[Case], spec: Spec) -> None:
    """Refuse a case with the name of one that a row makes; other duplicates are reported when the spec is loaded."""
    met: set[str] = set()
    for case in cases:
        if case.name in met:
            node = case.node.get("name") or spec.root
            message = f"there are two cases '{case.name}', one of them made by a row of a file"
            raise InvalidInput(Problem("duplicate-case", message, node.position()))
        met.add(case.name)


def _read(
    path: Path, variables: Sequence[Variable], others: Mapping[str, Given], besides: str | None = None
) -> Iterator[_FileRow]:
    """Read a file of rows. A column must be the name of a variable, or `besides`; `others` are set by the case itself.

    An empty cell and a null mean the same as in a file of `--rows`.
    """
    shown = str(path)
    known = {variable.name: variable for variable in variables}
    names = list(dict.fromkeys([*known, *([besides] if besides else [])]))
    has_other = {variable.name for variable in variables if variable.has_default or variable.name in others}
    with open_rows(path, io.BytesIO(), shown) as file:
        _refuse_columns(file.columns or (), names, place(shown, 1))
        size = 0
        for row in file:
            if isinstance(row, BadRow):
                raise InvalidInput(row.problem)
            if row.number > MAX_ROWS:
                message = f"{shown} has more than {MAX_ROWS:,} rows"
                raise InvalidInput(Problem("bad-value", message, hint="send them with --rows; a case is for few rows"))
            position = place(shown, row.line)
            cells = _cells(row, file.header)
            size += sum(len(str(cell)) for cell in cells.values())
            if size > MAX_CHARS:
                message = f"{shown} has more than {MAX_CHARS:,} characters"
                raise InvalidInput(Problem("bad-value", message, hint="send them with --rows; a case is for few rows"))
            _refuse_columns(cells, names, position)
            is_text = file.header is not None
            values = {
                name: Given(cell, f"column '{name}'", is_text=is_text, position=position)
                for name, cell in cells.items()
                if cell != ("" if is_text else None)
                or (name in known and known[name].takes_nothing(is_text=is_text, has_other=name in has_other))
            }
            yield _FileRow(row.number, position, values, dict(cells))


def _refuse_columns(columns: Iterable[str], names: Sequence[str], position: Position) -> None:
    known = set(names)
    unknown = [column for column in columns if column not in known]
    if unknown:
        raise InvalidInput(*name_problems(unknown, lambda column: _unknown_column(column, names, position)))


def _unknown_column(column: str, names: Sequence[str], position: Position) -> Problem:
    message = f"there is no variable for the column '{column[:SHOWN_NAME_CHARS]}'"
    return Problem("unknown-column", message, position, hint=did_you_mean(column, names))


def _cells(row: Row, header: Sequence[str] | None) -> dict[str, Json]:
    if isinstance(row.values, Mapping):
        return dict(row.values)
    return dict(zip(header or (), row.values, strict=True))
