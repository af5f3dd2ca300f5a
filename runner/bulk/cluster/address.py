"""The text of `--cluster` → the address of a scheduler, or a number of processes of this machine."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import NamedTuple

from runner.errors import Problem, UsageError, shown_argument

NONE = "none"
"""A resume on this machine alone, of a run that began on a cluster."""
_FORM = re.compile(r"(tcp|tls)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})/?")
_LOCAL = re.compile(r"local(?::([0-9]{1,3}))?")
_MAX_PORT = 65_535
MAX_LOCAL = 64


class ClusterAddress(NamedTuple):
    """A cluster: the URL of its scheduler, or None for one of this machine, with a number of `processes` or one a core."""

    url: str | None
    processes: int | None = None

    @property
    def is_local(self) -> bool:
        """Whether the run starts the cluster itself, on this machine."""
        return self.url is None

    @property
    def is_private(self) -> bool:
        """Whether what goes to the workers is encrypted by TLS, as it is in a cluster that the run itself starts."""
        return self.url is None or self.url.startswith("tls:")

    @property
    def is_open(self) -> bool:
        """Whether it is reached over a network without TLS: anyone who reaches its scheduler can run code on its workers."""
        return not self.is_private and not _is_loopback(str(self.url))

    @property
    def name(self) -> str:
        """The name in messages."""
        return self.url or "the cluster of this run"


def cluster_address(text: str) -> ClusterAddress:
    """Return the cluster that a text names. Raise UsageError for another form."""
    if (local := _LOCAL.fullmatch(text)) and (local[1] is None or 1 <= int(local[1]) <= MAX_LOCAL):
        return ClusterAddress(None, int(local[1]) if local[1] else None)
    found = _FORM.fullmatch(text)
    if found is None or not 1 <= int(found[3]) <= _MAX_PORT:
        message = f"--cluster expects the address of a Dask scheduler, got {shown_argument(text)}"
        hint = f"tls://HOST:PORT, tcp://HOST:PORT, local, or local:N with 1 to {MAX_LOCAL} processes"
        raise UsageError(Problem("usage", message, hint=hint))
    return ClusterAddress(text.rstrip("/"))


def _is_loopback(url: str) -> bool:
    host = url.partition("://")[2].rpartition(":")[0].strip("[]")
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
