"""From an event to runs: who listens to it, whether the trigger's conditions hold, and for whom the workflow runs.

Source: the platform's documentation, "Trigger workflow", "Override recipients" and "Throttle".
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from runner.durations import shown_ms
from runner.suprsend.messages import DEFAULT_TENANT
from runner.workflows.choices import unknown_data
from runner.workflows.condition_values import shown
from runner.workflows.conditions import any_holds
from runner.workflows.definition import Expression
from runner.workflows.evaluation import spelled, value_of, values_of
from runner.workflows.outcomes import EndError, RefusedError, RejectedError, StoppedError
from runner.workflows.payloads import PayloadSchemas
from runner.workflows.people import find_user, is_tenant
from runner.workflows.run import Run
from runner.workflows.simulation import MAX_DEPTH, Simulation
from runner.workflows.tree import execute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.source import Json
    from runner.workflows.assets import Assets
    from runner.workflows.definition import Invoke, Workflow
    from runner.workflows.expressions import Engine
    from runner.workflows.timeline import Check, Event
    from runner.workflows.world import World


class _Trigger(NamedTuple):
    """What led to runs: the recipients, the conditions that were checked, and why all of it is inexact."""

    recipients: list[str]
    checks: tuple[Check, ...] = ()
    inexact: str | None = None


class Starter:
    """Starts workflows on events, and from nodes of other workflows."""

    def __init__(self, assets: Assets, world: World, engine: Engine) -> None:
        self.simulation = Simulation(assets, world, engine, self.on_invoke)
        self._schemas = PayloadSchemas(assets)
        self._starts: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        """The times of runs, by workflow and recipient."""

    def on_event(self, workflow: Workflow, index: int, event: Event) -> None:
        """Start a workflow on an event, once for each recipient, or record why it does not run."""
        draft = self._draft(workflow, index, event)
        try:
            trigger = self._of_event(draft)
        except EndError as error:
            self._end(draft, error)
            return
        self._start(draft, trigger)

    def reject(self, workflow: Workflow, index: int, event: Event, reason: EndError) -> None:
        """Record that an event does not start a workflow."""
        self._end(self._draft(workflow, index, event), reason)

    def on_invoke(self, run: Run, node: Invoke) -> None:
        """Start another workflow from a node of a run. One that the assets do not have is recorded."""
        workflow = (self.simulation.assets.workflows or {}).get(node.workflow)
        if workflow is None:
            run.note("passed", f"started '{node.workflow}', which the assets folder does not have", node.common)
            return
        if run.depth == MAX_DEPTH:
            raise RefusedError(f"more than {MAX_DEPTH} workflows start each other")
        recipients, inexact = _invoked(run, node.recipient)
        actor = run.actor if node.actor is None else _only(_invoked(run, node.actor)[0], node.actor)
        payload = _payload(run, node)
        whom = recipients[0] if len(recipients) == 1 else f"{len(recipients)} recipients"
        run.note("passed", f"started '{workflow.slug}' for {whom}", node.common, inexact=inexact)
        event = (run.event_index, run.event)
        for recipient in recipients:
            draft = Run(self.simulation, workflow, event, recipient, actor, run.tenant_id, payload, run.depth + 1)
            try:
                _check_is_live(workflow)
                checks, unknown = _check_conditions(draft)
            except EndError as error:
                self._end(draft, error)
            else:
                self._start(draft, _Trigger([recipient], checks, unknown))

    def _draft(self, workflow: Workflow, index: int, event: Event) -> Run:
        """Return a run for the event's own user, which is not yet registered."""
        user, tenant = event.distinct_id, event.tenant_id or DEFAULT_TENANT
        return Run(self.simulation, workflow, (index, event), user, user, tenant, event.properties)

    def _end(self, draft: Run, error: EndError) -> None:
        self.simulation.register(draft)
        draft.fail(error)

    def _of_event(self, draft: Run) -> _Trigger:
        """Return what an event leads to. Raise EndError if that is no run."""
        workflow, world = draft.workflow, self.simulation.world
        _check_is_live(workflow)
        if find_user(world, draft.recipient) is None:
            raise RejectedError(f"the user '{draft.recipient}' does not exist: the event is discarded")
        unknown = self._schemas.check(draft.event)
        checks, inexact = _check_conditions(draft)
        inexact = inexact or unknown
        recipients = [draft.recipient]
        if workflow.recipients is not None:
            recipients, guess = _ids(draft, workflow.recipients)
            inexact = inexact or guess
        if workflow.actor is not None:
            draft.actor = _override(draft, workflow.actor)
        if workflow.tenant is not None:
            draft.tenant_id = _override(draft, workflow.tenant)
        if not is_tenant(world, draft.tenant_id):
            source = workflow.tenant.source if workflow.tenant is not None else None
            raise RejectedError(f"the tenant '{draft.tenant_id}' does not exist", source)
        return _Trigger(recipients, checks, inexact)

    def _start(self, draft: Run, trigger: _Trigger) -> None:
        for recipient in trigger.recipients:
            run = draft.to(recipient)
            self.simulation.register(run)
            if find_user(self.simulation.world, recipient) is None:
                source = run.workflow.recipients.source if run.workflow.recipients is not None else None
                run.note("not_triggered", f"the user '{recipient}' does not exist", source=source)
            elif not self._is_throttled(run):
                text = f"'{run.workflow.slug}' runs for {recipient}"
                run.note("triggered", text, checks=trigger.checks, inexact=trigger.inexact)
                self.simulation.agenda.spawn(execute(run))

    def _is_throttled(self, run: Run) -> bool:
        """Return whether a throttle discards a run, and count it if not."""
        throttle = run.workflow.throttle
        if throttle is None:
            return False
        starts = self._starts[run.workflow.slug, run.recipient]
        window_ms = throttle.window_s * 1000
        recent = len(starts) - bisect_right(starts, run.now_ms - window_ms)
        if recent < throttle.count:
            starts.append(run.now_ms)
            return False
        text = (
            f"throttled: {recent} runs for {run.recipient} in the last {shown_ms(window_ms)}, at most {throttle.count}"
        )
        run.note("not_triggered", text, source=throttle.source)
        return True


def _check_is_live(workflow: Workflow) -> None:
    if not workflow.is_live:
        source = workflow.source.get("is_enabled" if workflow.status == "disabled" else "status")
        raise RejectedError(f"the workflow is not live: {workflow.status}", source or workflow.source)


def _check_conditions(draft: Run) -> tuple[tuple[Check, ...], str | None]:
    """Return the checks of a trigger's conditions, and why they are inexact. Raise RejectedError if none holds."""
    conditions = draft.workflow.conditions
    if not conditions:
        return (), None
    holds, checks = any_holds(conditions, draft.scope())
    inexact = unknown_data(draft, conditions)
    if not holds:
        source = draft.workflow.source.get("conditions")
        raise RejectedError("the conditions of the trigger do not hold", source, inexact, checks)
    return checks, inexact


def _invoked(run: Run, selection: Expression | str) -> tuple[list[str], str | None]:
    if isinstance(selection, Expression):
        return _ids(run, selection)
    return [run.recipient if selection == "recipient" else run.actor], None


def _ids(run: Run, expression: Expression) -> tuple[list[str], str | None]:
    """Return the ids that an expression yields, each once, and why they are inexact. Raise StoppedError if there are none."""
    found: dict[str, None] = {}
    inexact = None
    outputs = values_of(run, expression)
    for output in outputs:
        if isinstance(output, list):
            inexact = f"{spelled(expression)} yields a list: it is taken as its items"
        for item in output if isinstance(output, list) else [output]:
            if isinstance(item, dict):
                inexact = f"{spelled(expression)} yields an object: it is taken as its `distinct_id`"
            identity = item.get("distinct_id") if isinstance(item, dict) else item
            if isinstance(identity, int) and not isinstance(identity, bool):
                inexact = f"{spelled(expression)} yields a number: it is taken as text"
                identity = str(identity)
            if not isinstance(identity, str) or not identity:
                raise StoppedError(f"{spelled(expression)} is {shown(item)}, expected an id", expression.source)
            found[identity] = None
    if not found:
        raise StoppedError(f"{spelled(expression)} has no result", expression.source)
    return list(found), inexact


def _override(draft: Run, expression: Expression) -> str:
    """Return the actor or the tenant that an expression yields."""
    try:
        return _only(_ids(draft, expression)[0], expression)
    except StoppedError as error:
        error.inexact = "what the platform does if an override of actor or tenant has no result is not documented"
        raise


def _only(ids: list[str], expression: Expression | str) -> str:
    if len(ids) == 1 or not isinstance(expression, Expression):
        return ids[0]
    raise RefusedError(f"{spelled(expression)} has {len(ids)} results, where one is needed", expression.source)


def _payload(run: Run, node: Invoke) -> Mapping[str, Json]:
    """Return the payload of another workflow. It does not see the variables of a batch."""
    payload = (
        {key: value for key, value in run.payload.items() if not key.startswith("$batch")}
        if node.appends_payload
        else {}
    )
    if node.payload is None:
        return payload
    value = value_of(run, node.payload)
    if not isinstance(value, dict):
        raise StoppedError(f"`data` is {shown(value)}, expected an object", node.payload.source)
    return {**payload, **value}
