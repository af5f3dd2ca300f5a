"""Golden files: compare the events of a case with one, or update it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from runner.errors import NotFound, Problem
from runner.source import read, unshown
from runner.testing.expect import compare_whole, mismatch_problem
from runner.writing import overwrite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.secrets import Mask
    from runner.source import Json, Node

_STAMPS = frozenset({"$insert_id", "$time", "env"})
_VERSION = "$ss_sdk_version"
_AGAIN = "runner test --update writes it"


def golden_problems(golden: Node, events: Sequence[Mapping[str, Json]], mask: Mask) -> list[Problem]:
    """Compare events with the golden file that an expectation names.

    It contains the whole event, or a list of several, without `$insert_id`, `$time`, `env` and `$ss_sdk_version`, which the
    client adds to each. `mask` hides secrets in the events.
    """
    return _differences(golden, _path(golden), _whole(events, mask), mask)


def update_golden(golden: Node, events: Sequence[Mapping[str, Json]], mask: Mask, project: Path) -> None:
    """Overwrite a golden file if events differ from it. Raises the errors of `writing.overwrite`."""
    path, whole = _path(golden), _whole(events, mask)
    if _differences(golden, path, whole, mask):
        text = json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
        overwrite(path, text.encode(), project)


def _path(golden: Node) -> Path:
    return Path(golden.text.path).parent / str(golden.value)


def _whole(events: Sequence[Mapping[str, Json]], mask: Mask) -> Json:
    masked = [cast("Json", mask.json(own(event))) for event in events]
    return masked[0] if len(masked) == 1 else masked


def _differences(golden: Node, path: Path, whole: Json, mask: Mask) -> list[Problem]:
    try:
        document = read(path)
    except NotFound:
        problem = Problem("file-not-found", f"no such file: {path}", golden.position(), at="golden", hint=_AGAIN)
        return [problem]
    errors = [replace(unshown(problem), hint=_AGAIN) for problem in document.problems if problem.severity == "error"]
    if errors or document.root is None:
        empty = Problem("empty-file", f"the golden file {path} is empty", golden.position(), at="golden", hint=_AGAIN)
        return errors or [empty]
    if not _has_events(document.root):
        message = f"{path} contains no event, so it is not compared"  # its content is not shown: it may be any file
        return [Problem("case-mismatch", message, golden.position(), at="golden", hint=_AGAIN)]
    return [
        mismatch_problem(each._replace(at=each.at or "golden"))
        for each in compare_whole(document.root, whole, "", mask)
    ]


def _has_events(root: Node) -> bool:
    """Return whether a file contains an event or a list of events."""
    return all("event" in each.entries for each in (root.items if isinstance(root.value, list) else [root]))


def own(event: Mapping[str, Json]) -> dict[str, Json]:
    """Return an event without the values that the client adds."""
    kept = {key: value for key, value in event.items() if key not in _STAMPS}
    if isinstance(properties := kept.get("properties"), dict):
        kept["properties"] = {key: value for key, value in properties.items() if key != _VERSION}
    return kept
