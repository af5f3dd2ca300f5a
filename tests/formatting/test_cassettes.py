"""Cassettes of vcrpy, whose own reader finds the same in them after they are formatted."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from vcr.request import Request  # type: ignore[import-untyped]
from vcr.serialize import serialize  # type: ignore[import-untyped]
from vcr.serializers import yamlserializer  # type: ignore[import-untyped]

from runner.formatting.files import formatted
from runner.testing.cassette_reader import load

if TYPE_CHECKING:
    from pathlib import Path

LONG = " ".join(["words that go on, and on: 'quoted'"] * 12)
BODIES = {
    "text": b'{"event": "order_placed"}',
    "long text": LONG.encode(),
    "lines": b"one\n  two\n\nthree\n",
    "binary": zlib.compress(LONG.encode()),
    "empty": b"",
    "a date": b"2024-01-02",
    "unicode": '{"name": "Zoë 🎉"}'.encode(),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_cassette_of_vcrpy_replays_the_same(tmp_path: Path, name: str) -> None:
    (tmp_path / ".git").mkdir()
    path = tmp_path / "cassettes" / "order.yaml"
    path.parent.mkdir()
    body = BODIES[name]
    request: Any = Request("POST", "https://hub.example.com/event/", body, {"Content-Type": "application/json"})
    response = {
        "status": {"code": 202, "message": "Accepted"},
        "headers": {"date": ["2024-01-02"]},
        "body": {"string": body},
    }
    path.write_text(serialize({"requests": [request], "responses": [response]}, yamlserializer), "utf-8")
    before, cassette = yaml.load(path.read_text("utf-8"), yaml.SafeLoader), load(path)
    found = formatted(path)
    assert found.problems == ()
    assert found.after is not None
    path.write_text(found.after, "utf-8")
    assert yaml.load(path.read_text("utf-8"), yaml.SafeLoader) == before
    assert load(path).interactions == cassette.interactions
    assert not formatted(path).is_changed
