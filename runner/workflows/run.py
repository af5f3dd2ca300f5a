"""One run of a workflow: its data, which nodes change, and the decisions so far."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from runner.workflows.conditions import Scope
from runner.workflows.delivery import reached
from runner.workflows.expressions import data_of
from runner.workflows.people import tenant_fields, user_fields
from runner.workflows.timeline import Decision, WorkflowRun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.source import Json, Node
    from runner.workflows.agenda import Steps
    from runner.workflows.definition import Common, Workflow
    from runner.workflows.outcomes import EndError
    from runner.workflows.simulation import Simulation
    from runner.workflows.timeline import Check, Event, Kind, Message


class Run:
    """A run, or a trigger that led to none. `recipient` None means that the recipient is not known.

    `payload` is replaced by nodes, never changed. `events` are the properties of the triggering events: one, and after a
    batch those that it retained of `event_count`. `depth` counts the workflows that started each other down to this one.
    """

    def __init__(
        self,
        simulation: Simulation,
        workflow: Workflow,
        event: tuple[int, Event],
        recipient: str,
        actor: str,
        tenant_id: str,
        payload: Mapping[str, Json],
        depth: int = 0,
    ) -> None:
        self.simulation = simulation
        self.workflow = workflow
        self.event_index, self.event = event
        self.recipient = recipient
        self.actor = actor
        self.tenant_id = tenant_id
        self.payload = payload
        self.depth = depth
        self.index = -1
        self.id = ""
        """The index among all runs and an id, once it is registered. Later events do not change the id of a run."""
        self.events: list[Mapping[str, Json]] = [payload]
        self.event_count = 1
        self.is_batched = False
        self.changes_users = False
        """Whether a node was recorded that changes a user, which the data does not show."""
        self.messages: dict[str, list[Message]] = {}
        """By the node that sent them."""
        self.pending: dict[str, int] = {}
        """The number of steps that are still to come, by the node of smart routing."""
        self._node: Common | None = None
        self._tasks = 1
        self._ending: str | None = None
        self._doubt: str | None = None
        self._decisions: list[Decision] = []
        self._people: tuple[Mapping[str, Json], Mapping[str, Json], Mapping[str, Json]] | None = None

    def to(self, recipient: str) -> Run:
        """Return a run for a recipient, which is not yet registered. What was doubted of this one is doubted of it."""
        event = (self.event_index, self.event)
        run = Run(
            self.simulation, self.workflow, event, recipient, self.actor, self.tenant_id, self.payload, self.depth
        )
        if self._doubt is not None:
            run.doubt(self._doubt)
        return run

    @property
    def now_ms(self) -> int:
        """The virtual time."""
        return self.simulation.agenda.now_ms

    def note(
        self,
        kind: Kind,
        text: str,
        common: Common | None = None,
        *,
        choice: str | None = None,
        checks: tuple[Check, ...] = (),
        until_ms: int | None = None,
        source: Node | None = None,
        inexact: str | None = None,
    ) -> None:
        """Add a decision at the present time. Its place is `source`, else that of its node.

        It is inexact if one of its checks is, or if it was doubted.
        """
        inexact = inexact or self._doubt or next((check.inexact for check in checks if check.inexact), None)
        self._doubt = None
        node = None
        if common is not None:
            node, source = common.id, source or common.source
        self._decisions.append(Decision(self.now_ms, kind, text, node, choice, checks, until_ms, source, inexact))

    def doubt(self, reason: str) -> None:
        """Make the next decision inexact."""
        self._doubt = self._doubt or reason

    def enter(self, common: Common) -> None:
        """Come to a node."""
        self.simulation.count_step(self)
        self._node = common

    def fork(self, steps: Steps) -> None:
        """Start a task beside the run's own. The run ends after it."""
        self._tasks += 1
        self.simulation.agenda.spawn(self._branch(steps))

    def end(self, text: str) -> None:
        """Note the end of the run, once its last task is over."""
        self._ending = text
        self._leave_task()

    def fail(self, error: EndError) -> None:
        """Note that the run ends at its node by an error or a refusal."""
        self.note(error.kind, error.text, self._node, source=error.source, inexact=error.inexact, checks=error.checks)

    def people(self) -> tuple[Mapping[str, Json], Mapping[str, Json], Mapping[str, Json]]:
        """Return the recipient, the actor and the tenant, as expressions see them."""
        if self._people is None:
            world = self.simulation.world
            self._people = (
                user_fields(world, self.recipient),
                user_fields(world, self.actor),
                tenant_fields(world, self.tenant_id),
            )
        return self._people

    def data(self) -> Mapping[str, Json]:
        """Return what expressions read."""
        return data_of(self.payload, *self.people())

    def scope(self, future_event: Mapping[str, Json] | None = None) -> Scope:
        """Return what conditions read."""
        return Scope(
            self.payload,
            *self.people(),
            self.workflow.category,
            self.now_ms,
            future_event,
            partial(reached, self),
        )

    def result(self) -> WorkflowRun:
        """Return the run as a value."""
        return WorkflowRun(self.id, self.workflow.slug, self.event_index, self.recipient, tuple(self._decisions))

    def _branch(self, steps: Steps) -> Steps:
        yield from steps
        self._leave_task()

    def _leave_task(self) -> None:
        self._tasks -= 1
        if not self._tasks and self._ending is not None:
            self.note("ended", self._ending)
