"""`runner schema`: the spec format's JSON Schema."""

from __future__ import annotations

from json import loads
from typing import TYPE_CHECKING

from runner.errors import ExitCode
from runner.project.format import schema_text
from runner.report import Format

if TYPE_CHECKING:
    from runner.commands.session import Session


def schema(session: Session) -> ExitCode:
    """Print the schema as it ships; with `-o jsonl` on one line."""
    text = schema_text()
    if session.output.format is Format.JSONL:
        session.output.json(loads(text))
    else:
        session.output.data(text.rstrip("\n"))
    return ExitCode.OK
