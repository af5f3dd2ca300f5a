"""`runner render`."""

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

if TYPE_CHECKING:
    from runner.sandbox.server import Sandbox
    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer

SPECS = [path for path in (Path(__file__).parents[2] / "specs").glob("[!_]*.yaml") if path.name != "runner.yaml"]
PURCHASE = (
    '{"$insert_id":"a61155a3-5f5d-5780-90f4-8fea488ae6f4","$time":1767323045000,"event":"product_purchased",'
    '"env":"WORKSPACE_KEY","distinct_id":"u1","properties":{"order_id":"1001","amount":10,"spend_amount":"$10",'
    '"premium":false,"$attachments":[{"filename":null,"contentType":null,"data":null,'
    '"url":"https://files.example.com/invoices/1001.pdf","ignore_if_error":false}],'
    '"$ss_sdk_version":"suprsend-runner/0.1.0"},"$idempotency_key":"u1-purchase-1001"}'
)


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
NO_CREDENTIALS = "no credentials are set: WORKSPACE_KEY stands for the workspace key\n"


def again(cli: CommandLine) -> CommandLine:
    """Give a command line whose commands have the ids of the first ones of this one."""
    other = type(cli)()
    other.environ = cli.environ
    return other


@pytest.mark.usefixtures("in_repository")
def test_the_body_is_shown_to_the_byte(cli: CommandLine) -> None:
    ended = cli("render", "specs/purchase.yaml", "--var", "user=u1")
    assert ended.out == PURCHASE + "\n"
    assert ended.err == "no credentials are set: WORKSPACE_KEY stands for the workspace key\n"


@pytest.mark.usefixtures("in_repository")
def test_pretty_is_the_same_document_indented(cli: CommandLine) -> None:
    exact = cli("render", "specs/purchase.yaml", "--var", "user=u1")
    pretty = again(cli)("render", "specs/purchase.yaml", "--var", "user=u1", "-o", "pretty")
    assert pretty.out == json.dumps(exact.json, ensure_ascii=False, indent=2) + "\n"


@pytest.mark.usefixtures("in_repository")
@pytest.mark.parametrize("spec", sorted(SPECS), ids=lambda path: path.stem)
def test_what_render_prints_is_what_send_sends(cli: CommandLine, server: CapturingServer, spec: Path) -> None:
    cli.environ |= {
        "SUPRSEND_WORKSPACE_KEY": "wk", "SUPRSEND_WORKSPACE_SECRET": "ws-0123456789", "SUPRSEND_BASE_URL": server.base_url,
    }  # fmt: skip
    shown = cli("render", spec, "--var", "user=u1")
    sent = again(cli)("send", spec, "--var", "user=u1")
    assert sent.code == 0
    assert [request.body for request in server.received] == [shown.out.rstrip("\n").encode()]


@pytest.mark.usefixtures("in_repository")
def test_a_secret_variable_is_starred_and_the_rest_is_exact(cli: CommandLine, tmp_path: Path) -> None:
    spec = tmp_path / "leaky.yaml"
    spec.write_text(
        "version: 1\n"
        "vars: {token: {type: string, env: TOKEN, secret: true}}\n"
        "event: leaky\n"
        "distinct_id: u1\n"
        "idempotency_key: k\n"
        'properties: {plain: "{{ token }}", url: "https://x.example.com/?t={{ token | urlencode }}", n: 1.50}\n'
    )
    tmp_path.joinpath("runner.yaml").write_text("env_allowed: [TOKEN]\n")
    cli.environ["TOKEN"] = "s3cr3t/t0ken+é"
    ended = cli("render", spec)
    assert ended.json["properties"] == {
        "plain": "***", "url": "https://x.example.com/?t=***", "n": 1.5, "$ss_sdk_version": "suprsend-runner/0.1.0",
    }  # fmt: skip


@pytest.mark.usefixtures("in_repository")
def test_a_case_is_rendered_with_its_variables_and_frozen_instant(cli: CommandLine) -> None:
    first = cli("render", "specs/purchase.yaml", "--case", "a premium purchase")
    assert first.json["properties"]["amount"] == 1500
    assert first.json["$time"] == 1767323045000
    assert cli("render", "specs/purchase.yaml", "--case", "a premium purchase").out == first.out


@pytest.mark.usefixtures("in_repository")
def test_a_flag_wins_over_the_case(cli: CommandLine) -> None:
    ended = cli("render", "specs/purchase.yaml", "--case", "a premium purchase", "--var", "amount=7.25")
    assert ended.json["properties"]["amount"] == 7.25


@pytest.mark.usefixtures("in_repository")
def test_an_unknown_case_ends_with_4_and_a_suggestion(cli: CommandLine) -> None:
    ended = cli("render", "specs/purchase.yaml", "--case", "a premium purchas")
    assert ended.code == 4
    assert ended.err == (
        "error[case-not-found]: specs/purchase.yaml has no case 'a premium purchas'\n"
        "  = did you mean 'a premium purchase'?\n"
    )


@pytest.mark.usefixtures("in_repository")
@pytest.mark.parametrize(
    "credentials",
    [
        {"SUPRSEND_WORKSPACE_KEY": "sandbox-workspace-key", "SUPRSEND_WORKSPACE_SECRET": "sandbox-workspace-secret"},
        {"SUPRSEND_API_KEY": "sandbox-api-key", "SUPRSEND_WORKSPACE_UID": "sandbox"},
    ],
    ids=["hmac", "bearer"],
)
def test_the_curl_command_is_accepted_by_the_sandbox(
    cli: CommandLine, sandbox: Sandbox, credentials: dict[str, str]
) -> None:
    cli.environ |= credentials | {"SUPRSEND_BASE_URL": sandbox.base_url}
    script = cli("render", "specs/signup.yaml", "--var", "user=it's é", "--as", "curl").out
    ended = subprocess.run(
        ["sh", "-c", script], env=os.environ | credentials, capture_output=True, text=True, check=True
    )
    assert json.loads(ended.stdout)["status"] == "success"
    assert [stored.body["distinct_id"] for stored in sandbox.store.events()] == ["it's é"]


@pytest.mark.usefixtures("in_repository")
def test_a_curl_command_holds_no_secret(cli: CommandLine) -> None:
    cli.environ |= {"SUPRSEND_WORKSPACE_KEY": "wk", "SUPRSEND_WORKSPACE_SECRET": "top-secret-value"}
    ended = cli("render", "specs/purchase.yaml", "--var", "user=u1", "--as", "curl")
    assert "top-secret-value" not in ended.out
    assert 'set -- "${SUPRSEND_WORKSPACE_KEY:?is not set}" "${SUPRSEND_WORKSPACE_SECRET:?is not set}"' in ended.out


@pytest.mark.usefixtures("in_repository")
def test_every_missing_variable_is_named_with_the_ways_to_give_it(cli: CommandLine) -> None:
    ended = cli("render", "specs/purchase.yaml")
    assert ended.code == 2
    assert ended.err == (
        "error[var-missing]: variable 'user' has no value\n"
        " --> specs/purchase.yaml:6:3\n"
        "  |\n"
        "6 |   user:     {type: string, description: who bought}\n"
        "  |   ^^^^ set it with --var user=… or RUNNER_VAR_user\n"
    )


@pytest.mark.usefixtures("in_repository")
def test_an_unknown_variable_is_refused_with_a_suggestion(cli: CommandLine) -> None:
    ended = cli("render", "specs/purchase.yaml", "--var", "usr=u1")
    assert (ended.code, ended.err) == (
        2,
        "error[unknown-variable]: no spec here declares a variable 'usr' (--var usr)\n  = did you mean 'user'?\n",
    )


@pytest.mark.usefixtures("in_repository")
def test_variables_come_from_flags_then_a_file_then_the_environment(cli: CommandLine, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text("user: from-file\namount: 3\n")
    cli.environ |= {"RUNNER_VAR_user": "from-environment", "RUNNER_VAR_order_id": "77", "RUNNER_VAR_nobody": "x"}
    ended = cli("render", "specs/purchase.yaml", "--vars-file", values, "--var-json", "amount=2000")
    assert ended.json["distinct_id"] == "from-file"
    assert ended.json["properties"]["amount"] == 2000
    assert ended.json["properties"]["order_id"] == "77"


@pytest.mark.usefixtures("in_repository")
def test_an_unknown_name_in_a_vars_file_is_shown_at_its_line(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = Path("specs/purchase.yaml").resolve()
    monkeypatch.chdir(tmp_path)
    Path("values.json").write_text('{"user": "u1",\n "amonut": 3}')
    ended = cli("render", spec, "--vars-file", "values.json")
    assert ended.code == 2
    assert ended.err == (
        "error[unknown-variable]: no spec here declares a variable 'amonut' (values.json)\n"
        " --> values.json:2:2\n"
        "  |\n"
        '2 |  "amonut"\n'
        "  |  ^^^^^^^^ did you mean 'amount'?\n"
    )


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize("form", ["pretty", "json", "jsonl", "github"])
def test_a_secret_is_starred_in_what_goes_wrong_too(cli: CommandLine, form: str) -> None:
    Path("leaky.yaml").write_text(
        "version: 1\n"
        "vars: {token: {type: string, env: TOKEN, secret: true}}\n"
        "event: leaky\n"
        "distinct_id: u1\n"
        'properties: {plain: "{{ token }}"}\n'
        'schema: {properties: {plain: {pattern: "^[0-9]+$"}}}\n'
    )
    Path("runner.yaml").write_text("env_allowed: [TOKEN]\n")
    cli.environ["TOKEN"] = "s3cr3t-t0ken"
    ended = cli("render", "leaky.yaml", "-o", form, "-v")
    assert ended.code == 2
    assert "'plain' is '***', which does not match ^[0-9]+$" in ended.out + ended.err
    assert "s3cr3t" not in ended.out + ended.err


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize("name", ['"\\0"', "a" * 5000, "loop.json"], ids=["a NUL", "too long", "links in a circle"])
def test_a_schema_path_that_is_none_is_a_problem_of_the_spec(cli: CommandLine, name: str) -> None:
    Path("loop.json").symlink_to("loop.json")
    Path("a.yaml").write_text(f"version: 1\nevent: order_placed\ndistinct_id: u1\nschema: {name}\n")
    ended = cli("validate", "a.yaml", "-o", "json")
    assert (ended.code, ended.json["errors"], ended.json["problems"][0]["line"]) == (2, 1, 4)


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize(
    "values",
    [
        "{token: s3cr3t-t0ken, usr: x}\n",
        "tokn: s3cr3t-t0ken\n",
        "token: s3cr3t-t0ken: x\n",
        "token: @s3cr3t-t0ken\n",
        "token: s3cr3t-t0ken\ntoken: s3cr3t-t0ken\n",
        "[s3cr3t-t0ken]\n",
    ],
)
def test_a_fault_in_a_vars_file_shows_no_value_of_it(cli: CommandLine, values: str) -> None:
    Path("leaky.yaml").write_text(
        "version: 1\n"
        "vars: {token: {type: string, secret: true}}\n"
        "event: leaky\n"
        "distinct_id: u1\n"
        'properties: {plain: "{{ token }}"}\n'
    )
    Path("values.yaml").write_text(values)
    for form in ("pretty", "json", "github"):
        ended = cli("render", "leaky.yaml", "--vars-file", "values.yaml", "-o", form)
        assert ended.code == 2
        assert "s3cr3t" not in ended.out + ended.err


@pytest.mark.usefixtures("in_repository")
@pytest.mark.parametrize("args", [("--var", "token:s3cr3t"), ("--var", "=s3cr3t"), ("token=s3cr3t",)])
def test_a_slip_of_the_hand_shows_no_value(cli: CommandLine, args: tuple[str, ...]) -> None:
    for command in ("render", "send"):
        ended = cli(command, "specs/purchase.yaml", *args)
        assert ended.code in (4, 64)
        assert "s3cr3t" not in ended.out + ended.err


@pytest.mark.usefixtures("in_repository")
def test_what_a_terminal_would_obey_is_escaped_in_pretty_json(cli: CommandLine) -> None:
    ended = cli("render", "specs/purchase.yaml", "--var", "user=\x9b31m\u202e", "-o", "pretty")
    assert '"distinct_id": "\\u009b31m\\u202e"' in ended.out
    assert ended.json["distinct_id"] == "\x9b31m\u202e"


# Rows


@pytest.fixture
def rows_spec(in_tmp: Path) -> Path:
    (in_tmp / "purchase.yaml").write_text(ROWS_SPEC)
    return in_tmp


def shown(text: str) -> list[tuple[object, ...]]:
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
    assert shown(ended.out) == [("u1", "1", 5), ("u2", "2", 10)]


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
    assert (ended.code, [user for user, *_ in shown(ended.out)]) == (0, users)


@pytest.mark.usefixtures("rows_spec")
def test_columns_are_renamed_and_left_out_and_flags_stand_above_them(cli: CommandLine) -> None:
    Path("rows.csv").write_text("Customer Id,note,order,amount\nu1,hello,1,5\n")
    args = ("render", "purchase.yaml", "--rows", "rows.csv", "--map", "user=Customer Id")
    assert shown(cli(*args, "--ignore-extra", "--var-json", "amount=0.5").out) == [("u1", "1", 0.5)]
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
    assert shown(ended.out) == [("u1", "1", 5), ("u5", "5", 10)]


@pytest.mark.usefixtures("rows_spec")
def test_a_row_of_a_file_without_lines_is_told_by_its_number(cli: CommandLine) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = pa.table({"user": ["u1", "u2", "u3"], "order": ["1", "2", "x"], "amount": [1.5, float("nan"), 3.0]})
    parquet.write_table(table, "rows.parquet")
    ended = cli("render", "purchase.yaml", "--rows", "rows.parquet", "-q")
    assert (ended.code, shown(ended.out)) == (2, [("u1", "1", 1.5)])
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
    assert shown(frozen.out) == [("u1", "1", 7), ("u2", "2", 7)]
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
    assert shown(cli("render", ".", "--rows", "rows.csv").out) == [("u1", "1001", 10)]
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


TWICE = '{"qty": 1, "qty": 2}'
OF_A_MAP = """version: 1
vars: {j: {type: object}}
event: order_placed
distinct_id: u1
properties: {j: "{{ j }}"}
"""


@pytest.mark.parametrize("way", ["--var", "--var-json", "RUNNER_VAR_", "vars file", "csv", "jsonl", "json"])
def test_a_key_twice_in_an_object_is_refused_wherever_it_comes_from(cli: CommandLine, in_tmp: Path, way: str) -> None:
    in_tmp.joinpath("s.yaml").write_text(OF_A_MAP)
    cell = TWICE.replace('"', '""')
    for name, text in {
        "v.json": f'{{"j": {TWICE}}}',
        "r.csv": f'j\n"{cell}"\n',
        "r.jsonl": f'{{"j": {TWICE}}}\n',
        "r.json": f'[{{"j": {TWICE}}}]',
    }.items():
        in_tmp.joinpath(name).write_text(text)
    if way == "RUNNER_VAR_":
        cli.environ["RUNNER_VAR_j"] = TWICE
    options = {
        "--var": ["--var", f"j={TWICE}"],
        "--var-json": ["--var-json", f"j={TWICE}"],
        "RUNNER_VAR_": [],
        "vars file": ["--vars-file", "v.json"],
    }.get(way, ["--rows", f"r.{way}"])
    ended = cli("render", "s.yaml", *options)
    assert (ended.code, ended.out) == (2, "")
    assert "twice" in ended.err


@pytest.mark.usefixtures("in_tmp")
def test_a_folder_of_two_specs_is_not_rendered_as_its_first_one(cli: CommandLine) -> None:
    Path("specs").mkdir()
    for name in ("a", "b"):
        Path(f"specs/{name}.yaml").write_text(f"version: 1\nevent: order_placed\ndistinct_id: of_{name}\n")
    ended = cli("render", "specs")
    assert (ended.code, ended.out, ended.err) == (64, "", "error[usage]: render takes one spec, got 2\n")
    Path("specs/b.yaml").unlink()
    assert cli("render", "specs").json["distinct_id"] == "of_a"
