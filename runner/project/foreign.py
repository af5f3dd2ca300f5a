"""A file that is not a spec → a problem that says what it looks like instead."""

from __future__ import annotations

import re
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING

from runner.errors import Problem
from runner.project.format import document
from runner.source import describe, unshown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.source import Document, Node

_OWN = ("event", "distinct_id", "extends")
"""A file with one of these keys is meant to be a spec, whatever else is in it."""

_KINDS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("test_name", "stages"), "a Tavern test"),
    (("steps", "runners"), "a runn book"),
    (("steps", "desc"), "a runn book"),
    (("testcases",), "a Venom test suite"),
    (("jobs", "on"), "a GitHub Actions workflow"),
    (("apiVersion", "kind"), "a Kubernetes manifest"),
    (("apiVersion", "name", "version"), "a Helm chart"),
    (("kind", "spec", "version"), "a Rudder document"),
    (("interactions", "version"), "a cassette of vcrpy"),
    (("http_interactions",), "a cassette"),
    (("openapi",), "an OpenAPI document"),
    (("asyncapi",), "an AsyncAPI document"),
    (("$schema",), "a JSON Schema"),
    (("stages",), "a GitLab pipeline"),
    (("services",), "a Compose file"),
    (("repos",), "a pre-commit configuration"),
    (("profiles",), "a runner.yaml"),
)
"""Top-level keys of other kinds of files, the most typical one first. A file of a kind has all of its keys."""

_NOT_HERE = "start its name with _, or move it out of the folder of specs"
_COMMON = frozenset({"version", "name", "description", "labels"})
"""Keys of a spec that many other kinds of files have as well."""


def foreign(root: Node, *, is_base: bool = False) -> Problem | None:
    """Return the problem of a document that is not meant to be a spec, or a base of one; None if it is.

    The document may hold secrets: the problem shows no line, and quotes no value.
    """
    problem = _foreign(root, is_base=is_base)
    return problem and unshown(problem)


def means_to_be_a_spec(document: Document) -> bool:
    """Return whether the lines of a file may be shown: it has a key that only specs have, or only keys of specs."""
    root = document.root
    if root is None:
        return _OWN_KEY.search(document.text.content) is not None
    return any(key in root.entries for key in _OWN) or (isinstance(root.value, dict) and not _unknown_keys(root))


_OWN_KEY = re.compile(rf"^(?:\{{[^\n]*?)?[\"']?(?:{'|'.join(_OWN)})[\"']?\s*:", re.MULTILINE)


def _foreign(root: Node, *, is_base: bool) -> Problem | None:
    if isinstance(root.value, list):
        return _list(root)
    if not isinstance(root.value, dict):
        return Problem("not-a-spec", f"a spec is a map with an `event:`, not {describe(root.value)}", root.position())
    if any(key in root.entries for key in _OWN):
        return None
    is_named_base = PurePath(root.text.path).name.startswith("_")
    hint = "name another file in extends:" if is_named_base else _NOT_HERE
    for keys, kind in _KINDS:
        if all(key in root.entries for key in keys):
            message = f"this looks like {kind}, not a spec"
            return Problem("not-a-spec", message, root.key_position(keys[0]), hint=hint)
    tests = root.get("tests")
    if tests is not None and any("steps" in each.entries for each in tests.entries.values()):  # ours are a list
        message = "this looks like a Step CI workflow, not a spec"
        return Problem("not-a-spec", message, root.key_position("tests"), hint=hint)
    if not _unknown_keys(root) or (is_base and root.entries.keys() & (_keys() - _COMMON)):
        return None
    message = "this is not a spec: it has neither `event:` nor `distinct_id:`, and it has keys that specs do not have"
    if not is_named_base:
        hint = f"a spec needs both of them; if it is something else, {hint}"
    return Problem("not-a-spec", message, root.position(), hint=hint)


def _unknown_keys(root: Node) -> bool:
    """Return whether a map has a key that specs do not have."""
    return any(key not in _keys() and not key.startswith("x-") for key in root.entries)


@cache
def _keys() -> frozenset[str]:
    """Return the top-level keys of a spec."""
    return frozenset(document()["properties"])


def _list(root: Node) -> Problem:
    keys = set(_keys_of_items(root))
    if keys & {"event", "distinct_id"}:
        hint = "one file declares one event: make a file of each"
        return Problem("not-a-spec", "a list of events is not a spec", root.position(), hint=hint)
    if "hosts" in keys:
        return Problem("not-a-spec", "this looks like an Ansible playbook, not a spec", root.position(), hint=_NOT_HERE)
    return Problem("not-a-spec", "a spec is a map with an `event:`, not a list", root.position())


def _keys_of_items(root: Node) -> Iterator[str]:
    for item in root.items:
        yield from item.entries
