"""What a shell completes: asked of the installed command, as the scripts that typer writes for shells ask it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conftest import REPOSITORY
from tests.processes import run_preloaded

if TYPE_CHECKING:
    from pathlib import Path

BY_SHELL = {
    "bash": lambda line: {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)},
    "zsh": lambda line: {"_TYPER_COMPLETE_ARGS": line},
    "fish": lambda line: {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
}
"""How each shell hands a command line over that is still being typed."""


def completed(line: str, shell: str = "bash", folder: Path = REPOSITORY) -> str:
    asked = os.environ | BY_SHELL[shell](line) | {"_RUNNER_COMPLETE": f"complete_{shell}"}
    return run_preloaded(["runner"], cwd=folder, env=asked, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("shell", BY_SHELL)
@pytest.mark.parametrize(
    ("line", "found", "other"),
    [
        ("runner va", "validate", "send"), ("runner send --dry", "--dry-run", "--rows"), ("runner runs ", "failed", "send"),
        ("runner send specs/ref", "specs/refund.yaml", "specs/purchase.yaml"),
        ("runner send ./specs/ref", "./specs/refund.yaml", "purchase"), ("runner send --profile ", "staging", "checkout"), ("runner render specs/purchase.yaml --profile st", "staging", "production"),
        ("runner send specs/invoice.yaml --label ", "billing", "checkout"),
        ("runner render specs/purchase.yaml --case ", "a premium purchase", "the lines add up"),
    ],
)  # fmt: skip
def test_a_word_is_completed(line: str, found: str, other: str, shell: str) -> None:
    told = completed(line, shell)
    assert found in told
    assert other not in told


def test_what_can_not_be_read_completes_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "runner.yaml").write_text("profiles: [\n")
    (tmp_path / "bad.yaml").write_text("version: 2\n")
    lines = (
        "runner send --profile ",
        "runner send bad.yaml --label ",
        "runner send nope/",
        "runner render bad.yaml --case ",
    )
    assert [completed(line, folder=tmp_path).strip() for line in lines] == ["", "", "", ""]


@pytest.mark.parametrize("shell", BY_SHELL)
def test_a_name_that_a_shell_could_evaluate_is_not_offered(tmp_path: Path, shell: str) -> None:
    names = ["good one", r"bad\\$(touch pwned)", "bad`id`", "bad\\nline", "bad\\u001b[2J", "bad;id", "bad'", "-bad"]
    cases = ", ".join(f'{{name: "{name}", expect: {{max_bytes: 9000}}}}' for name in names)
    spec = tmp_path / "ok.yaml"
    spec.write_text(f"version: 1\nevent: order_placed\ndistinct_id: u1\ntests: [{cases}]\n")
    (tmp_path / "bad$(id).yaml").write_text(spec.read_text())
    (tmp_path / "runner.yaml").write_text("profiles: {good: {}}\n")
    asked = ("runner render ok.yaml --case ", "runner send --profile ", "runner send ")
    told = [completed(line, shell, tmp_path) for line in asked]
    assert ["bad" in each for each in told] == [False, False, False]
    assert [name in each for name, each in zip(("good one", "good", "ok.yaml"), told, strict=True)] == [
        True,
        True,
        True,
    ]


def test_a_script_for_the_shell_is_shown() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "runner", "--show-completion", "bash"], capture_output=True, text=True, check=True,
        env=os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
    )  # fmt: skip
    assert "_RUNNER_COMPLETE=complete_bash" in ended.stdout
