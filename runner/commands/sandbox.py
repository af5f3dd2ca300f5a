"""`runner sandbox`: the local server, until it is interrupted."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

from runner.bulk.paths import relative_path
from runner.config import load_profile
from runner.errors import ExitCode, MachineError, Problem, RunnerError, UsageError
from runner.project.files import SPECS, find, find_config
from runner.project.private import FOLDER_NAME
from runner.report.sandbox import left_out_lines, log_lines
from runner.report.style import counted, printable
from runner.sandbox.failures import UnknownFailureError, latency, shares
from runner.sandbox.find import HOST, found_at
from runner.sandbox.hosts import is_loopback
from runner.sandbox.project_specs import ProjectSpecs
from runner.sandbox.proof import KeyRefused, Proof, ensure_key, read_key
from runner.sandbox.rules import rules_of
from runner.sandbox.server import MEMORY_MB, Place, serve
from runner.sandbox.store import MAX_EVENTS, MAX_MB, Limits
from runner.secrets import Secret
from runner.source import read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.commands.session import Session
    from runner.report import Output
    from runner.sandbox.arrival import Arrival
    from runner.sandbox.rules import SandboxRules
    from runner.sandbox.server import Started
    from runner.sandbox.store import Store

FILE_NAME = "sandbox.sqlite3"
READY_S = 30.0
"""How long `--ready` waits by default."""
_LOOK_EVERY_S = 0.1
_TOKEN = "RUNNER_SANDBOX_TOKEN"  # noqa: S105 - the name of a variable
_IS_TOKEN = re.compile("[A-Za-z0-9_-]{16,200}")
_MAX_SPECS = 500
"""Specs whose events are read at the start."""
_PENDING_LINES = 10_000
_FLUSH_S = 2.0


class Rehearsal(NamedTuple):
    """The failures that the command line asks for, as it spells them."""

    fail: str = ""
    latency: str = ""
    seed: int | None = None

    def added(self, rules: SandboxRules) -> SandboxRules:
        """Return rules with these failures in addition. Raises UsageError for texts that declare none."""
        try:
            failures = (*rules.failures, *shares(self.fail))
            latency_s = latency(self.latency) if self.latency else rules.latency
        except UnknownFailureError as error:
            raise UsageError(Problem("usage", str(error))) from None
        return replace(rules, failures=failures, latency=latency_s, seed=self.seed)


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """The options of the command; None where the default depends on others."""

    port: int
    host: str = HOST
    db: Path | None = None
    memory: bool = False
    max_events: int = MAX_EVENTS
    max_mb: int | None = None
    max_event_kb: int | None = None
    rehearsal: Rehearsal = Rehearsal()  # noqa: RUF009 - a frozen value

    def place(self, config: Path | None, key: Secret | None, token: Secret | None) -> Place:
        """Return where to listen and what to store. Raises UsageError for `--db` with `--memory`."""
        if self.db is not None and self.memory:
            raise UsageError(Problem("usage", "--db and --memory exclude each other", hint="keep one of them"))
        database = None if self.memory else self.db or _home(config) / FOLDER_NAME / FILE_NAME
        limits = Limits(self.max_events, self.max_mb or (MEMORY_MB if database is None else MAX_MB))
        return Place(self.port, self.host, database, limits, key, token)


def sandbox(session: Session, options: SandboxOptions) -> ExitCode:
    """Serve until Ctrl-C, which is a success."""
    key, refused = None, None
    try:
        key = ensure_key(session.world.environ)
    except KeyRefused as error:
        refused = error
    settings = session.settings
    place = options.place(settings.config, key, _given_token(session.world.environ))
    profile = load_profile(start=Path(), config=settings.config, name=settings.profile)
    specs = ProjectSpecs(_home(settings.config).resolve(), session.world.environ, settings.config, profile.variables)
    rules = rules_of(profile)
    if options.max_event_kb is not None:
        rules = replace(rules, max_event_kb=options.max_event_kb)
    rules = options.rehearsal.added(replace(rules, spec_events=_spec_events(settings.config)))
    logs: list[_Log] = []

    def announce(started: Started) -> None:
        _announce(session.output, place, started, rules, refused)
        if not session.output.quiet:
            logs.append(_Log(session.output, started.store))

    try:
        serve(place, announce, rules, specs)
    except MachineError as error:
        if error.problems[0].code != "port-taken":
            raise
        raise MachineError(_taken(error.problems[0], place)) from None
    for log in logs:
        log.end()
    return ExitCode.OK


def _given_token(environ: Mapping[str, str]) -> Secret | None:
    """Return the token that the environment sets, for tests that must know it before. Raises UsageError for a weak one."""
    token = environ.get(_TOKEN)
    if token is None:
        return None
    if not _IS_TOKEN.fullmatch(token):
        hint = f"make one: export {_TOKEN}=$(openssl rand -hex 16)"
        message = f"{_TOKEN} must have at least 16 letters, digits, - and _"
        raise UsageError(Problem("usage", message, hint=hint))
    return Secret(token)


def ready(session: Session, port: int, timeout_s: float = READY_S) -> ExitCode:
    """Wait until a sandbox listens on a port; NO_ANSWER if none does within `timeout_s`."""
    until_s = time.monotonic() + timeout_s
    while True:
        try:
            proof = Proof(read_key(session.world.environ), port)
        except KeyRefused:
            proof = None
        found = found_at(port, proof)
        if found.listener == "own" or found.is_open:
            session.output.message(f"sandbox: ready on http://{HOST}:{port}/")
            return ExitCode.OK
        if time.monotonic() >= until_s:
            break
        time.sleep(_LOOK_EVERY_S)
    other = "another program listens there" if found.listener == "foreign" else "start one with `runner sandbox`"
    message = f"no sandbox of yours answered on port {port} within {timeout_s:g} s"
    session.output.complaints([Problem("no-connection", message, hint=other)])
    return ExitCode.NO_ANSWER


def _home(config: Path | None) -> Path:
    """Return the folder of `runner.yaml`, else the working directory."""
    found = config or find_config(Path())
    return found.parent if found else Path()


def _spec_events(config: Path | None) -> frozenset[str] | None:
    """Return the names of the events of the project's specs; None if they are not all known without variables."""
    names: set[str] = set()
    with suppress(RunnerError):  # `runner validate` says what is wrong
        for path in islice(find([_home(config) / SPECS]), _MAX_SPECS + 1):
            root = read(path).root
            event = root.get("event") if root is not None else None
            if event is None or not isinstance(event.value, str) or "{{" in event.value or len(names) == _MAX_SPECS:
                return None
            names.add(event.value.strip())
    return frozenset(names) or None


def _announce(output: Output, place: Place, started: Started, rules: SandboxRules, refused: KeyRefused | None) -> None:
    workspace, api = started.workspace, started.api
    output.announce(f"sandbox: listening on {started.base_url} (Ctrl-C stops it)")
    output.announce(f"  workspace key {workspace.key}, secret {workspace.secret.reveal()}")
    output.announce(f"  API key {api.key.reveal()}, workspace UID {api.workspace_uid}")
    output.announce(f"  page: {started.page_url}")
    stored = counted(started.store.counts().stored, "record")
    where = relative_path(str(place.database)) if place.database else "memory"
    output.announce(f"  stored in {where}: {stored}; events up to {rules.max_event_kb} KB")
    for line in left_out_lines(rules.project.left_out()) if rules.project is not None else ():
        output.announce(line)
    if (damaged := started.store.database.set_aside) is not None:
        output.announce(
            f"  the database was damaged: it is now {relative_path(str(damaged))}, and this sandbox begins with an empty one"
        )
    if not is_loopback(place.host):
        output.announce(f"  other machines can connect: it listens on {place.host}, with credentials of its own")
    elif refused is not None:
        output.announce(f"  --sandbox of other commands can't use it: {refused}")
    output.announce("to send to it, from runner or an SDK of the platform:")
    output.announce(f"  export SUPRSEND_BASE_URL={started.base_url}")
    secret = f"SUPRSEND_WORKSPACE_SECRET={workspace.secret.reveal()}"
    output.announce(f"  export SUPRSEND_WORKSPACE_KEY={workspace.key} {secret}")


class _Log:
    """Prints arrivals in a thread of its own: a terminal that is slow, or stopped, must not hold up the requests."""

    def __init__(self, output: Output, store: Store) -> None:
        self._output = output
        self._store = store
        self._pending: SimpleQueue[Sequence[Arrival] | None] = SimpleQueue()
        self._left_out = 0
        self._has_dropped = store.counts().dropped_events > 0
        self._thread = Thread(target=self._print, name="log", daemon=True)
        self._thread.start()
        store.subscribe(self._add)

    def end(self) -> None:
        """Print what is pending, unless it takes too long."""
        self._pending.put(None)
        self._thread.join(_FLUSH_S)

    def _add(self, arrivals: Sequence[Arrival]) -> None:
        if self._pending.qsize() < _PENDING_LINES:
            self._pending.put([each._replace(raw=b"") for each in arrivals])
        else:
            self._left_out += 1

    def _print(self) -> None:
        with suppress(MachineError):  # the log's disk is full: the sandbox goes on without it
            while (arrivals := self._pending.get()) is not None:
                for line in log_lines(arrivals, self._output.message_style):
                    self._output.message(line)
                self._mention()

    def _mention(self) -> None:
        if self._left_out and self._pending.empty():
            left_out, self._left_out = self._left_out, 0
            self._output.message(f"sandbox: {counted(left_out, 'request')} not shown here: too many at once")
        if not self._has_dropped and self._store.counts().dropped_events:
            self._has_dropped = True
            limits = self._store.limits
            most = f"{limits.events:,} records and {limits.mb:,} MB"
            self._output.message(f"sandbox: from now on, the oldest records are dropped: it stores {most} at most")


def _taken(problem: Problem, place: Place) -> Problem:
    """Return the problem of a port that is taken, with who listens on it."""
    if not is_loopback(place.host):
        return problem
    found = found_at(place.port, Proof(place.key, place.port) if place.key is not None else None)
    if found.version is None:
        return problem if found.listener == "none" else replace(problem, hint=_OTHER)
    about = f"version {printable(found.version)}"
    if found.database is not None:
        about += f", stores in {printable(found.database)}"
    if found.listener != "own":
        message = f"a sandbox of another user listens on port {place.port}, or one with --host"
        return replace(problem, message=message, hint=f"it is {about}: choose another port with --port")
    hint = f"other commands use it with --sandbox. {_STOP}, or start another one with --port and --db ({about})"
    return replace(problem, message=f"your sandbox listens on port {place.port} already", hint=hint)


_OTHER = "another program listens there: choose another port with --port"
_STOP = "To see what arrives, open the address that it printed at its start; stop it with Ctrl-C there"
