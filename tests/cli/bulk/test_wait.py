"""`runner send --rows --wait`: under which keys rows go out, which are waited for, what is shown, and how it ends.

Pauses take no time here, except where a process is interrupted.
"""

from __future__ import annotations

import json
import signal
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.bulk.conftest import RUN, SPEC, many, steady, write
from tests.cli.conftest import CREDENTIALS, SANDBOX
from tests.processes import Preloaded
from tests.pytest_projects import CLEAN
from tests.servers.capturing import capturing_server
from tests.servers.message_server import MessageServer, PlannedMessage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.conftest import CommandLine, Ended
    from tests.servers.capturing import Received

FIRST = "20260102-030405-0000"
LIFE = ((3.0, "triggered"), (9.0, "delivered"))
ACCEPTED = {"status": "success", "status_code": 202}
REFUSED = {"status": "error", "status_code": 404, "error": {"message": "no such workspace", "type": "not_found"}}
THREE = "user,order\nu1,1\nu2,2\nu3,3\n"


@pytest.fixture
def platform(cli: CommandLine) -> Iterator[MessageServer]:
    """Run a platform on which each event brings a mail after three seconds, and aim the command line at it."""
    with capturing_server(MessageServer(clock=cli.time.clock)) as running:
        assert isinstance(running, MessageServer)
        bring(running)
        write("three.csv", THREE)
        cli.environ = CREDENTIALS | {"SUPRSEND_BASE_URL": running.base_url}
        yield running


def bring(platform: MessageServer, **lives: tuple[tuple[float, str], ...]) -> None:
    """Have the event of each user bring a mail with such a life, by default LIFE; with an empty one, none."""

    def comes_of(event: dict[str, Any]) -> Sequence[PlannedMessage]:
        user = event["distinct_id"]
        life = lives.get(user, LIFE)
        return [PlannedMessage(life, key=event["$idempotency_key"], recipient=user)] if life else []

    platform.comes_of = comes_of


def waiting(cli: CommandLine, *args: str, rows: str = "three.csv", spec: str = "purchase.yaml") -> Ended:
    return cli("send", spec, "--rows", rows, "--wait", "60s", "--concurrency", "1", *args)


def keys(platform: MessageServer) -> list[str]:
    requests = [request.json for request in platform.received if request.method == "POST"]
    return [event["$idempotency_key"] for request in requests for event in request]


def test_messages_in_time_are_shown_with_their_rows(cli: CommandLine, platform: MessageServer) -> None:
    ended = waiting(cli)
    assert (ended.code, steady(ended.out)) == (
        0,
        [
            "3 rows: 3 accepted, 0 failed, 0 unknown, 0 not sent · … s, …/s · run RUN",
            "  row 1 (line 2)  3.0s  email  order-confirmation  order  u1  triggered",
            "  row 2 (line 3)  3.0s  email  order-confirmation  order  u2  triggered",
            "  row 3 (line 4)  3.0s  email  order-confirmation  order  u3  triggered",
            "messages of 3 rows: 3 triggered, 0 failed, 0 not yet",
        ],
    )
    assert ended.err == (
        "each key has the id of the run: the key of the spec would be the same in each run\n"
        "waiting for the messages of 3 rows, at most 1m\n"
    )
    assert keys(platform) == [f"u{number}-{number}-{FIRST}" for number in (1, 2, 3)]


def test_a_sample_is_waited_for_and_not_all_rows(cli: CommandLine, platform: MessageServer) -> None:
    ended = waiting(cli, "--sample", "4", "--until", "delivered", "-o", "json", rows=many(250))
    sample = ended.json["sample"]
    assert ended.code == 0
    assert (ended.json["accepted"], len(sample)) == (250, 4)
    assert sample == sorted(sample, key=lambda row: row["row"])
    assert {(row["wait"]["state"], row["messages"][0]["status"]) for row in sample} == {("reached", "delivered")}
    assert {row["idempotency_key"] for row in sample} == {f"u{row['row']}-{row['row']}-{FIRST}" for row in sample}
    assert {row["line"] - row["row"] for row in sample} == {1}
    assert len(platform.looks) % 4 == 0
    assert "waiting for the messages of 4 of 250 accepted rows, at most 1m\n" in ended.err


def test_twenty_rows_are_waited_for_if_nothing_else_is_said(cli: CommandLine, platform: MessageServer) -> None:
    assert len(waiting(cli, "-o", "json", rows=many(50)).json["sample"]) == 20
    assert len(set(keys(platform))) == 50


@pytest.mark.parametrize("processes", ["1", "2"])
def test_the_sample_of_a_run_is_the_same_in_any_number_of_processes(
    cli: CommandLine, platform: MessageServer, processes: str
) -> None:
    sample = waiting(cli, "--sample", "3", "--processes", processes, "-o", "json", rows=many(500)).json["sample"]
    assert [row["row"] for row in sample] == [79, 300, 443]
    assert len(set(keys(platform))) == 500


def test_a_message_of_an_earlier_run_proves_nothing(cli: CommandLine, platform: MessageServer) -> None:
    assert waiting(cli).code == 0
    assert len(platform.messages) == 3
    platform.messages.append(PlannedMessage(((0.0, "delivered"),), key="u1-1"))
    platform.is_filtering = False
    platform.comes_of = lambda _: ()
    ended = waiting(cli, "-o", "json")
    assert ended.code == 8
    assert [row["messages"] for row in ended.json["sample"]] == [[], [], []]
    runs = {key[-len(FIRST) :] for key in keys(platform)}
    assert len(runs) == 2


@pytest.mark.parametrize("key", ["auto", "null", "'{{ user }}'"])
@pytest.mark.parametrize("results", [(), ("--results", "r.jsonl")])
def test_every_key_is_one_of_the_run(
    cli: CommandLine, platform: MessageServer, key: str, results: tuple[str, ...]
) -> None:
    write("purchase.yaml", SPEC.replace('"{{ user }}-{{ order }}"', key))
    assert waiting(cli, *results).code == 0
    sent = keys(platform)
    assert len(set(sent)) == 3
    assert all(FIRST in each for each in sent)
    if results:
        lines = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
        assert [line["key"] for line in lines] == sent


def test_a_failed_message_is_a_failure_with_its_reason_and_its_row(cli: CommandLine, platform: MessageServer) -> None:
    bring(platform, u2=((1.0, "trigger_failed"),))
    ended = waiting(cli)
    assert ended.code == 1
    assert "messages of 3 rows: 2 triggered, 1 failed, 0 not yet" in ended.out
    assert "error[message-failed]: email of order-confirmation to u2: trigger_failed\n" in ended.err
    assert "  = in row 2 (line 3)\n" in ended.err


def test_missing_messages_are_unknown_and_told_once(cli: CommandLine, platform: MessageServer) -> None:
    bring(platform, u1=(), u3=((90.0, "triggered"),))
    ended = waiting(cli)
    assert ended.code == 8
    assert steady(ended.out)[1:] == [
        "  row 1 (line 2)  no message",
        "  row 2 (line 3)  3.0s  email  order-confirmation  order  u2  triggered",
        "  row 3 (line 4)  no message",
        "messages of 3 rows: 1 triggered, 0 failed, 2 not yet",
    ]
    assert ended.err.count("error[no-message]") == 1
    assert "error[no-message]: no message of product_purchased for u1 within 1m\n" in ended.err
    assert f"look for the key u1-1-{FIRST} in the platform's logs" in ended.err
    assert "  = in row 1 (line 2) and 1 more row\n" in ended.err
    assert ended.err.endswith(
        f"  runner send --resume {FIRST}\n      waits again for the messages of these rows\n"
    )  # fmt: skip
    assert platform.looks[-1] == 60


def test_late_messages_are_found_by_a_resume(cli: CommandLine, platform: MessageServer) -> None:
    bring(platform, u2=((90.0, "triggered"),))
    assert waiting(cli).code == 8
    ended = cli("send", "--resume", "last")
    assert (ended.code, steady(ended.out)) == (
        0,
        [
            "3 rows: 3 accepted, 0 failed, 0 unknown, 0 not sent · … s, …/s · run RUN",
            "  row 1 (line 2)  email  order-confirmation  order  u1  delivered",
            "  row 2 (line 3)  email  order-confirmation  order  u2  triggered",
            "  row 3 (line 4)  email  order-confirmation  order  u3  delivered",
            "messages of 3 rows: 3 triggered, 0 failed, 0 not yet",
        ],
    )
    assert len(keys(platform)) == 3


@pytest.mark.usefixtures("platform")
def test_a_resume_may_wait_for_longer_and_for_other_rows(cli: CommandLine) -> None:
    assert waiting(cli, "--sample", "1", "-o", "json").code == 0
    again = cli("send", "--resume", "last", "--wait", "2m", "--until", "delivered", "--sample", "2", "-o", "json")
    assert (again.code, len(again.json["sample"])) == (0, 2)
    assert {row["messages"][0]["status"] for row in again.json["sample"]} == {"delivered"}


def test_a_stopped_run_is_waited_for_once_its_rest_was_sent(cli: CommandLine, platform: MessageServer) -> None:
    platform.answers += [
        (207, {"records": [{"status": "success", "status_code": 202}] * 100}), (401, {"error": "no such key"}),
    ]  # fmt: skip
    first = waiting(cli, "--sample", "5", "-o", "json", rows=many(250))
    assert (first.code, first.json["accepted"], first.json["sample"], platform.looks) == (3, 100, [], [])
    assert "the messages were not waited for: the run did not come to its end\n" in first.err
    again = cli("send", "--resume", "last", "-o", "json")
    assert (again.code, again.json["accepted"], len(again.json["sample"])) == (0, 250, 5)
    assert {row["wait"]["state"] for row in again.json["sample"]} == {"reached"}
    assert len(set(keys(platform))) == 250
    once = waiting(cli, "--sample", "5", "-o", "json", rows=many(250))
    assert len(once.json["sample"]) == 5


def test_rows_that_failed_in_an_earlier_session_are_not_waited_for(cli: CommandLine, platform: MessageServer) -> None:
    write("three.csv", THREE + "u4,x\n")
    platform.answers.append((207, {"records": [ACCEPTED, ACCEPTED, REFUSED]}))
    first = waiting(cli, "-o", "json")
    assert (first.code, [row["row"] for row in first.json["sample"]]) == (1, [1, 2])
    again = cli("send", "--resume", "last", "-o", "json")
    assert (again.code, [row["row"] for row in again.json["sample"]]) == (1, [1, 2])
    assert len(keys(platform)) == 3


def test_rows_of_a_spec_without_keys_have_some_and_are_resumed(cli: CommandLine, platform: MessageServer) -> None:
    write("purchase.yaml", SPEC.replace('"{{ user }}-{{ order }}"', "null"))
    platform.answers.append((0, b""))
    first = waiting(cli, "--retries", "0", "-o", "json")
    assert (first.code, first.json["unknown"]) == (7, 3)
    again = cli("send", "--resume", "last", "-o", "json")
    assert (again.code, again.json["accepted"]) == (0, 3)
    assert keys(platform) == [f"{FIRST}-{number}" for number in (1, 2, 3)] * 2


def test_failed_rows_decide_the_exit_code_and_the_others_are_waited_for(
    cli: CommandLine, platform: MessageServer
) -> None:
    bring(platform, u1=(), u2=())
    platform.answers.append((207, {"records": [ACCEPTED, ACCEPTED, REFUSED]}))
    ended = waiting(cli, "-o", "json")
    assert (ended.code, [row["row"] for row in ended.json["sample"]]) == (1, [1, 2])
    assert {row["wait"]["state"] for row in ended.json["sample"]} == {"pending"}


def test_without_accepted_rows_nothing_is_waited_for(cli: CommandLine, platform: MessageServer) -> None:
    write("three.csv", "user,order\nu1,x\n")
    ended = waiting(cli, "-o", "json")
    assert (ended.code, ended.json["sample"], platform.looks) == (2, [], [])


def test_failed_rows_go_out_again_under_the_keys_that_they_had(cli: CommandLine, platform: MessageServer) -> None:
    write("three.csv", THREE.replace("u2,2", "u2,x"))
    assert waiting(cli).code == 2
    failed = cli("runs", "failed", "last").out.replace("x", "2")
    platform.received.clear()
    assert cli("send", "purchase.yaml", "--rows", "-", stdin=failed).code == 0
    assert keys(platform) == [f"u2-2-{FIRST}"]
    platform.received.clear()
    assert cli("send", "purchase.yaml", "--rows", "-", "--wait", "60s", stdin=failed).code == 0
    [key] = keys(platform)
    assert RUN.fullmatch(key.removeprefix("u2-2-"))
    assert FIRST not in key


@pytest.mark.usefixtures("platform")
def test_rows_with_the_same_key_are_waited_for_once(cli: CommandLine) -> None:
    write("three.csv", "user,order\nu1,1\nu1,1\nu2,2\n")
    ended = waiting(cli, "-o", "json")
    assert (ended.code, ended.json["same_key"], len(ended.json["sample"])) == (0, 1, 2)


def test_lines_of_json_have_the_sum_first(cli: CommandLine, platform: MessageServer) -> None:
    bring(platform, u2=())
    lines = [json.loads(line) for line in waiting(cli, "-o", "jsonl").out.splitlines()]
    assert [line.get("accepted", line.get("row")) for line in lines] == [3, 1, 2, 3]
    assert [line["wait"]["state"] for line in lines[1:]] == ["reached", "pending", "reached"]


def test_secrets_of_rows_are_masked(cli: CommandLine, platform: MessageServer) -> None:
    bring(platform, u1=())
    spec = SPEC.replace("order: {type: string,", "order: {type: string, secret: true,").replace(', default: "1001"', "")
    write("purchase.yaml", spec)
    write("three.csv", "user,order\nu1,987654321\n")
    for args in ((), ("-o", "json"), ("-o", "github")):
        ended = waiting(cli, *args)
        assert ended.code == 8
        assert "987654321" not in ended.out + ended.err
        assert "u1-***-" in ended.out + ended.err
    assert keys(platform)[0].startswith("u1-987654321-")


def test_a_rate_limit_keeps_no_row_from_being_looked_for(cli: CommandLine, platform: MessageServer) -> None:
    """Two lists are answered, then all are refused for a while: each look comes to other rows."""
    bring(platform, **{f"u{number}": () for number in range(1, 9)})
    looks = iter(range(10_000))
    platform.faults = iter(lambda: "429 without a time" if next(looks) % 3 == 2 else None, 0)
    ended = waiting(cli, "-o", "json", rows=many(10))
    states = {row["distinct_id"]: row["wait"]["state"] for row in ended.json["sample"]}
    assert ended.code == 8
    assert [user for user, state in states.items() if state == "reached"] == ["u9", "u10"]


def test_refused_credentials_end_the_wait_at_once(cli: CommandLine, platform: MessageServer) -> None:
    platform.faults = iter(["401"])
    ended = waiting(cli)
    assert (ended.code, len(platform.looks)) == (3, 1)
    assert steady(ended.out)[1:] == [
        "  row 1 (line 2)  not read",
        "  row 2 (line 3)  not read",
        "  row 3 (line 4)  not read",
        "messages of 3 rows: 0 triggered, 0 failed, 3 not yet",
    ]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--sample", "5"), "--sample needs --wait: it is the number of rows whose messages are waited for"),
        (
            ("--until", "delivered"),
            "--until needs --wait: it is the status of the messages that are waited for",
        ),
        (("--wait", "60s", "--sample", "0"), "--sample must be 1 to 1000, got 0"),
        (("--wait", "60s", "--sample", "1001"), "--sample must be 1 to 1000, got 1001"),
        (("--wait", "60s", "--dry-run"), "--dry-run sends nothing, so there is nothing to --wait for"),
        (
            ("--sample", "5", "--dry-run"),
            "--sample needs --wait: it is the number of rows whose messages are waited for",
        ),
        (("--wait", "0s"), "--wait must be more than 0 and at most a day, got 0s"),
    ],
)
def test_flags_that_make_no_sense_are_refused(
    cli: CommandLine, platform: MessageServer, args: tuple[str, ...], message: str
) -> None:
    ended = cli("send", "purchase.yaml", "--rows", "three.csv", *args)
    assert (ended.code, ended.err.splitlines()[0]) == (64, f"error[usage]: {message}")
    assert platform.received == []


@pytest.mark.parametrize("args", [("--wait", "60s"), ("--sample", "5"), ("--wait", "60s", "--sample", "5")])
def test_a_run_that_began_without_waiting_is_not_waited_for(
    cli: CommandLine, platform: MessageServer, args: tuple[str, ...]
) -> None:
    assert cli("send", "purchase.yaml", "--rows", "three.csv").code == 0
    ended = cli("send", "--resume", "last", *args)
    assert (ended.code, ended.err.splitlines()) == (
        64,
        [
            f"error[usage]: --resume can't be used with {args[0]}: the run began without --wait, under keys that other runs may have",
            "  = omit it, or start a new run",
        ],
    )
    assert platform.looks == []


def test_the_rest_of_a_broken_file_is_waited_for_too(cli: CommandLine, platform: MessageServer) -> None:
    write("three.csv", f'{THREE}"u4,4\n')
    ended = waiting(cli, "--sample", "2")
    assert (ended.code, len(platform.looks) > 0) == (2, True)
    assert (
        "  runner send purchase.yaml --rows three.csv --offset 3 --wait 1m --sample 2\n      once the file is corrected"
        in ended.err
    )


@dataclass
class Holding(MessageServer):
    """Holds the second request with rows until `goes_on` is set, and does not answer it."""

    goes_on: threading.Event = field(default_factory=threading.Event)
    posts: int = 0

    def answer_to(self, request: Received) -> tuple[int, bytes, dict[str, str]]:
        self.posts += 1
        if self.posts == 2:
            self.goes_on.wait(30)
            return 0, b"", {}
        return super().answer_to(request)


def test_a_killed_run_is_resumed_under_the_same_keys_and_waited_for(cli: CommandLine) -> None:
    with capturing_server(Holding(clock=cli.time.clock)) as platform:
        assert isinstance(platform, Holding)
        bring(platform)
        cli.environ = SANDBOX | {"SUPRSEND_BASE_URL": platform.base_url}
        command = ["runner", "send", "purchase.yaml", "--rows", many(250), "--wait", "60s", "--sample", "60"]
        with Preloaded([*command, "--concurrency", "1"], env=CLEAN | cli.environ, stdout=-1, stderr=-1) as process:
            while platform.posts < 2:
                assert process.poll() is None
            process.kill()
            process.communicate(timeout=30)
        platform.goes_on.set()
        assert platform.looks == []
        ended = cli("send", "--resume", "last", "-o", "json")
        assert (ended.code, ended.json["accepted"]) == (0, 250)
        rows = {row["row"]: row for row in ended.json["sample"]}
        assert len(rows) == 60
        assert {row["wait"]["state"] for row in rows.values()} == {"reached"}
        assert any(number <= 100 for number in rows)
        assert any(number > 200 for number in rows)
        assert set(keys(platform)) == {f"u{number}-{number}-{ended.json['run']}" for number in range(1, 251)}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_wait_shows_what_is_known_and_is_resumed(
    platform: MessageServer, number: signal.Signals
) -> None:
    bring(platform, u1=((0.0, "delivered"),), u2=((0.0, "triggered"),), u3=())
    command = ["runner", "send", "purchase.yaml", "--rows", "three.csv", "--wait", "600s", "--until", "delivered"]
    environ = CLEAN | SANDBOX | {"SUPRSEND_BASE_URL": platform.base_url}
    with Preloaded(
        [*command, "-o", "json", "--html", "run.html"], env=environ, stdout=-1, stderr=-1, text=True
    ) as process:
        while len(platform.looks) < 4:
            assert process.poll() is None
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    shown = json.loads(out)
    assert process.returncode == 128 + number
    assert (shown["accepted"], [row["wait"]["state"] for row in shown["sample"]]) == (
        3,
        ["reached", "pending", "pending"],
    )
    assert [len(row["messages"]) for row in shown["sample"]] == [1, 1, 0]
    assert (
        "interrupted while waiting for messages: the rows were sent\n"
        f"  runner send --resume {shown['run']}\n      waits again for the messages of these rows\n"
        "report: run.html\nerror[interrupted]"
    ) in err


@pytest.mark.usefixtures("cli")
def test_rows_are_waited_for_in_a_sandbox_with_rules(in_tmp: Path) -> None:
    write(
        "runner.yaml", "sandbox: {workflows: {product_purchased: {channels: [sms], after: 200ms, status_every: 0s}}}\n"
    )
    write("rows.csv", "user,order\nu1,1\nbounce+u2,2\nnever+u3,3\nlate+u4,4\n")
    command = ["runner", "send", "purchase.yaml", "--rows", "rows.csv", "--sandbox", "--wait", "2s", "-o", "json"]
    with Preloaded(command, cwd=in_tmp, env=CLEAN, stdout=-1, stderr=-1, text=True) as process:
        out, err = process.communicate(timeout=60)
    rows = json.loads(out)["sample"]
    assert process.returncode == 1
    assert [row["wait"]["state"] for row in rows] == ["reached", "failed", "pending", "pending"]
    assert [[message["status"] for message in row["messages"]] for row in rows[:3]] == [
        ["delivered"], ["delivery_failure"], [],
    ]  # fmt: skip
    assert err.count("error[message-failed]") == err.count("error[no-message]") == 1
    assert "  = in row 3 (line 4) and 1 more row\n" in err
