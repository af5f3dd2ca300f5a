"""`runner render`: the bytes that would be sent, or a curl command that sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from runner.cli.specs import load_specs
from runner.config import load_profile
from runner.errors import ExitCode, InvalidInput
from runner.report import Format
from runner.report.curl import curl_command
from runner.run import Rejected, prepare
from runner.spec import Occurrence

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from runner.cli.variables import VariableFlags
    from runner.cli.world import Session


def render(session: Session, path: Path, flags: VariableFlags, *, as_curl: bool = False) -> ExitCode:
    """Render one spec. On a terminal, and with `-o pretty`, the JSON is indented; else it is the body to the byte."""
    output, world, settings = session.output, session.world, session.settings
    flags.check([path])
    spec, *_ = load_specs(output, [path])
    profile = load_profile(start=path, config=settings.config, name=settings.profile)
    output.hide(profile.secrets(world.environ))
    target = profile.target(world.environ)
    [job] = flags.jobs(output, [spec], world.environ, profile)
    seed, now = world.new_seed(), world.clock()
    for case in (case for case in spec.cases if case.name == flags.case):
        seed, now = _case_seed(path, case.name), case.now or now
    event = prepare(job, Occurrence(seed, 0, now), target.env, target.max_event_kb)
    output.hide(event.secrets)
    if isinstance(event, Rejected):
        raise InvalidInput(*event.problems)
    if as_curl:
        output.script(curl_command(target.base_url, target.credentials, target.names, output.masked_body(event.body)))
    elif settings.format is Format.PRETTY or (settings.format is None and world.stdout.isatty()):
        output.body(event.body, indent=True)
    else:
        output.body(event.body)
    if target.credentials is None:
        output.message("no credentials are set: WORKSPACE_KEY stands for the workspace key")
    return ExitCode.OK


def _case_seed(path: Path, case: str) -> UUID:
    """Give a case the same ids wherever and whenever it is rendered."""
    return uuid5(NAMESPACE_URL, f"case\n{path.stem}\n{case}")
