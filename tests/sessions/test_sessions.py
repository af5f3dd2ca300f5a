"""Golden terminal sessions: pairs of an input and everything that a command prints about it.

`NAME.yaml`, `NAME.py` or the folder `NAME/` is what was written; `NAME.txt` is a command, everything that it prints, and
its exit code. With `NAME.http`, a server on port 40123 answers each request with those bytes. After a change that is meant,
`UPDATE_GOLDENS=1 pytest tests/sessions` writes the texts anew: read their diff.
"""

from __future__ import annotations

import io
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.cli.main import run
from runner.commands.world import World
from tests.servers.loopback import answering
from tests.servers.message_server import VirtualTime

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
SESSIONS = sorted(HERE.glob("*/*.txt"))
MADE = {
    "deep-nesting.yaml": b"[" * 100_000,
    "file-too-large.yaml": b"version: 1\n" + b"# a long story\n" * 70_000,
    "template-too-many-words.yaml": b"version: 1\nevent: order_placed\ndistinct_id: u1\nproperties:\n"
    + b"".join(b'  p%d: "{{ user }} has {{ items | length }}"\n' % number for number in range(1300)),
}
"""Inputs too large to lie in a file."""
PORT = "40123"
PACE = re.compile(r"[0-9.]+ s, [0-9,]+/s")
"""How long rows took, which varies."""


class Session:
    """A terminal in which one command is typed, with a clock and ids that stand still. Pauses take no time."""

    def __init__(self, command: str, now: datetime, seed: UUID) -> None:
        self.command = command
        self.now = now
        self.seed = seed

    def printed(self, port: str) -> str:
        """Give what the terminal shows, and the exit code. `port` is where the server listens, if there is one."""
        command = self.command.replace(PORT, port)
        if command.startswith("python "):
            code, text = self._python(command)
        elif re.match(r"(\w+=\S+ )*runner \S+( [^><|]+)?$", command) and "sandbox --port" not in command:
            code, text = self._runner(command)
        else:
            code, text = self._shell(command)
        return f"$ {self.command}\n{text.replace(port, PORT)}exit {code}\n"

    def _runner(self, command: str) -> tuple[int, str]:
        words = shlex.split(command)
        environ = dict(word.split("=", 1) for word in words[: words.index("runner")])
        screen = io.StringIO()
        streams = io.StringIO(), screen, screen
        time = VirtualTime()
        world = World(
            environ,
            *streams,
            lambda: self.now,
            lambda: self.seed,
            sleep=time.sleep,
            random=lambda: 0.5,
            monotonic=time.clock,
        )
        code = run(words[words.index("runner") + 1 :], world)
        return code, PACE.sub("0.1 s, 20/s", screen.getvalue())

    def _python(self, command: str) -> tuple[int, str]:
        screen = io.StringIO()
        with redirect_stdout(screen):
            runpy.run_path(command.split()[1])
        return 0, screen.getvalue()

    def _shell(self, command: str) -> tuple[int, str]:
        environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY)}
        ended = subprocess.run(
            ["sh", "-c", command], env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        return ended.returncode, ended.stdout


@pytest.mark.parametrize("golden", SESSIONS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_fault_is_told_as_it_stands_here(
    golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fixed: tuple[datetime, UUID]
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    for source in (golden.with_suffix(suffix) for suffix in ("", ".yaml", ".py")):
        if source.is_dir():
            shutil.copytree(source, project, dirs_exist_ok=True)
        elif source.is_file():
            shutil.copy(source, project)
    if (made := MADE.get(f"{golden.stem}.yaml")) is not None:
        (project / f"{golden.stem}.yaml").write_bytes(made)
    expected = golden.read_text("utf-8")
    session = Session(expected.partition("\n")[0].removeprefix("$ "), *fixed)
    if golden.with_suffix(".http").exists():
        answer = golden.with_suffix(".http").read_bytes()
        with answering(lambda connection, _: connection.sendall(answer)) as server:
            told = session.printed(str(server.port))
    else:
        told = session.printed(PORT)
    if os.environ.get("UPDATE_GOLDENS"):
        golden.write_text(told, "utf-8")
    assert told == expected
