"""What tests of bulk runs share: a spec, its rows, and the command line with credentials."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.cli.conftest import CREDENTIALS

if TYPE_CHECKING:
    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer

SPEC = """\
version: 1
vars:
  user: {type: string}
  order: {type: string, pattern: "^[0-9]+$", default: "1001"}
  amount: {type: number, minimum: 0, default: 10}
event: product_purchased
distinct_id: "{{ user }}"
idempotency_key: "{{ user }}-{{ order }}"
properties: {order: "{{ order }}", amount: "{{ amount }}"}
"""
FIVE = "user,order,amount\nu1,1,5\nu2,2,6.50\nu3,0x3,7\nu4,4,-1\nu5,5,\n"
REFUSAL = {"status": "error", "error": {"message": "no such workspace", "type": "not_found"}}
RUN = re.compile("[0-9]{8}-[0-9]{6}-[0-9a-f]{4}")


class Told(NamedTuple):
    """What a command line told; run ids and times are replaced, for they vary."""

    code: int
    out: list[str]
    err: list[str]
    raw: str


def typed(cli: CommandLine, *args: str, stdin: str = "") -> Told:
    ended = cli(*args, stdin=stdin)
    return Told(ended.code, steady(ended.out), steady(ended.err), ended.out)


def send(cli: CommandLine, *args: str, spec: str = "purchase.yaml", stdin: str = "") -> Told:
    given = () if "--concurrency" in args else ("--concurrency", "1")
    return typed(cli, "send", spec, *given, *args, stdin=stdin)


def steady(text: str) -> list[str]:
    return re.sub(r"[0-9.]+ s, [0-9,]+/s", "… s, …/s", RUN.sub("RUN", text)).splitlines()


@pytest.fixture
def cli(cli: CommandLine, in_tmp: Path, server: CapturingServer) -> CommandLine:
    (in_tmp / "purchase.yaml").write_text(SPEC)
    (in_tmp / "five.csv").write_text(FIVE)
    cli.environ = CREDENTIALS | {"SUPRSEND_BASE_URL": server.base_url}
    return cli


def write(name: str, content: str) -> str:
    Path(name).write_text(content, "utf-8")
    return name


def many(count: int) -> str:
    """Write a file of so many rows."""
    return write("many.csv", "user,order\n" + "".join(f"u{number},{number}\n" for number in range(1, count + 1)))


def sent(server: CapturingServer) -> list[tuple[object, ...]]:
    """Give user, order and amount of each event that arrived."""
    return [
        (event["distinct_id"], event["properties"]["order"], event["properties"]["amount"])
        for request in server.received
        for event in request.json
    ]


SECRET_SPEC = """\
version: 1
vars:
  user: {type: string}
  token: {type: string, secret: true}
event: product_purchased
distinct_id: "{{ user }}"
properties: {token: "{{ token }}", mixed: "t={{ token }}"}
"""
