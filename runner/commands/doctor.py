"""`runner doctor`: one page of checks, each with what to do about its fault."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.doctor.examination import Examined, examine
from runner.errors import ExitCode, Problem, UsageError
from runner.exits import summed
from runner.project.files import SPECS
from runner.report.doctor import show_findings

if TYPE_CHECKING:
    from runner.commands.session import Session


def doctor(session: Session, user: str | None, *, is_offline: bool) -> ExitCode:
    """Check everything that sending and testing depend on. OK unless a check failed."""
    if user is not None and is_offline:
        raise UsageError(
            Problem("usage", "--user asks the platform, --offline sends no request", hint="keep one of them")
        )
    world, settings, output = session.world, session.settings, session.output
    start = Path(SPECS) if Path(SPECS).is_dir() else Path()
    examined = Examined(
        start, settings.config, settings.profile, user, world.environ, world.clock, is_offline=is_offline
    )
    result = examine(examined)
    output.hide(result.secrets)
    show_findings(output, world.environ, result.findings)
    failed = (each.exit_code for each in result.findings if each.state == "failed")
    return summed(failed, before=ExitCode.NO_ANSWER)
