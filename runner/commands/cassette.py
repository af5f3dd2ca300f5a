"""`runner cassette list|check|verify`: list cassettes, check their files, compare them with a live platform."""

from __future__ import annotations

import os
import shlex
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid5

from runner.commands.target import aim, ready
from runner.config import load_profile
from runner.errors import ExitCode, InvalidInput, Problem, UsageError
from runner.project import project_of
from runner.project.files import CONFIG_NAME, as_unicode, find_config, home_of
from runner.report.advice import advice
from runner.report.cassettes import Listed, Verified, show_check, show_list, show_verified
from runner.report.style import counted
from runner.sandbox.rules import rules_of
from runner.suprsend.statuses import is_transient
from runner.testing.answers import command_to_record
from runner.testing.cassette import SANDBOX, CassetteError
from runner.testing.check import check, known_secrets
from runner.testing.inventory import files_at, inventory

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from runner.commands.session import Session
    from runner.config import Target
    from runner.sandbox.rules import SandboxRules
    from runner.testing.inventory import Found
    from runner.testing.verify import Platform, Verification


def list_cassettes(session: Session, paths: Sequence[Path]) -> ExitCode:
    """List cassettes."""
    today = session.world.clock().date()
    show_list(session.output, [_listed(found, today) for found in _inventory(session, paths)])
    return ExitCode.OK


def check_cassettes(session: Session, paths: Sequence[Path], *, fix: bool) -> ExitCode:
    """Report each cassette that holds a secret, can't be replayed, or that no case plays. `fix` removes the last ones."""
    output, world, settings = session.output, session.world, session.settings
    cassettes = _inventory(session, paths)
    secrets = known_secrets(cassettes, paths, settings.config, settings.profile, world.environ)
    output.hide(secrets)
    checked = check(cassettes, paths, settings.config, secrets, world.clock().date(), fix=fix)
    show_check(output, checked)
    if any(problem.severity == "error" for problem in checked.problems):
        return ExitCode.CASSETTE
    return ExitCode.OK if cassettes else ExitCode.NOT_FOUND


def verify_cassettes(session: Session, paths: Sequence[Path], *, sandbox: bool, yes: bool) -> ExitCode:
    """Send recorded requests to a live target, or to a sandbox, and report how the answers differ. Change no file."""
    from runner.testing.verify import Again, verify  # noqa: PLC0415 - listing and checking send nothing

    output, world = session.output, session.world
    # Files of other programs, in forms of their own, are not compared.
    cassettes = [each for each in _inventory(session, paths) if each.is_ours or each.cassette is not None]
    if not cassettes:
        hint = "runner test specs/ --record once --sandbox records them"
        raise CassetteError(Problem("cassette-missing", "there are no cassettes to verify", hint=hint))
    if not sandbox and session.settings.config is None:
        _refuse_mixture(cassettes)
    start = cassettes[0].place
    aimed = aim(session, start, session.settings.config, session.settings.profile, sandbox=sandbox)
    target = aimed.target
    problems = [problem for each in cassettes for problem in each.problems]
    readable = [(each, each.cassette) for each in cassettes if each.cassette is not None]
    count = sum(len(cassette.interactions) for _, cassette in readable)
    what = counted(count, "recorded request")
    with nullcontext(target) if sandbox else ready(session, aimed, what, yes=yes):
        seed = world.new_seed()
        verifications: list[Verification] = []
        for each, cassette in readable:
            again = Again(uuid5(seed, as_unicode(each.shown)), int(world.clock().timestamp() * 1000), target.env)
            record = _how_to_record(each, session, sandbox=sandbox)
            with _platform(session, target, each, is_sandboxed=sandbox) as platform:
                verifications.append(verify(cassette, again, platform, record))
            if verifications[-1].stopped is not None:
                break
    problems += [problem for each in verifications for problem in each.problems]
    verified = Verified(
        SANDBOX if sandbox else target.base_url,
        len(cassettes),
        sum(each.compared for each in verifications),
        sum(each.skipped for each in verifications),
        len(readable) - len(verifications),
        problems,
    )
    show_verified(output, verified)
    stopped = verifications[-1].stopped if verifications else None
    if stopped is not None:
        last = verifications[-1].problems[-1]
        what_to_do = advice(target, last.code, last.message, sandbox=sandbox)
        if what_to_do is not None:
            output.message(f"  = {what_to_do}")
        return stopped
    return ExitCode.CASSETTE if problems else ExitCode.OK


def _refuse_mixture(cassettes: Sequence[Found]) -> None:
    """Raise UsageError for cassettes of several `runner.yaml`: each has its own target and credentials."""
    configs = dict.fromkeys(find_config(each.place) for each in cassettes)
    if len(configs) > 1:
        names = ", ".join(sorted(os.path.relpath(config) if config else f"no {CONFIG_NAME}" for config in configs))
        message = f"these cassettes belong to several projects, each with its own target: {names}"
        hint = "verify one project at a time: name its cassettes, or change into the folder of its runner.yaml"
        raise UsageError(Problem("usage", message, hint=hint))


@contextmanager
def _platform(session: Session, target: Target, found: Found, *, is_sandboxed: bool) -> Iterator[Platform]:
    """Yield the target, or a sandbox with the rules that the case was recorded with."""
    from runner.testing.verify import Platform  # noqa: PLC0415

    with ExitStack() as stack:
        base_url = target.base_url
        if is_sandboxed:
            from runner.sandbox.server import Sandbox  # noqa: PLC0415 - only --sandbox needs it

            base_url = stack.enter_context(Sandbox(rules=_rules(session, found))).base_url
        world = session.world
        platform = Platform(target.authorized(), base_url, lambda: world.clock().timestamp(), world.sleep, world.random)
        yield stack.enter_context(closing(platform))


def _rules(session: Session, of: Found) -> SandboxRules:
    """Return the rules of a case's sandbox, without transient failures: their requests are not sent again."""
    rules = rules_of(load_profile(start=of.place, config=session.settings.config))
    case = of.case
    if case is not None and case.case.sandbox is not None:
        rules, problems = rules.read(case.case.sandbox, case.project)
        if any(problem.severity == "error" for problem in problems):
            raise InvalidInput(*problems)
    return replace(rules, failures=tuple(each for each in rules.failures if not is_transient(each.status_code)))


def _how_to_record(found: Found, session: Session, *, sandbox: bool) -> str | None:
    if found.case is None:
        return None
    profile = session.settings.profile
    where = f" --profile {shlex.quote(profile)}" if profile and not sandbox else ""
    return f"if that is right, record it: {command_to_record(found.case, is_sandboxed=sandbox)}{where}"


def _inventory(session: Session, paths: Sequence[Path]) -> list[Found]:
    """Return the cassettes at `paths`, each once; without paths, those of the `runner.yaml` here, or of the project."""
    project = project_of(Path())
    files = files_at(paths, project, home_of(Path()))
    return list(inventory(files, None if paths else project, session.settings.config))


def _listed(found: Found, today: date) -> Listed:
    cassette, case = found.cassette, found.case
    return Listed(
        found.shown,
        os.path.relpath(case.path) if case is not None else None,
        case.case.name if case is not None else None,
        cassette.recorded_at if cassette is not None else None,
        cassette.age_days(today) if cassette is not None else None,
        found.path.lstat().st_size,
        len(cassette.interactions) if cassette is not None else None,
        cassette.source if cassette is not None else None,
    )
