"""The pytest plugin: what `pytest` collects, runs and says, in projects that ask for it and in those that don't.

Each test is a project of its own and a pytest of its own, in which no plugin but ours is loaded.
"""

from __future__ import annotations

import re
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from tests.pytest_projects import CLEAN, MODULES, Project

if TYPE_CHECKING:
    from pathlib import Path

ASKING = """
    [tool.pytest.ini_options]
    testpaths = ["tests"]
    runner_specs = ["specs"]
    addopts = ["--strict-markers", "--strict-config", "--no-header"]
    filterwarnings = ["error"]
"""
TEST = """
    def test_sum():
        assert 1 + 1 == 2
"""
PURCHASE = """
    version: 1
    labels: [smoke]
    vars:
      user:   {type: string}
      amount: {type: number, default: 10}
    event: product_purchased
    distinct_id: "{{ user }}"
    properties: {amount: "{{ amount }}"}
    tests:
      - name: a premium purchase
        vars: {user: u1, amount: 1500}
        expect: {event: {properties: {amount: 1500}}}
      - name: each amount
        labels: [slow]
        parametrize: [{user: u1, amount: 1}, {user: u2, amount: 2}]
        expect: {event: {event: product_purchased}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def asking(project: Project) -> Project:
    project.write("pyproject.toml", ASKING)
    project.write("tests/test_sum.py", TEST)
    project.write("specs/purchase.yaml", PURCHASE)
    return project


CASES = [
    "specs/purchase.yaml::a premium purchase",
    "specs/purchase.yaml::each amount[u1-1]",
    "specs/purchase.yaml::each amount[u2-2]",
]
SUM = "tests/test_sum.py::test_sum"


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ((), [SUM, *CASES]),
        (("tests",), [SUM]),
        (("specs",), CASES),
        ((".",), [*CASES, SUM]),
        (("specs/purchase.yaml",), CASES),
        ((CASES[0],), CASES[:1]),
        ((CASES[2],), CASES[2:]),
        (("-k", "premium"), CASES[:1]),
        (("-k", "a premium purchase"), CASES[:1]),
        (("-k", "each amount[u2-2]"), CASES[2:]),
        (("-k", "amount or sum"), [SUM, *CASES[1:]]),
        (("-m", "smoke"), CASES),
        (("-m", "smoke and not slow"), CASES[:1]),
    ],
    ids=" ".join,
)
def test_specs_are_collected_as_tests_are(asking: Project, args: tuple[str, ...], expected: list[str]) -> None:
    assert asking.collected(*args) == expected


def test_what_is_no_spec_by_its_name_or_place_is_none(asking: Project) -> None:
    asking.write("specs/runner.yaml", "profiles: {}")
    for name in ("_base.yaml", "_bases/order.yaml", ".hidden/order.yaml", "rows.json"):
        asking.write(f"specs/{name}", PURCHASE)
    asking.write("tests/purchase.yaml", PURCHASE)
    assert asking.collected() == [SUM, *CASES]


def test_only_failed_cases_run_again(asking: Project) -> None:
    wrong = PURCHASE.replace("amount: 1500}}}", "amount: 15}}}")
    asking.write("specs/purchase.yaml", wrong)
    assert asking.pytest("-q")[0] == 1
    assert asking.collected("--lf") == CASES[:1]


def as_pytest_9(printed: str) -> str:
    """Leave out what releases of pytest show more of, or less: why a case failed as it should, and the ends of lines."""
    printed = re.sub(r"=+ XFAILURES =+\n.*?(?==+ short test summary)", "", printed, flags=re.DOTALL)
    return re.sub(r"^(FAILED .*?) - .*$", r"\1", printed, flags=re.MULTILINE)


def test_a_failed_case_shows_its_problems_and_no_traceback(asking: Project) -> None:
    asking.write(
        "specs/purchase.yaml",
        """
        version: 1
        event: product_purchased
        distinct_id: u1
        properties: {amount: 10}
        tests:
          - name: two slips
            expect: {event: {properties: {amount: "10", price: 1}}}
          - name: not yet
            skip: the price is to come
            expect: {event: {event: order_placed}}
          - name: known to fail
            xfail: the amount is wrong
            expect: {event: {properties: {amount: 11}}}
          - name: no more
            xfail: the amount was wrong
            expect: {event: {properties: {amount: 10}}}
        """,
    )
    status, printed = asking.pytest("-ra", "specs")
    assert (status, as_pytest_9(printed)) == (
        1,
        dedent("""\
        ============================= test session starts ==============================
        collected 4 items

        specs/purchase.yaml FsxF                                                 [100%]

        =================================== FAILURES ===================================
        ___________________________ purchase.yaml: two slips ___________________________
        error[case-mismatch]: properties.amount: expected "10" (text), got 10 (a number)
         --> specs/purchase.yaml:7:43
          |
        7 |     expect: {event: {properties: {amount: "10", price: 1}}}
          |                                           ^^^^ without quotes it stands for a number
          = in case 'two slips'

        error[case-mismatch]: properties.price: expected 1 (a number), but there is no such key
         --> specs/purchase.yaml:7:56
          |
        7 |     expect: {event: {properties: {amount: "10", price: 1}}}
          |                                                        ^
          = in case 'two slips'
        ____________________________ purchase.yaml: no more ____________________________
        [XPASS(strict)] the amount was wrong
        =========================== short test summary info ============================
        SKIPPED [1] specs/purchase.yaml: the price is to come
        XFAIL specs/purchase.yaml::known to fail - the amount is wrong
        FAILED specs/purchase.yaml::two slips
        FAILED specs/purchase.yaml::no more
        2 failed, 1 skipped, 1 xfailed
        """),
    )


def test_a_spec_with_errors_is_an_error_of_collection_and_its_warnings_are_none(asking: Project) -> None:
    asking.write(
        "specs/broken.yaml",
        """
        version: 1
        vars: {user: {type: string}, unused: {type: string}}
        event: product_purchased
        distinct_id: "{{ usr }}"
        """,
    )
    asking.write(
        "specs/purchase.yaml", PURCHASE.replace("vars:\n", "vars:\n      left: {type: string, default: no}\n", 1)
    )
    assert asking.pytest("specs") == (
        2,
        dedent("""\
        ============================= test session starts ==============================
        collected 3 items / 1 error

        ==================================== ERRORS ====================================
        ______________________ ERROR collecting specs/broken.yaml ______________________
        error[template-undefined]: variable 'usr' is not defined
         --> specs/broken.yaml:4:18
          |
        4 | distinct_id: "{{ usr }}"
          |                  ^^^ did you mean 'user'?
        =============================== warnings summary ===============================
        specs/purchase.yaml
          specs/purchase.yaml:4: PytestWarning: unused-variable: no template uses the variable 'left'

        specs/purchase.yaml
          specs/purchase.yaml:4: PytestWarning: ambiguous-scalar: no is text here, but not to every YAML reader

        -- Docs: https://docs.pytest.org/en/stable/how-to/capture-warnings.html
        =========================== short test summary info ============================
        ERROR specs/broken.yaml
        !!!!!!!!!!!!!!!!!!!! Interrupted: 1 error during collection !!!!!!!!!!!!!!!!!!!!
        2 warnings, 1 error
        """),
    )


def test_a_bug_keeps_its_traceback_and_is_no_failure_that_is_expected(asking: Project) -> None:
    asking.write(
        "specs/purchase.yaml", PURCHASE.replace("- name: a", "- xfail: for another reason\n        name: a", 1)
    )
    asking.write("breaks.py", "def pytest_runtest_call(item):\n    raise TypeError('a bug')\n")
    status, printed = asking.pytest("-p", "breaks", "-k", "a premium purchase", PYTHONPATH=f"{MODULES}:{asking.path}")
    assert (status, "breaks.py:2: TypeError" in printed, "1 failed" in printed) == (1, True, True)


INTERRUPTS = """
    import sys

    import pytest


    def interrupt(frame, *_):
        frame.f_trace_opcodes = is_made = frame.f_code.co_filename.startswith("<")
        if is_made and (frame.f_lineno is None or sys.version_info >= (3, 12)):
            raise KeyboardInterrupt
        return interrupt


    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call():
        sys.settrace(interrupt)
        try:
            return (yield)
        finally:
            sys.settrace(None)
"""
"""A conftest.py that interrupts code of no file: in Python 3.11 where it has no line, since 3.12 anywhere."""


def test_an_interrupt_in_a_loop_of_a_template_is_no_error_of_pytest(asking: Project) -> None:
    asking.write("conftest.py", INTERRUPTS)
    asking.write(
        "specs/loop.yaml",
        """
        version: 1
        event: ordered
        distinct_id: u1
        properties: {text: "{% for i in range(3) %}{% if i > 9 %}{% endif %}{% endfor %}"}
        tests: [{name: a loop, expect: {event: {event: ordered}}}]
        """,
    )
    status, printed = asking.pytest("specs/loop.yaml")
    assert (status, "KeyboardInterrupt" in printed, "INTERNALERROR" in printed) == (2, True, False), printed


def test_the_junit_report_has_a_case_for_each_case(asking: Project) -> None:
    asking.pytest("specs", "--junit-xml=report.xml")
    report = (asking.path / "report.xml").read_text()
    assert re.findall(r'classname="([^"]*)" name="([^"]*)"', report) == [
        ("specs.purchase.yaml", "a premium purchase"),
        ("specs.purchase.yaml", "each amount[u1-1]"),
        ("specs.purchase.yaml", "each amount[u2-2]"),
    ]


def test_processes_share_the_cases(asking: Project) -> None:
    status, printed = asking.pytest("-q", "-p", "xdist", "-n", "2", "--no-header")
    assert (status, printed.splitlines()[-1]) == (0, "4 passed")


def test_recording_is_refused_where_ci_is_set(asking: Project) -> None:
    told = "--record rewrite is not allowed in CI (record on a developer's machine and commit the cassettes, or add --record-in-ci)"
    assert asking.pytest("--runner-record=rewrite", "--runner-sandbox", CI="true") == (4, f"ERROR: {told}\n\n")


def test_a_folder_of_specs_that_is_not_there_is_told(asking: Project) -> None:
    asking.write("pyproject.toml", ASKING.replace('"specs"', '"spec"'))
    assert asking.pytest() == (4, f"ERROR: runner_specs: no such folder: {asking.path / 'spec'}\n\n")


FOREIGN = {
    "test_login.tavern.yaml": "test_name: log in\nstages:\n  - name: first\n",
    "data.yaml": "order: 7\nnested:\n  event: of somebody else\n",
    "broken.yaml": "a: [1,\n",
}


def test_a_project_that_does_not_ask_sees_the_name_of_the_plugin_and_nothing_else(project: Project) -> None:
    project.write("test_sum.py", TEST)
    project.write("purchase.yaml", PURCHASE)
    for name, text in FOREIGN.items():
        project.write(name, text)
    status, printed = project.pytest()
    assert (status, re.sub(r"plugins: suprsend-runner-.*\n", "", printed)) == project.pytest(plugin=())
    assert project.collected(".") == ["test_sum.py::test_sum"]
    for name in FOREIGN:
        assert project.pytest(name, "--no-header") == project.pytest(name, "--no-header", plugin=())


def test_a_spec_that_is_named_is_run_in_any_project(project: Project) -> None:
    project.write("purchase.yaml", PURCHASE)
    project.write("flow.yml", '{"version": 1, "event": "order_placed", "distinct_id": "u1"}\n')
    project.write("broken.yaml", "event: {{\n")
    assert project.pytest("purchase.yaml", "-q") == (
        0,
        "...                                                                      [100%]\n3 passed\n",
    )
    assert project.pytest("flow.yml", "-q")[0] == 5
    status, printed = project.pytest("broken.yaml", "-q")
    assert (status, "error[template-unquoted]: " in printed) == (2, True)


def test_the_installed_plugin_is_listed_by_its_distribution(project: Project) -> None:
    project.write("test_sum.py", TEST)
    environ = {name: value for name, value in CLEAN.items() if name != "PYTHONPATH"}
    ended = subprocess.run(
        [sys.executable, "-m", "pytest"], cwd=project.path, env=environ, capture_output=True, text=True, check=False
    )
    [line] = [line for line in ended.stdout.splitlines() if line.startswith("plugins: ")]
    assert "suprsend-runner-" in line


def test_importing_the_plugin_loads_the_standard_library_and_pytest_alone() -> None:
    code = (
        "import sys, pytest\n"
        "before = set(sys.modules)\n"
        "import pytest_suprsend_runner\n"
        "print(*{name.split('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], env=CLEAN, capture_output=True, text=True, check=True)
    assert ended.stdout == "pytest_suprsend_runner\n"
