"""The URL of a folder or a pattern in an object store → its files of rows, by the rules for folders of this machine.

A store has no folders: they are the parts of names. One listing returns all names below a folder, at any depth.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from glob import has_magic
from typing import TYPE_CHECKING

from runner.rows.dataset import HIDDEN, DataFile, no_files, no_match, not_of_rows, partitions
from runner.rows.formats import suffix_of
from runner.rows.remote_store import store_of
from runner.rows.urls import check_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.rows.remote_store import Store

_ANY_DEPTH = "**"


def remote_files(given: str) -> Iterator[DataFile]:
    """Yield the files that a URL stands for, those of a folder or a pattern sorted. Raises the errors of `find_dataset` and of `Store`."""
    store = store_of(given)
    is_plain = not has_magic(given)
    found_as = "directory" if given.endswith("/") else store.type_of(given)
    if found_as == "file" or (is_plain and found_as is None):
        yield DataFile(given)  # who opens it reports what is wrong with it
        return
    root = given.rstrip("/") if is_plain else _fixed_part(given)
    found = sorted(
        _in_folder(store.below(root), root) if is_plain else _matching(_listed(store, given, root), given, root)
    )
    if not found:
        raise no_files(given) if is_plain else no_match(given)
    for file in found:
        check_url(file.path)
        yield file


def _in_folder(urls: Iterable[str], root: str) -> Iterator[DataFile]:
    for url in urls:
        names = _names_below(url, root)
        if names[-1] and not _is_hidden(names):
            if suffix_of(url) is None:
                raise not_of_rows(url, root)
            yield DataFile(url, partitions(url, names[:-1]))


def _matching(urls: Iterable[str], pattern: str, root: str) -> Iterator[DataFile]:
    wanted = _names_below(pattern.rstrip("/"), root)
    for url in urls:
        names = _names_below(url, root)
        matched = _matched(names, wanted)
        if not matched or not names[-1]:
            continue
        if matched < len(names):  # the pattern stands for a folder
            if _is_hidden(names[matched:]):
                continue
            if suffix_of(url) is None:
                raise not_of_rows(url, root)
        yield DataFile(url, partitions(url, names[:-1]))


def _listed(store: Store, pattern: str, root: str) -> list[str]:
    """Return the names that a pattern is compared with: where only its last part has wildcards, not all names below its folder."""
    wanted = _names_below(pattern.rstrip("/"), root)
    if len(wanted) > 1 or wanted[0] == _ANY_DEPTH:
        return store.below(root)
    files, folders = store.inside(root)
    return [
        *files,
        *(url for folder in folders if _matched(_names_below(folder, root), wanted) for url in store.below(folder)),
    ]


def _fixed_part(pattern: str) -> str:
    """Return the folder of a pattern before its first wildcard."""
    head = pattern.rstrip("/").rpartition("/")[0]
    while has_magic(head):
        head = head.rpartition("/")[0]
    return head


def _names_below(url: str, root: str) -> list[str]:
    """Return the names of folders and the file's name; the last one is empty for the mark of an empty folder."""
    return url[len(root) + 1 :].split("/")


def _is_hidden(names: Sequence[str]) -> bool:
    return any(name.startswith(HIDDEN) for name in names)


def _matched(names: Sequence[str], pattern: Sequence[str]) -> int:
    """Return how many of the names, from the first one on, the whole pattern matches at most; 0 if it matches none."""
    matched = 0
    states = _with_skipped({0}, pattern)
    for number, name in enumerate(names, 1):
        going = {at for at in states if at < len(pattern) and _fits(name, pattern[at])}
        states = _with_skipped({at if pattern[at] == _ANY_DEPTH else at + 1 for at in going}, pattern)
        if len(pattern) in states:
            matched = number
    return matched


def _with_skipped(states: set[int], pattern: Sequence[str]) -> set[int]:
    """Return the states with those behind each `**`, which also stands for no folder."""
    reached = set(states)
    for at in sorted(states):
        behind = at
        while behind < len(pattern) and pattern[behind] == _ANY_DEPTH:
            behind += 1
            reached.add(behind)
    return reached


def _fits(name: str, pattern: str) -> bool:
    """Return whether a name fits a part of a pattern, whose wildcards do not stand for a leading dot, as in a shell."""
    if name.startswith(".") and not pattern.startswith("."):
        return False
    return pattern == _ANY_DEPTH or fnmatchcase(name, pattern)
