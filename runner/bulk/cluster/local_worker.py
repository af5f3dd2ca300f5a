"""What a worker of a local cluster does as it starts: it ignores what is sent to a whole group, since its run ends it."""

from __future__ import annotations

import signal


def dask_setup(_: object) -> None:
    """Ignore Ctrl-C, SIGTERM and SIGHUP. Dask calls this by its name."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
