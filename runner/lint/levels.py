"""The rules of `runner validate` that can be changed, and their levels.

A level is that of a comment beside the line, of `checks:` in the spec, of `checks:` in `runner.yaml`, or the default, in
this order.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, get_args

from runner.codes import CODES
from runner.errors import Problem, did_you_mean
from runner.lint.advice import advice
from runner.lint.comments import Ignored
from runner.source import describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runner.errors import Severity
    from runner.eventspec import Spec
    from runner.lint.comments import Ignore
    from runner.source import Node

AssetRule = Literal[
    "unknown-event", "unheard-event", "event-schema", "condition-variable", "expression-variable", "template-variable", "stale-schema",
    "stale-asset", "asset-missing", "asset-invalid", "workflow-invalid", "template-unread",
    "test-data-unknown",
]  # fmt: skip
Advice = Literal[
    "attachments-without-key", "constant-key", "event-not-expected", "no-case", "no-description", "personal-data-in-key",
    "unused-ignore", "unused-label",
]  # fmt: skip
RULES: tuple[str, ...] = (*get_args(AssetRule), *get_args(Advice))
"""By the codes of their problems."""
Level = Literal["error", "warning", "advice", "off"]
_DEFAULTS: Mapping[str, Severity] = {
    "unknown-event": "error",
    "unheard-event": "error",
    "asset-invalid": "error",
    "workflow-invalid": "error",
    **dict.fromkeys(get_args(Advice), "advice"),
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
            problems.append(Problem("bad-value", f"unknown rule '{name[:100]}'", place, at="checks", hint=hint))
        elif node.value in get_args(Level):
            levels[name] = node.value  # type: ignore[assignment]
        else:
            message = f"the level of '{name}' must be error, warning, advice or off"
            hint = "off is text, not false" if node.value is False else did_you_mean(str(node.value), get_args(Level))
            problems.append(Problem("bad-value", message, node.position(), at=f"checks.{name}", hint=hint))
    return levels, problems


def levelled(problems: Iterable[Problem], levels: Mapping[str, Level], spec: Node | None = None) -> Iterator[Problem]:
    """Yield problems with the severity of their rule; none of a rule that is off, or that a comment in the spec ignores."""
    own = levels_of(spec.get("checks"))[0] if spec is not None else {}
    return _kept(problems, {**levels, **own}, Ignored(spec) if spec is not None else None)


def advised(spec: Spec, levels: Mapping[str, Level]) -> Iterator[Problem]:
    """Yield advice on a spec, and on its comments that ignore nothing, each with the severity of its rule."""
    levels = {**levels, **levels_of(spec.root.get("checks"))[0]}
    ignored = Ignored(spec.root)
    yield from _kept(advice(spec), levels, ignored)
    yield from _kept([problem for each in ignored.unused() if (problem := _without_effect(each))], levels, ignored)


def _kept(problems: Iterable[Problem], levels: Mapping[str, Level], ignored: Ignored | None) -> Iterator[Problem]:
    for problem in problems:
        if problem.code not in RULES:
            yield problem
            continue
        is_ignored = ignored is not None and ignored.has(problem)
        level = levels.get(problem.code) or _DEFAULTS.get(problem.code, "warning")
        if level != "off" and not is_ignored:
            yield replace(problem, severity=level)


def _without_effect(ignore: Ignore) -> Problem | None:
    """Return the problem of a comment that ignores nothing; None for a rule about the assets folder, which not all have."""
    code = ignore.code
    hint: str | None
    if code in get_args(Advice):
        message = f"the comment ignores '{code}', which is not found here"
        hint = "remove it, or put it on the line of the advice, or directly above that"
    elif code in RULES:
        return None
    elif not code:
        message, hint = "the comment names no rule", "such as # runner: ignore no-case"
    elif code in CODES:
        message, hint = f"'{code}' can't be ignored", "`runner help advice` lists the rules that can"
    else:
        message, hint = f"unknown rule '{code}'", did_you_mean(code, RULES, "`runner help advice` lists the rules")
    place = ignore.text.position(ignore.start, ignore.end)
    return Problem("unused-ignore", message, place, hint=hint)
