"""Rows of several files: `--rows` with folders, patterns and more than one file, from the check to a resume."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from tests.cli.bulk.conftest import REFUSAL, send, sent, typed

if TYPE_CHECKING:
    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer


def export(name: str, *rows: str, header: str = "user,order") -> None:
    path = Path("exports") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n")


@pytest.fixture
def exports(cli: CommandLine) -> CommandLine:
    export("may.csv", "u1,1", "u2,x2")
    export("june.csv", *(f"u{number},{number}" for number in range(3, 253)))
    export("july.csv", "x,u253", header="order,user")
    return cli


def test_each_row_of_each_file_is_sent_once(exports: CommandLine, server: CapturingServer) -> None:
    ended = send(exports, "--rows", "exports", "--results", "results.jsonl")
    assert ended.code == 2
    assert ended.out == [
        "failed  row 1 (exports/july.csv line 2)  var-schema  variable 'order': the value is 'x', which does not match ^[0-9]+$",
        "failed  row 253 (exports/may.csv line 3)  var-schema  variable 'order': the value is 'x2', which does not match ^[0-9]+$",
        "253 rows: 251 accepted, 2 failed, 0 unknown, 0 not sent · … s, …/s · run RUN",
    ]
    assert sorted(sent(server)) == sorted((f"u{n}", str(n), 10) for n in range(1, 253) if n != 2)
    lines = [json.loads(line) for line in Path("results.jsonl").read_text().splitlines()]
    assert [(line["row"], line["file"], line["row_in_file"], line["line"]) for line in lines] == [
        (1, "exports/july.csv", 1, 2),
        *((row, "exports/june.csv", row - 1, row) for row in range(2, 252)),
        (252, "exports/may.csv", 1, 2),
        (253, "exports/may.csv", 2, 3),
    ]


def test_the_failed_rows_of_a_run_are_shown_and_printed_with_their_files(exports: CommandLine) -> None:
    send(exports, "--rows", "exports/m*.csv", "--rows", "exports/july.csv")
    shown = typed(exports, "runs", "show", "last")
    assert shown.out == [
        "RUN  2026-01-02 03:04:05 UTC  finished     1 accepted, 2 failed, 0 unknown, 0 not sent of 3  purchase.yaml x exports/m*.csv and exports/july.csv",
        "  failed  row 2 (exports/may.csv line 3)  var-schema",
        "  failed  row 3 (exports/july.csv line 2)  var-schema",
    ]
    as_json = json.loads(typed(exports, "runs", "show", "last", "-o", "json").raw)
    assert as_json["rows"] == ["exports/m*.csv", "exports/july.csv"]
    assert [(row["row"], row["file"], row["row_in_file"], row["line"]) for row in as_json["failures"]] == [
        (2, "exports/may.csv", 2, 3), (3, "exports/july.csv", 1, 2),
    ]  # fmt: skip
    printed = typed(exports, "runs", "failed", "last").out
    assert printed == ["$row,user,order", "RUN:2,u2,x2", "RUN:3,u253,x"]


def test_failed_rows_are_mended_and_sent_again_from_one_file_only(
    exports: CommandLine, server: CapturingServer
) -> None:
    send(exports, "--rows", "exports/may.csv", "--rows", "exports/july.csv")
    failed = typed(exports, "runs", "failed", "last").raw.replace("x2", "2").replace(",x", ",253")
    server.received.clear()
    assert send(exports, "--rows", "-", stdin=failed).code == 0
    assert sent(server) == [("u2", "2", 10), ("u253", "253", 10)]
    for name in ("a.csv", "b.csv"):
        Path(name).write_text(failed)
    refused = send(exports, "--rows", "a.csv", "--rows", "b.csv")
    assert (refused.code, refused.err[0]) == (
        2, "error[row-origin]: rows with the column $row must come from one file",
    )  # fmt: skip


def test_a_dry_run_finds_keys_that_two_files_share(exports: CommandLine) -> None:
    export("again/june.csv", "u7,7")
    ended = send(exports, "--rows", "exports/june.csv", "--rows", "exports/again", "--dry-run")
    assert ended.code == 0
    assert ended.out[0] == (
        "same key  row 251 (exports/again/june.csv row 1) has the key of row 5 (exports/june.csv row 5): the platform would count one"
    )


def test_keys_are_checked_before_the_first_row(exports: CommandLine, server: CapturingServer) -> None:
    export("again/june.csv", "u7,7", "u253,253")
    given = ("--rows", "exports/june.csv", "--rows", "exports/again", "--check-keys", "--results", "results.jsonl")
    ended = send(exports, *given)
    assert (ended.code, ended.out, ended.err) == (
        2,
        ["same key  row 251 (exports/again/june.csv row 1) has the key of row 5 (exports/june.csv row 5): the platform would count one"],
        ["1 repeats the key of another row: nothing sent"],
    )  # fmt: skip
    assert (server.received, Path("results.jsonl").exists(), Path(".runner").exists()) == ([], False, False)
    export("again/june.csv", "u253,253")
    assert send(exports, *given).code == 0
    assert len(sent(server)) == 251
    assert len(Path("results.jsonl").read_text().splitlines()) == 251


def test_keys_of_a_pipe_or_of_a_resume_are_not_checked(stopped: CommandLine) -> None:
    piped = send(stopped, "--rows", "-", "--check-keys", stdin="user\nu1\n")
    assert piped.err == ["error[usage]: --check-keys reads the rows twice, and a pipe can be read once"]
    resumed = typed(stopped, "send", "--resume", "last", "--check-keys")
    assert (
        resumed.err[0]
        == "error[usage]: --resume can't be used with --check-keys: its rows are those that the run began with"
    )


@pytest.fixture
def stopped(exports: CommandLine, server: CapturingServer) -> CommandLine:
    """Begin a run that stops when its first 100 rows have failed."""
    server.answers.append((404, REFUSAL))
    assert send(exports, "--rows", "exports/j*.csv", "--max-failures", "50").code == 1
    server.received.clear()
    return exports


def test_a_resume_sends_the_rest_of_the_files_that_there_were(stopped: CommandLine, server: CapturingServer) -> None:
    export("january.csv", "u0,0")
    ended = typed(stopped, "send", "--resume", "last", "--concurrency", "1")
    assert ended.out[-1].startswith("251 rows: 151 accepted, 100 failed, 0 unknown, 0 not sent")
    assert sent(server) == [(f"u{n}", str(n), 10) for n in range(102, 253)]


def test_a_resume_works_from_another_folder(
    stopped: CommandLine, server: CapturingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("exports")
    ended = typed(stopped, "send", "--resume", "last", "--state-dir", "../.runner", "--rows", "j*.csv")
    assert ended.out[-1].startswith("251 rows: 151 accepted, 100 failed")
    assert len(sent(server)) == 151


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        (["june.csv"], "the file exports/june.csv"),
        (["june.csv", "july.csv"], "the files exports/july.csv and exports/june.csv"),
    ],
)
def test_a_resume_names_the_files_that_changed(changes: list[str], names: str, stopped: CommandLine) -> None:
    for name in changes:
        export(name, "u3,4", header="order,user")
    ended = typed(stopped, "send", "--resume", "last")
    assert (ended.code, ended.err) == (
        2,
        [
            f"error[run-changed]: {names} changed since run RUN began",
            "  = resume with the original inputs, or start a new run",
        ],
    )


def test_a_resume_misses_a_file_that_is_gone(stopped: CommandLine) -> None:
    Path("exports/june.csv").unlink()
    ended = typed(stopped, "send", "--resume", "last")
    assert (ended.code, ended.err[0]) == (4, "error[file-not-found]: no such file: exports/june.csv")


@pytest.mark.parametrize("others", [("exports/june.csv",), ("exports/j*.csv", "exports/may.csv"), ("exports",)])
def test_a_resume_takes_no_other_rows(others: tuple[str, ...], stopped: CommandLine) -> None:
    given = [arg for name in others for arg in ("--rows", name)]
    ended = typed(stopped, "send", "--resume", "last", *given)
    assert (ended.code, ended.err[0]) == (
        64, "error[usage]: a resume can't use another file of rows: run RUN began with exports/j*.csv",
    )  # fmt: skip


def test_the_rest_after_a_damaged_file_is_sent_with_all_files(exports: CommandLine, server: CapturingServer) -> None:
    Path("exports/june.csv").write_text('user,order\nu3,3\nu4,"4\n')
    ended = send(exports, "--rows", "exports/may.csv", "--rows", "exports/june.csv")
    assert (ended.code, ended.err[0]) == (2, "error[rows-syntax]: the quote that opens here is never closed")
    [again] = [line for line in ended.err if "--offset" in line]
    assert again == "  runner send purchase.yaml --rows exports/may.csv --rows exports/june.csv --offset 3"
    assert len(sent(server)) == 2


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_folders_give_variables_of_their_types(suffix: str, cli: CommandLine, server: CapturingServer) -> None:
    for amount, user in ((5, "u1"), (6.5, "u2")):
        folder = Path(f"exports/amount={amount}/order=0{int(amount)}")
        folder.mkdir(parents=True)
        if suffix == ".parquet":
            pq.write_table(pa.table({"user": [user]}), folder / "a.parquet")
        else:
            (folder / f"a{suffix}").write_text(f"user\n{user}\n" if suffix == ".csv" else f'{{"user": "{user}"}}\n')
    assert send(cli, "--rows", "exports").code == 0
    assert sent(server) == [("u1", "05", 5), ("u2", "06", 6.5)]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_folder_s_column_without_a_variable_is_an_error_as_any_column(
    suffix: str, cli: CommandLine, server: CapturingServer
) -> None:
    folder = Path("exports/orders=1")
    folder.mkdir(parents=True)
    (folder / f"a{suffix}").write_text("user\nu1\n" if suffix == ".csv" else '{"user": "u1"}\n')
    ended = send(cli, "--rows", "exports")
    assert (ended.code, ended.err[:2]) == (
        2, ["error[unknown-column]: there is no variable for the column 'orders'", "  = did you mean 'order'?"],
    )  # fmt: skip
    assert send(cli, "--rows", "exports", "--ignore-extra").code == 0
    assert sent(server) == [("u1", "1001", 10)]


def test_a_flag_takes_precedence_over_a_folder(cli: CommandLine, server: CapturingServer) -> None:
    export("order=1/a.csv", "u1", header="user")
    export("order=2/a.csv", "u2", header="user")
    assert send(cli, "--rows", "exports", "--var", "order=9").code == 0
    assert sent(server) == [("u1", "9", 10), ("u2", "9", 10)]


def test_results_must_not_be_one_of_the_files(cli: CommandLine) -> None:
    Path("exports").mkdir()
    Path("exports/a.jsonl").write_text('{"user": "u1"}\n')
    ended = send(cli, "--rows", "exports", "--results", "exports/a.jsonl")
    assert (ended.code, ended.err[0]) == (64, "error[usage]: --results exports/a.jsonl: the run reads this file")


def test_a_thousand_files_are_read_with_few_descriptors(cli: CommandLine, server: CapturingServer) -> None:
    for number in range(1000):
        export(f"{number:04}.csv", f"u{number},{number}")
    assert send(cli, "--rows", "exports").code == 0
    assert sent(server) == [(f"u{number}", str(number), 10) for number in range(1000)]


def test_decimals_of_parquet_are_numbers_where_the_spec_declares_one(cli: CommandLine, server: CapturingServer) -> None:
    amounts = [Decimal("12.50"), Decimal("-1.00"), Decimal("0.10")]
    pq.write_table(pa.table({"user": ["a", "b", "c"], "order": ["1", "2", "3"], "amount": amounts}), "rows.parquet")
    assert send(cli, "--rows", "rows.parquet").code == 2
    assert sent(server) == [("a", "1", 12.5), ("c", "3", 0.1)]
    failed = typed(cli, "runs", "failed", "last").raw
    server.received.clear()
    assert send(cli, "--rows", "-", stdin=failed.replace("-1.0", "1.0")).code == 0
    assert sent(server) == [("b", "2", 1.0)]
    pq.write_table(pa.table({"user": ["d"], "order": ["4"], "amount": [Decimal("7.25")]}), "more.parquet")
    server.received.clear()
    assert send(cli, "--rows", "more.parquet", "--rows", "rows.parquet", "--limit", "1").code == 0
    assert sent(server) == [("d", "4", 7.25)]
