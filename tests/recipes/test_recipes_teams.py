"""The recipes for teams do what the page says: commands print it, and files of CI systems run."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.pages import PAGES, REPOSITORY, Page
from tests.test_manual import commands, ended, steady

if TYPE_CHECKING:
    from pathlib import Path

RECIPES = REPOSITORY / "tests" / "recipes"
FOLDERS = {
    "Rehearse a load": "load",
    "Agree on a payload between two teams": "contract",
    "GitLab CI": "gitlab",
    "Jenkins": "jenkins",
    "A Makefile": "make",
}
SECTIONS = {
    text.partition("\n")[0]: Page(PAGES["recipes-teams"].path, text)
    for text in re.split(r"^## ", PAGES["recipes-teams"].text, flags=re.MULTILINE)[1:]
}


def copied(name: str, folder: Path) -> Path:
    copy = folder / name
    shutil.copytree(RECIPES / name, copy)
    return copy


def test_each_section_has_a_folder() -> None:
    assert list(SECTIONS) == list(FOLDERS)


@pytest.mark.parametrize("title", FOLDERS)
def test_commands_print_what_the_page_says(title: str, tmp_path: Path, shell_path: str) -> None:
    folder = copied(FOLDERS[title], tmp_path)
    if title == "A Makefile":
        assert shutil.which("make"), "this test needs make"
    for block in SECTIONS[title].blocks("console"):
        for command, expected in commands(block):
            assert steady(ended(command, folder, shell_path).stdout) == steady(expected), command


@pytest.mark.parametrize("title", FOLDERS)
def test_blocks_are_text_of_files(title: str) -> None:
    files = [path.read_text("utf-8") for path in (RECIPES / FOLDERS[title]).rglob("*") if path.is_file()]
    for block in SECTIONS[title].blocks("yaml", "sh", "text"):
        assert any(block.text in text for text in files), f"line {block.line}"


@pytest.mark.parametrize("name", ["gitlab", "jenkins"])
def test_steps_of_ci_pass(name: str, tmp_path: Path, shell_path: str) -> None:
    folder = copied(name, tmp_path)
    if name == "gitlab":
        job = yaml.safe_load((folder / ".gitlab-ci.yml").read_text("utf-8"))["specs"]
        installing, steps = job["before_script"], job["script"]
    else:
        installing, *steps = re.findall(r"sh '([^']*)'", (folder / "Jenkinsfile").read_text("utf-8"))
        installing = [installing]
    assert installing == ['pip install "git+URL@COMMIT"']
    assert len(steps) == 3
    for step in steps:
        run = ended(step, folder, shell_path)
        assert run.returncode == 0, f"{step}: {run.stdout}"
    assert (folder / "junit.xml").is_file()
    if name == "gitlab":
        assert json.loads((folder / "validate.sarif").read_text("utf-8"))["version"] == "2.1.0"


def test_a_confirmed_send_is_tried_after_the_cases(tmp_path: Path, shell_path: str) -> None:
    """Without credentials it ends there."""
    assert shutil.which("make"), "this test needs make"
    run = ended("make -s send-staging CONFIRM=staging", copied("make", tmp_path), shell_path)
    assert run.returncode == 2
    assert run.stdout.index("1 passed") < run.stdout.index("error[")


def test_both_teams_have_the_same_contract() -> None:
    for part in ("suprsend", "specs", "runner.yaml"):
        owned = RECIPES / "contract" / "owner" / part
        for path in [owned, *owned.rglob("*")]:
            if path.is_file():
                copy = RECIPES / "contract" / "sender" / path.relative_to(RECIPES / "contract" / "owner")
                assert copy.read_bytes() == path.read_bytes()
