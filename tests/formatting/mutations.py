"""Specs as people write them → the same values with comments, quotes, brackets, anchors and blank lines all over them.

A mutation is kept only if our reader reads the same values from it. A comment has a number: it is in the text once, and
since no value changed, it is not in a value.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import yaml

from runner.source import read_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from runner.source import Json, Node

_WORDS = (
    "what",
    "ünïcode 漢字 🎉",
    "key: value",
    "- item",
    "{a: 1}",
    '"quoted',
    "it's",
    "# two",
    "\x85next",
    "*alias",
    "%YAML",
)


def values(text: str) -> Json:
    """Return the values of a text. Raise ValueError if it is not valid."""
    document = read_text(text, "spec.yaml")
    if any(problem.severity == "error" for problem in document.problems):
        raise ValueError(document.problems)
    return document.root.plain() if document.root is not None else None


def mutated(text: str, random: Random) -> tuple[str, list[str]]:
    """Return a text with the same values that is written otherwise, and its numbered comments."""
    text = random.choice((str, _dumped, _dumped))(text) if random.random() < 0.7 else text
    wanted = exact(values(text))
    comments: list[str] = []
    for number in range(random.randint(1, 40)):
        change = random.choice(_CHANGES)
        comment = f"# c{number}. {random.choice(_WORDS)}"
        changed = change(text, random, comment)
        try:
            if exact(values(changed)) != wanted:
                continue
        except ValueError:
            continue
        text = changed
        comments += [comment] if comment in text else []
    text = random.choice((str, str, _crlf, _bom))(text)
    return text, [comment for comment in comments if comment in text]


def exact(value: Json) -> str:
    """Return a value as text that differs for whatever differs: types, the order of keys, 1 and 1.0."""
    return json.dumps(value)


def _dumped(text: str) -> str:
    value = values(text)
    shape = sum(map(ord, text))
    return yaml.dump(
        value,
        Dumper=yaml.SafeDumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=(None, False, True)[shape % 3],
        width=(20, 40, 80, 1000)[shape % 4],
        indent=(2, 4, 6)[shape % 3],
    )


def _crlf(text: str) -> str:
    return text.replace("\n", "\r\n")


def _bom(text: str) -> str:
    return f"{text}"


def _at_line_end(text: str, random: Random, comment: str) -> str:
    lines = text.split("\n")
    at = random.randrange(len(lines))
    lines[at] += random.choice((" ", "  ", "\t", "      ")) + comment
    return "\n".join(lines)


def _on_own_line(text: str, random: Random, comment: str) -> str:
    lines = text.split("\n")
    at = random.randrange(len(lines) + 1)
    near = lines[min(at, len(lines) - 1)]
    indent = len(near) - len(near.lstrip(" ")) + random.choice((0, 0, 0, 2, -2, 1))
    lines.insert(at, " " * max(indent, 0) + comment)
    return "\n".join(lines)


def _in_brackets(text: str, random: Random, comment: str) -> str:
    """Break a line after a sign of a list or a map in brackets, with a comment before the break or after it."""
    places = [place for place, char in enumerate(text) if char in "[{,]}:"]
    if not places:
        return text
    at = random.choice(places) + random.choice((0, 1))
    between = random.choice((f" {comment}\n", f"\n  {comment}\n", "\n"))
    line = text.rfind("\n", 0, at) + 1
    indent = len(text[line:]) - len(text[line:].lstrip(" ")) + 2
    return text[:at] + between.replace("\n", "\n" + " " * indent) + text[at:]


def _blank_lines(text: str, random: Random, _: str) -> str:
    lines = text.split("\n")
    at = random.randrange(len(lines) + 1)
    lines[at:at] = [random.choice(("", "  ", "\t"))] * random.randint(1, 3)
    return "\n".join(lines)


def _spaces(text: str, random: Random, _: str) -> str:
    places = [place for place, char in enumerate(text) if char in " :,[]{}-\n"]
    at = random.choice(places) if places else 0
    return text[: at + 1] + random.choice((" ", "   ", "\t")) + text[at + 1 :]


def _scalars(text: str) -> list[tuple[Node, str]]:
    """List scalars, each with the line above which it hangs."""
    document = read_text(text, "spec.yaml")
    found: list[tuple[Node, str]] = []
    rest = [document.root] if document.root is not None else []
    while rest:
        node = rest.pop()
        rest += [*node.items, *node.entries.values()]
        if not isinstance(node.value, dict | list) and node.end > node.start:
            line = text.rfind("\n", 0, node.start) + 1
            found.append((node, " " * (len(text[line:]) - len(text[line:].lstrip(" ")))))
    return found


def _quotes(text: str, random: Random, _: str) -> str:
    scalars = [pair for pair in _scalars(text) if isinstance(pair[0].value, str)]
    if not scalars:
        return text
    node, indent = random.choice(scalars)
    value = str(node.value)
    below = f"\n{indent}    "
    written = random.choice(
        (
            json.dumps(value),
            json.dumps(value, ensure_ascii=False),
            "'" + value.replace("'", "''") + "'",
            value,
            "|-" + below + value.replace("\n", below),
            ">-" + below + value.replace("\n", below + below).replace(" ", below, 1),
            "|2-\n" + indent + "  " + value.replace("\n", f"\n{indent}  "),
            '"' + json.dumps(value)[1:-1].replace(" ", " \\" + below + "\\ ", 1) + '"',
            json.dumps(value).replace(" ", below, 2),
            value.replace(" ", below),
            f"!!str {value}",
            f"! {json.dumps(value)}",
        )
    )
    return (
        text[: node.start] + written + text[node.end :].removeprefix("\n" if node.is_block and "\n" in written else "")
    )


def _keys(text: str, random: Random, _: str) -> str:
    document = read_text(text, "spec.yaml")
    spans: list[tuple[int, int]] = []
    rest = [document.root] if document.root is not None else []
    while rest:
        node = rest.pop()
        rest += [*node.items, *node.entries.values()]
        spans += node.keys.values()
    if not spans:
        return text
    start, end = random.choice(spans)
    key = text[start:end]
    written = random.choice(
        (f'"{key}"', f"'{key}'", f"? {key}\n{' ' * (start - text.rfind(chr(10), 0, start) - 1)}", f"&k {key}")
    )
    return text[:start] + written + text[end:]


def _anchor(text: str, random: Random, comment: str) -> str:
    scalars = _scalars(text)
    if not scalars:
        return text
    node, indent = random.choice(scalars)
    name = random.choice(("a", "b", "shared"))
    sign = f"&{name} " if random.random() < 0.7 else f"&{name} {comment}\n{indent}    "
    return text[: node.start] + sign + text[node.start :]


def _anchor_of_block(text: str, random: Random, _: str) -> str:
    places = [place for place in range(1, len(text)) if text[place - 1 : place + 1] in (":\n", "-\n")]
    if not places:
        return text
    at = random.choice(places)
    return f"{text[:at]} &block{random.randint(0, 3)}{text[at:]}"


def _alias(text: str, random: Random, _: str) -> str:
    scalars = _scalars(text)
    if not scalars:
        return text
    node, _ = random.choice(scalars)
    return f"{text[: node.start]}*{random.choice(('a', 'b', 'shared'))} {text[node.end :]}"


def _marks(text: str, random: Random, comment: str) -> str:
    return random.choice(
        (
            f"---\n{text}",
            f"--- {comment}\n{text}",
            f"%YAML 1.2\n---\n{text}",
            f"{text}\n...\n",
            f"{text}\n... {comment}",
            text.rstrip("\n"),
        )
    )


_CHANGES: tuple[Callable[[str, Random, str], str], ...] = (
    *[_at_line_end] * 4,
    *[_on_own_line] * 4,
    *[_in_brackets] * 3,
    _blank_lines,
    _spaces,
    *[_quotes] * 4,
    *[_keys] * 2,
    *[_anchor] * 2,
    _anchor_of_block,
    *[_alias] * 2,
    _marks,
)
