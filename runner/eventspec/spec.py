"""The declaration of one event: the content of a valid spec."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from json import dumps
from typing import TYPE_CHECKING, NamedTuple

from runner.template.shape import may_omit, omitting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.cases.case import Case
    from runner.errors import Problem
    from runner.source import Node, Schema
    from runner.template.plan import Plan
    from runner.template.shape import Shape
    from runner.variables import Variable


@dataclass(frozen=True)
class Spec:
    """The declaration of one event. `auto_key` means a key derived from the run; `shape` has the templates to render.

    `lets` are the named values that the templates read, each after those that it needs.
    """

    path: str
    name: str
    labels: tuple[str, ...]
    variables: tuple[Variable, ...]
    shape: dict[str, Shape]
    lets: Mapping[str, Shape]
    auto_key: bool
    has_key: bool
    schema: Schema | None
    schema_root: Node | None
    cases: tuple[Case, ...]
    root: Node

    @cached_property
    def optional_fields(self) -> tuple[str, ...]:
        """The optional fields that this spec sets."""
        tenants = [field for field in ("tenant_id", "brand_id") if self.root.get(field) is not None]
        return ("idempotency_key", *tenants) if self.has_key else tuple(tenants)

    @cached_property
    def may_omit_tenant(self) -> bool:
        """Return whether a template may leave out the tenant."""
        names = omitting(self.lets)
        return any(may_omit(self.shape.get(field), names) for field in ("tenant_id", "brand_id"))

    @cached_property
    def digest(self) -> str:
        """A digest of the spec and all its files; it changes with any change of the event."""
        import hashlib  # noqa: PLC0415 - only bulk runs need it

        parts = [node.plain() if node is not None else None for node in (self.root, self.schema_root)]
        return hashlib.sha256(dumps(parts, sort_keys=True).encode()).hexdigest()

    @cached_property
    def plan(self) -> Plan:
        """The templates, compiled when the first event is rendered. A check of the file needs no compiler."""
        from runner.template.plan import Plan  # noqa: PLC0415

        return Plan(self.shape, self.lets)


class Loaded(NamedTuple):
    """The result of loading a file. `spec` is None if a problem is an error. `secrets`, the secret defaults, must not be printed."""

    path: str
    spec: Spec | None
    problems: tuple[Problem, ...]
    secrets: tuple[str, ...]
