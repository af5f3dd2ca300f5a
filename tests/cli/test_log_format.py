"""`--log-format json`: messages on stderr as objects, one a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import CREDENTIALS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CommandLine, Ended
    from tests.servers.capturing import CapturingServer

TIME = "2026-01-02T03:04:05.000+00:00"
PURCHASE = ("specs/purchase.yaml", "--var", "user=u1")


@pytest.fixture
def to_server(cli: CommandLine, server: CapturingServer) -> CapturingServer:
    cli.environ |= CREDENTIALS | {"SUPRSEND_BASE_URL": server.base_url}
    return server


def logged(ended: Ended) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ended.err.splitlines()]


@pytest.mark.usefixtures("in_repository", "to_server")
def test_a_message_is_an_object_and_data_stays_as_it_is(cli: CommandLine) -> None:
    plain, ended = cli("send", *PURCHASE), cli("--log-format", "json", "send", *PURCHASE)
    assert logged(ended) == [{"time": TIME, "level": "info", "message": "1 event: 1 accepted"}]
    assert (ended.code, ended.out.count("\n")) == (0, plain.out.count("\n"))


@pytest.mark.usefixtures("in_repository")
def test_secrets_are_masked_and_control_characters_escaped(cli: CommandLine, to_server: CapturingServer) -> None:
    said = f"\x1b[31m{CREDENTIALS['SUPRSEND_WORKSPACE_SECRET']} ##[error]"
    to_server.answers.append((503, {"status": "error", "error": {"message": said}}))
    ended = cli("send", *PURCHASE, "--log-format", "json")
    assert "\x1b" not in ended.err
    retry, _ = logged(ended)
    assert (retry["level"], "the-workspace-secret" in ended.err, "***" in retry["message"]) == ("info", False, True)


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize("given", [("--log-format", "json"), ("--log-format=json",)])
def test_a_problem_is_in_its_object_also_if_the_arguments_are_wrong(cli: CommandLine, given: tuple[str, ...]) -> None:
    [missing] = logged(cli("validate", "none.yaml", *given))
    assert (missing["level"], missing["message"]) == ("error", "no such file or folder: none.yaml")
    assert (missing["problem"]["code"], missing["problem"]["severity"]) == ("file-not-found", "error")
    [wrong] = logged(cli("validate", "--nonsense", *given))
    assert (wrong["level"], wrong["problem"]["code"]) == ("error", "usage")


@pytest.mark.usefixtures("in_repository", "to_server")
def test_quiet_leaves_out_messages(cli: CommandLine) -> None:
    assert cli("send", *PURCHASE, "-q", "--log-format", "json").err == ""


@pytest.mark.usefixtures("to_server")
def test_progress_as_json_stays_an_object(cli: CommandLine, in_tmp: Path) -> None:
    (in_tmp / "a.yaml").write_text(
        'version: 1\nvars: {user: {type: string}}\nevent: ordered\ndistinct_id: "{{ user }}"\n'
    )
    (in_tmp / "rows.csv").write_text("user\nu1\n")
    ended = cli("send", "a.yaml", "--rows", "rows.csv", "--progress", "json", "--log-format", "json")
    assert ended.code == 0, ended.err
    keys = [set(line) for line in logged(ended)]
    assert {"progress"} in keys


@pytest.mark.usefixtures("in_repository")
def test_pytests_own_text_is_left_out_beside_a_document(cli: CommandLine) -> None:
    ended = cli("test", "specs/purchase.yaml", "-o", "json", "--log-format", "json", "-v")
    assert (ended.code, ended.json["passed"]) == (0, 3)
    logged(ended)
