"""Commands that start quickly: typer's own classes, without pydantic behind each argument and rich behind `--help`.

From 0.29 on, typer coerces every argument with pydantic and draws help with rich; loading the two takes longer than
checking a spec. Our arguments are texts, paths, choices and plain numbers, which need a few lines. Typer calls a
parameter's `get_runtime_param` for its coercion; if it stops calling it, pydantic does the same work, slower.
"""

from __future__ import annotations

import os
import re
from enum import Enum
from functools import partial
from typing import Any, get_args

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

from runner.commands.session import the_only
from runner.errors import Interrupted


class Command(TyperCommand):
    """A command. In its help, each panel of options comes last, under the panel's name."""

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters, with `--help`."""
        return _coerced_plainly(super().get_params(ctx))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments, options and panels of options."""
        _format_options(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples, a line each."""
        del ctx
        if self.epilog:
            with formatter.section("Examples"):
                for line in self.epilog.splitlines():
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")


class Group(TyperGroup):
    """A command that has commands below it."""

    def make_context(self, *args: Any, **values: Any) -> Any:
        """Parse arguments. Raise Interrupted for a signal: typer would end without a word."""
        try:
            return super().make_context(*args, **values)
        except KeyboardInterrupt:
            raise Interrupted from None

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Raise Interrupted for a signal, as `make_context` does."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted from None

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters, with `--help`."""
        return _coerced_plainly(super().get_params(ctx))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands first: most readers look for them."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, command.get_short_help_str(_ENDLESS)) for name, command in self.commands.items()]
            )
        _format_options(self, ctx, formatter)


_ENDLESS = 10_000
"""The maximum length of a summary: it is wrapped, and never cut."""


class _Coercion:
    """Turns one parameter's text, or list of texts, into the type that it declares."""

    def __init__(self, param: Any) -> None:
        self._annotation = param.type_descriptor.annotation
        self._least = param.type_descriptor.parameter_info.min
        self._most = param.type_descriptor.parameter_info.max

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value in its type. Raise BadParameter for an invalid value, UsageError for two values of one option."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if _takes_one_value(param) and isinstance(value, list):
            value = the_only(max(param.opts, key=len), value)
        try:
            if isinstance(value, list | tuple):
                [kind] = get_args(self._annotation)
                return [self._one(kind, item) for item in value]
            return self._one(self._annotation, value)
        except ValueError as error:
            raise typer.BadParameter(str(error), ctx=ctx, param=param) from None

    def _one(self, kind: type, value: Any) -> Any:
        if (
            kind is str and (stray := _STRAY_BYTE.search(value)) and not os.path.lexists(value)
        ):  # names may be any bytes
            byte = ord(stray[0]) - _STRAY_BYTES
            raise ValueError(f"byte 0x{byte:02x} is not UTF-8; is the terminal's encoding UTF-8?")
        if isinstance(value, kind):
            return value
        if issubclass(kind, Enum):
            choices = [str(choice.value) for choice in kind]
            if value not in choices:
                raise ValueError(f"{value!r} is not one of {', '.join(choices)}")
        if kind not in _NUMBERS:
            return kind(value)
        what, form = _NUMBERS[kind]
        if not re.fullmatch(form, value):
            raise ValueError(f"{value!r} is not {what}")
        number = kind(value)
        if (self._least is not None and number < self._least) or (self._most is not None and number > self._most):
            raise ValueError(f"{value} is not in the range from {self._least} to {self._most}")
        return number


_STRAY_BYTES = 0xDC00
"""Python adds this to a byte of an argument that is not UTF-8."""
_STRAY_BYTE = re.compile("[\udc80-\udcff]")
_NUMBERS: dict[type, tuple[str, str]] = {
    int: ("a whole number", "-?[0-9]{1,18}"),
    float: ("a number", r"-?[0-9]{1,18}(\.[0-9]+)?"),
}


def _coerced_plainly(params: list[Any]) -> list[Any]:
    for param in params:
        param.get_runtime_param = partial(_Coercion, param)
        if _takes_one_value(param):
            param.add_to_parser = partial(_gather, param)
    return params


def _takes_one_value(param: Any) -> bool:
    return not (isinstance(param, TyperArgument) or param.is_flag or param.multiple)


def _gather(param: Any, parser: Any, _: Any) -> None:
    """Make the parser keep every value of an option: typer keeps the last one silently."""
    parser.add_option(obj=param, opts=param.opts, dest=param.name, action="append", nargs=param.nargs)


def _format_options(command: TyperCommand | TyperGroup, ctx: Any, formatter: Any) -> None:
    sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
    for param in command.get_params(ctx):
        if isinstance(param, TyperArgument):
            sections["Arguments"].append((param.metavar or param.name, param.help or ""))
        elif record := param.get_help_record(ctx):
            sections.setdefault(getattr(param, "rich_help_panel", None) or "Options", []).append(record)
    for title, records in sections.items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records)
