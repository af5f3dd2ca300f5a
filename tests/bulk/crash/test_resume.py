"""What a resume needs: the run, the same rows, spec and workspace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.bulk.crash.conftest import REFUSED, SPEC, begin, environ_for, sending, state_of_run, summary_of, write_rows
from tests.servers.listeners import url_of
from tests.servers.recording import recording_server

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer

pytestmark = pytest.mark.usefixtures("in_tmp")


@pytest.mark.parametrize("name", ["last", "20260102-030405-0000", "2026"])
def test_a_run_is_resumed_by_its_id_the_beginning_of_it_or_as_last(
    name: str, stopped: CommandLine, server: CapturingServer
) -> None:
    ended = stopped("send", "--resume", name, "-o", "json")
    assert (ended.code, ended.json) == (0, summary_of("20260102-030405-0000", accepted=150))
    assert sorted(len(request.json) for request in server.received) == [50, 100]
    assert {event["properties"]["shop"] for request in server.received for event in request.json} == {"east"}


def _change_rows() -> None:
    Path("rows.csv").write_text("n\n" + "7\n" * 150, "utf-8")


def _change_spec() -> None:
    Path("spec.yaml").write_text(SPEC.replace("order_placed", "order_paid"), "utf-8")


CHANGES: dict[str, tuple[list[Callable[[], None]], list[str], str]] = {
    "file": ([_change_rows], [], "the file rows.csv"),
    "spec": ([_change_spec], [], "the spec spec.yaml"),
    "variable": ([], ["--var", "shop=west"], "a variable or the workspace"),
    "all": (
        [_change_rows, _change_spec],
        ["--var", "shop=west"],
        "the spec spec.yaml and the file rows.csv and a variable or the workspace",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_resume_with_something_else_is_refused_and_says_what_changed(
    what: str, stopped: CommandLine, server: CapturingServer
) -> None:
    changes, flags, told = CHANGES[what]
    for change in changes:
        change()
    ended = stopped("send", "--resume", "last", *flags)
    assert (ended.code, ended.out, ended.err) == (
        2,
        "",
        (
            f"error[run-changed]: {told} changed since run 20260102-030405-0000 began\n"
            "  = resume with the original inputs, or start a new run\n"
        ),
    )
    assert server.received == []
    assert state_of_run(stopped)["state"] == "stopped"


def test_another_workspace_is_refused(stopped: CommandLine, server: CapturingServer) -> None:
    stopped.environ["SUPRSEND_WORKSPACE_KEY"] = "other"
    assert stopped("send", "--resume", "last").code == 2
    assert server.received == []


def test_a_run_that_is_at_work_can_not_be_resumed(silent: socket.socket, cli: CommandLine) -> None:
    write_rows(150)
    cli.environ = environ_for(url_of(silent))
    with sending(cli.environ, *begin(1, 1)) as sender:
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(4) == b"POST"
            run = state_of_run(cli)
            ended = cli("send", "--resume", "last")
            sender.kill("all")
    assert (run["state"], state_of_run(cli)["state"]) == ("running", "interrupted")
    assert (ended.code, ended.out, ended.err) == (
        74,
        "",
        f"error[run-locked]: run {run['run']} is in use by another process\n  = wait until it ends, or stop it\n",
    )


def test_rows_of_the_standard_input_are_piped_again_to_a_resume_and_others_are_refused(
    cli: CommandLine, server: CapturingServer
) -> None:
    write_rows(250)
    rows = Path("rows.csv").read_text("utf-8")
    cli.environ = environ_for(server.base_url)
    server.answers.append(REFUSED)
    begun = cli("send", "spec.yaml", "--rows", "-", "--concurrency", "1", stdin=rows)
    assert begun.code == 3
    assert "  runner send --resume 20260102-030405-0000 --rows -\n" in begun.err

    unpiped = cli("send", "--resume", "last")
    assert (unpiped.code, unpiped.err) == (
        64,
        (
            "error[usage]: the rows came from the standard input: pipe them in again\n"
            "  = … | runner send --resume 20260102-030405-0000 --rows -\n"
        ),
    )
    server.received.clear()
    for others in (rows.replace("\n7\n", "\n8\n"), rows.replace("\n7\n", "\n"), "n\n1\n2\n"):
        other = cli("send", "--resume", "last", "--rows", "-", stdin=others)
        assert (other.code, other.err.splitlines()[:2]) == (
            2,
            [
                "error[rows-changed]: the rows from 1 on are not the ones that the run began with",
                "  = resume with the same rows, or start a new run",
            ],
        )
    assert server.received == []

    ended = cli("send", "--resume", "last", "--rows", "-", "-o", "json", stdin=rows)
    assert (ended.code, ended.json) == (0, summary_of("20260102-030405-0000", accepted=250))
    sent = [event["$idempotency_key"] for request in server.received for event in request.json]
    assert sorted(sent) == sorted(f"order-{n}" for n in range(1, 251))


def test_fewer_rows_than_were_begun_are_refused_at_a_resume(cli: CommandLine) -> None:
    write_rows(300)
    rows = Path("rows.csv").read_text("utf-8")
    with recording_server("--after", "60000") as slow:
        with sending(environ_for(slow.base_url), "spec.yaml", "--rows", "-", "--concurrency", "3") as sender:
            assert sender.process.stdin is not None
            sender.process.stdin.write(rows)
            sender.process.stdin.close()
            sender.process.stdin = None
            sender.runs_until(lambda: slow.requests() >= 3)
            sender.kill("all")
        slow.kill()
    Path("record.tsv").unlink()
    with recording_server() as server:
        cli.environ = environ_for(server.base_url)
        ended = cli("send", "--resume", "last", "--rows", "-", stdin=rows.partition("\n101\n")[0])
    assert (ended.code, "rows-changed" in ended.err, state_of_run(cli)["total"]) == (2, True, None)


def test_the_printed_command_resumes_a_run_whose_configuration_is_beside_its_spec(
    cli: CommandLine, server: CapturingServer
) -> None:
    write_rows(150)
    Path("specs").mkdir()
    Path("spec.yaml").rename("specs/spec.yaml")
    Path("specs/runner.yaml").write_text("profiles: {staging: {api_key_env: SUPRSEND_STAGING_API_KEY}}\n", "utf-8")
    cli.environ = environ_for(server.base_url)
    server.answers.append(REFUSED)
    begun = cli("send", "specs/spec.yaml", "--rows", "rows.csv", "--concurrency", "1")
    assert begun.code == 3
    [command] = [line.split() for line in begun.err.splitlines() if line.startswith("  runner send --resume")]
    ended = cli(*command[1:], "-o", "json")
    assert (ended.code, ended.json) == (0, summary_of("20260102-030405-0000", accepted=150))
