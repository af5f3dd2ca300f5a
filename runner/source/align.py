"""A YAML scalar → the offset in the file of each character of its value.

It follows libyaml's scanner rule by rule, through quotes, escapes, indentation and folding, but collects offsets.
"""

from __future__ import annotations

import re

_PROPERTIES = re.compile(r"(?:(?:[&!]\S*|#[^\n\r]*)\s+)*+")
"""The anchor and the tag before a value, and comments after them."""
_BLANK_OR_BREAK = re.compile(r"[ \t\n]+")
_ESCAPE_WIDTH = {"x": 4, "u": 6, "U": 10}
_HIGH_SURROGATE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")


def skip_properties(content: str, start: int) -> int:
    """Return the start of a value after its anchor, its tag and comments."""
    match = _PROPERTIES.match(content, start)
    return match.end() if match else start


def offsets(content: str, start: int, end: int, style: str | None, value: str) -> list[int]:
    """Return the offset of each character of `value`, the scalar whose source is `content[start:end]`."""
    match style:
        case "'" | '"':
            return _flow(content, start + 1, end - 1, style)
        case "|" | ">":
            return _block(content, start, end, value, folded=style == ">")
        case _:
            return _flow(content, start, end, None)


def _flow(content: str, at: int, end: int, style: str | None) -> list[int]:
    found: list[int] = []
    joined = False  # after an escaped line break, the next line break is not a space
    while at < end:
        if run := _BLANK_OR_BREAK.match(content, at, end):
            breaks = [index for index in range(at, run.end()) if content[index] == "\n"]
            if joined:
                found += breaks
            elif not breaks:
                found += range(at, run.end())
            else:
                found += breaks[:1] if len(breaks) == 1 else breaks[1:]
            at, joined = run.end(), False
            continue
        joined = False
        if style == '"' and content[at] == "\\":
            if content[at + 1] == "\n":
                at, joined = at + 2, True
                continue
            width = 12 if _HIGH_SURROGATE.match(content, at) else _ESCAPE_WIDTH.get(content[at + 1], 2)
        else:
            width = 2 if style == "'" and content.startswith("''", at) else 1
        found.append(at)
        at += width
    return found


def block_lines(content: str, start: int, end: int, value: str) -> tuple[str, ...]:
    """Return the lines of a block scalar without their indentation, as far as the last one that is not empty."""
    header_end = content.find("\n", start, end)
    spans = _lines(content, header_end + 1, end) if header_end >= 0 else []
    indent = _indent(content, spans, value)
    lines = [content[first + indent : last] if last - first > indent else "" for first, last in spans]
    while lines and not lines[-1]:
        lines.pop()
    return tuple(lines)


def _block(content: str, start: int, end: int, value: str, *, folded: bool) -> list[int]:
    header_end = content.find("\n", start, end)
    if header_end < 0:
        return []
    lines = _lines(content, header_end + 1, end)
    indent = _indent(content, lines, value)
    found: list[int] = []
    breaks: list[int] = []
    """Line breaks since the last line with text, beginning with its own."""
    after_blank = True
    for first, last in lines:
        if not content[first:last].strip(" ") and last - first <= indent:
            breaks.append(last)
            continue
        begins_blank = content[first + indent : first + indent + 1] in (" ", "\t")
        if folded and not after_blank and not begins_blank:
            found += breaks[:1] if len(breaks) == 1 else breaks[1:]
        else:
            found += breaks
        found += range(first + indent, last)
        breaks = [last]
        after_blank = begins_blank
    return found + breaks


def _lines(content: str, at: int, end: int) -> list[tuple[int, int]]:
    lines = []
    while at < end:
        newline = content.find("\n", at, end)
        last = end if newline < 0 else newline
        lines.append((at, last))
        at = last + 1
    return lines


def _indent(content: str, lines: list[tuple[int, int]], value: str) -> int:
    """Return a block's indentation: the spaces that its first line with text has in the file, but not in the value."""
    for first, last in lines:
        if line := content[first:last].strip(" "):
            shown = next((text for text in value.split("\n") if text.strip(" ")), line)
            return _leading(content[first:last]) - _leading(shown)
    return 0


def _leading(text: str) -> int:
    return len(text) - len(text.lstrip(" "))
