"""`runner send --rows`: dry runs, results, and how a run is summed up."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.bulk.conftest import REFUSAL, RUN, SPEC, many, send, typed, write
from tests.servers.listeners import free_port

if TYPE_CHECKING:
    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer


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
        (("rows.csv",), "no rows in rows.csv"),
        (("one.csv", "--offset", "1000"), "--offset 1,000 skips all rows of one.csv"),
        (("-",), "no rows in the standard input"),
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
        "or set it with --var user=… or RUNNER_VAR_user",
    ]


def test_what_to_do_about_a_server_that_is_not_there_is_told(cli: CommandLine) -> None:
    port = free_port()
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
            ["error[run-not-found]: no run 'last' in .runner/ledger.sqlite3", "  = it contains no runs yet"],
        )
