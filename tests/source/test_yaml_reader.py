"""What a YAML file must not hold, each told at its place; and what it may."""

from __future__ import annotations

import time

import pytest

from runner.errors import Position, Problem
from runner.source import Document, Json, read_text


def read(content: str) -> Document:
    return read_text(content, "f.yaml")


def plain(content: str) -> Json:
    document = read(content)
    assert document.root is not None
    assert document.problems == ()
    return document.root.plain()


def refusal(content: str) -> Problem:
    """Give the one problem of a text that gives no value at all."""
    document = read(content)
    assert document.root is None
    assert len(document.problems) == 1
    return document.problems[0]


def test_maps_lists_and_scalars_become_plain_values() -> None:
    content = "a: {b: [1, x], c: }\nd:\n- - true\n  - 'q'\ne: |\n  one\n  two\nf: >-\n  one\n  two\n"
    assert plain(content) == {"a": {"b": [1, "x"], "c": None}, "d": [[True, "q"]], "e": "one\ntwo\n", "f": "one two"}


def test_a_document_may_begin_and_end_with_its_markers() -> None:
    assert plain("%YAML 1.2\n---\na: 1\n...\n") == {"a": 1}


@pytest.mark.parametrize("content", ["", "\n\n", "# only a comment\n"])
def test_an_empty_text_has_no_root_and_no_problem(content: str) -> None:
    document = read(content)
    assert document.root is None
    assert document.problems == ()


def test_a_duplicate_key_is_told_with_both_places() -> None:
    document = read("a: 1\nb:\n  c: 2\n  d: 3\n  c: 4\n")
    assert document.problems == (
        Problem(
            "duplicate-key",
            "key 'c' occurs twice in this map",
            Position("f.yaml", 5, 3, 4, "  c: 4"),
            hint="first on line 3",
        ),
    )


def test_keys_that_differ_only_in_quotes_are_duplicates() -> None:
    assert [problem.code for problem in read("'1': a\n1: b\n\"1\": c\n").problems] == ["duplicate-key"] * 2


def test_a_merge_key_is_an_error_at_its_place() -> None:
    assert read("a: &x {k: 1}\nb:\n  <<: *x\n").problems == (
        Problem(
            "yaml-merge-key",
            "merge keys (<<) are not supported",
            Position("f.yaml", 3, 3, 5, "  <<: *x"),
            hint="use extends: for what specs share",
        ),
    )


def test_a_quoted_merge_key_is_a_key_like_any_other() -> None:
    assert plain('"<<": 1') == {"<<": 1}


@pytest.mark.parametrize(
    ("content", "shown", "column"),
    [
        ("a: !!int 3", "!!int", 4),
        ("a: !!binary aGk=", "!!binary", 4),
        ("a: !!python/object:os.system {}", "!!python/object:os.system", 4),
        ("a: !mine {b: 1}", "!mine", 4),
        ("a: [x, !!set [1]]", "!!set", 8),
        ("!env a: 1", "!env", 1),
    ],
)
def test_a_tag_other_than_str_is_an_error(content: str, shown: str, column: int) -> None:
    assert read(content).problems == (
        Problem(
            "yaml-tag",
            f"tag {shown} is not allowed",
            Position("f.yaml", 1, column, column + 1, content),
            hint="only !!str is",
        ),
    )


@pytest.mark.parametrize("scalar", ["3", "true", "null", "no"])
def test_the_str_tag_makes_text_of_anything(scalar: str) -> None:
    assert plain(f"a: !!str {scalar}") == {"a": scalar}


def test_a_tab_in_the_indentation_is_told_as_that() -> None:
    assert refusal("a:\n\tb: 1\n") == Problem(
        "yaml-syntax", "a tab can't indent YAML", Position("f.yaml", 2, 1, 2, "\tb: 1"), hint="use spaces"
    )


def test_a_second_document_is_an_error_where_it_begins_and_the_first_one_is_kept() -> None:
    document = read("a: 1\n---\nb: 2\n")
    assert document.root is not None
    assert document.root.plain() == {"a": 1}
    assert document.problems == (
        Problem(
            "yaml-document",
            "a second document begins here",
            Position("f.yaml", 2, 1, 4, "---"),
            hint="one file holds one document",
        ),
    )


def test_64_levels_are_read() -> None:
    root = read("[" * 64 + "1" + "]" * 64).root
    for _ in range(64):
        assert root is not None
        root = root.get(0)
    assert root is not None
    assert root.value == 1


@pytest.mark.parametrize("line", ["[" * 65 + "]" * 65, "[" * 65 + "1" + "]" * 65])
def test_65_levels_are_refused_where_the_65th_begins(line: str) -> None:
    assert refusal(line) == Problem(
        "yaml-depth", "nested more than 64 levels deep", Position("f.yaml", 1, 65, 66, line)
    )


def test_block_nesting_counts_as_flow_nesting_does() -> None:
    content = "\n".join("  " * level + "a:" for level in range(65)) + " 1\n"
    assert refusal(content) == Problem(
        "yaml-depth", "nested more than 64 levels deep", Position("f.yaml", 65, 129, 130, "  " * 64 + "a: 1")
    )


@pytest.mark.parametrize("levels", [65, 999, 1001, 100_000])
@pytest.mark.parametrize(
    ("opening", "column"), [("[", 65), ("{a: ", 257), ("[{a: ", 161), ("- ", 129), ("[a, {b: ", 257)]
)
def test_nesting_is_refused_at_its_65th_level_however_much_libyaml_takes(
    opening: str, column: int, levels: int
) -> None:
    # libyaml reads ahead, and from 0.2.6 on it refuses 1,000 levels itself: before it yields the 65th.
    content = opening * levels
    assert refusal(content) == Problem(
        "yaml-depth", "nested more than 64 levels deep", Position("f.yaml", 1, column, column + 1, content)
    )


@pytest.mark.parametrize("opening", ["[", "- ", "{a: ", "[{a: "])
def test_a_hundred_thousand_open_brackets_are_refused_at_once(opening: str) -> None:
    start = time.process_time()
    assert refusal(opening * 100_000).code == "yaml-depth"
    assert time.process_time() - start < 2


def test_faults_before_too_much_nesting_are_told_too() -> None:
    problems = read("a: !env X\nb: " + "[" * 2000).problems
    assert [(problem.code, problem.position and problem.position.line) for problem in problems] == [
        ("yaml-tag", 1),
        ("yaml-depth", 2),
    ]
    assert refusal("a: *x\nb: " + "[" * 2000).code == "yaml-alias"


def test_an_alias_stands_for_its_anchor() -> None:
    assert plain("a: &x {k: [1]}\nb: *x\nc: [*x, *x]\n") == {
        "a": {"k": [1]},
        "b": {"k": [1]},
        "c": [{"k": [1]}, {"k": [1]}],
    }


def test_an_anchor_may_be_set_again() -> None:
    assert plain("a: &x 1\nb: *x\nc: &x 2\nd: *x\n") == {"a": 1, "b": 1, "c": 2, "d": 2}


def test_an_anchored_scalar_key_keeps_its_name() -> None:
    assert plain("&k a: 1\n") == {"a": 1}


@pytest.mark.parametrize(
    ("content", "message", "column"),
    [
        ("a: &x [1, *x]", "alias *x refers to a value that contains it", 11),
        ("a: &x {b: *x}", "alias *x refers to a value that contains it", 11),
        ("a: [*x, &x 1]", "alias *x has no anchor above it", 5),
    ],
)
def test_an_alias_that_leads_nowhere_is_an_error(content: str, message: str, column: int) -> None:
    assert refusal(content) == Problem("yaml-alias", message, Position("f.yaml", 1, column, column + 2, content))


def test_an_alias_can_not_be_a_key() -> None:
    assert refusal("a: &x k\n*x : 1\n") == Problem(
        "yaml-key", "a key must be written out, not an alias", Position("f.yaml", 2, 1, 3, "*x : 1")
    )


def test_a_list_can_not_be_a_key() -> None:
    assert refusal("? [1]\n: 2\n") == Problem(
        "yaml-key", "a key must be text, not a map or a list", Position("f.yaml", 1, 3, 4, "? [1]")
    )


def test_an_alias_bomb_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    start = time.process_time()
    problem = refusal("\n".join(lines))
    assert time.process_time() - start < 2
    assert (problem.code, problem.message) == ("yaml-size", "more than 100,000 values, aliases written out")
    assert problem.position is not None
    assert problem.position.text == lines[4]


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


@pytest.mark.parametrize(("content", "column"), [("a: x\x01y", 5), ("a: é\x07", 5), ("a: 😀\x00", 5), ("a: '\x7f'", 5)])
def test_a_control_character_is_an_error_at_its_place(content: str, column: int) -> None:
    char = content[column - 1]
    assert refusal(content) == Problem(
        "yaml-syntax",
        f"control character 0x{ord(char):02x} is not allowed in YAML",
        Position("f.yaml", 1, column, column + 1, content),
        hint="write it as an escape in double quotes",
    )


def test_an_escaped_control_character_is_read() -> None:
    assert plain('a: "x\\x01y\\0"') == {"a": "x\x01y\0"}


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


def test_line_ends_of_windows_are_read_as_any_other() -> None:
    document = read("a: 1\r\nb: |\r\n  x\r\n  y\r\nc: no\r\n")
    assert document.root is not None
    assert document.root.plain() == {"a": 1, "b": "x\ny\n", "c": "no"}
    assert [problem.position for problem in document.problems] == [Position("f.yaml", 5, 4, 6, "c: no")]


def test_an_error_after_an_unusual_line_end_points_at_its_character() -> None:
    place = refusal("a: 1\rb: @x").position
    assert place is not None
    assert place.text[place.column - 1] == "@"


BREAKS = pytest.mark.parametrize("char", ["\x85", "\u2028", "\u2029"])


@BREAKS
def test_a_line_separator_of_yaml_1_1_is_text_and_ends_no_comment(char: str) -> None:
    assert plain(f"amount: 10 # reviewed{char}  hidden: yes\n") == {"amount": 10}
    for form in ("{}", "'{}'", '"{}"', "|-\n  {}", ">-\n  {}", "[{}]", "&x {}"):
        for text in (f"a{char}b", f"a {char}{char} b", f"{char}a", f"a{char}", f"a{char}: b".replace(": ", ":")):
            value = plain(f"v: {form.format(text)}\n")
            assert value == {"v": [text] if form == "[{}]" else text}, (form, text)
        assert plain(f"'a{char}b': 1\n\"{char}\": 2\nc{char}d: 3\n") == {f"a{char}b": 1, char: 2, f"c{char}d": 3}


@BREAKS
def test_an_error_behind_a_line_separator_is_told_at_its_place(char: str) -> None:
    place = refusal(f"a: x{char}y\nb: '\\ud83d\\ude00{char}' @\n").position
    assert place is not None
    assert (place.line, place.column, place.text[place.column - 1]) == (2, 20, "@")


PAIR = "\\ud83d\\ude00"


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (f'"{PAIR}"', "\U0001f600"),
        (f'"a {PAIR}{PAIR.upper().replace("U", "u")} b\\n{PAIR}\u2028"', "a \U0001f600\U0001f600 b\n\U0001f600\u2028"),
        (f'"\\\\{PAIR}"', "\\\U0001f600"),
        (f'"x\n  {PAIR}\n\n  y"', "x \U0001f600\ny"),
        (f"'{PAIR}'", PAIR), (PAIR, PAIR), (f"|-\n  {PAIR}", PAIR), (f"a{PAIR}b", f"a{PAIR}b"),
        (f'|- # {PAIR}\n  {PAIR} "{PAIR}"', f'{PAIR} "{PAIR}"'),
        (f'# {PAIR}\n  ["{PAIR}", {PAIR}, \'{PAIR}\']', ["\U0001f600", PAIR, PAIR]),
        (f'{{"{PAIR}": "{PAIR}"}}', {"\U0001f600": "\U0001f600"}),
        ('"\\\\ud83d\\\\ude00"', PAIR),
    ],
)  # fmt: skip
def test_a_surrogate_pair_in_double_quotes_is_one_character(content: str, value: object) -> None:
    assert plain(f"v: {content}\nw: 1\n") == {"v": value, "w": 1}


def test_what_stands_behind_a_surrogate_pair_has_its_place() -> None:
    document = read(f'"{PAIR}": {{a: "{PAIR}{PAIR}x", b: no}}\n{PAIR}: "{PAIR}"  # {PAIR}\nc: off\n')
    assert document.root is not None
    node = document.root.get("\U0001f600", "a")
    assert node is not None
    assert node.span(2, 3).column == 46
    places = [(problem.position.line, problem.position.column) for problem in document.problems if problem.position]
    assert places == [(1, 53), (3, 4)]


@pytest.mark.parametrize(
    "half", ["\\ud83d", "\\ude00", "\\ude00\\ud83d", "\\ud83d x", "\\ud83d\\u0041", "\\\\\\ud83d\\\\ude00"]
)
def test_half_of_a_surrogate_pair_is_told_as_what_it_is(half: str) -> None:
    told = refusal(f'a: "{PAIR}"\nv: "{half}"\n')
    assert told.message == "an escape that stands for no character"
    assert told.position is not None
    assert told.position.line == 2


@pytest.mark.parametrize("content", ["[?new]", "{?foo: bar}", "[a, ?b]", "[?a: b]", '{?"a": b}', "{a: [?b]}"])
def test_a_question_mark_that_libyaml_would_lose_is_refused(content: str) -> None:
    told = refusal(f"v: {content}\n")
    assert told.code == "yaml-unsupported"
    assert told.message == "a text that begins with '?' inside [ ] or { } means something else to other YAML readers"
    assert told.position is not None
    assert told.position.column == content.index("?") + 4


def test_a_question_mark_alone_in_a_list_is_refused_by_whatever_libyaml_says() -> None:
    assert refusal("v: [?]\n").code == "yaml-syntax"  # older versions find the list not closed


def test_a_question_mark_with_a_blank_begins_a_key() -> None:
    assert plain("{? a: 1, '?b': ?c}\n".replace(": ?c", ": 2")) == {"a": 1, "?b": 2}
    assert plain("?a: ?b\n") == {"?a": "?b"}


@pytest.mark.parametrize(
    "content",
    ["a: &an:chor value", "a: [&b:c d]", "a: &b\nc: [*b:c]", "a: &b 1\nc: *b:", "a: !!str &b:c d"],
)
def test_an_anchor_that_libyaml_would_cut_is_refused(content: str) -> None:
    told = refusal(content + "\n")
    assert told.message.startswith("a name after ")


def test_an_anchor_of_a_key_is_one() -> None:
    assert plain("&a1 top: 1\nb: *a1\nc: {&k 'x': 2}\nd: *k\n") == {"top": 1, "b": "top", "c": {"x": 2}, "d": "x"}
    assert plain("a: &x\n  b: &y [1]\nc: *x\nd: [*y, *x]\n") == {
        "a": {"b": [1]},
        "c": {"b": [1]},
        "d": [[1], {"b": [1]}],
    }


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
