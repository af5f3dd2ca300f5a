"""Messages that come of events in workflow files, held against the `messages:` of steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.secrets import Mask
from runner.testing.offline import OfflineStep, events_of, offline_problems
from tests.testing.test_message_fit import expected
from tests.workflows.definitions import DAY, MONDAY, assets_of, email, node, run, workflow_file

if TYPE_CHECKING:
    from pathlib import Path

    from runner.source import Json
    from runner.testing.message_fit import Expectations


def _step(name: str, at_ms: int, expectations: Expectations | None = None) -> OfflineStep:
    wire: dict[str, Json] = {"event": name, "distinct_id": "u1", "properties": {}, "$time": at_ms}
    return OfflineStep([wire], at_ms, expectations)


def test_silence_after_a_limit_proves_nothing(tmp_path: Path) -> None:
    invokes = [
        node("invokeworkflow", f"i{index}", workflow="order", recipient_selection="recipient") for index in range(24)
    ]
    refund = workflow_file(email(), slug="refund", trigger_events=["REFUND"])
    assets = assets_of(tmp_path, workflow_file(*invokes), refund)
    steps = [_step("ORDER", MONDAY), _step("REFUND", MONDAY + DAY, expected("messages: []"))]
    events = events_of(steps)
    [(step, problem)] = offline_problems(events, run(assets, *events), steps, Mask())
    assert (step, problem.code, problem.message) == (1, "workflow-unmodelled", "more than 10,000 runs")
