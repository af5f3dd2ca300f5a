"""What the ledger says of a row and what is seen of its key → its fate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.bulk.reconcile.judgement import Judgement, Remark, Rules, Seen, judge
from runner.bulk.reconcile.sightings import SeenMessage, SeenRequest, SeenStep

if TYPE_CHECKING:
    from runner.bulk.reconcile.sightings import Sighting
    from runner.suprsend.answer import State

LATE_ENOUGH = Rules(is_early=False, expected=None, has_requests=False, has_executions=False, was_sent_again=False)


def message(
    status: str = "delivered", *, execution: str = "e1", slot: str = "order\x1fu1\x1f", target: str = "t"
) -> SeenMessage:
    return SeenMessage("k", f"m-{execution}-{target}-{status}", status, "email", "why", 0, 0, execution, slot, target)


def step(execution: str = "e1", level: str = "info", reason: str = "", slot: str = "order\x1fu1\x1f") -> SeenStep:
    return SeenStep("k", execution, f"node {level}", level, reason, 0, 0, slot)


def fate(*seen: Sighting, state: State = "accepted", rules: Rules = LATE_ENOUGH, was_before: bool = False) -> Judgement:
    return judge(
        state,
        Seen(
            [each for each in seen if isinstance(each, SeenMessage)],
            [each for each in seen if isinstance(each, SeenStep)],
            [each for each in seen if isinstance(each, SeenRequest)],
            was_before,
        ),
        rules,
    )


def duplicate(times: int, workflow: str = "order") -> Remark:
    return Remark("duplicate", f"the workflow '{workflow}' ran {times} times")


@pytest.mark.parametrize(
    ("seen", "remarks"),
    [
        ([message(), message(execution="e2")], (duplicate(2),)),
        ([message(), message(target="other")], ()),  # two channels of one execution
        ([message(), message(execution="e2", slot="order\x1fu2\x1f")], ()),  # two recipients
        ([message(), message(execution="e2", slot="order\x1fu1\x1fteam")], ()),  # one of them as a member of an object
        ([message(), message(execution="e2", slot="invoice\x1fu1\x1f")], ()),  # two workflows of one event
        ([message(), message(execution="e2", slot="")], ()),  # of an unknown workflow
        ([message(execution=""), message(execution="", target="t2")], (duplicate(2),)),  # of one slot, without executions
        ([message(), step("e2"), step("e3")], (duplicate(3),)),
        ([message(), step("e1"), step("e1", "warning", "slow")], ()),
        ([message(), step("e2", slot=""), step("e2")], (duplicate(2),)),
    ],
)  # fmt: skip
def test_only_a_workflow_that_ran_twice_for_one_recipient_is_a_duplicate(
    seen: list[Sighting], remarks: tuple[Remark, ...]
) -> None:
    assert fate(*seen) == Judgement("delivered", remarks)


@pytest.mark.parametrize(
    ("has_requests", "has_executions", "reason"),
    [(True, True, "no request with its key"), (False, True, "no execution with its key"), (False, False, None)],
)
def test_what_left_no_trace_is_named_by_the_tables_that_lack_it(
    has_requests: bool, has_executions: bool, reason: str | None
) -> None:
    rules = LATE_ENOUGH._replace(has_requests=has_requests, has_executions=has_executions)
    lost = Remark("not_executed", reason) if reason else Remark("no_message")
    assert fate(rules=rules) == Judgement("not_executed" if reason else "no_message", (lost,))
    assert fate(rules=rules._replace(is_early=True)) == Judgement("late", (lost._replace(kind="late"),))


def test_the_error_of_an_execution_explains_it_before_its_warnings() -> None:
    seen = (
        step(level="warning", reason="slow"),
        step(level="error", reason="no template"),
        step(level="info", reason="began"),
    )
    early = LATE_ENOUGH._replace(is_early=True)
    assert fate(*seen, rules=early) == Judgement("no_message", (Remark("no_message", "no template"),))
    assert fate(seen[0], seen[2]) == Judgement("no_message", (Remark("no_message", "slow"),))
    assert fate(seen[2], rules=early).fate == "late"


def test_a_request_that_was_refused_was_not_executed() -> None:
    refused = SeenRequest("k", 0, 0, "user_not_found: no user", ())
    assert fate(refused) == Judgement("not_executed", (Remark("not_executed", "user_not_found: no user"),))
    warned = refused._replace(executions=("e1",))  # one workflow refused it, another one ran
    assert fate(warned) == Judgement("no_message", (Remark("no_message"),))


@pytest.mark.parametrize("status", ["exploded", "triggered", "sent_by_vendor", "to_be_triggered"])
def test_a_status_that_is_neither_good_nor_bad_is_under_way(status: str) -> None:
    assert fate(message(status)) == Judgement("under_way")


def test_a_key_that_was_used_before_explains_a_loss_and_nothing_else() -> None:
    assert fate(was_before=True).fate == "not_executed"
    assert fate(message(), was_before=True) == Judgement("delivered")
    assert fate(state="unknown", was_before=True) == Judgement("not_found")


@pytest.mark.parametrize(
    ("seen", "what"),
    [
        (message(), "1 message came of it"),
        (step(), "a workflow ran"),
        (SeenRequest("k", 0, 0, "", ("e1",)), "a workflow ran"),
        (SeenRequest("k", 0, 0, "", ()), "its request arrived"),
    ],
)
def test_a_trace_of_any_kind_resolves_an_unknown_row(seen: Sighting, what: str) -> None:
    judged = fate(seen, state="unknown")
    assert judged.remarks[0] == Remark("arrived", what)
    assert fate(seen, state="not_sent") == Judgement(
        "unexpected", (Remark("unexpected", f"recorded as not sent, but {what}"),)
    )
    again = LATE_ENOUGH._replace(was_sent_again=True)
    assert fate(seen, state="failed", rules=again) == Judgement("sent_again")
    assert fate(seen, state="not_sent", rules=again).fate == "unexpected"
