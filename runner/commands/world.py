"""The process around a command: its streams, environment, clock and source of ids. Only `World.real` makes the real ones."""

from __future__ import annotations

import os
import random
import sys
import time
from datetime import UTC, datetime
from io import TextIOWrapper
from typing import TYPE_CHECKING, NamedTuple, TextIO
from uuid import UUID, uuid4

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class World(NamedTuple):
    """The process around a command."""

    environ: Mapping[str, str]
    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    clock: Callable[[], datetime]
    new_seed: Callable[[], UUID]
    sleep: Callable[[float], None]
    random: Callable[[], float]
    monotonic: Callable[[], float] = time.monotonic

    @classmethod
    def real(cls) -> World:
        """Return the world of this process. Data on stdout is UTF-8 in any locale: other programs read it.

        On stderr, a character that the encoding lacks is written as an escape.
        """
        for number in range(3):
            try:
                os.fstat(number)
            except OSError:  # closed by the parent process: the next file or socket must not take its place
                os.open(os.devnull, os.O_RDWR)
        sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - lives as long as the process
        sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
        sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
        for stream, encoding in ((sys.stdout, "utf-8"), (sys.stderr, None)):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(encoding=encoding, errors="backslashreplace")
        if isinstance(sys.stdin, TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")  # as text, an answer to a question is read from it alone
        return cls(
            os.environ,
            sys.stdin,
            sys.stdout,
            sys.stderr,
            clock=lambda: datetime.now(UTC),
            new_seed=uuid4,
            sleep=time.sleep,
            random=random.random,
        )
