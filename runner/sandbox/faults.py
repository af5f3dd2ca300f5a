"""Which requests fail, and how: the plan of a sandbox for rehearsals, which may change while it runs."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import asdict, replace
from random import Random
from typing import TYPE_CHECKING

from runner.sandbox.failures import NO_LATENCY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.sandbox.failures import Failure, Range

MAX_PLANS = 10_000


class Plan:
    """The failures of a session: the same seed gives the same sequence."""

    def __init__(self, failures: Sequence[Failure] = (), latency: Range = NO_LATENCY, seed: int | None = None) -> None:
        self.latency = latency
        self.seed = seed
        self._random = Random(seed)  # noqa: S311 - it repeats, and protects nothing
        self._once: deque[Failure] = deque()
        self._shared: list[Failure] = []
        self._chosen: list[Failure] = []
        for each in failures:
            if each.event is not None or each.distinct_id is not None:
                self._chosen.append(each)
            elif each.share is not None:
                self._shared.append(each)
            else:
                self._once.extend([replace(each, times=None)] * (each.times or 1))

    @property
    def latency_s(self) -> float:
        """The latency of the next answer."""
        return self._random.uniform(*self.latency) if self.latency.most_s else 0.0

    def of_request(self) -> Failure | None:
        """Return the failure of the next request, if it is to fail."""
        if self._once:
            return self._once.popleft()
        if not self._shared:
            return None
        drawn = self._random.random()
        for index, each in enumerate(self._shared):
            drawn -= each.share or 0.0
            if drawn < 0:
                return self._used(self._shared, index)
        return None

    def of_event(self, event: Mapping[str, object]) -> Failure | None:
        """Return the failure of an event, if one is meant for its name or its user."""
        for index, each in enumerate(self._chosen):
            is_meant = each.concerns(event.get("event"), event.get("distinct_id"))
            if is_meant and (each.share is None or self._random.random() < each.share):
                return self._used(self._chosen, index)
        return None

    def _used(self, failures: list[Failure], index: int) -> Failure:
        used = failures[index]
        if used.times is not None:
            left = replace(used, times=used.times - 1)
            failures[index : index + 1] = [left] if left.times else []
        return used

    def as_json(self) -> dict[str, object]:
        """Return what is left of the plan."""
        return {
            "latency_s": list(self.latency),
            "seed": self.seed,
            "fail": [
                {key: value for key, value in asdict(each).items() if value is not None}
                for each in (*self._once, *self._shared, *self._chosen)
            ],
        }


class Faults:
    """The plans of a sandbox: one for all sessions, and those of single sessions, which go before it."""

    def __init__(self, plan: Plan) -> None:
        self._plans = {"": plan}

    def plan(self, session: str) -> Plan:
        """Return the plan for a session."""
        return self._plans.get(session) or self._plans[""]

    def change(self, session: str, plan: Plan | None) -> None:
        """Replace the plan of a session; "" means all sessions that have no plan of their own. None removes it."""
        if plan is not None and len(self._plans) < MAX_PLANS:
            self._plans[session] = plan
        elif session:
            self._plans.pop(session, None)
        else:
            self._plans[""] = Plan()

    async def delay(self, session: str) -> None:
        """Wait for the latency of a session."""
        if seconds := self.plan(session).latency_s:
            await asyncio.sleep(seconds)
