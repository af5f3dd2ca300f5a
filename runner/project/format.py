"""The JSON Schema of the spec format, as it is shipped."""

from __future__ import annotations

from functools import cache
from json import loads
from pathlib import Path
from typing import Any


def schema_text() -> str:
    """Read the schema's text, which editors take."""
    return Path(__file__).with_name("spec.schema.json").read_text("utf-8")


@cache
def document() -> Any:
    """Return the schema as plain values; nobody may change them."""
    return loads(schema_text())
