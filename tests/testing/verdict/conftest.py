"""What tests of verdicts share: a spec, and the verdict on its cases."""

from __future__ import annotations

from dataclasses import replace
from textwrap import indent
from typing import TYPE_CHECKING

from runner.config import SANDBOX_KEY, Target
from runner.errors import ExitCode
from runner.testing.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.errors import Problem
    from runner.testing.answers import Record
    from tests.servers.capturing import CapturingServer
    from tests.testing.conftest import Project

SPEC = """\
version: 1
vars:
  user: {type: string, default: u1}
  amount: {type: number, exclusiveMinimum: 0, default: 10}
event: ordered
distinct_id: "{{ user }}"
idempotency_key: "order-{{ user }}"
properties:
  amount: "{{ amount }}"
  at: "{{ now() | isoformat }}"
tests:
"""
FIRST_LINE = SPEC.count("\n") + 1
OK = Verdict((), ExitCode.OK)


def write(project: Project, tests: str, spec: str = SPEC) -> None:
    project.write("specs/order.yaml", spec + indent(tests.strip("\n"), "  "))


def run(project: Project, tests: str, *, record: Record = "none", update: bool = False) -> dict[str, Verdict]:
    """Run the cases of one spec."""
    write(project, tests)
    return project.verdicts(record=record, update=update)


def said(verdicts: Mapping[str, Verdict]) -> list[str]:
    """Write all that is wrong: the line counts from that of `tests:`, and each is said of its case alone."""
    return [line_of(problem) for verdict in verdicts.values() for problem in verdict.problems]


def line_of(problem: Problem) -> str:
    line = problem.position.line - FIRST_LINE + 1 if problem.position else 0
    hint = f" = {problem.hint}" if problem.hint else ""
    return f"{line} {problem.code}: {problem.message}{hint}"


def live(project: Project, server: CapturingServer) -> Project:
    """Let cases be recorded from a server."""
    return replace(project, live=Target(server.base_url, SANDBOX_KEY, {}))


ACCEPTED = "- name: a\n  expect: {response: {success: true, status_code: 202}}"
