"""The plugin as it is installed, in projects that have a `runner` of their own and in those that have none.

The package is built as for the index, and as for a checkout that somebody works on; each is installed into an
environment of its own, which borrows the libraries of this one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import entry_points
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import pytest
import uv

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
PIP = (uv.find_uv_bin(), "pip", "--quiet")
OFFLINE = ("--no-index", "--no-deps", "--no-build-isolation", "--no-cache")
SPEC = """
    version: 1
    event: order_placed
    distinct_id: u1
    properties: {amount: 10}
    tests:
      - name: an order
        expect: {event: {properties: {amount: 10}}}
"""
OTHER_PLUGINS = [each.name for each in entry_points(group="pytest11") if each.name != "pytest_suprsend_runner"]
"""Those of the libraries that are borrowed: no project here needs one, and each pytest would take a second to import them."""
OWN = "NAME = 'of this project'\n"
TEST = "def test_own():\n    import runner\n\n    assert runner.NAME == 'of this project'\n"


class Environment(NamedTuple):
    """Where the package is installed."""

    bin: Path
    environ: dict[str, str]


def environment(folder: Path, *package: str) -> Environment:
    """Make an environment, and install the package into it."""
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    modules = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "venv")}))
    (modules / "libraries.pth").write_text(f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n")
    clean = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    subprocess.run([*PIP, "install", "--python", str(python), *OFFLINE, *package], check=True)
    without_others = " ".join(f"-p no:{name}" for name in OTHER_PLUGINS)
    return Environment(python.parent, clean | {"COLUMNS": "200", "PYTEST_ADDOPTS": without_others})


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Install the package as the index would give it: the source, and of that a wheel."""
    folder = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    [source] = folder.glob("*.tar.gz")
    return environment(folder, str(source))


class Project:
    """Somebody's folder, and an environment in which the package is installed."""

    def __init__(self, path: Path, installed: Environment) -> None:
        self.path = path
        self._installed = installed
        (path / ".git").mkdir()

    def write(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip())

    def run(self, *args: str, **environ: str) -> tuple[int, str]:
        """Give how a command ends that Python runs, and what it prints."""
        ended = subprocess.run(
            [self._installed.bin / "python", *args],
            cwd=self.path,
            env=self._installed.environ | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return ended.returncode, ended.stdout


@pytest.fixture
def project(tmp_path: Path, installed: Environment) -> Project:
    return Project(tmp_path, installed)


SCRIPT = ("-P", "-m", "pytest")
"""As the script `pytest`, which doesn't begin in the working directory."""


@pytest.mark.parametrize("own", ["runner.py", "runner/__init__.py"])
def test_a_runner_of_the_projects_own_is_the_one_that_its_tests_get(project: Project, own: str) -> None:
    project.write(own, OWN)
    project.write("test_own.py", TEST)
    if own != "runner.py":
        project.write("runner/pytest_plugin/nodes.py", "raise SystemExit('not ours')\n")
    off = f"suprsend-runner: off, because 'runner' is {project.path / own} here\n"
    ways: list[tuple[tuple[str, ...], dict[str, str]]] = [(("-m", "pytest"), {})]
    if own == "runner.py":
        ways += [(SCRIPT, {"PYTHONPATH": "."}), ((*SCRIPT, "-o", "pythonpath=."), {})]
    for args, environ in ways:
        code, printed = project.run(*args, **environ)
        assert (code, "1 passed" in printed, off in printed) == (0, True, True), printed
    code, printed = project.run(*SCRIPT)  # pytest finds it with the test, after the header was written
    assert (code, "1 passed" in printed) == (0, True), printed


def test_a_runner_that_nobody_imports_is_not_run(project: Project) -> None:
    project.write("runner.py", "raise SystemExit('it was run')\n")
    project.write("test_own.py", "def test_own():\n    pass\n")
    assert project.run("-m", "pytest", "-q")[0] == 0


def test_a_project_that_asks_for_cases_is_told_why_they_are_not_run(project: Project) -> None:
    project.write("runner.py", OWN)
    project.write("test_own.py", TEST)
    project.write("specs/order.yaml", SPEC)
    told = (
        f"ERROR: the cases of specs can't be run: 'runner' is {project.path}/runner.py here; `runner test` runs them\n"
    )
    for flags in (("-o", "runner_specs=specs"), ("--runner-record=once", "--runner-sandbox")):
        assert project.run("-m", "pytest", *flags) == (4, f"{told}\n")
    code, printed = project.run("-m", "pytest", "specs/order.yaml")
    assert (code, "suprsend-runner: off" in printed, "not found: " in printed) == (4, True, True), printed


def test_a_runner_that_shows_up_while_tests_are_collected_is_told_too(project: Project) -> None:
    project.write("a/runner.py", OWN)
    project.write("a/test_own.py", TEST)
    project.write("b/order.yaml", SPEC)
    code, printed = project.run(*SCRIPT, "-o", "runner_specs=b", "a", "b")
    told = f"the cases of order.yaml can't be run: 'runner' is {project.path}/a/runner.py here; `runner test` runs them"
    assert (code, told in printed) == (2, True), printed


def test_elsewhere_the_plugin_runs_the_specs_and_says_nothing(project: Project) -> None:
    project.write("specs/order.yaml", SPEC)
    project.write("test_own.py", "def test_own():\n    pass\n")
    for args in (("-m", "pytest"), SCRIPT):
        code, printed = project.run(*args, "-o", "runner_specs=specs", "specs", "test_own.py")
        assert (code, "2 passed" in printed, "suprsend-runner: off" in printed) == (0, True, False), printed
    assert project.run(*SCRIPT, "-q", "specs/order.yaml")[0] == 0


def test_a_checkout_that_somebody_works_on_has_the_plugin_too(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    project = Project(tmp_path / "project", environment(tmp_path, "--editable", str(REPOSITORY)))
    project.write("specs/order.yaml", SPEC)
    code, printed = project.run(*SCRIPT, "-o", "runner_specs=specs", "specs")
    assert (code, "1 passed" in printed, "plugins: suprsend-runner-" in printed) == (0, True, True), printed


def test_the_plugin_is_left_out_by_its_name(project: Project) -> None:
    project.write("specs/order.yaml", SPEC)
    code, printed = project.run(*SCRIPT, "-p", "no:pytest_suprsend_runner", "--runner-record=none")
    assert (code, "unrecognized arguments: --runner-record=none" in printed) == (4, True)
    asked = ("-p", "pytest_suprsend_runner", "specs/order.yaml")
    assert project.run(*SCRIPT, *asked, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")[0] == 0


def test_the_command_runs_cases_whatever_the_project_calls_its_own(project: Project, installed: Environment) -> None:
    project.write("runner.py", "raise SystemExit('it was run')\n")
    project.write("specs/order.yaml", SPEC)
    ended = subprocess.run(
        [installed.bin / "runner", "test"], cwd=project.path, env=installed.environ, capture_output=True, check=False
    )
    assert (ended.returncode, b"1 passed" in ended.stdout) == (0, True)


def test_the_manual_is_installed_page_by_page(installed: Environment, tmp_path: Path) -> None:
    """All pages are printed by one process, one after the other."""
    code = "import sys; from runner.cli.main import run; from runner.commands.world import World\n"
    code += "for name in sys.argv[1:]: run(['help', name], World.real()); print('-- next', flush=True)"

    def printed(*args: str | Path) -> str:
        return subprocess.check_output(args, cwd=tmp_path, env=installed.environ, text=True)

    pages = {path.stem: path.read_text("utf-8") for path in (REPOSITORY / "runner" / "manual").glob("*.md")}
    listed = json.loads(printed(installed.bin / "runner", "help", "-o", "json"))["topics"]
    assert {each["topic"] for each in listed} == set(pages)
    told = printed(installed.bin / "python", "-P", "-c", code, *pages).split("-- next\n")
    assert dict(zip(pages, told, strict=False)) == pages
