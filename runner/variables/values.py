"""The resolved variables of one event."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.errors import Problem


class Values(NamedTuple):
    """The variables of one event. `secrets` are texts that must never be printed."""

    values: Mapping[str, object]
    secrets: tuple[str, ...]
    problems: tuple[Problem, ...]
