"""A file that is no spec → what it looks like instead, so that somebody who gave the wrong file reads which one it is."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from runner.errors import Problem
from runner.source import describe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.source import Node

_OWN = ("event", "distinct_id", "extends")
"""A file with one of these keys means to be a spec, whatever else is in it."""

_KINDS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("test_name", "stages"), "a Tavern test"),
    (("steps", "runners"), "a runn book"),
    (("steps", "desc"), "a runn book"),
    (("jobs", "on"), "a GitHub Actions workflow"),
    (("apiVersion", "kind"), "a Kubernetes manifest"),
    (("openapi",), "an OpenAPI document"),
    (("asyncapi",), "an AsyncAPI document"),
    (("$schema",), "a JSON Schema"),
    (("stages",), "a GitLab pipeline"),
    (("services",), "a Compose file"),
    (("repos",), "a pre-commit configuration"),
    (("profiles",), "a runner.yaml"),
)
"""What other files have at their top: all of the keys, the telling one first."""

_NOT_HERE = "begin its name with _ or keep it out of the folder of specs"


def foreign(root: Node) -> Problem | None:
    """Report a document that doesn't even mean to be a spec; None for one that does."""
    if isinstance(root.value, list):
        return _list(root)
    if not isinstance(root.value, dict):
        return Problem("not-a-spec", f"a spec is a map with an `event:`, not {describe(root.value)}", root.position())
    if any(key in root.entries for key in _OWN):
        return None
    for keys, kind in _KINDS:
        if all(key in root.entries for key in keys):
            message = f"this looks like {kind}, not a spec"
            is_base = PurePath(root.text.path).name.startswith("_")
            hint = "name another file in extends:" if is_base else _NOT_HERE
            return Problem("not-a-spec", message, root.key_position(keys[0]), hint=hint)
    return None


def _list(root: Node) -> Problem:
    keys = set(_keys_of_items(root))
    if keys & {"event", "distinct_id"}:
        hint = "one file declares one event: make a file of each"
        return Problem("not-a-spec", "a list of events is no spec", root.position(), hint=hint)
    if "hosts" in keys:
        return Problem("not-a-spec", "this looks like an Ansible playbook, not a spec", root.position(), hint=_NOT_HERE)
    return Problem("not-a-spec", "a spec is a map with an `event:`, not a list", root.position())


def _keys_of_items(root: Node) -> Iterator[str]:
    for item in root.items:
        yield from item.entries
