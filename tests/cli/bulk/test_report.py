"""`send --rows --html` and `runs report`: what a report of a run has, and where it is not written."""

from __future__ import annotations

import html
import json
import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.bulk.conftest import REFUSAL, RUN, SECRET_SPEC, send, typed, write

if TYPE_CHECKING:
    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer

ROWS = "user,order,amount\nu1,1,5\nu2,2,7\nu3,x,7\nu4,y,9\nu5,5,5\n"


def data_of(path: str) -> list[dict[str, str]]:
    """Return the rows of the table of failures."""
    found = re.search(r'id="data">(.*?)</script>', Path(path).read_text(), re.DOTALL)
    assert found is not None
    data: Any = json.loads(found[1])
    return [dict(zip(data["columns"], (data["texts"][cell] for cell in row[:-1]), strict=True)) for row in data["rows"]]


def titles_of(path: str) -> list[str]:
    return re.findall(r"<h2[^>]*>(.*?)</h2>", Path(path).read_text())


def bars_of(path: str, title: str) -> list[tuple[str, ...]]:
    section = Path(path).read_text().partition(f"<h2>{title}</h2>")[2].partition("</section>")[0]
    return re.findall(r'label">(.*?)</span><span class="value">(.*?)<span class="note">(.*?)</span>', section)


def test_a_run_is_reported_when_it_is_sent_and_later(cli: CommandLine) -> None:
    ended = send(cli, "--rows", write("rows.csv", ROWS), "--html", "run.html", "--by", "amount", "--results", "r.jsonl")
    assert (ended.code, ended.err[-1]) == (2, "report: run.html")
    assert titles_of("run.html") == [
        "Time to the answer", "Sizes of events", "Why rows were not accepted", "Not accepted by amount", "Retries",
        "Rows that were not accepted (2)", "Environment",
    ]  # fmt: skip
    assert data_of("run.html") == [
        {"Row": f"row {row} (line {row + 1})", "State": "failed", "Code": "var-schema", "Status": "", "Attempts": "0",
         "What": f"variable 'order': the value is '{text}', which does not match ^[0-9]+$"}
        for row, text in ((3, "x"), (4, "y"))
    ]  # fmt: skip
    assert bars_of("run.html", "Not accepted by amount") == [
        ("7", "1", "50.0% of 2"), ("9", "1", "100.0% of 1"), ("5", "0", "0.0% of 2"),
    ]  # fmt: skip
    assert typed(cli, "runs", "report", "last", "--html", "later.html", "--by", "amount")[:3] == (
        0,
        [],
        ["report: later.html"],
    )
    assert data_of("later.html") == data_of("run.html")
    assert typed(cli, "runs", "report").err == ["report: run-RUN.html"]


def test_without_a_file_of_results_a_report_has_the_variable(cli: CommandLine) -> None:
    send(cli, "--rows", write("rows.csv", ROWS), "--html", "run.html")
    assert [row["What"] for row in data_of("run.html")] == ["variable order"] * 2


def test_messages_of_a_file_that_a_later_run_wrote_are_left_out(cli: CommandLine) -> None:
    send(cli, "--rows", write("rows.csv", ROWS), "--results", "r.jsonl")
    send(cli, "--rows", write("rows.csv", ROWS), "--results", "r.jsonl")
    first = RUN.findall(cli("runs", "list").out)[-1]
    typed(cli, "runs", "report", first, "--html", "first.html")
    assert {row["What"] for row in data_of("first.html")} == {"variable order"}


def test_a_file_of_results_that_is_a_pipe_by_now_is_not_waited_for(cli: CommandLine) -> None:
    send(cli, "--rows", write("rows.csv", ROWS), "--results", "r.jsonl")
    Path("r.jsonl").unlink()
    os.mkfifo("r.jsonl")
    assert typed(cli, "runs", "report", "last", "--html", "run.html").code == 0
    assert {row["What"] for row in data_of("run.html")} == {"variable order"}


def test_refused_rows_have_their_status(cli: CommandLine, server: CapturingServer) -> None:
    server.answers.append((404, REFUSAL))
    send(cli, "--rows", write("rows.csv", "user\nu1\n"), "--html", "run.html")
    [row] = data_of("run.html")
    assert (row["Code"], row["Status"], row["Attempts"]) == ("refused", "404", "1")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--html", "rows.csv"), "error[usage]: --html rows.csv: this file exists, and is not a report"),
        (("--html", "nowhere/a.html"), "error[usage]: --html nowhere/a.html: there is no folder nowhere"),
        (("--html", "."), "error[usage]: --html .: it is a folder"),
        (("--html", "-"), "error[usage]: --html -: a report is written to a file"),
        (("--html", "pipe"), "error[usage]: --html pipe: this file exists, and is not a report"),
        (("--by", "user"), "error[usage]: --by needs --html: it adds a plot to the report"),
        (("--html", "a.html", "--by", "usr"), "error[usage]: --by usr: the rows have no such column"),
        (("--html", "a.html", "-n"), "error[usage]: --html reports a run, and --dry-run sends nothing"),
    ],
)
def test_what_can_not_be_reported_is_refused_before_anything_is_sent(
    cli: CommandLine, server: CapturingServer, args: tuple[str, ...], message: str
) -> None:
    os.mkfifo("pipe")
    ended = send(cli, "--rows", write("rows.csv", ROWS), *args)
    assert (ended.code, ended.err[0], server.received) == (64, message, [])
    assert Path("rows.csv").read_text() == ROWS


def test_secret_columns_and_piped_rows_are_not_counted_by_value(cli: CommandLine, server: CapturingServer) -> None:
    rows, secret = write("rows.csv", "user,token\nu1,s3cr3t-1\n"), write("secret.yaml", SECRET_SPEC)
    args = ("--html", "a.html", "--by")
    hidden = send(cli, "--rows", rows, *args, "token", spec=secret)
    assert (hidden.code, hidden.err[-1]) == (64, "error[usage]: --by token: the values of this column may be secret")
    piped = send(cli, "--rows", "-", *args, "order", stdin=ROWS)
    assert (piped.code, piped.err[0]) == (
        2,
        "error[rows-gone]: --by reads the rows again, and these came from the standard input",
    )
    assert server.received == []


def test_rows_that_a_run_did_not_reach_are_not_counted_by_value(cli: CommandLine, server: CapturingServer) -> None:
    server.answers += [(207, {"records": [{"status": "success"}] * 100}), (401, b"")]
    rows = write("rows.csv", "user,amount\n" + "".join(f"u{number},5\n" for number in range(1000)))
    ended = send(cli, "--rows", rows, "--html", "run.html", "--by", "amount", "--processes", "1")
    assert ended.code == 3
    [(value, count, share)] = bars_of("run.html", "Not accepted by amount")
    reached = int(share.rpartition(" ")[2])
    assert (value, int(count), reached < 1000) == ("5", reached - 100, True)
    assert "Rows that the run has not reached are left out." in Path("run.html").read_text()


@pytest.mark.parametrize("is_later", [False, True])
def test_credentials_that_a_row_quotes_are_masked(cli: CommandLine, is_later: bool) -> None:
    rows = write("rows.csv", "user,order\nu1,the-workspace-secret\n")
    send(cli, "--rows", rows, "--html", "run.html", "--by", "order", "--results", "r.jsonl")
    if is_later:
        typed(cli, "runs", "report", "last", "--html", "run.html", "--by", "order")
    text = Path("run.html").read_text()
    assert ("the-workspace-secret" in text, bars_of("run.html", "Not accepted by order")) == (
        False,
        [("***", "1", "100.0% of 1")],
    )


def test_the_command_that_lists_all_finds_the_ledger(cli: CommandLine) -> None:
    rows = write("rows.csv", "user,order\n" + "".join(f"u{number},x\n" for number in range(6000)))
    send(cli, "--rows", rows, "--state-dir", "state dir", "--html", "run.html")
    cli("runs", "report", "last", "--state-dir", "state dir", "--html", "later.html")
    for file in ("run.html", "later.html"):
        told = re.search(r"are listed here; (runner runs show .*?) lists all", Path(file).read_text())
        assert told is not None
        shown = cli(*shlex.split(html.unescape(told[1]))[1:], "-o", "json")
        assert len(shown.json["failures"]) == 6000


def test_a_report_replaces_an_older_one(cli: CommandLine) -> None:
    for rows in (ROWS, "user\nu1\n"):
        send(cli, "--rows", write("rows.csv", rows), "--html", "run.html")
    assert data_of("run.html") == []
