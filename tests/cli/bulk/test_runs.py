"""`runner runs`: what is told of past runs, and the rows that go again."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from runner.bulk.ledger import Ledger
from runner.bulk.record import RunRecord
from tests.cli.bulk.conftest import FIVE, RUN, many, send, sent, typed, write

if TYPE_CHECKING:
    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer

TYPED = """\
version: 1
vars:
  user: {type: string}
  order: {type: string, pattern: "^[0-9]+$"}
  amount: {type: number, default: 10}
  gift: {type: boolean, default: false}
  tags: {type: array, default: []}
  size: {type: string}
event: product_purchased
distinct_id: "{{ user }}"
properties: {order: "{{ order }}", amount: "{{ amount }}", gift: "{{ gift }}", tags: "{{ tags }}", size: "{{ size }}"}
"""


def test_a_terminal_shows_how_fast_a_run_was(cli: CommandLine) -> None:
    send(cli, "--rows", many(250))
    assert len(typed(cli, "runs", "show").out) == 1, "what is read by a program stays as it is"
    _, rate, times = typed(cli, "runs", "show", "-v").out
    assert re.fullmatch(r"  events a second     [▁▂▃▄▅▆▇█]+  at most [0-9,]+", rate)
    assert re.fullmatch(r"  time to the answer  [▁▂▃▄▅▆▇█]+  p50 [0-9.]+ m?s, p95 [0-9.]+ m?s, p99 [0-9.]+ m?s", times)


def test_a_run_that_sent_nothing_has_no_times(cli: CommandLine) -> None:
    Path("none.csv").write_text("user,order_id,amount\nu1,no-number,1\n", "utf-8")
    send(cli, "--rows", "none.csv")
    assert not any("time to the answer" in line for line in typed(cli, "runs", "show", "-v").out)


def test_runs_are_listed_the_newest_first(cli: CommandLine) -> None:
    assert typed(cli, "runs", "list")[:3] == (0, [], ["no runs yet: runner send SPEC --rows FILE begins one"])
    send(cli, "--rows", "five.csv")
    send(cli, "--rows", many(3))
    assert typed(cli, "runs", "list")[:3] == (
        0,
        [
            "RUN  2026-01-02 03:04:05 UTC  finished     3 accepted, 0 failed, 0 unknown, 0 not sent of 3  purchase.yaml x many.csv",
            "RUN  2026-01-02 03:04:05 UTC  finished     3 accepted, 2 failed, 0 unknown, 0 not sent of 5  purchase.yaml x five.csv",
        ],
        [],
    )
    told = json.loads(typed(cli, "runs", "list", "-o", "json").raw)
    assert [{**each, "run": "RUN"} for each in told["runs"]] == [
        {"run": "RUN", "spec": "purchase.yaml", "rows": [rows], "state": "finished",
         "started_at": "2026-01-02T03:04:05+00:00", "total": total, "accepted": 3, "failed": failed, "unknown": 0,
         "not_sent": 0, "parent": None}
        for rows, total, failed in (("many.csv", 3, 0), ("five.csv", 5, 2))
    ]  # fmt: skip


def test_the_list_and_last_go_by_the_begin_of_runs_whichever_was_recorded_first(cli: CommandLine) -> None:
    def began(day: int) -> RunRecord:
        started = datetime(2026, 3, day, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
        return RunRecord(f"run-{day}", UUID(int=day), started, "a.yaml", ("-",), {}, {})

    with Ledger(Path(".runner")) as ledger:
        for day in (2, 3, 1):
            ledger.begin(began(day)).close("finished", 0)
    assert [line.partition("  finished")[0] for line in typed(cli, "runs", "list").out] == [
        "run-3  2026-03-04 04:30:00 UTC",
        "run-2  2026-03-03 04:30:00 UTC",
        "run-1  2026-03-02 04:30:00 UTC",
    ]
    assert typed(cli, "runs", "show", "last").out[0].startswith("run-3 ")


def test_what_is_sent_alone_is_of_no_run_that_the_list_knows(cli: CommandLine) -> None:
    args = ("send", "purchase.yaml", "--var", "user=u1")
    told = json.loads(cli(*args, "-o", "json").out)
    assert (told["run"], told["accepted"]) == (None, 1)
    ended = cli(*args)
    assert (ended.err, RUN.search(ended.out + ended.err)) == ("1 event: 1 accepted\n", None)
    assert not Path(".runner").exists()


def test_a_run_is_shown_with_the_rows_that_were_not_accepted(cli: CommandLine) -> None:
    told = json.loads(send(cli, "--rows", "five.csv", "-o", "json").raw)
    assert typed(cli, "runs", "show")[:3] == (
        0,
        [
            "RUN  2026-01-02 03:04:05 UTC  finished     3 accepted, 2 failed, 0 unknown, 0 not sent of 5  purchase.yaml x five.csv",
            "  failed  row 3 (line 4)  var-schema",
            "  failed  row 4 (line 5)  var-schema",
        ],
        [],
    )
    assert json.loads(typed(cli, "runs", "show", told["run"], "-o", "json").raw) == {
        "run": told["run"], "spec": "purchase.yaml", "rows": ["five.csv"], "state": "finished",
        "started_at": "2026-01-02T03:04:05+00:00", "total": 5, "accepted": 3, "failed": 2, "unknown": 0, "not_sent": 0,
        "parent": None, "children": [],
        "failures": [
            {"row": row, "line": row + 1, "state": "failed", "code": "var-schema", "status_code": 0, "attempts": 0}
            for row in (3, 4)
        ],
    }  # fmt: skip


def test_rows_that_failed_alike_are_counted_by_what_and_by_variable(cli: CommandLine) -> None:
    rows = [f"u{number},{'x' if number % 3 else number},{-1 if number % 3 == 0 else 5}" for number in range(1, 31)]
    send(cli, "--rows", write("rows.csv", "\n".join(["user,order,amount", *rows, ""])))
    told = typed(cli, "runs", "show").out
    assert told[1:3] == ["  20 x failed  var-schema at order", "  10 x failed  var-schema at amount"]
    assert (len(told), told[3]) == (33, "  failed  row 1 (line 2)  var-schema")


def test_a_dry_run_says_how_to_see_all_rows(cli: CommandLine) -> None:
    rows = write("rows.csv", "user,order\n" + "u1,x\n" * 15 + "u2,2\n" * 15)
    told = send(cli, "--rows", rows, "--dry-run").out
    way = "more: --results FILE.jsonl writes a line for each row, with its key or what is wrong"
    assert [line for line in told if line.startswith("…")] == [f"… 5 {way}", f"… 4 {way}"]


def test_failed_rows_are_printed_as_they_stood_and_go_again_alone(cli: CommandLine, server: CapturingServer) -> None:
    write("rows.csv", 'user,order\nu1,1\n"u,2",2\n"u""3\n",3\n')
    records: list[dict[str, Any]] = [{"status": "success", "status_code": 202}, *[
        {"status": "error", "status_code": 404, "error": {"message": "no", "type": "x"}}] * 2]  # fmt: skip
    server.answers.append((207, {"status": "success", "records": records}))
    assert send(cli, "--rows", "rows.csv", "--retries", "0").code == 1
    failed = typed(cli, "runs", "failed", "last")
    assert (failed.code, list(csv.reader(io.StringIO(RUN.sub("RUN", failed.raw)))), failed.err) == (
        0,
        [["$row", "user", "order"], ["RUN:2", "u,2", "2"], ["RUN:3", 'u"3\n', "3"]],
        [],
    )
    server.received.clear()
    assert send(cli, "--rows", "-", stdin=failed.raw).code == 0
    assert sent(server) == [("u,2", "2", 10), ('u"3', "3", 10)]


def test_failed_rows_of_json_are_lines_of_json(cli: CommandLine) -> None:
    write("rows.json", '[{"user": "ü1", "order": "x"}, {"user": "u2"}, {"user": "u3", "order": "\\ud83d\\ude00\\n"}]')
    assert send(cli, "--rows", "rows.json").code == 2
    assert typed(cli, "runs", "failed").out == [
        '{"$row": "RUN:1", "user": "ü1", "order": "x"}',
        '{"$row": "RUN:3", "user": "u3", "order": "😀\\n"}',
    ]


def test_failed_rows_that_can_not_be_read_are_counted(cli: CommandLine) -> None:
    write("rows.csv", "user,order\nu1\nu2,x\n")
    assert send(cli, "--rows", "rows.csv").code == 2
    assert typed(cli, "runs", "failed")[:3] == (
        0,
        ["$row,user,order", "RUN:2,u2,x"],
        ["1 of the failed rows can't be read: mend them in rows.csv"],
    )


def test_failed_rows_of_standard_input_or_of_a_changed_file_are_gone(cli: CommandLine) -> None:
    send(cli, "--rows", "-", stdin=FIVE)
    assert typed(cli, "runs", "failed")[:3] == (
        2,
        [],
        [
            "error[rows-gone]: the rows of run RUN came from the standard input, and the ledger does not store rows",
            "  = runner runs show RUN shows their numbers",
        ],
    )
    send(cli, "--rows", "five.csv")
    write("five.csv", FIVE + "u6,6,6\n")
    assert typed(cli, "runs", "failed")[:3] == (
        2,
        [],
        ["error[run-changed]: the file five.csv changed since run RUN began"],
    )


# JSON


def test_failed_rows_of_a_table_are_json_with_their_values_typed(cli: CommandLine) -> None:
    """So that `--rows` makes of them what it makes of the table: an empty cell of no text is no value."""
    write("typed.yaml", TYPED)
    write(
        "rows.csv",
        "user,order,amount,gift,tags,Größe,note\n007,x,6.50,true,[1],M,\n8,x,,,,,a\n9,9,7,true,[],L,b\n10,x,ten,no,[,,c\n",
    )
    args = ("--map", "size=Größe", "--ignore-extra")
    assert send(cli, "--rows", "rows.csv", *args, spec="typed.yaml").code == 2
    failed = typed(cli, "runs", "failed", "-o", "json")
    rows = [
        {
            "$row": "RUN:1",
            "user": "007",
            "order": "x",
            "amount": 6.5,
            "gift": True,
            "tags": [1],
            "Größe": "M",
            "note": "",
        },
        {"$row": "RUN:2", "user": "8", "order": "x", "Größe": "", "note": "a"},
        {
            "$row": "RUN:4",
            "user": "10",
            "order": "x",
            "amount": "ten",
            "gift": "no",
            "tags": "[",
            "Größe": "",
            "note": "c",
        },
    ]
    told = RUN.sub("RUN", failed.raw)
    assert (failed.code, json.loads(told), failed.err) == (0, rows, [])
    assert told == "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n"
    lines = typed(cli, "runs", "failed", "-o", "jsonl")
    assert (lines.code, [json.loads(line) for line in lines.out], lines.err) == (0, rows, [])


@pytest.mark.parametrize("form", [(), ("-o", "json"), ("-o", "jsonl")], ids=["as they stood", "json", "jsonl"])
def test_failed_rows_go_again_as_the_same_events_in_every_form(
    form: tuple[str, ...], cli: CommandLine, server: CapturingServer
) -> None:
    write("rows.csv", "user,order,amount\n1,1,6.50\n2,2,\n3,3,1e2\n")
    refused = {"status": "error", "status_code": 400, "error": {"message": "no", "type": "x"}}
    server.answers.append((207, {"status": "success", "records": [refused] * 3}))
    assert send(cli, "--rows", "rows.csv").code == 1
    assert send(cli, "--rows", "-", stdin=typed(cli, "runs", "failed", *form).raw).code == 0
    [first, second] = [
        [(event["$idempotency_key"], event["distinct_id"], event["properties"]) for event in request.json]
        for request in server.received
    ]
    assert first == second


def test_failed_rows_of_json_stay_as_they_are_in_json(cli: CommandLine) -> None:
    rows: list[dict[str, Any]] = [
        {"user": "ü1", "order": "x", "amount": 2.50},
        {"user": "u3", "order": "\U0001f600\n"},
    ]
    write("rows.json", json.dumps([rows[0], {"user": "u2"}, rows[1]]))
    assert send(cli, "--rows", "rows.json").code == 2
    marked = [{"$row": f"RUN:{number}"} | row for number, row in zip((1, 3), rows, strict=True)]
    assert json.loads("".join(typed(cli, "runs", "failed", "-o", "json").out)) == marked
    assert [json.loads(line) for line in typed(cli, "runs", "failed", "-o", "jsonl").out] == marked


def test_no_failed_rows_are_an_empty_array_that_can_be_sent(cli: CommandLine) -> None:
    assert send(cli, "--rows", many(3)).code == 0
    failed = typed(cli, "runs", "failed", "-o", "json")
    assert (failed.code, json.loads(failed.raw)) == (0, [])
    assert typed(cli, "runs", "failed", "-o", "jsonl")[:3] == (0, [], [])
    assert send(cli, "--rows", "-", stdin=failed.raw).code == 0


@pytest.mark.parametrize("form", ["json", "jsonl", "pretty"])
def test_failed_rows_of_a_file_that_breaks_off_are_printed_whole(form: str, cli: CommandLine) -> None:
    write("rows.csv", 'user,order\nu1,x\nu2,2\n"u3,3\n')
    assert send(cli, "--rows", "rows.csv").code == 2
    failed = typed(cli, "runs", "failed", "-o", form)
    assert (failed.code, failed.err) == (0, [])
    expected = {
        "json": ["[", '{"$row": "RUN:1", "user": "u1", "order": "x"}', "]"],
        "jsonl": ['{"$row": "RUN:1", "user": "u1", "order": "x"}'],
        "pretty": ["$row,user,order", "RUN:1,u1,x"],
    }
    assert failed.out == expected[form]


def test_json_of_a_table_whose_spec_is_gone_is_refused_and_the_table_is_printed_all_the_same(cli: CommandLine) -> None:
    assert send(cli, "--rows", "five.csv").code == 2
    Path("purchase.yaml").unlink()
    told = typed(cli, "runs", "failed", "-o", "json")
    assert (told.code, [problem["code"] for problem in json.loads(told.raw)["problems"]]) == (4, ["file-not-found"])
    assert typed(cli, "runs", "failed")[:3] == (
        0,
        ["$row,user,order,amount", "RUN:3,u3,0x3,7", "RUN:4,u4,4,-1"],
        [],
    )


@pytest.mark.parametrize("form", ["json", "jsonl"])
@pytest.mark.parametrize(
    ("command", "code", "problem"),
    [
        (("show", "2020"), 4, "run-not-found"),
        (("failed", "2020"), 4, "run-not-found"),
        (("failed", "last"), 2, "run-changed"),
        (("show", "last", "more"), 64, "usage"),
        (("lst",), 64, "usage"),
    ],
)
def test_what_goes_wrong_is_one_document_too(
    form: str, command: tuple[str, ...], code: int, problem: str, cli: CommandLine
) -> None:
    send(cli, "--rows", "five.csv")
    write("five.csv", FIVE + "u6,6,6\n")
    ended = typed(cli, "runs", *command, "-o", form)
    document = json.loads(ended.raw)
    problems = document["problems"] if form == "json" else [document]
    assert (ended.code, [each["code"] for each in problems], ended.err) == (
        code,
        [problem],
        [],
    )


def test_no_runs_are_a_document_too(cli: CommandLine) -> None:
    assert typed(cli, "runs", "list", "-o", "json").out == ["{", '  "runs": []', "}"]
    assert typed(cli, "runs", "list", "-o", "jsonl").out == []


def test_a_row_of_a_file_without_lines_is_named_by_its_number_alone(cli: CommandLine) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pa.table({"user": ["u1", "u2"], "order": ["1", "x"]}), "rows.parquet")
    said = "variable 'order': the value is 'x', which does not match ^[0-9]+$"
    assert send(cli, "--rows", "rows.parquet").out[0] == f"failed  row 2  var-schema  {said}"
    assert typed(cli, "runs", "show").out[1] == "  failed  row 2  var-schema"
    assert typed(cli, "runs", "failed").out == ['{"$row": "RUN:2", "user": "u2", "order": "x"}']


def test_looking_for_runs_makes_no_ledger_that_hides_another_one(cli: CommandLine) -> None:
    assert cli("runs", "list").err == "no runs yet: runner send SPEC --rows FILE begins one\n"
    assert cli("send", "--resume", "last").code == cli("runs", "show", "last").code == 4
    assert not Path(".runner").exists()
