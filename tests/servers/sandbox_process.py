"""`runner sandbox` as a process of its own."""

from __future__ import annotations

import re
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from tests.processes import Preloaded
from tests.pytest_projects import CLEAN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class RunningSandbox(NamedTuple):
    """A process, and the address that it printed, with the token."""

    process: subprocess.Popen[str]
    address: str

    @property
    def base_url(self) -> str:
        return self.address.partition("#")[0]


@contextmanager
def running_sandbox(folder: Path) -> Iterator[RunningSandbox]:
    """Run a sandbox on a free port until the block ends."""
    command = ["runner", "sandbox", "--port", "0"]
    environ = CLEAN | {"HOME": str(folder)}
    pipe, out = subprocess.PIPE, subprocess.STDOUT
    with Preloaded[str](command, cwd=folder, env=environ, stdout=pipe, stderr=out, text=True) as process:
        assert process.stdout is not None
        try:
            printed = ""
            for line in process.stdout:
                printed += line
                if found := re.search(r"http://\S+#token=\S+", line):
                    yield RunningSandbox(process, found[0])
                    break
            else:
                raise AssertionError(f"the sandbox printed no address: {printed}")
        finally:
            process.kill()
