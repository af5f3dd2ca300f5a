"""Flags of `runner test` → pytest's arguments."""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.pytest_plugin.places import Place
    from runner.testing.answers import Record


@dataclass(frozen=True, slots=True)
class Coverage:
    """`--coverage` and `--coverage-min`: show what no case reached, and fail below a number of percent."""

    least: float | None = None


@dataclass(frozen=True, slots=True)
class TestOptions:
    """The flags of `test`. `labels` is pytest's expression of `-m`, `flags` are others of its own."""

    record: Record
    sandbox: bool
    record_in_ci: bool
    update: bool
    name: str | None
    stops_at_first: bool
    labels: str | None
    junit_xml: Path | None
    live: bool
    coverage: Coverage | None
    flags: tuple[str, ...]
    html: Path | None = None


def pytest_arguments(
    options: TestOptions, places: Sequence[Place], *, is_colored: bool, is_verbose: bool, is_quiet: bool
) -> list[str]:
    """Return pytest's arguments. Raise UsageError for a path that pytest would split."""
    args = ["-ra", "--continue-on-collection-errors", f"--color={'yes' if is_colored else 'no'}"]
    args += ["-v"] if is_verbose else ["--no-header"]
    args += ["-q"] if is_quiet else []
    args += (
        [f"-k={options.name}"] if options.name is not None else []
    )  # alone, pytest reads flags from the file after an @
    args += [f"-m={options.labels}"] if options.labels is not None else []
    args += ["-x"] if options.stops_at_first else []
    args += [f"--junit-xml={options.junit_xml}"] if options.junit_xml is not None else []
    return [*args, *options.flags, *(place.argument for place in places)]


def cache_folder(root: Path, environ: Mapping[str, str]) -> Path | None:
    """Make the folder in which pytest remembers failures, and return it; None if there can be none.

    It lies with the user's caches: a project may come from a stranger.
    """
    home = Path(environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", ""), ".cache"))
    if not home.is_absolute():
        return None
    cache = home / "suprsend-runner" / "pytest" / sha256(os.fsencode(root)).hexdigest()[:16]
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return cache
