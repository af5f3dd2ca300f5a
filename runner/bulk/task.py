"""A part of rows, a spec, a target → the outcome of each row.

This is the task of threads, processes and clusters: it depends on its arguments alone. The spec's program and the
connection, which are costly to make, are made once in each process.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from runner.bulk.keys import digest_of
from runner.bulk.measures import measures_of
from runner.bulk.outcomes import PartOutcome, RowOutcome
from runner.bulk.tools import tools_of, turns
from runner.rows.places import Places
from runner.run import Prepared, Rejected, outcome_of, outcome_of_plain, unsent
from runner.suprsend.delivery import NOT_SENT, Delivery, bulk_deliveries
from runner.suprsend.encoding import Encoded
from runner.suprsend.statuses import refuses_credentials

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.bulk.part import Part
    from runner.bulk.results import RowResult
    from runner.bulk.setup import Setup
    from runner.bulk.tools import Tools
    from runner.rows.row import BadRow, Row
    from runner.run import Outcome
    from runner.suprsend.answer import Result
    from runner.suprsend.connection import Connection


class PartCheck(NamedTuple):
    """What a dry run found in a part: `events` are tuples of row, size in bytes and idempotency key.

    `results` has the lines for the file of results, if there is one.
    """

    size: int
    failures: tuple[RowOutcome, ...]
    requests: int
    events: tuple[tuple[int, int, str | None], ...]
    results: str


def check_part(setup: Setup, part: Part) -> PartCheck:
    """Render and check each row of a part without sending it."""
    tools = tools_of(setup)
    rows = part.carried
    made = [tools.prepare(row) for row in rows]
    outcomes = unsent(made)
    failures = [
        tools.failure(row, event.secrets, outcome)
        for row, event, outcome in zip(rows, made, outcomes, strict=True)
        if isinstance(event, Rejected)
    ]
    events = [
        (row.number, len(event.body), outcome.idempotency_key)
        for row, event, outcome in zip(rows, made, outcomes, strict=True)
        if isinstance(event, Prepared)
    ]
    requests = len(bulk_deliveries(event.encoded for event in made if isinstance(event, Prepared)))
    lines = ""
    if setup.wants_results:
        places = Places(part.files)
        results = [tools.result(row, outcome, places) for row, outcome in zip(rows, outcomes, strict=True)]
        lines = tools.lines([*zip(results, (event.secrets for event in made), strict=True)])
    return PartCheck(part.size, tuple(failures), requests, tuple(events), lines)


def send_part(setup: Setup, part: Part) -> PartOutcome:
    """Render, check and send each row of a part. Failures of rows and of the network are part of the outcome.

    Raises MachineError if the spec has changed since the run began.
    """
    return send_with(tools_of(setup), part, part.carried)


def send_with(tools: Tools, part: Part, rows: Sequence[Row | BadRow], *, is_over: bool = False) -> PartOutcome:
    """Render, check and send these rows of a part, with the tools of its run. If it `is_over`, they are not sent."""
    with turns.taken():
        return _sent(tools, part, rows, is_over=is_over)


def _sent(tools: Tools, part: Part, rows: Sequence[Row | BadRow], *, is_over: bool) -> PartOutcome:
    made = tools.make_all(rows)
    sent = [_encoded(event) for event in made if not isinstance(event, Rejected)]
    deliveries = bulk_deliveries(sent)
    took: list[tuple[Delivery, float]] = []
    met_refused_credentials = not is_over and _deliver(tools.connection, deliveries, took)
    results = [result for delivery in deliveries for result in delivery.results]
    are_accepted = len(results) == len(made) and {result.state for result in results} <= {"accepted"}
    lines = tools.accepted_lines(part, rows, made, results) if are_accepted else None
    failures: list[RowOutcome] = []
    if lines is None:
        failures, lines = _one_by_one(tools, part, rows, made, results, met_refused_credentials)
    return PartOutcome(
        part.first_row,
        part.size,
        len(rows) - len(failures),
        tuple(failures),
        met_refused_credentials,
        lines,
        _digests(sent, results) if tools.keys_may_repeat else b"",
        str(os.getpid()),
        measures_of(sent, results, took),
        # Without the indexes: spans of a run name no rows, of which there may be millions.
        tuple(attempt._replace(indexes=()) for delivery in deliveries for attempt in delivery.attempts),
    )


def _one_by_one(
    tools: Tools,
    part: Part,
    rows: Sequence[Row | BadRow],
    made: Sequence[Encoded | Prepared | Rejected],
    results: Sequence[Result],
    met_refused_credentials: bool,
) -> tuple[list[RowOutcome], str]:
    """Return the outcomes of the rows that were not accepted, and the lines of all rows for the file of results."""
    setup, next_result, places = tools.setup, iter(results), Places(part.files)
    failures: list[RowOutcome] = []
    written: list[tuple[RowResult, Sequence[str]]] = []
    for row, event in zip(rows, made, strict=True):
        result = NOT_SENT if isinstance(event, Rejected) else next(next_result)
        if result.state == "accepted" and not setup.wants_results:
            continue
        if result.state == "accepted" and isinstance(event, Encoded):
            written.append((tools.plain_result(row, event, result, places), ()))
            continue
        secrets: Sequence[str] = ()
        if isinstance(event, Encoded):
            outcome = replace(
                outcome_of_plain(setup.spec, result), idempotency_key=event.key, insert_id=event.insert_id
            )
        else:
            outcome, secrets = outcome_of(event, result), event.secrets
        outcome = _settled(outcome, result, met_refused_credentials)
        if outcome.state != "accepted":
            failures.append(tools.failure(row, secrets, outcome))
        if setup.wants_results:
            written.append((tools.result(row, outcome, places), secrets))
    return failures, tools.lines(written)


def _digests(sent: Sequence[Encoded], results: Sequence[Result]) -> bytes:
    """Return the digests of the idempotency keys of accepted events."""
    return b"".join(
        [
            digest_of(event.key)
            for event, result in zip(sent, results, strict=True)
            if event.key is not None and result.state == "accepted"
        ]
    )


def _encoded(event: Encoded | Prepared) -> Encoded:
    return event if isinstance(event, Encoded) else event.encoded


def _settled(outcome: Outcome, result: Result, met_refused_credentials: bool) -> Outcome:
    """Count a row as not sent if it was certainly not accepted, and may be later or with other credentials.

    This holds for rows that never reached the platform, and for those that it turned away after all attempts.
    """
    if result.state != "failed":
        return outcome
    is_theirs = met_refused_credentials and refuses_credentials(result.status_code)
    may_pass = is_theirs or result.transient or not result.status_code
    return replace(outcome, state="not_sent") if may_pass else outcome


def _deliver(connection: Connection, deliveries: Sequence[Delivery], took: list[tuple[Delivery, float]]) -> bool:
    """Send one request after the other, and add to `took` the seconds of each; return whether the credentials were refused.

    Concurrency comes from several parts.
    """
    for delivery in deliveries:
        began_s = time.monotonic()
        connection.deliver(delivery)
        took.append((delivery, time.monotonic() - began_s))
        if delivery.met_refused_credentials:
            return True
    return False
