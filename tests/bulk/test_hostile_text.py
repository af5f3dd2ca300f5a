"""Rows with hostile text arrive as they are, in any format."""

from __future__ import annotations

import csv
import io
import json
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer

HOSTILE_SPEC = """\
version: 1
vars: {text: {type: string}, name: {type: string}}
event: order_placed
distinct_id: u1
properties: {text: "{{ text }}", greeting: "Hello {{ name }}!"}
"""
TEMPLATES = ["{{7*7}}", "{{ name }}", "{% for x in y %}", "{# no comment #}", "${{ 1 }}", "{{", "}}", "{%raw%}", "{{{{}}}}",
             "{{ ''.__class__ }}", "\\{{ 1 }}", "{{ '\\n' }}"]  # fmt: skip
NUMBERS = ["0123", "1e5", "+1", "1_000", ".5", "-0", "0x1F", "NaN", "1.0", "12345678901234567890", "١٢", "true", "null",
           "no", "~", "2024-01-02", "12:30", "Infinity", "[1]", '{"a": 1}', '"1"']  # fmt: skip
SEPARATORS = ['"', '""', "'", ",", "\t", ";", "\n", "\r", "\r\n", "a\nb", "a\r\rb", '",\n"', "\\", "\\n", "a,b\tc", "=1+1",
              "@SUM(1)", "#", "---", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]  # fmt: skip
CONTROLS = [*map(chr, range(32)), *map(chr, range(0x7F, 0xA1)), "a\0b", "\0" * 8, "\x1b[31mred\x1b[0m"]
SPACES = [
    "",
    " ",
    " a ",
    "\ufeff",
    "\ufeffa",
    "\u200b",
    "\u00a0",
    "\u3000",
    "\u202eabc",
    "a\u0301",
    "\u1100\u1161",
    "👩‍👩‍👧",
]
LONG = ["x" * 65_536, "😀" * 16_384, "é" * 32_768, "{{7*7}}" * 9_362, '"' * 32_768, "\n" * 32_768, "a,b\t" * 16_384]
_DRAW = random.Random(5)  # noqa: S311 - the same text each time
PLANES = [
    "".join(chr(_DRAW.randrange(plane << 16, (plane + 1) << 16)) for _ in range(200)).encode("utf-8", "ignore").decode()
    for plane in range(17)
]
SHORT = [*TEMPLATES, *NUMBERS, *SEPARATORS, *CONTROLS, *SPACES, *PLANES]
HOSTILE = [*SHORT, *LONG]


def as_table(delimiter: str) -> Callable[[Sequence[str]], bytes]:
    def write(texts: Sequence[str]) -> bytes:
        file = io.StringIO()
        rows = ([text, text[:1000]] for text in texts)
        csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([["text", "name"], *rows])
        return file.getvalue().encode()

    return write


def as_lines(texts: Sequence[str]) -> bytes:
    rows = ({"text": text, "name": text[:1000]} for text in texts)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def as_array(texts: Sequence[str]) -> bytes:
    return json.dumps([{"text": text, "name": text[:1000]} for text in texts], indent=1).encode()


FORMATS = {"rows.csv": as_table(","), "rows.tsv": as_table("\t"), "rows.jsonl": as_lines, "rows.json": as_array}


@pytest.fixture
def hostile(cli: CommandLine, in_tmp: Path, server: CapturingServer) -> CommandLine:
    (in_tmp / "hostile.yaml").write_text(HOSTILE_SPEC)
    cli.environ |= {"SUPRSEND_WORKSPACE_KEY": "key", "SUPRSEND_WORKSPACE_SECRET": "the-workspace-secret"}
    cli.environ["SUPRSEND_BASE_URL"] = server.base_url
    return cli


SEND = ("send", "hostile.yaml", "--concurrency", "1", "-o", "json")


def arrived(server: CapturingServer) -> list[tuple[str, str]]:
    """Give the texts that arrived, in the order of the rows."""
    events = [event["properties"] for request in server.received for event in request.json]
    return [(event["text"], event["greeting"]) for event in events]


def expected(texts: Sequence[str]) -> list[tuple[str, str]]:
    return [(text, f"Hello {text[:1000]}!") for text in texts]


@pytest.mark.parametrize("name", FORMATS)
def test_hostile_text_arrives_as_it_is(name: str, hostile: CommandLine, server: CapturingServer) -> None:
    Path(name).write_bytes(FORMATS[name](HOSTILE))
    ended = hostile(*SEND, "--rows", name)
    assert (ended.code, json.loads(ended.out)["failures"]) == (0, [])
    assert arrived(server) == expected(HOSTILE)


@pytest.mark.parametrize("name", FORMATS)
@settings(
    max_examples=15,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(texts=st.lists(st.text() | st.sampled_from(SHORT), min_size=1, max_size=30))
def test_any_text_arrives_as_it_is(name: str, texts: list[str], hostile: CommandLine, server: CapturingServer) -> None:
    server.received.clear()
    Path(name).write_bytes(FORMATS[name](texts))
    ended = hostile(*SEND, "--rows", name)
    assert (ended.code, json.loads(ended.out)["failures"]) == (0, [])
    assert arrived(server) == expected(texts)


@pytest.mark.parametrize("name", FORMATS)
def test_hostile_text_that_is_refused_can_be_sent_again_as_it_is(
    name: str, hostile: CommandLine, server: CapturingServer
) -> None:
    Path(name).write_bytes(FORMATS[name](SHORT))
    refusal = {"status": "error", "error": {"message": "no", "type": "refused"}}
    server.answers.extend([(404, refusal)] * (len(SHORT) // 100 + 1))
    assert hostile(*SEND, "--rows", name).code == 1
    failed = hostile("runs", "failed", "last")
    assert (failed.code, failed.err) == (0, "")
    server.received.clear()
    ended = hostile(*SEND, "--rows", "-", stdin=failed.out)
    assert (ended.code, json.loads(ended.out)["failures"]) == (0, [])
    assert arrived(server) == expected(SHORT)
