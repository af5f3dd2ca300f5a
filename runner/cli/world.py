"""What a command needs of the world: streams, environment, clock, ids. The real ones are made here and nowhere else."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, TextIO
from uuid import UUID, uuid4

from runner.report import Format, Output

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


class Color(StrEnum):
    """What `--color` takes."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class World:
    """The process around a command."""

    environ: Mapping[str, str]
    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    clock: Callable[[], datetime]
    new_seed: Callable[[], UUID]

    @classmethod
    def real(cls) -> World:
        """Take this process's own."""
        return cls(os.environ, sys.stdin, sys.stdout, sys.stderr, lambda: datetime.now(UTC), uuid4)


@dataclass(frozen=True, slots=True)
class Settings:
    """The options that every command takes, before and after its name. None means not given."""

    format: Format | None = None
    color: Color | None = None
    quiet: bool = False
    verbose: bool = False
    profile: str | None = None
    config: Path | None = None

    def over(self, other: Settings) -> Settings:
        """Join two places where options were given; this one wins."""
        return Settings(
            self.format or other.format,
            self.color or other.color,
            self.quiet or other.quiet,
            self.verbose or other.verbose,
            self.profile or other.profile,
            self.config or other.config,
        )

    def output(self, world: World) -> Output:
        """Open the output that these settings ask for."""
        color = None if self.color in (None, Color.AUTO) else self.color is Color.ALWAYS
        return Output(
            world.stdout,
            world.stderr,
            self.format or Format.PRETTY,
            color=color,
            quiet=self.quiet,
            verbose=self.verbose,
            environ=world.environ,
        )
