"""libyaml's error messages → messages and hints for the author of a file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import Problem

if TYPE_CHECKING:
    import yaml

    from runner.source.text import Text


class _Words(NamedTuple):
    """The message and the hint for an error of libyaml's."""

    complaint: str
    seen: str
    """Must match in the line of the error and the one above it, where \0 marks the place."""
    message: str
    hint: str


_LEFT_OVER = "did not find expected (?:key|'-')"
_AFTER_COMMENT = r"^(?>.*?(?<!\S)#).*\n\s*\0"
_TAB = ("a tab can't indent YAML", "use spaces")
_KEY_HINT = "check each ':' and the indentation above; quote a text that holds ': '"
_TAG_HINT = "only !!str is allowed; quote a text that begins with !"

# fmt: off
_WORDS = tuple(_Words(*row) for row in (
    ("cannot start any token", r"\0\t", *_TAB),
    ("cannot start any token", "", "a plain value can't begin with {char}", "put the value in quotes"),
    ("tab character", "", *_TAB),
    ("mapping values", r"^---[ \t].*\0", "a map can't begin on the line of '---'", "begin it on the next line"),
    ("mapping values", r"^(?>.*?:[ \t]).*\0", "a second ': ' on this line",
     "put the value in quotes, or indent what belongs below it"),
    ("mapping values", r"^ *+\S.{1023}.*\0", "a key of more than 1,024 characters", "shorten it"),
    ("mapping values", r"^( *+)[^\s#:][^\n:]{0,99}+: ++[^\s#|>][^\n]*+\n\1 ++[^\s\0][^\n\0]*+\0",
     "this line is indented deeper than the one above, which has a value already",
     "begin both keys at the same column; or quote a text that spans lines"),
    ("mapping values", "", "the key of this ':' begins on a line above", _KEY_HINT),
    ("mapping keys", "", "a '? ' in the middle of a line", "quote a text that holds it"),
    ("block sequence entries", "", "a list item can't begin in the middle of a line",
     "begin the list on the next line; quote a text that begins with '- '"),
    ("not find expected ':'", r"\0[&!]", "an anchor or a tag without a value",
     "put it right before its value"),
    ("not find expected ':'", r"\0.*\s#", "a key without ':'", "' #' begins a comment: quote a text that holds it"),
    ("not find expected ':'", r": [|>][-+\d]{0,2}+[ \t]*+\n *+\0", "the text of the block above is not indented",
     "indent each of its lines more than the key of the block"),
    ("not find expected ':'", "", "a key without ':'", "write `key: value`; quote a text that spans lines"),
    ("<document start>|parsing a block", r"\0[\]}]", "a {char} that closes nothing", "remove it, or open it before"),
    (_LEFT_OVER, r"(?<!\S)[&!]\S{0,99}\s+\0\*", "an alias can't have an anchor or a tag", "remove one of the two"),
    (_LEFT_OVER, r"(?<!\S)[&!]\S{0,99}\s+\0[&!]", "a second anchor or tag for one value", "remove one of the two"),
    (_LEFT_OVER, _AFTER_COMMENT, "this line does not belong to anything above it",
     "check its indentation; a text of several lines ends at a comment"),
    ("expected key", r"^ *\0-\s", "a list item where a key is expected",
     "check its indentation: the keys of the map on line {line} begin at column {column}"),
    ("expected '-'", r"^ *\0[^-]", "a line without '- ' in a list",
     "check its indentation: the items of the list on line {line} begin at column {column}"),
    (_LEFT_OVER, r"^ *\0", "this line does not belong to anything above it",
     "check its indentation: the value that began on line {line} continues at column {column}"),
    (_LEFT_OVER, r"'\0", "text right after a closing quote", "inside '…' write '' for a '"),
    (_LEFT_OVER, r'"\0', "text right after a closing quote", r'inside "…" write \" for a "'),
    (_LEFT_OVER, "", "text after the end of a value", "begin a new line, or put the whole value in quotes"),
    ("<document start>", r"^%.*\n\0", "a directive without a document", "write '---' on the line below it"),
    ("<document start>", r"^\.\.\.\s.*\0", "text after '...', which ends the document", "remove it"),
    ("<document start>", _AFTER_COMMENT, "text after the end of the document",
     "the value above is all of it; a text of several lines ends at a comment"),
    ("<document start>", "", "text after the end of the document",
     "the value above is all of it: check its quotes, brackets and indentation"),
    ("parsing a flow node", r"\0,", "a ',' with no value before it", "remove it"),
    ("parsing a flow node", r"^\0(?:---|\.\.\.)", "the document ends inside [ ] or {{ }}", "close what is open above"),
    ("parsing a flow node", r"\0-", "a list with '-' can't stand inside [ ] or {{ }}",
     "separate its items with commas; quote a text that begins with '- '"),
    ("parsing a (?:flow|block) node", r"\0[^\w\s]", "a value can't begin with {char}",
     "check the brackets, or put it in quotes"),
    ("parsing a (?:flow|block) node", "", "a value is missing above this line", "check its indentation"),
    ("expected ',' or", r"^ *+//[^\n]*+\n[^\n\0]*+\0:", "the line above is not a comment", "a comment begins with #, not //"),
    ("expected ',' or", r"\0:", "a ':' with no key of its own",
     "put a ',' between entries; a key and its ':' stand on one line"),
    ("expected ',' or", "", "a ',' or the closing {closing} is missing before this",
     "the {opening} stands on line {line}"),
    ("unexpected ':'", "", "a ':' with no space after it", "put one there, or quote the text"),
    ("unknown escape", "", "{char}{after} is not a YAML escape", r"write \\ for a backslash, or use single quotes"),
    ("hexdecimal", "", "an escape with too few hexadecimal digits", r"\x takes two of them, \u four, \U eight"),
    ("Unicode character escape", "", "an escape that stands for no character",
     r"write the character itself, or \U and eight digits"),
    ("document indicator", "", "the document ends inside a quote",
     "close the quote of line {line} above, or indent this line"),
    ("indicator equal to 0", "", "a block can't be indented by 0", "write a digit from 1 to 9, or none"),
    ("line break while scanning a block", "", "text on the line of the {opening} that begins a block",
     "begin it on the next line; quote a text that begins with {opening}"),
    ("name goes on", "", "a name after {char} consists of letters, digits, - and _",
     "quote a text that begins with {char}"),
    ("scanning an a", "", "after {opening} comes a name of letters, digits, - and _",
     "quote a text that begins with {opening}"),
    ("undefined tag handle", "", "a tag with an undeclared prefix", _TAG_HINT),
    ("scanning a tag|parsing a tag", "", "invalid tag", _TAG_HINT),
    ("%TAG", "", "a %TAG line that YAML can't read", "remove it: only !!str is allowed"),
    ("duplicate %YAML", "", "a second %YAML line", "remove it"),
    ("incompatible YAML", "", "an unsupported version of YAML", "write %YAML 1.2, or remove this line"),
    ("%YAML directive", "", "a %YAML line without a version", "write %YAML 1.2, or remove this line"),
    ("line break while scanning a dir", "", "text after a directive", "remove it; a comment begins with ' #'"),
    ("scanning a directive", "", "a directive other than %YAML and %TAG", "remove it; quote a text that begins with %"),
))
"""The first row that matches applies."""
# fmt: on


def syntax_problem(text: Text, error: yaml.MarkedYAMLError) -> Problem:
    """Return the problem of an error of libyaml's, at the place of its cause."""
    content = text.content
    at, opened = _index(error.problem_mark) or 0, _index(error.context_mark)
    complaint = " ".join(filter(None, (error.problem or "this is not YAML", error.context)))
    at_end = not content[at:].strip()
    if opened is None:
        return _in_words(text, complaint, at, at)
    if "not find expected ':'" in complaint:
        if not content.startswith(":", at):
            return _in_words(text, complaint, opened, opened)
        at, message, hint = opened, "a key can't span lines", _KEY_HINT
    elif "end of stream" in complaint:
        at, message, hint = opened, "the quote that opens here is never closed", None
    elif at_end and content[opened : opened + 1] in ("[", "{"):
        at, message = opened, f"the {content[opened]} that opens here is never closed"
        hint = "' #' begins a comment" if " #" in content[opened:] else None
    elif at_end and "parsing a flow" in complaint:
        message, hint = "the file ends inside [ ] or { }", "close what is open; ' #' begins a comment"
    else:
        return _in_words(text, complaint, at, opened)
    return Problem("yaml-syntax", message, text.position(at), hint=hint)


def _in_words(text: Text, complaint: str, at: int, opened: int) -> Problem:
    content = text.content
    place, opening = text.position(at), text.position(opened)
    char, opener = content[at : at + 1], content[opened : opened + 1]
    line_above = content.rfind("\n", 0, max(content.rfind("\n", 0, at), 0)) + 1
    seen = f"{content[line_above:at]}\0{content[at:].partition(chr(10))[0]}"
    for words in _WORDS:
        if re.search(words.complaint, complaint) and re.search(words.seen, seen, re.MULTILINE):
            values = {
                "char": char,
                "after": content[at + 1 : at + 2],
                "opening": opener,
                "closing": "]" if opener == "[" else "}",
                "line": opening.line,
                "column": opening.column,
            }
            message, hint = words.message.format_map(values), words.hint.format_map(values)
            return Problem("yaml-syntax", message, place, hint=hint)
    return Problem("yaml-syntax", complaint, place)


def _index(mark: yaml.Mark | None) -> int | None:
    # libyaml ends lines at more characters than we do, so only its index is the same as ours.
    return mark.index if mark is not None else None
