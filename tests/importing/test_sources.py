"""What each kind of source comes to."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from runner.importing.sample import ABSENT, Hole, Pieces
from runner.importing.sources import Kind, source_events
from tests.importing.imports import cases_of, imported

if TYPE_CHECKING:
    from runner.importing.sample import Sample
    from tests.conftest import CommandLine

EVENT = {"event": "order_placed", "distinct_id": "u1", "properties": {"name": 'Zoë\'s\n€5 \\ "tea"', "amount": 80}}
BODY = json.dumps(EVENT, ensure_ascii=False)


def samples(source: str, stdin: str = "", kind: Kind | None = None) -> tuple[Sample, ...]:
    return source_events(source, StringIO(stdin), kind).samples


def test_json_can_be_an_argument() -> None:
    [sample] = samples(BODY)
    assert (sample.origin, sample.properties) == ("the JSON argument", EVENT["properties"])


def test_a_bulk_body_and_json_lines_give_every_event(in_tmp: Path) -> None:
    (in_tmp / "events.jsonl").write_text(f"{BODY}\n\n{BODY}\n", "utf-8")
    (in_tmp / "events.json").write_text(f"[{BODY}, {BODY}]", "utf-8")
    assert [sample.origin for sample in samples("events.jsonl")] == ["events.jsonl, line 1", "events.jsonl, line 3"]
    assert [sample.origin for sample in samples("events.json")] == ["events.json, item 1", "events.json, item 2"]


CODE = """
from suprsend import Event as Notification, Suprsend

CURRENCY = "EUR"

class Shop:
    def place(self, order, user_id: str, total: float, note=None):
        base = {"currency": CURRENCY, "source": "web"}
        props = {**base, "order_id": order["id"], "total": total, "lines": len(order.lines), "vat": -19, "paid": total > 0}
        props["city"] = order.customer.address.city
        event = Notification(user_id, "order_placed", props, idempotency_key=f"order-{order['id']}", tenant_id=self.tenant)
        event.add_attachment(f"https://files.example.com/{order['id']}.pdf", file_name="invoice.pdf", ignore_if_error=True)
        event.properties["late"] = True
        self.client.track_event(event)

    async def dynamic(self, name):
        await send(Notification("u1", name, {}))
"""


def test_code_gives_constants_holes_and_attachments(in_tmp: Path) -> None:
    (in_tmp / "shop.py").write_text(CODE)
    found = source_events("shop.py", StringIO(), None)
    [sample] = found.samples
    assert found.notes == ("shop.py line 17: skipped an event whose name is not written out there",)
    assert sample.event == "order_placed"
    assert sample.distinct_id == Hole("user_id", {"type": "string"})
    order_id = Hole("order_id", question="Which values has order_id? The code does not show its type.")
    assert sample.idempotency_key == Pieces(("order-", order_id))
    assert isinstance(sample.tenant_id, Hole)
    assert sample.tenant_id.name == "tenant"
    assert sample.properties["currency"] == "EUR"
    assert sample.properties["vat"] == -19
    assert sample.properties["late"] is True
    assert sample.properties["total"] == Hole("total", {"type": "number"})
    assert {key: value.name for key, value in sample.properties.items() if isinstance(value, Hole)} == {
        "order_id": "order_id", "total": "total", "lines": "lines", "paid": "value", "city": "city",
    }  # fmt: skip
    assert sample.attachments == (
        {
            "url": Pieces(("https://files.example.com/", order_id, ".pdf")),
            "filename": "invoice.pdf",
            "ignore_if_error": True,
        },
    )


CHANGING = """
from suprsend import Event
def place(order, extra):
    amount = 1
    for amount in order.amounts:
        pass
    (city, zip_code) = order.address
    props = {"amount": amount, "city": city, "kind": "web"}
    props.update(extra)
    return Event("u1", "order_placed", props)
"""


def test_what_code_sets_twice_or_changes_is_no_constant(in_tmp: Path) -> None:
    (in_tmp / "shop.py").write_text(CHANGING)
    [sample] = samples("shop.py")
    assert {key: value if isinstance(value, str) else type(value) for key, value in sample.properties.items()} == {
        "amount": Hole, "city": Hole, "kind": "web",
    }  # fmt: skip
    assert (
        "properties",
        "The code changes the properties before it sends them. Which others are there?",
    ) in sample.questions


@pytest.mark.usefixtures("in_tmp")
def test_the_spec_of_code_is_valid_and_asks_for_what_the_code_does_not_show(cli: CommandLine) -> None:
    Path("app").mkdir()
    Path("app/shop.py").write_text(CODE)
    [text] = imported(cli, "app").values()
    assert "# The source shows no values. Which are typical? Write a case with them under tests:" in text
    assert "# Which values has city? The code does not show its type." in text
    assert 'url: "https://files.example.com/{{ order_id }}.pdf"' in text
    sent = cli("render", "specs/order-placed.yaml", "--var", "user_id=u1", "--var", "order_id=1", "--var", "total=3", "--var", "lines=2", "--var-json", 'city="Pune"', "--var", "tenant=acme", "--var", "paid=true", "-o", "json")  # fmt: skip
    assert sent.code == 0, sent.err
    assert sent.json["$idempotency_key"] == "order-1"


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize("packed", [".csv", ".tsv"])
def test_rows_become_a_spec_that_sends_these_rows(cli: CommandLine, packed: str) -> None:
    mark = "," if packed == ".csv" else "\t"
    rows = [
        ["user", "order_id", "amount", "vip", "placed", "note"],
        ["u1", "0017", "10.5", "true", "2026-01-02", ""],
        ["u2", "0018", "3", "false", "2026-01-03", "fragile"],
    ]
    Path(f"orders{packed}").write_text("\n".join(mark.join(row) for row in rows) + "\n")
    [text] = imported(cli, f"orders{packed}").values()
    assert 'order_id: {type: string, pattern: "^[0-9]+$"}' in text
    assert "amount: {type: number}" in text
    assert "vip: {type: boolean}" in text
    assert "placed: {type: string, format: date}" in text
    assert 'note: {type: [string, "null"], default: null}' in text
    assert cli("test", "specs").code == 0
    shown = cli("render", "specs/orders.yaml", "--rows", f"orders{packed}", "-o", "jsonl")
    assert shown.code == 0, shown.err
    assert [json.loads(line)["properties"]["amount"] for line in shown.out.splitlines()] == [10.5, 3]


@pytest.mark.usefixtures("in_tmp")
def test_a_parquet_file_keeps_the_types_of_its_columns(cli: CommandLine) -> None:
    rows = [
        {"user": "u1", "amount": 10.5, "order": {"id": 7, "tags": ["a"]}},
        {"user": "u2", "amount": 3.0, "order": {"id": 8, "tags": []}},
    ]
    pq.write_table(pa.Table.from_pylist(rows), "orders.parquet")
    [text] = imported(cli, "orders.parquet").values()
    assert "amount: {type: number}" in text
    assert 'order: "{{ order }}"' in text
    assert cli("test", "specs").code == 0
    shown = cli("render", "specs/orders.yaml", "--rows", "orders.parquet", "-o", "jsonl")
    assert [json.loads(line)["properties"]["order"] for line in shown.out.splitlines()] == [
        row["order"] for row in rows
    ]


def test_an_enumeration_is_words_that_were_seen_often(in_tmp: Path) -> None:
    lines = [f"u{n},{'new' if n % 2 else 'paid'}" for n in range(10)]
    (in_tmp / "orders.csv").write_text("user,status\n" + "\n".join(lines) + "\n")
    from runner.importing.bundle import bundled  # noqa: PLC0415

    [spec] = bundled(samples("orders.csv"), "orders.csv").specs.values()
    assert "status: {type: string, enum: [new, paid]}" in spec.text
    assert "# Only these values of status were seen. Are there others?" in spec.text


SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["order_id"],
    "properties": {
        "order_id": {"type": "string", "examples": ["1001"]},
        "status": {"enum": ["new", "paid"]},
        "note": {"type": "string"},
    },
}


@pytest.mark.usefixtures("in_tmp")
def test_a_pulled_folder_gives_its_events_with_the_variables_of_their_schemas(cli: CommandLine) -> None:
    event = Path("suprsend/events/order_placed/event.json")
    schema = Path("suprsend/schemas/order/payload_schema.json")
    for path in (event, schema):
        path.parent.mkdir(parents=True)
    event.write_text(
        json.dumps(
            {
                "name": "order_placed",
                "description": "A customer paid.",
                "payload_schema": {"schema": "order", "version_no": None},
            }
        )
    )
    schema.write_text(json.dumps(SCHEMA))
    of_folder, of_file = (imported(cli, source, to=to) for source, to in (("suprsend", "a"), (str(event), "b")))
    [text] = of_folder.values()
    assert "description: A customer paid." in text
    assert 'order_id: {type: string, examples: ["1001"]}' in text
    assert "status: {enum: [new, paid, null], default: null}" in text
    assert 'note: "{{ note if note is not none else omit }}"' in text
    assert [text.partition("\n")[2] for text in of_file.values()] == [text.partition("\n")[2]]


@pytest.mark.usefixtures("in_tmp")
def test_the_schema_of_a_payload_becomes_the_schema_of_a_spec(cli: CommandLine) -> None:
    Path("order.json").write_text(json.dumps(SCHEMA))
    [text] = imported(cli, "order.json").values()
    assert "schema:" in text
    assert "# Which event has this payload? The schema does not say." in text


POSTMAN = {
    "info": {"schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
    "item": [{"name": "order", "request": {"body": {"mode": "raw", "raw": '{"event": "order_placed", "distinct_id": "{{user_id}}", // who\n "properties": {"amount": {{amount}}, "at": "{{$isoTimestamp}}", "url": "https://{{host}}/o"}}'}}}],
    "variable": [{"key": "amount", "value": 12.5}, {"key": "host", "value": "shop.example.com"}],
}  # fmt: skip


def test_variables_of_postman_become_variables(in_tmp: Path) -> None:
    (in_tmp / "shop.json").write_text(json.dumps(POSTMAN))
    [sample] = samples("shop.json")
    assert isinstance(sample.distinct_id, Pieces | Hole)
    assert sample.properties["amount"] == Hole("amount", {}, 12.5)
    assert sample.properties["url"] == Pieces(("https://", Hole("host", {"type": "string"}, "shop.example.com"), "/o"))
    assert isinstance(sample.properties["at"], Hole)
    assert sample.properties["at"].question == "Postman made it up anew, by {{$isoTimestamp}}. What is it?"
    assert sample.idempotency_key is None


def test_a_collection_of_the_api_with_variables_in_names_and_keys_is_read(in_tmp: Path) -> None:
    raw = '{"event": "order_{{kind}}", "distinct_id": "u1", "properties": {"list": [{{a}}, {{amount}}], "{{key}}": 1}}'
    request = {"name": "order", "request": {"body": {"mode": "raw", "raw": raw}}}
    (in_tmp / "shop.json").write_text(json.dumps({"collection": {**POSTMAN, "item": [request]}}))
    [sample] = samples("shop.json")
    assert sample.event == "order_kind"
    assert ("event", "The source has a variable in this name. Which events are there?") in sample.questions
    assert [item.name for item in sample.properties["list"] if isinstance(item, Hole)] == ["a", "amount"]  # type: ignore[union-attr]
    assert sample.properties["{{key}}"] == 1


def test_the_kind_can_be_said(in_tmp: Path) -> None:
    (in_tmp / "log").write_text(json.dumps({"log": {"entries": []}, "level": "info"}))
    [payload] = samples("log", kind=Kind.JSON)
    assert payload.idempotency_key is ABSENT
    assert payload.properties == {"log": {"entries": []}, "level": "info"}


@pytest.mark.usefixtures("in_tmp")
def test_values_that_look_like_templates_are_sent_as_they_are(cli: CommandLine) -> None:
    events: list[dict[str, Any]] = [{"event": "post_written", "distinct_id": f"{{{{ {n} }}}}", "properties": {"text": "{{ user }} {% raw %}", "nested": {"$gt": 5}, "line": "a\r\nb"}, "$idempotency_key": f"{{# {n}"} for n in (1, 2)]  # fmt: skip
    Path("posts.json").write_text(json.dumps(events))
    ended = cli("import", "posts.json")
    assert ended.code == 0, ended.err
    text = Path("specs/post-written.yaml").read_text()
    assert 'text: {$literal: "{{ user }} {% raw %}"}' in text
    assert "nested: {$literal: {$gt: 5}}" in text
    for case, event in zip(cases_of(text), events, strict=True):
        shown = cli("render", "specs/post-written.yaml", "--case", case, "-o", "json").json
        assert shown["distinct_id"] == event["distinct_id"]
        assert shown["$idempotency_key"] == event["$idempotency_key"]
        assert shown["properties"].items() >= event["properties"].items()
