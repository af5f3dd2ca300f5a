"""Specs, with their variables, cases and cassettes → text, or JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from runner.report.format import Format
from runner.report.style import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.report.output import Output


class ListedVariable(NamedTuple):
    """A variable. `default` is that of the declaration; None also for a secret, which is never shown.

    `declared_in` is the file with the declaration: the spec, a base or `runner.yaml`; None for one that is merely used.
    """

    name: str
    types: tuple[str, ...]
    required: bool
    has_default: bool
    default: object
    env: str | None
    secret: bool
    description: str | None
    declared_in: str | None


class ListedCase(NamedTuple):
    """A case. `cassette` is the file of its answers, None if it expects no answer."""

    name: str
    labels: tuple[str, ...]
    cassette: str | None
    recorded: bool


class ListedSpec(NamedTuple):
    """A spec's file. `event` is the template of its event's name."""

    spec: str
    name: str
    event: str
    description: str | None
    labels: tuple[str, ...]
    variables: tuple[ListedVariable, ...]
    cases: tuple[ListedCase, ...]


def show_specs(output: Output, specs: Sequence[ListedSpec]) -> None:
    """Show specs, each with a line for its variables and one for its cases."""
    if output.format in (Format.JSON, Format.JSONL):
        output.items("specs", map(_as_json, specs))
        return
    for spec in specs:
        labels = f"  [{printable(', '.join(spec.labels))}]" if spec.labels else ""
        about = f"  {spec.description}" if spec.description else ""
        style = output.style
        output.data(
            f"{style.strong(printable(spec.spec))}  {printable(spec.event)}{labels}{style.faint(printable(about))}"
        )
        if spec.variables:
            output.data(f"  vars   {', '.join(map(_variable, spec.variables))}")
        for case in spec.cases:
            recorded = "" if case.cassette is None else "  (recorded)" if case.recorded else "  (not recorded)"
            output.data(f"  case   {printable(case.name)}{style.faint(recorded)}")


def _variable(variable: ListedVariable) -> str:
    name = printable(variable.name)
    if variable.secret:
        return f"{name} (secret{f', from {printable(variable.env)}' if variable.env else ''})"
    if variable.has_default:
        return f"{name}={printable(_shown(json.dumps(variable.default, ensure_ascii=False)))}"
    if variable.env:
        return f"{name} (from {printable(variable.env)})"
    return f"{name} (required)" if variable.required else f"{name} (optional)"


def _shown(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"


_LONG = 40


def _as_json(spec: ListedSpec) -> dict[str, object]:
    variables = [variable._asdict() for variable in spec.variables]
    return spec._asdict() | {"variables": variables, "cases": [case._asdict() for case in spec.cases]}
