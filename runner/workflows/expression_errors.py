"""What goes wrong when an expression of a workflow is evaluated.

Exception
├── ExpressionError     the platform reports an error too: the run stops
│   └── HandlebarsError a syntax error in a template, with its offset
└── UnsupportedError    the platform may well return a value; it can't be known here
"""

from __future__ import annotations


class ExpressionError(Exception):
    """The expression fails, on the platform too."""


class HandlebarsError(ExpressionError):
    """A syntax error in a Handlebars template. `offset` counts characters from its begin."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class UnsupportedError(Exception):
    """The expression can't be evaluated here: an engine is missing, a function is not modelled, or a limit is exceeded."""


ELSEWHERE = ("$organization", "$workflow", "$tenant", "$user", "$embedded_preference_url", "$hosted_preference_url")
"""Roots of data that the platform has and a run here may lack: to read one of these is unsupported, not an error."""
