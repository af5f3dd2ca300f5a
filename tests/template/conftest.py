"""What tests of templates share: the variables that the examples use."""

from __future__ import annotations

from typing import Any

VARIABLES: dict[str, Any] = {
    "n": 10, "x": 1.5, "flag": True, "nil": None, "s": "Zoë", "lst": ["b", "a"], "mp": {"color": 1},
    "order": {"items": [1, 2], "keys": "k"}, "users": [{"name": "Ann", "age": 3}, {"name": "Bob", "age": 2}],
}  # fmt: skip
