"""`runner test`: which cases it runs, what it says, and how it ends."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from runner.pytest_plugin.nodes import node_name

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
    hint = "record on a developer's machine and commit the cassettes, or add --record-in-ci"
    assert (ended.code, ended.out) == (64, "")
    assert ended.err == f"error[usage]: --record rewrite is not allowed in CI\n  = {hint}\n"
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
        "from runner.commands.world import World\n"
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


NAMES = [
    "total [EUR]",
    "total [USD",
    "Order::paid",
    "two\nlines",
    "\x1b[31mred\x9b",
    "[",
    "a]",
    "::",
    "ends in ::",
    "äöü 名 [x::y]",
]


def named(*names: str, wrong: int | None = None) -> str:
    """Write a spec with a case of each name; one of them fails."""
    cases = "".join(
        f"  - {{name: {json.dumps(name)}, expect: {{event: {{distinct_id: u{2 if number == wrong else 1}}}}}}}\n"
        for number, name in enumerate(names)
    )
    return f"version: 1\nevent: order_placed\ndistinct_id: u1\ntests:\n{cases}"


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        *(("specs/names.yaml", number) for number in range(len(NAMES))),
        *((f"specs/{name}.yaml", 0) for name in ("a::b", "a[b]", "a\x1b", "::[")),
    ],
)
def test_what_failed_runs_again_whatever_its_name(cli: CommandLine, in_tmp: Path, spec: str, wrong: int) -> None:
    cli.environ["XDG_CACHE_HOME"] = str(in_tmp / "cache")
    write(named(*NAMES, wrong=wrong), spec)
    write(named("another", wrong=0), "specs/other.yaml")
    assert cli("test").code == 1
    again = cli("test", "-o", "json", "--", "--lf")
    assert (again.code, {case["case"] for case in again.json["cases"]}) == (1, {NAMES[wrong], "another"})


@pytest.mark.parametrize("name", NAMES)
def test_a_case_is_named_by_its_own_name_or_by_that_of_a_report(cli: CommandLine, name: str) -> None:
    write(named(*NAMES), "specs/names.yaml")
    for text in (name, node_name(name)):
        ended = cli("test", f"specs/names.yaml::{text}", "-o", "json")
        assert (ended.code, [case["case"] for case in ended.json["cases"]]) == (0, [name])


def test_an_id_of_a_parametrized_group_runs_all_of_it(cli: CommandLine) -> None:
    write(
        """
        version: 1
        vars: {user: {type: string}}
        event: order_placed
        distinct_id: "{{ user }}"
        tests:
          - name: each user [EU]::all
            parametrize: [{user: u1}, {user: "u::2"}, {id: "a\\nb", user: u3}]
            expect: {event: {event: order_placed}}
          - {name: each, vars: {user: u4}, expect: {event: {event: order_placed}}}
          - {name: "each [x]", vars: {user: u4}, expect: {event: {event: order_placed}}}
        """
    )

    def ran(*args: str) -> list[str]:
        ended = cli("-o", "json", "test", *args)
        assert ended.code == 0, ended.err
        return [case["case"] for case in ended.json["cases"]]

    group = ["each user [EU]::all[u1]", "each user [EU]::all[u::2]", "each user [EU]::all[#3]"]
    spec = "specs/purchase.yaml"
    assert ran(f"{spec}::each user [EU]::all") == group
    assert ran("-k", "each user [EU]::all") == group
    assert ran(f"{spec}::{group[1]}") == [group[1]]
    assert ran(f"{spec}::each", f"{spec}::{group[0]}") == [group[0], "each"]
    assert ran(f"{spec}::each", "--", "-p", "xdist", "-n", "2") == ["each"]
    assert len(ran(f"{spec}::each", spec)) == len(ran(f"{spec}::each", "specs")) == 5
    assert cli("test", f"{spec}::each user").code == 4


def test_labels_are_no_marks_of_other_plugins(cli: CommandLine, in_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = ["timeout", "freeze_time", "flaky", "skip", "usefixtures", "xfail", "skipif", "smoke"]
    write(named("a case").replace("event:", f"labels: {json.dumps(labels)}\nevent:", 1))
    write(
        """
        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_collection_modifyitems(items):
            for item in items:
                if item.get_closest_marker("freeze_time"):
                    item.fixturenames.insert(0, "freezer")

        def pytest_runtest_setup(item):
            for name in ("timeout", "flaky", "skip"):
                assert item.get_closest_marker(name) is None and name not in item.keywords
                assert not list(item.iter_markers(name=name))
        """,
        "freezing.py",
    )
    monkeypatch.syspath_prepend(in_tmp)
    for label in labels:
        ended = cli("test", "-o", "json", "--", "-p", "freezing", "-m", label, "--strict-markers")
        assert (ended.code, [case["state"] for case in ended.json["cases"]]) == (0, ["passed"]), ended.err
    assert cli("test", "--", "-m", "not timeout").code == 4


def test_an_error_of_pytest_itself_outranks_an_orphan(
    cli: CommandLine, in_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(PURCHASE)
    record(cli)
    write(RENDERED)
    assert cli("test").code == 6
    write("def pytest_runtest_logfinish():\n    raise TypeError('not ours')\n", "breaking.py")
    monkeypatch.syspath_prepend(in_tmp)
    assert cli("test", "--", "-p", "breaking").code == 70


def test_a_spec_that_is_broken_hides_no_case_of_others(cli: CommandLine, in_tmp: Path) -> None:
    write(INVALID, "specs/broken.yaml")
    write(RENDERED)
    write(WRONG, "specs/wrong.yaml")
    cli.environ["GITHUB_STEP_SUMMARY"] = str(in_tmp / "summary.md")
    ended = cli("test", "-o", "json")
    assert (ended.code, [case["state"] for case in ended.json["cases"]]) == (
        2,
        ["passed", "passed", "failed", "passed"],
    )
    assert "runner test: 3 passed, 1 failed, 1 spec can't be run\n" in (in_tmp / "summary.md").read_text()
    Path("specs/wrong.yaml").unlink()
    assert cli("test").code == 2


def test_annotations_stand_where_github_looks_for_files(
    cli: CommandLine, in_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(INVALID, "shop/specs/broken.yaml")
    write(WRONG, "shop/specs/wrong.yaml")
    write(PURCHASE, "shop/specs/purchase.yaml")
    assert cli("test", "shop/specs/purchase.yaml", "--record", "rewrite", "--sandbox").code == 0
    write(
        PURCHASE.replace("amount }}", "amount + 1 }}").replace("amount: 1500}}}", "amount: 1501}}}"),
        "shop/specs/purchase.yaml",
    )
    cli.environ |= {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(in_tmp)}
    monkeypatch.chdir("shop")
    ended = cli("test")
    found = re.findall(r"^::error file=([^,]*),line=(\d+),.*title=([a-z-]+)::", ended.out, re.MULTILINE)
    assert sorted(found) == [
        ("shop/specs/broken.yaml", "6", "template-undefined"),
        ("shop/specs/purchase.yaml", "6", "cassette-changed"),
        ("shop/specs/wrong.yaml", "10", "case-mismatch"),
    ]
    for command in (("validate", "specs"), ("render", "specs/broken.yaml")):
        assert "::error file=shop/specs/broken.yaml,line=6," in cli(*command, "-o", "github").out
    Path("specs/purchase.yaml").unlink()
    assert (
        "::error file=cassettes/shop/specs/purchase/an-answer.yaml,line=1,"
        in cli("cassette", "check", "-o", "github").out
    )


def test_missing_cassettes_are_recorded_by_one_command(cli: CommandLine) -> None:
    write(PURCHASE)
    assert "to record all" not in cli("test").err
    write(PURCHASE, "specs/a gift.yaml")
    for args in ((), ("specs/a gift.yaml", "specs/purchase.yaml")):
        ended = cli("test", *args)
        [told] = [line for line in ended.err.splitlines() if "to record all" in line]
        command = told.partition("; to record all: runner ")[2]
        assert (ended.code, told.startswith("2 cassettes are missing; ")) == (6, True)
    assert cli(*shlex.split(command)).code == 0
    assert cli("test").code == 0
