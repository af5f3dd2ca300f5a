"""All sentences that users may read in problems, on one page: `tests/messages.txt`.

It is made from the code, so that wording can be reviewed as a whole: read the diff of the page when it changes.
`UPDATE_GOLDENS=1 pytest tests/test_messages.py` writes it anew.
"""

from __future__ import annotations

import ast
import os
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import runner

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(runner.__file__).parent
PAGE = Path(__file__).parent / "messages.txt"
MAKERS = re.compile(
    r"Problem|Finding|Breach|Mismatch|Fault|too_large|unusable|ask|InvalidInput|\w+(?:Error|Fault|Refused|Gone)"
)
NAMES = re.compile(r"(?:.*_)?(?:message|hint|why|told)", re.IGNORECASE)
RIDDLES = re.compile(r"\b(?:told|nobody|somebody|whoever|is none|are none|(?<!there )is no [a-z]+ |what may|so many)\b")


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text("utf-8"))))


def sentences(path: Path) -> Iterator[str]:
    """Yield the texts of a module that are given to problems, or are assigned to a message or a hint."""
    for node in nodes(path):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if MAKERS.fullmatch(name):
                for value in (*node.args, *(keyword.value for keyword in node.keywords)):
                    yield from texts(value)
            case ast.Assign(targets=targets, value=value):
                names = [each for target in targets for each in getattr(target, "elts", [target])]
                if any(isinstance(each, ast.Name) and NAMES.fullmatch(each.id) for each in names):
                    yield from texts(value)


def texts(node: ast.expr) -> Iterator[str]:
    """Yield the texts in an expression that have two words or more, with … for what is put into them."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)
        case ast.BinOp(left=left, right=right):
            yield from texts(left)
            yield from texts(right)
        case ast.IfExp(body=body, orelse=other):
            yield from texts(body)
            yield from texts(other)
        case ast.Tuple(elts=items) | ast.BoolOp(values=items):
            for item in items:
                yield from texts(item)
        case ast.Call(args=args):
            for item in args:
                yield from texts(item)


def page() -> str:
    parts = []
    for path in sorted(PACKAGE.rglob("*.py")):
        found = sorted({" ".join(text.split()) for text in sentences(path) if " " in text.strip()})
        if found:
            parts.append("\n".join([path.relative_to(PACKAGE).as_posix(), *(f"  {text}" for text in found)]))
    return "\n\n".join(parts) + "\n"


def test_every_message_is_on_the_page() -> None:
    if os.environ.get("UPDATE_GOLDENS"):
        PAGE.write_text(page(), "utf-8")
    assert page() == PAGE.read_text("utf-8")


def test_no_message_is_a_riddle() -> None:
    assert [line for line in page().splitlines() if RIDDLES.search(line)] == []
