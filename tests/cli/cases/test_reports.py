"""What `runner test` reports: to a terminal, as JSON and JUnit XML, and in a workflow of GitHub."""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from tests.cli.cases.conftest import INVALID, PURCHASE, RENDERED, WRONG, write
from tests.workflows.definitions import email, workflow_file

if TYPE_CHECKING:
    from tests.conftest import CommandLine


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
            {"spec": spec, "case": "right", "state": "passed", "reason": None, "messages": [], "problems": []},
            {"spec": spec, "case": "wrong", "state": "failed", "reason": None, "messages": [], "problems": [wrong]},
            {"spec": spec, "case": "to come", "state": "skipped", "reason": "not yet", "messages": [], "problems": []},
            {
                "spec": spec,
                "case": "known",
                "state": "xfailed",
                "reason": "the amount is wrong",
                "messages": [],
                "problems": [],
            },
            {"spec": spec, "case": "mended", "state": "failed", "reason": None, "messages": [], "problems": [mended]},
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


ORDERED = """
version: 1
event: ORDER
distinct_id: u|1
tests:
  - name: one mail
    expect: {messages: [{channel: email}]}
"""


def test_messages_are_a_table_of_the_job_summary_and_properties_of_the_case(cli: CommandLine, in_tmp: Path) -> None:
    write(ORDERED, "specs/order.yaml")
    write(json.dumps(workflow_file(email())), "suprsend/workflows/order/workflow.json")
    cli.environ["GITHUB_STEP_SUMMARY"] = str(in_tmp / "summary.md")
    assert cli("test", "--junit-xml", "report.xml").code == 0
    message = "email of order to u|1: delivered after 0s"
    assert f'<property name="message" value="{message}" />' in (in_tmp / "report.xml").read_text()
    escaped = message.replace("|", "\\|")
    assert (
        (in_tmp / "summary.md")
        .read_text()
        .endswith(
            "### 1 message\n\n| spec | case | message |\n| --- | --- | --- |\n"
            f"| specs/order.yaml | one mail | {escaped} |\n\n"
        )
    )


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
