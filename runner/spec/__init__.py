"""A file → a `Spec` with every problem; a `Spec` and variables → an `Event`."""

from runner.spec.case import Case
from runner.spec.event import Occurrence, render
from runner.spec.files import find, project_of
from runner.spec.load import Loaded, Spec, load, schema_text
from runner.spec.variables import Given, Values, Variable, resolve, secret_texts, unknown

__all__ = [
    "Case", "Given", "Loaded", "Occurrence", "Spec", "Values", "Variable", "find", "load", "project_of", "render",
    "resolve", "schema_text", "secret_texts", "unknown",
]  # fmt: skip
