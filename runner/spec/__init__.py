"""A file → a `Spec` with every problem; a `Spec` and variables → an `Event`."""

from runner.spec.case import Case
from runner.spec.event import Occurrence, render
from runner.spec.files import find
from runner.spec.load import SCHEMA_TEXT, Loaded, Spec, load
from runner.spec.variables import Given, Values, Variable, resolve, secret_texts, unknown

__all__ = [
    "SCHEMA_TEXT", "Case", "Given", "Loaded", "Occurrence", "Spec", "Values", "Variable", "find", "load", "render",
    "resolve", "secret_texts", "unknown",
]  # fmt: skip
