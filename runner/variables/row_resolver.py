"""A row of a file → the variables of its event."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from runner.errors import Problem
from runner.variables.given import Given
from runner.variables.text import from_text, whole
from runner.variables.values import Values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from runner.source import Json
    from runner.variables.variable import Variable


class RowResolver:
    """Resolves the variables of many rows of one run. `fixed` holds the typed, checked values that all rows share.

    `columns` maps each column to the variable that it sets. With a `header`, a row is the list of its cells, which are
    text; without one, it is a map of JSON values. Values of a row take precedence over `fixed`.

    An empty cell or a null is a value if the declaration allows it. Otherwise it counts as missing.
    """

    def __init__(
        self,
        variables: Sequence[Variable],
        fixed: Mapping[str, object],
        columns: Mapping[str, str],
        header: Sequence[str] | None,
    ) -> None:
        named = {variable.name: variable for variable in variables}
        self.fixed = fixed
        self.is_text = header is not None
        self.columns = [
            _Column.of(column, named[name], header, is_fixed=name in fixed) for column, name in columns.items()
        ]
        self._needed = [variable for variable in variables if variable.required and variable.name not in fixed]

    @property
    def is_plain(self) -> bool:
        """Return whether a row with a value in each column is complete, and has no secrets."""
        given = {column.variable.name for column in self.columns}
        has_secrets = any(column.variable.is_secret for column in self.columns)
        return not has_secrets and all(variable.name in given for variable in self._needed)

    def resolve(self, row: Cells) -> Values:
        """Return the value of each variable for one row, with the row's values checked against their declarations."""
        values = dict(self.fixed)
        secrets: list[str] = []
        problems: list[Problem] = []
        for key, column, absent, read, accepts, variable in self.columns:
            try:
                cell: Any = row[key]  # type: ignore[index]
            except KeyError:
                continue
            if cell == absent:
                continue
            if variable.is_secret:
                secrets += variable.secret_texts(cell)
            try:
                value = read(cell) if read is not None else cell
                is_good = accepts is None or accepts(value)
            except ValueError:
                is_good = False
            if is_good:
                values[variable.name] = value
                if variable.is_secret and value is not cell:
                    secrets += variable.secret_texts(value)
            else:
                problems += variable.problems(Given(cell, f"column '{column}'", is_text=self.is_text))
        for variable in self._needed:
            if variable.name not in values and not problems:
                problems.append(_missing_in_row(variable))
        return Values(values, tuple(secrets), tuple(problems))


Cells: TypeAlias = "Sequence[str] | Mapping[str, Json]"
"""A row: the texts of its cells, or its values by name."""


class _Column(NamedTuple):
    """How to read a variable from a row. Without `read`, the cell is the value; without `accepts`, every value is valid.

    A cell that equals `absent` has no value.
    """

    key: str | int
    column: str
    absent: object
    read: Callable[[Any], Json] | None
    accepts: Callable[[Json], bool] | None
    variable: Variable

    @classmethod
    def of(cls, column: str, variable: Variable, header: Sequence[str] | None, *, is_fixed: bool) -> _Column:
        accepts = variable.schema.accepts
        takes_nothing = variable.takes_nothing(is_text=header is not None, has_other=is_fixed)
        if header is None:
            absent = _NOTHING if takes_nothing else None
            return cls(column, column, absent, whole if variable.takes_whole else None, accepts, variable)
        at, absent = header.index(column), _NOTHING if takes_nothing else ""
        if "string" in variable.types:
            is_any_text = variable.types == ("string",) and variable.is_only_typed
            return cls(at, column, absent, None, None if is_any_text else accepts, variable)
        return cls(at, column, absent, partial(from_text, types=variable.types), accepts, variable)


_NOTHING = object()
"""Equals no cell."""


def _missing_in_row(variable: Variable) -> Problem:
    message = f"variable '{variable.name}' has no value"
    hint = f"add a value to the column '{variable.name}', or set --var {variable.name}=… for all rows"
    return Problem("var-missing", message, variable.declaration, at=f"vars.{variable.name}", hint=hint)
