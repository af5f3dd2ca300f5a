"""The recipes do what their pages say: commands print it, specs are in order, and files of CI systems run."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import pytest
import yaml

from tests.pages import PAGES, REPOSITORY, Page
from tests.test_manual import commands, ended, steady

if TYPE_CHECKING:
    from collections.abc import Callable
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


@pytest.fixture
def digest(tmp_path: Path, shell_path: str) -> Callable[[str], tuple[int, str]]:
    """Return what calls the script for a day, with a warehouse to read from."""
    folder = copied("digest", tmp_path)
    with duckdb.connect(str(folder / "warehouse.duckdb")) as warehouse:
        warehouse.execute((folder / "warehouse.sql").read_text("utf-8"))

    def called(day: str) -> tuple[int, str]:
        run = ended(f"./send-digest.sh {shlex.quote(day)} --sandbox", folder, shell_path)
        return run.returncode, run.stdout

    return called


def add_order(tmp_path: Path, day: str, amount: int = 5) -> None:
    with duckdb.connect(str(tmp_path / "digest" / "warehouse.duckdb")) as warehouse:
        warehouse.execute("INSERT INTO orders VALUES (999, 'u1', ?, ?)", [day, amount])


def test_a_digest_is_done_though_the_warehouse_went_on(
    digest: Callable[[str], tuple[int, str]], tmp_path: Path
) -> None:
    _, first = digest("2026-11-28")
    add_order(tmp_path, "2026-11-29")
    code, printed = digest("2026-11-28")
    assert (code, "20 rows: 20 accepted" in printed) == (0, True)
    assert re.findall(r"run (\S+)", printed) == re.findall(r"run (\S+)", first)


def test_a_day_without_rows_is_tried_again(digest: Callable[[str], tuple[int, str]], tmp_path: Path) -> None:
    assert digest("2026-11-26") == (1, "no rows on 2026-11-26: is the warehouse loaded?\n")
    add_order(tmp_path, "2026-11-26")
    code, printed = digest("2026-11-26")
    assert (code, "1 row: 1 accepted" in printed) == (0, True)


def test_a_digest_goes_on_though_rows_were_corrected(
    digest: Callable[[str], tuple[int, str]], tmp_path: Path, shell_path: str
) -> None:
    add_order(tmp_path, "2026-11-26", amount=-5)
    code, first = digest("2026-11-26")
    assert code == 2
    state = "--state-dir .runner/2026-11-26--sandbox"
    correct = "sed s/-5.00/5.00/ | runner send specs/daily_digest.yaml --rows - --sandbox"
    run = ended(f"runner runs failed last {state} | {correct} {state}", tmp_path / "digest", shell_path)
    assert (run.returncode, "1 row: 1 accepted" in run.stdout) == (0, True)
    code, printed = digest("2026-11-26")
    assert (code, *re.findall(r"run (\S+)$", printed, re.MULTILINE)) == (
        2,
        *re.findall(r"run (\S+)$", first, re.MULTILINE),
    )


@pytest.mark.parametrize("day", ["2026-11-27' OR 1=1 --", "../2026-11-27", ""])
def test_what_is_not_a_day_sends_no_digest(day: str, digest: Callable[[str], tuple[int, str]], tmp_path: Path) -> None:
    assert digest(day) == (64, f"expected yesterday or a day such as 2026-11-28, got '{day}'\n")
    assert not (tmp_path / "digest" / ".runner").exists()


@pytest.mark.parametrize(
    ("broken", "case"),
    [
        ("it waits for any order", "an order for another cart does not stop the reminder"),
        ("it has no rate limit", "a cart that changes twice gets one reminder"),
    ],
)
def test_a_case_shows_what_is_wrong_with_a_cart_workflow(
    broken: str, case: str, tmp_path: Path, shell_path: str
) -> None:
    folder = copied("cart", tmp_path)
    path = folder / "suprsend" / "workflows" / "abandoned-cart" / "workflow.json"
    workflow = json.loads(path.read_text("utf-8"))
    if broken == "it waits for any order":
        [waiting] = workflow["tree"]["nodes"]
        del waiting["branches"][0]["conditions"][0]["event_conditions"]
    else:
        workflow["ratelimit"] = None
    path.write_text(json.dumps(workflow), "utf-8")
    run = ended("runner test specs -q", folder, shell_path)
    assert re.findall(r"^_+ cart_updated.yaml: (.*?) _+$", run.stdout, re.MULTILINE) == [case]


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
        assert job["before_script"] == ['pip install "git+URL@COMMIT"']
        steps = job["script"]
    else:
        installing, *steps = re.findall(r"sh '([^']*)'", (folder / "Jenkinsfile").read_text("utf-8"))
        assert installing == 'python -m venv --clear .venv && .venv/bin/pip install "git+URL@COMMIT"'
        installed = folder / ".venv" / "bin" / "runner"
        installed.parent.mkdir(parents=True)
        installed.symlink_to(str(shutil.which("runner", path=shell_path)))
    assert len(steps) == 3
    for step in steps:
        run = ended(step, folder, shell_path)
        assert run.returncode == 0, f"{step}: {run.stdout}"
    assert (folder / "junit.xml").is_file()
    if name == "gitlab":
        assert json.loads((folder / "validate.sarif").read_text("utf-8"))["version"] == "2.1.0"


def test_a_problem_is_in_the_log_of_gitlab_too(tmp_path: Path, shell_path: str) -> None:
    folder = copied("gitlab", tmp_path)
    spec = folder / "specs" / "order_placed.yaml"
    spec.write_text(spec.read_text("utf-8").replace("{{ amount }}", "{{ amuont }}"), "utf-8")
    job = yaml.safe_load((folder / ".gitlab-ci.yml").read_text("utf-8"))["specs"]
    [step] = [step for step in job["script"] if "sarif" in step]
    run = ended(step, folder, shell_path)
    assert (run.returncode, "error[template-undefined]" in run.stdout) == (2, True)
    assert "template-undefined" in (folder / "validate.sarif").read_text("utf-8")


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
