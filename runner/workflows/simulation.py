"""What all runs of an interpretation share: assets, test data, the clock, and the messages so far."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

from runner.workflows.agenda import Agenda
from runner.workflows.batches import BatchStore
from runner.workflows.outcomes import LimitError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.source import Json
    from runner.workflows.assets import Assets
    from runner.workflows.definition import Expression, Invoke
    from runner.workflows.expressions import Engine
    from runner.workflows.run import Run
    from runner.workflows.timeline import Message
    from runner.workflows.world import World

MAX_RUNS = 10_000
MAX_STEPS = 100_000
MAX_MESSAGES = 10_000
MAX_DEPTH = 10
"""Limits of one interpretation. A node and an expression are a step each. `MAX_DEPTH` is that of workflows which start each other."""
MAX_EVALUATION_S = 5.0
"""Limit for all expressions of one interpretation: each has a limit of its own, but there may be thousands."""


class Simulation:
    """The state of one interpretation. `invoke` starts another workflow from a node of a run."""

    def __init__(self, assets: Assets, world: World, engine: Engine, invoke: Callable[[Run, Invoke], None]) -> None:
        self.assets = assets
        self.world = world
        self.engine = engine
        self.invoke = invoke
        self.agenda = Agenda(self.count_step)
        self.batches = BatchStore()
        self.runs: list[Run] = []
        self.messages: list[Message] = []
        self.current: Run | None = None
        """The run that a limit would end."""
        self.limit: str | None = None
        """The limit that ended the interpretation; None if it came to its end."""
        self._steps = 0
        self._evaluation_s = 0.0
        self._names: Counter[str] = Counter()

    @property
    def now_ms(self) -> int:
        """The virtual time."""
        return self.agenda.now_ms

    def count_step(self, run: Run | None = None) -> None:
        """Count a step, of a run if it is known. Raise LimitError after too many."""
        self.current = run or self.current
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise LimitError(f"more than {MAX_STEPS:,} steps")

    def evaluate(self, expression: Expression, data: Mapping[str, Json]) -> list[Json]:
        """Return what the engine returns, and count the time. Raise LimitError after too much of it."""
        self.count_step()
        if self._evaluation_s > MAX_EVALUATION_S:
            raise LimitError(f"the expressions take longer than {MAX_EVALUATION_S:g} s together")
        started = time.monotonic()
        try:
            return self.engine.evaluate(expression, data)
        finally:
            self._evaluation_s += time.monotonic() - started

    def register(self, run: Run) -> None:
        """Keep a run. Raise LimitError if there are too many."""
        if len(self.runs) == MAX_RUNS:
            raise LimitError(f"more than {MAX_RUNS:,} runs")
        run.index = len(self.runs)
        name = f"{run.event_index}/{run.workflow.slug}/{run.recipient}"
        self._names[name] += 1
        run.id = name if self._names[name] == 1 else f"{name}/{self._names[name]}"
        self.runs.append(run)

    def refuse(self, reason: str) -> None:
        """Note that nothing is known beyond a limit."""
        self.limit = reason
        run = self.current or (self.runs[-1] if self.runs else None)
        if run is not None:
            run.fail(RefusedError(reason))

    def add(self, message: Message) -> None:
        """Keep a message. Raise LimitError if there are too many."""
        if len(self.messages) == MAX_MESSAGES:
            raise LimitError(f"more than {MAX_MESSAGES:,} messages")
        self.messages.append(message)
