"""`runner runs reconcile`: planted losses are all found and none invented, from every kind of export."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from runner.bulk.ledger import Ledger
from runner.sandbox.rules import SandboxRules
from runner.sandbox.server import Sandbox
from runner.sandbox.workflows import WorkflowRule
from runner.suprsend.messages import FAILURE_REASONS
from tests.cli.bulk.conftest import RUN, many, send, steady, write
from tests.cli.bulk.planted import BEGAN, Plan, as_csv, as_lines, as_pages, plan_losses, write_tables
from tests.cli.conftest import CREDENTIALS, SANDBOX
from tests.pytest_projects import CLEAN
from tests.servers.capturing import capturing_server
from tests.servers.message_server import MessageServer, PlannedMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.suprsend.messages import Status
    from tests.conftest import CommandLine, Ended
    from tests.servers.capturing import CapturingServer

ROWS = 400
ACCEPTED = {"status": "success", "status_code": 202}


def rows_in_every_state(server: CapturingServer, random: Random) -> None:
    """Have a run of several requests end with rows in every state of the ledger."""
    refused = {"status": "error", "status_code": 404, "error": {"message": "no", "type": "not_found"}}
    busy = refused | {"status_code": 429}
    for _ in range(2):
        records = random.choices([ACCEPTED, refused, busy], [80, 10, 10], k=100)
        server.answers.append((207, {"status": "success", "records": records}))
    server.answers.append((200, {"status": "what?"}))


def states(cli: CommandLine, rows: int, key: Callable[[int], str]) -> dict[int, tuple[str, str]]:
    """Return the state of each row in the ledger, and its key."""
    shown = cli("runs", "show", "-o", "json").json
    others = {failure["row"]: failure["state"] for failure in shown["failures"]}
    return {row: (others.get(row, "accepted"), key(row)) for row in range(1, rows + 1)}


def reconcile(cli: CommandLine, *args: str) -> Ended:
    return cli("runs", "reconcile", "last", *args)


def found(ended: Ended) -> set[tuple[Any, ...]]:
    findings = ended.json["findings"]
    told = {tuple(each[name] for name in ("row", "kind", "channel", "status", "reason")) for each in findings}
    assert len(told) == len(findings)
    return told


def check(ended: Ended, plan: Plan) -> None:
    assert found(ended) == plan.found
    assert {state: fates for state, fates in ended.json["rows"].items() if fates} == plan.fates
    assert ended.json["other_items"] == plan.others
    assert ended.code == 1


def planted(cli: CommandLine, server: CapturingServer, seed: int, *, of_tables: bool = False) -> Plan:
    """Send rows, some of which repeat a key, and plan what became of them."""
    random = Random(seed)  # noqa: S311 - a plan, not a secret
    users = [number if random.random() < 0.97 or number < 20 else number - 10 for number in range(1, ROWS + 1)]
    write("many.csv", "user,order\n" + "".join(f"u{user},{user}\n" for user in users))
    rows_in_every_state(server, random)
    send(cli, "--rows", "many.csv", "--retries", "0")
    known = states(cli, ROWS, lambda row: f"u{users[row - 1]}-{users[row - 1]}")
    assert {state for state, _ in known.values()} == {"accepted", "failed", "unknown", "not_sent"}
    return plan_losses(known, random, of_tables=of_tables)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("messages.jsonl", as_lines),
        ("pages.jsonl", as_pages),
        ("messages.json", json.dumps),
        ("messages.csv", as_csv),
    ],
)
def test_planted_losses_are_all_found_and_none_invented(
    cli: CommandLine, server: CapturingServer, name: str, written: Callable[[Any], str], seed: int
) -> None:
    plan = planted(cli, server, seed)
    ended = reconcile(cli, "--messages", write(name, written(plan.messages)), "-o", "json")
    check(ended, plan)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("is_shared", [False, True])
def test_planted_losses_are_found_in_the_tables_of_s3(
    cli: CommandLine, server: CapturingServer, in_tmp: Path, seed: int, is_shared: bool
) -> None:
    plan = planted(cli, server, seed, of_tables=True)
    write_tables(in_tmp / "export", plan, is_shared=is_shared)
    check(reconcile(cli, "--s3", "export", "-o", "json"), plan)


def message(key: str, status: str = "delivered", **more: Any) -> dict[str, Any]:
    made = Plan(Random(0)).message(key, status)  # noqa: S311
    return {**made, "message_id": f"m-{key}-{status}-{len(more)}", **more}


def export(*messages: dict[str, Any], name: str = "messages.jsonl") -> str:
    return write(name, as_lines([*messages]) or "\n")


def test_a_run_whose_messages_all_came_ends_with_0(cli: CommandLine) -> None:
    send(cli, "--rows", many(3))
    ended = reconcile(cli, "--messages", export(*(message(f"u{row}-{row}") for row in (1, 2, 3))))
    assert (ended.code, ended.err) == (0, "")
    told = steady(ended.out)
    assert told[0].startswith("run RUN  as of 20")
    assert told[1:] == ["3 accepted", "          3  delivered"]


def test_findings_are_shown_as_text_with_their_rows_and_reasons(cli: CommandLine) -> None:
    send(cli, "--rows", "five.csv")
    write("six.csv", "user,order\n" + "".join(f"u{number},{number}\n" for number in range(1, 12)))
    send(cli, "--rows", "six.csv")
    failed = [message(f"u{row}-{row}", "delivery_failure", failure_reason="mailbox full") for row in range(1, 8)]
    twice = [message("u8-8"), message("u8-8", execution_id="other", message_id="again")]
    ended = reconcile(cli, "--messages", export(*failed, *twice, message("u10-10", "triggered"), message("x")))
    assert ended.code == 1
    assert steady(ended.out)[1:] == [
        "11 accepted",
        "          1  delivered",
        "          1  on their way to the vendor or the recipient",
        "          2  without a message",
        "          7  with a message that failed",
        "1 row executed or notified more than once",
        "1 item of other events",
        "reasons",
        "          7  undelivered  email  delivery_failure  mailbox full",
        "          1  duplicate  the workflow 'order' ran 2 times",
        "no message  row 9 (line 10)  u9-9",
        "no message  row 11 (line 12)  u11-11",
        *(f"undelivered  row {row} (line {row + 1})  u{row}-{row}  email  delivery_failure  mailbox full" for row in range(1, 6)),
        "… 2 more undelivered: -o jsonl shows all",
        "duplicate  row 8 (line 9)  u8-8  the workflow 'order' ran 2 times",
    ]  # fmt: skip
    lines = [
        json.loads(line) for line in reconcile(cli, "--messages", "messages.jsonl", "-o", "jsonl").out.splitlines()
    ]
    assert lines[0]["kinds"] == {"no_message": 2, "undelivered": 7, "duplicate": 1}
    assert [line["row"] for line in lines[1:]] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 11]


def test_a_text_of_the_platform_moves_no_cursor(cli: CommandLine) -> None:
    send(cli, "--rows", many(1))
    evil = message("u1-1", "trigger_failed", failure_reason="\x1b[2Jgone\nerror: x")
    ended = reconcile(cli, "--messages", export(evil))
    assert "\\x1b[2Jgone\\nerror: x" in ended.out
    assert "\x1b" not in ended.out


# What is missing may still come.


def written_after(name: str, minutes: float) -> str:
    """Have a file be written so many minutes after the run began."""
    at = (BEGAN + timedelta(minutes=minutes)).timestamp()
    os.utime(name, (at, at))
    return name


@pytest.mark.parametrize(
    ("minutes", "within", "code"), [(10.9, "10m", 8), (11, "10m", 1), (5, "2m", 1), (0, "0s", 1), (-60, "10m", 8)]
)
def test_what_is_missing_is_late_until_the_time_is_over_since_the_latest_message(
    cli: CommandLine, minutes: float, within: str, code: int
) -> None:
    send(cli, "--rows", many(2))
    export(message("u1-1"))  # a minute after the run began
    ended = reconcile(cli, "--messages", written_after("messages.jsonl", minutes), "--within", within)
    assert ended.code == code
    assert ("  not yet" in ended.out or "not yet  row 2" in ended.out) is (code == 8)
    if minutes == 10.9:
        assert ended.err == (
            "  the export ends 9m54s after its latest message: what is missing counts as late for 10m (--within);"
            " reconcile again later\n"
        )


def test_a_failure_is_certain_at_once(cli: CommandLine) -> None:
    send(cli, "--rows", many(2))
    export(message("u1-1", "trigger_failed"))
    ended = reconcile(cli, "--messages", written_after("messages.jsonl", 1), "-o", "json")
    assert (ended.code, ended.json["kinds"]) == (1, {"undelivered": 1, "late": 1})


def test_each_row_may_be_expected_to_have_a_number_of_messages(cli: CommandLine) -> None:
    send(cli, "--rows", many(3))
    sms = {"channel": "sms", "message_id": "sms"}
    rows = [message("u1-1"), message("u2-2"), message("u2-2", **sms), message("u3-3"), message("u3-3", message_id="3b", channel="sms"),
            message("u3-3", message_id="3c", channel="inbox")]  # fmt: skip
    ended = reconcile(cli, "--messages", export(*rows), "--expect", "2", "-o", "json")
    assert found(ended) == {
        (1, "incomplete", None, None, "1 of 2 messages"), (3, "duplicate", None, None, "3 messages, 2 expected")
    }  # fmt: skip
    assert ended.json["rows"]["accepted"] == {"delivered": 2, "incomplete": 1}
    early = reconcile(cli, "--messages", written_after("messages.jsonl", 2), "--expect", "2", "-o", "json")
    assert early.json["kinds"] == {"late": 1, "duplicate": 1}


def test_the_latest_version_of_a_message_counts_wherever_it_stands(cli: CommandLine) -> None:
    send(cli, "--rows", many(2))
    stamps = ["2026-01-02T03:06:00Z", "2026-01-02T03:07:00+00:00"]
    old, new = (
        message("u1-1", status, message_id="m", updated_at=at)
        for status, at in zip(("triggered", "trigger_failed"), stamps, strict=True)
    )
    for versions in ((old, new), (new, old)):
        ended = reconcile(cli, "--messages", export(*versions, message("u2-2")), "-o", "json")
        assert ended.json["kinds"] == {"undelivered": 1}


# Keys.


@pytest.fixture
def platform(cli: CommandLine) -> Iterator[MessageServer]:
    """Run a platform with a messages API, and aim the command line at it."""
    with capturing_server(MessageServer(clock=cli.time.clock)) as running:
        assert isinstance(running, MessageServer)
        running.comes_of = lambda event: [
            PlannedMessage(((0.0, "delivered"),), key=event["$idempotency_key"], recipient=event["distinct_id"])
        ]
        cli.environ = CREDENTIALS | {"SUPRSEND_BASE_URL": running.base_url}
        yield running


AUTO = (
    "version: 1\nvars: {user: {type: string}, order: {type: string}}\nevent: order_placed\ndistinct_id: '{{ user }}'\n"
)


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("spec", ["purchase.yaml", "auto.yaml"])
def test_keys_of_the_platform_and_keys_with_the_id_of_the_run_are_made_again(
    cli: CommandLine, platform: MessageServer, spec: str, waits: bool
) -> None:
    write("auto.yaml", AUTO)
    send(cli, "--rows", many(5), *(("--wait", "60s", "--sample", "1") if waits else ()), spec=spec)
    keys = [event["$idempotency_key"] for each in platform.received if each.method == "POST" for event in each.json]
    assert (RUN.search(keys[0]) is not None) is waits
    export(*(message(key) for key in keys if key != keys[2]), message("u3-3"))
    ended = reconcile(cli, "--messages", "messages.jsonl", "-o", "json")
    expected = {"no_message": 1} if spec == "auto.yaml" or waits else {}
    assert ended.json["kinds"] == expected
    assert [each["row"] for each in ended.json["findings"]] == [3] * len(expected)
    assert all(each["key"] == keys[2] for each in ended.json["findings"])


def test_a_spec_without_keys_can_not_be_reconciled(cli: CommandLine) -> None:
    write("none.yaml", f"{AUTO}idempotency_key: null\n")
    run = json.loads(send(cli, "--rows", many(1), "-o", "json", spec="none.yaml").raw)["run"]
    ended = reconcile(cli, "--messages", export(message("x")))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        f"error[idempotency-key]: the events of run {run} have no idempotency keys, by which their messages could be found\n"
        "  = see 'idempotency_key' in the manual's page spec\n"
    )


def test_a_secret_in_a_key_is_not_shown_and_its_messages_are_found(cli: CommandLine, platform: MessageServer) -> None:
    write(
        "secret.yaml",
        "version: 1\nvars: {user: {type: string}, token: {type: string, secret: true}}\nevent: order_placed\n"
        "distinct_id: '{{ user }}'\nidempotency_key: '{{ user }}-{{ token }}'\n",
    )
    write("secret.csv", "user,token\nu1,tok-aaaa\nu2,tok-bbbb\n")
    send(cli, "--rows", "secret.csv", spec="secret.yaml")
    for source in (("--messages", export(message("u1-tok-aaaa"))), ("--live", "--within", "0s")):
        if source[0] == "--live":
            platform.messages = platform.messages[:1]
        ended = reconcile(cli, *source, "-o", "json")
        assert [(each["row"], each["key"]) for each in ended.json["findings"]] == [(2, "u2-***")]
        assert "tok-" not in ended.out + ended.err


def test_rows_of_several_files_are_shown_with_their_file(cli: CommandLine, in_tmp: Path) -> None:
    (in_tmp / "rows").mkdir()
    write("rows/a.csv", "user,order\nu1,1\nu2,2\n")
    write("rows/b.csv", "order,user\n3,u3\n4,u4\n")
    send(cli, "--rows", "rows")
    export(message("u1-1"), message("u2-2"), message("u3-3"))
    assert "no message  row 4 (rows/b.csv line 3)  u4-4" in reconcile(cli, "--messages", "messages.jsonl").out
    [finding] = reconcile(cli, "--messages", "messages.jsonl", "-o", "json").json["findings"]
    assert (finding["file"], finding["row_in_file"]) == ("rows/b.csv", 2)
    write("rows/b.csv", "order,user\n3,u3\n5,u5\n")
    ended = reconcile(cli, "--messages", "messages.jsonl")
    assert (ended.code, ended.out) == (2, "")
    assert "the file rows/b.csv changed since run" in ended.err


def test_only_the_rows_of_the_run_are_looked_for(cli: CommandLine) -> None:
    send(cli, "--rows", many(10), "--offset", "2", "--limit", "3")
    ended = reconcile(cli, "--messages", export(message("u3-3"), message("u4-4"), message("u9-9")), "-o", "json")
    assert found(ended) == {(5, "no_message", None, None, None)}
    assert ended.json["other_items"] == 1


# Rows that were piped in.


def piped(cli: CommandLine, *args: str) -> str:
    return str(json.loads(send(cli, "--rows", "-", *args, "-o", "json", stdin="user,order\nu1,1\nu2,2\n").raw)["run"])


def test_piped_rows_need_the_file_of_results(cli: CommandLine) -> None:
    run = piped(cli, "--results", "sent.jsonl")
    ended = reconcile(cli, "--messages", export(message("u2-2")))
    assert (ended.code, ended.out, ended.err) == (
        2,
        "",
        (
            f"error[rows-gone]: the rows of run {run} came from the standard input, and the ledger does not store rows\n"
            "  = give the file that the run wrote with --results, which has the keys: --results sent.jsonl\n"
        ),
    )
    Path("purchase.yaml").unlink()
    ended = reconcile(cli, "--messages", "messages.jsonl", "--results", "sent.jsonl", "-o", "json")
    assert found(ended) == {(1, "no_message", None, None, None)}


def test_results_of_another_run_are_refused(cli: CommandLine) -> None:
    send(cli, "--rows", many(1), "--results", "one.jsonl")
    run = piped(cli, "--results", "sent.jsonl")
    ended = reconcile(cli, "--messages", export(message("u1-1")), "--results", "one.jsonl")
    assert (ended.code, ended.out, ended.err) == (
        2,
        "",
        f"error[rows-changed]: one.jsonl has 1 of the 2 accepted rows of run {run}\n  = is it the file of this run?\n",
    )


def test_the_line_of_the_last_session_counts(cli: CommandLine, server: CapturingServer) -> None:
    busy = {"status": "error", "status_code": 429, "error": {"message": "no", "type": "x"}}
    server.answers.append((207, {"status": "success", "records": [ACCEPTED, busy]}))
    run = piped(cli, "--results", "sent.jsonl", "--retries", "0")
    server.answers.clear()
    send(cli, "--resume", run, "--rows", "-", stdin="user,order\nu1,1\nu2,2\n", spec="purchase.yaml")
    assert len(Path("sent.jsonl").read_text("utf-8").splitlines()) == 3
    ended = reconcile(cli, "--messages", export(message("u1-1")), "--results", "sent.jsonl", "-o", "json")
    assert found(ended) == {(2, "no_message", None, None, None)}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"row": 1}', "results.jsonl line 1 is not a line of results"),
        ('{"row": 1, "line": 1, "session": 1, "key": "a-***"}', "results.jsonl line 1 has a masked key, by which no message can be found"),
        ("{", "error[row-json]"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_one_of_results_is_refused(cli: CommandLine, line: str, says: str) -> None:
    piped(cli)
    ended = reconcile(cli, "--messages", export(message("u1-1")), "--results", write("results.jsonl", f"{line}\n"))
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err


def test_failed_rows_that_another_run_sent_are_no_surprise(cli: CommandLine, server: CapturingServer) -> None:
    refused = {"status": "error", "status_code": 404, "error": {"message": "no", "type": "x"}}
    server.answers.append((207, {"status": "success", "records": [ACCEPTED, refused, refused]}))
    first = json.loads(send(cli, "--rows", many(3), "-o", "json").raw)["run"]
    export(message("u1-1"), message("u2-2"))
    ended = cli("runs", "reconcile", first, "--messages", "messages.jsonl", "-o", "json")
    assert found(ended) == {(2, "unexpected", None, None, "recorded as failed, but 1 message came of it")}
    assert ended.code == 1
    write("failed.csv", cli("runs", "failed", first).out)
    send(cli, "--rows", "failed.csv")
    ended = cli("runs", "reconcile", first, "--messages", "messages.jsonl", "-o", "json")
    assert (ended.code, found(ended)) == (0, set())
    assert ended.json["rows"]["failed"] == {"as_recorded": 1, "sent_again": 1}
    ended = reconcile(cli, "--messages", "messages.jsonl", "-o", "json")  # the second run
    assert found(ended) == {(2, "no_message", None, None, None)}


# Live.


def test_the_messages_api_is_asked_key_by_key(cli: CommandLine, platform: MessageServer) -> None:
    send(cli, "--rows", many(30))
    platform.messages = [each for each in platform.messages if each.key not in ("u7-7", "u8-8")]
    platform.faults = iter([None, "429", "503", None])
    ended = reconcile(cli, "--live", "--within", "0s", "-o", "json")
    assert found(ended) == {(7, "no_message", None, None, None), (8, "no_message", None, None, None)}
    assert (ended.code, ended.json["rows"]["accepted"]) == (1, {"delivered": 28, "no_message": 2})
    assert len(platform.looks) == 32
    assert any(pause >= 5 for pause in cli.time.sleeps)


def test_a_sample_is_asked_for_and_rows_in_doubt_first(cli: CommandLine, platform: MessageServer) -> None:
    platform.answers.append((202, {"status": "what?"}))
    send(cli, "--rows", many(250), "--retries", "0")
    lost = [f"u{row}-{row}" for row in range(1, 4)]
    platform.messages = [each for each in platform.messages if each.key not in lost]
    ended = reconcile(cli, "--live", "--within", "0s", "--sample", "120", "-o", "json")
    rows = ended.json["rows"]
    assert rows == {
        "accepted": {"delivered": 20, "not_asked": 130},
        "unknown": {"delivered": 97, "not_found": 3},
        "not_sent": {},
        "failed": {},
    }
    assert (ended.code, ended.json["kinds"]) == (0, {"arrived": 97})
    assert len(platform.looks) == 120
    assert steady(ended.err) == [
        "  runner send --resume RUN",
        "      sends the unknown rows that are not found, under the same keys",
    ]


@pytest.mark.parametrize(("fault", "code"), [("401", 3), ("429", 5), ("500", 7)])
def test_a_messages_api_that_refuses_ends_the_look_and_what_is_known_is_shown(
    cli: CommandLine, platform: MessageServer, fault: str, code: int
) -> None:
    send(cli, "--rows", many(5))
    platform.faults = iter([None, *[fault] * 1000])
    ended = reconcile(cli, "--live", "-o", "json")
    assert (ended.code, ended.json["rows"]["accepted"]) == (code, {"delivered": 1, "not_asked": 4})
    assert "not all messages could be asked for: HTTP" in ended.err


def test_live_needs_credentials_and_a_sandbox_that_is_there(cli: CommandLine) -> None:
    send(cli, "--rows", many(1), "--sandbox")
    ended = reconcile(cli, "--live")
    assert (ended.code, ended.err) == (
        64,
        (
            "error[usage]: the events went to a sandbox, and none of yours is running on port 7788\n"
            "  = messages of a sandbox are gone when it ends\n"
        ),
    )


@pytest.mark.parametrize("seed", range(3))
def test_losses_of_a_sandbox_are_found_live(cli: CommandLine, seed: int) -> None:
    rule = WorkflowRule(
        "order", "Order", "transactional", ("email", "inbox"), after_ms=0, every_ms=0, outcome="delivered"
    )
    outcomes: dict[str, Status | None] = {
        "": None, "bounce+": "delivery_failure", "fail+": "trigger_failed", "block+": "trigger_blocked",
        "skip+": "not_to_be_triggered", "never+": None, "late+": None, "queue+": None, "click+": None,
    }  # fmt: skip
    random = Random(seed)  # noqa: S311 - a plan, not a secret
    users = [random.choice([*outcomes]) for _ in range(100)]
    write("users.csv", "user,order\n" + "".join(f"{kind}u{row},{row}\n" for row, kind in enumerate(users, 1)))
    with Sandbox(rules=SandboxRules(workflows={"product_purchased": rule})) as running:
        cli.environ = SANDBOX | {"SUPRSEND_BASE_URL": running.base_url}
        send(cli, "--rows", "users.csv")
        ended = reconcile(cli, "--live", "--within", "0s", "-o", "json")
        early = reconcile(cli, "--live")
    expected = {
        (row, "undelivered", channel, status, FAILURE_REASONS[status])
        for row, kind in enumerate(users, 1)
        if (status := outcomes[kind]) is not None
        for channel in ("email", "inbox")
    } | {(row, "no_message", None, None, None) for row, kind in enumerate(users, 1) if kind in ("never+", "late+")}
    assert found(ended) == expected
    assert ended.json["rows"]["accepted"]["delivered"] == users.count("") + users.count("click+")
    assert ended.json["rows"]["accepted"]["under_way"] == users.count("queue+")
    assert (ended.code, early.code) == (1, 1)
    assert f"{users.count('never+') + users.count('late+'):>9}  not there yet" in early.out


# Size.

PEAK = """
import resource, subprocess, sys
with open("out.jsonl", "w") as out:
    subprocess.run(sys.argv[1:], stdout=out)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Runs a command, and prints its peak memory in KiB: a process that a large one starts would have the peak of that."""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows_and_the_export(cli: CommandLine, server: CapturingServer) -> None:
    peaks = []
    for rows in (3_000, 60_000):
        server.received.clear()
        send(cli, "--rows", many(rows), "--concurrency", "4")
        with Path("messages.jsonl").open("w", encoding="utf-8") as file:
            for row in range(1, rows + 1):
                status = "trigger_failed" if row % 3 == 0 else "delivered"
                of_other = message(f"other-{row}")
                file.write(as_lines([message(f"u{row}-{row}", status, failure_reason=f"reason {row}"), of_other]))
        command = [sys.executable, "-m", "runner", "runs", "reconcile", "--messages", "messages.jsonl", "-o", "jsonl"]
        ended = subprocess.run(
            [sys.executable, "-c", PEAK, *command], env=CLEAN | cli.environ, capture_output=True, text=True, check=True
        )
        with Path("out.jsonl").open() as lines:
            assert sum(1 for _ in lines) == rows // 3 + 1
        peaks.append(int(ended.stdout))
    assert peaks[1] - peaks[0] < 12 * 1024


# What can't be used.


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ((), "error[usage]: nothing to compare the run with\n  = give one of --messages FILE, --s3 FOLDER and --live\n"),
        (("--live", "--s3", "x"), "error[usage]: --s3 and --live can't be used together\n  = give one of --messages FILE, --s3 FOLDER and --live\n"),
        (("--s3", "x", "--sample", "3"), "error[usage]: --sample needs --live: an export has the messages of all rows\n"),
        (("--live", "--sample", "0"), "error[usage]: --sample must be 1 to 100,000, got 0\n"),
        (("--live", "--expect", "0"), "error[usage]: --expect must be 1 to 1,000, got 0\n"),
        (("--live", "--within", "soon"), "error[usage]: --within: 'soon' is not a duration, such as 50ms or 2s\n  = such as 10m or 2h\n"),
    ],
)  # fmt: skip
def test_flags_that_make_no_sense_are_refused(cli: CommandLine, args: tuple[str, ...], says: str) -> None:
    ended = reconcile(cli, *args)
    assert (ended.code, ended.out, ended.err) == (64, "", says)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.jsonl", '{"message_id": "m", "status": "delivered"}\n', "error[export-invalid]: x.jsonl has no idempotency keys, so no message in it belongs to a row\n  = export the field idempotency_key too\n"),
        ("x.csv", "message_id,status\nm,delivered\n", "error[export-invalid]: x.csv has no idempotency keys, so no message in it belongs to a row\n  = export the field idempotency_key too\n"),
        ("x.csv", "message_id,idempotency_key\nm,k\n", "error[export-invalid]: x.csv has no column 'status'\n  = a table of messages has it\n"),
        ("x.jsonl", '{"idempotency_key": "k", "status": "delivered"}\n', "error[export-invalid]: x.jsonl line 1: a message without an id\n"),
        ("x.jsonl", '{"idempotency_key": "k", "message_id": "m"}\n', "error[export-invalid]: x.jsonl line 1: a message without a status\n"),
        ("x.jsonl", '{"meta": {}, "results": [7]}\n', "error[export-invalid]: x.jsonl line 1: a message must be an object\n"),
        ("x.json", "[{]", "error[rows-syntax]"),
        ("x.jsonl", "{", "error[row-json]"),
    ],
)  # fmt: skip
def test_an_export_that_could_hide_messages_is_refused(cli: CommandLine, name: str, content: str, says: str) -> None:
    send(cli, "--rows", many(1))
    ended = reconcile(cli, "--messages", write(name, content))
    assert (ended.code, ended.out, ended.err[: len(says)]) == (2, "", says)


def test_messages_must_be_in_a_file_that_is_there(cli: CommandLine) -> None:
    send(cli, "--rows", many(1))
    export(message("u1-1"))
    ended = reconcile(cli, "--messages", "mesages.jsonl")
    assert (ended.code, ended.err) == (
        4,
        "error[file-not-found]: no such file: mesages.jsonl\n  = did you mean messages.jsonl?\n",
    )
    assert reconcile(cli, "--messages", "-").code == 64


def test_an_empty_export_is_one_without_messages(cli: CommandLine) -> None:
    send(cli, "--rows", many(1))
    ended = reconcile(cli, "--messages", write("x.json", "[]"), "-o", "json")
    assert found(ended) == {(1, "no_message", None, None, None)}


def test_a_folder_without_tables_is_refused(cli: CommandLine, in_tmp: Path) -> None:
    send(cli, "--rows", many(1))
    for folder in ("nowhere", "empty"):
        (in_tmp / "empty").mkdir(exist_ok=True)
        ended = reconcile(cli, "--s3", folder)
        assert (ended.code, ended.out) == (4, "")
        assert f"{folder}" in ended.err


def test_a_run_under_way_is_not_reconciled(cli: CommandLine) -> None:
    run = json.loads(send(cli, "--rows", many(1), "-o", "json").raw)["run"]
    with Ledger(Path(".runner")) as ledger, ledger.resume(run):
        ended = reconcile(cli, "--messages", export(message("u1-1")))
    assert (ended.code, ended.out) == (74, "")
    assert (
        ended.err == f"error[run-locked]: run {run} is in use by another process\n  = wait until it ends, or stop it\n"
    )


@pytest.mark.parametrize("changed", ["many.csv", "purchase.yaml"])
def test_inputs_that_changed_are_refused(cli: CommandLine, changed: str) -> None:
    send(cli, "--rows", many(1))
    with Path(changed).open("a", encoding="utf-8") as file:
        file.write("u2,2\n" if changed == "many.csv" else "tenant_id: t1\n")
    ended = reconcile(cli, "--messages", export(message("u1-1")))
    assert (ended.code, ended.out) == (2, "")
    assert f"{changed} changed since run" in ended.err
