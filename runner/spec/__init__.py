"""A file → a `Spec` with every problem; a `Spec` and variables → an `Event`.

The names load on first use: a check of files needs no compiler of templates.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.spec.case import Case, Step, case_seed, in_case
    from runner.spec.event import Occurrence, render
    from runner.spec.files import find, project_of
    from runner.spec.reader import Loaded, Spec, load, schema_text
    from runner.spec.specialized import Make, specialize
    from runner.spec.variables import (
        Cells,
        Given,
        RowResolver,
        Values,
        Variable,
        resolve,
        resolve_fixed,
        unknown,
        without_names,
    )

__all__ = [
    "Case", "Cells", "Given", "Loaded", "Make", "Occurrence", "RowResolver", "Spec", "Step", "Values", "Variable", "case_seed", "find", "in_case", "load", "project_of", "render",
    "resolve", "resolve_fixed", "schema_text", "specialize", "unknown", "without_names",
]  # fmt: skip

_HOMES = {
    "Case": "case", "Step": "case", "case_seed": "case", "in_case": "case", "Cells": "variables", "Given": "variables", "Loaded": "reader", "Make": "specialized", "Occurrence": "event", "RowResolver": "variables", "Spec": "reader", "Values": "variables",
    "Variable": "variables", "find": "files", "load": "reader", "project_of": "files", "render": "event",
    "resolve": "variables", "resolve_fixed": "variables", "schema_text": "reader", "specialize": "specialized", "unknown": "variables", "without_names": "variables",
}  # fmt: skip


def __getattr__(name: str) -> object:
    if home := _HOMES.get(name):
        return getattr(import_module(f"runner.spec.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
