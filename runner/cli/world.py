"""What a command needs of the world: streams, environment, clock, ids. The real ones are made here and nowhere else."""

from __future__ import annotations

import os
import random
import sys
import time
from datetime import UTC, datetime
from enum import StrEnum
from io import TextIOWrapper
from typing import TYPE_CHECKING, NamedTuple, TextIO
from uuid import UUID, uuid4

from runner.cli.command import the_only
from runner.report import Format, Output

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


class Color(StrEnum):
    """What `--color` takes."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class World(NamedTuple):
    """The process around a command."""

    environ: Mapping[str, str]
    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    clock: Callable[[], datetime]
    new_seed: Callable[[], UUID]
    sleep: Callable[[float], None]
    random: Callable[[], float]

    @classmethod
    def real(cls) -> World:
        """Take this process's own. Data on stdout is UTF-8, whatever the locale says: other programs read it.

        On stderr, what the encoding can't say is written as an escape.
        """
        for number in range(3):
            try:
                os.fstat(number)
            except OSError:  # closed by whoever started us: the next file or socket must not take its place
                os.open(os.devnull, os.O_RDWR)
        sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - lives as long as the process
        sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
        sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
        for stream, encoding in ((sys.stdout, "utf-8"), (sys.stderr, None)):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(encoding=encoding, errors="backslashreplace")
        if isinstance(sys.stdin, TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")  # as text, an answer to a question is read from it alone
        return cls(
            os.environ,
            sys.stdin,
            sys.stdout,
            sys.stderr,
            clock=lambda: datetime.now(UTC),
            new_seed=uuid4,
            sleep=time.sleep,
            random=random.random,
        )


class Settings(NamedTuple):
    """The options that every command takes, before and after its name. None means not given."""

    format: Format | None = None
    color: Color | None = None
    quiet: bool = False
    verbose: bool = False
    profile: str | None = None
    config: Path | None = None

    def joined(self, other: Settings) -> Settings:
        """Join the options before and after the command's name. Raises UsageError for one that has a value in both places."""
        return Settings(
            the_only("--output", [value for value in (self.format, other.format) if value]),
            the_only("--color", [value for value in (self.color, other.color) if value]),
            self.quiet or other.quiet,
            self.verbose or other.verbose,
            the_only("--profile", [value for value in (self.profile, other.profile) if value]),
            the_only("--config", [value for value in (self.config, other.config) if value]),
        )


class Session:
    """One command line at work: its world, its settings as far as they are known, and the one output they ask for.

    There is one output for the command and for what goes wrong in it, so that both hide the same secrets.
    """

    def __init__(self, world: World, expected: Format) -> None:
        """Begin with the format that the arguments seem to ask for: it holds for faults in the arguments too."""
        self.world = world
        self.settings = Settings()
        self.subcommand: str | None = None
        self._expected = expected
        self.output = _output(world, self.settings, expected)

    def adopt(self, settings: Settings, subcommand: str | None) -> None:
        """Take the settings that the arguments gave, and the name of the command that follows them, if one does."""
        self.settings = settings
        self.subcommand = subcommand
        self.output = _output(self.world, settings, self._expected)


def _output(world: World, settings: Settings, expected: Format) -> Output:
    color = None if settings.color in (None, Color.AUTO) else settings.color is Color.ALWAYS
    return Output(
        world.stdout,
        world.stderr,
        settings.format or expected,
        color=color,
        quiet=settings.quiet,
        verbose=settings.verbose,
        environ=world.environ,
    )
