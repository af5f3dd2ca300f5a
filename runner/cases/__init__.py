"""The cases of a spec: their variables and their expectations."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.cases.case import Case, Step, case_seed, in_case

__all__ = ["Case", "Step", "case_seed", "in_case"]

_HOMES = {"Case": "case", "Step": "case", "case_seed": "case", "in_case": "case"}


def __getattr__(name: str) -> object:
    if home := _HOMES.get(name):
        return getattr(import_module(f"runner.cases.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
