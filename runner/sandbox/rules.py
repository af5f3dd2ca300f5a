"""The configured behavior of a sandbox: the `sandbox:` of `runner.yaml` or of a case."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from runner.config import of_sandbox, refuse
from runner.errors import Problem, in_order
from runner.project.files import project_of
from runner.project.tree import Files
from runner.source import Schema, SchemaError, shared_allowance
from runner.suprsend.rules import MAX_EVENT_KB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.config import Profile
    from runner.source import Json, Node


@dataclass(frozen=True, slots=True)
class Failure:
    """A configured failure in place of an answer. `retry_after_s` is the requested pause, if any."""

    status_code: int
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class SandboxRules:
    """The configured behavior of a sandbox.

    `tenants` are the existing tenants; None accepts all. `schemas` are those of the properties, by the event's name.
    `events` and `users` are those that workflows listen to and that exist; None knows all. `spec_events` are those of the
    project's specs, and matter only without `events`.
    `failures` are the first answers, one for each request. `max_event_kb` limits the size of an event.
    """

    tenants: frozenset[str] | None = None
    schemas: Mapping[str, Schema] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    max_event_kb: int = MAX_EVENT_KB
    events: frozenset[str] | None = None
    spec_events: frozenset[str] | None = None
    users: frozenset[str] | None = None

    def read(self, section: Node, project: Path, at: str = "sandbox") -> tuple[SandboxRules, tuple[Problem, ...]]:
        """Return these rules updated by a `sandbox:` section, and its problems. Schemas are merged by event.

        Its paths are relative to its file and must lie in `project`. `at` is the path of the section. If a problem is an
        error, the rules are returned unchanged.
        """
        reader = Files(project)
        found = of_sandbox(section)
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
        found = [replace(problem, at=f"{at}.{problem.at}" if problem.at else at) for problem in found]
        found = in_order([*found, *reader.problems])
        if any(problem.severity == "error" for problem in found):
            return self, tuple(found)
        tenants, fail, events = (section.get(key) for key in ("tenants", "fail", "events"))
        rules = replace(
            self,
            tenants=self.tenants if tenants is None else frozenset(str(node.value) for node in tenants.items),
            schemas={**self.schemas, **schemas},
            events=self.events if events is None else frozenset(str(node.value) for node in events.items),
            failures=self.failures if fail is None else tuple(_failure(node.plain()) for node in fail.items),
        )
        return rules, tuple(found)


def rules_of(profile: Profile) -> SandboxRules:
    """Return the rules for the project of a profile. Raises InvalidInput for an invalid section."""
    plain = SandboxRules(max_event_kb=profile.sandbox_max_event_kb)
    if profile.section is None:
        return plain
    path = profile.section.text.path
    rules, found = plain.read(profile.section, project_of(Path(path)))
    refuse(found, path)
    return rules


def _failure(answer: Json) -> Failure:
    """Return a configured failure from its valid node."""
    fields = answer if isinstance(answer, dict) else {"status": answer}
    status, seconds = (fields.get(key) for key in ("status", "retry_after"))
    status_code = int(status) if isinstance(status, int | float) else 0
    if isinstance(seconds, int | float):
        return Failure(status_code, int(seconds))
    return Failure(status_code, 0 if status_code == HTTPStatus.TOO_MANY_REQUESTS else None)
