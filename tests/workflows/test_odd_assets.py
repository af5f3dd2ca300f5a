"""Each value of each file of the shop's assets, replaced by odd ones: reading and checking end, and say where the fault is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.eventspec import check
from runner.workflows.asset_links import link_problems
from runner.workflows.assets_reader import read_assets
from runner.workflows.checks import asset_problems
from runner.workflows.reach import Listeners

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.eventspec import Spec

SHOP = Path(__file__).with_name("shop")
FILES = sorted(path.relative_to(SHOP / "suprsend") for path in (SHOP / "suprsend").rglob("*.json"))
ODD: list[Any] = [
    None,
    True,
    0,
    -1.5,
    1e308,
    "",
    " ",
    "\x00\x1b[31m\u202e",
    "{{",
    "x" * 3000,
    [],
    [[]],
    {},
    {"": None},
    ["a", 1, {}],
    {"type": 3},
]


@pytest.fixture(scope="module")
def specs() -> list[Spec]:
    found = [check(path, SHOP, None).spec for path in sorted((SHOP / "specs").glob("*.yaml"))]
    return [spec for spec in found if spec is not None]


def steps(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of each value in a document."""
    yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from steps(item, (*path, key))


def replaced(value: Any, path: tuple[str | int, ...], odd: Any) -> Any:
    """Return a document with another value at a path."""
    if not path:
        return odd
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], odd)
    return copy


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES, ids=str)
def test_an_odd_value_is_a_problem_or_harmless(name: Path, tmp_path: Path, specs: list[Spec]) -> None:
    document = json.loads((SHOP / "suprsend" / name).read_text("utf-8"))
    kind = name.parts[0]
    whole = tmp_path / "suprsend"
    for part in ["events", "schemas", "workflows"]:
        shutil.copytree(SHOP / "suprsend" / part, whole / part)
    if kind == "templates":  # the others are left out: all is read much faster
        shutil.copytree(SHOP / "suprsend" / kind / name.parts[1], whole / kind / name.parts[1])
    elif kind == "preference_categories":
        shutil.copytree(SHOP / "suprsend" / kind, whole / kind)
    before, _ = read_assets(whole)
    turn = FILES.index(name)  # so that files of one kind have different values in the same place
    for number, path in enumerate(steps(document)):
        odd = ODD[(number + turn) % len(ODD)]
        (whole / name).write_text(json.dumps(replaced(document, path, odd)), "utf-8")
        after, problems = read_assets(whole)
        about = [problem for problem in problems if problem.position is not None]
        assert all(str(name) in problem.position.path for problem in about if problem.position), (path, odd)
        assert len(about) == len(problems), (path, odd, problems)
        for spec in specs:
            found = [*asset_problems(spec, after, Listeners(after)), *link_problems(after)]
            assert all(problem.position is not None for problem in found), (path, odd)
            if problems and kind in ("events", "workflows"):
                silent = {"unknown-event", "unheard-event"} & {problem.code for problem in found}
                assert not silent or is_gone(spec, whole / name), (path, odd, found)
        others = {slug for slug in before.workflows or {} if slug != name.parts[1]}
        assert others <= set(after.workflows or {})


def is_gone(spec: Spec, path: Path) -> bool:
    """Return whether a file that can't be read does not have the name of a spec's event any more."""
    event = spec.root.get("event")
    return event is not None and f'"{event.value}"' not in path.read_text("utf-8")
