"""The formats of `-o`."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """The values of `-o`."""

    PRETTY = "pretty"
    JSON = "json"
    JSONL = "jsonl"
    GITHUB = "github"
    SARIF = "sarif"
    """Of `runner validate` alone."""
