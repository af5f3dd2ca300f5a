"""Rows of a query: `--query` with files and databases, from the check to a resume and to the rows that failed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from tests.cli.bulk.conftest import REFUSAL, SECRET_SPEC, send, sent, typed, write
from tests.processes import Preloaded
from tests.pytest_projects import CLEAN

if TYPE_CHECKING:
    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer

ALL = 'SELECT user, "order", amount FROM orders ORDER BY id'


def warehouse(rows: int = 250, change: str = "") -> str:
    """Write a database with orders of which every hundredth one is wrong."""
    with duckdb.connect("warehouse.duckdb") as connection:
        connection.execute(
            "CREATE OR REPLACE TABLE orders AS SELECT i AS id, 'u' || i AS user, CASE WHEN i % 100 = 7 THEN 'x' ELSE '' END || i AS \"order\", "
            f"(i / 2)::DECIMAL(10, 2) AS amount, 1 AS tie FROM range(1, {rows + 1}) t(i) {change}"
        )
    return "warehouse.duckdb"


@pytest.fixture
def stopped(cli: CommandLine, server: CapturingServer) -> CommandLine:
    """Begin a run that stops when its first 100 rows have failed."""
    server.answers.append((404, REFUSAL))
    assert send(cli, "--rows", warehouse(), "--query", ALL, "--max-failures", "50").code == 1
    server.received.clear()
    return cli


def test_each_row_of_a_query_is_sent_once(cli: CommandLine, server: CapturingServer) -> None:
    ended = send(cli, "--rows", warehouse(), "--query", ALL, "--results", "results.jsonl")
    assert ended.code == 2
    assert (
        ended.out[0] == "failed  row 7  var-schema  variable 'order': the value is 'x7', which does not match ^[0-9]+$"
    )
    assert ended.out[-1] == "250 rows: 247 accepted, 3 failed, 0 unknown, 0 not sent · … s, …/s · run RUN"
    assert sent(server) == [(f"u{n}", str(n), n / 2) for n in range(1, 251) if n % 100 != 7]
    lines = [json.loads(line) for line in Path("results.jsonl").read_text().splitlines()]
    assert [line["row"] for line in lines] == list(range(1, 251))


def test_files_are_the_table_rows(cli: CommandLine, server: CapturingServer) -> None:
    for month, users in (("may", ["a", "b"]), ("june", ["c", "d"])):
        pq.write_table(pa.table({"user": users, "amount": [1.5, 20.0], "note": ["", ""]}), f"{month}.parquet")
    query = "select user, amount from rows where amount > 10 order by user"
    assert send(cli, "--rows", "*.parquet", "--query", query).code == 0
    assert sent(server) == [("b", "1001", 20.0), ("d", "1001", 20.0)]


def test_a_text_is_read_as_the_spec_declares_the_variable(cli: CommandLine, server: CapturingServer) -> None:
    query = "SELECT user, amount, \"order\" FROM rows WHERE user <> 'u3' AND amount <> '-1' ORDER BY user"
    assert send(cli, "--rows", "five.csv", "--query", query).code == 0
    assert sent(server) == [("u1", "1", 5), ("u2", "2", 6.5)]


def test_a_dry_run_and_render_run_the_query_and_send_nothing(cli: CommandLine, server: CapturingServer) -> None:
    ended = send(cli, "--rows", warehouse(), "--query", ALL, "--dry-run")
    assert ended.out[-1].startswith("250 rows: 247 valid, 3 invalid")
    ended = typed(
        cli,
        "render",
        "purchase.yaml",
        "--rows",
        "warehouse.duckdb",
        "--query",
        ALL,
        "--offset",
        "1",
        "--limit",
        "2",
        "-o",
        "jsonl",
    )
    assert [json.loads(line)["distinct_id"] for line in ended.out] == ["u2", "u3"]
    assert server.received == []


def test_columns_without_a_variable_are_refused_or_dropped(cli: CommandLine, server: CapturingServer) -> None:
    refused = send(cli, "--rows", warehouse(2), "--query", "FROM orders ORDER BY id")
    assert [line for line in refused.err if line.startswith("error")] == [
        "error[unknown-column]: there is no variable for the column 'id'",
        "error[unknown-column]: there is no variable for the column 'tie'",
    ]
    assert send(cli, "--rows", "warehouse.duckdb", "--query", "FROM orders ORDER BY id", "--ignore-extra").code == 0
    assert len(sent(server)) == 2


def test_a_query_without_rows_says_so(cli: CommandLine) -> None:
    ended = send(cli, "--rows", warehouse(), "--query", f"{ALL} LIMIT 0", "--dry-run")
    assert "no rows in warehouse.duckdb" in ended.err


def test_query_goes_with_files(cli: CommandLine) -> None:
    ended = typed(cli, "send", "purchase.yaml", "--query", ALL)
    assert (ended.code, ended.err) == (64, ["error[usage]: --query needs the rows of a file", "  = add --rows FILE"])


# A resume


def test_a_resume_runs_the_query_again(stopped: CommandLine, server: CapturingServer) -> None:
    ended = typed(stopped, "send", "--resume", "last", "--concurrency", "1")
    assert ended.out[-1].startswith("250 rows: 148 accepted, 102 failed, 0 unknown, 0 not sent")
    assert sent(server) == [(f"u{n}", str(n), n / 2) for n in range(101, 251) if n % 100 != 7]


def test_a_resume_takes_the_same_query_and_no_other(stopped: CommandLine, server: CapturingServer) -> None:
    other = typed(stopped, "send", "--resume", "last", "--query", f"{ALL} DESC")
    assert (other.code, server.received) == (64, [])
    assert other.err == [
        f"error[usage]: a resume can't use another query: run RUN began with {ALL}",
        "  = omit it, or start a new run",
    ]
    assert (
        typed(stopped, "send", "--resume", "last", "--rows", "warehouse.duckdb", "--query", ALL)
        .out[-1]
        .startswith("250 rows")
    )


def test_a_resume_refuses_a_changed_database_by_its_name(stopped: CommandLine, server: CapturingServer) -> None:
    warehouse(rows=251)
    ended = typed(stopped, "send", "--resume", "last")
    assert (ended.code, server.received) == (2, [])
    assert ended.err[0] == "error[run-changed]: the file warehouse.duckdb changed since run RUN began"


def test_rows_that_come_in_another_order_are_found_and_not_sent_twice(
    cli: CommandLine, server: CapturingServer
) -> None:
    """The order of rows that the query does not tell apart may change with DuckDB; here it changes each time."""
    server.answers.append((404, REFUSAL))
    query = 'SELECT user, "order", amount FROM orders WHERE id % 100 <> 7 ORDER BY tie, random()'
    assert send(cli, "--rows", warehouse(), "--query", query, "--max-failures", "50").code == 1
    server.received.clear()
    ended = typed(cli, "send", "--resume", "last")
    assert (ended.code, server.received) == (2, [])
    assert ended.err[:2] == [
        "error[rows-changed]: the rows from 1 on are not the ones that the run began with",
        "  = order the query by columns that no two rows share, and start a new run",
    ]


# Rows that failed


def test_failed_rows_are_printed_and_sent_again(cli: CommandLine, server: CapturingServer) -> None:
    send(cli, "--rows", warehouse(), "--query", ALL)
    server.received.clear()
    printed = typed(cli, "runs", "failed", "last", "-o", "jsonl")
    assert json.loads(printed.raw.splitlines()[0]) | {"$row": ""} == {
        "$row": "",
        "user": "u7",
        "order": "x7",
        "amount": 3.5,
    }
    assert send(cli, "--rows", "-", stdin=printed.raw.replace("x", "")).code == 0
    assert sent(server) == [("u7", "7", 3.5), ("u107", "107", 53.5), ("u207", "207", 103.5)]
    Path("mended.jsonl").write_text(printed.raw.replace("x", ""))
    again = send(
        cli, "--rows", "mended.jsonl", "--query", 'SELECT "$row", user, "order", amount FROM rows ORDER BY "$row"'
    )
    assert again.code == 0
    assert typed(cli, "runs", "show", "last").out[1] == "  sends failed rows of run RUN"


def test_failed_rows_of_a_query_that_gives_others_are_not_printed(cli: CommandLine) -> None:
    query = 'SELECT user, "order", amount FROM orders ORDER BY tie, random()'
    send(cli, "--rows", warehouse(), "--query", query)
    ended = typed(cli, "runs", "failed", "last")
    assert (ended.code, ended.raw) == (2, "")
    assert ended.err == [
        "error[rows-changed]: the rows from 1 on are not the ones that the run began with",
        "  = order the query by columns that no two rows share, and start a new run",
    ]


def test_failed_rows_with_secrets_can_not_be_compared(cli: CommandLine) -> None:
    write("secret.yaml", SECRET_SPEC)
    write("tokens.csv", "user,token\nu1,abcdefgh\n,abcdefgi\n")
    query = "SELECT user, token FROM rows ORDER BY token"
    send(cli, "--rows", "tokens.csv", "--query", query, spec="secret.yaml")
    ended = typed(cli, "runs", "failed", "last")
    assert (ended.code, ended.err) == (
        2,
        [
            "error[rows-gone]: run RUN has secrets in its rows, so those of its query can't be compared",
            "  = runner runs show RUN shows their numbers",
        ],
    )


def test_the_commands_for_the_rest_of_the_rows_have_the_query(cli: CommandLine) -> None:
    """A query that fails in the middle ends the run; the rest can be sent by a run of its own."""
    query = "SELECT user, CASE WHEN id > 150 THEN error('no more') ELSE amount END AS amount FROM orders ORDER BY id"
    ended = send(cli, "--rows", warehouse(), "--query", query)
    assert ended.code == 2
    assert ended.err[0] == "error[rows-query]: Invalid Input Error: no more"


def seconds_of_the_processor(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.slow
def test_an_interrupt_ends_a_query_at_once(cli: CommandLine) -> None:
    """No run has begun then: the query sorts all rows before the first one is sent."""
    Path("temporary").mkdir()
    environ = CLEAN | cli.environ | {"TMPDIR": str(Path("temporary").absolute())}
    query = "SELECT 'u' || i AS user FROM range(1000000000) t(i) ORDER BY hash(i)"
    command = ["runner", "send", "purchase.yaml", "--rows", "five.csv", "--query", query]
    with Preloaded(command, env=environ, stdout=-1, stderr=-1, text=True) as process:
        while seconds_of_the_processor(process.pid) < 1:  # nothing else takes that long
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "error[interrupted]: interrupted\n")
    assert not Path(".runner").exists()
    assert [*Path("temporary").iterdir()] == []
