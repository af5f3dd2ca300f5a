"""The JSON Schema of the spec format, which is a part of the package."""

from __future__ import annotations

from functools import cache
from json import loads
from pathlib import Path
from typing import Any


def schema_text() -> str:
    """Return the schema's text, which editors use."""
    return Path(__file__).with_name("spec.schema.json").read_text("utf-8")


@cache
def document() -> Any:
    """Return the schema as plain values, which are shared and must not be changed."""
    return loads(schema_text())
