"""Options of a test run → a tape for each case, which replays its cassette or records it."""

from __future__ import annotations

import os
import shlex
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

from runner.config import SANDBOX_KEY, Target, load_profile
from runner.errors import InvalidInput, Problem, UsageError
from runner.project.files import find_config
from runner.sandbox.rules import rules_of
from runner.secrets import Mask
from runner.suprsend.event import Stamp
from runner.testing.cassette import SANDBOX, SANDBOX_URL, CassetteError, expired
from runner.testing.cassette_reader import load
from runner.testing.cassette_writer import save
from runner.testing.tape import Recorder, Replay
from runner.testing.verdict import Tape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, timedelta
    from pathlib import Path

    from runner.config import Profile
    from runner.sandbox.rules import SandboxRules
    from runner.testing.case_ref import CaseRef
    from runner.workflows.project import ProjectWorkflows

Record = Literal["none", "once", "new_episodes", "rewrite"]


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a test run. In CI, recording by accident must not be possible."""

    record: Record = "none"
    sandbox: bool = False
    profile: str | None = None
    config: Path | None = None
    is_ci: bool = False
    live: bool = False
    """Send to the target instead of a cassette, and wait for the messages that cases expect."""


def is_ci(environ: Mapping[str, str]) -> bool:
    """Return whether this runs in CI: `CI` is set, and not to a word for no."""
    return environ.get("CI", "").strip().lower() not in ("", "0", "false", "no", "off")


def answers_for(options: Options, start: Path, environ: Mapping[str, str], today: date) -> Answers:
    """Return the source of answers for the cases below `start`.

    Raises UsageError for a recording that is not allowed, CredentialsError for one without credentials, and the errors of
    `config.load_profile`.
    """
    profile = load_profile(start=start, config=options.config, name=options.profile)
    live = None
    if options.live:
        if options.record != "none":
            raise UsageError(Problem("usage", "--live and --record can't be combined", hint="leave one of them out"))
        live = None if options.sandbox else _live_target(profile, options.profile, environ)
    if options.record != "none":
        if options.is_ci:
            hint = "record on a developer's machine and commit the cassettes, or add --record-in-ci"
            raise UsageError(Problem("usage", f"--record {options.record} is not allowed in CI", hint=hint))
        if not options.sandbox:
            live = _live_target(profile, options.profile, environ)
    mask = Mask(profile.secrets(environ))
    return Answers(
        options.record, today, mask, rules_of(profile), live, profile.cassettes_max_age, is_live=options.live
    )


def _live_target(profile: Profile, name: str | None, environ: Mapping[str, str]) -> Target:
    """Return the target of a profile. Raise CredentialsError without credentials, UsageError for one that asks before it sends."""
    target = profile.target(environ)
    target.authorized()
    if target.confirm:
        message = f"profile '{name}' asks before it sends, and `runner test` can't ask"
        raise UsageError(Problem("confirm", message, hint="use another profile, or --sandbox"))
    return target


@dataclass(frozen=True, slots=True)
class Answers:
    """Where the answers of cases come from.

    `record` says when they are recorded: `none` never, `once` if there is no cassette, `new_episodes` for requests that the
    cassette does not have, `rewrite` always. They come from `live`; if it is None, from a sandbox for each case, which
    answers by `rules`. On `today` a cassette may be `max_age` old. `mask` hides secrets in recordings.
    """

    record: Record
    today: date
    mask: Mask
    rules: SandboxRules
    live: Target | None = None
    max_age: timedelta | None = None
    is_live: bool = False
    _workflows: dict[Path, ProjectWorkflows] = field(default_factory=dict)

    def workflows(self, ref: CaseRef) -> ProjectWorkflows | None:
        """Return the workflows that the messages of a case come of; None if they come of the platform."""
        if ref.assets is None or self.is_live:
            return None
        from runner.workflows.project import ProjectWorkflows  # noqa: PLC0415 - few cases expect messages

        if ref.assets not in self._workflows:
            self._workflows[ref.assets] = ProjectWorkflows(ref.assets, ref.path, ref.config)
        self._workflows[ref.assets].check()
        return self._workflows[ref.assets]

    @property
    def env(self) -> str:
        """The `env` of the events."""
        return SANDBOX_KEY.env if self.live is None else self.live.env

    @contextmanager
    def tape(self, ref: CaseRef, secrets: Sequence[str] = ()) -> Iterator[Tape]:
        """Open the tape of a case. Raises CassetteError for a cassette that can't be replayed.

        `secrets` are secret texts in the case's events, masked in the cassette.
        """
        if self.is_live:
            with self._live_tape(ref) as tape:
                yield tape
            return
        own = [self.live.env] if self.live is not None else []  # it contains the key of a workspace
        mask = self.mask.with_values([*secrets, *own])
        again = command_to_record(ref, is_sandboxed=self.live is None)
        is_there = ref.cassette.exists()
        if self.record == "none" or (self.record == "once" and is_there):
            replay = self._replay(ref, again, secrets)
            yield Tape(
                replay,
                SANDBOX_KEY,
                SANDBOX_URL,
                _no_pause,
                (),
                replay.problems,
                _save_nothing,
                replay.cassette.run,
                replay.has_next,
            )
            return
        if self.live is not None and ref.config is None:
            _refuse_steps_of_others(ref)
        before = self._replay(ref, again, secrets) if self.record == "new_episodes" and is_there else None
        with ExitStack() as stack:
            target = self.live or self._sandbox(ref, stack)
            from runner.suprsend.transport import Transport  # noqa: PLC0415 - replaying opens no connection

            source = SANDBOX if self.live is None else target.base_url
            transport = Transport(target.base_url)
            run = before.cassette.run if before is not None else _run_name(self.today, ref)
            recorder = Recorder(transport, source, self.today, before, run)

            def save_cassette() -> None:
                save(ref.cassette, recorder.cassette(), mask, ref.project, _shown(ref))

            sleep = _no_pause if self.live is None else time.sleep
            peers = transport.peers
            yield Tape(
                recorder, target.authorized(), target.base_url, sleep, peers, recorder.problems, save_cassette, run
            )

    @contextmanager
    def _live_tape(self, ref: CaseRef) -> Iterator[Tape]:
        """Open the way to the target, for one case: nothing is recorded. Events go out at the present time."""
        from runner.suprsend.transport import Transport  # noqa: PLC0415 - replaying opens no connection

        with ExitStack() as stack:
            target = self.live or self._sandbox(ref, stack)
            transport = Transport(target.base_url)
            yield Tape(
                transport,
                target.authorized(),
                target.base_url,
                time.sleep,
                transport.peers,
                list,
                _save_nothing,
                f"{self.today:%Y%m%d}-{uuid4().hex[:12]}",
                None,
                _present,
            )

    def _replay(self, ref: CaseRef, again: str, secrets: Sequence[str]) -> Replay:
        cassette = load(ref.cassette, again, _shown(ref), ref.project)
        if self.max_age is not None and (problem := expired(cassette, self.max_age, self.today, again)):
            raise CassetteError(problem)
        return Replay(cassette, ref.case.volatile, again, Mask(secrets), self.mask.with_values(secrets))

    def _sandbox(self, ref: CaseRef, stack: ExitStack) -> Target:
        """Start a sandbox for one case, so that its answers depend on no other case."""
        from runner.sandbox.server import Sandbox  # noqa: PLC0415 - a sandbox is loaded only when it is asked for

        rules = self.rules
        if ref.case.sandbox is not None:
            rules, found = rules.read(ref.case.sandbox, ref.project, "sandbox")
            if any(problem.severity == "error" for problem in found):
                raise InvalidInput(*found)
        sandbox = stack.enter_context(Sandbox(rules=rules))
        return Target(sandbox.base_url, SANDBOX_KEY, {})


def _refuse_steps_of_others(ref: CaseRef) -> None:
    """Raise CassetteError for a step whose spec has another `runner.yaml`, and so another target and credentials."""
    own = find_config(ref.path)
    for step in ref.case.steps:
        if step.spec is not None and find_config(ref.path.parent / step.spec) != own:
            message = (
                f"can't be recorded: the spec {step.spec} of a step belongs to another project with its own target"
            )
            raise CassetteError(Problem("cassette-unrecorded", message, hint="record it with --sandbox"))


def command_to_record(ref: CaseRef, *, is_sandboxed: bool) -> str:
    """Return the command that records a case again."""
    where = " --sandbox" if is_sandboxed else ""
    return (
        f"runner test {shlex.quote(os.path.relpath(ref.path))} -k {shlex.quote(ref.case.name)} --record rewrite{where}"
    )


def _shown(ref: CaseRef) -> str:
    return os.path.relpath(ref.cassette)


def _run_name(today: date, ref: CaseRef) -> str | None:
    """Return what stands behind the keys of a recording, if its messages are recorded, too."""
    return f"{today:%Y%m%d}-{uuid4().hex[:12]}" if ref.case.expects_messages and ref.assets is None else None


def _present(_: Stamp) -> Stamp:
    return Stamp(str(uuid4()), time.time_ns() // 1_000_000)


def _no_pause(_: float) -> None:
    """Continue at once: a recorded answer needs no pause."""


def _save_nothing() -> None:
    """Leave the cassette unchanged."""
