"""The explanation of a rendered event → text, or JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from runner.eventspec.explanation import LEFT_OUT
from runner.report.format import Format
from runner.report.style import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.eventspec.explanation import Explained
    from runner.report.output import Output

_MAX_SHOWN = 200
"""Characters of a value that are shown on a line; `-o json` shows all."""


def show_explained(output: Output, fields: Sequence[Explained]) -> None:
    """Show each field with its value and type, its template, and the values that the template read."""
    if output.format in (Format.JSON, Format.JSONL):
        output.items("fields", map(_as_json, fields))
        return
    style = output.style
    for field in fields:
        value = "" if field.type == LEFT_OUT else f" {_shown(output, field.value)}"
        output.data(f"{style.strong(printable(field.at))}:{value}  {style.faint(field.type)}")
        if field.template is not None:
            output.data(f"  {style.faint(f'line {field.line}')}  {printable(output.cut(field.template, _MAX_SHOWN))}")
        for read in field.reads:
            origin = style.faint(printable(read.origin))
            output.data(f"    {printable(read.name)} = {_shown(output, read.value)}  {origin}")


def _shown(output: Output, value: object) -> str:
    return printable(output.cut(json.dumps(value, ensure_ascii=False), _MAX_SHOWN))


def _as_json(field: Explained) -> dict[str, object]:
    reads = [read._asdict() for read in field.reads]
    return {**field._asdict(), "reads": reads}
