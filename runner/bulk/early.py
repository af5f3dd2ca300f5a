"""Worker processes that start while the command that needs them is still loaded, which takes as long as their start."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from runner.bulk.share import Share
from runner.bulk.workers import Workers
from runner.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.bulk.flags import BulkFlags

_FEW_FILES = 100
"""More files are looked at once, when the run begins."""
_started: dict[Share, Workers] = {}


@contextmanager
def early_workers(flags: BulkFlags) -> Iterator[None]:
    """Start the processes of a run over files of this machine; at the end, kill those that nothing took.

    Invalid flags start none: they are reported when the run begins.
    """
    share = None
    are_few = 0 < len(flags.rows) <= _FEW_FILES
    if are_few and flags.cluster is None and all(map(os.path.isfile, flags.rows)):
        with suppress(RunnerError):
            share = Share.of(flags.begin(()))
    if share is not None and share.processes > 1:
        workers = _started[share] = Workers(*share)
        workers.start(_load)
    try:
        yield
    finally:
        while _started:
            _started.popitem()[1].shutdown(wait=False, cancel_futures=True)


def workers_of(share: Share) -> Workers:
    """Return the processes that were started early, or others."""
    return _started.pop(share, None) or Workers(*share)


def _load() -> None:
    """Load what every part needs."""
    import runner.bulk.task  # noqa: PLC0415
    import runner.suprsend.connection  # noqa: F401, PLC0415
