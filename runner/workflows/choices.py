"""Branch nodes: the first branch whose conditions hold, and the branch of an event that comes in time.

Source: the platform's documentation, "Branch" and "Wait until".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.durations import shown_ms
from runner.workflows.agenda import Pause
from runner.workflows.conditions import any_holds
from runner.workflows.definition import Comparison
from runner.workflows.evaluation import AFTER_BATCH
from runner.workflows.outcomes import StoppedError
from runner.workflows.people import unknown_fields
from runner.workflows.waits import end_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from runner.workflows.definition import Branch, Choice, Condition, WaitUntil
    from runner.workflows.run import Run
    from runner.workflows.timeline import Check, Event

_ALWAYS_KNOWN = ("distinct_id", "tenant_id", "brand_id")


def choose(node: Branch, run: Run) -> Choice:
    """Return the branch that is taken. Each check is recorded, those of branches before it too."""
    checks: list[Check] = []
    scope = run.scope()
    tried: list[Condition] = []
    for choice in node.choices:
        holds = choice.is_default
        if not holds:
            holds, found = any_holds(choice.conditions, scope)
            tried += choice.conditions
            checks += found
        if holds:
            text = f"took the branch '{choice.name}'"
            inexact = unknown_data(run, tried)
            run.note("chose", text, node.common, choice=choice.id, checks=tuple(checks), inexact=inexact)
            return choice
    raise StoppedError("no branch holds, and none is the default")


def wait_until(node: WaitUntil, run: Run) -> Generator[Pause, Event | None, Choice]:
    """Wait for one of the events of a node, and return the branch that is taken.

    Conditions without an event are checked once, when the run comes here.
    """
    until_ms = end_of(node.timeout, run)
    inexact = None
    for awaited in node.awaited:
        if awaited.event is None:
            inexact = (
                "conditions without an event are checked once: whether the platform checks them again is not documented"
            )
            holds, checks = any_holds(awaited.conditions, run.scope())
            if holds:
                return _took(node, node.met, run, "its conditions hold", checks, inexact)
    names = frozenset(awaited.event for awaited in node.awaited if awaited.event is not None)
    text = f"waits for {', '.join(sorted(names)) or 'its time-out'}, at most {shown_ms(until_ms - run.now_ms)}"
    run.note("waited", text, node.common, until_ms=until_ms, inexact=inexact)
    seen: tuple[Check, ...] = ()
    while event := (yield Pause(until_ms, run.recipient, names)):
        for awaited in node.awaited:
            if awaited.event == event.name:
                holds, checks = any_holds(awaited.conditions, run.scope(event.properties))
                if holds:
                    return _took(node, node.met, run, f"{event.name} came", checks, inexact)
                seen += checks
    return _took(node, node.timed_out, run, "the time is over", seen, inexact)


def unknown_data(run: Run, conditions: Sequence[Condition]) -> str | None:
    """Return why the result of conditions is inexact: they read data that the test data does not have."""
    for comparison in _comparisons(conditions):
        root = comparison.variable.partition(".")[0]
        match comparison.namespace:
            case "" if run.is_batched and not root.startswith("$batch") and root not in run.payload:
                return AFTER_BATCH
            case "$recipient" | "$actor" | "$brand" as namespace if root not in _ALWAYS_KNOWN:
                name = f"{namespace}.{comparison.variable}"
                if reason := unknown_fields(run, namespace):
                    return f"{reason}: {name} is taken as missing"
                if run.changes_users and namespace != "$brand":
                    return f"{name} is that before the workflow changed the user"
            case _:
                pass
    return None


def _took(
    node: WaitUntil, choice: Choice, run: Run, why: str, checks: tuple[Check, ...], inexact: str | None
) -> Choice:
    text = f"took the branch '{choice.name}': {why}"
    run.note("chose", text, node.common, choice=choice.id, checks=checks, inexact=inexact)
    return choice


def _comparisons(conditions: Iterable[Condition]) -> Iterator[Comparison]:
    for condition in conditions:
        if isinstance(condition, Comparison):
            yield condition
        else:
            yield from _comparisons(condition.arguments)
