"""The README is true: its commands print what it says, its YAML is valid, its Python runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from runner.codes import CODES
from runner.config import load_profile
from runner.errors import ExitCode
from runner.eventspec import load
from runner.template.filters import FILTERS, METHODS, TESTS

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parent.parent
README = (REPOSITORY / "README.md").read_text("utf-8")
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("SUPRSEND_", "RUNNER_", "GITHUB_"))}
CHANGING = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
    (r"\d{8}-\d{6}-[0-9a-f]{4}", "RUN"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "INSTANT"),
    (r'("(?:\$time|time_ms)": )\d{13}', r"\1MILLISECONDS"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"\d+\.\d s, [\d,]+/s", "SECONDS, PACE"),
    (r"in \d\.\d\ds =", "in SECONDS ="),
)


class Block(NamedTuple):
    """A fenced block and the line it begins on."""

    language: str
    text: str
    line: int


def blocks(language: str) -> list[Block]:
    found = re.finditer(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [Block(m[1], m[2], README.count("\n", 0, m.start()) + 1) for m in found if m[1] == language]


def commands(block: Block) -> Iterator[tuple[str, str]]:
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def steady(text: str) -> str:
    for pattern, word in CHANGING:
        text = re.sub(pattern, word, text)
    return text


@pytest.fixture
def checkout(tmp_path: Path, in_repository: Path) -> Path:
    """Copy the repository's specs and cassettes, and what the README says stands in broken.yaml."""
    for folder in ("specs", "cassettes"):
        shutil.copytree(in_repository / folder, tmp_path / folder)
    [broken] = [block.text for block in blocks("yaml") if "oder_id" in block.text]
    (tmp_path / "broken.yaml").write_text(broken)
    return tmp_path


@pytest.mark.parametrize("block", blocks("console"), ids=lambda block: f"line {block.line}")
def test_commands_print_what_the_readme_says(block: Block, checkout: Path) -> None:
    environ = CLEAN | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    last = 0
    for command, expected in commands(block):
        if command == "echo $?":
            assert f"{last}\n" == expected
            continue
        assert command.startswith("runner ")
        ended = subprocess.run(
            ["sh", "-c", command], cwd=checkout, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False,
        )  # fmt: skip
        last = ended.returncode
        assert steady(ended.stdout) == steady(expected)


@pytest.mark.parametrize("block", blocks("yaml"), ids=lambda block: f"line {block.line}")
def test_yaml_blocks_are_valid(block: Block, tmp_path: Path) -> None:
    if block.text.startswith("profiles:"):
        (tmp_path / "runner.yaml").write_text(block.text)
        assert load_profile(start=tmp_path, name="staging").max_event_kb == 200
        return
    (tmp_path / "runner.yaml").write_text("env_allowed: [PDF_TOKEN]\n")
    path = tmp_path / "block.yaml"
    path.write_text(block.text)
    found = [problem.code for problem in load(path, tmp_path).problems]
    broken = ["template-unknown-filter", "template-undefined"]
    assert sorted(found) == (sorted(broken) if "oder_id" in block.text else [])


@pytest.mark.parametrize("block", blocks("python"), ids=lambda block: f"line {block.line}")
def test_python_blocks_run(block: Block) -> None:
    from runner.sandbox.server import Sandbox  # noqa: PLC0415 - collection needs no server

    with Sandbox() as sandbox:
        code = block.text.replace("http://127.0.0.1:7788/", sandbox.base_url)
        exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - the README's own code
        assert sandbox.store.total == 4


def test_the_readme_lists_every_filter_test_and_method() -> None:
    def listed(row: str) -> set[str]:
        [cells] = re.findall(rf"^\| {row} \| (.*) \|$", README, re.MULTILINE)
        return set(re.findall(r"`(\w+)`", cells))

    comparisons = {"eq", "gt", "equalto", "ne", "lt", "lessthan", "greaterthan", "le", "ge"}
    assert listed("filters") == set(FILTERS)
    assert listed("methods") == set(METHODS)
    assert listed("tests") - comparisons == {name for name in TESTS if name.isalpha()} - comparisons


def test_the_readme_lists_every_code_of_a_problem_in_order() -> None:
    section = README.partition("## Problems\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z0-9-]+)` \| \S.* \| \S.* \|$", section, re.MULTILINE) == list(CODES)


def test_the_readme_lists_every_exit_code_that_a_command_can_give() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d+) \| ", README, re.MULTILINE)}
    assert listed == set(ExitCode)
