"""What code writes out is in the spec, what it computes is a variable of its own, and what can't be known is a question."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.importing.imports import imported

if TYPE_CHECKING:
    from typing import Any

    from tests.conftest import CommandLine

OURS = "from suprsend import Event\n"
PLAIN = {
    "keywords": OURS + "Event(properties={'a': 1}, event_name='order_placed', distinct_id='u1')",
    "an alias of the package": "import suprsend as ss\nss.Event('u1', 'order_placed', {'a': 1})",
    "a module of the package": "import suprsend.event\nsuprsend.event.Event('u1', 'order_placed', {'a': 1})",
    "an import of a module": "from suprsend.event import Event as E\nE('u1', 'order_placed', {'a': 1})",
    "an import of a wrapper": "from .sdk import Event\nEvent('u1', 'order_placed', {'a': 1})",
    "a constant": OURS + "NAME = 'order_placed'\nEvent('u1', NAME, {'a': 1})",
    "a constant of a class": OURS + "class Names:\n    ORDER = 'order_placed'\nEvent('u1', Names.ORDER, {'a': 1})",
    "an enumeration": OURS + "class Names(str, Enum):\n    ORDER = 'order_placed'\nEvent('u1', Names.ORDER.value, {'a': 1})",
    "an f-string of constants": OURS + "KIND = 'placed'\nEvent('u1', f'order_{KIND}', {'a': 1})",
    "texts that are added": OURS + "Event('u1', 'order_' + 'placed', {'a': 1})",
    "dict": OURS + "Event('u1', 'order_placed', dict(a=1))",
    "a map of arguments": OURS + "given = {'distinct_id': 'u1', 'properties': {'a': 1}}\nEvent(event_name='order_placed', **given)",
    "maps that are merged": OURS + "empty = {}\nEvent('u1', 'order_placed', empty | {'a': 1})",
    "maps in a map": OURS + "one = dict(a=1)\nEvent('u1', 'order_placed', {**one})",
    "a walrus": OURS + "def f(x):\n    if p := {'a': 1}:\n        Event('u1', 'order_placed', p)",
    "a key that is set at the top": OURS + "P = {}\nP['a'] = 1\ndef f():\n    Event('u1', 'order_placed', P)",
    "another line end": (OURS + "Event('u1', 'order_placed', {'a': 1})\n").replace("\n", "\r\n"),
    "a mark of the order of bytes": "\ufeff" + OURS + "Event('u1', 'order_placed', {'a': 1})",
}  # fmt: skip


def spec_of(cli: CommandLine, code: str) -> dict[str, Any]:
    Path("app.py").write_bytes(code.encode())
    [text] = imported(cli, "app.py").values()
    return {**yaml.safe_load(text), "text": text}


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize("name", PLAIN)
def test_what_code_writes_out_is_in_the_spec(cli: CommandLine, name: str) -> None:
    spec = spec_of(cli, PLAIN[name])
    assert (spec["event"], spec["properties"]) == ("order_placed", {"a": 1})


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize(
    "code",
    ["from threading import Event\nEvent('u1', 'order_placed')", "import stripe\nstripe.Event('u1', 'order_placed')", "from stripe import Event\nEvent('u1', 'order_placed')", "# Event('u1', 'order_placed')"],
)  # fmt: skip
def test_events_of_other_packages_are_none(cli: CommandLine, code: str) -> None:
    Path("app.py").write_text(code)
    ended = cli("import", "app.py")
    assert (ended.code, ended.err.split("\n")[0]) == (2, "error[import-source]: no events were found")


COMPUTED = (
    OURS
    + """
import uuid
def place(user, i, x: float, note: str | None, tags: list[str], vip, extra):
    Event(user.id, "order_placed", {
        "n": i, "square": i * i, "text": str(i), "again": i, "price": f"{x:.2f} EUR", "exact": x, "note": note, "tags": tags,
        "tier": "gold" if vip else "plain", "one": str(uuid.uuid4()), "two": str(uuid.uuid4()), "lines": [*tags, "z"],
        "deep": {"known": 1, **extra}, "label": "no. " + i,
    })
"""
)


@pytest.mark.usefixtures("in_tmp")
def test_each_expression_is_a_variable_of_its_own(cli: CommandLine) -> None:
    spec = spec_of(cli, COMPUTED)
    properties = spec["properties"]
    assert properties["n"] == properties["again"] == "{{ i }}"
    assert properties["label"] == "no. {{ i }}"
    names = [properties[key].strip("{ }") for key in ("n", "square", "text", "exact", "note", "tags", "tier", "one", "two", "lines", "deep")]  # fmt: skip
    assert len(set(names)) == len(names)
    assert properties["price"] == "{{ price }} EUR"
    assert {key: spec["vars"][key] for key in ("price", "x", "note", "tags", "tier", "lines")} == {
        "price": {"type": "string"},
        "x": {"type": "number"},
        "note": {"type": ["string", "null"]},
        "tags": {"type": "array"},
        "tier": {"type": "string", "enum": ["gold", "plain"]},
        "lines": {},
    }


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize("properties", ["{'a': 1, **extra}", "dict(a=1, **extra)", "{'a': 1} | extra", "{'a': 1, extra: 2}", "{'a': 1, 5: 2}"])  # fmt: skip
def test_entries_that_are_not_written_out_are_a_question(cli: CommandLine, properties: str) -> None:
    spec = spec_of(cli, f"{OURS}def f(extra):\n    Event('u1', 'order_placed', {properties})")
    assert spec["properties"] == {"a": 1}
    assert "# The code adds entries that it does not write out there. Which?" in spec["text"]


ATTACHED = (
    OURS
    + """
class Shop:
    def send(self, user):
        event: Event = Event(user, "order_placed", {"a": 1})
        event.add_attachment("https://files.example.com/a.pdf")
        event.add_attachment("/tmp/b.pdf")
        self.event = Event(user, "order_paid", {"a": 1})
        self.event.add_attachment("https://files.example.com/c.pdf")
"""
)


@pytest.mark.usefixtures("in_tmp")
def test_attachments_of_annotated_names_and_of_attributes_are_found(cli: CommandLine) -> None:
    Path("app.py").write_text(ATTACHED)
    specs = imported(cli, "app.py")
    placed, paid = specs["order-placed.yaml"], specs["order-paid.yaml"]
    assert 'attachments:\n  - "https://files.example.com/a.pdf"' in placed
    assert "# The attachment /tmp/b.pdf was left out: it has no public URL. Where can the platform fetch it?" in placed
    assert 'attachments:\n  - "https://files.example.com/c.pdf"' in paid
