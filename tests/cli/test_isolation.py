"""`runner test` in somebody else's tree: nothing in it but specs, what they name, `runner.yaml` and cassettes counts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE, STDOUT
from textwrap import dedent

import pytest

from tests.processes import run_preloaded

REPOSITORY = Path(__file__).resolve().parents[2]
SPEC = """
    version: 1
    event: order_placed
    distinct_id: u1
    properties: {amount: 10}
    tests:
      - name: an order
        expect: {event: {properties: {amount: 10}}}
"""
MARK = "with open({ran!r}, 'a') as file:\n    file.write(__name__)\n"
"""A line of Python that tells that it was run."""


class Tree:
    """A project that somebody else wrote, beside a file that tells whether anything of it was run."""

    def __init__(self, path: Path, *, from_start: bool = False) -> None:
        self.path = path / "project"
        self._from_start = from_start
        self.ran = path / "ran"
        (self.path / ".git").mkdir(parents=True)
        self.write("specs/order.yaml", SPEC)

    def write(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip())

    def plant(self, *names: str) -> None:
        """Write modules that tell when they are run."""
        for name in names:
            self.write(name, MARK.format(ran=str(self.ran)))

    def test(self, *args: str, **environ: str) -> tuple[int, str]:
        """Return the exit code of `runner test`, and all that it prints."""
        clean = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        clean |= {"PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"} | environ
        if not self._from_start:
            ended = run_preloaded(
                ["runner", "test", *args], cwd=self.path, env=clean, stdout=PIPE, stderr=STDOUT, text=True
            )
        else:  # with -P, as the script `runner`: -m begins in the folder
            ended = subprocess.run(
                [sys.executable, "-P", "-m", "runner", "test", *args],
                cwd=self.path, env=clean, stdout=PIPE, stderr=STDOUT, text=True, check=False,
            )  # fmt: skip
        return ended.returncode, ended.stdout

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.path)) for path in self.path.rglob("*") if not path.is_dir())

    def passes(self, cases: int, *args: str, **environ: str) -> None:
        """Hold that so many cases pass, and that nothing of the tree is run or written."""
        before = self.files()
        code, printed = self.test(*args, **environ)
        assert (code, f"{cases} passed" in printed) == (0, True), printed
        assert not self.ran.exists(), self.ran.read_text()
        assert self.files() == before


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


@pytest.fixture
def tree_from_start(tmp_path: Path) -> Tree:
    """Return a tree that is there when the interpreter starts, and when it imports its libraries."""
    return Tree(tmp_path, from_start=True)


def test_no_python_of_the_tree_is_imported(tree_from_start: Tree) -> None:
    tree_from_start.plant(
        "__init__.py", "conftest.py", "setup.py", "specs/__init__.py", "specs/conftest.py", "specs/test_order.py"
    )
    tree_from_start.plant(
        "specs/shop/__init__.py", "specs/shop/conftest.py", "cassettes/__init__.py", "cassettes/order.py"
    )
    tree_from_start.write("specs/shop/gift.yaml", SPEC)
    tree_from_start.passes(2)
    tree_from_start.passes(1, "specs/shop")
    tree_from_start.passes(1, "specs/shop/gift.yaml::an order")


SETTINGS = """
    [pytest]
    pythonpath = . specs
    addopts = -p evil --no-such-flag
    python_files = *
    required_plugins = nobody
    filterwarnings = error::evil.Class
    log_file = written.log
    cache_dir = written
    junit_suite_name = evil
"""


@pytest.mark.parametrize("name", ["pytest.ini", "specs/pytest.ini", "specs/.pytest.ini", "tox.ini", "../pytest.ini"])
def test_no_settings_of_the_tree_hold(tree: Tree, name: str) -> None:
    tree.plant("evil.py", "specs/evil.py")
    tree.write(name, SETTINGS)
    tree.passes(1)


def test_the_name_of_a_case_gives_pytest_no_flags(tree: Tree) -> None:
    tree.plant("evil.py")
    tree.write("evil.ini", SETTINGS.replace(" --no-such-flag", ""))
    tree.write("args", "an order\n-c\nevil.ini\n--junit-xml=written.xml\n")
    tree.write("specs/order.yaml", SPEC.replace("an order", '"@args"'))
    tree.passes(1, "-k", "@args")
    tree.passes(1, "specs/order.yaml::@args")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("setup.cfg", SETTINGS.replace("[pytest]", "[tool:pytest]")),
        ("setup.cfg", "[pytest]\n"),
        ("pyproject.toml", '[tool.pytest.ini_options]\naddopts = "-p evil"\npythonpath = ["specs"]\n'),
        ("specs/pytest.toml", '[pytest]\naddopts = ["-p", "evil"]\npythonpath = ["specs"]\n'),
        ("specs/pyproject.toml", "this is no TOML"),
    ],
)
def test_no_settings_in_another_form_hold(tree: Tree, name: str, text: str) -> None:
    tree.plant("evil.py", "specs/evil.py")
    tree.write(name, text)
    tree.passes(1)


def test_no_text_is_run_as_a_doctest(tree: Tree) -> None:
    for name in ("specs/test_order.txt", "test.txt", "specs/shop/test.rst"):
        tree.write(name, f">>> open({str(tree.ran)!r}, 'w').close()\n")
    tree.passes(1, ".")


@pytest.mark.parametrize("folder", ["venv", "build", "node_modules", "shop.egg", "shop.yaml"])
def test_no_name_or_file_keeps_a_spec_away(tree: Tree, folder: str) -> None:
    tree.write(f"specs/{folder}/order.yaml", SPEC)
    tree.write(f"specs/{folder}/pyvenv.cfg", "")
    tree.write(f"specs/{folder}/conda-meta/history", "")
    tree.passes(2)


def test_links_to_folders_are_not_followed(tree: Tree) -> None:
    tree.write("../outside/gift.yaml", SPEC)
    (tree.path / "specs" / "shop").symlink_to("../../outside")
    tree.passes(1)


def test_what_is_set_for_python_tests_does_not_hold(tree_from_start: Tree) -> None:
    tree_from_start.plant("modules/evil.py")
    modules = f"{REPOSITORY}:{tree_from_start.path / 'modules'}"
    tree_from_start.passes(1, PYTHONPATH=modules, PYTEST_ADDOPTS="-p evil", PYTEST_PLUGINS="evil")


def test_a_plugin_that_is_installed_beside_runner_is_not_loaded_by_itself(
    tree_from_start: Tree, tmp_path: Path
) -> None:
    installed = tmp_path / "installed"
    (installed / "evil-1.0.dist-info").mkdir(parents=True)
    (installed / "evil-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (installed / "evil-1.0.dist-info" / "entry_points.txt").write_text("[pytest11]\nevil = evil\n")
    (installed / "evil.py").write_text(MARK.format(ran=str(tree_from_start.ran)))
    modules = f"{REPOSITORY}:{installed}"
    tree_from_start.passes(1, PYTHONPATH=modules)
    assert tree_from_start.test("--", "-p", "evil", PYTHONPATH=modules)[0] == 0  # one that is asked for is
    assert tree_from_start.ran.read_text() == "evil"


def test_modules_of_the_working_directory_stand_in_nobodys_way(tree_from_start: Tree) -> None:
    tree_from_start.plant(
        "yaml.py", "pytest.py", "jinja2.py", "orjson.py", "typer.py", "xdist.py", "runner.py", "specs/yaml.py"
    )
    tree_from_start.passes(1)


STANDARD = (
    "json",
    "struct",
    "enum",
    "queue",
    "threading",
    "weakref",
    "traceback",
    "tempfile",
    "abc",
    "types",
    "socket",
)


@pytest.mark.slow
def test_processes_of_xdist_are_as_isolated(tree_from_start: Tree) -> None:
    pytest.importorskip("xdist")
    tree_from_start.plant(
        "conftest.py", "specs/__init__.py", "evil.py", *(f"{name}.py" for name in STANDARD), "execnet.py"
    )
    tree_from_start.write("specs/pytest.ini", SETTINGS)
    tree_from_start.write("specs/gift.yaml", SPEC)
    tree_from_start.write("specs/build/order.yaml", SPEC)
    tree_from_start.passes(3, "--", "-n", "2", PYTEST_ADDOPTS="-p evil")


@pytest.mark.slow
def test_processes_of_xdist_record_too(tree_from_start: Tree) -> None:
    pytest.importorskip("xdist")
    for name in ("order", "gift"):
        tree_from_start.write(
            f"specs/{name}.yaml", SPEC.replace("expect: {", "expect: {response: {status_code: 202}, ")
        )
    assert tree_from_start.test("-o", "json")[0] == 6
    code, printed = tree_from_start.test("--record", "once", "--sandbox", "--", "-n", "2")
    assert (code, "2 passed" in printed) == (0, True), printed
    tree_from_start.passes(2, "--", "-n", "2")


def test_a_debugger_that_reads_the_tree_is_not_started(tree: Tree) -> None:
    tree.write(".pdbrc", f"open({str(tree.ran)!r}, 'w').close()\n")
    tree.write("specs/order.yaml", SPEC.replace("amount: 10}}}", "amount: 11}}}"))
    assert tree.test("--", "--pdb")[0] == 64
    assert not tree.ran.exists()


def test_what_failed_is_remembered_outside_of_the_tree(tree: Tree, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tree.path / ".pytest_cache").symlink_to("../outside")
    tree.write("specs/gift.yaml", SPEC.replace("amount: 10}}}", "amount: 11}}}"))
    cache = str(tmp_path / "cache")
    assert tree.test(XDG_CACHE_HOME=cache)[0] == 1
    code, printed = tree.test("--", "--lf", XDG_CACHE_HOME=cache)
    assert (code, "1 failed" in printed, "passed" in printed) == (1, True, False)
    assert list(outside.iterdir()) == []
    tree.write("specs/gift.yaml", SPEC)
    for home in ({}, {"HOME": "/dev/null"}):
        tree.passes(2, **home)


def test_the_flags_of_pytest_that_somebody_types_hold(tree: Tree) -> None:
    tree.write("specs/gift.yaml", SPEC)
    tree.write("specs/shop/gift.yaml", SPEC)
    tree.passes(2, "--", "--ignore", "specs/shop")
    tree.passes(1, "--", "--ignore-glob", "*/gift.yaml")
    assert "specs/gift.yaml::an order PASSED" in tree.test("-v")[1]
