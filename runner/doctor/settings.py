"""Checks of settings: the configuration is valid, the profile exists, its credentials are set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.config import load_profile, profile_names
from runner.doctor.finding import Finding, failure, summary_of
from runner.errors import ExitCode, RunnerError
from runner.project.config_file import shown_path
from runner.project.files import CONFIG_NAME, find_config
from runner.suprsend.auth import WorkspaceKey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner.config import Profile, Target

CONFIGURATION, PROFILE, CREDENTIALS = "configuration", "profile", "credentials"
_MOST_NAMES = 10
_KINDS = {
    "workspace key and secret": ("workspace_key_env", "workspace_secret_env"),
    "API key": ("api_key_env", "workspace_uid_env"),
}


def configuration(start: Path, config: Path | None) -> Finding:
    """Check that `config`, else the `runner.yaml` that belongs to `start`, is valid if there is one."""
    try:
        path = config or find_config(start)
        load_profile(start=start, config=config)
    except RunnerError as error:
        return _of_error(CONFIGURATION, error)
    if path is None:
        return Finding(CONFIGURATION, "ok", f"no {CONFIG_NAME} here: the defaults apply", "`runner init` writes one")
    return Finding(CONFIGURATION, "ok", f"{shown_path(path)} is valid")


def profile(start: Path, config: Path | None, name: str | None, environ: Mapping[str, str]) -> Finding:
    """Check that the profile exists, and has a base URL that credentials may be sent to."""
    try:
        chosen = load_profile(start=start, config=config, name=name)
        base_url = chosen.base_url_in(environ)
        others = profile_names(start, config)
    except RunnerError as error:
        return _of_error(PROFILE, error)
    if name is not None:
        return Finding(PROFILE, "ok", f"{name} sends to {base_url}")
    known = ", ".join(others[:_MOST_NAMES]) + (" …" if len(others) > _MOST_NAMES else "")
    advice = f"choose one with --profile: {known}" if others else None
    return Finding(PROFILE, "ok", f"none chosen: commands send to {base_url}", advice)


def credentials(chosen: Profile, name: str | None, environ: Mapping[str, str]) -> Finding:
    """Check that the credentials of a profile are set. Without a chosen profile, missing ones are a warning."""
    try:
        target = chosen.target(environ)
    except RunnerError as error:
        return _of_error(CREDENTIALS, error)
    if target.credentials is None:
        text, advice = "none are set: events can be rendered and tested, but not sent", _how_to_set(chosen.names)
        if name is None:
            return Finding(CREDENTIALS, "warning", text, advice)
        return failure(CREDENTIALS, text, advice, ExitCode.CREDENTIALS)
    used = "workspace key and secret" if isinstance(target.credentials, WorkspaceKey) else "API key"
    text = f"{used}, from {_names(target, used)}"
    unused = next(kind for kind in _KINDS if kind != used)
    if all(environ.get(target.names[key], "").strip() for key in _KINDS[unused]):
        text += f"; the {unused} is set too, and not used"
    return Finding(CREDENTIALS, "ok", text)


def target_of(chosen: Profile, environ: Mapping[str, str]) -> Target | None:
    """Return the target of a profile; None if `credentials` reports why there is none."""
    try:
        return chosen.target(environ)
    except RunnerError:
        return None


def names_of(target: Target) -> str:
    """Return the environment variables that hold the credentials of a target."""
    return _names(target, "workspace key and secret" if isinstance(target.credentials, WorkspaceKey) else "API key")


def _names(target: Target, kind: str) -> str:
    return " and ".join(target.names[key] for key in _KINDS[kind])


def _how_to_set(names: Mapping[str, str]) -> str:
    ways = [" and ".join(names[key] for key in keys) for keys in _KINDS.values() if names[keys[0]]]
    return f"set {', or '.join(ways)}"


def _of_error(name: str, error: RunnerError) -> Finding:
    """Return the finding of a check that a problem ended, with its place."""
    hint = error.problems[0].hint
    exit_code = ExitCode.CREDENTIALS if error.exit_code is ExitCode.CREDENTIALS else ExitCode.REFUSED
    return failure(name, summary_of(error.problems), hint.replace("\n", " ") if hint else None, exit_code)
