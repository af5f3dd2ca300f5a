"""Messages that came, held against the `messages:` of a case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.secrets import Mask
from runner.source.document import read_text
from runner.suprsend.messages import FAILED, STATUSES
from runner.testing.message_fit import ActualMessage, compare_messages, expectations, is_reached

if TYPE_CHECKING:
    from runner.suprsend.messages import Status
    from runner.testing.message_fit import Expectations, MessageComparison


def expected(text: str) -> Expectations:
    root = read_text(text, "case.yaml").root
    assert root is not None
    found = expectations(root)
    assert found is not None
    return found


def message(status: Status = "delivered", at_s: float | None = 0.0, **fields: str | None) -> ActualMessage:
    whole = {
        "workflow": "order-confirmation", "channel": "email", "recipient": "u1", "tenant": "default",
        "template": "order", "category": "transactional", "node": "email_1", "failure_reason": None, **fields,
    }  # fmt: skip
    return ActualMessage(whole, status, {} if at_s is None else {"triggered": at_s, "delivered": at_s + 2})


def compared(text: str, *messages: ActualMessage) -> MessageComparison:
    return compare_messages(expected(text), messages, Mask())


def found(text: str, *messages: ActualMessage) -> list[tuple[str, str]]:
    result = compared(text, *messages)
    return [(problem.code, problem.message) for problem in (*result.missing, *result.wrong)]


def test_each_listed_message_needs_one_of_its_own() -> None:
    two = "messages: [{channel: email}, {channel: email}]"
    assert found(two, message(), message()) == []
    assert found(two, message()) == [
        ("message-missing", 'expected channel "email", but no such message came; there is: email of order-confirmation to u1: delivered after 0s')
    ]  # fmt: skip


def test_a_count_asks_for_as_many() -> None:
    assert found("messages: [{channel: sms, count: 2}]", message(channel="sms"), message(channel="sms")) == []
    [(code, text)] = found("messages: [{channel: sms, count: 3}]", message(channel="sms"))
    assert code == "message-missing"
    assert text.startswith('expected 2 of 3 channel "sms", but no such message came')


def test_a_count_allows_no_more() -> None:
    two = "messages: [{channel: sms, count: 2}]"
    three = [message(channel="sms", at_s=at_s) for at_s in (0.0, 10.0, 20.0)]
    assert found(two, *three) == [
        ("message-unexpected", 'expected only 2 messages with channel "sms", but there is another: sms of order-confirmation to u1: delivered after 20s')
    ]  # fmt: skip
    [(_, text)] = found("messages: [{channel: sms, count: 1}]", *three[:2])
    assert text.startswith('expected only one message with channel "sms", but there is another')
    assert found("messages: [{channel: sms}]", *three) == []
    assert found("messages: [{channel: sms, count: 2}, {workflow: order-confirmation}]", *three) == []
    assert found("messages: [{channel: sms, after: 10s, count: 1}]", *three) == []
    assert found(two, *three[:2], message("delivery_failure", channel="sms")) == []
    assert expected(two).needs_silence
    assert not expected("messages: [{channel: sms}]").needs_silence


def test_the_only_message_that_fits_goes_to_the_item_that_needs_it() -> None:
    text = "messages: [{channel: {$any: true}}, {workflow: {$re: ^order-}, channel: email}]"
    assert found(text, message(), message(channel="sms", workflow="refund")) == []
    assert found(text, message(channel="sms", workflow="refund"), message()) == []


def test_other_messages_are_allowed_unless_the_list_is_exact() -> None:
    both = message(), message(channel="sms")
    assert found("messages: [{channel: email}]", *both) == []
    assert found("messages: [{channel: email}]\nexactly: true", *both) == [
        ("message-unexpected", "expected no other message, but there is: sms of order-confirmation to u1: delivered after 0s")
    ]  # fmt: skip


def test_an_empty_list_means_no_message() -> None:
    assert found("messages: []") == []
    assert [code for code, _ in found("messages: []", message())] == ["message-unexpected"]


def test_an_absent_message_must_not_come_in_any_status() -> None:
    text = "messages: [{absent: {channel: sms}}]"
    assert found(text, message()) == []
    for status in STATUSES:
        assert [code for code, _ in found(text, message(status, channel="sms"))] == ["message-unexpected"], status


def test_an_absent_status_is_one_that_is_not_reached() -> None:
    text = "messages: [{absent: {channel: email, status: seen}}]"
    assert found(text, message("delivered")) == []
    assert [code for code, _ in found(text, message("clicked"))] == ["message-unexpected"]


@pytest.mark.parametrize("status", FAILED)
def test_a_failed_message_is_wrong_at_once(status: Status) -> None:
    result = compared("messages: [{channel: email}]", message(status, failure_reason="hard bounce"))
    assert [problem.code for problem in result.wrong] == ["message-failed"]
    assert result.missing == ()
    assert "hard bounce" in result.wrong[0].message


def test_a_failure_can_be_what_is_expected() -> None:
    text = "messages: [{channel: email, status: delivery_failure, failure_reason: {$re: bounce}}]"
    assert found(text, message("delivery_failure", failure_reason="hard bounce")) == []
    assert [code for code, _ in found(text, message("delivered"))] == ["message-missing"]


def test_a_failed_message_does_not_hide_one_that_arrived() -> None:
    assert found("messages: [{channel: email}]", message("trigger_failed"), message()) == []


def test_a_status_is_reached_by_later_ones() -> None:
    reached = {wanted: [status for status in STATUSES if is_reached(wanted, status)] for wanted in STATUSES}
    later = [status for status in STATUSES if status not in FAILED]
    assert reached == {
        **{status: later[index:] for index, status in enumerate(later[:6])},
        "clicked": ["clicked"],
        "dismissed": ["dismissed"],
        **{status: [status] for status in FAILED},
    }


def test_a_queued_message_is_not_there_yet() -> None:
    result = compared("messages: [{channel: email}]\nexactly: true", message("to_be_triggered"))
    assert [problem.code for problem in result.missing] == ["message-missing"]
    assert result.wrong == ()
    assert result.missing[0].message.startswith("expected status triggered at least, got to_be_triggered")


def test_a_time_after_the_event_is_exact_to_the_second() -> None:
    text = "messages: [{channel: email, after: 1d12h}]"
    assert found(text, message(at_s=129_600)) == []
    assert found(text, message(at_s=129_600.4)) == []
    [(code, shown)] = found(text, message(at_s=129_602))
    assert (code, "but it came at another time" in shown) == ("message-missing", True)


def test_a_status_must_be_reached_within_its_time() -> None:
    assert found("messages: [{channel: email, within: 2s}]", message(at_s=2)) == []
    assert found("messages: [{channel: email, status: delivered, within: 2s}]", message(at_s=2)) != []
    assert found("messages: [{channel: email, status: delivered, within: 4s}]", message(at_s=2)) == []


def test_messages_are_listed_in_the_order_of_their_times() -> None:
    text = "messages: [{channel: email}, {channel: sms}]"
    assert found(text, message(at_s=1), message(channel="sms", at_s=60)) == []
    assert found(text, message(at_s=1), message(channel="sms", at_s=1)) == []
    [(code, shown)] = found(text, message(at_s=60), message(channel="sms", at_s=1))
    assert code == "message-unexpected"
    assert shown.startswith("comes before the message listed above it: sms of order-confirmation")


def test_times_that_are_not_known_are_not_compared() -> None:
    text = "messages: [{channel: email, after: 2d, within: 1s}, {channel: sms}]"
    assert found(text, message(at_s=None), message(channel="sms", at_s=None)) == []


def test_an_absent_key_fits_a_value_that_is_null() -> None:
    assert found("messages: [{channel: email, failure_reason: {$absent: true}}]", message()) == []
    wrong = found(
        "messages: [{channel: email, status: {$any: true}, failure_reason: {$absent: true}}]",
        message(failure_reason="x"),
    )
    assert [code for code, _ in wrong] == ["message-missing"]


def test_secrets_are_masked_in_problems() -> None:
    result = compare_messages(expected("messages: []"), [message(recipient="s3cr3t-value")], Mask(["s3cr3t-value"]))
    assert "s3cr3t" not in result.wrong[0].message
    assert "***" in result.wrong[0].message


def test_messages_may_come_before_the_listed_ones() -> None:
    first, second, third = message(at_s=0), message(at_s=60, channel="sms"), message(at_s=120)
    assert found("messages: [{channel: sms}, {channel: email}]", first, second, third) == []
    [(code, _)] = found("messages: [{channel: sms}, {channel: email}]", first, second)
    assert code == "message-unexpected"


def test_a_thousand_messages_are_counted_at_once() -> None:
    came = [message(recipient=f"u{index}", at_s=None if index % 2 else 0.0) for index in range(1000)]
    text = "messages: [{channel: email, workflow: order-confirmation, count: 1000}]"
    assert found(text, *came) == []
    [(code, missing)] = found(text, *came[:400])
    assert (code, missing.partition(" channel")[0]) == ("message-missing", "expected 600 of 1000")


def test_too_many_messages_to_compare_are_a_problem_of_their_own() -> None:
    items = ", ".join("{channel: sms}" for _ in range(100))
    [(code, text)] = found(f"messages: [{items}]", *[message()] * 10_000)
    assert (code, text) == ("message-missing", "100 expected messages and 10,000 that came are too many to compare")
