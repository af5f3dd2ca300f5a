"""Sources of which a part is something else than their format says are read as far as they go, or refused; never a bug."""

from __future__ import annotations

import copy
import json
import random
from contextlib import suppress
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest

from runner.errors import RunnerError
from runner.importing.bundle import bundled
from runner.importing.sources import source_events
from tests.importing.collections_of_others import EVENTS, HAR, POSTMAN, SNIPPET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "required": ["id"], "description": "What it is.",
    "properties": {"id": {"type": "string", "examples": ["1"]}, "kind": {"enum": ["a", "b"]}, "note": {"const": "x"}, "at": {"$ref": "#/$defs/at"}},
}  # fmt: skip
EVENT_FILE = {"name": "order_placed", "description": "Paid.", "payload_schema": {"schema": "order", "version_no": 1}}
ATTACHED = {
    "event": "order_placed", "distinct_id": "u1", "tenant_id": "acme", "$idempotency_key": "k",
    "properties": {"a": [1, {"b": None}], "$attachments": [{"url": "https://files.example.com/a.pdf", "filename": "a.pdf", "ignore_if_error": True}]},
}  # fmt: skip
SOURCES: dict[str, Any] = {
    "har": HAR, "postman": POSTMAN, "events": EVENTS, "schema": SCHEMA, "event": EVENT_FILE, "attached": ATTACHED,
    "older": {"slug": "order", "json_schema": SCHEMA}, "mapping": [EVENT_FILE],
}  # fmt: skip
OTHERS: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "x",
    "{{",
    "$x",
    [],
    {},
    [None],
    {"": None},
    [[]],
    {"$ref": 1},
    "ss_x",
    "https://[",
    10**30,
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in steps:
        yield from places(item, (*path, step))


def mutated(value: Any, chance: random.Random) -> Any:
    changed = copy.deepcopy(value)
    [*above, last] = chance.choice(list(places(value))[1:])
    target = changed
    for step in above:
        target = target[step]
    if chance.random() < 0.2:
        del target[last]
    else:
        target[last] = copy.deepcopy(chance.choice(OTHERS))
    return changed


@pytest.mark.parametrize("name", SOURCES)
def test_a_mutated_document_is_imported_or_refused(name: str, in_tmp: Path) -> None:
    chance = random.Random(name)  # noqa: S311 - the same mutations each time
    for _ in range(150):
        document = SOURCES[name]
        for _ in range(chance.randint(1, 3)):
            document = mutated(document, chance) if isinstance(document, dict | list) and document else document
        (in_tmp / "source.json").write_text(json.dumps(document))
        with suppress(RunnerError):
            bundled(source_events("source.json", StringIO(), None).samples, "a test")


def test_code_that_is_cut_anywhere_is_imported_or_refused(in_tmp: Path) -> None:
    for end in range(0, len(SNIPPET), 3):
        (in_tmp / "app.py").write_text(SNIPPET[:end])
        try:
            source_events("app.py", StringIO(), None)
        except RunnerError as error:
            assert "app.py" in str(error)  # noqa: PT017 - a cut may also be valid
