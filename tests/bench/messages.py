"""How long the messages API takes with 100,000 stored events, two messages of each, and with 1,000.

Requests go over HTTP to sandboxes of this process, whose stores are in memory.
Run it at the repository's root: `python tests/bench/messages.py`.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from functools import partial
from http.client import HTTPConnection
from statistics import median
from typing import TYPE_CHECKING

from runner.config import SANDBOX_API_KEY
from runner.sandbox.arrival import Received, Record
from runner.sandbox.rules import SandboxRules
from runner.sandbox.server import Sandbox
from runner.sandbox.workflows import WorkflowRule
from tests.bench.timing import Row, conclude, take_turns

if TYPE_CHECKING:
    from collections.abc import Callable

_MANY, _FEW = 100_000, 1_000
_IN_ONE_REQUEST = 100
_USERS = 500
_TURNS = 15
_AT_MOST_S = 0.5
_RULES = SandboxRules(
    workflows={
        "ordered": WorkflowRule("order-confirmation", "Order", "system", ("email", "inbox"), 0, 1000, "delivered")
    }
)
_QUERIES = {
    "newest 10": "",
    "newest 1,000 with content": "?limit=1000&include_content=true",
    "of an idempotency key": "?idempotency_key=k77",
    "of a recipient": "?recipient_id%5B%5D=u7",
    "delivered ones": "?status%5B%5D=delivered",
    "failed ones (none)": "?status%5B%5D=delivery_failed",
}


def main() -> int:
    """Measure, and write the table."""
    rows = []
    with ExitStack() as stack:
        many, few = (stack.enter_context(Sandbox(rules=_RULES)) for _ in range(2))
        for sandbox, number in ((many, _MANY), (few, _FEW)):
            _fill(sandbox, number)
        for what, query in _QUERIES.items():
            turns = take_turns(_getting(many, query), _getting(few, query), _TURNS)
            ours_s, theirs_s = median(turns.ours_s), median(turns.theirs_s)
            cells = f"{ours_s * 1000:.1f} ms", f"{theirs_s * 1000:.1f} ms", f"{turns.cost:.1f}x the time"
            rows.append(Row(what, *cells, f"≤ {_AT_MOST_S * 1000:g} ms", ours_s <= _AT_MOST_S))
    return conclude(Row("list messages", f"{_MANY:,} events", f"{_FEW:,} events", "ratio", "target"), rows)


def _fill(sandbox: Sandbox, number: int) -> None:
    """Store events in bulk, and set the clock forward until their messages are delivered."""
    for start in range(0, number, _IN_ONE_REQUEST):
        received = Received("", "bench", "POST", "/v2/bulk/event/", (), b"")
        sandbox.store.add(received, [_record(index) for index in range(start, start + _IN_ONE_REQUEST)], 207)
    sandbox.store.advance("", 60_000)


def _record(index: int) -> Record:
    event = {
        "$insert_id": f"{index:036}",
        "$idempotency_key": f"k{index}",
        "event": "ordered",
        "distinct_id": f"u{index % _USERS}",
        "properties": {"amount": index, "text": "x" * 200},
    }
    return Record(event, json.dumps(event).encode())


def _getting(sandbox: Sandbox, query: str) -> Callable[[], None]:
    return partial(_get, sandbox.port, f"/v1/message/{query}")


def _get(port: int, target: str) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", target, headers={"Authorization": f"Bearer {SANDBOX_API_KEY.key.reveal()}"})
    response = connection.getresponse()
    response.read()
    connection.close()
    if response.status != 200:
        sys.exit(f"{target} was answered with {response.status}")


if __name__ == "__main__":
    sys.exit(main())
