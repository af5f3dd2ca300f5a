"""Typer's usage errors → problems, each with a hint at what to write instead."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from typer.core import TyperArgument

from runner.commands import GROUPS
from runner.errors import Problem, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import typer


def usage_problem(error: typer.TyperException, args: Sequence[str]) -> Problem:
    """Return a usage error about `args` as a problem, with a hint at what was meant."""
    command_path = getattr(getattr(error, "ctx", None), "command_path", None) or _command_path(args)
    message = error.format_message()
    hint = f"see `{command_path} --help`"
    options = [name for param in _params_of(error) for name in param.opts]
    if "extra argument" in message:
        what = "there are more arguments than the command takes"
        if "--var" in options:  # one of them may be the value of a variable
            return Problem("usage", what, hint=f"it takes one SPEC, and --var takes NAME=VALUE; {hint}")
        if not any(isinstance(param, TyperArgument) for param in _params_of(error)):
            what = f"`{command_path}` takes no arguments, only options"
        return Problem("usage", what, hint=hint)
    if (no_command := _NO_COMMAND.match(message)) is not None:
        message, hint = _of_no_command(command_path, no_command[1], message, hint)
    unknown = _UNKNOWN.match(message)
    if unknown and (unknown[2] is None or nearest(unknown[1], options) is None):
        message = unknown[0]
        if command_path == "runner test":
            hint = f"pytest's flags come after --: `runner test -- {unknown[1]}`; {hint}"
        if "--var" in options and unknown[2]:
            hint = f"a variable is given with --var {unknown[2].replace('-', '_')}=…; {hint}"
    # The text after a stray `token=` may be a secret.
    return Problem("usage", re.sub(r"(?<=\w)=.*", "=…", message, flags=re.DOTALL).rstrip("."), hint=hint)


def _of_no_command(command_path: str, word: str, message: str, hint: str) -> tuple[str, str]:
    """Return message and hint for an unknown command: a word that other tools use for it, or a file in its place."""
    if (meant := _OTHER_WORDS.get(word)) is not None:
        return f"No such command '{word}'", f"did you mean `{meant}`? {hint}"
    if command_path == "runner" and word.endswith((".yaml", ".yml")):
        return message, f"a command comes before the files: runner send SPEC; {hint}"
    return message, hint


_NO_COMMAND = re.compile(r"No such command '([^']*)'")
_OTHER_WORDS = {
    "run": "runner send", "replay": "runner test", "lint": "runner validate",
    "resume": "runner send --resume RUN", "retry": "runner runs failed RUN", "record": "runner test --record once",
}  # fmt: skip


def _command_path(args: Sequence[str]) -> str:
    """Return the command of arguments that could not be parsed, as far as its words come first."""
    words = takewhile(lambda word: re.fullmatch("[a-z]+", word), args)
    first = next(words, "")
    return " ".join(filter(None, ["runner", first, next(words, "") if first in GROUPS else ""]))


_UNKNOWN = re.compile(r"No such option: (-+(\w[\w-]+)?\w*)")


def _params_of(error: typer.TyperException) -> list[Any]:
    ctx = getattr(error, "ctx", None)
    return ctx.command.get_params(ctx) if ctx is not None else []
