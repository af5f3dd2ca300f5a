"""`runner test`: which cases it runs, what it says, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import CommandLine

REPOSITORY = Path(__file__).resolve().parents[2]
PURCHASE = """
    version: 1
    vars: {user: {type: string}, amount: {type: number, default: 10}}
    event: product_purchased
    distinct_id: "{{ user }}"
    idempotency_key: "{{ user }}-purchase"
    properties: {amount: "{{ amount }}"}
    tests:
      - name: a premium purchase
        vars: {user: u1, amount: 1500}
        expect: {event: {properties: {amount: 1500}}}
      - name: an answer
        vars: {user: u2}
        expect: {response: {status_code: 202}}
"""
RENDERED = PURCHASE.replace("response: {status_code: 202}", "event: {distinct_id: u2}")
WRONG = RENDERED.replace("amount: 1500}}}", "amount: 15}}}")
INVALID = PURCHASE.replace("{{ amount }}", "{{ amont }}")
ANSWERED = Path("cassettes/purchase/an-answer.yaml")


@pytest.fixture(autouse=True)
def _project(in_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a project the working directory, and load none of the plugins that happen to be installed."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    (in_tmp / ".git").mkdir()


def write(text: str, name: str = "specs/purchase.yaml") -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text).lstrip())


def record(cli: CommandLine) -> None:
    assert cli("test", "--record", "rewrite", "--sandbox").code == 0


def steady(text: str) -> str:
    return re.sub(r"=* ?((?:\d|no )[\w ,]*) in [\d.]+s ?=*", r"\1", text)


def test_all_specs_are_run_and_named(cli: CommandLine) -> None:
    write(RENDERED)
    write(RENDERED, "specs/shop/gift.yaml")
    ended = cli("test")
    assert (ended.code, steady(ended.out), ended.err) == (
        0,
        dedent("""\
        ============================= test session starts ==============================
        collected 4 items

        specs/purchase.yaml ..                                                   [ 50%]
        specs/shop/gift.yaml ..                                                  [100%]

        4 passed
        """),
        "",
    )


@pytest.mark.parametrize(
    ("text", "args", "code"),
    [
        (RENDERED, (), 0),
        (WRONG, (), 1),
        (WRONG, ("-k", "an answer"), 0),
        (WRONG, ("specs/purchase.yaml::an answer",), 0),
        (WRONG, ("--", "--deselect", "specs/purchase.yaml::a premium purchase"), 0),
        (INVALID, (), 2),
        (PURCHASE, (), 6),
        (PURCHASE.replace("amount: 1500}}}", "amount: 15}}}"), (), 1),
        (RENDERED.partition("tests:")[0], (), 4),
        (RENDERED, ("specs/nowhere",), 4),
        (RENDERED, ("-k", "a premiun purchase"), 4),
        (RENDERED, ("-k", "nobody"), 4),
        (RENDERED, ("--record", "sometimes"), 64),
        (RENDERED, ("--sandbox",), 64),
        (RENDERED, ("--", "--no-such-flag"), 64),
        (RENDERED, ("--record", "once"), 3),
    ],
)
def test_the_exit_code_says_how_it_ended(cli: CommandLine, text: str, args: tuple[str, ...], code: int) -> None:
    write(text)
    assert cli("test", *args).code == code


def test_without_specs_or_a_path_there_is_nothing_to_run(cli: CommandLine) -> None:
    ended = cli("test")
    hint = "error[usage]: there is no folder specs here\n  = runner test PATH runs others\n"
    assert (ended.code, ended.out, ended.err) == (64, "", hint)


def test_a_misspelt_case_is_told(cli: CommandLine) -> None:
    write(RENDERED)
    told = "error[case-not-found]: no case fits -k 'a premiun purchase'\n  = did you mean 'a premium purchase'?\n"
    assert cli("test", "-q", "-k", "a premiun purchase").err.endswith(told)


def test_a_bug_ends_with_70_and_its_traceback(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    write(RENDERED)
    write("def pytest_runtest_call(item):\n    raise TypeError('a bug')\n", "breaks.py")
    monkeypatch.syspath_prepend(Path.cwd())
    ended = cli("test", "-k", "an answer", "--", "-p", "breaks")
    assert (ended.code, "TypeError: a bug" in ended.out) == (70, True)
    [problem] = cli("test", "-o", "json", "-k", "an answer", "--", "-p", "breaks").json["cases"][0]["problems"]
    assert (problem["code"], problem["message"]) == ("bug", "TypeError: a bug")


def test_the_traceback_of_a_bug_shows_nothing_that_is_secret(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    text = RENDERED.replace("user: {type: string}", "user: {type: string, secret: true}")
    write(text.replace("u2", "s3cr3t"))
    write(
        """
        def pytest_runtest_call(item):
            broken(item.ref.case.steps[0].vars["user"])

        def broken(given):
            raise TypeError(f"{given.value} is a bug\\n::error::\\x1b[2J")
        """,
        "spills.py",
    )
    monkeypatch.syspath_prepend(Path.cwd())
    for flags in ((), ("-o", "json"), ("-v",)):
        ended = cli("test", "-k", "an answer", *flags, "--", "-p", "spills")
        told = ended.out + ended.err
        assert (ended.code, "s3cr3t" in told, "TypeError: *** is a bug" in told) == (70, False, True), told
        assert ("\x1b" in told, "\n::" in told) == (False, False), told


def test_interrupting_ends_with_130(in_tmp: Path) -> None:
    write(RENDERED)
    write(
        f"import os, signal\ndef pytest_runtest_call(item):\n    os.kill(os.getpid(), {int(signal.SIGINT)})\n",
        "breaks.py",
    )
    environ = {**os.environ, "PYTHONPATH": f"{REPOSITORY}:{in_tmp}"}
    command = [sys.executable, "-m", "runner", "test", "--", "-p", "breaks"]
    assert subprocess.run(command, env=environ, capture_output=True, check=False).returncode == 130


def test_settings_for_the_projects_python_tests_stay_away(cli: CommandLine) -> None:
    write(RENDERED)
    write("raise SystemError('a conftest of Python tests')\n", "conftest.py")
    write("raise SystemError('a test module')\n", "specs/test_purchase.py")
    write('[tool.pytest.ini_options]\naddopts = ["--no-such-flag"]\nstrict_markers = true\n', "pyproject.toml")
    assert cli("test").code == 0


def test_json_is_one_document(cli: CommandLine) -> None:
    write(
        """
        version: 1
        event: product_purchased
        distinct_id: u1
        properties: {amount: 10}
        tests:
          - name: right
            expect: {event: {properties: {amount: 10}}}
          - name: wrong
            expect: {event: {properties: {amount: 11}}}
          - name: to come
            skip: not yet
            expect: {event: {event: order_placed}}
          - name: known
            xfail: the amount is wrong
            expect: {event: {properties: {amount: 12}}}
          - name: mended
            xfail: the amount was wrong
            expect: {event: {properties: {amount: 10}}}
        """
    )
    spec = "specs/purchase.yaml"
    wrong = {
        "code": "case-mismatch",
        "severity": "error",
        "message": "properties.amount: expected 11 (a number), got 10 (a number)",
        "path": spec,
        "line": 9,
        "column": 43,
        "end_column": 45,
        "at": "properties.amount",
        "hint": None,
        "context": "in case 'wrong'",
    }
    mended = {
        "code": "case-passed",
        "severity": "error",
        "message": "expected to fail (the amount was wrong), but it passed",
        "path": spec,
        "line": 17,
        "column": 12,
        "end_column": 32,
        "at": "xfail",
        "hint": None,
        "context": None,
    }
    ended = cli("test", "-o", "json", "-q")
    assert (ended.code, ended.err) == (1, "")
    assert ended.json == {
        "total": 5,
        "passed": 1,
        "failed": 2,
        "skipped": 1,
        "xfailed": 1,
        "cases": [
            {"spec": spec, "case": "right", "state": "passed", "reason": None, "problems": []},
            {"spec": spec, "case": "wrong", "state": "failed", "reason": None, "problems": [wrong]},
            {"spec": spec, "case": "to come", "state": "skipped", "reason": "not yet", "problems": []},
            {"spec": spec, "case": "known", "state": "xfailed", "reason": "the amount is wrong", "problems": []},
            {"spec": spec, "case": "mended", "state": "failed", "reason": None, "problems": [mended]},
        ],
        "problems": [],
    }
    lines = [json.loads(line) for line in cli("test", "-o", "jsonl", "-q").out.splitlines()]
    assert lines == ended.json["cases"]


def test_an_invalid_spec_is_in_the_document_too(cli: CommandLine) -> None:
    write(INVALID)
    ended = cli("test", "-o", "json", "-q")
    assert (ended.code, ended.json["total"]) == (2, 0)
    assert [problem["message"] for problem in ended.json["problems"]] == ["variable 'amont' is not defined"]


@pytest.mark.parametrize("args", [("-o", "github"), ()])
def test_a_workflow_sees_annotations_and_a_summary(cli: CommandLine, in_tmp: Path, args: tuple[str, ...]) -> None:
    write(WRONG)
    cli.environ |= {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(in_tmp / "summary.md")}
    ended = cli("test", *args)
    [annotation] = [line for line in ended.out.splitlines() if line.startswith("::")]
    assert annotation == (
        "::error file=specs/purchase.yaml,line=10,col=43,endColumn=44,title=case-mismatch::"
        "properties.amount: expected 15 (a number), got 1500 (a number)%0Ain case 'a premium purchase'"
    )
    assert (in_tmp / "summary.md").read_text() == dedent("""\
        ### runner test: 1 passed, 1 failed

        |  | spec | case | what |
        | --- | --- | --- | --- |
        | ❌ | specs/purchase.yaml | a premium purchase | properties.amount: expected 15 (a number), got 1500 (a number) |

        """)


def test_a_workflow_sees_what_became_of_a_send(cli: CommandLine, in_tmp: Path) -> None:
    write(RENDERED)
    cli.environ |= {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(in_tmp / "summary.md")}
    ended = cli("send", "specs/purchase.yaml", "--var", "user=u1", "--var", "amount=lots")
    assert ended.out.splitlines()[-1] == (
        "::error file=specs/purchase.yaml,line=2,col=30,endColumn=35,title=var-type::"
        "variable 'amount': 'lots' is not a number%0Athe value comes from --var amount"
    )
    cli("send", "specs/purchase.yaml", "--var", "user=u1", "--sandbox")
    page = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "UUID", (in_tmp / "summary.md").read_text())
    assert page == dedent("""\
        ### runner send: 0 of 1 accepted

        |  | spec | event | status | message |
        | --- | --- | --- | --- | --- |
        | failed | specs/purchase.yaml |  |  | variable 'amount': 'lots' is not a number |

        ### runner send: 1 of 1 accepted

        |  | spec | event | status | message |
        | --- | --- | --- | --- | --- |
        | accepted | specs/purchase.yaml | product\\_purchased | 202 | UUID |

        """)


def test_recorded_cases_replay(cli: CommandLine) -> None:
    write(PURCHASE)
    record(cli)
    assert ANSWERED.exists()
    assert cli("test").code == 0


def test_nothing_is_recorded_where_ci_is_set(cli: CommandLine) -> None:
    write(PURCHASE)
    cli.environ["CI"] = "true"
    ended = cli("test", "--record", "rewrite", "--sandbox")
    hint = "record on a desk and commit the cassettes, or add --record-in-ci"
    assert (ended.code, ended.out) == (64, "")
    assert ended.err == f"error[usage]: --record rewrite: not where CI is set\n  = {hint}\n"
    assert not ANSWERED.exists()
    assert cli("test", "--record", "rewrite", "--sandbox", "--record-in-ci").code == 0
    assert ANSWERED.exists()


@pytest.mark.parametrize("value", ["", " ", "false", "False", "0", "no", "off"])
def test_ci_that_says_no_is_no_ci(cli: CommandLine, value: str) -> None:
    write(PURCHASE)
    cli.environ["CI"] = value
    assert cli("test", "--record", "rewrite", "--sandbox").code == 0
    assert ANSWERED.exists()


def test_a_cassette_that_no_case_plays_is_named_when_all_specs_are_run(cli: CommandLine) -> None:
    write(PURCHASE)
    record(cli)
    write(RENDERED)
    write("interactions: []\nversion: 1\n", "cassettes/of-another-library.yaml")
    told = (
        "error[cassette-orphan]: no case plays this cassette\n"
        " --> cassettes/purchase/an-answer.yaml:1:1\n"
        "  = runner cassette check cassettes/purchase/an-answer.yaml --fix removes it\n"
    )
    ended = cli("test")
    assert (ended.code, ended.err) == (6, told)
    assert cli("test", "./specs/").code == 6
    for part in (("specs/purchase.yaml",), ("-k", "an answer"), ("--", "-m", "not slow", "-k", "answer")):
        assert cli("test", *part).code == 0
    [problem] = cli("test", "-o", "json").json["problems"]
    assert (problem["code"], problem["path"]) == ("cassette-orphan", str(ANSWERED))


def test_a_junit_report_is_written(cli: CommandLine) -> None:
    write(WRONG)
    cli("test", "--junit-xml", "report.xml", "-x")
    report = Path("report.xml").read_text()
    assert re.findall(r'<testcase classname="([^"]*)" name="([^"]*)"', report) == [
        ("specs.purchase.yaml", "a premium purchase")
    ]


def test_a_secret_shows_up_nowhere(cli: CommandLine, in_tmp: Path) -> None:
    secret = "s3cr3t-canary"
    write(
        f"""
        version: 1
        vars: {{token: {{type: string, secret: true, default: {secret}}}}}
        event: product_purchased
        distinct_id: u1
        properties: {{url: "https://example.com/?token={{{{ token }}}}"}}
        tests:
          - name: the url
            expect: {{event: {{properties: {{url: "https://example.com/"}}}}}}
          - name: each token
            parametrize: [{{token: {secret}-2}}]
            expect: {{event: {{properties: {{url: "https://example.com/"}}}}}}
        """
    )
    cli.environ |= {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(in_tmp / "summary.md")}
    for args in ((), ("-o", "json"), ("-o", "github"), ("-v", "--", "--showlocals")):
        ended = cli("test", "--junit-xml", "report.xml", *args)
        assert (ended.code, secret in ended.out + ended.err) == (1, False)
    assert secret not in (in_tmp / "summary.md").read_text() + (in_tmp / "report.xml").read_text()


def test_a_case_that_only_renders_loads_no_http_library() -> None:
    write(RENDERED)
    code = (
        "import sys\n"
        "from runner.cli.main import run\n"
        "from runner.cli.world import World\n"
        "assert run(['test', '-q'], World.real()) == 0\n"
        "print(*{'requests', 'urllib3', 'starlette', 'uvicorn', 'vcr', 'rich', 'pydantic'} & sys.modules.keys())\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    ended = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == ""


def test_a_case_that_a_spec_does_not_have_is_told_before_anything_runs(cli: CommandLine) -> None:
    write(PURCHASE)
    ended = cli("test", "specs/purchase.yaml::an anwser")
    assert (ended.code, ended.out) == (4, "")
    assert ended.err == (
        "error[case-not-found]: specs/purchase.yaml has no case 'an anwser'\n  = did you mean 'an answer'?\n"
    )
    write(PURCHASE.replace("event:", "evnt:", 1))
    assert cli("test", "specs/purchase.yaml::an answer").code == 2


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("specs/\x1b[31mgift.yaml", r"pytest can't run specs/\x1b[31mgift.yaml: after '[' it expects a case"),
        ("specs/a::gift.yaml", "pytest can't run specs/a::gift.yaml: after '::' it expects a case"),
    ],
)
def test_a_path_that_pytest_would_take_apart_is_refused(cli: CommandLine, name: str, told: str) -> None:
    write(RENDERED, name)
    write(WRONG, f"{name.replace('[', ':').split(':')[0]}/other.yaml")  # what pytest would run instead
    ended = cli("test", name)
    assert (ended.code, ended.out) == (64, "")
    assert ended.err == f"error[usage]: {told}\n  = rename it, or name the folder that it is in\n"
    assert cli("test", "specs", "-k", "premium").code == 1


def test_a_project_in_a_folder_with_brackets_is_tested(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    write(RENDERED, "shop[1]/specs/purchase.yaml")
    Path("shop[1]/.git").mkdir()
    for folder, here in (("shop[1]", "specs"), ("specs", ".")):
        monkeypatch.chdir(folder)
        for place in ([], ["."], [f"{here}/purchase.yaml::a premium purchase"]):
            assert cli("test", *place).code == 0, place


@pytest.mark.parametrize("flags", [(), ("--", "-n", "1")])
def test_a_name_that_is_not_utf_8_is_a_name(cli: CommandLine, flags: tuple[str, ...]) -> None:
    write(PURCHASE, "specs/caf\udce9.yaml")
    ended = cli("test", "specs", *flags)
    assert (ended.code, "1 failed, 1 passed" in ended.out, "cassettes/caf\\udce9/an-answer.yaml" in ended.out) == (
        6,
        True,
        True,
    )
    assert cli("test", "specs", "-o", "json", *flags).json["cases"][0]["spec"] == "specs/caf\\udce9.yaml"
    assert cli("render", "specs/caf\udce9.yaml", "--case", "an answer").code == 0
    if not flags:
        record(cli)
        assert cli("cassette", "verify", "--sandbox").code == 0
