"""`runner render SPEC --rows FILE`: the body of the event of each row."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from runner.bulk.plan import Source
from runner.bulk.record import ledger_folder, named_folder
from runner.bulk.tools import tools_of
from runner.commands.render import is_for_people, report_placeholder, seed_and_instant
from runner.commands.send_rows import plan_rows
from runner.commands.specs import load_spec
from runner.exits import summed
from runner.project import project_of
from runner.report.rows import rendered
from runner.rows.places import Places
from runner.run import Run
from runner.suprsend.retry import DEFAULT_RETRIES, DEFAULT_TIMEOUT_S, Patience

if TYPE_CHECKING:
    from runner.bulk.options import BulkOptions
    from runner.commands.session import Session
    from runner.commands.variables import VariableFlags
    from runner.errors import ExitCode


def render_rows(session: Session, path: Path, flags: VariableFlags, bulk: BulkOptions) -> ExitCode:
    """Render a spec for each row of a file; report each row whose event is invalid.

    The bodies are those of `render`; with `-o json` they are the items of one array.
    """
    output, settings = session.output, session.settings
    flags.check([path])
    spec = load_spec(session, [path], (), "--rows")
    path = Path(spec.path)
    run = Run(*seed_and_instant(session, path, spec, flags))
    folder = named_folder(None, session.world.environ) or ledger_folder(path, settings.config)
    source = Source(spec, path, project_of(path), settings.config)
    patience = Patience(DEFAULT_TIMEOUT_S, DEFAULT_RETRIES)
    with plan_rows(session, source, settings.profile, flags, bulk, patience, folder, sandbox=False) as (plan, _):
        tools = tools_of(plan.setup(run, plan.target, output.hidden))
        rows = plan.chosen_rows()
        met: set[ExitCode] = set()
        first = next(rows, None)
        if first is None:
            output.message(bulk.without_rows())
        else:
            rows = chain([first], rows)
        events = ((row, tools.prepare(row)) for row in rows)
        code = output.stream(rendered(output, events, Places(plan.rows.starts), met, indent=is_for_people(session)))
        report_placeholder(session, plan.target)
    return code or summed(met)
