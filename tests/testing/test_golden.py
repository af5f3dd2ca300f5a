"""Golden files: events as a whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from runner.errors import MachineError
from runner.secrets import Mask
from runner.source import read
from runner.testing.golden import golden_problems, update_golden

if TYPE_CHECKING:
    from pathlib import Path

    from runner.source import Json, Node

EVENT: dict[str, Json] = {
    "$insert_id": "i", "$time": 5, "env": "key", "event": "order_placed", "distinct_id": "ü",
    "properties": {"amount": 1, "$attachments": [], "$ss_sdk_version": "0.1"},
}  # fmt: skip
WRITTEN = """\
{
  "event": "order_placed",
  "distinct_id": "ü",
  "properties": {
    "amount": 1,
    "$attachments": []
  }
}
"""


@pytest.fixture
def golden(in_tmp: Path) -> Node:
    """Give what a spec says: a golden file `golden/one.json` beside it."""
    path = in_tmp / "spec.yaml"
    path.write_text("golden: golden/one.json\n")
    root = read(path, "spec.yaml").root
    found = root.get("golden") if root is not None else None
    assert found is not None
    return found


def test_an_update_writes_the_event_without_what_the_client_adds(golden: Node, in_tmp: Path) -> None:
    update_golden(golden, [EVENT], Mask(), in_tmp)
    assert (in_tmp / "golden" / "one.json").read_text("utf-8") == WRITTEN
    assert [path.name for path in (in_tmp / "golden").iterdir()] == ["one.json"]
    assert golden_problems(golden, [EVENT], Mask()) == []


def test_several_events_are_a_list(golden: Node, in_tmp: Path) -> None:
    update_golden(golden, [EVENT, EVENT], Mask(), in_tmp)
    assert (in_tmp / "golden" / "one.json").read_text("utf-8").startswith('[\n  {\n    "event": "order_placed",')
    assert golden_problems(golden, [EVENT, EVENT], Mask()) == []
    [problem] = golden_problems(golden, [EVENT], Mask())
    assert problem.message.startswith('expected [{"event": "order_placed"')


def test_what_is_as_it_was_is_not_written_again(golden: Node, in_tmp: Path) -> None:
    path = in_tmp / "golden" / "one.json"
    path.parent.mkdir()
    path.write_text('{"properties": {"$attachments": [], "amount": 1.0}, "distinct_id": "ü", "event": "order_placed"}')
    before = path.read_bytes()
    update_golden(golden, [EVENT], Mask(), in_tmp)
    assert path.read_bytes() == before


def test_each_difference_is_told_at_its_line_of_the_golden_file(golden: Node, in_tmp: Path) -> None:
    path = in_tmp / "golden" / "one.json"
    path.parent.mkdir()
    path.write_text(WRITTEN.replace("1", '"1"').replace('"ü"', '{"$any": true}'), "utf-8")
    told = [
        (problem.code, problem.at, problem.position and (problem.position.path, problem.position.line), problem.message)
        for problem in golden_problems(golden, [EVENT], Mask())
    ]
    assert told == [
        ("case-mismatch", "distinct_id", ("golden/one.json", 3), 'distinct_id: expected {"$any": true} (a map), got "ü" (text)'),
        ("case-mismatch", "properties.amount", ("golden/one.json", 5), 'properties.amount: expected "1" (text), got 1 (a number)'),
    ]  # fmt: skip


def test_a_golden_file_that_is_missing_is_told_with_the_way_to_write_it(golden: Node) -> None:
    [problem] = golden_problems(golden, [EVENT], Mask())
    assert (problem.code, problem.message, problem.hint) == (
        "file-not-found", "no such file: golden/one.json", "runner test --update writes it",
    )  # fmt: skip
    assert problem.position == golden.position()


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (b"{", "json-syntax", "a key in double quotes is missing here"),
        (b"", "json-syntax", "a JSON value is missing here"),
        (b"\xff", "not-utf8", "byte 0xff is not UTF-8"),
    ],
    ids=["cut", "empty", "bytes"],
)
def test_a_golden_file_that_is_broken_is_told_and_written_anew(
    golden: Node, in_tmp: Path, content: bytes, code: str, message: str
) -> None:
    path = in_tmp / "golden" / "one.json"
    path.parent.mkdir()
    path.write_bytes(content)
    [problem] = golden_problems(golden, [EVENT], Mask())
    assert (problem.code, problem.message, problem.hint) == (code, message, "runner test --update writes it")
    update_golden(golden, [EVENT], Mask(), in_tmp)
    assert path.read_text("utf-8") == WRITTEN


def test_a_place_that_takes_no_file_is_told(golden: Node, in_tmp: Path) -> None:
    (in_tmp / "golden").write_text("")
    with pytest.raises(MachineError) as caught:
        update_golden(golden, [EVENT], Mask(), in_tmp)
    assert "golden/one.json" in str(caught.value)


@pytest.mark.parametrize(
    "content",
    ['{"private_key": "hunter2"}', '["hunter2"]', '"hunter2"', '[{"event": 1}, "hunter2"]', '{"a": "hunter2}', "[]"],
)
def test_a_file_that_is_no_golden_one_is_not_quoted(golden: Node, in_tmp: Path, content: str) -> None:
    path = in_tmp / "golden" / "one.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(content, "utf-8")
    assert "hunter2" not in repr(golden_problems(golden, [EVENT], Mask()))


def test_a_secret_in_a_golden_file_is_masked_before_it_is_cut(golden: Node, in_tmp: Path) -> None:
    path = in_tmp / "golden" / "one.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"event": "x" * 90 + "s3cr3t-and-long"}), "utf-8")
    problems = golden_problems(golden, [EVENT], Mask(["s3cr3t-and-long"]))
    assert "s3cr" not in repr([problem.message for problem in problems])
