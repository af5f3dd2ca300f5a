"""Control characters, line ends and surrogate pairs are read as YAML 1.2 says; what libyaml would read otherwise is refused."""

from __future__ import annotations

import pytest

from runner.errors import Position, Problem
from tests.source.conftest import plain, read, refusal


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
