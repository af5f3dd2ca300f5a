"""A canary is put in every place where a secret can be; nothing that is written or printed sings."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from tests.conftest import REPOSITORY
from tests.processes import run_preloaded
from tests.servers.capturing import capturing_server
from tests.servers.echoing import EchoingServer, forms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.testing.conftest import Project

SPECIAL = ' /+"é<&>\\'
"""Each of these is written differently somewhere."""
PLACES = ("default", "case", "file", "choice1", "choice2", "table1", "table2", "row1", "row2", "line1", "line2", "step")
BIRDS = {place: f"c4n4ry{place}" for place in (*PLACES, "environment", "runnervar", "apikey", "secret")}
TOKENS = {place: f"{BIRDS[place]}{SPECIAL}" for place in PLACES}
PIN = "739174628"

SPEC = f"""\
version: 1
vars:
  user: {{type: string, default: u1}}
  token: {{type: string, env: TOKEN, secret: true, default: {json.dumps(TOKENS["default"])}}}
  pin: {{type: integer, secret: true, default: {PIN}}}
event: ordered
distinct_id: "{{{{ user }}}}"
idempotency_key: "{{{{ user }}}}-{{{{ token | sha256 }}}}-{{{{ pin }}}}"
properties:
  plain: "{{{{ token }}}}"
  url: "https://files.example.com/?token={{{{ token | urlencode }}}}"
  json: "{{{{ {{'token': token}} | tojson }}}}"
  html: "{{{{ token | escape }}}}"
  list: "{{{{ [token, [token ~ '.']] }}}}"
  map: "{{{{ {{token: token}} }}}}"
  pin: "{{{{ pin }}}}"
attachments:
  - {{url: "https://files.example.com/{{{{ token | urlencode }}}}.pdf", filename: "{{{{ token | urlencode }}}}.pdf"}}
tests:
  - name: default
    expect: &one {{response: {{success: false, message: {{$contains: refused}}}}}}
  - name: case
    vars: {{token: {json.dumps(TOKENS["case"])}}}
    expect: *one
  - name: file
    vars_file: _values/token.yaml
    expect: *one
  - name: choice
    parametrize: [{{token: {json.dumps(TOKENS["choice1"])}}}, {{token: {json.dumps(TOKENS["choice2"])}}}]
    expect: *one
  - name: table
    parametrize: _values/table.csv
    expect: *one
  - name: rows
    rows: [{{token: {json.dumps(TOKENS["row1"])}}}, {{token: {json.dumps(TOKENS["row2"])}}}]
    expect: {{response: {{failure: 2}}}}
  - name: lines
    rows: _values/lines.jsonl
    expect: {{response: {{failure: 2}}}}
  - name: steps
    steps:
      - vars: {{token: {json.dumps(TOKENS["step"])}}}
        expect: *one
"""
CASES = 10
ONE = "{response: {success: false, message: {$contains: refused}}}"
TWO = "{response: {failure: 2}}"

EDITS: dict[str, list[tuple[str, str]]] = {
    "mismatch": [
        (ONE, "{event: {properties: {plain: x, url: {$len: 1}, json: {$re: ^x}, html: x, list: [], map: {}, pin: 1}}}"),
        (TWO, "{event: {properties: {plain: x, list: {$unordered: [x]}, map: {$contains: {x: 1}}, pin: {$approx: 1}}}}"),
    ],
    "exact": [(ONE, "{exact: true, event: {event: ordered}}"), (TWO, "{exact: true, event: {event: ordered}}")],
    "answer": [
        (ONE, "{response: {message: x, raw_response: {$schema: {type: 'null'}}}}"),
        (TWO, "{response: {failed_records: [{error: x, record: {properties: {plain: x}}}]}}"),
    ],
    "changed": [('  plain: "{{ token }}"', '  plain: "x{{ token }}"'), ("token: token}", "'x' ~ token: token}")],
    "unplayed": [('distinct_id: "', 'distinct_id: "u-')],
    "schema": [("attachments:", "schema: {properties: {plain: {maxLength: 1}, map: {maxProperties: 0}, pin: {enum: [1]}}}\nattachments:")],
    "declared": [("secret: true, default: ", "secret: true, pattern: ^x, default: ")],
    "undefined": [('  plain: "{{ token }}"', '  plain: "{{ {}[token] }}"')],
    "failing": [('  plain: "{{ token }}"', '  plain: "{{ token + 1 }}"')],
    "error": [
        ('  plain: "{{ token }}"', '  plain: "{{ {}[token] }}"'),
        (ONE, "{error: {code: usage, message: x}}"),
        (TWO, "{error: {code: usage, message: x}}"),
    ],
    "golden": [(ONE, "{golden: golden/one.json}"), (TWO, "{golden: golden/two.json}")],
    "large": [(ONE, "{max_bytes: 1}"), (TWO, "{max_bytes: 1}")],
    "named": [("event: ordered", 'event: "{{ token }}"')],
}  # fmt: skip
"""Ways to make all cases of a spec fail: text and what stands instead of it."""


@pytest.fixture
def echo() -> Iterator[str]:
    """Run a server that refuses everything and repeats every secret in every form."""
    with capturing_server(EchoingServer()) as server:
        yield server.base_url


def sings(text: str) -> set[str]:
    """Find canaries in a text. Their names are plain letters, so they are escaped nowhere but in base64."""
    found = {bird for bird in (*BIRDS.values(), PIN) if bird.lower() in text.lower()}
    for bird in BIRDS.values():
        for shift in range(3):
            encoded = b64encode(b"." * shift + bird.encode()).decode()
            if encoded[-(-shift * 4 // 3) : (shift + len(bird)) * 8 // 6] in text:
                found.add(f"{bird} in base64")
    return found


def test_a_canary_is_found_in_every_form() -> None:
    assert all(BIRDS["case"] in "".join(sings(form)) for form in forms(TOKENS["case"]))


RECORDED = ("answer", "changed", "unplayed", "named")
"""The specs whose cases fail only once they are sent."""


def write(project: Project) -> None:
    """Write specs whose cases pass once they are recorded."""
    for name in RECORDED:
        project.write(f"specs/{name}.yaml", SPEC)
    project.write("specs/runner.yaml", "env_allowed: [TOKEN]\n")
    project.write("specs/_values/token.yaml", f"token: {json.dumps(TOKENS['file'])}\n")
    doubled = [TOKENS[f"table{number}"].replace('"', '""') for number in (1, 2)]
    project.write("specs/_values/table.csv", "token\n" + "".join(f'"{text}"\n' for text in doubled))
    lines = [json.dumps({"token": TOKENS[f"line{number}"]}) + "\n" for number in (1, 2)]
    project.write("specs/_values/lines.jsonl", "".join(lines))


def edit(project: Project) -> None:
    """Make all cases fail, in every way."""
    for name, edits in EDITS.items():
        text = SPEC
        for old, new in edits:
            assert old in text, (name, old)
            text = text.replace(old, new)
        project.write(f"specs/{name}.yaml", text)


def runner(project: Project, *args: str, environ: Mapping[str, str]) -> tuple[int, str]:
    """Run the cases as a program; gives all that it printed. Pytest's own flags come last."""
    flags = ["-p", "no:cacheprovider", "--continue-on-collection-errors", "--showlocals", "-rA"]
    known = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(REPOSITORY)}
    canaries = {"TOKEN": BIRDS["environment"], "RUNNER_VAR_token": BIRDS["runnervar"]}
    command = ["runner", "test", *args, *([] if "--" in args else ["--"]), *flags]
    ended = run_preloaded(command, cwd=project.path, env={**known, **canaries, **environ}, capture_output=True)
    return ended.returncode, (ended.stdout + ended.stderr).decode()


def written(project: Project) -> dict[str, set[str]]:
    """Name the files in which a canary sings, but for those that it was put into."""
    files = {
        name: text for folder in ("cassettes", "out", "specs/golden") for name, text in project.files(folder).items()
    }
    return {name: birds for name, text in files.items() if (birds := sings(text))}


@pytest.fixture(params=["api key", "workspace key"])
def credentials(request: pytest.FixtureRequest, echo: str) -> dict[str, str]:
    if request.param == "api key":
        own = {"SUPRSEND_API_KEY": f"{BIRDS['apikey']}-/+=%", "SUPRSEND_WORKSPACE_UID": "w1"}
    else:
        own = {"SUPRSEND_WORKSPACE_KEY": "w1", "SUPRSEND_WORKSPACE_SECRET": f"{BIRDS['secret']}-/+=%"}
    return {**own, "SUPRSEND_BASE_URL": echo}


def test_no_canary_sings_when_cases_are_recorded_and_replayed(project: Project, credentials: dict[str, str]) -> None:
    write(project)
    code, printed = runner(project, "-v", "--record", "rewrite", environ=credentials)
    assert (code, sings(printed), written(project)) == (0, set(), {})
    assert len(project.files("cassettes")) == CASES * len(RECORDED)

    code, printed = runner(project, "-o", "json", environ={})
    report = json.loads(printed[printed.index("{\n") : printed.rindex("}") + 1])
    assert (code, report["passed"], sings(printed)) == (0, CASES * len(RECORDED), set())

    edit(project)
    code, printed = runner(project, "-v", "--record", "rewrite", "--junit-xml", "out/report.xml", environ=credentials)
    assert code != 0
    assert (sings(printed), written(project)) == (set(), {})


def test_no_canary_sings_when_cases_fail(project: Project, echo: str) -> None:
    write(project)
    assert record(project, echo) == 0
    edit(project)
    summary = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(project.path / "out/summary.md")}
    (project.path / "out").mkdir()
    heard = {}
    for args, environ in (
        (("-v", "--junit-xml", "out/report.xml", "--", "--log-file", "out/log.txt", "--log-level", "DEBUG"), {}),
        (("-o", "json"), {}),
        (("-o", "github"), summary),
        (("-v", "--update"), {}),
    ):
        code, printed = runner(project, *args, environ=environ)
        assert code != 0
        heard[args] = sings(printed), written(project)
    assert heard == {args: (set(), {}) for args in heard}


def test_no_canary_sings_in_a_traceback(project: Project) -> None:
    write(project)
    edit(project)
    specs = ("specs/declared.yaml", "specs/mismatch.yaml", "specs/failing.yaml")
    code, printed = runner(project, *specs, "-v", "-k", "default or case or rows", "--", "--full-trace", environ={})
    assert code != 0
    assert sings(printed) == set()


def test_a_secret_that_a_template_cuts_is_warned_of_when_it_is_recorded(project: Project) -> None:
    project.write(
        "specs/otp.yaml",
        "version: 1\nvars: {otp: {type: string, secret: true}}\nevent: code_requested\ndistinct_id: u1\n"
        "properties: {code: '{{ otp[:3] }}-{{ otp[3:] }}'}\n"
        "tests: [{name: one, vars: {otp: '482913'}, expect: {response: {success: true}}}]\n",
    )
    for flags in (("--record", "once", "--sandbox"), (), ("-o", "json")):
        code, printed = runner(project, *flags, environ={})
        assert (code, "secret-transformed: a part of the secret 'otp'" in printed) == (0, True)


def record(project: Project, echo: str) -> int:
    """Record the cases with an API key."""
    own = {"SUPRSEND_API_KEY": BIRDS["apikey"], "SUPRSEND_WORKSPACE_UID": "w1", "SUPRSEND_BASE_URL": echo}
    return runner(project, "--record", "rewrite", environ=own)[0]
