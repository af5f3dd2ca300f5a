"""Every kind of invalid document that yaml-test-suite knows is refused, with its place.

The cases and their ids are those of yaml-test-suite (https://github.com/yaml/yaml-test-suite), all that it marks as
failing; the documents are ours, each breaks the rule that the suite's document of that id breaks.
"""

from __future__ import annotations

import time

import pytest

from runner.errors import Position, Problem
from runner.source import Json, read_text

# fmt: off
INVALID = [
    ("236B", "text below a map's value", "event:\n  name\nsignup\n", "3:1 yaml-syntax: a key without ':'"),
    ("2CMS", "colon in a plain text of several lines", "order\n was\n  shipped: today\n",
     "3:10 yaml-syntax: the key of this ':' begins on a line above"),
    ("2G84:0", "indentation indicator 0", "--- >0\n", "1:6 yaml-syntax: a block can't be indented by 0"),
    ("2G84:1", "indentation indicator of two digits", "--- >12\n",
     "1:7 yaml-syntax: text on the line of the > that begins a block"),
    ("3HFZ", "text after the document's end", "---\nevent: signup\n... thanks\n",
     "3:5 yaml-syntax: text after '...', which ends the document"),
    ("4EJS", "tabs as indentation of a map", "---\nproperties:\n\torder:\n\t\tid: 7\n",
     "3:1 yaml-syntax: a tab can't indent YAML"),
    ("4H7K", "one closing bracket too many", "---\n[ email, sms ] ]\n", "2:16 yaml-syntax: a ] that closes nothing"),
    ("4HVU", "list item left of its list", "channels:\n   - email\n   - sms\n  - push\n",
     "4:3 yaml-syntax: a list item where a key is expected"),
    ("4JVG", "two anchors for a scalar", "first: &one\n  &name event: signup\nsecond: &two\n  &three refund\n",
     "4:3 yaml-syntax: a second anchor or tag for one value"),
    ("55WF", "unknown escape", '---\n"\\q"\n', "2:2 yaml-syntax: \\q is not a YAML escape"),
    ("5LLU", "blank lines longer than a folded block's text", "note: >\n \n  \n   \n shipped\n",
     "3:2 yaml-syntax: a blank line with more spaces than the text below it"),
    ("5TRB", "'---' in double quotes", '---\n"thank\n---\nyou"\n', "3:1 yaml-syntax: the document ends inside a quote"),
    ("5U3A", "list on the line of its key", "channels: - email\n          - sms\n",
     "1:11 yaml-syntax: a list item can't begin in the middle of a line"),
    ("62EZ", "key right after a map in braces", "---\norder: { id: 7 }user: u1\n",
     "2:17 yaml-syntax: text after the end of a value"),
    ("6JTT", "list that is never closed", "---\n[ [ email, sms ]\n",
     "2:1 yaml-syntax: the [ that opens here is never closed"),
    ("6S55", "text below a list's items", "channels:\n - email\n - sms\n push\n", "4:2 yaml-syntax: a key without ':'"),
    ("7LBH", "key in double quotes over two lines", '"order\\nid": 7\n"user\n id": u1\n',
     "2:1 yaml-syntax: a key can't span lines"),
    ("7MNF", "key without a colon", "order:\n  id: 7\nuser\n", "3:1 yaml-syntax: a key without ':'"),
    ("8XDJ", "comment line inside a plain text", "note: thank\n# them\n  you\n",
     "3:3 yaml-syntax: this line does not belong to anything above it"),
    ("9C9N", "list in brackets at the column of its key", "---\nchannels: [email,\nsms,\npush]\n",
     "3:1 yaml-syntax: indented too little: the [ of line 2 is still open"),
    ("9CWY", "text below a nested list", "channels:\n - email\n - sms\npush\n", "4:1 yaml-syntax: a key without ':'"),
    ("9HCY", "directive inside a document", '!!str "push"\n%TAG ! tag:example.com,2026:\n---\n!!str "sms"\n',
     "2:1 yaml-document: a second document begins here"),
    ("9JBA", "comment glued to a closing bracket", "---\n[ email, sms, ]#both\n",
     "2:16 yaml-syntax: a comment's # needs a space before it"),
    ("9KBC", "map on the line of '---'", "--- event: signup\n    user: u1\n",
     "1:10 yaml-syntax: a map can't begin on the line of '---'"),
    ("9MAG", "comma before the first item", "---\n[ , email, sms ]\n",
     "2:3 yaml-syntax: a ',' with no value before it"),
    ("9MMA", "directive and nothing else", "%YAML 1.1\n", "2:1 yaml-syntax: a directive without a document"),
    ("9MQT:1", "'...' in double quotes", '--- "order\n... shipped\ntoday"\n',
     "2:1 yaml-syntax: the document ends inside a quote"),
    ("B63P", "directive before a document's end", "%YAML 1.1\n...\n",
     "2:1 yaml-syntax: a directive without a document"),
    ("BD7L", "key below a list", "- email\n- sms\nuser: u1\n", "3:1 yaml-syntax: a line without '- ' in a list"),
    ("BF9H", "comment in a plain value of several lines", "---\nnote: thank\n      you # all\n      again\n",
     "4:7 yaml-syntax: this line does not belong to anything above it"),
    ("BS4K", "comment between two lines of a plain text", "thank  # all\nyou\n",
     "2:1 yaml-syntax: text after the end of the document"),
    ("C2SP", "key in brackets over two lines", "[7\n]: order\n",
     "2:2 yaml-syntax: the key of this ':' begins on a line above"),
    ("CML9", "comment where a comma is missing", "channels: [ email\n# or\n  sms ]\n",
     "3:3 yaml-syntax: a ',' or the closing ] is missing before this"),
    ("CQ3W", "double quote that is never closed", '---\nnote: "thank you\n',
     "2:7 yaml-syntax: the quote that opens here is never closed"),
    ("CTN5", "two commas at the end", "---\n[ email, sms, , ]\n", "2:15 yaml-syntax: a ',' with no value before it"),
    ("CVW2", "comment glued to a comma", "---\n[ email, sms,#both\n]\n",
     "2:14 yaml-syntax: a comment's # needs a space before it"),
    ("CXX2", "anchored map on the line of '---'", "--- &order id: 7\n",
     "1:14 yaml-syntax: a map can't begin on the line of '---'"),
    ("D49Q", "key in single quotes over two lines", "'order\\nid': 7\n'user\n id': u1\n",
     "2:1 yaml-syntax: a key can't span lines"),
    ("DK4H", "colon on the line after its key in brackets", "---\n[ order\n  : 7 ]\n",
     "3:3 yaml-syntax: a ':' with no key of its own"),
    ("DK95:1", "tab as indentation of a quoted text", 'note: "thank\n\tyou"\n',
     "2:1 yaml-syntax: a tab can't indent YAML"),
    ("DK95:6", "tab after the spaces of an indentation", "order:\n  id: 7\n  \tsum: 9\n",
     "3:3 yaml-syntax: a tab can't indent YAML"),
    ("DMG6", "key between two indentations", "order:\n  id: 7\n user: u1\n",
     "3:2 yaml-syntax: this line does not belong to anything above it"),
    ("EB22", "directive after a text without its end", "---\nsignup # done\n%YAML 1.1\n---\nrefund\n",
     "3:1 yaml-document: a second document begins here"),
    ("EW3V", "second key deeper than the first", "event: signup\n user: u1\n",
     "2:6 yaml-syntax: this line is indented deeper than the one above, which has a value already"),
    ("G5U8", "lone dashes in brackets", "---\n- [-, -, email]\n",
     "2:4 yaml-syntax: a '-' alone is not a value inside [ ] or { }"),
    ("G7JE", "plain key over two lines", "order\\nid: 7\nuser\n id: u1\n", "2:1 yaml-syntax: a key can't span lines"),
    ("G9HC", "anchor left of a list at its key's column", "---\nchannels:\n&all\n- email\n- sms\n",
     "3:1 yaml-syntax: an anchor or a tag without a value"),
    ("GDY7", "comment that hides a colon", "event: signup\nuser id #of: whom\n", "2:1 yaml-syntax: a key without ':'"),
    ("GT5M", "anchor between two items", "- email\n&second\n- sms\n",
     "2:1 yaml-syntax: an anchor or a tag without a value"),
    ("H7J7", "tag left of its map", "order: &first\n!!map\n  id: 7\n",
     "2:1 yaml-syntax: an anchor or a tag without a value"),
    ("H7TQ", "word after the version", "%YAML 1.1 strict\n---\n", "1:11 yaml-syntax: text after a directive"),
    ("HRE5", "escaped single quote in double quotes", "---\nnote: \"the user\\'s order\"\n",
     "2:16 yaml-syntax: \\' is not a YAML escape"),
    ("HU3P", "key inside a plain text", "note:\n  thank you\n  user: u1\n",
     "3:7 yaml-syntax: the key of this ':' begins on a line above"),
    ("JKF3", "quoted key left of its list", '- - "order\nid": 7\n',
     "2:1 yaml-syntax: indented too little: the quote of line 1 is still open"),
    ("JY7Z", "key after a quoted value", 'event: "signup"\nuser: "u1" and plan: gold\nlang: "en"\n',
     "2:12 yaml-syntax: text after the end of a value"),
    ("KS4U", "text after a list in brackets", "---\n[\nemail only\n]\nsms too\n",
     "5:1 yaml-syntax: text after the end of the document"),
    ("LHL4", "braces in a tag", "---\n!order{}id seven\n", "2:7 yaml-syntax: invalid tag"),
    ("MUS6:0", "comment glued to a version", "%YAML 1.2#strict\n---\n",
     "1:10 yaml-syntax: a comment's # needs a space before it"),
    ("MUS6:1", "second directive without a document's end", "%YAML 1.1\n---\n%YAML 1.1\n---\n",
     "3:1 yaml-document: a second document begins here"),
    ("N4JP", "key left of its siblings", "order:\n  id: '7'\n sum: '9'\n",
     "3:2 yaml-syntax: this line does not belong to anything above it"),
    ("N782", "document markers in brackets", "[\n--- email,\n...\n]\n",
     "2:1 yaml-syntax: the document ends inside [ ] or { }"),
    ("P2EQ", "item right after a map in braces", "---\n- { id: 7 }- refund\n",
     "2:12 yaml-syntax: a list item can't begin in the middle of a line"),
    ("Q4CL", "text after a quoted value", 'event: "signup"\nuser: "u1" and others\nlang: "en"\n',
     "2:12 yaml-syntax: text after the end of a value"),
    ("QB6E", "quoted text at the column of its key", '---\nnote: "thank\nyou\nall"\n',
     "3:1 yaml-syntax: indented too little: the quote of line 2 is still open"),
    ("QLJ7", "tag prefix of an earlier document", "%TAG !y! tag:yaml.org,2002:\n--- !y!str\nsms\n--- !y!str\npush\n",
     "4:1 yaml-document: a second document begins here"),
    ("RHX7", "directive right after a map", "---\nevent: signup\n%YAML 1.1\n---\n",
     "3:1 yaml-document: a second document begins here"),
    ("RXY3", "'...' in single quotes", "---\n'thank\n...\nyou'\n", "3:1 yaml-syntax: the document ends inside a quote"),
    ("S4GJ", "text on the line of '>'", "---\nnote: > thank you\n  all\n",
     "2:9 yaml-syntax: text on the line of the > that begins a block"),
    ("S98Z", "blank lines longer than the comment below", "note: >\n \n  \n   \n # none yet\n",
     "3:2 yaml-syntax: a blank line with more spaces than the text below it"),
    ("SF5V", "the same directive twice", "%YAML 1.1\n%YAML 1.1\n---\n", "2:1 yaml-syntax: a second %YAML line"),
    ("SR86", "anchor before an alias", "first: &one signup\nsecond: &two *one\n",
     "2:14 yaml-syntax: an alias can't have an anchor or a tag"),
    ("SU5Z", "comment glued to a quoted value", 'event: "signup"# the first one\n',
     "1:16 yaml-syntax: a comment's # needs a space before it"),
    ("SU74", "anchor before an alias as a key", "first: &one signup\n&two *one : refund\n",
     "2:6 yaml-syntax: an alias can't have an anchor or a tag"),
    ("SY6V", "anchor before an item on its line", "&channels - email\n",
     "1:11 yaml-syntax: a list item can't begin in the middle of a line"),
    ("T833", "missing comma in braces", "---\n{\n id: 7\n sum: 9 }\n", "4:5 yaml-syntax: a ':' with no key of its own"),
    ("TD5N", "text below a list", "- email\n- sms\npush\n", "3:1 yaml-syntax: a key without ':'"),
    ("U44R", "quoted value's sibling too deep", 'order:\n  id: "7"\n   sum: "9"\n',
     "3:4 yaml-syntax: this line does not belong to anything above it"),
    ("U99R", "comma after a tag", "- !!str, email\n", "1:8 yaml-syntax: invalid tag"),
    ("VJP3:0", "braces over lines at the column of their key", "order: {\nid\n:\n7\n}\n",
     "2:1 yaml-syntax: indented too little: the { of line 1 is still open"),
    ("W9L4", "blank line longer than a literal block's text", "---\nnote: |\n    \n  thank you\n  all\n",
     "3:3 yaml-syntax: a blank line with more spaces than the text below it"),
    ("X4QW", "comment glued to a block's header", "note: ># short\n  thank you\n",
     "1:8 yaml-syntax: a comment's # needs a space before it"),
    ("Y79Y:0", "tab as a block's only line", "note: |\n\t\nuser: u1\n", "2:1 yaml-syntax: a tab can't indent YAML"),
    ("Y79Y:3", "tab as indentation in brackets", "- [\n\temail,\n sms\n ]\n",
     "2:1 yaml-syntax: a tab can't indent YAML"),
    ("Y79Y:4", "tab between two dashes", "-\t- email\n", "1:2 yaml-syntax: a tab can't indent YAML"),
    ("Y79Y:5", "space and tab between two dashes", "- \t- email\n", "1:3 yaml-syntax: a tab can't indent YAML"),
    ("Y79Y:6", "tab between '?' and a dash", "?\t- email\n", "1:2 yaml-syntax: a tab can't indent YAML"),
    ("Y79Y:7", "tab between ':' and a dash", "? - email\n:\t- sms\n",
     "1:3 yaml-key: a key must be text, not a map or a list"),
    ("Y79Y:8", "tab between '?' and a key", "?\tevent:\n", "1:2 yaml-syntax: a tab can't indent YAML"),
    ("Y79Y:9", "tab between ':' and a key", "? event:\n:\tuser:\n",
     "1:3 yaml-key: a key must be text, not a map or a list"),
    ("YJV2", "dash before a closing bracket", "[email, -]\n",
     "1:9 yaml-syntax: a '-' alone is not a value inside [ ] or { }"),
    ("ZCZ6", "three colons on a line", "event: order: id: 7\n", "1:13 yaml-syntax: a second ': ' on this line"),
    ("ZL4Z", "colon after a quoted value", "---\nevent: 'signup': u1\n",
     "2:16 yaml-syntax: a second ': ' on this line"),
    ("ZVH3", "item deeper than its list", "- event: signup\n - sms\n",
     "2:2 yaml-syntax: this line does not belong to anything above it"),
    ("ZXT5", "glued colon on the line after a quoted key", '[ "order"\n  :id ]\n',
     "2:3 yaml-syntax: a ':' with no key of its own"),
]
# fmt: on


def first_error(content: str) -> str:
    error = next(problem for problem in read_text(content, "f.yaml").problems if problem.severity == "error")
    assert error.position is not None
    return f"{error.position.line}:{error.position.column} {error.code}: {error.message}"


def refusal(content: str) -> Problem:
    """Give the one problem of a text that gives no value at all."""
    document = read_text(content, "f.yaml")
    assert document.root is None
    assert len(document.problems) == 1
    return document.problems[0]


def plain(content: str) -> Json:
    document = read_text(content, "f.yaml")
    assert document.problems == ()
    assert document.root is not None
    return document.root.plain()


def syntax(message: str, position: Position, hint: str) -> Problem:
    return Problem("yaml-syntax", message, position, hint=hint)


@pytest.mark.parametrize(("content", "told"), [pytest.param(*row[2:], id=f"{row[0]} {row[1]}") for row in INVALID])
def test_an_invalid_document_is_refused_at_its_fault(content: str, told: str) -> None:
    assert first_error(content) == told


@pytest.mark.parametrize("content", [pytest.param(row[2], id=row[0]) for row in INVALID])
def test_an_invalid_document_is_refused_with_windows_line_ends_too(content: str) -> None:
    assert first_error(content.replace("\n", "\r\n")) == first_error(content)


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        ("a: 'x'#c", 1, 7),
        ("a: {}#c", 1, 6),
        ("a: {b: c,\n  #fine\n  d: [e]#c\n  }", 3, 9),
        ("a: {#c\n  }", 1, 5),
        ('a: {"b":#c\n  d}', 1, 9),
        ("- |-#c\n  x", 1, 5),
        ("- !!str &x # c#d\n  >2#c\n  x", 2, 5),
        ('é: "😀 # \\" #"#c', 1, 14),
        ("a: 1 # b#c\nd: 'e' # f'#g\nh: 'i#'#j", 3, 8),
        ("[#c\n@", 1, 2),
        ("a: ['x', # b#c\n  'y', #d\n  'z',#e\n  @", 3, 7),
        ('a: "x"#c\nb: @', 1, 7),
    ],
)
def test_a_comment_needs_white_space_before_it(content: str, line: int, column: int) -> None:
    place = Position("f.yaml", line, column, column + 1, content.split("\n")[line - 1])
    assert refusal(content) == syntax(
        "a comment's # needs a space before it", place, "write ' #'; quote a text that holds a #"
    )


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("#a#b\n  #c #d\na: 1 # e#f ## g\n", {"a": 1}),
        ("a: 'x' # it's \"y\"#z, [b]#c\n", {"a": "x"}),
        (
            "a: '#fff'\nb: \"x\\\"#y\"\nc: x#y\nd: [x#y, '#'] # z#\n",
            {"a": "#fff", "b": 'x"#y', "c": "x#y", "d": ["x#y", "#"]},
        ),
        ("a: https://example.com/x,#y\n", {"a": "https://example.com/x,#y"}),
        ("a: |\n  x,#y\n# b,#c\n", {"a": "x,#y\n"}),
        ("a: | # b'#c\n  x\n", {"a": "x\n"}),
        ("a: &x # b'#c\n  !!str # d'#e\n  'y'\n", {"a": "y"}),
        ("%YAML 1.2 # a#b\n# c'#d\n--- # e'#f\nx\n... # g'#h\n", "x"),
        ("? 'a' # b'#c\n: 'd' # e'#f\n", {"a": "d"}),
        ("'a'\t# b\n", "a"),
        ("\ufeff# a\nb: 'c#' # d\n", {"b": "c#"}),
        ("['a',\r#b\r'c']", ["a", "c"]),
    ],
)
def test_a_hash_elsewhere_is_no_fault(content: str, value: Json) -> None:
    assert plain(content) == value


@pytest.mark.parametrize(
    ("content", "line", "column", "opener", "spaces"),
    [
        ("a:\n  b: [x,\n  z]", 3, 3, "[ of line 2", 3),
        ("a:\n  b: {x: 1,\n\n y: 2}", 4, 2, "{ of line 2", 3),
        ("a:\n- [x,\nz]", 3, 1, "[ of line 2", 1),
        ("a: &x\n- [x,\nz]", 3, 1, "[ of line 2", 1),
        ("a: &x !!str # c\n  'y\nz'", 3, 1, "quote of line 2", 1),
        ("- a: 'x\n  y'", 2, 3, "quote of line 1", 3),
        ("- - 'x\n  y'", 2, 3, "quote of line 1", 3),
        ("a: [{b: 'x\n]'}]", 2, 1, "quote of line 1", 1),
        ("a: 'x\n# y'", 2, 1, "quote of line 1", 1),
        ("a: [[x,\n  v],\nz]", 3, 1, "[ of line 1", 1),
        ("a:\n  b: [\n]", 3, 1, "[ of line 2", 3),
        ("a: [\n  {b: x,\nv: z}]", 3, 1, "[ of line 1", 1),
        ("? 'a\nb'\n: c", 2, 1, "quote of line 1", 1),
    ],
)
def test_what_goes_on_over_lines_is_indented(content: str, line: int, column: int, opener: str, spaces: int) -> None:
    place = Position("f.yaml", line, column, column + 1, content.split("\n")[line - 1])
    assert refusal(content) == syntax(
        f"indented too little: the {opener} is still open",
        place,
        f"close it above, or begin this line with {spaces} or more spaces",
    )


@pytest.mark.parametrize("content", ["a: [x, y\nb: z\n", "a: {x: y\nb: z\n", "a: [{x: y}\nb: z]]\n", 'a: "x\nb: "z"\n'])
def test_what_is_not_closed_is_told_at_the_first_line_that_leaves_it(content: str) -> None:
    assert first_error(content).startswith("2:1 yaml-syntax: indented too little: the ")


def test_a_quote_that_is_never_closed_is_told_where_it_opens_in_brackets_too() -> None:
    assert first_error("a: [x,\n  'z,\nb: c]\n") == "2:3 yaml-syntax: the quote that opens here is never closed"


@pytest.mark.parametrize("content", ["a: [\n\tx]", "a:\n  b: 'x\n  \ty'", "- [\n\t]", "- {\n\t\n \tx: 1,\n\ty: 2}"])
def test_a_tab_is_no_indentation_inside_brackets_and_quotes(content: str) -> None:
    problem = refusal(content)
    assert (problem.message, problem.hint) == ("a tab can't indent YAML", "use spaces")
    assert problem.position is not None
    assert problem.position.text[problem.position.column - 1] == "\t"


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("a: {\n  b: [\n    1\n  ],\n}\n", {"a": {"b": [1]}}),
        ("a:\n  b: [\n    {x: 1\n  }\n  ]\n", {"a": {"b": [{"x": 1}]}}),
        ("- {\n  a: 1\n}\n- [\n]\n", [{"a": 1}, []]),
        ("a:\n- [\n  1\n]\n", {"a": [[1]]}),
        ("a: [\r\n  1\r\n]\r\n", {"a": [1]}),
    ],
)
def test_a_closing_bracket_may_stand_at_the_column_of_its_parent(content: str, value: Json) -> None:
    assert plain(content) == value


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("a:\n  b: [1,\n\n\t\n# c\n \t# d\n   2]\n", {"a": {"b": [1, 2]}}),
        ("a: 'x\n\n\t\n y'\n", {"a": "x\n\ny"}),
        ("a: 'x\n \ty'\nb: [\n \t1]\n", {"a": "x y", "b": [1]}),
        ("[1,\n2,\n\t{a:\n'x\ny'}\n]", [1, 2, {"a": "x y"}]),
        ("--- 'x\n\ty'\n", "x y"),
        ("a: &x # c\n# d\n  'y\n z'\n", {"a": "y z"}),
        ("- - 'x\n   y'\n", [["x y"]]),
        ("a:\n- 'x\n y'\n", {"a": ["x y"]}),
        ("a: [x,\n é y\n z]\n", {"a": ["x", "é y z"]}),
        ("a: {b: 1}\nc: 'x'\n", {"a": {"b": 1}, "c": "x"}),
        ("a:\r  b: ['x\r   y']\r", {"a": {"b": ["x y"]}}),
    ],
)
def test_what_is_indented_enough_or_needs_no_indentation_is_read(content: str, value: Json) -> None:
    assert plain(content) == value


@pytest.mark.parametrize(
    ("content", "column"), [("a: [-]", 5), ("{a: -}", 5), ("{-}", 2), ("[x, -, y]", 5), ("[&a !!str -]", 11)]
)
def test_a_dash_alone_is_no_value_in_brackets(content: str, column: int) -> None:
    assert refusal(content) == syntax(
        "a '-' alone is not a value inside [ ] or { }",
        Position("f.yaml", 1, column, column + 1, content),
        "put it in quotes",
    )


@pytest.mark.parametrize(
    ("content", "value"),
    [("[-x, --, '-', -1]", ["-x", "--", "-", -1]), ("{-: -x}", {"-": "-x"}), ("a: -]", {"a": "-]"})],
)
def test_a_dash_in_a_text_is_read(content: str, value: Json) -> None:
    assert plain(content) == value


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        ("a: |\n\n   \n  x\n", 3, 3),
        ("a:\n  b: &y >-\n     \n    # x\n", 3, 5),
        ("--- |\n  \n# x\n", 2, 1),
        ("a:\n- |\n  \n # x\n", 3, 2),
    ],
)
def test_a_blank_line_is_no_longer_than_the_indentation_of_a_blocks_text(content: str, line: int, column: int) -> None:
    text = content.split("\n")[line - 1]
    assert refusal(content) == syntax(
        "a blank line with more spaces than the text below it",
        Position("f.yaml", line, column, len(text) + 1, text),
        "remove its spaces",
    )


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("a: |\n  \n\n  x\n      \n", {"a": "\n\nx\n    \n"}),
        ("a: |\n    \nb: 1\n", {"a": "", "b": 1}),
        ("a:\n  b: |\n      \n # x\n  c: 1\n", {"a": {"b": "", "c": 1}}),
        ("a: |2\n    \n  x\n", {"a": "  \nx\n"}),
        ("a: |1\n \n # x\n", {"a": "\n# x\n"}),
        ("a: |2\n  \n # x\n", {"a": ""}),
        ("a: |\n   x\n # y\n", {"a": "x\n"}),
        ("a: |+\n   ", {"a": "\n"}),
        ("a:\n- |\n    \n- x\n", {"a": ["", "x"]}),
        ("--- |\n   \n...\n", ""),
    ],
)
def test_other_blank_lines_of_a_block_are_read(content: str, value: Json) -> None:
    assert plain(content) == value


@pytest.mark.parametrize(
    "content",
    [
        "a: [\n" + "  item-01,\n" * 95_000 + "]\n",
        "a: [\n" + "  'x\n   y',\n" * 60_000 + "]\n",
        "a: '" + "x\n  " * 250_000 + "'\n",
        "a: [" + "\n \t" * 300_000 + "]\n",
        "a: [" + " \t" * 500_000 + "\n  ]\n",
        "# 'a'#b\n" * 100_000 + "a: 1\n",
        "- 'x' # a'#b\n" * 80_000,
        "- '#x#'\n" * 60_000,
        "a: 1 # " + "x#" * 500_000,
        "- |\n   \n" * 60_000,
        "- |" + "\n" * 1_000_000 + " # x\n",
        "a: !!str " + "# b#c\n " * 120_000 + "'x\n  y'\n",
        "a: [" + "\n# b'#c" * 120_000 + "\n  @",
        "a: " + "b: " * 300_000,
        "a: b # " + "& c: # " * 140_000 + "\n d",
        "a: b" + " !c" * 300_000 + "\n d: e",
    ],
    ids=str.split(
        "list quotes-in-list quote tabs tab comments comments-after hashes comment blocks block tags broken colons long-comment long-text"
    ),
)
def test_a_large_document_is_checked_in_linear_time(content: str) -> None:
    """A quadratic step would take minutes here; linear ones take about a second on a slow machine."""
    start = time.process_time()
    read_text(content, "f.yaml")
    assert time.process_time() - start < 5
