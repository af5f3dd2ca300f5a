"""`--trace`: a command, within its trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import ExitCode, InvalidInput, Problem, RunnerError, UsageError
from runner.tracing.event import TracedEvent
from runner.tracing.muting import muted

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.commands.session import Session
    from runner.run import Sent
    from runner.testing.results import CaseRun
    from runner.tracing.trace import Trace

_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"


def traced(session: Session, name: str, run: Callable[[Trace], ExitCode]) -> ExitCode:
    """Run a command, and export its spans. Raise InvalidInput without the libraries, UsageError for invalid settings."""
    with muted() as warnings:
        trace = _begun(session, name)
        if warnings.count:
            session.output.message("trace: a variable OTEL_* has an invalid value, which OpenTelemetry ignores")
        return _run(session, trace, run)


def _run(session: Session, trace: Trace, run: Callable[[Trace], ExitCode]) -> ExitCode:
    code = ExitCode.BUG
    try:
        code = run(trace)
    except RunnerError as error:
        code = error.exit_code
        raise
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
        raise
    finally:
        lost, taken = trace.end(code)
        if lost:
            of = "" if lost == taken else f" of {taken:,}"
            session.output.message(
                f"trace: {lost:,}{of} {'span' if taken == 1 else 'spans'} did not reach the collector; "
                "see OTEL_EXPORTER_OTLP_ENDPOINT"
            )
    return code


def add_events(trace: Trace, base_url: str, sent: Sent) -> None:
    """Add the events of `send`, and their requests."""
    trace.sends_to(base_url)
    events = [
        TracedEvent(each.spec, each.event or "", each.state, each.error.code if each.error else "", each.message_id)
        for each in sent.outcomes
    ]
    trace.add_events(events, sent.attempts)


def add_cases(trace: Trace, ended: CaseRun) -> None:
    """Add the cases of `test`."""
    for case in ended.cases:
        code = case.reports[0]["json"]["code"] if case.reports else ""
        trace.add_case(case.spec, case.group, case.state, code, case.ended_s - case.took_s, case.ended_s)


def _begun(session: Session, name: str) -> Trace:
    for variable in _PROTOCOLS:
        if (protocol := session.world.environ.get(variable)) not in (None, "", _PROTOCOL):
            message = f"--trace otlp speaks {_PROTOCOL}, and {variable} is {protocol}"
            raise UsageError(
                Problem("usage", message, hint=f"set it to {_PROTOCOL}, with the collector's port for HTTP")
            )
    try:
        from runner.tracing.trace import Trace  # noqa: PLC0415 - it is an extra
    except ModuleNotFoundError:
        hint = "pip install 'suprsend-runner[otel]'"
        raise InvalidInput(Problem("usage", "for --trace, OpenTelemetry must be installed", hint=hint)) from None
    try:
        return Trace(name, session.world.environ, session.output.masked)
    except (OSError, RuntimeError, ValueError):  # its text may quote a header
        message = "a variable OTEL_* that sets up the exporter is invalid"
        raise UsageError(Problem("usage", message, hint="see: runner help tracing")) from None
