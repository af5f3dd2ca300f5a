"""`runner schema`: the spec format's JSON Schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import ExitCode
from runner.project.format import schema_text

if TYPE_CHECKING:
    from runner.commands.session import Session


def schema(session: Session) -> ExitCode:
    """Print the schema as it is shipped."""
    session.output.data(schema_text().rstrip("\n"))
    return ExitCode.OK
