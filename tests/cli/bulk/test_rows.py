"""`runner send --rows`: rows and columns become events."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.bulk.conftest import many, send, sent, write

if TYPE_CHECKING:
    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer


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
            "      once they are corrected, sends the failed rows again, as a new run",
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
            "error[unknown-column]: there is no variable for the column 'usr'",
            "  = did you mean 'user'?",
            "    or rename it with --map VARIABLE=COLUMN, or ignore it with --ignore-extra",
            "",
            "error[unknown-column]: there is no variable for the column 'note'",
            "  = known here: user, order, amount",
            "    or rename it with --map VARIABLE=COLUMN, or ignore it with --ignore-extra",
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
            "failed  row 1 (line 1)  unknown-column  there is no variable for the column 'ordr'",
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
            "  |        or set it with --var user=… or RUNNER_VAR_user",
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
