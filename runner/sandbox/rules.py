"""The configured behavior of a sandbox: the `sandbox:` of `runner.yaml` or of a case."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.config import of_sandbox, refuse
from runner.errors import Problem, in_order
from runner.project.files import project_of
from runner.project.tree import Files
from runner.sandbox.failures import NO_LATENCY, Failure, Range, UnknownFailureError, declared, latency
from runner.sandbox.message_store import Messages
from runner.sandbox.workflows import RulePlanner, unreachable_outcome, workflow_rule
from runner.source import Schema, SchemaError, shared_allowance
from runner.suprsend.rules import MAX_EVENT_KB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.config import Profile
    from runner.sandbox.arrival import Arrival
    from runner.sandbox.messages import History, Plan
    from runner.sandbox.workflows import WorkflowRule
    from runner.source import Node
    from runner.workflows.project import ProjectWorkflows


@dataclass(frozen=True, slots=True)
class SandboxRules:
    """The configured behavior of a sandbox.

    `tenants` are the existing tenants; None accepts all. `schemas` are those of the properties, by the event's name.
    `events` and `users` are those that workflows listen to and that exist; None knows all. `spec_events` are those of the
    project's specs, and matter only without `events`. `workflows` are the messages of events, by their name. `failures` and
    `latency` are those of `fail` and `latency`, chosen at random by `seed`. `max_event_kb` limits the size of an event.
    """

    tenants: frozenset[str] | None = None
    schemas: Mapping[str, Schema] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    latency: Range = NO_LATENCY
    seed: int | None = None
    max_event_kb: int = MAX_EVENT_KB
    events: frozenset[str] | None = None
    spec_events: frozenset[str] | None = None
    users: frozenset[str] | None = None
    workflows: Mapping[str, WorkflowRule] = field(default_factory=dict)
    project: ProjectWorkflows | None = None
    """The workflow files of the project, which make the messages of events without a rule in `workflows`."""

    def read(self, section: Node, project: Path, at: str = "sandbox") -> tuple[SandboxRules, tuple[Problem, ...]]:
        """Return these rules updated by a `sandbox:` section, and its problems. Schemas and workflows are merged by event.

        Its paths are relative to its file and must lie in `project`. `at` is the path of the section. If a problem is an
        error, the rules are returned unchanged.
        """
        reader = Files(project)
        found = of_sandbox(section)
        has_form = not found
        schemas: dict[str, Schema] = {}
        given = section.get("schemas")
        with shared_allowance():
            for name, node in (given.entries if given else {}).items():
                source = reader.included(node) if isinstance(node.value, str) and node.value else node
                if source is None or not isinstance(node.value, str | dict | bool):
                    continue
                try:
                    schemas[name] = Schema(source.plain())
                except SchemaError as error:
                    found.append(error.problem(source, f"schemas.{name}"))
        tenants, users, events, workflows, fail, slow = (
            section.get(key) for key in ("tenants", "users", "events", "workflows", "fail", "latency")
        )
        flows = workflows.entries if workflows is not None and has_form else {}
        found += filter(None, itertools.starmap(unreachable_outcome, flows.items()))
        failures = _failures(fail, found) if fail is not None and has_form else self.failures
        latency_s = _latency(slow, found) if slow is not None and has_form else self.latency
        found = [replace(problem, at=f"{at}.{problem.at}" if problem.at else at) for problem in found]
        found = in_order([*found, *reader.problems])
        if any(problem.severity == "error" for problem in found):
            return self, tuple(found)
        rules = replace(
            self,
            tenants=self.tenants if tenants is None else frozenset(str(node.value) for node in tenants.items),
            schemas={**self.schemas, **schemas},
            events=self.events if events is None else frozenset(str(node.value) for node in events.items),
            users=self.users if users is None else frozenset(str(node.value).strip() for node in users.items),
            workflows={**self.workflows, **{name: workflow_rule(name, node) for name, node in flows.items()}},
            failures=failures,
            latency=latency_s,
        )
        return rules, tuple(found)


def messages_of(rules: SandboxRules) -> Messages | None:
    """Return what makes the messages of events, by the rules and the workflow files; None if there are none."""
    by_rules = RulePlanner(rules.workflows, rules.users) if rules.workflows else None
    if rules.project is None:
        return Messages(by_rules) if by_rules is not None else None
    from runner.sandbox.interpreted import WorkflowPlanner  # noqa: PLC0415 - few projects have workflow files

    project = rules.project
    by_files = WorkflowPlanner(project.assets, project.world(), project.engine, rules.workflows)

    def plan(arrival: Arrival, history: History) -> Plan:
        has_rule = by_rules is not None and (arrival.event or "").strip() in by_rules.workflows
        return by_rules(arrival, history) if has_rule and by_rules is not None else by_files(arrival, history)

    return Messages(plan, by_files.trace, by_files.forget)


def rules_of(profile: Profile) -> SandboxRules:
    """Return the rules for the project of a profile. Raises InvalidInput for an invalid section."""
    rules = SandboxRules(max_event_kb=profile.sandbox_max_event_kb)
    if profile.section is not None:
        path = profile.section.text.path
        rules, found = rules.read(profile.section, project_of(Path(path)))
        refuse(found, path)
    return _with_workflow_files(rules, profile)


def _with_workflow_files(rules: SandboxRules, profile: Profile) -> SandboxRules:
    """Add the workflow files of the project, with the events that they listen to and the users of `runner.yaml`."""
    from runner.workflows.layouts import find_assets, has_workflows  # noqa: PLC0415 - few projects have workflow files

    folder = find_assets(profile.start, profile.config)
    if folder is None or not has_workflows(folder):
        return rules
    from runner.workflows.project import ProjectWorkflows  # noqa: PLC0415

    project = ProjectWorkflows(folder, profile.start, profile.config)
    users = project.world().users
    return replace(
        rules,
        project=project,
        events=rules.events if rules.events is not None else project.heard_events() | {*rules.workflows},
        users=rules.users if rules.users is not None or users is None else frozenset(users),
    )


def _failures(node: Node, problems: list[Problem]) -> tuple[Failure, ...]:
    """Return the failures of `fail`, and add problems of unknown names."""
    found = []
    for index, item in enumerate(node.items):
        try:
            found.append(declared(item.plain()))
        except UnknownFailureError as error:
            problems.append(Problem("bad-value", str(error), item.position(), f"fail[{index}]"))
    return tuple(found)


def _latency(node: Node, problems: list[Problem]) -> Range:
    try:
        return latency(str(node.value))
    except UnknownFailureError as error:
        problems.append(Problem("bad-value", str(error), node.position(), "latency"))
        return NO_LATENCY
