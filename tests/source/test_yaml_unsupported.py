"""What is valid YAML 1.2 and not read here is told as that, and what is no YAML is not.

The ids are those of yaml-test-suite (https://github.com/yaml/yaml-test-suite): all documents that it calls valid and
that libyaml refuses, or reads as something else. The documents are ours, each has what the suite's document of that id has.
"""

from __future__ import annotations

import time

import pytest

from runner.errors import Position, Problem
from runner.source import read_text

NOT_READ = " is valid YAML, but not supported here"
EMPTY_KEY = "an empty key" + NOT_READ
KEY_ABOVE = "a key in { } that is not on one line with its ':'" + NOT_READ
COLON = "a text that begins with ':' inside [ ] or { } means something else to other YAML readers"
QUESTION = COLON.replace("':'", "'?'")
NAME = "a name after & with characters other than letters, digits, - and _" + NOT_READ
TAB = "a tab before this value" + NOT_READ
TAB_ALONE = "a tab at the end of a line" + NOT_READ
TAB_COMMENT = "a tab before this comment" + NOT_READ
BLOCK_TAB = "the text of this block begins with a tab"
TOP_BLOCK = "a block's text that is not indented" + NOT_READ
DIRECTIVE = "a directive other than %YAML and %TAG" + NOT_READ
VERSION = "another version of YAML than 1.1 and 1.2" + NOT_READ
END_ALONE = "a '...' that ends no document" + NOT_READ
COLON_ENDS = "a ':' right before ',', ']' or '}'" + NOT_READ

# fmt: off
VALID = [
    ("2JQS", ": signup\n: refund\n", "1:1", EMPTY_KEY),
    ("2LFX", "%SPEC a b # not ours\n      # at all\n---\n'signup'\n", "1:1", DIRECTIVE),
    ("2SXE", "&id: user: &id id7\norder:\n  *id:\n", "1:1", NAME),
    ("4ABK", "{\nevent : 'signup',\nhttps://a.example,\nuser id:,\n}\n", "4:8", COLON_ENDS),
    ("4MUZ:0", '{"event"\n: "signup"}\n', "2:1", KEY_ABOVE),
    ("4MUZ:2", "{event\n: signup}\n", "2:1", KEY_ABOVE),
    ("58MP", "{user: :u1}\n", "1:8", COLON),
    ("5MUD", '---\n{ "event"\n  :signup }\n', "3:3", KEY_ABOVE),
    ("5T43", '- { "event":signup }\n- { "event"::signup }\n', "2:13", COLON),
    ("652Z", "{ ?event: signup,\nuser: u1\n}\n", "1:3", QUESTION),
    ("6BCT", "- id:\t 7\n- - a\n  -\tb\n", "3:4", TAB),
    ("6CA3", "\t[\n\t]\n", "1:1", TAB),
    ("6M2F", "? &a user\n: &b id\n: *a\n", "3:1", EMPTY_KEY),
    ("8XYN", "---\n- &\u00fcber text\n", "2:3", NAME),
    ("96NN:0", "note: |-\n \tthanks\n", "2:2", BLOCK_TAB),
    ("96NN:1", "note: |-\n \tthanks", "2:2", BLOCK_TAB),
    ("9SA2", '---\n- { "one line": 1}\n- { "two\n  lines": 2}\n', "4:9", KEY_ABOVE),
    ("A2M4", "? ids\n: -\t7\n  -  -\t8\n     - 9\n", "2:4", TAB),
    ("BEC7", "%YAML 1.3 # not yet\n---\n'signup'\n", "1:1", VERSION),
    ("CFD4", "- [ : signup ]\n- [: refund]\n", "1:5", EMPTY_KEY),
    ("DBG4", "- ::u1\n- [ ::u1, ': - ()', -7, https://a.example/b#c ]\n", "2:5", COLON),
    ("DK3J", "--- >\nthank\n# no comment\nyou\n", "2:1", TOP_BLOCK),
    ("DK95:0", "note:\n \tthanks\n", "2:2", TAB),
    ("DK95:3", " \t\nid: 7\n", "1:2", TAB_ALONE),
    ("DK95:4", "id: 7\n\t\nsum: 9\n", "2:1", TAB_ALONE),
    ("FP8R", "--- >\nthank\nyou\n", "2:1", TOP_BLOCK),
    ("FRK4", "{\n  ? event :,\n  : u1,\n}\n", "2:11", COLON_ENDS),
    ("HM87:0", "[:u1]\n", "1:2", COLON),
    ("HM87:1", "[?u1]\n", "1:2", QUESTION),
    ("HWV9", "...\n", "1:1", END_ALONE),
    ("K3WX", '---\n{ "event" # its name\n  :signup }\n', "3:3", KEY_ABOVE),
    ("MUS6:5", "%SPE 1.1\n---\n", "1:1", DIRECTIVE),
    ("MUS6:6", "%YAMLS 1.1\n---\n", "1:1", DIRECTIVE),
    ("NHX8", ":\n\n\n", "1:1", EMPTY_KEY),
    ("NJ66", "---\n- { one line: 1}\n- { two\n  lines: 2}\n", "4:8", KEY_ABOVE),
    ("NKF9", "---\nid: 7\n: none\n---\n{\n id: 7, : none\n}\n---\n:\n---\n{ : }\n", "3:1", EMPTY_KEY),
    ("Q5MG", "\t{}\n", "1:1", TAB),
    ("QT73", "# nothing yet\n...\n", "2:1", END_ALONE),
    ("R4YG", "- |\n one\n- >\n \n  \n  # two\n- |1\n  three\n- >\n \t\n four\n", "10:2", BLOCK_TAB),
    ("S3PD", "event: signup\n: # neither\n'ids':\n- 7\n", "2:1", EMPTY_KEY),
    ("SM9W:1", ":", "1:1", EMPTY_KEY),
    ("UKK6:0", "- :\n", "1:3", EMPTY_KEY),
    ("UT92", "---\n{ share\n% : 20 }\n...\n---\n# nothing\n...\n", "3:3", KEY_ABOVE),
    ("VJP3:1", "k: {\n k\n :\n v\n }\n", "3:2", KEY_ABOVE),
    ("W4TN", "%YAML 1.2\n--- |\n%!PS-Adobe-2.0\n...\n%YAML 1.2\n---\n# nothing\n...\n", "3:1", TOP_BLOCK),
    ("W5VH", 'a: &:@*!$"<x>: one\nb: *:@*!$"<x>:\n', "1:4", NAME),
    ("Y2GN", "---\nkey: &or:der value\n", "2:6", NAME),
    ("Y79Y:1", "note: |\n \t\nid: 7\n", "2:2", BLOCK_TAB),
    ("Y79Y:10", "-\t-7\n", "1:2", TAB),
    ("ZYU8:1", "%*?!\n---\n", "1:1", DIRECTIVE),
    ("ZYU8:3", "%YAML 1.54321\n---\n", "1:1", VERSION),
    # Of the same kinds, and not in the suite.
    ("tab before a comment", "id: 7\n\t# the order's\nsum: 9\n", "2:1", TAB_COMMENT),
    ("tab before a comment, above the first key", "\t# orders\nid: 7\n", "1:1", TAB_COMMENT),
    ("tab on an empty line below a list", "ids:\n  - 7\n\t\n  - 8\n", "3:1", TAB_ALONE),
    ("tab behind a dash", "ids:\n  -\t\n    id: 7\n", "2:4", TAB_ALONE),
    ("tab before braces", "-\t{id: 7}\n", "1:2", TAB),
    ("tab on each line", "a: 1\n\t\nb: 2\n\t\nc: 3\n\t\n", "2:1", TAB_ALONE),
    ("question mark in a value", "{query: ?x}\n", "1:9", QUESTION),
    ("question marks", "[??x]\n", "1:2", QUESTION),
    ("question mark before a sign that no text begins with", "[?%x, :|y]\n", "1:2", QUESTION),
    ("colon behind an explicit key", "{? :a}\n", "1:4", COLON),
    ("colon behind a tag", "{!!str :a}\n", "1:8", COLON),
    ("colon behind an anchor in a list", "[&a :b]\n", "1:5", COLON),
    ("colon before a question mark", "{a:?b}\n", "1:3", "a text that holds ':?' inside [ ] or { }" + NOT_READ),
    ("colon before a bracket", "[a:]\n", "1:3", COLON_ENDS),
    ("tag at the end of brackets", "[a, !b]\n", "1:7", "a tag right before ',', ']' or '}'" + NOT_READ),
    ("name and a key above", "{&or:der id\n: 7}\n", "1:2", NAME),
    ("nested", "a: {b: [{c\n  : {d: :e}}]}\n", "2:3", KEY_ABOVE),
    ("several", "%SPEC\n---\na: {b: :c, d:}\n\t\n: &x:y z\n", "1:1", DIRECTIVE),
    ("block of text in the first column", '|\n# all\n"of it\n', "2:1", TOP_BLOCK),
    ("name that is a sign", "a: && b\n", "1:4", NAME),
    ("tagged block in the first column", "--- !!str\n &a |-\n\n%a\n\n", "4:1", TOP_BLOCK),
]
# fmt: on


def first_error(content: str) -> Problem:
    error = next(problem for problem in read_text(content, "f.yaml").problems if problem.severity == "error")
    assert error.position is not None
    return error


@pytest.mark.parametrize(("content", "place", "message"), [pytest.param(*row[1:], id=row[0]) for row in VALID])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_valid_yaml_that_libyaml_refuses_has_a_code_of_its_own(
    content: str, place: str, message: str, line_end: str
) -> None:
    error = first_error(content.replace("\n", line_end))
    assert (error.code, error.message) == ("yaml-unsupported", message)
    assert error.position is not None
    assert f"{error.position.line}:{error.position.column}" == place
    assert error.hint is not None
    document = read_text(content, "f.yaml")
    assert document.root is None
    assert len(document.problems) == 1


@pytest.mark.parametrize("content", [pytest.param(row[1], id=row[0]) for row in VALID])
@pytest.mark.parametrize(
    "fault", ["]", "a: b: c", "a: *nowhere", "'a' b", "a: @b", "[a,, b]", "- a\nb: c", "[a]#b", "a: [\nb]", "a:\n|\n b"]
)
def test_of_a_text_that_is_no_yaml_nothing_is_called_valid(content: str, fault: str) -> None:
    assert first_error(f"{content}\n...\n---\n{fault}\n").code in ("yaml-syntax", "yaml-key")


@pytest.mark.parametrize(
    "content",
    [
        "a:\n\tb\n", "a:\n\tb: 1\n", "a:\n \tb: 1\n", "a: 1\n\tb: 2\n", "a: 1\n \tb: 2\n", "-\t- a\n", "-\ta: b\n", "-\t'a': b\n",
        "-\t[a]: b\n", "-\t&x a: b\n", "?\ta: b\n", "- \t: b\n", "a:\n\t- b\n", "a: b\n\tc\n", "a: b\n\t\n  c\n", "a: |\n\t\nb: 1\n",
        "a: |\n  b\n \tc\n", "a:\n  b: |\n \tc\n", "a: |\n   \n \tb\n", "\t---\na: b\n", "\t%SPEC\n---\na\n", "a: &x:y |\n\t\nb: 1\n",
        "{a: : b}\n", "{a: :}\n", "[a: : b]\n", "{a: b\n: c}\n", "{a: b : c}\n", "[a\n: b]\n", "['a'\n:b]\n", "{a 'b' # c\n  :d}\n",
        "{: :}\n", "[:[a]]\n", "{:{a: b}}\n", "{a:[b]}\n", "{a:{b: c}}\n", "[?]\n", "{a:]\n", "{?a: b\n", "[a, :b\n",
        "a\n: b\n", "a:\n  'b'\n  : c\n", "- a\n: b\n", "k: a\n  : b\n", "a: - :\n", "--- : a\n",
        "a: b &c: d\n", "a: &b,c d\n", "a: *b:c\n", "a: &b 1\nc: *b:\n", "a: **b**\n", "a: &x:y *z\n",
        "- !!str, a\n", "a: !b, c\n", "a: !b]\n", "{a: !b{c}}\n",
        "%SPEC\na: b\n", "a: b\n%SPEC\n---\nc\n", "% SPEC\n---\na\n", "%YAML 1.3 b\n---\na\n", "%YAML 1.3#b\n---\na\n", "a: b\n%YAML 1.3\n---\nc\n",
        "%SPEC\n", "%SPEC\n...\n", "... a\n", "a\n... b\n", "a\n...\n]\n", "a\n...\n%SPEC\nb\n",
        "a: >\nb\n", "--- > a\nb\n", "--- |#a\nb\n", "--- |\n \nb\n", "- |\na\n", "a:\n|\n b\n", "a:\n  b:\n  >-\n c\n",
        "{\n  // a note\n  'a': 1}\n",
    ],
)  # fmt: skip
def test_what_only_looks_like_valid_yaml_stays_a_fault_of_syntax(content: str) -> None:
    assert first_error(content).code == "yaml-syntax"


def test_the_whole_problem_is_told() -> None:
    assert read_text("a: [:b]\n", "f.yaml").problems == (
        Problem("yaml-unsupported", COLON, Position("f.yaml", 1, 5, 6, "a: [:b]"), hint="put it in quotes"),
    )


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("event: signup\n...\nuser: u1\n", "3:1"),
        ("a\n...\n# none\n...\n|\n%b\n", "5:1"),
        ("a: 1\n...\n%SPEC\n---\nb: 2\n", "3:1"),
        ("a: 1\n...\n%YAML 1.3\n---\nb: 2\n", "3:1"),
    ],
)
def test_a_document_below_three_dots_is_a_second_one(content: str, place: str) -> None:
    document = read_text(content, "f.yaml")
    assert document.root is not None
    (problem,) = document.problems
    assert (problem.code, problem.message) == ("yaml-document", "a second document begins here")
    assert problem.position is not None
    assert f"{problem.position.line}:{problem.position.column}" == place


@pytest.mark.parametrize("line", ["  - {a: :b, c:}\n", "  - a\n\t\n", "  -\ta\n", "  - {a\n   : b}\n", "  - &a:b c\n"])
def test_a_large_file_of_them_is_refused_at_once(line: str) -> None:
    start = time.process_time()
    assert first_error("a:\n" + line * (900_000 // len(line))).code in ("yaml-syntax", "yaml-unsupported")
    assert time.process_time() - start < 10
    assert first_error("a:\n" + line * 20).code == "yaml-unsupported"
