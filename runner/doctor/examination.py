"""All checks, in the order of the page: those of the network run in threads, while the files are read."""

from __future__ import annotations

from concurrent.futures import TimeoutError as NotDone
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from runner.config import SANDBOX_PORT, load_profile
from runner.doctor import machine, network, recordings, settings, specs, workflows
from runner.doctor.finding import Finding, skipped
from runner.suprsend.answer import NoAnswer
from runner.suprsend.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future
    from datetime import datetime
    from pathlib import Path

    from runner.config import Target
    from runner.doctor.network import Reply

_GRACE_S = 1.0
"""Time beyond that of a request: the look-up of a host's name takes as long as the system lets it."""
_SEE_CONFIGURATION = f"not checked: see {settings.CONFIGURATION}"


@dataclass(frozen=True, slots=True)
class Examined:
    """What is checked: the project of `start`, and sending from it with these options in this environment."""

    start: Path
    config: Path | None
    profile: str | None
    user: str | None
    environ: Mapping[str, str]
    clock: Callable[[], datetime]
    is_offline: bool = False

    def now_s(self) -> float:
        """Return the time, in seconds since 1970."""
        return self.clock().timestamp()


class Examination(NamedTuple):
    """All findings, and secrets that their texts may repeat."""

    findings: tuple[Finding, ...]
    secrets: tuple[str, ...]


def examine(examined: Examined, sandbox_port: int = SANDBOX_PORT) -> Examination:
    """Make all checks. A check that depends on another one that failed is skipped, so that each fault is shown once."""
    config, name, environ = examined.config, examined.profile, examined.environ
    configuration = settings.configuration(examined.start, config)
    profile = (
        settings.profile(examined.start, config, name, environ)
        if configuration.state == "ok"
        else skipped(settings.PROFILE, _SEE_CONFIGURATION)
    )
    target: Target | None = None
    secrets: tuple[str, ...] = ()
    credentials = skipped(settings.CREDENTIALS, f"not checked: see {settings.PROFILE}")
    if profile.state == "ok":
        chosen = load_profile(start=examined.start, config=config, name=name)
        secrets = chosen.secrets(environ)
        credentials = settings.credentials(chosen, name, environ)
        target = settings.target_of(chosen, environ)
    threads = Threads(2)
    try:
        there = _Requests(examined, target, threads)
        known = name if profile.state == "ok" else None
        files, hidden = _files(examined, known, is_readable=configuration.state == "ok")
        here = (machine.sandbox(sandbox_port, environ), machine.completion(environ), machine.packages())
        findings, repeated = there.findings()
    finally:
        threads.shutdown(wait=False)
    return Examination((configuration, profile, credentials, *findings, *files, *here), (*secrets, *hidden, *repeated))


def _files(
    examined: Examined, profile: str | None, *, is_readable: bool
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Check the specs and cassettes of the project, unless its configuration is invalid: each of them would report it.

    Return the findings, and secrets that their texts may repeat.
    """
    if not is_readable:
        names = (specs.SPECS_VALID, *workflows.NAMES, recordings.CASSETTES, recordings.AGES)
        return tuple(skipped(name, _SEE_CONFIGURATION) for name in names), ()
    start, config = examined.start, examined.config
    recorded = recordings.cassettes(config, profile, examined.environ, examined.clock().date())
    loaded = specs.load_specs(start, config)
    if isinstance(loaded, Finding):
        return (loaded, *workflows.workflows((), start, config), *recorded), ()
    known = [each.spec for each in loaded if each.spec is not None]
    secrets = tuple(secret for each in loaded for secret in each.secrets)
    return (specs.specs(loaded), *workflows.workflows(known, start, config), *recorded), secrets


class _Requests:
    """The requests of checks, under way at the same time. Without a target, nothing is sent."""

    def __init__(self, examined: Examined, target: Target | None, threads: Threads) -> None:
        self._target = target
        self._user = examined.user
        self._reason = "not checked: --offline" if examined.is_offline else f"not checked: see {settings.CREDENTIALS}"
        self._messages: Future[Reply] | None = None
        self._profile: Future[Reply] | None = None
        if target is None or examined.is_offline:
            return
        self._messages = threads.submit(network.ask_for_messages, target, examined.now_s)
        if self._user is not None and target.credentials is not None:
            self._profile = threads.submit(network.ask_for_user, target, self._user, examined.now_s)

    def findings(self) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
        """Wait for the answers. Return the findings, and secrets that their texts may repeat."""
        if self._target is None or self._messages is None:
            names = (network.CONNECTION, network.ACCESS, network.CLOCK, network.USER)
            return tuple(skipped(name, self._reason) for name in names), ()
        reply = _result(self._messages)
        found = (network.connection(self._target, reply), network.access(self._target, reply), network.clock(reply))
        if self._user is None:
            return (*found, skipped(network.USER, "none was named: --user ID checks one")), reply.secrets
        if self._profile is None:
            return (*found, skipped(network.USER, "there are no credentials to ask with")), reply.secrets
        of_user = _result(self._profile)
        return (*found, network.user(self._user, of_user)), (*reply.secrets, *of_user.secrets)


def _result(request: Future[Reply]) -> Reply:
    """Return the answer to a request."""
    try:
        return request.result(network.TIMEOUT_S + _GRACE_S)
    except NotDone:
        message = f"no answer of the name server within {network.TIMEOUT_S + _GRACE_S:g} s"
        return network.Reply(NoAnswer(message, sent=False, stage="name"), 0)
