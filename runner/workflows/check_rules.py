"""The rules by which specs are held against the assets folder, and how `checks:` of `runner.yaml` changes them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, get_args

from runner.errors import Problem, did_you_mean
from runner.source import describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runner.errors import Severity
    from runner.source import Node

Rule = Literal[
    "unknown-event", "unheard-event", "event-schema", "condition-variable", "expression-variable", "template-variable", "stale-schema",
    "stale-asset", "asset-missing", "asset-invalid", "workflow-invalid", "template-unread",
    "test-data-unknown",
]  # fmt: skip
RULES: tuple[Rule, ...] = get_args(Rule)
"""By the codes of their problems."""
Level = Literal["error", "warning", "off"]
_DEFAULTS: Mapping[str, Severity] = {
    "unknown-event": "error",
    "unheard-event": "error",
    "asset-invalid": "error",
    "workflow-invalid": "error",
}


def levels_of(checks: Node | None) -> tuple[dict[str, Level], list[Problem]]:
    """Return the levels that `checks:` sets, and the problems of rules that do not exist."""
    levels: dict[str, Level] = {}
    problems = []
    if checks is not None and not isinstance(checks.value, dict):
        problems.append(
            Problem(
                "wrong-type",
                f"checks must be a map of rules, not {describe(checks.value)}",
                checks.position(),
                at="checks",
            )
        )
    for name, node in checks.entries.items() if checks is not None else ():
        if name.startswith("x-"):
            continue
        if name not in RULES:
            hint = did_you_mean(name, RULES, f"one of: {', '.join(RULES)}")
            place = checks.key_position(name) if checks is not None else None
            problems.append(Problem("bad-value", f"there is no rule '{name[:100]}'", place, at="checks", hint=hint))
        elif node.value in get_args(Level):
            levels[name] = node.value  # type: ignore[assignment]
        else:
            message, hint = f"the level of '{name}' must be error, warning or off", "off is text, not false"
            problems.append(
                Problem(
                    "bad-value",
                    message,
                    node.position(),
                    at=f"checks.{name}",
                    hint=hint if node.value is False else None,
                )
            )
    return levels, problems


def levelled(problems: Iterable[Problem], levels: Mapping[str, Level]) -> Iterator[Problem]:
    """Yield problems with the severity of their rule; none of a rule that is off."""
    for problem in problems:
        level = levels.get(problem.code) or (
            _DEFAULTS.get(problem.code, "warning") if problem.code in RULES else problem.severity
        )
        if level != "off":
            yield replace(problem, severity=level)
