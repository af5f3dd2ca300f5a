"""The house: rooms in the order in which data flows, and one home for each library."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import runner
from runner.commands import COMMANDS
from tests.rooms import HOMES, ROOMS

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(runner.__file__).parent
SLOW_TO_LOAD = {"requests", "urllib3", "starlette", "uvicorn", "pytest", "rich", "pydantic", "asyncio", "opentelemetry"}
OUTSIDE_ROOMS = {"__init__", "__main__"}


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).parts[0].removesuffix(".py"), path


@cache
def nodes(path: Path) -> list[ast.AST]:
    """List the parts of a module."""
    return list(ast.walk(ast.parse(path.read_text("utf-8"))))


def imported_names(path: Path) -> Iterator[str]:
    """Every module that a file imports, also inside functions and for types alone."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield node.module or ""


def test_every_module_lies_in_a_room() -> None:
    assert {room for room, _ in modules()} <= {*ROOMS, *OUTSIDE_ROOMS}


def test_a_room_imports_only_from_rooms_above_it() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for room, path in modules()
        if room not in OUTSIDE_ROOMS
        for name in imported_names(path)
        if name.startswith("runner.") and ROOMS.index(name.split(".")[1]) > ROOMS.index(room)
    ]
    assert wrong == []


def test_a_library_is_imported_at_its_home_alone() -> None:
    known = {*HOMES, *sys.stdlib_module_names, "runner"}
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for room, path in modules()
        for name in imported_names(path)
        if (top := name.split(".")[0]) not in known or room not in HOMES.get(top, {room})
    ]
    assert wrong == []


def test_broad_excepts_stand_in_the_outermost_handler_alone() -> None:
    broad = [
        str(path.relative_to(PACKAGE))
        for _, path in modules()
        for node in nodes(path)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")))
    ]
    # What ends a thread's task is caught there, to be raised again in the caller's.
    assert broad == ["cli/main.py", "suprsend/threads.py"]


def loaded_by(*args: str) -> set[str]:
    """Names of all modules that a command line loads."""
    code = (
        "import sys, io\n"
        "from runner.cli.main import run\n"
        "from runner.commands.world import World\n"
        "run(sys.argv[1:], World.real())\n"
        "sys.stdout = sys.__stderr__\n"
        "print(*sys.modules, sep='\\n')\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, check=True)
    return set(ended.stderr.split("\n"))


@pytest.mark.usefixtures("in_repository")
@pytest.mark.parametrize(
    "args",
    [
        ("validate", "specs/purchase.yaml"),
        ("render", "specs/purchase.yaml", "--var", "user=u1"),
        ("send", "specs/purchase.yaml", "--var", "user=u1", "--dry-run"),
        ("fmt", "specs/purchase.yaml", "--check"),
        ("help", "bulk"),
    ],
)
def test_a_command_loads_only_what_it_uses(args: tuple[str, ...]) -> None:
    assert loaded_by(*args) & {*SLOW_TO_LOAD, "runner.problems"} == set()


@pytest.mark.usefixtures("in_repository")
def test_only_the_command_that_comes_first_is_declared() -> None:
    declarations = {f"runner.cli.{name}" for name in COMMANDS}
    assert loaded_by("validate", "specs/purchase.yaml") & declarations == {"runner.cli.validate"}
    assert loaded_by("--help") & declarations == declarations


def test_help_draws_without_rich() -> None:
    assert loaded_by("--help") & {*SLOW_TO_LOAD, "yaml", "jinja2", "jsonschema_rs"} == set()


def test_importing_the_package_loads_no_library() -> None:
    code = "import sys, runner; print(*sys.modules, sep='\\n')"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(ended.stdout.split("\n")) & set(HOMES) == set()


def test_the_repository_has_the_top_level_that_its_users_fixed(in_repository: Path) -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=in_repository, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    names = {line.split("/")[0] for line in tracked.stdout.splitlines()}
    visible = {name for name in names if not name.startswith(".")}
    assert visible <= {"runner", "specs", "tests", "cassettes", "pyproject.toml", "README.md", "LICENSE"}
