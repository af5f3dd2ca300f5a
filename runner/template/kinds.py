"""Python types of the values in templates, grouped by what it costs to go through them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

_EMPTY_MAP: dict[str, object] = {}
DictKeys, DictValues, DictItems = type(_EMPTY_MAP.keys()), type(_EMPTY_MAP.values()), type(_EMPTY_MAP.items())
NUMBERS = frozenset([int, float, bool])
COLLECTIONS = (list, tuple, dict, set, DictKeys, DictValues, DictItems)
"""Sets result from subtracting a map's keys or items from others."""
HASHED = (dict, set, DictKeys)
LISTED = (list, tuple, DictValues)
SMALL = frozenset([int, float, bool, type(None)])
"""Types whose values cost too little to count in any operation."""
WEIGHTLESS = SMALL | {datetime, date, timedelta}
"""Types whose values count as one, whatever they are."""
