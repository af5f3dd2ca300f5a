"""How long 300 recorded cases take, against Tavern and pytest-recording with the same 300 requests.

Whole processes, in turns. Each case of ours renders its event, holds it against what is expected of it, replays its
cassette, and holds the answer against what is expected of that. Tavern posts the same bodies to a server on loopback;
pytest-recording replays them, posted by `requests` and matched by method, path and body. Both check status and JSON of
each answer.

Each of the three, ours from this checkout, is installed by pip into an environment of its own, with the plugins that pip
brings and its own defaults: none pays for the others, nor for what else the environment of whoever runs this has, and
nothing is added to that. With `--keep FOLDER` the environments stay there for the next run.
Run it at the repository's root: `python tests/bench/replay.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.request import Request, urlopen

import yaml

from tests.bench.sample_specs import write_valid
from tests.bench.timing import REPOSITORY, Row, Turns, conclude, faster, within
from tests.servers.counting import CountingServer, counting_server

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_FILES = 30
_CASES_IN_FILE = 10
_CASES = _FILES * _CASES_IN_FILE
_TURNS = 7
_WARM_UPS = 2  # the first writes bytecode and caches
_PYTEST_OF_TAVERN = "pytest<9"  # it imports private modules of pytest, one of which pytest 9 no longer has
_COUNT = re.compile(r"\b\d+ (?:passed|failed|errors?|skipped|xfailed|xpassed|deselected)\b")

Body = dict[str, object]


class Side(NamedTuple):
    """Something that runs the 300: a command, and the folder that it runs in."""

    args: Sequence[str]
    folder: Path

    def seconds(self) -> float:
        """Run it once. Every case must have passed, else its time says nothing."""
        began = perf_counter()
        told = _run(self.args, self.folder)
        took = perf_counter() - began
        counts = _COUNT.findall(told)
        if counts != [f"{_CASES} passed"]:
            sys.exit(f"{' '.join(self.args)}: not {_CASES} passed, but {counts}:\n{told[-2000:]}")
        return took


class Installed:
    """Packages, alone with what they need in an environment of their own."""

    def __init__(self, folder: Path, name: str, *packages: str) -> None:
        self._bin = folder / name / "bin"
        if not self._bin.exists():
            _run([sys.executable, "-m", "venv", str(folder / name)], REPOSITORY)
        _run([self.script("python"), "-m", "pip", "install", "--disable-pip-version-check", *packages], REPOSITORY)

    def script(self, name: str) -> str:
        """Name a command of the environment."""
        return str(self._bin / name)

    def versions(self, *packages: str) -> str:
        """Say what pip chose."""
        code = f"from importlib.metadata import version\nfor name in {packages}: print(name, version(name))"
        return ", ".join(_run([self.script("python"), "-c", code], REPOSITORY).splitlines())


def main() -> int:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description="Time 300 replayed cases against Tavern and pytest-recording.")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="Where all three are installed, and stay.")
    keep: Path | None = parser.parse_args().keep
    with TemporaryDirectory() as name, counting_server() as server:
        folder = Path(name).resolve()
        installed = (keep or folder / "installed").resolve()
        ours = Installed(installed, "ours", str(REPOSITORY))
        tavern = Installed(installed, "tavern", "tavern", _PYTEST_OF_TAVERN)
        recording = Installed(installed, "pytest-recording", "pytest-recording", "requests")
        _write_ours(folder / "ours")
        _run([ours.script("runner"), "test", "specs", "--record", "rewrite", "--sandbox"], folder / "ours")
        files = _recorded(folder / "ours" / "cassettes")
        url = f"{server.base_url}v2/event/"
        answer = _answer(url, files[0][0])
        _write_tavern(folder / "tavern", url, files, answer)
        _write_recording(folder / "recording", url, files, answer)
        _run([recording.script("pytest"), "--record-mode=rewrite"], folder / "recording")
        took = _take_turns(
            {
                "runner test": Side([ours.script("runner"), "test", "specs"], folder / "ours"),
                "pytest": Side([ours.script("pytest")], folder / "ours"),
                "tavern": Side([tavern.script("pytest")], folder / "tavern"),
                "pytest-recording": Side([recording.script("pytest")], folder / "recording"),
            },
            server,
        )
        versions = (
            ours.versions("suprsend-runner", "pytest"),
            tavern.versions("tavern", "pytest"),
            recording.versions("pytest-recording", "vcrpy", "requests", "pytest"),
        )
    sys.stdout.write(f"Python {platform.python_version()}; {'; '.join(versions)}\n")
    rows = []
    for command in ("runner test", "pytest"):
        turns = Turns(took[command], took["tavern"])
        rows.append(faster(f"{command} / tavern", turns, at_least=2, aim=3))
    for command in ("runner test", "pytest"):
        turns = Turns(took[command], took["pytest-recording"])
        rows.append(within(f"{command} / pytest-recording", turns, at_most=1.3))
    return conclude(Row(f"{_CASES} cases in {_FILES} files", "ours", "theirs", "ratio", "target"), rows)


def _take_turns(sides: Mapping[str, Side], server: CountingServer) -> dict[str, tuple[float, ...]]:
    """Time all sides in turns. Tavern must have reached the server with each request, and nobody else at all."""
    before = server.count()["requests"]
    rounds = [{name: side.seconds() for name, side in sides.items()} for _ in range(_WARM_UPS + _TURNS)]
    arrived = server.count()["requests"] - before
    if arrived != len(rounds) * _CASES:
        sys.exit(f"{arrived} requests reached the server, not {len(rounds) * _CASES}")
    return {name: tuple(taken[name] for taken in rounds[_WARM_UPS:]) for name in sides}


def _write_ours(folder: Path) -> None:
    """Write a project of specs with cases, each a purchase of another user."""
    specs = folder / "specs"
    for name in write_valid(specs, _FILES):
        path = specs / name
        head, _, tests = path.read_text("utf-8").partition("tests:\n")
        [sample, _] = yaml.safe_load(tests)
        cases = [_case(sample, number) for number in range(_CASES_IN_FILE)]
        path.write_text(f"{head}tests:\n{yaml.safe_dump(cases, sort_keys=False)}", "utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nrunner_specs = specs\n", "utf-8")


def _case(sample: Any, number: int) -> Body:
    """Make a case like the sample, with a user and an amount of its own."""
    user, amount = f"customer-{number}", sample["vars"]["amount"] + number
    properties = {**sample["expect"]["event"]["properties"], "amount": amount}
    return {
        **sample,
        "name": f"{sample['name']} of customer {number}",
        "vars": {**sample["vars"], "user": user, "amount": amount},
        "expect": {
            "event": {"distinct_id": user, "properties": properties},
            "response": {"success": True, "status": "success", "status_code": 202, "message_id": {"$len": 36}},
        },
    }


def _recorded(cassettes: Path) -> list[list[Body]]:
    """Read the bodies that were recorded, file by file."""
    folders = sorted(cassettes.iterdir())
    files = [[_body(path) for path in sorted(folder.iterdir())] for folder in folders]
    if [len(file) for file in files] != [_CASES_IN_FILE] * _FILES:
        sys.exit(f"{sum(map(len, files))} cases were recorded, not {_CASES}")
    return files


def _body(cassette: Path) -> Body:
    [interaction] = yaml.safe_load(cassette.read_text("utf-8"))["interactions"]
    body: Body = json.loads(interaction["request"]["body"])
    return body


def _answer(url: str, body: Body) -> object:
    """Ask the server what it says to an event."""
    with urlopen(Request(url, json.dumps(body).encode(), method="POST")) as answer:  # noqa: S310 - our own server
        return json.loads(answer.read())


def _write_tavern(folder: Path, url: str, files: list[list[Body]], answer: object) -> None:
    folder.mkdir()
    for index, bodies in enumerate(files):
        tests = [
            {
                "test_name": f"event {number} of file {index}",
                "stages": [
                    {
                        "name": "send it",
                        "request": {"url": url, "method": "POST", "json": body},
                        "response": {"status_code": 202, "json": answer},
                    }
                ],
            }
            for number, body in enumerate(bodies)
        ]
        text = yaml.safe_dump_all(tests, sort_keys=False, explicit_start=True)
        (folder / f"test_{index:05}.tavern.yaml").write_text(text, "utf-8")


def _write_recording(folder: Path, url: str, files: list[list[Body]], answer: object) -> None:
    folder.mkdir()
    (folder / "conftest.py").write_text(_CONFTEST, "utf-8")
    for index, bodies in enumerate(files):
        tests = [_TEST.format(number=number, url=url, body=body, answer=answer) for number, body in enumerate(bodies)]
        (folder / f"test_{index:05}.py").write_text(_IMPORTS + "".join(tests), "utf-8")


_CONFTEST = """\
import pytest


@pytest.fixture(scope="module")
def vcr_config():
    return {"match_on": ["method", "path", "body"]}
"""
_IMPORTS = """\
import pytest
import requests
"""
_TEST = """

@pytest.mark.vcr
def test_event_{number}():
    answer = requests.post({url!r}, json={body!r}, timeout=10)
    assert answer.status_code == 202
    assert answer.json() == {answer!r}
"""


def _run(args: Sequence[str], folder: Path) -> str:
    """Run a process to its end; returns what it said. It does not hear what the environment tells Python and pytest."""
    told = ("PYTHON", "PYTEST_", "CI", "GITHUB_")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(told)}
    ended = subprocess.run(args, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if ended.returncode:
        said = f"{ended.stdout[-2000:]}{ended.stderr[-2000:]}"
        sys.exit(f"{' '.join(args)} ended with {ended.returncode}:\n{said}")
    return ended.stdout + ended.stderr


if __name__ == "__main__":
    sys.exit(main())
