"""The folder of the ledger → whether it is on a network share, where several machines could write to one database."""

from __future__ import annotations

import os
import re
from pathlib import Path

from runner.errors import MachineError, Problem

_MOUNTS = Path("/proc/self/mountinfo")
_POINT = 4
"""The field with the mount point (proc_pid_mountinfo(5)); blanks in it are octal escapes."""
_OCTAL = re.compile(r"\\([0-7]{3})")
_NETWORK = frozenset(
    [
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "fuse.ceph",
        "fuse.gcsfuse",
        "fuse.glusterfs",
        "fuse.s3fs",
        "fuse.sshfs",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "orangefs",
        "pvfs2",
        "smb3",
        "smbfs",
    ]
)
"""Types of file systems that other machines can have mounted too, as Linux names them."""


def refuse_network_share(folder: Path, mounts: Path = _MOUNTS) -> None:
    """Raise MachineError for a folder on a network share. SQLite's locks hold between processes of one machine.

    Source: sqlite.org, "Write-Ahead Logging", section 2.2. Only Linux tells the type of a folder.
    """
    kind = _type_of(os.path.realpath(folder), mounts)
    if kind in _NETWORK:
        message = (
            f"the ledger's folder {folder} is on a network share ({kind}), and a run of a cluster must not write there"
        )
        hint = "name a folder of this machine with --state-dir; to resume on another machine, copy it there"
        raise MachineError(Problem("ledger-refused", message, hint=hint))


def _type_of(path: str, mounts: Path) -> str | None:
    """Return the type of the file system that has a path; None if it is not known."""
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").split("\n")
    except OSError:
        return None
    found, longest = None, -1
    for line in lines:
        before, _, after = line.partition(" - ")
        fields, kind = before.split(" "), after.split(" ")[0]
        if len(fields) <= _POINT:
            continue
        point = _OCTAL.sub(lambda escape: chr(int(escape[1], 8)), fields[_POINT])
        is_above = path == point or path.startswith(point.rstrip("/") + "/")
        if is_above and len(point) >= longest:  # of several at one place, the last one counts
            found, longest = kind, len(point)
    return found
