"""`runner render`."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.render.conftest import SPECS, again

if TYPE_CHECKING:
    from runner.sandbox.server import Sandbox
    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer


PURCHASE = (
    '{"$insert_id":"a61155a3-5f5d-5780-90f4-8fea488ae6f4","$time":1767323045000,"event":"product_purchased",'
    '"env":"WORKSPACE_KEY","distinct_id":"u1","properties":{"order_id":"1001","amount":10,"spend_amount":"$10",'
    '"premium":false,"$attachments":[{"filename":null,"contentType":null,"data":null,'
    '"url":"https://files.example.com/invoices/1001.pdf","ignore_if_error":false}],'
    '"$ss_sdk_version":"suprsend-runner/0.1.0"},"$idempotency_key":"u1-purchase-1001"}'
)


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
        "6 |   user: {type: string, description: who bought}\n"
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
