"""A file that is no valid cassette is refused at its line."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from runner.errors import ExitCode, Problem
from runner.secrets import Mask
from runner.source import read
from runner.testing.cassette import CassetteError
from runner.testing.cassette_reader import load
from runner.testing.cassette_writer import save
from runner.testing.leaks import leaks
from tests.testing.cassettes.conftest import AGAIN, OPEN, cassette, problem

if TYPE_CHECKING:
    from pathlib import Path


def refusal(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(CassetteError) as refused:
        load(path, AGAIN, "c.yaml")
    assert refused.value.exit_code == ExitCode.CASSETTE
    return refused.value.problems


def test_a_missing_cassette_is_told_with_the_command_that_records_it(tmp_path: Path) -> None:
    message = "there is no cassette c.yaml"
    assert refusal(tmp_path / "c.yaml") == (Problem("cassette-missing", message, hint=f"record it: {AGAIN}"),)


@pytest.mark.parametrize("content", ["", "\n# only a comment\n", "interactions: []\nversion: 1\n"])
def test_an_empty_cassette_is_told(content: str, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(content)
    assert refusal(tmp_path / "c.yaml") == (problem("cassette-empty", "the cassette contains no requests"),)


FORM = "not a cassette: it has no list of interactions, or its version is not 1"


@pytest.mark.parametrize(
    ("content", "message", "line"),
    [
        (b"\xff", "the cassette is not UTF-8 text", 1),
        (b"a: [b\n", "the cassette can't be read: the [ that opens here is never closed", 1),
        (b"[]", FORM, 1),
        (b"hello", FORM, 1),
        (b"interactions: {}\nversion: 1\n", FORM, 1),
        (b"interactions: []\nversion: 2\n", FORM, 1),
        (b"- request: {}\n", FORM, 1),
        (b"interactions:\n- 1\nversion: 1\n", "invalid cassette: an interaction has no status code", 2),
        (
            b"interactions:\n- response: {status: {code: 200}}\nversion: 1\n",
            "invalid cassette: an interaction has no text at response.body.string",
            2,
        ),
        (
            b"interactions:\n- response: {status: {code: 200}, body: {string: [1]}}\nversion: 1\n",
            "invalid cassette: an interaction has no text at response.body.string",
            2,
        ),
        (
            b"interactions:\n- response: {status: {code: 9}, body: {string: x}}\nversion: 1\n",
            "invalid cassette: an interaction has no status code",
            2,
        ),
        (
            b"interactions:\n- response: {status: {code: 200}, body: {string: x}}\n  request:\n    method: POST\n    uri: 'http://['\nversion: 1\n",
            "invalid cassette: request.uri is not a URL",
            5,
        ),
        (
            "interactions:\n- response: {status: {code: 200}, body: {string: x}}\n  request: {method: POST, uri: //a℀b/}\nversion: 1\n".encode(),
            "invalid cassette: request.uri is not a URL",
            3,
        ),
        (
            b"a: !!python/object/apply:os.system ['false']\n",
            "the cassette can't be read: tag !!python/object/apply:os.system is not allowed",
            1,
        ),
        (b"a: &a {b: c}\nd:\n  <<: *a\n", "the cassette can't be read: merge keys (<<) are not supported", 3),
    ],
)
def test_what_is_no_cassette_is_refused_at_its_line(content: bytes, message: str, line: int, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_bytes(content)
    assert refusal(tmp_path / "c.yaml") == (problem("cassette-unreadable", message, line),)


def test_a_folder_is_no_cassette(tmp_path: Path) -> None:
    message = "the cassette can't be read: Is a directory"
    assert refusal(tmp_path) == (problem("cassette-unreadable", message),)


@pytest.mark.slow
@pytest.mark.parametrize(
    "bomb",
    [
        b"[" * 1_000_000,
        b"- " * 1_000_000,
        b"- a\n" * 1_000_000,
        b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(b"%c: &%c [%s]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 9)) for n in range(98, 123)),
        b"a: &a {x: y}\n" + b"".join(b"%c: &%c {<<: [%s]}\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 9)) for n in range(98, 123)),
        b" " * (16 * 1024 * 1024 + 1),
        b"a: '" + b"x\n\n" * 3_000_000,
    ],
    ids=["brackets", "indents", "items", "aliases", "merges", "blanks", "lines"],
)  # fmt: skip
def test_a_hostile_file_is_refused_before_it_costs_anything(bomb: bytes, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_bytes(bomb)
    began = time.process_time()
    assert [each.code for each in refusal(tmp_path / "c.yaml")] == ["cassette-unreadable"]
    leaks(tmp_path / "c.yaml", Mask(["s3cr3t"]))
    assert time.process_time() - began < 10


@pytest.mark.parametrize("target", [".env", ".secrets.yaml", "key.pem"])
def test_a_cassette_that_is_a_link_to_a_file_of_another_kind_is_not_read(tmp_path: Path, target: str) -> None:
    (tmp_path / target).write_text("password: *hunter2\n")
    (tmp_path / "one.yaml").symlink_to(tmp_path / target)
    with pytest.raises(CassetteError) as caught:
        load(tmp_path / "one.yaml", shown="one.yaml")
    assert str(caught.value) == "one.yaml:1:1: the cassette is a link to a file that is not a cassette"


def test_aliases_make_a_cassette_no_larger_than_it_may_be(tmp_path: Path) -> None:
    body = "x" * 1_000_000
    first = f"- &a {{request: {{method: POST, uri: 'http://x/', body: {body}}}, response: {{status: {{code: 202}}, body: {{string: ''}}}}}}\n"
    (tmp_path / "c.yaml").write_text(f"version: 1\ninteractions:\n{first}" + "- *a\n" * 30, "utf-8")
    with pytest.raises(CassetteError, match="more than 2,097,152 characters, aliases written out"):
        load(tmp_path / "c.yaml")


def test_a_merge_conflict_is_named_as_one(tmp_path: Path) -> None:
    save(tmp_path / "c.yaml", cassette(), OPEN, tmp_path)
    text = (tmp_path / "c.yaml").read_text("utf-8")
    (tmp_path / "c.yaml").write_text(f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> other\n", "utf-8")
    with pytest.raises(CassetteError) as refused:
        load(tmp_path / "c.yaml", AGAIN, "c.yaml")
    message = "the cassette can't be read: a merge conflict is not resolved here"
    assert refused.value.problems == (problem("cassette-unreadable", message),)
    for name in ("spec.yaml", "golden.json"):
        (tmp_path / name).write_text('{"a":\n<<<<<<< HEAD\n1\n=======\n2\n>>>>>>> other\n}\n')
        [found] = read(tmp_path / name).problems
        assert (found.message, found.position and found.position.line) == ("a merge conflict is not resolved here", 2)
