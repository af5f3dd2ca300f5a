"""The command `runner`, and `python -m runner`."""

from __future__ import annotations

import gc
import os
import signal
import sys
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


def main() -> NoReturn:
    """Run the command line of this process. Until it is loaded, a signal ends it without a message."""
    _on_signals(lambda number, _: os._exit(128 + number))
    # Objects made by loading stay alive; collecting garbage among them takes a tenth of a short command's time.
    gc.set_threshold(100_000)
    from runner.cli.main import run  # noqa: PLC0415 - after the handler is in place
    from runner.commands.world import World  # noqa: PLC0415
    from runner.errors import SAME_SIGNAL_S, SIGNALLED, ExitCode  # noqa: PLC0415

    ended_by: list[int] = []
    first_s = inf

    def interrupt(number: int, _: FrameType | None) -> None:
        nonlocal first_s
        now_s = monotonic()
        if 0 <= now_s - first_s < SAME_SIGNAL_S:
            return
        first_s = min(first_s, now_s)
        ended_by.append(number)
        raise KeyboardInterrupt

    _on_signals(interrupt)
    code = run(sys.argv[1:], World.real())
    gc.freeze()  # at exit, Python would collect garbage among all objects once more: a fifth of a short command's time
    sys.exit(SIGNALLED + ended_by[0] if code == ExitCode.INTERRUPTED and ended_by else code)


def _on_signals(handler: Callable[[int, FrameType | None], object]) -> None:
    """Handle SIGTERM and SIGHUP as Ctrl-C, also as the first process of a container, which ignores them by default."""
    signal.signal(signal.SIGINT, handler)
    signal.signal(signal.SIGTERM, handler)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # otherwise nohup started it, to outlive its terminal
        signal.signal(signal.SIGHUP, handler)


if __name__ == "__main__":
    main()
