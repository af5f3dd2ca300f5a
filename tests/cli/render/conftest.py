"""What tests of `runner render` share: the specs of this repository, and a second run with the ids of the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conftest import REPOSITORY

if TYPE_CHECKING:
    from tests.conftest import CommandLine

NO_CREDENTIALS = "no credentials are set: WORKSPACE_KEY stands for the workspace key\n"
SPECS = [path for path in (REPOSITORY / "specs").glob("[!_]*.yaml") if path.name != "runner.yaml"]


def again(cli: CommandLine) -> CommandLine:
    """Return a command line whose commands have the ids of the first ones of this one."""
    other = type(cli)()
    other.environ = cli.environ
    return other
