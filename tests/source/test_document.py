"""Files as they lie on a disk: encodings, sizes, names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.errors import MachineError, NotFound, Position, Problem
from runner.source import read

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, content: bytes, name: str = "f.yaml") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_a_file_is_read_as_utf_8(tmp_path: Path) -> None:
    document = read(write(tmp_path, "a: Zoë 😀\n".encode()), "f.yaml")
    assert document.root is not None
    assert document.root.plain() == {"a": "Zoë 😀"}
    assert document.problems == ()


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    document = read(write(tmp_path, b"\xef\xbb\xbfno: no\n"), "f.yaml")
    assert document.root is not None
    assert document.root.plain() == {"no": "no"}
    assert [problem.position for problem in document.problems] == [Position("f.yaml", 1, 5, 7, "no: no")]


def test_a_byte_order_mark_before_json_is_no_part_of_the_text(tmp_path: Path) -> None:
    document = read(write(tmp_path, b'\xef\xbb\xbf{"a": 1}', "f.json"))
    assert document.root is not None
    assert document.root.plain() == {"a": 1}


@pytest.mark.parametrize("name", ["f.yaml", "f.json"])
def test_a_byte_that_is_not_utf_8_is_told_at_its_place(tmp_path: Path, name: str) -> None:
    document = read(write(tmp_path, "a: é\nb: x".encode() + b"\xe9\n", name), name)
    assert document.root is None
    assert document.problems == (
        Problem(
            "not-utf8",
            "byte 0xe9 is not UTF-8",
            Position(name, 2, 5, 6, "b: x\N{REPLACEMENT CHARACTER}"),
            hint="save the file as UTF-8",
        ),
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16_is_told_by_its_name(tmp_path: Path, encoding: str) -> None:
    mark = b"" if encoding == "utf-16" else b"\xfe\xff"
    document = read(write(tmp_path, mark + "a: 1\n".encode(encoding)), "f.yaml")
    assert document.root is None
    assert document.problems == (
        Problem("not-utf8", "the file is UTF-16, not UTF-8", Position("f.yaml", 1, 1, 2, ""), hint="save it as UTF-8"),
    )


def test_a_file_of_one_mebibyte_is_read(tmp_path: Path) -> None:
    document = read(write(tmp_path, b"a: '" + b"x" * (1024 * 1024 - 6) + b"'\n"), "f.yaml")
    assert document.root is not None
    assert document.problems == ()


def test_a_larger_file_is_refused_unread(tmp_path: Path) -> None:
    document = read(write(tmp_path, b"\xff" * (1024 * 1024 + 1)), "f.yaml")
    assert document.root is None
    assert document.problems == (
        Problem("file-too-large", "the file is larger than 1,048,576 bytes", Position("f.yaml", 1, 1, 2, "")),
    )


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        read(tmp_path / "none.yaml", "none.yaml")
    assert caught.value.problems == (Problem("file-not-found", "no such file: none.yaml"),)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        read(tmp_path, "specs")
    assert caught.value.problems == (Problem("file-not-found", "a folder, not a file: specs"),)


def test_a_file_below_a_file_is_this_machine_s_refusal(tmp_path: Path) -> None:
    write(tmp_path, b"")
    with pytest.raises(MachineError) as caught:
        read(tmp_path / "f.yaml" / "x.yaml", "x.yaml")
    assert caught.value.problems == (Problem("file-unreadable", "can't read x.yaml: Not a directory"),)


def test_the_suffix_json_asks_for_the_grammar_of_json(tmp_path: Path) -> None:
    document = read(write(tmp_path, b"a: 1", "f.json"), "f.json")
    assert document.problems == (
        Problem("json-syntax", "a JSON value can't begin with a", Position("f.json", 1, 1, 2, "a: 1")),
    )


def test_an_empty_file_has_no_value(tmp_path: Path) -> None:
    document = read(write(tmp_path, b""), "f.yaml")
    assert document.root is None
    assert document.problems == ()
