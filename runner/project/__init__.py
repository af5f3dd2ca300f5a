"""A project's files: which of them are specs, what they extend, and which files they may name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.project.files import find, project_of

__all__ = ["find", "project_of"]

_HOMES = {"find": "files", "project_of": "files"}


def __getattr__(name: str) -> object:
    if home := _HOMES.get(name):
        return getattr(import_module(f"runner.project.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
