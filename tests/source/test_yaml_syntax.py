"""An error of YAML syntax is reported at its place, in words of its author, with a remedy."""

from __future__ import annotations

import pytest

from runner.errors import Position, Problem
from tests.source.conftest import plain, refusal


def test_a_tab_in_the_indentation_is_told_as_that() -> None:
    assert refusal("a:\n\tb: 1\n") == Problem(
        "yaml-syntax", "a tab can't indent YAML", Position("f.yaml", 2, 1, 2, "\tb: 1"), hint="use spaces"
    )


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        ("a: {{ x }}", 1, 4),
        ("a: {{x}} and more", 1, 4),
        ("a:\n  - {{ x }}", 2, 5),
        ("{{ x }}", 1, 1),
        ("a: [1, {{ x }}]", 1, 8),
        ("a: {b: {{ x }} }", 1, 8),
        ("a: {{ x[1:] }}", 1, 4),
        ("a: {{ x:}}", 1, 4),
        ("a: {{ x | replace(':', '%') }}\nb: 1", 1, 4),
    ],
)
def test_an_unquoted_template_is_told_as_that(content: str, line: int, column: int) -> None:
    assert refusal(content) == Problem(
        "template-unquoted",
        "YAML reads an unquoted {{ … }} as a map",
        Position("f.yaml", line, column, column + 2, content.split("\n")[line - 1]),
        hint='put the whole value in quotes: "{{ … }}"',
    )


@pytest.mark.parametrize("quote", ["'", '"'])
def test_an_unclosed_quote_is_told_where_it_opens(quote: str) -> None:
    assert refusal(f"a: 1\nb: {quote}x\nc: 2\n") == Problem(
        "yaml-syntax", "the quote that opens here is never closed", Position("f.yaml", 2, 4, 5, f"b: {quote}x")
    )


@pytest.mark.parametrize("char", ["@", "`", "%"])
def test_a_plain_value_that_can_not_begin_so_is_told_with_its_remedy(char: str) -> None:
    assert refusal(f"a: {char}x") == Problem(
        "yaml-syntax",
        f"a plain value can't begin with {char}",
        Position("f.yaml", 1, 4, 5, f"a: {char}x"),
        hint="put the value in quotes",
    )


def test_a_second_colon_on_a_line_is_told_with_its_remedy() -> None:
    assert refusal("a: b: c") == Problem(
        "yaml-syntax",
        "a second ': ' on this line",
        Position("f.yaml", 1, 5, 6, "a: b: c"),
        hint="put the value in quotes, or indent what belongs below it",
    )


def test_a_key_without_its_colon_is_told_where_it_begins() -> None:
    assert refusal("a: 1\nkey\nb: 2\n") == Problem(
        "yaml-syntax",
        "a key without ':'",
        Position("f.yaml", 2, 1, 2, "key"),
        hint="write `key: value`; quote a text that spans lines",
    )


def test_an_unclosed_bracket_is_told_where_it_opens() -> None:
    assert refusal("a:\n  b: [1, 2").position == Position("f.yaml", 2, 6, 7, "  b: [1, 2")


@pytest.mark.parametrize(
    ("content", "line", "column", "message", "hint"),
    [
        ("a: {b #c}\n", 1, 4, "the { that opens here is never closed", "' #' begins a comment"),
        ("a: [b, #c]\n", 2, 1, "the file ends inside [ ] or { }", "close what is open; ' #' begins a comment"),
        ("a: b\nc #: d\n", 2, 1, "a key without ':'", "' #' begins a comment: quote a text that holds it"),
    ],
)
def test_a_comment_that_swallows_what_closes_is_told(
    content: str, line: int, column: int, message: str, hint: str
) -> None:
    place = Position("f.yaml", line, column, column + 1, content.split("\n")[line - 1])
    assert refusal(content) == Problem("yaml-syntax", message, place, hint=hint)


KEY_HINT = "check each ':' and the indentation above; quote a text that holds ': '"
TAG_HINT = "only !!str is allowed; quote a text that begins with !"
VERSION_HINT = "write %YAML 1.2, or remove this line"


@pytest.mark.parametrize(
    ("content", "place", "message", "hint"),
    [
        ("a:\n  b: c\n  \td: e", "3:3", "a tab can't indent YAML", "use spaces"),
        ("a: |\n\tb", "2:1", "a tab can't indent YAML", "use spaces"),
        ("--- a: b", "1:6", "a map can't begin on the line of '---'", "begin it on the next line"),
        ("a" * 1100 + ": b", "1:1101", "a key of more than 1,024 characters", "shorten it"),
        ("a: b\n c: d", "2:3", "this line is indented deeper than the one above, which has a value already",
         "begin both keys at the same column; or quote a text that spans lines"),
        ("x:\n  a: b c\n    d: e", "3:6", "this line is indented deeper than the one above, which has a value already",
         "begin both keys at the same column; or quote a text that spans lines"),
        ("a: >\ntext", "2:1", "the text of the block above is not indented",
         "indent each of its lines more than the key of the block"),
        ("x:\n  a: |-\n  text\n", "3:3", "the text of the block above is not indented",
         "indent each of its lines more than the key of the block"),
        ('{\n  // a note\n  "a": 1}', "3:6", "the line above is not a comment", "a comment begins with #, not //"),
        ("a:\n  order 1\n  b: c", "3:4", "the key of this ':' begins on a line above", KEY_HINT),
        ("a: b\n'c\n d': e", "2:1", "a key can't span lines", KEY_HINT),
        ("a: ? b", "1:4", "a '? ' in the middle of a line", "quote a text that holds it"),
        ("a: - b", "1:4", "a list item can't begin in the middle of a line",
         "begin the list on the next line; quote a text that begins with '- '"),
        ("a:\n&b\n- c", "2:1", "an anchor or a tag without a value", "put it right before its value"),
        ("a: b]\nc: [d]]", "2:7", "a ] that closes nothing", "remove it, or open it before"),
        ("a: }", "1:4", "a } that closes nothing", "remove it, or open it before"),
        ("[a]]", "1:4", "a ] that closes nothing", "remove it, or open it before"),
        ("a: &b b\nc: &d *b", "2:7", "an alias can't have an anchor or a tag", "remove one of the two"),
        ("a: !!str\n  &b !!str c", "2:6", "a second anchor or tag for one value", "remove one of the two"),
        ("a: b\n# c\n  d", "3:3", "this line does not belong to anything above it",
         "check its indentation; a text of several lines ends at a comment"),
        ("a:\n  b: c\n d: e", "3:2", "this line does not belong to anything above it",
         "check its indentation: the value that began on line 1 continues at column 1"),
        ("a:\n  - 'b'\n   - c", "3:4", "this line does not belong to anything above it",
         "check its indentation: the value that began on line 2 continues at column 3"),
        ("a: b\n- c", "2:1", "a list item where a key is expected",
         "check its indentation: the keys of the map on line 1 begin at column 1"),
        ("- a\nb: c", "2:1", "a line without '- ' in a list",
         "check its indentation: the items of the list on line 1 begin at column 1"),
        ("a: 'it's'", "1:8", "text right after a closing quote", "inside '…' write '' for a '"),
        ('a: "the "b" c"', "1:10", "text right after a closing quote", r'inside "…" write \" for a "'),
        ("a: 'b' c", "1:8", "text after the end of a value", "begin a new line, or put the whole value in quotes"),
        ("- [a] b", "1:7", "text after the end of a value", "begin a new line, or put the whole value in quotes"),
        ("%YAML 1.2\na: b", "2:1", "a directive without a document", "write '---' on the line below it"),
        ("a\n... b", "2:5", "text after '...', which ends the document", "remove it"),
        ("a # b\nc", "2:1", "text after the end of the document",
         "the value above is all of it; a text of several lines ends at a comment"),
        ("{a: b}\nc: d", "2:1", "text after the end of the document",
         "the value above is all of it: check its quotes, brackets and indentation"),
        ("[a,, b]", "1:4", "a ',' with no value before it", "remove it"),
        ("[\n---\n]", "2:1", "the document ends inside [ ] or { }", "close what is open above"),
        ("a: [\n  - b\n  ]", "2:3", "a list with '-' can't stand inside [ ] or { }",
         "separate its items with commas; quote a text that begins with '- '"),
        ("{a: b, ]", "1:8", "a value can't begin with ]", "check the brackets, or put it in quotes"),
        ("a: ,b", "1:4", "a value can't begin with ,", "check the brackets, or put it in quotes"),
        ("a:\n  -\n  b: c", "3:3", "a value is missing above this line", "check its indentation"),
        ("{a: b c: d}", "1:8", "a ':' with no key of its own",
         "put a ',' between entries; a key and its ':' stand on one line"),
        ("a: ['b'\n  'c']", "2:3", "a ',' or the closing ] is missing before this", "the [ stands on line 1"),
        ("a: {b: 'c' d}", "1:12", "a ',' or the closing } is missing before this", "the { stands on line 1"),
        ("{a:[b]}", "1:3", "a ':' with no space after it", "put one there, or quote the text"),
        ('a: "\\d+"', "1:5", r"\d is not a YAML escape", r"write \\ for a backslash, or use single quotes"),
        ('a: "\\u12"', "1:7", "an escape with too few hexadecimal digits", r"\x takes two of them, \u four, \U eight"),
        ('a: "\\ud83d"', "1:7", "an escape that stands for no character",
         r"write the character itself, or \U and eight digits"),
        ("a: 'b\n---\nc'", "2:1", "the document ends inside a quote",
         "close the quote of line 1 above, or indent this line"),
        ("a: |0\n  b", "1:5", "a block can't be indented by 0", "write a digit from 1 to 9, or none"),
        ("a: |b\n  c", "1:5", "text on the line of the | that begins a block",
         "begin it on the next line; quote a text that begins with |"),
        ("a: **b**", "1:5", "after * comes a name of letters, digits, - and _", "quote a text that begins with *"),
        ("a: & b", "1:5", "after & comes a name of letters, digits, - and _", "quote a text that begins with &"),
        ("a: !b!c d", "1:4", "a tag with an undeclared prefix", TAG_HINT),
        ("a: !b{c}", "1:6", "invalid tag", TAG_HINT),
        ("%TAG !\n---\nc", "1:7", "a %TAG line that YAML can't read", "remove it: only !!str is allowed"),
        ("%YAML 1.2\n%YAML 1.2\n---\na", "2:1", "a second %YAML line", "remove it"),
        ("%YAML 2.0\n---\na", "1:1", "an unsupported version of YAML", VERSION_HINT),
        ("%YAML\n---\na", "1:6", "a %YAML line without a version", VERSION_HINT),
        ("%YAML 1.2 b\n---\na", "1:11", "text after a directive", "remove it; a comment begins with ' #'"),
        ("%a\nb", "1:3", "a directive other than %YAML and %TAG", "remove it; quote a text that begins with %"),
    ],
)  # fmt: skip
def test_a_fault_of_syntax_is_told_in_an_authors_words(content: str, place: str, message: str, hint: str) -> None:
    line, column = map(int, place.split(":"))
    position = Position("f.yaml", line, column, column + 1, content.split("\n")[line - 1])
    assert refusal(content) == Problem("yaml-syntax", message, position, hint=hint)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("v: |+\n   ", "\n"), ("v: |+\n  x\n  ", "x\n\n"), ("v: |+\n  x\n ", "x\n\n"), ("v: |\n  x\n  ", "x\n"), ("v: >+\n  x\n\n  ", "x\n\n\n"),
        ("v: |-\n  x\n  ", "x"), ("v: |+\n  x\n    ", "x\n  \n"),
        ("v: |\n  x\n   ", "x\n \n"), ("v: |-\n  x\n   ", "x\n "), ("v: |\n  x  ", "x  "), ("v: |+\n  x", "x"), ("v: |+\n  x\n", "x\n"),
    ],
)  # fmt: skip
def test_a_last_line_of_blanks_counts_where_lines_are_kept(content: str, value: str) -> None:
    assert plain(content) == {"v": value}


@pytest.mark.parametrize("header", ["|", ">-"])
def test_a_block_that_begins_with_a_tab_is_told_what_it_needs(header: str) -> None:
    told = refusal(f"a: {header}\n \tb\n")
    assert told.message == "the text of this block begins with a tab"
    assert plain(f"a: {header[0]}1\n \tb\n") == {"a": "\tb\n"}
    assert refusal(f"a: {header}\n\tb\n").message == "a tab can't indent YAML"
