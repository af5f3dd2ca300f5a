"""`--progress json`, and `runner runs watch`: a run is followed while it is at work, also from another process."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.bulk.conftest import FIVE, SPEC, many, send, typed
from tests.cli.conftest import CREDENTIALS
from tests.processes import Preloaded
from tests.servers.capturing import CapturingServer, capturing_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import CommandLine
    from tests.servers.capturing import Received


def progress_in(text: str) -> list[dict[str, Any]]:
    return [json.loads(line)["progress"] for line in text.splitlines() if line.startswith('{"progress"')]


def test_the_last_line_of_progress_has_all_rows(cli: CommandLine) -> None:
    ended = cli("send", "purchase.yaml", "--rows", "five.csv", "--progress", "json", "-q")
    [last] = progress_in(ended.err)
    assert (last["rows"], last["about"], last["accepted"], last["failed"]) == (5, 5, 3, 2)
    assert last["codes"] == {"var-schema": 2}
    assert sum(last["workers"].values()) == 5
    assert ended.out.startswith("failed")


def test_progress_needs_rows(cli: CommandLine) -> None:
    ended = cli("send", "purchase.yaml", "--var", "user=u1", "--progress", "json")
    assert (ended.code, ended.err) == (
        64, "error[usage]: --progress needs the rows of a file\n  = add --rows FILE\n",
    )  # fmt: skip


def test_a_run_that_has_ended_is_shown_at_once(cli: CommandLine) -> None:
    send(cli, "--rows", "five.csv")
    ended = typed(cli, "runs", "watch")
    assert (ended.code, ended.out) == (1, typed(cli, "runs", "show").out)
    send(cli, "--rows", many(3))
    assert typed(cli, "runs", "watch", "last").code == 0
    assert typed(cli, "runs", "watch", "nothing").code == 4


@dataclass
class Gate(CapturingServer):
    """A server that answers its second request when it is told to."""

    first: Event = field(default_factory=Event)
    opened: Event = field(default_factory=Event)

    def answer_to(self, request: Received) -> tuple[int, bytes, dict[str, str]]:
        if self.first.is_set():
            assert self.opened.wait(30)
        self.first.set()
        return super().answer_to(request)


@pytest.fixture
def gate() -> Iterator[Gate]:
    with capturing_server(Gate()) as server:
        assert isinstance(server, Gate)
        yield server
        server.opened.set()


def test_a_run_is_followed_until_it_ends(in_tmp: Path, gate: Gate) -> None:
    (in_tmp / "purchase.yaml").write_text(SPEC)
    (in_tmp / "five.csv").write_text(FIVE)
    environ = CREDENTIALS | {"SUPRSEND_BASE_URL": gate.base_url}
    command = ["runner", "send", "purchase.yaml", "--rows", many(250), "--concurrency", "1"]
    watching = ["runner", "runs", "watch", "last", "--progress", "json", "-o", "json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "bufsize": 1}
    with Preloaded(command, env=environ, **pipes) as sender:  # type: ignore[call-overload]
        assert gate.first.wait(30)
        with Preloaded(watching, env=environ, **pipes) as watcher:  # type: ignore[call-overload]
            begun = json.loads(watcher.stderr.readline())["progress"]
            assert (begun["rows"], begun["about"], begun["accepted"]) == (100, 250, 100)
            gate.opened.set()
            out, err = watcher.communicate(timeout=30)
        sender.communicate(timeout=30)
    assert (sender.returncode, watcher.returncode) == (0, 0)
    assert progress_in(err)[-1]["accepted"] <= 250
    shown = json.loads(out)
    assert (shown["state"], shown["accepted"], shown["total"]) == ("finished", 250, 250)
    assert Path(shown["spec"]).name == "purchase.yaml"
