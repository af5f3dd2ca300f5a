"""A project that `runner init` wrote, with one cassette of ours, and cassettes by other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import CommandLine

CASSETTE = "cassettes/order-placed/the-platform-takes-an-order.yaml"
SPEC = "specs/order-placed.yaml"
RECORD = f"runner test {SPEC} -k 'the platform takes an order' --record rewrite"
BY_ANOTHER = """interactions:
- request:
    body: ''
    headers:
      Authorization:
      - %s
    method: GET
    uri: https://api.example.com/orders
  response:
    body:
      string: '{"orders": []}'
    headers:
      Content-Type:
      - application/json
    status:
      code: 200
      message: OK
version: 1
"""


@pytest.fixture
def project(in_tmp: Path, cli: CommandLine) -> Path:
    assert cli("init", "-q").code == 0
    return in_tmp


def edit(path: str, old: str, new: str) -> None:
    text = Path(path).read_text("utf-8")
    assert old in text
    Path(path).write_text(text.replace(old, new), "utf-8")


def by_another(path: str, credential: str = "'***'") -> Path:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(BY_ANOTHER % credential)
    return Path(path)


def files() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}
