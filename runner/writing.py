"""Bytes → files of a project, written atomically and never outside the project.

The tree of a project may be untrusted, and its links may lead anywhere. So each path is resolved and compared with the
project's root. Its folders are opened one by one without following links, in case one is replaced meanwhile. A file
replaces the file or link that has its name, and is never written through a link. Devices, pipes and sockets stay: programs
use them.
"""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from stat import S_IMODE, S_ISDIR, S_ISLNK, S_ISREG, S_IWGRP, S_IWOTH, S_IWUSR
from typing import TYPE_CHECKING

from runner.errors import InvalidInput, MachineError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def overwrite(
    path: Path,
    content: bytes,
    root: Path,
    *,
    check: Callable[[Path], None] | None = None,
    shown: str | None = None,
    like: os.stat_result | None = None,
) -> None:
    """Replace a file atomically: after a failure, it is as it was before.

    `check` is called with the path of the new contents before they replace the file; if it raises, they do not. `shown` is
    the file's name in messages. `like` has the permissions and the owner that it gets, by default those of any new file.
    Raises InvalidInput if a link leads out of `root`, and MachineError.
    """
    name = f".{token_hex(16)}.tmp"
    with _refusals(shown or str(path)), opened(path.parent, root) as folder:
        try:
            write_new(name, content, folder)
            if like is not None:
                with suppress(PermissionError):  # only root gives files away
                    os.chown(name, like.st_uid, like.st_gid, dir_fd=folder)
                os.chmod(name, S_IMODE(like.st_mode), dir_fd=folder)  # beyond what the umask allows to new files
            if check is not None:
                check(Path(os.path.realpath(path.parent), name))
            _check_replaceable(path.name, folder)
            os.replace(name, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        finally:
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)


def rewrite(path: Path, content: bytes, root: Path, *, shown: str, is_current: Callable[[bytes], bool]) -> None:
    """Replace the content of a file that its author wrote, and which stays theirs, with its permissions.

    `is_current` returns whether the file's bytes still are what the new content was made of. Raises the same as
    `overwrite`, and MachineError for a file that is read-only, or that another program has changed meanwhile.
    """
    with _refusals(shown):
        before = path.stat()
        if not before.st_mode & _ANY_WRITES or not os.access(path, os.W_OK):  # root may write to all
            raise PermissionError(errno.EACCES, "the file is read-only")

    def check(_: Path) -> None:
        if not is_current(path.read_bytes()):
            message = f"{shown} has changed meanwhile: it is left as it is now"
            raise MachineError(Problem("output-refused", message, hint="run the command again"))

    overwrite(path, content, root, check=check, shown=shown, like=before)


_ANY_WRITES = S_IWUSR | S_IWGRP | S_IWOTH


def create(path: Path, content: bytes, root: Path) -> bool:
    """Write a new file, and return True; return False if its name exists. Raises the same as `overwrite`."""
    with _refusals(str(path)), opened(path.parent, root) as folder:
        try:
            write_new(path.name, content, folder)
        except FileExistsError:
            return False
    return True


def remove(path: Path, root: Path) -> None:
    """Remove a file, and the folders below `root` that are then empty. Raises the same as `overwrite`."""
    base = Path(os.path.realpath(root))
    folder = Path(os.path.realpath(path.parent))
    with _refusals(str(path), "remove"):
        with opened(folder, base) as here:
            os.unlink(path.name, dir_fd=here)
        while folder != base:
            with opened(folder.parent, base) as here:
                try:
                    os.rmdir(folder.name, dir_fd=here)
                except OSError as error:
                    if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                        return
                    raise
            folder = folder.parent


@contextmanager
def opened(folder: Path, root: Path) -> Iterator[int]:
    """Open a folder as a file descriptor, so that names in it can be used without following links. Create it if missing.

    Raises InvalidInput if a link leads out of `root`, and OSError.
    """
    base, place = Path(os.path.realpath(root)), Path(os.path.realpath(folder))
    if not place.is_relative_to(base):
        raise InvalidInput(_outside(folder, base))
    with ExitStack() as stack:
        here = _entered(str(base), None, stack)
        for name in place.relative_to(base).parts:
            _make(name, here)
            here = _entered(name, here, stack)
        yield here


def write_new(name: str, content: bytes, folder: int, mode: int = 0o666) -> None:
    """Write a new file into an open folder. Raises FileExistsError and OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(name, flags, mode, dir_fd=folder)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(content)
    except OSError:
        os.unlink(name, dir_fd=folder)
        raise


def _check_replaceable(name: str, folder: int) -> None:
    """Raise OSError if the name belongs to a device, a pipe or a socket."""
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return
    if not (S_ISREG(mode) or S_ISLNK(mode) or S_ISDIR(mode)):
        raise OSError(errno.EEXIST, "it is not a regular file")


def _make(name: str, folder: int) -> None:
    try:
        os.mkdir(name, dir_fd=folder)
    except OSError:
        with suppress(OSError):
            if S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                return
        raise


def _entered(name: str, folder: int | None, stack: ExitStack) -> int:
    here = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    stack.callback(os.close, here)
    return here


def _outside(folder: Path, base: Path) -> Problem:
    """Return the problem of the link that leads out."""
    steps = [step for step in (folder, *folder.parents) if step.is_symlink()]
    link = next((step for step in steps if not Path(os.path.realpath(step)).is_relative_to(base)), folder)
    hint = f"replace the link with a folder inside '{base.name}'"
    message = f"the link {os.path.relpath(link)} leads out of the project: nothing is written there"
    return Problem("path-outside", message, hint=hint)


@contextmanager
def _refusals(shown: str, verb: str = "write") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MachineError(Problem("output-refused", f"can't {verb} {shown}: {error.strerror}")) from None
