"""`runner cassette list|check|verify`: what is recorded, whether it is as it must be, and whether it still holds."""

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
from runner.project.files import CASSETTES, CONFIG_NAME, as_unicode, find_config, home_of
from runner.report.advice import advice
from runner.report.cassettes import Checked, Listed, Verified, show_check, show_list, show_verified
from runner.sandbox.rules import rules_of
from runner.secrets import Mask
from runner.source import read
from runner.suprsend.statuses import is_transient
from runner.testing.answers import command_to_record
from runner.testing.cassette import SANDBOX, CassetteError, expired
from runner.testing.inventory import files_at, inventory, means_to_be_a_cassette, orphan
from runner.testing.leaks import leaks
from runner.variables import ENV_PREFIX
from runner.writing import remove

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from runner.commands.session import Session
    from runner.config import Profile, Target
    from runner.sandbox.rules import SandboxRules
    from runner.testing.inventory import Found
    from runner.testing.verify import Platform, Verification


def list_cassettes(session: Session, paths: Sequence[Path]) -> ExitCode:
    """Show what cassettes there are."""
    today = session.world.clock().date()
    show_list(session.output, [_listed(found, today) for found in _inventory(session, paths)])
    return ExitCode.OK


def check_cassettes(session: Session, paths: Sequence[Path], *, fix: bool) -> ExitCode:
    """Report each cassette that holds a secret, can't be replayed, or that no case plays. `fix` removes the last ones."""
    output, today = session.output, session.world.clock().date()
    found = _inventory(session, paths)
    secrets = _secrets(session, found, paths)
    output.hide(secrets)
    mask = Mask(secrets)
    profiles = {
        folder: load_profile(start=folder, config=session.settings.config)
        for folder in {each.place.parent for each in found}
    }
    problems: list[Problem] = []
    removed: list[str] = []
    for each in found:
        faults = list(_faults(each, mask, profiles[each.place.parent], today))
        if each.is_orphan and fix:
            remove(each.path, each.project / CASSETTES)
            removed.append(each.shown)
            # A secret is told all the same: who has read it still has it.
            faults = [fault for fault in faults if fault.code != "cassette-orphan"]
        problems += faults
    problems += [_nothing_at(path) for path in paths or [Path(CASSETTES)] if not _has_some(path, found, paths)]
    show_check(output, Checked(len(found), problems, removed))
    if any(problem.severity == "error" for problem in problems):
        return ExitCode.CASSETTE
    return ExitCode.OK if found else ExitCode.NOT_FOUND


def _has_some(path: Path, found: Sequence[Found], paths: Sequence[Path]) -> bool:
    return bool(found) and (not paths or any(each.path.is_relative_to(path) for each in found))


def _nothing_at(path: Path) -> Problem:
    message = f"there is no cassette at {path}: nothing was checked there"
    hint = "runner test specs/ --record once --sandbox records them"
    return Problem("cassette-missing", message, hint=hint, severity="warning")


def verify_cassettes(session: Session, paths: Sequence[Path], *, sandbox: bool, yes: bool) -> ExitCode:
    """Send what is recorded to a live target, or to a sandbox, and report in what the answers differ. No file changes."""
    from runner.testing.verify import Again, verify  # noqa: PLC0415 - listing and checking send nothing

    output, world = session.output, session.world
    # What another program wrote in a form of its own is not for us to judge.
    found = [each for each in _inventory(session, paths) if each.is_ours or each.cassette is not None]
    if not found:
        hint = "runner test specs/ --record once --sandbox records them"
        raise CassetteError(Problem("cassette-missing", "there are no cassettes to verify", hint=hint))
    if not sandbox and session.settings.config is None:
        _refuse_mixture(found)
    start = found[0].place
    aimed = aim(session, start, session.settings.config, session.settings.profile, sandbox=sandbox)
    target = aimed.target
    problems = [problem for each in found for problem in each.problems]
    readable = [(each, each.cassette) for each in found if each.cassette is not None]
    count = sum(len(cassette.interactions) for _, cassette in readable)
    what = f"{count} recorded request{'' if count == 1 else 's'}"
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
        len(found),
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


def _refuse_mixture(found: Sequence[Found]) -> None:
    """Raise UsageError for cassettes of several `runner.yaml`: each says where the events of its own specs may go, and as whom."""
    configs = dict.fromkeys(find_config(each.place) for each in found)
    if len(configs) > 1:
        names = ", ".join(sorted(os.path.relpath(config) if config else f"no {CONFIG_NAME}" for config in configs))
        message = f"these cassettes are of several projects, each with a target of its own: {names}"
        hint = "verify those of one at a time: name them, or change into the folder of its runner.yaml"
        raise UsageError(Problem("usage", message, hint=hint))


@contextmanager
def _platform(session: Session, target: Target, found: Found, *, is_sandboxed: bool) -> Iterator[Platform]:
    """Give the target, or a sandbox that answers as the one did that the case was recorded from."""
    from runner.testing.verify import Platform  # noqa: PLC0415

    with ExitStack() as stack:
        base_url = target.base_url
        if is_sandboxed:
            from runner.sandbox.server import Sandbox  # noqa: PLC0415 - a sandbox is loaded only when it is asked for

            base_url = stack.enter_context(Sandbox(rules=_rules(session, found))).base_url
        world = session.world
        platform = Platform(target.authorized(), base_url, lambda: world.clock().timestamp(), world.sleep, world.random)
        yield stack.enter_context(closing(platform))


def _rules(session: Session, of: Found) -> SandboxRules:
    """Read how the sandbox of a case answers. What it is to answer first and passes is not asked for."""
    rules = rules_of(load_profile(start=of.place, config=session.settings.config))
    case = of.case
    if case is not None and case.case.sandbox is not None:
        rules, found = rules.read(case.case.sandbox, case.project)
        if any(problem.severity == "error" for problem in found):
            raise InvalidInput(*found)
    return replace(rules, failures=tuple(each for each in rules.failures if not is_transient(each.status_code)))


def _how_to_record(found: Found, session: Session, *, sandbox: bool) -> str | None:
    if found.case is None:
        return None
    profile = session.settings.profile
    where = f" --profile {shlex.quote(profile)}" if profile and not sandbox else ""
    return f"if that is right, record it: {command_to_record(found.case, is_sandboxed=sandbox)}{where}"


def _folders(found: Sequence[Found], paths: Sequence[Path]) -> list[Path]:
    """List the folders whose `runner.yaml` counts: those of the specs, else where the search began."""
    specs = dict.fromkeys(each.place.parent for each in found if each.case is not None)
    return [*specs] or [paths[0] if paths else Path()]


def _inventory(session: Session, paths: Sequence[Path]) -> list[Found]:
    """Find the cassettes at `paths`, each once; without paths those of the `runner.yaml` that counts here, or of the project."""
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


def _faults(found: Found, mask: Mask, profile: Profile, today: date) -> Iterator[Problem]:
    if found.is_refused:
        yield from found.problems
        return
    try:
        yield from leaks(found.path, mask, found.shown, profile.cassettes_allow)
    except OSError as error:
        yield Problem("cassette-unreadable", f"{found.shown} can't be read: {error.strerror}")
        return
    if not found.is_ours:  # whatever another program wrote, what could not be looked at is told
        if means_to_be_a_cassette(found.path):
            yield from (replace(problem, severity="warning") for problem in found.problems)
        return
    yield from found.problems
    if found.is_orphan:
        yield orphan(found)
    elif found.case is not None and found.cassette is not None and (max_age := profile.cassettes_max_age) is not None:
        again = command_to_record(found.case, is_sandboxed=found.cassette.source in (SANDBOX, None))
        if (problem := expired(found.cassette, max_age, today, again)) is not None:
            yield problem


def _secrets(session: Session, found: Sequence[Found], paths: Sequence[Path]) -> list[str]:
    """List the secrets that this machine knows: credentials of every profile, and of the specs' variables."""
    environ, config = session.world.environ, session.settings.config
    secrets: list[str] = []
    for folder in _folders(found, paths):
        path = config or find_config(folder)
        root = read(path, str(path)).root if path is not None else None
        profiles = root.get("profiles") if root is not None else None
        for name in {None: None, session.settings.profile: None} | (profiles.entries if profiles is not None else {}):
            secrets += load_profile(start=folder, config=config, name=name).secrets(environ)
    for variable in {variable for each in found if each.case is not None for variable in each.case.spec.variables}:
        names = [variable.env] if variable.env and variable.hides_env else []
        names += [f"{ENV_PREFIX}{variable.name}"] if variable.is_secret else []
        secrets += [environ.get(name, "") for name in names]
    return [text for text in secrets if text]
