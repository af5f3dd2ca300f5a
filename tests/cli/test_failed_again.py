"""Rows that failed go out once more, as often as it takes: under the ids that they had, whichever run sends them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.cli.conftest import CREDENTIALS

if TYPE_CHECKING:
    from tests.conftest import CommandLine, Ended
    from tests.servers.capturing import CapturingServer

RUN = re.compile("20260102-030405-[0-9a-f]{4}")
SPEC = """\
version: 1
vars:
  user: {type: string}
  amount: {type: number, default: 10}
event: product_purchased
distinct_id: "{{ user }}"
properties: {amount: "{{ amount }}", ref: "{{ uuid4() }}", at: "{{ now() | isoformat }}"}
"""
TAKEN = {"status": "success", "status_code": 202}


class Event(NamedTuple):
    """An event that arrived."""

    user: str
    key: str
    insert_id: str
    body: str


@pytest.fixture
def cli(cli: CommandLine, in_tmp: Path, server: CapturingServer) -> CommandLine:
    (in_tmp / "purchase.yaml").write_text(SPEC)
    cli.environ = CREDENTIALS | {"SUPRSEND_BASE_URL": server.base_url}
    return cli


def write(name: str, users: range) -> str:
    Path(name).write_text("user,amount\n" + "".join(f"u{number},{number}\n" for number in users), "utf-8")
    return name


def refuse(server: CapturingServer, *rows: int, of: int, code: int = 400) -> None:
    """Refuse some of the events of the next request, by their numbers from 1 on."""
    no = {"status": "error", "status_code": code, "error": {"message": "no", "type": "x"}}
    records = [no if number in rows else TAKEN for number in range(1, of + 1)]
    server.answers.append((207, {"status": "success", "records": records}))


def send(cli: CommandLine, *args: str, stdin: str = "") -> Ended:
    return cli("send", "purchase.yaml", "--concurrency", "1", "--retries", "0", *args, "-o", "json", stdin=stdin)


def send_failed(cli: CommandLine, run: str = "last", form: tuple[str, ...] = ()) -> Ended:
    failed = cli("runs", "failed", run, *form)
    assert failed.code == 0, failed
    return send(cli, "--rows", "-", stdin=failed.out)


def arrived(server: CapturingServer) -> list[list[Event]]:
    return [
        [Event(event["distinct_id"], event["$idempotency_key"], event["$insert_id"], json.dumps(event)) for event in
         request.json]
        for request in server.received
    ]  # fmt: skip


def counts(ended: Ended) -> tuple[int, ...]:
    told: Any = ended.json
    assert told["total"] == sum(told[name] for name in ("accepted", "failed", "unknown", "not_sent"))
    return tuple(told[name] for name in ("accepted", "failed", "unknown", "not_sent"))


@pytest.mark.parametrize("form", [(), ("-o", "json"), ("-o", "jsonl")], ids=["as they stood", "json", "jsonl"])
def test_rows_that_fail_again_and_again_keep_their_auto_keys_ids_time_and_body(
    form: tuple[str, ...], cli: CommandLine, server: CapturingServer
) -> None:
    refuse(server, 2, 3, 5, of=5)
    assert counts(send(cli, "--rows", write("rows.csv", range(1, 6)))) == (2, 3, 0, 0)
    refuse(server, 1, 3, of=3)
    assert counts(send_failed(cli, form=form)) == (1, 2, 0, 0)
    refuse(server, 2, of=2)
    assert counts(send_failed(cli, form=form)) == (1, 1, 0, 0)
    assert counts(send_failed(cli, form=form)) == (1, 0, 0, 0)
    first, second, third, fourth = arrived(server)
    assert [event.user for event in second] == ["u2", "u3", "u5"]
    assert second == [first[1], first[2], first[4]]
    assert third == [first[1], first[4]]
    assert fourth == [first[4]]


def test_a_run_of_failed_rows_knows_its_parent_and_the_parent_its_children(
    cli: CommandLine, server: CapturingServer
) -> None:
    refuse(server, 1, 2, of=3)
    first = send(cli, "--rows", write("rows.csv", range(1, 4))).json["run"]
    refuse(server, 2, of=2)
    second = send_failed(cli).json["run"]
    third = send_failed(cli).json["run"]
    again = send_failed(cli, second).json["run"]
    family = {
        run: (shown["parent"], shown["children"])
        for run in (first, second, third, again)
        for shown in [cli("runs", "show", run, "-o", "json").json]
    }
    assert family == {
        first: (None, [second]), second: (first, [third, again]), third: (second, []), again: (second, [])
    }  # fmt: skip
    told = cli("runs", "show", second).out.splitlines()
    assert told[1:] == [
        f"  sends failed rows of run {first}",
        f"  failed rows went again in run {third}, {again}",
        "  failed  row 2 (line 3), row 2 of the first run  refused 400",
    ]
    listed = cli("runs", "list", "-o", "json").json["runs"]
    assert {run["run"]: run["parent"] for run in listed} == {run: parent for run, (parent, _) in family.items()}


def test_a_cell_that_was_mended_in_between_goes_under_the_same_key(cli: CommandLine, server: CapturingServer) -> None:
    refuse(server, 2, of=3)
    send(cli, "--rows", write("rows.csv", range(1, 4)))
    failed = cli("runs", "failed").out
    assert counts(send(cli, "--rows", "-", stdin=failed.replace("u2", "u2@example.com"))) == (1, 0, 0, 0)
    first, [again] = arrived(server)
    assert (again.user, again.key, again.insert_id) == ("u2@example.com", first[1].key, first[1].insert_id)


def test_failed_rows_may_be_kept_in_a_file_and_what_was_mended_in_it_stays(
    cli: CommandLine, server: CapturingServer
) -> None:
    refuse(server, 2, 3, of=3)
    send(cli, "--rows", write("rows.csv", range(1, 4)))
    Path("failed.csv").write_text(cli("runs", "failed").out.replace("u3", "mended"), "utf-8")
    refuse(server, 1, 2, of=2)
    assert counts(send(cli, "--rows", "failed.csv")) == (0, 2, 0, 0)
    refuse(server, 2, of=2)
    assert counts(send_failed(cli)) == (1, 1, 0, 0)
    assert counts(send_failed(cli)) == (1, 0, 0, 0)
    first, *_, last = arrived(server)
    assert [(event.user, event.key) for event in last] == [("mended", first[2].key)]


def test_rows_of_a_child_that_were_turned_away_go_by_a_resume_with_the_rows_of_its_parent(
    cli: CommandLine, server: CapturingServer
) -> None:
    refuse(server, 1, 2, 3, of=3)
    parent = send(cli, "--rows", write("rows.csv", range(1, 4))).json["run"]
    refuse(server, 1, 3, of=3, code=429)
    ended = send_failed(cli)
    assert counts(ended) == (1, 0, 0, 2)
    child = ended.json["run"]
    resume = f"runner runs failed {parent} | runner send --resume {child} --rows -"
    assert f"  {resume}\n      sends what is unknown or was not sent, under the same ids\n" in ended.err
    ended = cli("send", "--resume", child, "--rows", "-", "-o", "json", stdin=cli("runs", "failed", parent).out)
    assert counts(ended) == (3, 0, 0, 0)
    first, _, last = arrived(server)
    assert last == [first[0], first[2]]


@pytest.mark.parametrize("printed_by", ["another run of the same rows", "no run"])
def test_rows_of_a_child_that_have_other_ids_now_are_refused(
    printed_by: str, cli: CommandLine, server: CapturingServer
) -> None:
    for _ in range(2):
        refuse(server, 1, 3, of=3)
        send(cli, "--rows", write("rows.csv", range(1, 4)))
    parent, other = (run["run"] for run in cli("runs", "list", "-o", "json").json["runs"])
    server.answers.append((502, b"<html></html>"))
    ended = send_failed(cli, parent)
    assert counts(ended) == (0, 0, 2, 0)
    child = ended.json["run"]
    rows = cli("runs", "failed", other).out
    if printed_by == "no run":
        rows = "".join(line.partition(",")[2] for line in rows.splitlines(keepends=True))
    received = len(server.received)
    ended = cli("send", "--resume", "last", "--rows", "-", stdin=rows)
    whose = "no run" if printed_by == "no run" else f"run {other}"
    assert (ended.code, ended.out, ended.err) == (
        2,
        "",
        (
            f"error[rows-changed]: the rows are from {whose}, but run {child} began with rows from run {parent}\n"
            "  = resume with the same rows, or start a new run\n"
        ),
    )
    assert len(server.received) == received


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
def test_rows_of_a_child_go_by_a_resume_although_more_rows_of_its_parent_failed_meanwhile(
    name: str, cli: CommandLine, server: CapturingServer
) -> None:
    rows = [{"user": f"u{number}", "amount": number} for number in range(1, 7)]
    Path("rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    write("rows.csv", range(1, 7))
    no, slow_down = (
        {"status": "error", "status_code": code, "error": {"message": "no", "type": "x"}} for code in (400, 429)
    )
    server.answers.append((207, {"records": [slow_down, no, TAKEN, slow_down, no, no]}))
    parent = send(cli, "--rows", name).json["run"]
    server.answers.append((207, {"records": [TAKEN, slow_down, slow_down]}))
    child = send_failed(cli).json["run"]
    server.answers.append((207, {"records": [no, no]}))
    assert counts(cli("send", "--resume", parent, "-o", "json")) == (1, 5, 0, 0)
    ended = cli("send", "--resume", child, "--rows", "-", "-o", "json", stdin=cli("runs", "failed", parent).out)
    assert (ended.code, counts(ended)) == (0, (3, 0, 0, 0))
    assert [[event.user for event in request] for request in arrived(server)[1:]] == [
        ["u2", "u5", "u6"], ["u1", "u4"], ["u5", "u6"]
    ]  # fmt: skip


def test_an_auto_key_counts_once_although_a_chain_of_runs_sent_its_row(
    cli: CommandLine, server: CapturingServer
) -> None:
    """What somebody does who can't tell which of the failed rows went through meanwhile: all of them once more."""
    refuse(server, *range(1, 51), of=100)
    first = send(cli, "--rows", write("rows.csv", range(1, 101))).json["run"]
    refuse(server, *range(26, 51), of=50)
    assert counts(send_failed(cli, first)) == (25, 25, 0, 0)
    assert counts(send_failed(cli, first)) == (50, 0, 0, 0)
    assert len({event.key for request in arrived(server) for event in request}) == 100


@pytest.mark.parametrize("name", ["rows.parquet", "rows.jsonl", "rows.json", "rows.tsv"])
def test_rows_of_every_format_keep_their_ids(name: str, cli: CommandLine, server: CapturingServer) -> None:
    rows = [{"user": f"u{number}", "amount": number} for number in range(1, 4)]
    if name == "rows.parquet":
        parquet, pa = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
        parquet.write_table(pa.Table.from_pylist(rows), name)
    elif name == "rows.tsv":
        Path(name).write_text("user\tamount\nu1\t1\nu2\t2\nu3\t3\n")
    else:
        Path(name).write_text(json.dumps(rows) if name == "rows.json" else "\n".join(map(json.dumps, rows)))
    refuse(server, 1, 3, of=3)
    assert send(cli, "--rows", name).code == 1
    assert counts(send_failed(cli)) == (2, 0, 0, 0)
    first, second = arrived(server)
    assert second == [first[0], first[2]]


@pytest.mark.parametrize("given", [("--ignore-extra",), ("--var", "extra=y")])
def test_failed_rows_that_were_put_into_parquet_with_columns_that_do_not_count_keep_their_ids(
    given: tuple[str, ...], cli: CommandLine, server: CapturingServer
) -> None:
    parquet, pa = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    if "--var" in given:
        Path("purchase.yaml").write_text(SPEC.replace("vars:\n", "vars:\n  extra: {type: string, default: x}\n"))
    refuse(server, 1, 3, of=3)
    send(cli, "--rows", write("rows.csv", range(1, 4)))
    rows = [{**row, "amount": int(row["amount"]), "extra": "x"} for row in cli("runs", "failed", "-o", "json").json]
    parquet.write_table(pa.Table.from_pylist(rows), "failed.parquet")
    assert counts(send(cli, "--rows", "failed.parquet", *given)) == (2, 0, 0, 0)
    first, second = arrived(server)
    assert [(event.user, event.key, event.insert_id) for event in second] == [
        (event.user, event.key, event.insert_id) for event in (first[0], first[2])
    ]


def test_rows_are_rendered_with_the_ids_under_which_they_would_go(cli: CommandLine, server: CapturingServer) -> None:
    refuse(server, 2, of=2)
    send(cli, "--rows", write("rows.csv", range(1, 3)))
    rendered = cli("render", "purchase.yaml", "--rows", "-", "-o", "json", stdin=cli("runs", "failed").out)
    [event] = rendered.json
    assert event["$insert_id"] == arrived(server)[0][1].insert_id


ONE_AT_A_TIME = (
    "  = send the output of 'runner runs failed RUN' for one run at a time; without this column they are new rows\n"
)


def test_rows_of_two_runs_end_where_the_second_one_begins(cli: CommandLine, server: CapturingServer) -> None:
    printed = []
    for name in ("one.csv", "two.csv"):
        refuse(server, 2, of=2)
        send(cli, "--rows", write(name, range(1, 3)))
        printed.append(cli("runs", "failed").out)
    one, two = (RUN.findall(text)[0] for text in printed)
    server.received.clear()
    ended = send(cli, "--rows", "-", stdin=printed[0] + printed[1].partition("\n")[2])
    assert (ended.code, len(arrived(server)[0])) == (2, 1)
    message = f"error[row-origin]: row 2 is of run {two}, and the rows before it are of run {one}\n"
    assert ended.err.startswith(message + ONE_AT_A_TIME)
    assert "--resume" not in ended.err


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("$row,user\n7,u1\n", "row 1 must have RUN:ROW in the column $row, which is reserved for failed rows"),
        ("$row,user\n,u1\n", "row 1 must have RUN:ROW in the column $row, which is reserved for failed rows"),
        ('{"user": "u1"}\n{"$row": "20260102-030405-0000:1", "user": "u1"}\n',
         "row 2 is of run 20260102-030405-0000, and the rows before it are of no run"),
        ('{"$row": 7, "user": "u1"}\n', "row 1 must have RUN:ROW in the column $row, which is reserved for failed rows"),
    ],
)  # fmt: skip
def test_a_mark_that_names_no_row_is_refused(rows: str, message: str, cli: CommandLine) -> None:
    ended = cli("send", "purchase.yaml", "--rows", "-", stdin=rows)
    assert (ended.code, ended.err.partition("\n")[0]) == (2, f"error[row-origin]: {message}")


def test_rows_of_a_run_that_another_ledger_has_are_refused_before_anything_is_sent(
    cli: CommandLine, server: CapturingServer
) -> None:
    ended = cli("send", "purchase.yaml", "--rows", "-", stdin="$row,user\n20250101-000000-ffff:3,u1\n")
    assert (ended.code, ended.out, ended.err, server.received) == (
        2,
        "",
        (
            "error[row-origin]: the rows are those of run 20250101-000000-ffff, which is not in .runner/ledger.sqlite3\n"
            "  = name its ledger's folder with --state-dir or RUNNER_STATE_DIR, or remove the column $row to send "
            "them as new rows\n"
        ),
        [],
    )
    assert not Path(".runner").exists()


def test_a_row_that_could_not_be_read_where_it_was_piped_in_is_counted_and_the_others_are_printed(
    cli: CommandLine, server: CapturingServer
) -> None:
    refuse(server, 1, 2, of=2)
    send(cli, "--rows", write("rows.csv", range(1, 3)))
    refuse(server, 1, of=1)
    assert counts(send(cli, "--rows", "-", stdin=cli("runs", "failed").out.replace("u2,2", "u2"))) == (0, 2, 0, 0)
    failed = cli("runs", "failed")
    assert (failed.code, len(failed.out.splitlines()), failed.err) == (
        0,
        2,
        "1 of the failed rows can't be read: mend them in rows.csv\n",
    )


def test_all_rows_that_were_not_accepted_are_shown(cli: CommandLine, server: CapturingServer) -> None:
    """A run of 2,500 rows: refused, turned away, and never begun."""
    refusal = {"status": "error", "error": {"message": "no", "type": "x"}}
    server.answers.extend([(400, refusal)] * 15 + [(207, {"records": [TAKEN] * 100})] + [(429, refusal)])
    ended = send(cli, "--rows", write("rows.csv", range(1, 2_501)), "--max-failures", "1600")
    assert counts(ended) == (100, 1_500, 0, 900)
    told = cli("runs", "show", "-o", "json").json
    states = [(row["row"], row["state"], row["code"]) for row in told["failures"]]
    assert states == [
        *((row, "failed", "refused") for row in range(1, 1_501)),
        *((row, "not_sent", "rate-limited") for row in range(1_601, 1_701)),
    ]
    run, *failures = map(json.loads, cli("runs", "show", "-o", "jsonl").out.splitlines())
    assert run | {"failures": failures} == told
    lines = cli("runs", "show").out.splitlines()
    assert lines[1:3] == ["  1,500 x failed  refused 400", "  100 x not sent  rate-limited 429"]
    assert (len(lines), lines[-1]) == (104, "  … 1,500 more: --all shows them, -o json too")
    lines = cli("runs", "show", "--all").out.splitlines()
    assert (len(lines), lines[-1]) == (1_603, "  not sent  row 1,700 (line 1,701)  rate-limited 429")
