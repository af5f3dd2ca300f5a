"""What made a report: versions of the program, of Python and of libraries."""

from __future__ import annotations

import platform
from datetime import UTC
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from runner import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


def versions(libraries: Sequence[str]) -> list[tuple[str, str]]:
    """Return the names and versions of this program and of some libraries."""
    found = [("runner", __version__), ("Python", platform.python_version())]
    found += [(name, text) for name in libraries if (text := _version(name)) is not None]
    return [*found, ("System", f"{platform.system()} {platform.machine()}")]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def instant(moment: datetime) -> str:
    """Return a time in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
