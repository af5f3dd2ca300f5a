"""`runner test`: the specs' cases, run by pytest in this process, with our exit codes."""

from __future__ import annotations

import os
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from runner.commands.session import LogFormat
from runner.errors import ExitCode, Interrupted, NotFound, Problem, UsageError, did_you_mean, shown_argument
from runner.exits import of_pytest, summed
from runner.project import find, project_of
from runner.project.files import SPECS, home_of
from runner.pytest_plugin.arguments import cache_folder, pytest_arguments
from runner.pytest_plugin.front import run as run_pytest
from runner.pytest_plugin.nodes import Cases
from runner.pytest_plugin.places import Place, chosen_cases, specs_folder
from runner.report import Format
from runner.report.cases import show_cases
from runner.report.coverage import show_coverage
from runner.report.html.cases_report import cases_report
from runner.report.html.report_file import check_report_file, write_report
from runner.secrets import Mask
from runner.testing.answers import Options, answers_for, is_ci
from runner.testing.collect import collect
from runner.testing.inventory import orphans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.commands.session import Session
    from runner.pytest_plugin.arguments import TestOptions
    from runner.testing.results import CaseRun
    from runner.tracing.trace import Trace
    from runner.workflows.coverage import WorkflowCoverage


def run_cases(session: Session, given: Sequence[Path], flags: TestOptions, trace: Trace | None = None) -> ExitCode:
    """Run the cases of specs, by default of all in the folder `specs`; then report cassettes that no case plays."""
    if flags.sandbox and flags.record == "none" and not flags.live:
        hint = "add --record once, --record new_episodes or --record rewrite"
        raise UsageError(Problem("usage", "--sandbox says where to record from, and nothing is recorded", hint=hint))
    if flags.html is not None:
        check_report_file(flags.html)
    places = [Place.read(path) for path in given] or [Place(specs_folder(Path()), "")]
    paths = [place.path for place in places]
    specs = list(find(paths))
    world, settings = session.world, session.settings
    records_nothing = is_ci(world.environ) and not flags.record_in_ci
    options = Options(flags.record, flags.sandbox, settings.profile, settings.config, records_nothing, flags.live)
    today = world.clock().date()
    answers_for(options, paths[0], world.environ, today)  # raises what must stop the command before a case runs
    chosen = chosen_cases(places, settings.config)
    cases = Cases(options, world.environ, today, update=flags.update, chosen=chosen)
    root = Path(os.path.commonpath([project_of(path) for path in paths]))
    ended = _run(session, places, root, cases, flags)
    if trace is not None:
        from runner.commands.tracing import add_cases  # noqa: PLC0415

        add_cases(trace, ended)
    whole = of_pytest(ended.status)
    if whole in (ExitCode.USAGE, ExitCode.NOT_FOUND):
        _check_name(flags.name, ended)
    if whole == ExitCode.USAGE:
        raise UsageError(Problem("usage", "pytest can't be run that way", hint="it says above why"))
    left: list[Problem] = []
    if flags.name is None and not (ended.refused or ended.was_deselected or ended.was_interrupted):
        for home in sorted({home_of(path) for path in paths}):
            if any(place.has(home / SPECS if (home / SPECS).is_dir() else home) for place in places):
                left += _left_over(home, specs, ended, settings.config)
        left = list(dict.fromkeys(left))  # one home may stand in another
    covered = _covered(session, paths, ended) if flags.coverage is not None else None
    show_cases(session.output, world.environ, paths, ended, left, covered)
    if flags.html is not None:
        report = cases_report(ended, left, world.clock(), Mask(session.output.hidden))
        write_report(session.output, flags.html, report)
    if ended.was_interrupted:
        raise Interrupted
    own = _exit_code(ended, left, whole)
    if covered is None or flags.coverage is None:
        return own
    is_below = show_coverage(session.output, covered, flags.coverage.least)
    return summed([own, ExitCode.REFUSED if is_below else ExitCode.OK])


def _covered(session: Session, paths: Sequence[Path], ended: CaseRun) -> list[WorkflowCoverage]:
    """Return the coverage of the workflows that belong to paths. Raise NotFound if none do."""
    from runner.workflows.assets_reader import find_assets, read_assets  # noqa: PLC0415
    from runner.workflows.coverage import coverage  # noqa: PLC0415

    folders = {folder for path in paths if (folder := find_assets(path, session.settings.config)) is not None}
    if not folders:
        raise NotFound(
            Problem("assets-not-found", "no workflow files belong to these specs", hint="leave --coverage out")
        )
    return [
        each for folder in sorted(folders) for each in coverage(read_assets(folder)[0].workflows or {}, ended.reached)
    ]


def _run(session: Session, places: Sequence[Place], root: Path, cases: Cases, options: TestOptions) -> CaseRun:
    output, world = session.output, session.world
    stdout, stderr = output.lent()
    style = output.style
    if output.format in (Format.JSON, Format.JSONL):
        is_silent = output.quiet or session.settings.log_format is LogFormat.JSON  # pytest's own text is no JSON
        stdout, style = StringIO() if is_silent else stderr, output.message_style
    args = pytest_arguments(options, places, is_colored=style.on, is_verbose=output.verbose, is_quiet=output.quiet)
    output.flush()
    return run_pytest(args, root, cases, cache_folder(root, world.environ), stdout, stderr)


def _check_name(name: str | None, ended: CaseRun) -> None:
    """Raise NotFound if no case matches `-k`: pytest reports a broken expression, or nothing."""
    names = [ref.case.name for spec in ended.specs for ref in spec.cases]
    if name is not None and names:
        hint = did_you_mean(name, names, "see the specs' tests")
        raise NotFound(Problem("case-not-found", f"no case fits -k '{shown_argument(name)}'", hint=hint))


def _left_over(home: Path, specs: Sequence[Path], ended: CaseRun, config: Path | None) -> list[Problem]:
    """Return a problem for each cassette of specs below `home` that no case plays. Files of other programs are ignored."""
    collected = ended.specs
    if len(collected) < len(specs):  # other processes did it
        collected = [collect(path, project_of(path), config) for path in specs]
    return orphans(project_of(home), collected, config, home)


def _exit_code(ended: CaseRun, left: Sequence[Problem], whole: ExitCode) -> ExitCode:
    """Return the exit code of a session; `whole` is the one that pytest's own status means."""
    codes = {
        *map(ExitCode, ended.codes),
        *([ExitCode.CASSETTE] if left else []),
        *([ExitCode.BUG] if whole == ExitCode.BUG else []),
    }
    # A spec that can't be read hides its cases.
    return summed(codes, before=ExitCode.INVALID) if codes else whole
