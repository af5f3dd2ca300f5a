"""The recipes do what their pages say: commands print it, specs are in order, and files of CI systems run."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, NamedTuple

import pytest
import yaml

from tests.pages import PAGES, REPOSITORY, Page
from tests.test_manual import commands, ended, steady

if TYPE_CHECKING:
    from pathlib import Path

RECIPES = REPOSITORY / "tests" / "recipes"


class Recipe(NamedTuple):
    """A section of a page, and the folder with its files."""

    page: str
    title: str
    name: str

    @property
    def section(self) -> Page:
        page = PAGES[self.page]
        [text] = [text for title, text in sections(page) if title == self.title]
        return Page(page.path, text)


def sections(page: Page) -> list[tuple[str, str]]:
    """List the titles and texts of a page's sections."""
    return [(text.partition("\n")[0], text) for text in re.split(r"^## ", page.text, flags=re.MULTILINE)[1:]]


GALLERY = [
    Recipe("recipes", "Nightly digest from a warehouse", "digest"),
    Recipe("recipes", "A code for signing in", "otp"),
    Recipe("recipes", "An abandoned cart, with proof", "cart"),
    Recipe("recipes", "Invoices of several tenants", "tenants"),
    Recipe("recipes", "Move events from another platform", "migration"),
    Recipe("recipes-teams", "Rehearse a load", "load"),
    Recipe("recipes-teams", "Agree on a payload between two teams", "contract"),
    Recipe("recipes-teams", "GitLab CI", "gitlab"),
    Recipe("recipes-teams", "Jenkins", "jenkins"),
    Recipe("recipes-teams", "A Makefile", "make"),
]
each_recipe = pytest.mark.parametrize("recipe", [pytest.param(recipe, id=recipe.name) for recipe in GALLERY])


def copied(name: str, folder: Path) -> Path:
    copy = folder / name
    shutil.copytree(RECIPES / name, copy)
    return copy


def test_each_section_has_a_folder() -> None:
    shown = [(page, title) for page in ("recipes", "recipes-teams") for title, _ in sections(PAGES[page])]
    assert shown == [(recipe.page, recipe.title) for recipe in GALLERY]
    folders = {path.name for path in RECIPES.iterdir() if path.is_dir()} - {"__pycache__"}
    assert folders == {recipe.name for recipe in GALLERY}


@each_recipe
def test_commands_print_what_the_page_says(recipe: Recipe, tmp_path: Path, shell_path: str) -> None:
    folder = copied(recipe.name, tmp_path)
    if recipe.name == "make":
        assert shutil.which("make"), "this test needs make"
    for block in recipe.section.blocks("console"):
        for command, expected in commands(block):
            assert steady(ended(command, folder, shell_path).stdout) == steady(expected), command


@each_recipe
def test_blocks_are_text_of_files(recipe: Recipe) -> None:
    files = [path.read_text("utf-8") for path in (RECIPES / recipe.name).rglob("*") if path.is_file()]
    for block in recipe.section.blocks("yaml", "sh", "sql", "text"):
        assert any(block.text in text for text in files), f"line {block.line}"


@each_recipe
def test_specs_are_in_order(recipe: Recipe, tmp_path: Path, shell_path: str) -> None:
    folder = copied(recipe.name, tmp_path)
    for specs in (path for path in folder.rglob("specs") if path.is_dir()):
        for command in ("fmt --check", "validate --strict", "test"):
            run = ended(f"runner {command} {specs}", folder, shell_path)
            assert run.returncode == 0, run.stdout


def test_a_code_is_written_nowhere(tmp_path: Path, shell_path: str) -> None:
    folder = copied("otp", tmp_path)
    for command in ("send --sandbox --wait 10s", "send --dry-run -v", "render -o pretty"):
        run = ended(
            f"OTP_CODE=492817 runner {command} specs/*.yaml --var user=u1 --var request=req-81", folder, shell_path
        )
        assert run.returncode == 0, run.stdout
        assert "492817" not in run.stdout
    assert not [path for path in folder.rglob("*") if path.is_file() and b"492817" in path.read_bytes()]


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
