"""`runner send --wait`: what it waits for, what it shows, and how it ends. Pauses take no time here."""

from __future__ import annotations

import json
import signal
from itertools import repeat
from subprocess import TimeoutExpired
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import SANDBOX
from tests.cli.send.conftest import PURCHASE
from tests.processes import Preloaded
from tests.pytest_projects import CLEAN
from tests.servers.capturing import capturing_server
from tests.servers.message_server import MessageServer, PlannedMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import CommandLine

pytestmark = pytest.mark.usefixtures("in_repository")

RUN = "20260102-030405-0000"
KEY = f"u1-purchase-1001-{RUN}"
LIFE = ((3.0, "triggered"), (9.0, "delivered"))


@pytest.fixture
def platform(cli: CommandLine) -> Iterator[MessageServer]:
    """Run a platform on which each event brings a mail after three seconds, and aim the command line at it."""
    with capturing_server(MessageServer(clock=cli.time.clock)) as running:
        assert isinstance(running, MessageServer)
        running.comes_of = bringing(LIFE)
        cli.environ |= SANDBOX | {"SUPRSEND_BASE_URL": running.base_url}
        yield running


def bringing(*lives: tuple[tuple[float, str], ...], **changes: Any) -> Callable[[dict[str, Any]], list[PlannedMessage]]:
    def messages(event: dict[str, Any]) -> list[PlannedMessage]:
        return [PlannedMessage(life, key=event["$idempotency_key"], **changes) for life in lives]

    return messages


def test_a_message_in_time_is_shown_with_its_time(cli: CommandLine, platform: MessageServer) -> None:
    ended = cli("send", *PURCHASE, "--wait", "60s")
    assert ended.code == 0
    assert ended.out.splitlines()[-1] == "  3.0s  email  order-confirmation  order  u1  triggered"
    assert ended.err == (
        f"sent as {KEY}: the key of the spec would be the same in each run\n1 event: 1 accepted\n"
    )  # fmt: skip
    assert platform.received[0].json["$idempotency_key"] == KEY
    assert len(platform.looks) == 3


def test_a_message_can_be_waited_for_until_it_is_delivered(cli: CommandLine, platform: MessageServer) -> None:
    ended = cli("send", *PURCHASE, "--wait", "60s", "--until", "delivered")
    assert ended.code == 0
    assert ended.out.splitlines()[-1].endswith("u1  delivered")
    assert platform.looks[-1] >= 9


def test_a_failed_message_is_a_failure_with_its_reason(cli: CommandLine, platform: MessageServer) -> None:
    platform.comes_of = bringing(((1.0, "trigger_failed"),), raw={"failure_reason": "no vendor"})
    ended = cli("send", *PURCHASE, "--wait", "60s")
    assert ended.code == 1
    assert "error[message-failed]: email of order-confirmation to u1: trigger_failed: no vendor\n" in ended.err


def test_no_message_in_time_is_unknown_with_the_causes_that_are_left(cli: CommandLine, platform: MessageServer) -> None:
    platform.comes_of = bringing()
    ended = cli("send", *PURCHASE, "--wait", "60s")
    assert ended.code == 8
    assert platform.looks[-1] == 60
    assert "error[no-message]: no message of product_purchased for u1 within 1m\n" in ended.err
    assert f"look for the key {KEY} in the platform's logs" in ended.err
    assert "ruled out: the user is known" in ended.err
    assert "- no live workflow listens to 'product_purchased'" in ended.err


def test_an_unknown_user_is_named_as_the_reason(cli: CommandLine, platform: MessageServer) -> None:
    platform.comes_of, platform.users = bringing(), frozenset()
    ended = cli("send", *PURCHASE, "--wait", "10s")
    assert ended.code == 8
    assert "- the platform does not know the user u1, and discards events for unknown users" in ended.err


def test_a_message_of_an_earlier_run_proves_nothing(cli: CommandLine, platform: MessageServer) -> None:
    platform.comes_of = bringing()
    platform.messages = [PlannedMessage(((0.0, "delivered"),), key="u1-purchase-1001")]
    platform.is_filtering = False
    assert cli("send", *PURCHASE, "--wait", "10s").code == 8


def test_an_event_that_was_refused_is_not_waited_for(cli: CommandLine, platform: MessageServer) -> None:
    platform.answers.append((400, {"status": "error", "error": {"message": "no such event", "type": "bad_request"}}))
    ended = cli("send", *PURCHASE, "--wait", "60s")
    assert (ended.code, platform.looks) == (1, [])


@pytest.mark.parametrize("fault", ["429", "429 and a date", "503", "page", "cut", "gone"])
def test_failing_lists_fail_nothing_before_the_time_is_over(
    cli: CommandLine, platform: MessageServer, fault: str
) -> None:
    platform.faults = iter([fault] * 4)
    assert cli("send", *PURCHASE, "--wait", "60s").code == 0


def test_a_list_that_never_comes_is_unknown(cli: CommandLine, platform: MessageServer) -> None:
    platform.faults = repeat("503")
    ended = cli("send", *PURCHASE, "--wait", "60s")
    assert ended.code == 8
    assert "the messages of product_purchased for u1 can't be read: HTTP 503: try again" in ended.err


@pytest.mark.usefixtures("platform")
def test_json_has_the_messages_with_their_event(cli: CommandLine) -> None:
    ended = cli("send", *PURCHASE, "--wait", "60s", "-o", "json")
    [event] = ended.json["events"]
    assert (ended.code, event["success"], event["idempotency_key"]) == (0, True, KEY)
    assert event["wait"] == {"state": "reached", "waited_s": 5.0, "error": None}
    assert event["messages"] == [
        {
            "message_id": "01K0PLAN000000000000000000",
            "workflow": "order-confirmation",
            "channel": "email",
            "status": "triggered",
            "recipient": "u1",
            "tenant": "default",
            "template": "order",
            "category": "transactional",
            "node": None,
            "failure_reason": None,
            "created_at": "2026-01-02T03:04:08+00:00",
            "times": {"triggered": "2026-01-02T03:04:08+00:00"},
        }
    ]
    lines = cli("send", *PURCHASE, "--wait", "60s", "-o", "jsonl").out.splitlines()
    assert [json.loads(line)["wait"]["state"] for line in lines] == ["reached"]


def test_json_of_a_wait_in_vain_says_so(cli: CommandLine, platform: MessageServer) -> None:
    platform.comes_of = bringing()
    ended = cli("send", *PURCHASE, "--wait", "10s", "-o", "json")
    [event] = ended.json["events"]
    assert (ended.code, event["wait"], event["messages"]) == (
        8, {"state": "pending", "waited_s": 10.0, "error": None}, [],
    )  # fmt: skip


def test_several_specs_are_waited_for_at_once(cli: CommandLine, platform: MessageServer) -> None:
    specs = ("specs/purchase.yaml", "specs/refund.yaml", "--var", "user=u1")
    ended = cli("send", *specs, "--wait", "60s", "-o", "json")
    states = {event["event"]: event["wait"]["state"] for event in ended.json["events"]}
    assert (ended.code, set(states.values()), len(states)) == (0, {"reached"}, 2)
    platform.messages.clear()
    mails = bringing(LIFE)
    platform.comes_of = lambda event: mails(event) if event["event"] == "product_purchased" else []
    ended = cli("send", *specs, "--wait", "60s", "-o", "json")
    states = {event["event"]: event["wait"]["state"] for event in ended.json["events"]}
    assert ended.code == 8
    assert sorted(states.values()) == ["pending", "reached"]


def test_an_event_with_the_key_of_another_one_proves_nothing(
    cli: CommandLine, platform: MessageServer, tmp_path: Path
) -> None:
    (tmp_path / ".git").mkdir()
    mails = bringing(LIFE)
    platform.comes_of = lambda event: mails(event) if event["event"] == "one" else []
    for name in ("one", "two"):
        text = f'version: 1\nevent: {name}\ndistinct_id: u1\nidempotency_key: "order-1"\n'
        (tmp_path / f"{name}.yaml").write_text(text)
    ended = cli("send", tmp_path / "one.yaml", tmp_path / "two.yaml", "--wait", "60s")
    assert ended.code == 8
    assert "error[no-message]: no message of two for u1: the platform skips an event with the key of an" in ended.err
    assert len(platform.received[0].json) == 2
    assert ended.out.count("order-confirmation") == 1
    ended = cli("send", tmp_path / "one.yaml", tmp_path / "two.yaml", "--wait", "60s", "-o", "json")
    one, two = ended.json["events"]
    assert (one["wait"]["state"], two["same_key"], "wait" in two) == ("reached", True, False)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--wait", "60"), "--wait: '60' is not a duration, such as 50ms or 2s"),
        (("--wait", "0s"), "--wait must be more than 0 and at most a day, got 0s"),
        (("--wait", "25h"), "--wait must be more than 0 and at most a day, got 25h"),
        (("--wait", "60s", "--dry-run"), "--dry-run sends nothing, so there is nothing to --wait for"),
        (("--wait", "60s", "--sample", "5"), "--sample needs the rows of a file"),
    ],
)
def test_flags_that_make_no_sense_are_refused(
    cli: CommandLine, platform: MessageServer, args: tuple[str, ...], message: str
) -> None:
    ended = cli("send", *PURCHASE, *args)
    assert ended.code == 64
    assert f"error[usage]: {message}" in ended.err
    assert platform.received == []


def test_an_interrupted_wait_shows_what_is_known(platform: MessageServer) -> None:
    platform.comes_of = bringing(((0.0, "triggered"),))
    command = ["runner", "send", *PURCHASE, "--wait", "600s", "--until", "delivered", "-o", "json"]
    environ = CLEAN | SANDBOX | {"SUPRSEND_BASE_URL": platform.base_url}
    with Preloaded(command, env=environ, stdout=-1, stderr=-1, text=True, start_new_session=True) as process:
        while len(platform.looks) < 2:
            with pytest.raises(TimeoutExpired):
                process.wait(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    [event] = json.loads(out)["events"]
    assert (event["success"], event["wait"]["state"], len(event["messages"])) == (True, "pending", 1)
    assert "error[interrupted]" in err
    assert process.returncode == 130
