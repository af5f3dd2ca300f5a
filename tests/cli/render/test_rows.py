"""Rows of a file with `runner render`: one document for each row."""

from __future__ import annotations

import gzip
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.render.conftest import NO_CREDENTIALS, SPECS, again

if TYPE_CHECKING:
    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer


ROWS_SPEC = """\
version: 1
vars:
  user: {type: string}
  order: {type: string, pattern: "^[0-9]+$", default: "1001"}
  amount: {type: number, minimum: 0, default: 10}
event: product_purchased
distinct_id: "{{ user }}"
idempotency_key: "{{ user }}-{{ order }}"
properties: {order: "{{ order }}", amount: "{{ amount }}"}
tests:
  - {name: frozen, vars: {user: u0, order: "7", amount: 7}, now: "2025-12-31T23:59:59Z", expect: {event: {}}}
"""


@pytest.fixture
def rows_spec(in_tmp: Path) -> Path:
    (in_tmp / "purchase.yaml").write_text(ROWS_SPEC)
    return in_tmp


def bodies(text: str) -> list[tuple[object, ...]]:
    """Give user, order and amount of each body."""
    events = [json.loads(line) for line in text.splitlines()]
    return [(event["distinct_id"], event["properties"]["order"], event["properties"]["amount"]) for event in events]


@pytest.mark.usefixtures("in_tmp")
def test_a_line_is_printed_for_each_row_and_is_what_send_sends(cli: CommandLine, server: CapturingServer) -> None:
    cli.environ |= {
        "SUPRSEND_WORKSPACE_KEY": "wk", "SUPRSEND_WORKSPACE_SECRET": "ws-0123456789", "SUPRSEND_BASE_URL": server.base_url,
    }  # fmt: skip
    shutil.copytree(SPECS[0].parent, "specs", ignore=shutil.ignore_patterns(".*"))
    rows = ("specs/purchase.yaml", "--rows", "specs/orders.csv", "--offset", "20", "--limit", "70")
    rendered = cli("render", *rows)
    assert (rendered.code, rendered.err, server.received) == (0, "", [])
    assert again(cli)("send", *rows, "--concurrency", "1").code == 0
    [request] = server.received
    assert b"[" + b",".join(rendered.out.encode().splitlines()) + b"]" == request.body


@pytest.mark.usefixtures("rows_spec")
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.tsv", b"user\torder\tamount\nu1\t1\t5\nu2\t2\t\n"),
        ("rows.csv", b"\xef\xbb\xbfuser,order,amount\r\nu1,1,5\r\nu2,2,"),
        ("rows.csv.gz", gzip.compress(b"user,order,amount\nu1,1,5\nu2,2,\n", 1, mtime=0)),
        ("rows.jsonl", b'{"user": "u1", "order": "1", "amount": 5}\n\n{"user": "u2", "order": "2"}'),
        ("rows.json", b'[{"user": "u1", "order": "1", "amount": 5},\n {"user": "u2", "order": "2"}]'),
        ("-", b"user,order,amount\nu1,1,5\nu2,2,\n"),
        ("-", b'[{"user": "u1", "order": "1", "amount": 5},\n {"user": "u2", "order": "2"}]'),
    ],
)
def test_rows_come_from_every_format_that_send_takes(cli: CommandLine, name: str, content: bytes) -> None:
    if name != "-":
        Path(name).write_bytes(content)
    ended = cli("render", "purchase.yaml", "--rows", name, stdin=content.decode() if name == "-" else "")
    assert (ended.code, ended.err) == (0, NO_CREDENTIALS)
    assert bodies(ended.out) == [("u1", "1", 5), ("u2", "2", 10)]


@pytest.mark.usefixtures("rows_spec")
@pytest.mark.parametrize(
    ("args", "users"),
    [
        (("--limit", "2"), ["u1", "u2"]),
        (("--offset", "3"), ["u4", "u5"]),
        (("--offset", "1", "--limit", "2"), ["u2", "u3"]),
        (("--offset", "9"), []),
    ],
)
def test_limit_and_offset_choose_the_rows_that_are_rendered(
    cli: CommandLine, args: tuple[str, ...], users: list[str]
) -> None:
    Path("rows.csv").write_text("user\n" + "".join(f"u{number}\n" for number in range(1, 6)))
    ended = cli("render", "purchase.yaml", "--rows", "rows.csv", *args)
    assert (ended.code, [user for user, *_ in bodies(ended.out)]) == (0, users)


@pytest.mark.usefixtures("rows_spec")
def test_columns_are_renamed_and_left_out_and_flags_stand_above_them(cli: CommandLine) -> None:
    Path("rows.csv").write_text("Customer Id,note,order,amount\nu1,hello,1,5\n")
    args = ("render", "purchase.yaml", "--rows", "rows.csv", "--map", "user=Customer Id")
    assert bodies(cli(*args, "--ignore-extra", "--var-json", "amount=0.5").out) == [("u1", "1", 0.5)]
    refused = cli(*args)
    assert (refused.code, refused.out, refused.err) == (
        2,
        "",
        (
            "error[unknown-column]: there is no variable for the column 'note'\n"
            "  = known here: user, order, amount\n"
            "    or rename it with --map VARIABLE=COLUMN, or ignore it with --ignore-extra\n"
        ),
    )


FIVE = "user,order,amount\nu1,1,5\nu2,0x2,6.50\nu3\n\nu4,4,-1\nu5,5,\n"


REJECTED = """\
error[var-schema]: variable 'order': the value is '0x2', which does not match ^[0-9]+$
 --> purchase.yaml:4:3
  |
4 |   order: {type: string, pattern: "^[0-9]+$", default: "1001"}
  |   ^^^^^
  = in row 2 (line 3): the value comes from column 'order'

error[row-columns]: 1 cell, but the header has 3 columns
 --> rows.csv:4:1
  = an empty cell needs a separator too, and a cell with a line break must be quoted
  = in row 3 (line 4)

error[var-schema]: variable 'amount': -1 is less than the minimum of 0
 --> purchase.yaml:5:3
  |
5 |   amount: {type: number, minimum: 0, default: 10}
  |   ^^^^^^
  = in row 4 (line 6): the value comes from column 'amount'
"""


@pytest.mark.usefixtures("rows_spec")
def test_a_row_that_makes_no_event_is_told_with_its_place_and_the_others_go_on(cli: CommandLine) -> None:
    Path("rows.csv").write_text(FIVE)
    ended = cli("render", "purchase.yaml", "--rows", "rows.csv")
    assert (ended.code, ended.err) == (2, REJECTED + NO_CREDENTIALS)
    assert bodies(ended.out) == [("u1", "1", 5), ("u5", "5", 10)]


@pytest.mark.usefixtures("rows_spec")
def test_a_row_of_a_file_without_lines_is_told_by_its_number(cli: CommandLine) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = pa.table({"user": ["u1", "u2", "u3"], "order": ["1", "2", "x"], "amount": [1.5, float("nan"), 3.0]})
    parquet.write_table(table, "rows.parquet")
    ended = cli("render", "purchase.yaml", "--rows", "rows.parquet", "-q")
    assert (ended.code, bodies(ended.out)) == (2, [("u1", "1", 1.5)])
    assert ended.err == (
        "error[row-json]: column 'amount': nan is not a JSON number\n"
        "  = in row 2\n"
        "\n"
        "error[var-schema]: variable 'order': the value is 'x', which does not match ^[0-9]+$\n"
        " --> purchase.yaml:4:3\n"
        "  |\n"
        '4 |   order: {type: string, pattern: "^[0-9]+$", default: "1001"}\n'
        "  |   ^^^^^\n"
        "  = in row 3: the value comes from column 'order'\n"
    )


@pytest.mark.usefixtures("rows_spec")
def test_json_of_rows_is_one_array_of_the_bodies_and_jsonl_a_line_each(cli: CommandLine) -> None:
    Path("rows.csv").write_text(FIVE)
    lines = cli("render", "purchase.yaml", "--rows", "rows.csv").out
    array = again(cli)("render", "purchase.yaml", "--rows", "rows.csv", "-o", "json")
    assert (array.code, array.err) == (2, REJECTED + NO_CREDENTIALS)
    assert array.out == "[\n" + ",\n".join(lines.splitlines()) + "\n]\n"
    assert array.json == [json.loads(line) for line in lines.splitlines()]
    assert again(cli)("render", "purchase.yaml", "--rows", "rows.csv", "-o", "jsonl").out == lines
    assert cli("render", "purchase.yaml", "--rows", "rows.csv", "--offset", "9", "-o", "json").json == []


@pytest.mark.usefixtures("rows_spec")
def test_json_of_rows_is_one_document_also_when_the_file_breaks_off(cli: CommandLine) -> None:
    Path("rows.csv").write_text('user\nu1\nu2\n"u3\n')
    ended = cli("render", "purchase.yaml", "--rows", "rows.csv", "-o", "json", "-q")
    assert (ended.code, [event["distinct_id"] for event in ended.json]) == (2, ["u1", "u2"])
    assert ended.err == (
        "error[rows-syntax]: the quote that opens here is never closed\n"
        " --> rows.csv:4:1\n"
        '  = a quote inside a cell is written twice: ""\n'
    )
    missing = cli("render", "purchase.yaml", "--rows", "row.csv", "-o", "json")
    assert (missing.code, [problem["code"] for problem in missing.json["problems"]]) == (4, ["file-not-found"])


@pytest.mark.usefixtures("rows_spec")
def test_pretty_rows_are_the_same_documents_indented(cli: CommandLine) -> None:
    Path("rows.csv").write_text("user\nu1\nu2\n")
    exact = cli("render", "purchase.yaml", "--rows", "rows.csv").out.splitlines()
    pretty = again(cli)("render", "purchase.yaml", "--rows", "rows.csv", "-o", "pretty").out
    assert pretty == "".join(json.dumps(json.loads(line), indent=2) + "\n" for line in exact)


@pytest.mark.usefixtures("rows_spec")
def test_rows_are_indented_on_a_terminal() -> None:
    Path("rows.csv").write_text("user\nu1\nu2\n")
    terminal, stdout = pty.openpty()
    lines: list[bytes] = []
    command = [sys.executable, "-m", "runner", "render", "purchase.yaml", "--rows", "rows.csv", "-q"]
    with subprocess.Popen(command, stdout=stdout):
        os.close(stdout)
        # Linux ends the reading so when nobody holds the terminal any more.
        with os.fdopen(terminal, "rb") as screen, suppress(OSError):
            lines.extend(screen)
    assert [line.strip() for line in lines if b"distinct_id" in line] == [
        b'"distinct_id": "u1",',
        b'"distinct_id": "u2",',
    ]
    assert lines.count(b"}\r\n") == 2


@pytest.mark.usefixtures("rows_spec")
def test_the_secret_of_a_row_is_starred_in_its_body_and_in_what_is_wrong_with_it(cli: CommandLine) -> None:
    Path("leaky.yaml").write_text(
        "version: 1\n"
        "vars: {user: {type: string}, token: {type: string, secret: true}}\n"
        "event: leaky\n"
        'distinct_id: "{{ user }}"\n'
        'properties: {plain: "{{ token }}", url: "https://x.example.com/?t={{ token | urlencode }}"}\n'
        'schema: {properties: {plain: {pattern: "^[s/]"}}}\n'
    )
    Path("rows.csv").write_text("user,token\nu1,s3cr3t/one\nu2,not s3cr3t\nu3,s3cr3t/three\n")
    for form in ("pretty", "json", "jsonl", "github"):
        ended = cli("render", "leaky.yaml", "--rows", "rows.csv", "-o", form)
        assert (ended.code, ended.out.count("***"), "s3cr3t" in ended.out + ended.err) == (
            2,
            4 + (form == "github"),
            False,
        )
        assert "'plain' is '***', which does not match ^[s/]" in ended.out + ended.err


@pytest.mark.usefixtures("rows_spec")
def test_rows_with_a_case_take_its_values_below_the_row_its_instant_and_its_ids(cli: CommandLine) -> None:
    Path("rows.csv").write_text("user,order\nu1,1\nu2,2\n")
    args = ("render", "purchase.yaml", "--rows", "rows.csv")
    frozen, free = cli(*args, "--case", "frozen"), cli(*args)
    assert cli(*args, "--case", "frozen").out == frozen.out
    assert bodies(frozen.out) == [("u1", "1", 7), ("u2", "2", 7)]
    first, second = (json.loads(line) for line in frozen.out.splitlines())
    assert first["$time"] == second["$time"] == 1767225599000
    ids = re.compile('"\\$insert_id":"([^"]*)"')
    assert len({*ids.findall(frozen.out), *ids.findall(free.out)}) == 4


@pytest.mark.usefixtures("rows_spec")
@pytest.mark.parametrize(
    ("args", "told"),
    [
        (
            ("--rows", "rows.csv", "--as", "curl"),
            (
                "error[usage]: --as curl makes the command for one event, not for rows\n"
                "  = give one event's variables with --var, or send the rows: runner send SPEC --rows FILE\n"
            ),
        ),
        *[
            (args, f"error[usage]: {args[0]} needs the rows of a file\n  = add --rows FILE\n")
            for args in (("--limit", "1"), ("--offset", "1"), ("--map", "user=id"), ("--ignore-extra",))
        ],
        (("--rows", "rows.csv", "--limit", "0"), "error[usage]: --limit must be 1 or more, got 0\n"),
        (
            ("--rows", "rows.csv", "--map", "user"),
            "error[usage]: --map expects NAME=COLUMN, got user\n  = for example --map user=customer_id\n",
        ),
    ],
)
def test_what_makes_no_sense_of_rows_is_wrong_use(cli: CommandLine, args: tuple[str, ...], told: str) -> None:
    Path("rows.csv").write_text("user\nu1\n")
    ended = cli("render", "purchase.yaml", *args)
    assert (ended.code, ended.out, ended.err) == (64, "", told)


@pytest.mark.usefixtures("rows_spec")
def test_rows_are_rendered_with_one_spec(cli: CommandLine) -> None:
    Path("rows.csv").write_text("user\nu1\n")
    assert bodies(cli("render", ".", "--rows", "rows.csv").out) == [("u1", "1001", 10)]
    Path("other.yaml").write_text(ROWS_SPEC)
    ended = cli("render", ".", "--rows", "rows.csv")
    assert (ended.code, ended.out, ended.err) == (64, "", "error[usage]: --rows takes one spec, got 2\n")


@pytest.mark.usefixtures("rows_spec")
def test_rows_are_rendered_as_they_come_and_only_as_long_as_somebody_reads() -> None:
    command = [sys.executable, "-m", "runner", "render", "purchase.yaml", "--rows", "-", "-q"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(b'{"user": "u0"}\n{"user": "u1"}\n')
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["distinct_id"] == "u0"
        process.stdout.close()
        more = b"".join(b'{"user": "u%d"}\n' % number for number in range(2, 200_000))
        with pytest.raises(BrokenPipeError):
            process.stdin.write(more)
    assert process.returncode == 0
