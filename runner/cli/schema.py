"""`runner schema`: the spec format's JSON Schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import ExitCode
from runner.spec import SCHEMA_TEXT

if TYPE_CHECKING:
    from runner.cli.world import Settings, World


def schema(world: World, settings: Settings) -> ExitCode:
    """Print the schema as it is shipped."""
    settings.output(world).data(SCHEMA_TEXT.rstrip("\n"))
    return ExitCode.OK
