"""One command line: its world, its settings and its output."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from runner.errors import Problem, UsageError, shown_argument
from runner.report import Format, Output

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from runner.commands.world import World

_Value = TypeVar("_Value")


class Color(StrEnum):
    """The values of `--color`."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class LogFormat(StrEnum):
    """The values of `--log-format`."""

    TEXT = "text"
    JSON = "json"


class Settings(NamedTuple):
    """The options that every command takes, before or after its name. An option that was not given is None."""

    format: Format | None = None
    color: Color | None = None
    quiet: bool = False
    verbose: bool = False
    profile: str | None = None
    config: Path | None = None
    log_format: LogFormat | None = None

    def joined(self, other: Settings) -> Settings:
        """Return the options before and after the command's name together. Raise UsageError for an option with two values."""
        return Settings(
            the_only("--output", [value for value in (self.format, other.format) if value]),
            the_only("--color", [value for value in (self.color, other.color) if value]),
            self.quiet or other.quiet,
            self.verbose or other.verbose,
            the_only("--profile", [value for value in (self.profile, other.profile) if value]),
            the_only("--config", [value for value in (self.config, other.config) if value]),
            the_only("--log-format", [value for value in (self.log_format, other.log_format) if value]),
        )


class Session:
    """A command line that runs: its world, its settings as far as they are parsed, and its output.

    The command and the report of its failure share one output, so that both hide the same secrets.
    """

    def __init__(self, world: World, expected: Format, expected_log: LogFormat = LogFormat.TEXT) -> None:
        """Begin with the `expected` formats, guessed from unparsed arguments: a usage error is reported in them too."""
        self.world = world
        self.settings = Settings(log_format=expected_log)
        self.subcommand: str | None = None
        self._expected = expected
        self.output = _output(world, self.settings, expected)

    def adopt(self, settings: Settings, subcommand: str | None) -> None:
        """Take the parsed settings, and the name of the command that follows them, if there is one."""
        self.settings = settings
        self.subcommand = subcommand
        self.output = _output(self.world, settings, self._expected)


def _output(world: World, settings: Settings, expected: Format) -> Output:
    color = None if settings.color in (None, Color.AUTO) else settings.color is Color.ALWAYS
    make: Callable[..., Output] = Output
    if settings.log_format is LogFormat.JSON:
        from runner.report.json_log import JsonLog  # noqa: PLC0415 - most commands write text

        make = partial(JsonLog, clock=world.clock)
    return make(
        world.stdout,
        world.stderr,
        settings.format or expected,
        color=color,
        quiet=settings.quiet,
        verbose=settings.verbose,
        environ=world.environ,
    )


def the_only(option: str, values: Sequence[_Value]) -> _Value | None:
    """Return the value of an option that takes one, None without any. Raise UsageError if there are different values."""
    different = list(dict.fromkeys(values))
    if len(different) > 1:
        *first, last = (shown_argument(str(value)) for value in different)
        message = f"{option} may be given only once, got {', '.join(first)} and {last}"
        raise UsageError(Problem("usage", message, hint="keep one of them"))
    return different[0] if different else None
