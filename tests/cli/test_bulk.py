"""`runner send --rows` and `runner runs`, as they are typed: what is sent, what is told, and the exit code."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from shlex import quote
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import pytest

from runner.bulk.flags import BulkFlags
from runner.bulk.options import BulkOptions
from runner.bulk.parts import Digests
from runner.bulk.row import Row

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.conftest import CapturingServer, CommandLine, Received

CREDENTIALS = {"SUPRSEND_WORKSPACE_KEY": "key", "SUPRSEND_WORKSPACE_SECRET": "the-workspace-secret"}
SPEC = """\
version: 1
vars:
  user: {type: string}
  order: {type: string, pattern: "^[0-9]+$", default: "1001"}
  amount: {type: number, minimum: 0, default: 10}
event: product_purchased
distinct_id: "{{ user }}"
idempotency_key: "{{ user }}-{{ order }}"
properties: {order: "{{ order }}", amount: "{{ amount }}"}
"""
FIVE = "user,order,amount\nu1,1,5\nu2,2,6.50\nu3,0x3,7\nu4,4,-1\nu5,5,\n"
REFUSAL = {"status": "error", "error": {"message": "no such workspace", "type": "not_found"}}
DOWN = "the platform does not answer properly"
RUN = re.compile("[0-9]{8}-[0-9]{6}-[0-9a-f]{4}")


class Told(NamedTuple):
    """What a command line told; run ids and times are replaced, for they vary."""

    code: int
    out: list[str]
    err: list[str]
    raw: str


def typed(cli: CommandLine, *args: str, stdin: str = "") -> Told:
    ended = cli(*args, stdin=stdin)
    return Told(ended.code, _steady(ended.out), _steady(ended.err), ended.out)


def send(cli: CommandLine, *args: str, spec: str = "purchase.yaml", stdin: str = "") -> Told:
    given = () if "--concurrency" in args else ("--concurrency", "1")
    return typed(cli, "send", spec, *given, *args, stdin=stdin)


def _steady(text: str) -> list[str]:
    return re.sub(r"[0-9.]+ s, [0-9,]+/s", "… s, …/s", RUN.sub("RUN", text)).splitlines()


@pytest.fixture
def cli(cli: CommandLine, in_tmp: Path, server: CapturingServer) -> CommandLine:
    (in_tmp / "purchase.yaml").write_text(SPEC)
    (in_tmp / "five.csv").write_text(FIVE)
    cli.environ = CREDENTIALS | {"SUPRSEND_BASE_URL": server.base_url}
    return cli


def write(name: str, content: str) -> str:
    Path(name).write_text(content, "utf-8")
    return name


def many(count: int) -> str:
    """Write a file of so many rows."""
    return write("many.csv", "user,order\n" + "".join(f"u{number},{number}\n" for number in range(1, count + 1)))


def sent(server: CapturingServer) -> list[tuple[object, ...]]:
    """Give user, order and amount of each event that arrived."""
    return [
        (event["distinct_id"], event["properties"]["order"], event["properties"]["amount"])
        for request in server.received
        for event in request.json
    ]


# Rows and columns


def test_an_event_goes_out_for_each_row_and_an_invalid_row_is_its_own_failure(
    cli: CommandLine, server: CapturingServer
) -> None:
    assert send(cli, "--rows", "five.csv")[:3] == (
        2,
        [
            "failed  row 3 (line 4)  var-schema  variable 'order': the value is '0x3', which does not match ^[0-9]+$",
            "failed  row 4 (line 5)  var-schema  variable 'amount': -1 is less than the minimum of 0",
            "5 rows: 3 accepted, 2 failed, 0 unknown, 0 not sent · … s, …/s · run RUN",
        ],
        [
            "  runner runs failed RUN | runner send purchase.yaml --rows -",
            "      once they are mended, sends the failed rows once more, as a run of its own",
        ],
    )
    assert sent(server) == [("u1", "1", 5), ("u2", "2", 6.5), ("u5", "5", 10)]


def test_when_all_rows_are_accepted_there_is_nothing_more_to_do(cli: CommandLine, server: CapturingServer) -> None:
    assert send(cli, "--rows", many(250))[:3] == (
        0,
        ["250 rows: 250 accepted, 0 failed, 0 unknown, 0 not sent · … s, …/s · run RUN"],
        [],
    )
    assert [len(request.json) for request in server.received] == [100, 100, 50]


def test_a_row_is_told_by_its_line_where_cells_have_line_breaks(cli: CommandLine, server: CapturingServer) -> None:
    write("rows.csv", 'user,order\n"u\n1",1\n\nu2,two\n')
    assert send(cli, "--rows", "rows.csv").out[0] == (
        "failed  row 2 (line 5)  var-schema  variable 'order': the value is 'two', which does not match ^[0-9]+$"
    )
    assert sent(server) == [("u\n1", "1", 10)]


def test_a_row_of_another_width_is_its_own_failure(cli: CommandLine, server: CapturingServer) -> None:
    write("rows.csv", "user,order\nu1,1\nu2\nu3,3\n")
    assert send(cli, "--rows", "rows.csv")[:2] == (
        2,
        [
            "failed  row 2 (line 3)  row-columns  1 cell, but the header has 2 columns",
            "3 rows: 2 accepted, 1 failed, 0 unknown, 0 not sent · … s, …/s · run RUN",
        ],
    )
    assert sent(server) == [("u1", "1", 10), ("u3", "3", 10)]


def test_an_unknown_column_is_refused_before_anything_is_sent(cli: CommandLine, server: CapturingServer) -> None:
    write("rows.csv", "usr,order,note\nu1,1,hello\n")
    assert send(cli, "--rows", "rows.csv")[:3] == (
        2,
        [],
        [
            "error[unknown-column]: no variable takes the column 'usr'",
            "  = did you mean 'user'?",
            "    or rename it with --map VARIABLE=COLUMN, or leave it out with --ignore-extra",
            "",
            "error[unknown-column]: no variable takes the column 'note'",
            "  = known here: user, order, amount",
            "    or rename it with --map VARIABLE=COLUMN, or leave it out with --ignore-extra",
        ],
    )
    assert server.received == []
    assert not Path(".runner").exists()


def test_map_names_the_column_of_a_variable(cli: CommandLine, server: CapturingServer) -> None:
    write("rows.csv", "Customer Id,order\nu1,1\n")
    assert send(cli, "--rows", "rows.csv", "--map", "user=Customer Id").code == 0
    write("rows.jsonl", '{"Customer Id": "u2", "order": "2"}\n')
    assert send(cli, "--rows", "rows.jsonl", "--map", "user=Customer Id").code == 0
    assert sent(server) == [("u1", "1", 10), ("u2", "2", 10)]


def test_map_may_exchange_columns(cli: CommandLine, server: CapturingServer) -> None:
    write("rows.csv", "user,order\n1,u1\n")
    assert send(cli, "--rows", "rows.csv", "--map", "user=order", "--map", "order=user").code == 0
    assert sent(server) == [("u1", "1", 10)]


def test_map_names_only_what_there_is(cli: CommandLine) -> None:
    assert send(cli, "--rows", "five.csv", "--map", "usr=user", "--map", "amount=amont")[:3] == (
        2,
        [],
        [
            "error[unknown-variable]: no variable 'usr' (--map usr=user)",
            "  = did you mean 'user'?",
            "",
            "error[unknown-column]: the file has no column 'amont' (--map amount=amont)",
            "  = did you mean 'amount'?",
        ],
    )


def test_one_column_gives_no_two_variables_in_silence(cli: CommandLine, server: CapturingServer) -> None:
    write("rows.csv", "id\n1\n")
    ended = send(cli, "--rows", "rows.csv", "--map", "user=id", "--map", "order=id")
    assert (ended.code, sent(server)) == (64, [])
    assert not any("var-missing" in line for line in ended.err)


def test_ignore_extra_leaves_columns_out(cli: CommandLine, server: CapturingServer) -> None:
    write("rows.csv", "user,note,order\nu1,hello,1\n")
    write("rows.jsonl", '{"user": "u2", "note": {"a": [1]}}\n{"user": "u3"}\n')
    assert send(cli, "--rows", "rows.csv", "--ignore-extra").code == 0
    assert send(cli, "--rows", "rows.jsonl", "--ignore-extra").code == 0
    assert sent(server) == [("u1", "1", 10), ("u2", "1001", 10), ("u3", "1001", 10)]


def test_an_extra_key_fails_the_row_that_has_it(cli: CommandLine, server: CapturingServer) -> None:
    write("rows.jsonl", '{"user": "u1", "ordr": "1"}\n{"user": "u2"}\n[]\n{"user": 3}\n{"order": "4"}\nu5\n')
    assert send(cli, "--rows", "rows.jsonl")[:2] == (
        2,
        [
            "failed  row 1 (line 1)  unknown-column  no variable takes the column 'ordr'",
            "failed  row 3 (line 3)  row-json  a row must be an object, not a list",
            "failed  row 4 (line 4)  var-schema  variable 'user': the value must be text, not a number",
            "failed  row 5 (line 5)  var-missing  variable 'user' has no value",
            "failed  row 6 (line 6)  row-json  column 1: a JSON value can't begin with u",
            "6 rows: 1 accepted, 5 failed, 0 unknown, 0 not sent · … s, …/s · run RUN",
        ],
    )
    assert sent(server) == [("u2", "1001", 10)]


def test_a_variable_that_nothing_gives_is_told_once_and_before_anything_is_sent(
    cli: CommandLine, server: CapturingServer
) -> None:
    write("rows.csv", "order\n1\n2\n")
    assert send(cli, "--rows", "rows.csv")[:3] == (
        2,
        [],
        [
            "error[var-missing]: variable 'user' has no value",
            " --> purchase.yaml:3:3",
            "  |",
            "3 |   user: {type: string}",
            "  |   ^^^^ rows.csv has no column 'user', only 'order': rename one with --map user=COLUMN,",
            "  |        or give it with --var user=… or RUNNER_VAR_user",
        ],
    )
    assert server.received == []


def test_an_empty_cell_is_empty_text_or_else_nothing(cli: CommandLine, server: CapturingServer) -> None:
    write("rows.csv", "user,order,amount\nu1,,\n")
    write("note.yaml", "version: 1\nvars: {user: {type: string}, note: {type: string, default: none}}\n"
          'event: noted\ndistinct_id: "{{ user }}"\nproperties: {note: "{{ note }}"}\n')  # fmt: skip
    assert send(cli, "--rows", "rows.csv").code == 0
    assert sent(server) == [("u1", "1001", 10)]
    write("notes.csv", "user,note\nu1,\nu2,hello\n")
    assert send(cli, "--rows", "notes.csv", spec="note.yaml").code == 0
    [_, request] = server.received
    assert [event["properties"]["note"] for event in request.json] == ["", "hello"]


def test_flags_win_over_columns_and_columns_over_the_vars_file(cli: CommandLine, server: CapturingServer) -> None:
    write("vars.yaml", "order: '77'\namount: 77\n")
    write("rows.csv", "user,order\nu1,1\nu2,2\n")
    args = ("--rows", "rows.csv", "--vars-file", "vars.yaml")
    assert send(cli, *args, "--var", "user=me").code == 0
    assert send(cli, *args, "--var-json", "amount=1.25").code == 0
    assert sent(server) == [("me", "1", 77), ("me", "2", 77), ("u1", "1", 1.25), ("u2", "2", 1.25)]


def test_numbers_of_a_text_column_stay_as_they_are_written(cli: CommandLine, server: CapturingServer) -> None:
    write("rows.csv", "user,order,amount\n0123,007,1e3\n+1,1,1_000\n1e5,2,0x1F\n")
    assert send(cli, "--rows", "rows.csv")[:2] == (
        2,
        [
            "failed  row 2 (line 3)  var-type  variable 'amount': '1_000' is not a number",
            "failed  row 3 (line 4)  var-type  variable 'amount': '0x1F' is not a number",
            "3 rows: 1 accepted, 2 failed, 0 unknown, 0 not sent · … s, …/s · run RUN",
        ],
    )
    assert sent(server) == [("0123", "007", 1000)]


@pytest.mark.parametrize(
    ("args", "users"),
    [
        (("--limit", "2"), ["u1", "u2"]),
        (("--offset", "8"), ["u9", "u10"]),
        (("--offset", "3", "--limit", "2"), ["u4", "u5"]),
        (("--limit", "99"), [f"u{number}" for number in range(1, 11)]),
        (("--offset", "10"), []),
        (("--offset", "99", "--limit", "1"), []),
    ],
)
def test_limit_and_offset_choose_rows(
    args: tuple[str, ...], users: list[str], cli: CommandLine, server: CapturingServer
) -> None:
    ended = send(cli, "--rows", many(10), *args, "-o", "json")
    assert ended.code == 0
    assert (json.loads(ended.raw)["total"], json.loads(ended.raw)["accepted"]) == (len(users), len(users))
    assert [user for user, *_ in sent(server)] == users


def test_rows_keep_their_numbers_behind_an_offset(cli: CommandLine) -> None:
    assert send(cli, "--rows", "five.csv", "--offset", "2", "--limit", "1").out == [
        "failed  row 3 (line 4)  var-schema  variable 'order': the value is '0x3', which does not match ^[0-9]+$",
        "1 row: 0 accepted, 1 failed, 0 unknown, 0 not sent · … s, …/s · run RUN",
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.tsv", b"user\torder\nu1\t1\nu2\t2\n"),
        ("rows.csv", b"\xef\xbb\xbfuser,order\r\nu1,1\r\nu2,2"),
        ("rows.csv.gz", gzip.compress(b"user,order\nu1,1\nu2,2\n", 1, mtime=0)),
        ("rows.jsonl", b'{"user": "u1", "order": "1"}\n\n{"user": "u2", "order": "2"}'),
        ("rows.json", b'[{"user": "u1", "order": "1"},\n {"user": "u2", "order": "2"}]'),
    ],
)
def test_every_format_gives_the_same_events(
    name: str, content: bytes, cli: CommandLine, server: CapturingServer
) -> None:
    Path(name).write_bytes(content)
    assert send(cli, "--rows", name).code == 0
    assert sent(server) == [("u1", "1", 10), ("u2", "2", 10)]


@pytest.mark.parametrize(
    "stdin", ["user,order\nu1,1\nu2,2\n", '{"user":"u1","order":"1"}\n{"user":"u2","order":"2"}\n',
              '[{"user":"u1","order":"1"},{"user":"u2","order":"2"}]'],
)  # fmt: skip
def test_rows_come_from_standard_input(stdin: str, cli: CommandLine, server: CapturingServer) -> None:
    assert send(cli, "--rows", "-", stdin=stdin)[:3] == (
        0,
        ["2 rows: 2 accepted, 0 failed, 0 unknown, 0 not sent · … s, …/s · run RUN"],
        [],
    )
    assert sent(server) == [("u1", "1", 10), ("u2", "2", 10)]


# Pace and stopping


def test_a_rate_is_held(cli: CommandLine, server: CapturingServer) -> None:
    began_s = time.monotonic()
    assert send(cli, "--rows", many(60), "--rate", "100/s", "--concurrency", "16").code == 0
    assert 0.4 <= time.monotonic() - began_s < 10
    assert [len(request.json) for request in server.received] == [20, 20, 20]


@pytest.mark.parametrize("half", ['{"row": 101, "state": "acc', "", "x" * 100_000])
def test_half_a_line_of_results_goes_away_when_its_row_comes_again(
    half: str, cli: CommandLine, server: CapturingServer
) -> None:
    server.answers.extend([(207, {"records": [{"status": "success", "status_code": 202}] * 100}), (401, REFUSAL)])
    assert send(cli, "--rows", many(150), "--concurrency", "1", "--results", "r.jsonl").code == 3
    results = Path("r.jsonl")
    whole = results.read_text("utf-8").splitlines(keepends=True)[:100]
    results.write_text("".join(whole) + half, "utf-8")
    assert cli("send", "--resume", "last").code == 0
    assert [json.loads(line)["row"] for line in results.read_text("utf-8").splitlines()] == list(range(1, 151))


def test_of_several_results_of_a_row_those_of_the_last_session_count(cli: CommandLine, server: CapturingServer) -> None:
    """A session may write results that the ledger does not hear of, and rows come to something else another time."""
    slow_down = {"status": "error", "status_code": 429, "error": {"message": "no", "type": "x"}}
    records = [{"status": "success", "status_code": 202}, {"status": "queued"}, slow_down]
    server.answers.extend([(207, {"records": records}), (207, {"records": [records[0], records[1]]})])
    assert send(cli, "--rows", many(3), "--results", "r.jsonl", "--retries", "0").code == 1
    for _ in range(2):
        cli("send", "--resume", "last")
    lines = [json.loads(line) for line in Path("r.jsonl").read_text("utf-8").splitlines()]
    assert [(line["row"], line["session"], line["state"]) for line in lines] == [
        (1, 1, "accepted"), (2, 1, "unknown"), (3, 1, "not_sent"),
        (2, 2, "accepted"), (3, 2, "unknown"),
        (3, 3, "accepted"),
    ]  # fmt: skip
    last = {line["row"]: line["state"] for line in lines}
    assert last == dict.fromkeys((1, 2, 3), "accepted")


def test_a_full_disk_in_between_leaves_a_line_of_each_session_for_a_row_that_it_came_to(
    cli: CommandLine, server: CapturingServer
) -> None:
    """The results were written and the ledger could not be: the next session writes those of its rows once more."""
    at_work = server.answer_to

    def answer_to(request: Received) -> tuple[int, bytes, dict[str, str]]:
        if len(server.received) == 2:
            Path(".runner/ledger.sqlite3").rename("away")
        return at_work(request)

    server.answer_to = answer_to  # type: ignore[method-assign]
    assert send(cli, "--rows", many(253), "--results", "r.jsonl").code == 74
    Path("away").rename(".runner/ledger.sqlite3")
    assert cli("send", "--resume", "last").code == 0
    lines = [json.loads(line) for line in Path("r.jsonl").read_text("utf-8").splitlines()]
    assert [(line["row"], line["session"]) for line in lines] == [
        *((row, 1) for row in range(1, 201)),
        *((row, 2) for row in range(101, 254)),
    ]


def test_fail_fast_stops_after_the_first_failure(cli: CommandLine, server: CapturingServer) -> None:
    server.answers.append((404, REFUSAL))
    ended = send(cli, "--rows", many(350), "--fail-fast", "--results", "results.jsonl")
    assert (ended.code, ended.out[9:], ended.err) == (
        1,
        [
            "failed  row 10 (line 11)  refused 404  no such workspace",
            "… 90 more: runner runs show RUN",
            "350 rows: 0 accepted, 100 failed, 0 unknown, 250 not sent · … s, …/s · run RUN",
        ],
        [
            "  runner runs failed RUN | runner send purchase.yaml --rows -",
            "      sends the failed rows once more, as a run of its own",
            "  runner send --resume RUN",
            "      sends what is unknown or was not sent, under the same ids",
        ],
    )
    assert len(server.received) == 1


def test_max_failures_stops_when_there_were_so_many(cli: CommandLine, server: CapturingServer) -> None:
    server.answers.extend([(404, REFUSAL)] * 9)
    ended = send(cli, "--rows", many(500), "--max-failures", "150", "-o", "json")
    told = json.loads(ended.raw)
    assert ended.code == 1
    assert [told[name] for name in ("accepted", "failed", "unknown", "not_sent", "total")] == [0, 200, 0, 300, 500]
    assert typed(cli, "runs", "list").out == [
        "RUN  2026-01-02 03:04:05 UTC  stopped      0 accepted, 200 failed, 0 unknown, 300 not sent of 500  purchase.yaml x many.csv"
    ]


def test_max_failures_that_are_not_reached_stop_nothing(cli: CommandLine) -> None:
    assert send(cli, "--rows", "five.csv", "--max-failures", "3").out[-1] == (
        "5 rows: 3 accepted, 2 failed, 0 unknown, 0 not sent · … s, …/s · run RUN"
    )


def test_no_answer_is_unknown_and_goes_again_only_by_resume(cli: CommandLine, server: CapturingServer) -> None:
    server.answers.append((502, b"<html></html>"))
    ended = send(cli, "--rows", many(2), "--retries", "0")
    assert (ended.code, ended.out[-1], ended.err) == (
        7,
        f"2 rows: 0 accepted, 0 failed, 2 unknown, 0 not sent · … s, …/s · run RUN · stopped: {DOWN}",
        ["  runner send --resume RUN", "      sends what is unknown or was not sent, under the same ids"],
    )
    assert typed(cli, "runs", "failed")[:3] == (0, ["$row,user,order"], [])
    assert typed(cli, "send", "--resume", "last")[:3] == (
        0,
        ["2 rows: 2 accepted, 0 failed, 0 unknown, 0 not sent · … s, …/s · run RUN"],
        [],
    )
    assert server.received[0].body == server.received[1].body


def test_no_credentials_are_told_before_a_run_begins(cli: CommandLine) -> None:
    del cli.environ["SUPRSEND_WORKSPACE_SECRET"], cli.environ["SUPRSEND_WORKSPACE_KEY"]
    ended = send(cli, "--rows", "five.csv")
    assert (ended.code, ended.out) == (3, [])
    assert not Path(".runner").exists()


def test_a_resume_ends_with_the_code_of_all_that_failed(cli: CommandLine, server: CapturingServer) -> None:
    server.answers.append((502, b"<html></html>"))
    assert send(cli, "--rows", "five.csv", "--retries", "0").code == 7
    assert typed(cli, "send", "--resume", "last")[:2] == (
        2,
        ["5 rows: 3 accepted, 2 failed, 0 unknown, 0 not sent · … s, …/s · run RUN"],
    )


# Dry runs


def test_a_dry_run_checks_every_row_and_sends_nothing(cli: CommandLine, server: CapturingServer) -> None:
    ended = send(cli, "--rows", "five.csv", "--dry-run")
    assert ended.out[:2] == [
        "failed  row 3 (line 4)  var-schema  variable 'order': the value is '0x3', which does not match ^[0-9]+$",
        "failed  row 4 (line 5)  var-schema  variable 'amount': -1 is less than the minimum of 0",
    ]
    assert (ended.code, re.sub("[0-9]+ bytes|event [0-9]+", "…", ended.out[2]), ended.out[3:], ended.err) == (
        2,
        "5 rows: 3 valid, 2 invalid, 0 repeat the key of another row; … in 1 request, the largest … (row 2)",
        [],
        ["dry run: nothing sent"],
    )
    assert (server.connections, Path(".runner").exists()) == (0, False)


def test_a_dry_run_needs_no_credentials_and_sizes_what_would_go_out(cli: CommandLine, server: CapturingServer) -> None:
    write("rows.csv", "user,order\nu1,1\nu2,2\nu1,1\nu2,3\nu1,1\n")
    told = json.loads(send(cli, "--rows", "rows.csv", "-n", "-o", "json").raw)
    assert send(cli, "--rows", "rows.csv").code == 0
    [request] = server.received
    sizes = [len(json.dumps(event, ensure_ascii=False, separators=(",", ":"))) for event in request.json]
    assert told == {
        "rows": 5, "invalid": 0, "requests": 1, "event_bytes": sum(sizes), "largest_bytes": max(sizes),
        "largest_row": 1 + sizes.index(max(sizes)), "twice": 2, "failures": [],
        "duplicates": [{"row": 3, "first": 1}, {"row": 5, "first": 1}],
    }  # fmt: skip
    del cli.environ["SUPRSEND_WORKSPACE_SECRET"], cli.environ["SUPRSEND_WORKSPACE_KEY"]
    assert send(cli, "--rows", "rows.csv", "-n").code == 0


# Results, runs


def test_results_have_a_line_for_each_row(cli: CommandLine, server: CapturingServer) -> None:
    records = [{"status": "success", "status_code": 202, "message_id": "m1"},
               {"status": "error", "status_code": 404, "error": {"message": "no tenant", "type": "not_found"}}]  # fmt: skip
    server.answers.append((207, {"status": "success", "records": records}))
    assert send(cli, "--rows", write("rows.csv", "user,order\nu1,1\nu2,2\nu3,x\n"), "--results", "r.jsonl").code == 1
    lines = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    [first, second] = [event["$insert_id"] for event in server.received[0].json]
    assert lines == [
        {"row": 1, "line": 2, "state": "accepted", "status_code": 202, "key": "u1-1", "insert_id": first,
         "message_id": "m1", "code": None, "error": None, "attempts": 1, "session": 1},
        {"row": 2, "line": 3, "state": "failed", "status_code": 404, "key": "u2-2", "insert_id": second,
         "message_id": None, "code": "refused", "error": "no tenant", "attempts": 1, "session": 1},
        {"row": 3, "line": 4, "state": "failed", "status_code": 0, "key": None, "insert_id": None,
         "message_id": None, "code": "var-schema",
         "error": "variable 'order': the value is 'x', which does not match ^[0-9]+$", "attempts": 0, "session": 1},
    ]  # fmt: skip


@pytest.mark.parametrize("command", [("render",), ("send", "--dry-run"), ("send",)])
@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("rows.csv",), "no rows: there are none in rows.csv"),
        (("one.csv", "--offset", "1000"), "no rows: --offset 1,000 skips all of one.csv"),
        (("-",), "no rows: there are none in the standard input"),
    ],
)
def test_that_there_are_no_rows_is_said(
    cli: CommandLine, server: CapturingServer, command: tuple[str, ...], more: tuple[str, ...], told: str
) -> None:
    write("one.csv", "user,order\nu1,1\n")
    ended = typed(
        cli, *command, "purchase.yaml", "--rows", *more, stdin=write("rows.csv", "user,order\n") and "user,order\n"
    )
    assert (ended.code, told in ended.err, server.received) == (0, True, [])


@pytest.mark.parametrize("more", [(), ("--results", "r.jsonl"), ("--processes", "2")])
def test_rows_with_one_key_are_told_by_the_real_send_as_by_the_dry_run(cli: CommandLine, more: tuple[str, ...]) -> None:
    rows = write("rows.csv", "user,order\nu1,1\nu2,2\nu1,1\n")
    assert "1 repeats the key of another row" in send(cli, "--rows", rows, "--dry-run").out[-1]
    ended = send(cli, "--rows", rows, *more)
    assert ended.code == 0
    counts = "3 accepted (1 repeats the key of another row: not counted again), 0 failed, 0 unknown, 0 not sent"
    assert ended.out == [f"3 rows: {counts} · … s, …/s · run RUN"]
    assert json.loads(send(cli, "--rows", rows, *more, "-o", "json").raw)["same_key"] == 1
    assert "same_key" not in json.loads(send(cli, "--rows", many(3), *more, "-o", "json").raw)


def test_rows_of_which_one_was_refused_did_not_repeat_its_key(cli: CommandLine, server: CapturingServer) -> None:
    records = [{"status": "success", "status_code": 202, "message_id": "m1"},
               {"status": "error", "status_code": 404, "error": {"message": "no tenant", "type": "not_found"}}]  # fmt: skip
    server.answers.append((207, {"status": "success", "records": records}))
    ended = send(cli, "--rows", write("rows.csv", "user,order\nu1,1\nu1,1\n"))
    assert (ended.code, "the key of another" in ended.out[-1]) == (1, False)


def test_a_variable_that_no_column_gives_is_told_with_the_columns_that_there_are(cli: CommandLine) -> None:
    write("rows.csv", "order,amount\n1,2\n")
    ended = send(cli, "--rows", "rows.csv")
    assert ended.code == 2
    assert ended.err[0] == "error[var-missing]: variable 'user' has no value"
    assert [line.strip(" |^=") for line in ended.err[-2:]] == [
        "rows.csv has no column 'user', only 'order', 'amount': rename one with --map user=COLUMN,",
        "or give it with --var user=… or RUNNER_VAR_user",
    ]


def test_what_to_do_about_a_server_that_is_not_there_is_told(cli: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    cli.environ["SUPRSEND_BASE_URL"] = f"http://127.0.0.1:{port}/"
    ended = send(cli, "--rows", many(3), "--retries", "0")
    hint = f"nothing listens on http://127.0.0.1:{port}/: start the server there"
    assert (ended.code, ended.err[0]) == (7, f"  = {hint}, or add --sandbox to send to a server on this machine")


def test_a_dry_run_writes_results_too(cli: CommandLine, server: CapturingServer) -> None:
    rows = write("rows.csv", "user,order\nu1,1\nu2,x\n")
    assert send(cli, "--rows", rows, "--dry-run", "--results", "r.jsonl").code == 2
    [first, second] = [json.loads(line) for line in Path("r.jsonl").read_text("utf-8").splitlines()]
    assert (first["row"], first["state"], first["key"], first["error"]) == (1, "not_sent", "u1-1", None)
    assert (second["row"], second["state"], second["code"], second["attempts"]) == (2, "failed", "var-schema", 0)
    assert send(cli, "--rows", many(250), "--dry-run", "--results", "r.jsonl").code == 0
    lines = [json.loads(line) for line in Path("r.jsonl").read_text("utf-8").splitlines()]
    assert [line["row"] for line in lines] == list(range(1, 251))
    ended = send(cli, "--rows", rows, "--dry-run", "--results", "nowhere/r.jsonl")
    assert (ended.code, ended.err[0]) == (
        74,
        "error[output-refused]: can't write nowhere/r.jsonl: No such file or directory",
    )
    assert server.received == []


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_label_chooses_the_spec_that_the_rows_are_for(
    cli: CommandLine, server: CapturingServer, more: tuple[str, ...]
) -> None:
    Path("specs").mkdir()
    write("specs/a.yaml", SPEC.replace("version: 1", "version: 1\nlabels: [smoke]"))
    write("specs/b.yaml", SPEC.replace("version: 1", "version: 1\nlabels: [other]").replace("purchased", "returned"))
    assert send(cli, "--rows", many(3), "--label", "other", *more, spec="specs").code == 0
    assert {event["event"] for request in server.received for event in request.json} == (
        set() if more else {"product_returned"}
    )
    ended = send(cli, "--rows", many(3), "--label", "smok", *more, spec="specs/a.yaml")
    assert (ended.code, ended.err[0]) == (4, "error[label-not-found]: no spec here has the label 'smok'")
    assert send(cli, "--rows", many(3), "--label", "other", *more, spec="specs/a.yaml").code == 4


def test_results_are_those_of_one_run(cli: CommandLine) -> None:
    for _ in range(2):
        assert send(cli, "--rows", many(3), "--results", "r.jsonl").code == 0
    assert [json.loads(line)["row"] for line in Path("r.jsonl").read_text().splitlines()] == [1, 2, 3]


def test_results_that_can_not_be_written_are_told_before_anything_is_sent(
    cli: CommandLine, server: CapturingServer
) -> None:
    ended = send(cli, "--rows", "five.csv", "--results", "nowhere/r.jsonl")
    assert (ended.code, ended.out, server.received) == (74, [], [])
    assert typed(cli, "runs", "list").err == ["no runs yet: runner send SPEC --rows FILE begins one"]


@pytest.mark.parametrize("name", ["rows.jsonl", "./rows.jsonl", "link.jsonl", "spec.jsonl", "vars.jsonl"])
def test_results_overwrite_nothing_that_the_run_reads(name: str, cli: CommandLine, server: CapturingServer) -> None:
    write("rows.jsonl", '{"user": "u1"}\n')
    write("vars.jsonl", "amount: 3\n")
    Path("link.jsonl").symlink_to("rows.jsonl")
    Path("spec.jsonl").symlink_to("purchase.yaml")
    before = Path(name).read_bytes()
    ended = send(cli, "--rows", "rows.jsonl", "--vars-file", "vars.jsonl", "--results", name)
    assert ended[:3] == (64, [], [f"error[usage]: --results {Path(name)}: the run reads this file"])
    assert (Path(name).read_bytes(), server.received) == (before, [])


@pytest.mark.parametrize(
    "name", ["five.csv", "purchase.yaml", "_base.yaml", "schema.json", "runner.yaml", "r.txt", "r", "-", "r.jsonl.gz"]
)
def test_results_are_lines_of_json_by_their_name(name: str, cli: CommandLine, server: CapturingServer) -> None:
    write("_base.yaml", SPEC)
    write("purchase.yaml", "version: 1\nextends: _base.yaml\nschema: schema.json\n")
    write("schema.json", "{}")
    write("runner.yaml", "profiles: {}")
    before = {path: path.read_bytes() for path in Path().iterdir()}
    assert send(cli, "--rows", "five.csv", "--results", name)[:3] == (
        64,
        [],
        [
            f"error[usage]: --results {name}: its name must end in .jsonl",
            "  = it is a file of JSON lines: --results results.jsonl",
        ],
    )
    assert ({path: path.read_bytes() for path in Path().iterdir()}, server.received) == (before, [])


def test_rows_that_a_run_never_came_to_have_no_line_in_its_results(cli: CommandLine, server: CapturingServer) -> None:
    server.answers.append((404, REFUSAL))
    assert send(cli, "--rows", many(350), "--fail-fast", "--results", "r.jsonl").code == 1
    assert [json.loads(line)["row"] for line in Path("r.jsonl").read_text().splitlines()] == list(range(1, 101))


def test_json_of_send_sums_up_and_names_the_first_failures(cli: CommandLine) -> None:
    told = json.loads(send(cli, "--rows", "five.csv", "--limit", "3", "-o", "json").raw)
    assert {**told, "run": RUN.sub("RUN", told["run"])} == {
        "run": "RUN", "total": 3, "accepted": 2, "failed": 1, "unknown": 0, "not_sent": 0,
        "failures": [{
            "row": 3, "line": 4, "state": "failed", "code": "var-schema", "status_code": 0, "attempts": 0,
            "message": "variable 'order': the value is '0x3', which does not match ^[0-9]+$",
        }],
    }  # fmt: skip


def test_an_unknown_run_is_not_found(cli: CommandLine) -> None:
    for command in (("runs", "show"), ("runs", "failed"), ("send", "--resume")):
        assert typed(cli, *command, "last")[:3] == (
            4,
            [],
            ["error[run-not-found]: no run 'last' in .runner/ledger.sqlite3", "  = it holds no runs yet"],
        )


# A resume


@pytest.fixture
def stopped(cli: CommandLine, server: CapturingServer) -> CommandLine:
    """Begin a run of 350 rows that stops when the first 100 have failed."""
    server.answers.append((404, REFUSAL))
    args = ("--retries", "0", "--max-failures", "50", "--results", "first.jsonl")
    assert send(cli, "--rows", many(350), *args).code == 1
    assert typed(cli, "runs", "list").out == [
        "RUN  2026-01-02 03:04:05 UTC  stopped      0 accepted, 100 failed, 0 unknown, 250 not sent of 350  purchase.yaml x many.csv"
    ]
    server.received.clear()
    return cli


def test_what_is_given_to_a_resume_counts_and_the_rest_is_as_the_run_began() -> None:
    begun = BulkOptions("rows.csv", {"user": "id"}, True, 9, 2, 16, 2, 5.0, 7, Path("r.jsonl"), 1)
    assert BulkFlags(None).go_on(begun, ()) == begun
    flags = BulkFlags(
        None, concurrency=4, processes=1, rate="10/s", max_failures=5, results=Path("other.jsonl")
    )  # fmt: skip
    assert flags.go_on(begun, ()) == BulkOptions(
        "rows.csv", {"user": "id"}, True, 9, 2, 4, 1, 10.0, 5, Path("other.jsonl"), 1
    )
    assert BulkFlags(None, fail_fast=True).go_on(begun, ()).max_failures == 1


@pytest.mark.parametrize(
    ("flags", "requests"),
    [((), 1), (("--fail-fast",), 1), (("--max-failures", "150"), 2), (("--max-failures", "999"), 3)],
)
def test_a_resume_stops_after_as_many_failures_as_it_is_told(
    flags: tuple[str, ...], requests: int, stopped: CommandLine, server: CapturingServer
) -> None:
    server.answers.extend([(404, REFUSAL)] * 3)
    typed(stopped, "send", "--resume", "last", *flags)
    assert len(server.received) == requests


def test_a_resume_tries_again_as_often_as_it_is_told(stopped: CommandLine, server: CapturingServer) -> None:
    server.answers.extend([(503, b"")] * 2)
    ended = typed(stopped, "send", "--resume", "last", "--retries", "2")
    assert ended.out == ["350 rows: 250 accepted, 100 failed, 0 unknown, 0 not sent · … s, …/s · run RUN"]
    assert len(server.received) == 5


def test_a_resume_waits_as_long_as_it_is_told(stopped: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        stopped.environ["SUPRSEND_BASE_URL"] = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        began_s = time.monotonic()
        assert typed(stopped, "send", "--resume", "last", "--timeout", "0.2", "--max-failures", "999").code == 7
        assert time.monotonic() - began_s < 10


def test_a_resume_has_as_many_requests_under_way_as_it_is_told(stopped: CommandLine) -> None:
    connections: list[socket.socket] = []

    def take_three() -> None:
        with suppress(TimeoutError):
            connections.extend(listening.accept()[0] for _ in range(3))
        listening.close()
        for connection in connections:
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        stopped.environ["SUPRSEND_BASE_URL"] = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        thread = Thread(target=take_three)
        thread.start()
        typed(stopped, "send", "--resume", "last", "--concurrency", "3")
        thread.join()
    assert len(connections) == 3


def test_a_resume_holds_the_rate_that_it_is_told(stopped: CommandLine, server: CapturingServer) -> None:
    began_s = time.monotonic()
    ended = typed(stopped, "send", "--resume", "last", "--rate", "500/s")
    assert 0.3 <= time.monotonic() - began_s < 10
    assert ended.out == ["350 rows: 250 accepted, 100 failed, 0 unknown, 0 not sent · … s, …/s · run RUN"]
    assert len(server.received) == 3


def test_a_resume_adds_to_the_results_that_it_is_told(stopped: CommandLine) -> None:
    write("second.jsonl", "{}\n")
    assert typed(stopped, "send", "--resume", "last", "--limit", "1", "--results", "second.jsonl").code == 64
    assert typed(stopped, "send", "--resume", "last", "--results", "many.csv").code == 64
    assert typed(stopped, "send", "--resume", "last", "--results", "second.jsonl").code == 1
    first, second = (
        [json.loads(line).get("row") for line in Path(name).read_text().splitlines()]
        for name in ("first.jsonl", "second.jsonl")
    )
    assert (first, sorted(second[1:])) == ([*range(1, 101)], [*range(101, 351)])
    assert second[0] is None


SAME_ROWS = "its rows are those that the run began with"
SAME_COLUMNS = "its columns are those that the run began with"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--map", "user=id"), f"--resume can't be used with --map: {SAME_COLUMNS}"),
        (("--ignore-extra",), f"--resume can't be used with --ignore-extra: {SAME_COLUMNS}"),
        (("--limit", "1"), f"--resume can't be used with --limit: {SAME_ROWS}"),
        (("--offset", "0"), f"--resume can't be used with --offset: {SAME_ROWS}"),
        (("--sandbox",), "--resume can't be used with --sandbox: it sends to where the run began to send"),
        (("--label", "smoke"), "--resume can't be used with --label: its spec is the one that the run began with"),
        (("--dry-run",), "--resume can't be used with --dry-run: it sends what the run has left to send"),
        (("other.yaml",), "a resume takes no other spec: run RUN began with purchase.yaml"),
        (("--rows", "five.csv"), "a resume takes no other file of rows: run RUN began with many.csv"),
        (("--rows", "-"), "a resume takes no other file of rows: run RUN began with many.csv"),
        (("--profile", "staging"), "a resume takes no other profile: run RUN began with none"),
    ],
)
def test_what_would_make_another_run_of_it_is_no_resume(
    args: tuple[str, ...], message: str, stopped: CommandLine, server: CapturingServer
) -> None:
    assert typed(stopped, "send", "--resume", "last", *args)[:3] == (
        64,
        [],
        [f"error[usage]: {message}", "  = leave it out, or begin a new run"],
    )
    assert server.received == []


def test_the_same_spec_and_rows_may_be_named_again(stopped: CommandLine) -> None:
    args = ("send", "./purchase.yaml", "--rows", str(Path("many.csv").absolute()), "--resume", "last")
    assert typed(stopped, *args).out == [
        "350 rows: 250 accepted, 100 failed, 0 unknown, 0 not sent · … s, …/s · run RUN"
    ]


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--concurrency", "0"), "--concurrency must be 1 to 1000, got 0"),
        (("--processes", "65"), "--processes must be 1 to 64, got 65"),
        (("--retries", "101"), "--retries must be 0 to 100, got 101"),
        (("--timeout", "0"), "--timeout must be more than 0 and at most 86,400 seconds, got 0"),
    ],
)
def test_a_wrong_value_is_wrong_use_of_a_resume_too(
    flags: tuple[str, ...], told: str, stopped: CommandLine, server: CapturingServer
) -> None:
    assert typed(stopped, "send", "--resume", "last", *flags)[:3] == (64, [], [f"error[usage]: {told}"])
    assert server.received == []


@pytest.mark.parametrize(
    ("marker", "folder", "flags", "back"),
    [(".git", "specs/deep", (), "../.."), ("no-repository", "elsewhere", ("--config", "../runner.yaml"), "..")],
)
def test_a_run_goes_on_from_any_folder_from_which_its_ledger_is_found(
    marker: str, folder: str, flags: tuple[str, ...], back: str, cli: CommandLine, server: CapturingServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name in (marker, "specs", "data", folder):
        Path(name).mkdir()
    write("runner.yaml", "profiles: {shop: {vars: {amount: 7}}}")
    write("_base.yaml", SPEC)
    write("specs/purchase.yaml", "version: 1\nextends: ../_base.yaml\n")
    write("data/rows.csv", "user\nu1\nu2\n")
    write("data/vars.yaml", "order: '42'\n")
    records: list[object] = [{"status": "queued"}, {"status": "error", "status_code": 404, "error": {"message": "no"}}]
    server.answers.append((207, {"status": "success", "records": records}))
    args = (
        "--rows",
        "data/rows.csv",
        "--vars-file",
        "data/vars.yaml",
        "--results",
        "data/r.jsonl",
        "--profile",
        "shop",
    )
    assert send(cli, *args, "--retries", "0", spec="specs/purchase.yaml").code == 1

    monkeypatch.chdir(folder)
    shown = "0 accepted, 1 failed, 1 unknown, 0 not sent of 2"
    files = f"{back}/specs/purchase.yaml x {back}/data/rows.csv".replace("../../specs/", "../")
    assert typed(cli, "runs", "list", *flags).out == [f"RUN  2026-01-02 03:04:05 UTC  finished     {shown}  {files}"]
    assert typed(cli, "runs", "show", *flags).out[0] == f"RUN  2026-01-02 03:04:05 UTC  finished     {shown}  {files}"
    assert typed(cli, "runs", "failed", *flags).out == ["$row,user", "RUN:2,u2"]
    assert typed(cli, "send", "--resume", "last", *flags).out == [
        "2 rows: 1 accepted, 1 failed, 0 unknown, 0 not sent · … s, …/s · run RUN"
    ]
    assert server.received[1].json == [server.received[0].json[0]]
    assert sent(server)[-1] == ("u1", "42", 7)
    assert len(Path(back, "data/r.jsonl").read_text().splitlines()) == 3


# Commands that a run names work as they stand


def test_the_commands_that_a_sandboxed_run_names_stay_in_the_sandbox(cli: CommandLine, server: CapturingServer) -> None:
    write("rows.csv", "id,order\nu1,x\nu2,2\n")
    command = send(cli, "--rows", "rows.csv", "--sandbox", "--map", "user=id").err[1]
    assert command == "  runner runs failed RUN | runner send purchase.yaml --rows - --map user=id --sandbox"
    assert server.received == []


CONFIRMED = "profiles: {live: {confirm: true, vars: {amount: 7}}}"
MAP = " --map 'user=user name'"


@pytest.mark.parametrize(
    ("here", "spec", "files", "args", "where", "flags"),
    [
        pytest.param(".", "purchase.yaml", {}, "", "", MAP, id="no configuration"),
        pytest.param(".", "a/b c/purchase.yaml", {"a/b c/runner.yaml": "profiles: {}"}, "",
                     " --config 'a/b c/runner.yaml'", MAP, id="configuration beside a spec far below"),
        pytest.param("here", "../specs/purchase.yaml",
                     {"specs/runner.yaml": CONFIRMED, "here/runner.yaml": "profiles: {}"}, " --profile live --yes",
                     " --config ../specs/runner.yaml", f"{MAP} --profile live --yes", id="a profile that asks"),
        pytest.param(".", "purchase.yaml", {"a/b/mine.yaml": "profiles: {}"},
                     " --config a/b/mine.yaml --var-json amount=1.5 --ignore-extra", " --config a/b/mine.yaml",
                     f" --var-json amount=1.5{MAP} --config a/b/mine.yaml --ignore-extra", id="configuration elsewhere"),
        pytest.param("project/sub", "../../specs/purchase.yaml",
                     {"project/.git/HEAD": "", "project/runner.yaml": "profiles: {}"}, "", "", MAP,
                     id="configuration of the working directory alone"),
    ],
)  # fmt: skip
def test_the_commands_that_a_run_names_work_where_they_are_printed(
    here: str, spec: str, files: dict[str, str], args: str, where: str, flags: str, cli: CommandLine,
    server: CapturingServer, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name, content in {**files, f"{here}/{spec}": SPEC, f"{here}/x": ""}.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        write(name, content)
    monkeypatch.chdir(here)
    write("my rows.csv", "user name,order\n" + "".join(f"u{number},{number}\n" for number in range(1, 16)))
    records: list[object] = [{"status": "success", "status_code": 202}, {"status": "queued"}]
    records += [{"status": "error", "status_code": 404, "error": {"message": "no"}}] * 13
    server.answers.append((207, {"status": "success", "records": records}))
    began = pasted(f"runner send {quote(spec)} --rows 'my rows.csv'{MAP} --retries 0{args}", cli.environ)
    [run] = RUN.findall(began.raw.splitlines()[-1])
    show = began.raw.splitlines()[10].partition(" more: ")[2]
    failed, resume = (line.strip().replace("RUN", run) for line in began.err if line.startswith("  runner "))
    assert (show, resume, failed) == (
        f"runner runs show {run}{where}",
        f"runner send --resume {run}{where}",
        f"runner runs failed {run}{where} | runner send {quote(spec)} --rows -{flags}",
    )

    server.received.clear()
    told = [pasted(command, cli.environ) for command in (show, f"{resume}{' --yes' * ('live' in args)}", failed)]
    assert [told[0].code, len(told[0].out)] == [0, 15]
    assert [each[:2] for each in told[1:]] == [
        (1, ["15 rows: 2 accepted, 13 failed, 0 unknown, 0 not sent · … s, …/s · run RUN"]),
        (0, ["13 rows: 13 accepted, 0 failed, 0 unknown, 0 not sent · … s, …/s · run RUN"]),
    ]
    assert [user for user, *_ in sent(server)] == ["u2", *(f"u{number}" for number in range(3, 16))]


def pasted(command: str, environ: dict[str, str]) -> Told:
    """Run a command in a shell, as somebody who pastes it there."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SUPRSEND_", "RUNNER_"))}
    ended = subprocess.run(
        ["sh", "-c", command], env={**clean, **environ, "PATH": path}, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return Told(ended.returncode, _steady(ended.stdout), _steady(ended.stderr), ended.stdout)


def test_a_resume_that_needs_a_secret_is_named_with_it(cli: CommandLine, server: CapturingServer) -> None:
    write("secret.yaml", SECRET_SPEC)
    server.answers.append((502, b"<html></html>"))
    ended = send(
        cli, "--rows", write("rows.csv", "user\nu1\n"), "--var", "token=t", "--retries", "0", spec="secret.yaml"
    )
    assert ended.err[0] == "  runner send --resume RUN --var token=…"


def test_a_folder_with_one_spec_names_it(cli: CommandLine, server: CapturingServer) -> None:
    Path("specs").mkdir()
    write("specs/purchase.yaml", SPEC)
    server.answers.append((502, b"<html></html>"))
    assert send(cli, "--rows", many(2), "--retries", "0", spec="specs").code == 7
    assert typed(cli, "send", "--resume", "last").code == 0


# Wrong use


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("--limit", "0"), ["error[usage]: --limit must be 1 or more, got 0"]),
        (("--offset", "-1"), ["error[usage]: --offset must be 0 or more, got -1"]),
        (("--concurrency", "0"), ["error[usage]: --concurrency must be 1 to 1000, got 0"]),
        (("--concurrency", "1001"), ["error[usage]: --concurrency must be 1 to 1000, got 1001"]),
        (("--processes", "0"), ["error[usage]: --processes must be 1 to 64, got 0"]),
        (("--processes", "65"), ["error[usage]: --processes must be 1 to 64, got 65"]),
        (("--max-failures", "0"), ["error[usage]: --max-failures must be 1 or more, got 0"]),
        (("--fail-fast", "--max-failures", "5"),
         ["error[usage]: --fail-fast and --max-failures can't be used together",
          "  = --fail-fast stops after 1 failure, --max-failures N after N"]),
        *[
            (("--rate", rate), [f"error[usage]: --rate expects events per second, got {rate}", "  = for example --rate 50/s"])
            for rate in ("0", "0.0/s", "-1", "fast", "50/m", "1e3", "nan", "٣")
        ],
        *[
            (("--map", text), [f"error[usage]: --map expects NAME=COLUMN, got {shown}", "  = for example --map user=customer_id"])
            for text, shown in (("user", "user"), ("user=", "user=…"), ("=user", "=…"))
        ],
        (("--limit", "x"), ["error[usage]: Invalid value for '--limit': 'x' is not a whole number",
                            "  = see `runner send --help`"]),
        (("--timeout", "0"), ["error[usage]: --timeout must be more than 0 and at most 86,400 seconds, got 0"]),
        (("--retries", "101"), ["error[usage]: --retries must be 0 to 100, got 101"]),
    ],
)  # fmt: skip
def test_a_wrong_value_is_wrong_use(
    args: tuple[str, ...], told: list[str], cli: CommandLine, server: CapturingServer
) -> None:
    assert typed(cli, "send", "purchase.yaml", "--rows", "five.csv", *args)[:3] == (64, [], told)
    assert server.received == []


def test_rows_take_one_spec(cli: CommandLine) -> None:
    write("other.yaml", SPEC)
    assert typed(cli, "send", "purchase.yaml", "other.yaml", "--rows", "five.csv")[:3] == (
        64,
        [],
        ["error[usage]: --rows takes one spec, got 2"],
    )
    assert typed(cli, "send", "--rows", "five.csv")[:3] == (
        64,
        [],
        ["error[usage]: Missing argument 'SPEC'", "  = see `runner send --help`"],
    )


@pytest.mark.parametrize(
    "args", [("--limit", "1"), ("--results", "r.jsonl"), ("--map", "user=id"), ("--rate", "1"), ("--concurrency", "2")]
)
def test_what_is_about_rows_needs_rows(args: tuple[str, ...], cli: CommandLine, server: CapturingServer) -> None:
    assert typed(cli, "send", "purchase.yaml", "--var", "user=u1", *args).code == 64
    assert server.received == []


def test_a_file_that_is_not_there_is_not_found(cli: CommandLine) -> None:
    assert send(cli, "--rows", "fiv.csv")[:3] == (
        4,
        [],
        ["error[file-not-found]: no such file: fiv.csv", "  = did you mean five.csv?"],
    )
    told = send(cli, "--rows", "five.txt", "-o", "json")
    assert (told.code, [problem["code"] for problem in json.loads(told.raw)["problems"]]) == (4, ["file-not-found"])


def test_a_file_that_breaks_off_is_told_with_the_sum_of_what_was_sent(
    cli: CommandLine, server: CapturingServer
) -> None:
    rows = "".join(f"u{number},{number}\n" for number in range(1, 251))
    ended = send(cli, "--rows", write("rows.csv", f'user,order\n{rows}"u251,251\n'))
    [listed] = json.loads(typed(cli, "runs", "list", "-o", "json").raw)["runs"]
    assert ended.code == 2
    assert (listed["accepted"], listed["unknown"]) == (len(sent(server)), 0)
    assert [line for line in ended.out if " accepted, " in line] != []


# Secrets

SECRET_SPEC = """\
version: 1
vars:
  user: {type: string}
  token: {type: string, secret: true}
event: product_purchased
distinct_id: "{{ user }}"
properties: {token: "{{ token }}", mixed: "t={{ token }}"}
"""
SECRET = "s3cr3t/with spaces&ünïcode"


def spilt(*texts: str) -> list[str]:
    """Name every file and text in which the secret stands, in any of the forms that it takes on the way."""
    forms = [SECRET.encode(), json.dumps(SECRET).encode()[1:-1], b"s3cr3t"]
    places = {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file() and path.name not in _INPUTS}
    assert ".runner/ledger.sqlite3" in places
    places |= {f"output {index}": text.encode() for index, text in enumerate(texts)}
    return [name for name, content in places.items() if any(form in content for form in forms)]


_INPUTS = ("rows.csv", "vars.yaml")


@pytest.mark.parametrize(
    ("columns", "args"),
    [
        (f"user,token\nu1,{SECRET}\nu2,{SECRET}\n", ()),
        ("user\nu1\nu2\n", ("--var", f"token={SECRET}")),
        ("user\nu1\nu2\n", ("--var-json", f"token={json.dumps(SECRET)}")),
        ("user\nu1\nu2\n", ("--vars-file", "vars.yaml")),
    ],
)
@pytest.mark.parametrize("form", ["json", "pretty"])
def test_a_secret_is_sent_and_never_told_or_kept(
    form: str, columns: str, args: tuple[str, ...], cli: CommandLine, server: CapturingServer
) -> None:
    write("secret.yaml", SECRET_SPEC)
    write("rows.csv", columns)
    write("vars.yaml", f"token: {json.dumps(SECRET)}\n")
    echo = {"status": "error", "status_code": 400, "error": {"message": f"bad token {SECRET}", "type": SECRET}}
    records = [{"status": "success", "status_code": 202, "message_id": SECRET}, echo]
    server.answers.append((207, {"status": "success", "records": records}))
    ended = send(cli, "--rows", "rows.csv", *args, "--results", "r.jsonl", "-o", form, spec="secret.yaml")
    shown = typed(cli, "runs", "show", "-o", form)
    assert (ended.code, shown.code) == (1, 0)
    assert [event["properties"]["token"] for event in server.received[0].json] == [SECRET, SECRET]
    assert spilt(ended.raw, *ended.err, shown.raw, typed(cli, "runs", "list", "-o", form).raw) == []


def test_a_resume_asks_for_the_secret_again(cli: CommandLine, server: CapturingServer) -> None:
    write("secret.yaml", SECRET_SPEC)
    write("rows.csv", "user\nu1\nu2\n")
    server.answers.append((502, b"<html></html>"))
    secret = ("--var", f"token={SECRET}")
    assert send(cli, "--rows", "rows.csv", "--retries", "0", *secret, spec="secret.yaml").code == 7
    assert typed(cli, "send", "--resume", "last")[:3] == (
        64,
        [],
        ["error[usage]: the variable 'token' must be given again: runs keep no secrets", "  = add --var token=…"],
    )
    assert typed(cli, "send", "--resume", "last", "--var", "token=another")[:3] == (
        2,
        [],
        [
            "error[run-changed]: a variable or the workspace changed since run RUN began",
            "  = resume with what it began with, or begin a new run",
        ],
    )
    assert typed(cli, "send", "--resume", "last", *secret).code == 0
    assert server.received[0].body == server.received[1].body
    assert spilt() == []


LONG_SECRET = "Qzwvx71kjpy-Hbgtn52rfcd_Lmksj83qwpx" * 3
"""A third of it is left wherever a text is cut before it is masked."""


@pytest.mark.parametrize("before", [200, 260, 298])
@pytest.mark.parametrize("where", [(), ("--processes", "2")], ids=["in one process", "in two"])
def test_a_long_answer_is_masked_before_it_is_cut(
    cli: CommandLine, server: CapturingServer, before: int, where: tuple[str, ...]
) -> None:
    write("secret.yaml", SECRET_SPEC)
    write("rows.csv", f"user,token\nu1,{LONG_SECRET}\nu2,x\n")
    echo = {"status": "error", "status_code": 400, "error": {"message": "x" * before + LONG_SECRET}}
    server.answers.append((207, {"status": "success", "records": [echo, echo]}))
    ended = send(cli, "--rows", "rows.csv", "--results", "r.jsonl", *where, spec="secret.yaml")
    [first, _] = [json.loads(line) for line in Path("r.jsonl").read_text("utf-8").splitlines()]
    assert first["error"] == ("x" * before + "***" if before < 298 else "x" * 298 + "** …")
    assert (ended.code, "Qzwv" in first["error"], "Qzwv" in ended.out[0]) == (1, False, False)


@pytest.mark.parametrize("rows", ["rows.csv", "rows.jsonl"])
def test_what_is_inside_a_secret_cell_is_masked_too(cli: CommandLine, server: CapturingServer, rows: str) -> None:
    write("secret.yaml", SECRET_SPEC.replace("token: {type: string", "token: {type: object"))
    spec = Path("secret.yaml").read_text("utf-8").replace('mixed: "t={{ token }}"', "mixed: x")
    write("secret.yaml", spec)
    token = {"Qzwvx71kjpy": ["Hbgtn52rfcd", 8675309421]}
    quoted = json.dumps(token).replace('"', '""')
    write("rows.csv", f'user,token\nu1,"{quoted}"\n')
    write("rows.jsonl", json.dumps({"user": "u1", "token": token}) + "\n")
    echo = {"status": "error", "status_code": 400, "error": {"message": "no Qzwvx71kjpy: Hbgtn52rfcd, 8675309421"}}
    server.answers.append((207, {"status": "success", "records": [echo]}))
    ended = send(cli, "--rows", rows, "--results", "r.jsonl", spec="secret.yaml")
    [line] = Path("r.jsonl").read_text("utf-8").splitlines()
    assert (ended.code, json.loads(line)["error"]) == (1, "no ***: ***, ***")
    assert ended.out[0].endswith("no ***: ***, ***")


def fingerprints(run: int = -1) -> dict[str, str]:
    with sqlite3.connect(".runner/ledger.sqlite3") as ledger:
        rows = ledger.execute("SELECT fingerprints FROM runs ORDER BY number").fetchall()
    read: dict[str, str] = json.loads(rows[run][0])
    return read


def guessed(seed: str, texts: Iterable[str]) -> set[str]:
    """Digest texts in every way that needs nothing but what stands in the ledger."""
    raw = UUID(seed).bytes
    keys = [b"", raw, seed.encode(), b"key"]
    digests = {hashlib.sha256(raw + text.encode()).hexdigest() for text in texts}
    digests |= {hashlib.sha256(text.encode()).hexdigest() for text in texts}
    digests |= {hmac.digest(key, text.encode(), "sha256").hex() for key in keys for text in texts}
    return digests | {hmac.digest(key, raw + text.encode(), "sha256").hex() for key in keys for text in texts}


def test_a_secret_variable_can_not_be_guessed_from_the_ledger(cli: CommandLine) -> None:
    """The digest had a seed beside it: ten thousand PINs took a hundredth of a second."""
    write("secret.yaml", SECRET_SPEC)
    write("rows.csv", "user\nu1\n")
    assert send(cli, "--rows", "rows.csv", "--var", "token=4711", spec="secret.yaml").code == 0
    with sqlite3.connect(".runner/ledger.sqlite3") as ledger:
        [(seed,)] = ledger.execute("SELECT seed FROM runs").fetchall()
    columns, env = [["user", "user"]], "key"
    shapes = [json.dumps([columns, [["token", "4711"]], env]), json.dumps([["token", "4711"]]), "4711", '"4711"']
    known = fingerprints()
    assert set(known.values()).isdisjoint(guessed(seed, shapes))
    assert known["variables"] in guessed(seed, [json.dumps([columns, [], env])]), "the test knows how it is digested"
    assert known["secrets"]


def test_a_secret_cell_that_is_piped_in_can_not_be_guessed_from_the_ledger(cli: CommandLine) -> None:
    write("secret.yaml", SECRET_SPEC)
    assert send(cli, "--rows", "-", spec="secret.yaml", stdin="user,token\nu1,4711\n").code == 0
    with sqlite3.connect(".runner/ledger.sqlite3") as ledger:
        [(digest,)] = ledger.execute("SELECT digest FROM parts").fetchall()
    unkeyed = Digests().of([Row(1, 2, ["u1", "4711"])])
    assert (len(digest), digest == unkeyed) == (len(unkeyed), False)


def test_with_the_public_credentials_of_a_sandbox_no_secret_is_digested(cli: CommandLine) -> None:
    write("secret.yaml", SECRET_SPEC)
    rows = "user,token\nu1,4711\n"
    assert send(cli, "--rows", "-", "--sandbox", spec="secret.yaml", stdin=rows).code == 0
    write("rows.csv", "user\nu1\n")
    assert send(cli, "--rows", "rows.csv", "--sandbox", "--var", "token=4711", spec="secret.yaml").code == 0
    with sqlite3.connect(".runner/ledger.sqlite3") as ledger:
        assert ledger.execute("SELECT digest FROM parts").fetchall() == [("",), ("",)]
    assert (fingerprints()["secrets"], fingerprints()["credentials"]) == ("", "")


@pytest.mark.parametrize("is_piped", [False, True])
def test_a_run_with_secrets_goes_on_with_other_credentials(
    cli: CommandLine, server: CapturingServer, is_piped: bool
) -> None:
    """Refused credentials are replaced; with them the key of the digests is another."""
    write("secret.yaml", SECRET_SPEC)
    rows = "user,token\nu1,4711\n" if is_piped else "user\nu1\n"
    write("rows.csv", rows)
    name, flags = ("-", ()) if is_piped else ("rows.csv", ("--var", "token=4711"))
    stdin = rows if is_piped else ""
    server.answers.append((401, REFUSAL))
    assert send(cli, "--rows", name, *flags, spec="secret.yaml", stdin=stdin).code == 3
    cli.environ["SUPRSEND_WORKSPACE_SECRET"] = "a-better-secret"
    again = ("--rows", "-") if is_piped else flags
    ended = typed(cli, "send", "--resume", "last", *again, stdin=stdin)
    assert ended.code == 0, ended.err
    what = "rows" if is_piped else "secret variables"
    assert f"other credentials than the run began with: its {what} can't be compared" in ended.err
    assert [event["properties"]["token"] for event in server.received[-1].json] == ["4711"]


def test_piped_rows_with_secrets_are_held_against_what_they_were(cli: CommandLine, server: CapturingServer) -> None:
    write("secret.yaml", SECRET_SPEC)
    server.answers.append((502, b"<html></html>"))
    args = ("--rows", "-", "--retries", "0")
    assert send(cli, *args, spec="secret.yaml", stdin="user,token\nu1,4711\n").code == 7
    ended = typed(cli, "send", "--resume", "last", "--rows", "-", stdin="user,token\nu1,4712\n")
    assert (ended.code, ended.err[0]) == (
        2, "error[rows-changed]: the rows from 1 on are not those that the run began with",
    )  # fmt: skip
    assert typed(cli, "send", "--resume", "last", "--rows", "-", stdin="user,token\nu1,4711\n").code == 0


def test_what_a_run_keeps_is_readable_by_its_user_alone(cli: CommandLine, server: CapturingServer) -> None:
    seen: dict[str, int] = {}
    as_usual = server.answer_to

    def answer(request: Received) -> tuple[int, bytes, dict[str, str]]:
        seen.update({str(path): path.stat().st_mode & 0o777 for path in (Path(".runner"), *Path(".runner").iterdir())})
        return as_usual(request)

    server.answer_to = answer  # type: ignore[method-assign] # while the run is under way, it looks at its files
    Path(".runner").mkdir(mode=0o755)
    Path(".runner/ledger.sqlite3").touch(0o644)
    assert send(cli, "--rows", "five.csv").code == 2
    names = {Path(name).name.removeprefix(RUN.findall(name)[0] if RUN.findall(name) else "") for name in seen}
    assert names == {".runner", ".gitignore", "ledger.sqlite3", "ledger.sqlite3-wal", "ledger.sqlite3-shm", ".lock"}
    assert {name: mode for name, mode in seen.items() if mode != (0o700 if name == ".runner" else 0o600)} == {}
