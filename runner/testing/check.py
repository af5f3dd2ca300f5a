"""What is wrong with each cassette: a leaked secret, a file that can't be replayed, no case that plays it, its age."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner.config import load_profile
from runner.errors import Problem
from runner.project.files import CASSETTES, find_config
from runner.secrets import Mask
from runner.source import read
from runner.testing.answers import command_to_record
from runner.testing.cassette import SANDBOX, expired
from runner.testing.inventory import means_to_be_a_cassette, orphan
from runner.testing.leaks import leaks
from runner.variables import ENV_PREFIX
from runner.writing import remove

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from runner.config import Profile
    from runner.testing.inventory import Found


class CheckedCassettes(NamedTuple):
    """The result of a check: how many cassettes there are, their problems, and the files that were removed."""

    cassettes: int
    problems: Sequence[Problem]
    removed: Sequence[str]


def check(
    cassettes: Sequence[Found],
    paths: Sequence[Path],
    config: Path | None,
    secrets: Sequence[str],
    today: date,
    *,
    fix: bool,
) -> CheckedCassettes:
    """Check the cassettes at `paths`, also for these secrets. `fix` removes those that no case plays."""
    mask = Mask(secrets)
    profiles = {
        folder: load_profile(start=folder, config=config) for folder in {each.place.parent for each in cassettes}
    }
    problems: list[Problem] = []
    removed: list[str] = []
    for each in cassettes:
        # A secret of a removed file is reported all the same: it was readable until now.
        problems += _faults(each, mask, profiles[each.place.parent], today, is_removed=each.is_orphan and fix)
        if each.is_orphan and fix:
            remove(each.path, each.project / CASSETTES)
            removed.append(each.shown)
    problems += [_nothing_at(path) for path in paths or [Path(CASSETTES)] if not _has_some(path, cassettes, paths)]
    return CheckedCassettes(len(cassettes), problems, removed)


def known_secrets(
    cassettes: Sequence[Found],
    paths: Sequence[Path],
    config: Path | None,
    profile: str | None,
    environ: Mapping[str, str],
) -> list[str]:
    """Return the secrets that this machine knows: credentials of every profile, and values of secret variables."""
    secrets: list[str] = []
    for folder in _folders(cassettes, paths):
        path = config or find_config(folder)
        root = read(path, str(path)).root if path is not None else None
        profiles = root.get("profiles") if root is not None else None
        for name in {None: None, profile: None} | (profiles.entries if profiles is not None else {}):
            secrets += load_profile(start=folder, config=config, name=name).secrets(environ)
    for variable in {variable for each in cassettes if each.case is not None for variable in each.case.spec.variables}:
        names = [variable.env] if variable.env and variable.hides_env else []
        names += [f"{ENV_PREFIX}{variable.name}"] if variable.is_secret else []
        secrets += [environ.get(name, "") for name in names]
    return [text for text in secrets if text]


def _folders(cassettes: Sequence[Found], paths: Sequence[Path]) -> list[Path]:
    """Return the folders whose `runner.yaml` counts: those of the specs, else where the search began."""
    specs = dict.fromkeys(each.place.parent for each in cassettes if each.case is not None)
    return [*specs] or [paths[0] if paths else Path()]


def _has_some(path: Path, cassettes: Sequence[Found], paths: Sequence[Path]) -> bool:
    return bool(cassettes) and (not paths or any(each.path.is_relative_to(path) for each in cassettes))


def _nothing_at(path: Path) -> Problem:
    message = f"there is no cassette at {path}: nothing was checked there"
    hint = "runner test specs/ --record once --sandbox records them"
    return Problem("cassette-missing", message, hint=hint, severity="warning")


def _faults(found: Found, mask: Mask, profile: Profile, today: date, *, is_removed: bool) -> Iterator[Problem]:
    if found.is_refused:
        yield from found.problems
        return
    try:
        yield from leaks(found.path, mask, found.shown, profile.cassettes_allow)
    except OSError as error:
        yield Problem("cassette-unreadable", f"{found.shown} can't be read: {error.strerror}")
        return
    if not found.is_ours:  # another program's file, or one that can't be read
        if means_to_be_a_cassette(found.path):
            yield from (replace(problem, severity="warning") for problem in found.problems)
        return
    yield from found.problems
    if found.is_orphan:
        if not is_removed:
            yield orphan(found)
    elif found.case is not None and found.cassette is not None and (max_age := profile.cassettes_max_age) is not None:
        again = command_to_record(found.case, is_sandboxed=found.cassette.source in (SANDBOX, None))
        if (problem := expired(found.cassette, max_age, today, again)) is not None:
            yield problem
