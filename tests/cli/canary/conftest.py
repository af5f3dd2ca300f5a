"""What the search for secrets shares: the secrets, their forms, and a folder in which every command is run."""

from __future__ import annotations

import json
from base64 import b64encode
from functools import cache
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.conftest import CommandLine, Ended
    from tests.servers.capturing import CapturingServer

WORDS = ("Qzwvx71kjpy", "Hbgtn52rfcd", "Lmksj83qwpx")
"""What secrets are made of, with what is hard to escape between them. Letters and digits look the same everywhere."""
DIGITS = "8675309421"


def joined(first: str, second: str) -> str:
    return WORDS[0] + first + WORDS[1] + second + WORDS[2]


LETTERS = joined("-", "_")
EVERYTHING = joined("\"'\\/\n<&% é", "\u200b+=!*()")
SECRETS = {
    "letters": LETTERS,
    "quotes": joined('"', "'"),
    "slashes": joined("/", "\\"),
    "markup": joined("<b>&", "'&amp;\""),
    "markup on two lines": joined("<&>", "\n"),
    "URL": joined("%2F &", "+=?#"),
    "percent": joined("% ", "%25:,"),
    "unicode": joined("é", "鍵\U0001f511"),
    "lines": joined("\n", "\r\n\t"),
    "controls": joined("\x1b[2J", "\u200b\x7f\xa0"),
    "controls and quotes": joined('"\n', "\\\u200b'"),
    "white space around": f" {joined('-', '~')}\n",
    "everything": EVERYTHING,
}
FORMATS = ("pretty", "json", "jsonl", "github")
LOUD = {form: ("-v", "--color", "always", "-o", form) for form in FORMATS}
TOLD = ("pretty", "json", "github")
"""Formats in which a problem is written differently."""


@cache
def pieces(word: str, plain: int, coded: int) -> tuple[frozenset[str], frozenset[str]]:
    """Cut a word into overlapping pieces: of itself and its hexadecimals, and of its base64 at each alignment."""
    text = word.lower()
    cut = {text[start : start + plain] for start in range(len(text) - plain + 1)}
    base64 = set()
    for shift in range(3):
        whole = b64encode(bytes(shift) + word.encode()).decode()[-(-shift * 4 // 3) : (shift + len(word)) * 8 // 6]
        base64 |= {whole[start : start + coded] for start in range(len(whole) - coded + 1)}
    return frozenset(cut | {piece.encode().hex() for piece in cut}), frozenset(base64)


def traces(text: str, words: tuple[str, ...] = (*WORDS, DIGITS), plain: int = 5, coded: int = 6) -> list[str]:
    """List what a text shows of some words: a few characters are enough, as they are or in base64."""
    low = text.lower()
    found = []
    for word in words:
        as_they_are, in_base64 = pieces(word, plain, coded)
        found += [piece for piece in as_they_are if piece in low] + [piece for piece in in_base64 if piece in text]
    return found


def leaks(*printed: Ended | str) -> list[str]:
    """List the places where something of a secret is shown, each with what stands around it."""
    found: dict[str, None] = {}
    for ended in printed:
        for line in (ended if isinstance(ended, str) else ended.out + ended.err).split("\n"):
            if shown := traces(line):
                at = min(max(line.find(piece), line.lower().find(piece)) for piece in shown)
                found[line[max(at - 40, 0) : at + 80]] = None
    return list(found)


class Folder:
    """A folder with specs, and the command line that must leave it as it is."""

    def __init__(self, cli: CommandLine, path: Path) -> None:
        self.environ = cli.environ
        self.path = path
        self._cli = cli

    def write(self, name: str, content: object) -> None:
        """Write a file: a text as it is, any other value as JSON, which is YAML too."""
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1)
        self.path.joinpath(name).write_text(text, "utf-8", newline="")

    def spec(self, name: str = "a.yaml", /, **fields: object) -> None:
        """Write a spec that has a secret `token`, and a property of it."""
        plain = {"version": 1, "vars": {"token": SECRET_TEXT}, "event": "order_placed", "distinct_id": "u1"}
        self.write(name, plain | {"properties": {"a": "{{ token }}"}} | fields)

    def __call__(self, *args: str | Path) -> Ended:
        before = self._content()
        ended = self._cli(*args)
        assert self._content() == before, "a command wrote a file"
        return ended

    def loudly(self, *args: str | Path, forms: Sequence[str] = FORMATS) -> list[Ended]:
        """Run a command in every format, with colours and all that -v tells."""
        return [self(*args, *LOUD[form]) for form in forms]

    def _content(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.path.rglob("*") if path.is_file()}


SECRET_TEXT: dict[str, object] = {"type": "string", "secret": True}


@pytest.fixture
def folder(cli: CommandLine, in_tmp: Path) -> Folder:
    return Folder(cli, in_tmp)


REST = 'version: 1\nevent: order_placed\ndistinct_id: u1\nproperties: {a: "{{ token }}"}\n'


@pytest.fixture
def echoing(cli: CommandLine, server: CapturingServer) -> CapturingServer:
    """Aim the command line at a server that refuses what it gets."""
    cli.environ |= {
        "SUPRSEND_WORKSPACE_KEY": "workspace", "SUPRSEND_WORKSPACE_SECRET": "x" * 20,
        "SUPRSEND_BASE_URL": server.base_url,
    }  # fmt: skip
    return server


DECLARED = f"""{REST}vars:
  token: {{type: string, secret: true}}
  amount: {{type: number, default: 1, not: {{const: 5}}}}
"""
HMAC = {"SUPRSEND_WORKSPACE_KEY": "key", "SUPRSEND_WORKSPACE_SECRET": LETTERS}
