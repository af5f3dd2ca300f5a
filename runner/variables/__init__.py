"""Variables: what a spec declares and what the user passes → typed, checked values.

Precedence, high to low: flags, row, case, vars file, `RUNNER_VAR_name`, the declaration's `env:`, profile, default.
Text is converted to the declared type by JSON's grammar, never by Python's.
"""

from runner.variables.given import Given
from runner.variables.names import unknown, without_names
from runner.variables.resolve import ENV_PREFIX, origins, resolve, resolve_fixed
from runner.variables.row_resolver import Cells, RowResolver
from runner.variables.text import PLAIN_NUMBER, whole
from runner.variables.values import Values
from runner.variables.variable import Variable

__all__ = [
    "ENV_PREFIX",
    "PLAIN_NUMBER",
    "Cells",
    "Given",
    "RowResolver",
    "Values",
    "Variable",
    "origins",
    "resolve",
    "resolve_fixed",
    "unknown",
    "whole",
    "without_names",
]
