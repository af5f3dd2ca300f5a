"""A run whose losses are planted: a seeded plan of what became of each row, the export that shows it, and what must be found."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from random import Random

BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
USED_BEFORE = "its key was used before the run began: the platform skips it for 24 hours"
FAILURES = (
    ("delivery_failure", "hard bounce: no such mailbox"),
    ("failure_by_vendor", "hard bounce: no such mailbox"),
    ("delivery_failure", "mailbox full"),
    ("trigger_failed", "the vendor refused the call"),
    ("trigger_failed", None),
    ("trigger_blocked", "blocked in test mode"),
)
UNDER_WAY = ("to_be_triggered", "triggered", "sent_by_vendor")
DELIVERED = ("delivered", "seen", "read", "clicked", "dismissed")

FATES = (
    "delivered", "delivered", "under way", "both", "failed", "one failed", "made good", "skipped", "twice", "lost",
    "skipped as a duplicate", "an older one alone",
)  # fmt: skip
FATES_OF_TABLES = ("request refused", "no execution", "execution failed", "execution warns", "gave up")

Found = tuple[int, str, str | None, str | None, str | None]
"""A row, and the kind, channel, status and reason of a finding."""


@dataclass
class Plan:
    """What an export has, as items of the messages API and as rows of the tables of S3, and what is to be found in it."""

    random: Random
    messages: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    found: set[Found] = field(default_factory=set)
    fates: dict[str, dict[str, int]] = field(default_factory=dict)
    others: int = 0

    def expect(self, row: int, kind: str, *more: str | None) -> None:
        channel, status, reason = (*more, None, None, None)[:3]
        self.found.add((row, kind, channel, status, reason))

    def count(self, state: str, fate: str) -> None:
        of_state = self.fates.setdefault(state, {})
        of_state[fate] = of_state.get(fate, 0) + 1

    def message(
        self,
        key: str | None,
        status: str,
        reason: str | None = None,
        *,
        channel: str = "email",
        after: timedelta = timedelta(minutes=1),
        execution: str | None = None,
        identity: str = "a@example.test",
    ) -> dict[str, Any]:
        number = len(self.messages)
        created = BEGAN + after
        item = {
            "message_id": f"01K0PLAN{number:018}",
            "status": status,
            "channel": channel,
            "idempotency_key": key,
            "failure_reason": reason,
            "created_at": stamp(created),
            "updated_at": stamp(created + timedelta(seconds=number % 50)),
            "execution_id": execution or f"exec_{key}",
            "recipient": {"$type": "user", "distinct_id": f"user of {key}", "object_type": None, "id": None},
            "workflow": {"slug": "order", "version_id": "v1", "name": "Order", "node_ref": f"send_{channel}"},
            "parent_entity_id": None,
            "channel_identity": {channel: identity},
            "tenant_id": "default",
        }
        self.messages.append(item)
        return item


def stamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def plan_losses(rows: Mapping[int, tuple[str, str]], random: Random, *, of_tables: bool = False) -> Plan:
    """Plan what became of rows, by their state and key. Of rows with one key, an accepted one has its messages, else an unknown one."""
    plan = Plan(random)
    ranks = ("accepted", "unknown", "not_sent", "failed")
    owners: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: (ranks.index(rows[row][0]), row)):
        owners.setdefault(rows[row][1], row)
    for row, (state, key) in rows.items():
        if owners[key] != row:
            plan.count(state, "repeated" if state in ("accepted", "unknown") else "as_recorded")
            continue
        if state == "accepted":
            _accepted(plan, row, key, of_tables=of_tables)
        elif random.random() < 0.5:
            _came_all_the_same(plan, row, state, key)
        else:
            plan.count(state, "not_found" if state == "unknown" else "as_recorded")
    for number in range(random.randrange(50, 100)):  # other people's
        plan.message(
            random.choice([f"other-{number}", None, ""]), random.choice([*DELIVERED, *UNDER_WAY, "trigger_failed"])
        )
        plan.others += 1
    plan.random.shuffle(plan.messages)
    return plan


def _came_all_the_same(plan: Plan, row: int, state: str, key: str) -> None:
    plan.message(key, "delivered")
    _executed(plan, key)
    if state == "unknown":
        plan.expect(row, "arrived", None, None, "1 message came of it")
        plan.count(state, "delivered")
    else:
        recorded = state.replace("_", " ")
        plan.expect(row, "unexpected", None, None, f"recorded as {recorded}, but 1 message came of it")
        plan.count(state, "unexpected")


def _accepted(plan: Plan, row: int, key: str, *, of_tables: bool) -> None:
    random = plan.random
    fate = random.choice([*FATES, *FATES_OF_TABLES] if of_tables else FATES)
    if fate not in ("lost", "request refused", "no execution", "skipped as a duplicate", "an older one alone"):
        _executed(plan, key)
    match fate:
        case "delivered":
            plan.message(key, random.choice(DELIVERED))
            plan.count("accepted", "delivered")
        case "under way":
            plan.message(key, random.choice(UNDER_WAY))
            plan.message(key, "delivered", channel="inbox")
            plan.count("accepted", "under_way")
        case "both":
            plan.message(key, "delivered")
            plan.message(key, "seen", channel="inbox")
            plan.message(key, "not_to_be_triggered", "the goal was reached", channel="sms")
            plan.count("accepted", "delivered")
        case "failed" | "one failed":
            status, reason = random.choice(FAILURES)
            plan.message(key, status, reason)
            if fate == "one failed":
                plan.message(key, "delivered", identity="b@example.test")
            plan.expect(row, "undelivered", "email", status.replace("failure_by_vendor", "delivery_failure"), reason)
            plan.count("accepted", "undelivered")
        case "made good":  # by the next vendor
            plan.message(key, *random.choice(FAILURES))
            plan.message(key, "delivered")
            plan.count("accepted", "delivered")
        case "skipped":
            plan.message(key, "not_to_be_triggered", "the goal was reached")
            plan.expect(row, "undelivered", "email", "not_to_be_triggered", "the goal was reached")
            plan.count("accepted", "undelivered")
        case "twice":
            plan.message(key, "delivered")
            plan.message(key, "delivered", execution=f"again_{key}")
            plan.expect(row, "duplicate", None, None, "the workflow 'order' ran 2 times")
            plan.count("accepted", "delivered")
        case "lost":
            _lost(plan, row, of_tables=of_tables)
        case "skipped as a duplicate":
            plan.message(key, "delivered", after=timedelta(hours=-random.uniform(0.1, 23.9)))
            plan.expect(row, "not_executed", None, None, USED_BEFORE)
            plan.count("accepted", "not_executed")
        case "an older one alone":
            plan.message(key, "delivered", after=timedelta(hours=-random.uniform(24.1, 24.9)))
            _lost(plan, row, of_tables=of_tables)
        case _:
            _accepted_but_not_executed(plan, row, key, fate)


def _accepted_but_not_executed(plan: Plan, row: int, key: str, fate: str) -> None:
    """Plan what only the tables of S3 show."""
    match fate:
        case "request refused":
            error = {"error_code": "user_not_found", "error_description": "no user", "error_type": "x", "severity": "error", "workflow_slug": "order"}  # fmt: skip
            _requested(plan, key, [error], [])
            plan.expect(row, "not_executed", None, None, "user_not_found: no user")
            plan.count("accepted", "not_executed")
        case "no execution":
            _requested(plan, key, [], [])
            plan.expect(row, "not_executed", None, None, "its request began no execution")
            plan.count("accepted", "not_executed")
        case "execution failed" | "execution warns":
            level, text = (
                ("error", "template: 'name' is missing") if fate == "execution failed" else ("warning", "opted out")
            )
            _step(plan, key, "send", level, text)
            plan.expect(row, "no_message", None, None, text)
            plan.count("accepted", "no_message")
        case "gave up":  # a row of the table of messages without a message
            reason = json.dumps({"severity": "error", "message": "no vendor for the channel"})
            item = plan.message(key, "", reason)
            item["message_id"] = None
            plan.expect(row, "no_message", None, None, "no vendor for the channel")
            plan.count("accepted", "no_message")


def _lost(plan: Plan, row: int, *, of_tables: bool) -> None:
    if of_tables:
        plan.expect(row, "not_executed", None, None, "no request with its key")
        plan.count("accepted", "not_executed")
    else:
        plan.expect(row, "no_message")
        plan.count("accepted", "no_message")


def _executed(plan: Plan, key: str) -> None:
    execution = {"distinct_id": f"user of {key}", "exec_id": f"exec_{key}", "workflow_slug": "order"}
    _requested(plan, key, [], [execution])
    _step(plan, key, "trigger", "info", "the workflow began")


def _requested(plan: Plan, key: str, errors: list[dict[str, Any]], executions: list[dict[str, Any]]) -> None:
    created = BEGAN + timedelta(seconds=30)
    plan.requests.append(
        {"created_at": created, "updated_at": created, "idempotency_key": key, "status": "failure" if errors else "completed",
         "errors": errors, "executions": executions, "payload": "{}"}
    )  # fmt: skip


def _step(plan: Plan, key: str, node: str, level: str, text: str) -> None:
    created = BEGAN + timedelta(seconds=40)
    plan.steps.append(
        {"created_at": created, "updated_at": created, "execution_id": f"exec_{key}", "recipient_distinct_id": f"user of {key}",
         "idempotency_key": key, "workflow_slug": "order", "node_id": node, "execution_stage": "run", "status": level, "message": text}
    )  # fmt: skip


def as_lines(messages: list[dict[str, Any]]) -> str:
    return "".join(f"{json.dumps(message)}\n" for message in messages)


def as_pages(messages: list[dict[str, Any]]) -> str:
    """Return answers of the messages API, one on a line; each page has a message of the page before it again."""
    pages = [messages[at : at + 50] for at in range(0, len(messages), 50)]
    of_rows = [
        next(message for message in page if (message["idempotency_key"] or "").startswith("u")) for page in pages
    ]
    pages[1:] = [[again, *page] for again, page in zip(of_rows, pages[1:], strict=False)]
    return "".join(f"{json.dumps({'meta': {'count': len(messages)}, 'results': page})}\n" for page in pages)


def as_csv(messages: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    rows = [_flat(message) for message in messages]
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _flat(message: dict[str, Any]) -> dict[str, Any]:
    return {
        "message_id": message["message_id"],
        "status": message["status"],
        "channel": message["channel"],
        "idempotency_key": message["idempotency_key"],
        "failure_reason": message["failure_reason"],
        "created_at": message["created_at"],
        "updated_at": message["updated_at"],
        "execution_id": message["execution_id"],
        "recipient.distinct_id": message["recipient"]["distinct_id"],
        "workflow_slug": message["workflow"]["slug"],
        "workflow.node_ref": message["workflow"]["node_ref"],
        "channel_identity": json.dumps(message["channel_identity"]),
    }


def write_tables(folder: Path, plan: Plan, *, is_shared: bool = False) -> None:
    """Write the tables as the platform exports them: an older version of some rows lies in a file of another hour."""
    rows = [_row_of_table(message) for message in plan.messages]
    older = [
        {**row, "message_status": "triggered", "delivery_failure_reason": None, "updated_at": row["created_at"] - timedelta(seconds=1)}
        for row in rows if row["message_id"] and (row["idempotency_key"] or "").startswith("u") and plan.random.random() < 0.3
    ]  # fmt: skip
    tables = {
        "messages": [(row["created_at"], row) for row in rows] + [(BEGAN + timedelta(hours=2), row) for row in older],
        "workflow_executions": [(row["created_at"], row) for row in plan.steps],
        "requests": [(row["created_at"], row) for row in plan.requests],
    }

    for table, dated in tables.items():
        by_hour: dict[str, list[dict[str, Any]]] = {}
        for moment, row in dated:
            by_hour.setdefault(f"{moment:year=%Y/month=%m/day=%d/hour=%H}", []).append(row)
        for hour, items in by_hour.items():
            place = folder / hour if is_shared else folder / table / hour
            place.mkdir(parents=True, exist_ok=True)
            parquet.write_table(pa.Table.from_pylist(items, _schema(table)), place / f"{table}.parquet")


def _row_of_table(message: dict[str, Any]) -> dict[str, Any]:
    is_failed_execution = message["message_id"] is None
    return {
        "created_at": datetime.fromisoformat(message["created_at"]),
        "updated_at": datetime.fromisoformat(message["updated_at"]),
        "wf_execution_id": message["execution_id"],
        "message_id": message["message_id"],
        "recipient_distinct_id": message["recipient"]["distinct_id"],
        "idempotency_key": message["idempotency_key"],
        "workflow_slug": message["workflow"]["slug"],
        "message_status": message["status"] or None,
        "node_id": message["workflow"]["node_ref"],
        "execution_failure_reason": message["failure_reason"] if is_failed_execution else None,
        "delivery_failure_reason": None if is_failed_execution else message["failure_reason"],
        "channel_slug": message["channel"],
        "channel_value": next(iter(message["channel_identity"].values())),
    }


def _schema(table: str) -> Any:
    moment, text = pa.timestamp("us"), pa.string()
    if table == "requests":
        errors = pa.struct(
            [(name, text) for name in ("error_code", "error_description", "error_type", "severity", "workflow_slug")]
        )
        executions = pa.struct([(name, text) for name in ("distinct_id", "exec_id", "workflow_slug")])
        return pa.schema(
            [("created_at", moment), ("updated_at", moment), ("idempotency_key", text), ("status", text), ("payload", text),
             ("errors", pa.list_(errors)), ("executions", pa.list_(executions))]
        )  # fmt: skip
    names = {
        "messages": (
            "wf_execution_id", "message_id", "recipient_distinct_id", "idempotency_key", "workflow_slug", "message_status", "node_id",
            "execution_failure_reason", "delivery_failure_reason", "channel_slug", "channel_value",
        ),
        "workflow_executions": (
            "execution_id", "recipient_distinct_id", "idempotency_key", "workflow_slug", "node_id", "execution_stage", "status", "message",
        ),
    }[table]  # fmt: skip
    return pa.schema([("created_at", moment), ("updated_at", moment), *((name, text) for name in names)])
