"""What `runner validate` reports of a spec and the assets folder, and what it must not report."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.eventspec import check
from runner.project.files import project_of
from runner.workflows.project_checks import ProjectChecks

if TYPE_CHECKING:
    from tests.conftest import CommandLine

SHOP = Path(__file__).with_name("shop")
HEAD = "version: 1\nvars: {user: {type: string, default: u1}, amount: {type: number, default: 5}, any: {default: {}}}\n"
ORDER = "event: order_placed\ndistinct_id: '{{ user }}'\n"
WHOLE = "order_id: '1', amount: '{{ amount }}', status: paid, country: DE, cart_id: c1, tags: []"


@pytest.fixture
def shop(in_tmp: Path) -> Path:
    (in_tmp / ".git").mkdir()
    shutil.copytree(SHOP, in_tmp, dirs_exist_ok=True)
    return in_tmp


def found(folder: Path, spec: str) -> list[tuple[str, str, str]]:
    """Return code, severity and message of what does not fit."""
    path = folder / "specs" / "checked.yaml"
    path.write_text(HEAD + spec, "utf-8")
    loaded = check(path, project_of(path), None)
    assert loaded.spec is not None, loaded.problems
    checks = ProjectChecks(folder / "suprsend", folder / "runner.yaml")
    return [(each.code, each.severity, each.message) for each in (*checks.own_problems, *checks.of_spec(loaded.spec))]


def edit(path: Path, **fields: Any) -> None:
    document = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**document, **fields}), "utf-8")


@pytest.mark.parametrize(
    "spec",
    [
        ORDER + "properties: {" + WHOLE + "}\n",
        ORDER + "properties: '{{ any }}'\n",
        ORDER + "properties: {$merge: ['{{ any }}', {status: paid}]}\n",
        ORDER + "properties: {$literal: {order_id: '1', amount: 1, status: paid, country: DE, tags: [], cart_id: c}}\n",
        "event: 'order_{{ user }}'\ndistinct_id: u1\n",
        "let: {row: {order_id: '1', amount: '{{ amount }}'}}\n" + ORDER
        + "properties: {$merge: ['{{ row }}', {status: paid, country: DE, cart_id: c, tags: '{{ [user] }}'}]}\n",
        ORDER + "properties: {" + WHOLE.replace("country: DE", "country: '{{ omit if amount > 3 else \"DE\" }}'") + "}\n",
        "event: invoice_issued\ndistinct_id: u1\nproperties: {number: 1, total: 2}\n",
        "event: product_viewed\ndistinct_id: u1\nproperties: {product: cup}\n",
        "event: ' order_placed '\ndistinct_id: u1\nproperties: {" + WHOLE + "}\n",
    ],
)  # fmt: skip
def test_what_may_be_right_is_not_reported(spec: str, shop: Path) -> None:
    assert found(shop, spec) == []


@pytest.mark.parametrize(
    ("spec", "reports"),
    [
        ("event: order_plcaed\ndistinct_id: u1\n", [("unknown-event", "error", "the workspace has no event 'order_plcaed'")]),
        (ORDER + "properties: {" + WHOLE.replace("'{{ amount }}'", "'{{ amount }} EUR'") + "}\n", [
            ("event-schema", "warning", "the schema 'order' of the event is broken: amount: the schema expects a number, and this is text"),
            ("condition-variable", "warning", "a condition reads 'amount' by > 1000, which can't hold: it is sent as text"),
        ]),
        (ORDER + "properties: {" + WHOLE.replace("status: paid", "status: lost") + "}\n", [
            ("event-schema", "warning", "the schema 'order' of the event is broken: 'status' is lost, not one of paid"),
        ]),
        (ORDER + "properties: {" + WHOLE.replace(", country: DE", "") + "}\n", [
            ("condition-variable", "warning", "a condition reads 'country', which is never sent"),
        ]),
        (ORDER + "properties: {" + WHOLE.replace("order_id", "number") + "}\n", [
            ("event-schema", "warning", "the schema 'order' of the event requires 'order_id', which is never sent"),
            ("template-variable", "warning", "the template 'order-confirmation' needs 'order_id', which is never sent"),
        ]),
        ("event: cart_updated\ndistinct_id: u1\nproperties: {cart_id: c, items: [{title: cup}]}\n", [
            ("event-schema", "warning", "the schema 'cart' of the event is broken: items[0]: missing key 'name'"),
            ("template-variable", "warning", "the template 'cart-reminder' needs 'items[].name', which is never sent"),
        ]),
    ],
    ids=["a misspelt event", "text for a number", "a value of no enum", "a missing condition", "a missing variable", "an item"],
)  # fmt: skip
def test_what_can_not_be_right_is_reported(spec: str, reports: list[tuple[str, str, str]], shop: Path) -> None:
    actual = found(shop, spec)
    for code, severity, message in reports:
        assert any((code, severity) == each[:2] and each[2].startswith(message) for each in actual), actual
    assert {each[0] for each in actual} == {each[0] for each in reports}


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ("number: 2, total: -1", "the schema 'invoice' of the event is broken: total: -1 is less than the minimum of 0"),
        ("number: 2026/7, total: 1", "the schema 'invoice' of the event is broken: 'number' is '2026/7', which does not match"),
        ("number: 2026-7, totl: 1", "the schema 'invoice' of the event does not allow 'totl'"),
        ("number: 2026-7, total: '{{ user }}'", "the schema 'invoice' of the event is broken: total: the schema expects a number, and this is text"),
        ("number: 2026-7, seller: {tenant: '{{ user }}'}", "the schema 'invoice' of the event requires 'name' of 'seller'"),
        ("number: 2026-7, seller: {name: a, tenant: '{{ amount }}'}", "the schema 'invoice' of the event is broken: seller.tenant: the schema expects text"),
        ("number: 2026-7, lines: [{cents: '{{ user }}'}]", "the schema 'invoice' of the event is broken: lines[0].cents: the schema expects a whole number, and this is text"),
        ("number: 2026-7, copy: {nr: '{{ amount }}'}", "the schema 'invoice' of the event is broken: copy.nr: the schema expects text"),
        ("total: 1", "the schema 'invoice' of the event requires 'number', which is never sent"),
    ],
)  # fmt: skip
def test_what_surely_breaks_the_schema_of_the_event_is_reported(properties: str, message: str, shop: Path) -> None:
    link_invoice(shop)
    found_here = found(shop, f"event: invoice_issued\ndistinct_id: u1\nproperties: {{{properties}}}\n")
    assert message in "\n".join(each[2] for each in found_here if each[0] == "event-schema"), found_here


@pytest.mark.parametrize(
    "properties",
    [
        "{number: 2026-7, total: '{{ amount }}', when: not a date, seller: {name: a}}",
        "{number: '{{ user }}', total: 1, lines: '{{ any }}', copy: '{{ any }}'}",
        "{$merge: [{number: 2026-7}, '{{ any }}']}",
        "{number: 2026-7, seller: {$merge: ['{{ any }}', {tenant: a}]}}",
        "{number: 2026-7, lines: {$for: 'x in [1]', $do: {cents: '{{ x }}'}}}",
    ],
)
def test_what_the_schema_of_the_event_may_allow_is_not_reported(properties: str, shop: Path) -> None:
    link_invoice(shop)
    spec = f"event: invoice_issued\ndistinct_id: u1\nproperties: {properties}\n"
    assert [each for each in found(shop, spec) if each[0] == "event-schema"] == []


def link_invoice(shop: Path) -> None:
    """Link the event of invoices to a schema with rules of many kinds."""
    part = {"type": "object", "required": ["name"], "properties": {"tenant": {"type": "string"}}}
    schema = {
        "type": "object",
        "required": ["number"],
        "additionalProperties": False,
        "properties": {
            "number": {"type": ["string", "integer"], "pattern": "^[0-9-]+$"},
            "total": {"type": "number", "minimum": 0},
            "when": {"type": "string", "format": "date-time"},
            "seller": {"$ref": "#/$defs/seller"},
            "lines": {"type": "array", "items": {"properties": {"cents": {"type": "integer"}}}},
            "copy": {"allOf": [{"type": "object", "properties": {"nr": {"type": "string"}}}]},
        },
        "$defs": {"seller": part},
    }
    assets = shop / "suprsend"
    (assets / "schemas" / "invoice").mkdir()
    (assets / "schemas" / "invoice" / "payload_schema.json").write_text(json.dumps(schema), "utf-8")
    edit(assets / "events" / "invoice_issued" / "event.json", payload_schema={"schema": "invoice", "version_no": 1})


def workflow(shop: Path, slug: str, *nodes: Any, **fields: Any) -> None:
    """Write a workflow in the place of another one."""
    edit(shop / "suprsend" / "workflows" / slug / "workflow.json", tree={"nodes": list(nodes)}, **fields)


SMS = {"node_type": "send_sms", "ref": "sms", "properties": {"template": "invoice"}}
MAIL = {"node_type": "send_email", "ref": "mail", "properties": {"template": "invoice"}}
INVOICE = "event: invoice_issued\ndistinct_id: u1\nproperties: {number: 2026-7}\n"


def test_a_template_is_held_only_for_the_channels_that_are_sent(shop: Path) -> None:
    workflow(shop, "invoice", MAIL)
    text = "the template 'invoice' needs 'total', which is never sent"
    assert [each[2].startswith(text) for each in found(shop, INVOICE)] == [True]
    for path in (shop / "suprsend/templates/invoice/email").rglob("*.html"):
        path.write_text("Invoice {{number}}", "utf-8")
    variant = shop / "suprsend/templates/invoice/email/default/variant.json"
    variant.write_text(variant.read_text("utf-8").replace("{{total}}", ""), "utf-8")
    inbox = shop / "suprsend/templates/invoice/inbox/default/variant.json"
    edit(inbox, content={"body": "{{never_sent}}"})
    assert found(shop, INVOICE) == []
    workflow(shop, "invoice", {"node_type": "send_inbox", "ref": "inbox", "properties": {"template": "invoice"}})
    assert [each[0] for each in found(shop, INVOICE)] == ["template-variable"]


def test_what_earlier_nodes_add_is_not_missing(shop: Path) -> None:
    variable = {"key": "total", "value_lang": "handlebars", "value": "{{number}}"}
    transform = {"node_type": "transform", "ref": "make", "properties": {"variables": [variable]}}
    call = {"node_type": "httpapi_fetch", "ref": "call", "properties": {"http_method": "GET", "url": "'https://example.com'"}}  # fmt: skip
    named = {**call, "properties": {**call["properties"], "output_key": "total"}}  # type: ignore[dict-item]
    for before, reported in ((transform, []), (named, []), (call, []), (None, ["template-variable"])):
        workflow(shop, "invoice", *([before] if before is not None else []), MAIL)
        assert [each[0] for each in found(shop, INVOICE)] == reported
    workflow(shop, "invoice", MAIL, transform)
    assert [each[0] for each in found(shop, INVOICE)] == ["template-variable"]


def test_conditions_behind_a_batch_are_not_held_and_those_before_it_are(shop: Path) -> None:
    batch = {"node_type": "batch", "ref": "all", "properties": {"mode": "accumulate_all", "window_type": "fixed", "fixed_window": "1h"}}  # fmt: skip
    argument = {"variable_ns": "", "variable": "region", "op": "==", "value": '"eu"'}
    branch = {
        "node_type": "branch",
        "ref": "by_region",
        "properties": {},
        "branches": [
            {"name": "eu", "is_default": False, "nodes": [], "conditions": [{"type": "expression_v1", "expression_v1": {"op": "AND", "args": [argument]}}]},
            {"name": "any", "is_default": True, "nodes": [], "conditions": []},
        ],
    }  # fmt: skip
    last = {"node_type": "send_email", "ref": "last", "properties": {"template": "gift-note"}}
    workflow(shop, "invoice", batch, branch, last)
    spec = "event: invoice_issued\ndistinct_id: u1\nproperties: {number: 2026-7, total: 1}\n"
    assert [each[0] for each in found(shop, spec)] == ["asset-missing"]
    workflow(shop, "invoice", branch, batch, last)
    assert [each[0] for each in found(shop, spec)] == ["asset-missing", "condition-variable"]


@pytest.mark.parametrize(
    ("expression", "needs"),
    [
        (".due_at", "due_at"), (' ."due_at" ', "due_at"), (".seller.due", "seller.due"), (".lines[].due", "lines[].due"), (".lines[0].due", "lines[].due"),
        (".number", None), (".lines[].name", None), (".lines[1]", None), ('.due_at // "1d"', None), ('.["due_at"]', None), ('."$recipient".due', None), (".a | .b", None),
    ],
)  # fmt: skip
def test_expressions_are_held_if_they_are_a_path(expression: str, needs: str | None, shop: Path) -> None:
    spec = "event: invoice_issued\ndistinct_id: u1\nproperties: {number: 2026-7, total: 1, seller: {}, lines: [{name: a}]}\n"
    delay = {"node_type": "delay", "ref": "wait", "properties": {"delay_type": "dynamic", "value": expression}}
    for fields in ({"nodes": [delay, MAIL]}, {"nodes": [MAIL], "override_recipients_user_expr": expression}):
        nodes = fields.pop("nodes")
        workflow(shop, "invoice", *nodes, **fields)
        reported = [each[2] for each in found(shop, spec) if each[0] == "expression-variable"]
        expected = [f"an expression needs '{needs}', which is never sent (invoice at "] if needs is not None else []
        assert [each.partition(" at ")[0] + " at " for each in reported] == expected


def test_a_transform_needs_what_its_text_reads(shop: Path) -> None:
    variables = [
        {"key": "url", "value_lang": "handlebars", "value": "https://example.com/{{slug}}{{default ref 'x'}}"},
        {"key": "size", "value_lang": "jsonnet", "value": "data.size"},
    ]
    workflow(shop, "invoice", {"node_type": "transform", "ref": "make", "properties": {"variables": variables}}, MAIL)
    spec = "event: invoice_issued\ndistinct_id: u1\nproperties: {number: 2026-7, total: 1}\n"
    [message] = [each[2] for each in found(shop, spec)]
    assert message.startswith("an expression needs 'slug', which is never sent (invoice at ")


def test_conditions_on_an_awaited_event_are_held(shop: Path) -> None:
    actual = found(shop, ORDER + "properties: {" + WHOLE.replace(", cart_id: c1", "") + "}\n")
    [message] = [each[2] for each in actual if each[0] == "condition-variable"]
    assert message.startswith("a condition reads 'cart_id', which is never sent (abandoned-cart at ")


def test_a_file_that_can_not_be_read_may_name_the_event(shop: Path) -> None:
    spec = "event: order_reopened\ndistinct_id: u1\n"
    assert [each[0] for each in found(shop, spec)] == ["unknown-event"]
    broken = shop / "suprsend" / "workflows" / "reopened" / "workflow.json"
    broken.parent.mkdir()
    broken.write_text('{"trigger_events": ["order_reopened"], "tree": 1}', "utf-8")
    assert {each[0] for each in found(shop, spec)} == {"workflow-invalid"}
    assert "unknown-event" in {each[0] for each in found(shop, "event: order_plcaed\ndistinct_id: u1\n")}


def test_the_older_layout_does_not_say_which_events_exist(shop: Path) -> None:
    shutil.rmtree(shop / "suprsend" / "events")
    mapping = shop / "suprsend" / "event" / "event_schema_mapping.json"
    mapping.parent.mkdir()
    mapping.write_text('{"events": [{"name": "order_placed", "payload_schema": {"schema": "order"}}]}', "utf-8")
    assert [each[0] for each in found(shop, "event: order_plcaed\ndistinct_id: u1\n")] == ["unheard-event"]
    assert found(shop, "event: invoice_issued\ndistinct_id: u1\nproperties: {number: 2026-7, total: 1}\n") == []


def test_an_event_that_only_dead_workflows_listen_to_is_unheard(shop: Path, cli: CommandLine) -> None:
    edit(shop / "suprsend" / "workflows" / "invoice" / "workflow.json", status="draft")
    ended = cli("validate", "specs/invoice_issued.yaml")
    assert ended.code == 2
    assert "error[unheard-event]: no live workflow listens to the event 'invoice_issued'" in ended.out
    assert "invoice does, and is draft" in ended.out


def test_an_event_that_a_workflow_waits_for_is_heard(shop: Path) -> None:
    path = shop / "suprsend" / "workflows" / "order-confirmation" / "workflow.json"
    edit(path, trigger_events=["something_else"])
    assert found(shop, ORDER + "properties: {" + WHOLE + "}\n") == []


def test_a_stale_copy_of_a_schema_is_reported(shop: Path) -> None:
    pulled = shop / "suprsend" / "schemas" / "order" / "payload_schema.json"
    copied = shop / "specs" / "order.json"
    spec = ORDER + "properties: {" + WHOLE + "}\nschema: order.json\n"
    copied.write_text(pulled.read_text("utf-8"), "utf-8")
    edit(copied, title="Order", description="as pulled")
    assert found(shop, spec) == []
    edit(copied, required=["order_id"])
    [(code, severity, message)] = found(shop, spec)
    assert (code, severity) == ("stale-schema", "warning")
    assert message.startswith("this copy of the schema differs from that of the event at 'required': ")


def test_each_rule_can_be_changed_or_switched_off(shop: Path, cli: CommandLine) -> None:
    spec = shop / "specs" / "order_placed.yaml"
    spec.write_text(spec.read_text("utf-8").replace("event: order_placed", "event: order_plcaed"), "utf-8")
    config = shop / "runner.yaml"
    for level, code in (("error", 2), ("warning", 0), ("off", 0)):
        config.write_text(f"checks: {{unknown-event: {level}}}\n", "utf-8")
        ended = cli("validate", "specs/order_placed.yaml")
        assert ended.code == code
        assert (f"{level}[unknown-event]" in ended.out) is (level != "off")
    config.write_text("checks: {unknown-evnet: off}\n", "utf-8")
    ended = cli("validate", "specs/order_placed.yaml")
    assert (ended.code, "did you mean 'unknown-event'?" in ended.out) == (2, True)


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ("checks: {unknown-event: nope}", "bad-value"),
        ("checks: {unknown-event: false}", "bad-value"),
        ("checks: [unknown-event]", "wrong-type"),
        ("assets: 5", "wrong-type"),
        ("assets:", "wrong-type"),
        ("assets: ''", "wrong-type"),
        ("assets: " + "x" * 5000, "file-not-found"),
        ("assets: [x", "yaml-syntax"),
    ],
)
def test_settings_that_can_not_be_read_are_reported(setting: str, code: str, shop: Path, cli: CommandLine) -> None:
    (shop / "runner.yaml").write_text(f"x-none: 1\n{setting}\n", "utf-8")
    ended = cli("validate", "specs/invoice_issued.yaml")
    assert (ended.code, f"error[{code}]" in ended.out + ended.err) == (2, True), ended.out + ended.err


def test_the_folder_is_read_once_for_specs_in_many_folders(shop: Path, cli: CommandLine) -> None:
    for index in range(20):
        place = shop / "specs" / f"team{index}"
        place.mkdir()
        shutil.copy(shop / "specs" / "invoice_issued.yaml", place)
    (shop / "suprsend" / "events" / "odd").mkdir()
    (shop / "suprsend" / "events" / "odd" / "event.json").write_text("[]", "utf-8")
    ended = cli("validate", "specs")
    assert ended.out.count("error[asset-invalid]") == 1
    assert ended.err == "25 specs checked: 1 error, 25 pieces of advice\n"


def test_a_project_without_assets_is_held_against_nothing(shop: Path, cli: CommandLine) -> None:
    (shop / "runner.yaml").write_text("assets: false\n", "utf-8")
    spec = shop / "specs" / "order_placed.yaml"
    spec.write_text(f"{HEAD}event: order_plcaed\ndistinct_id: u1\n", "utf-8")
    assert cli("validate", spec).code == 0


def test_a_spec_and_a_comment_change_rules_of_the_assets_folder_too(shop: Path) -> None:
    misspelt = "event: order_plcaed\ndistinct_id: u1\n"
    assert [each[:2] for each in found(shop, misspelt)] == [("unknown-event", "error")]
    assert [each[:2] for each in found(shop, f"{misspelt}checks: {{unknown-event: warning}}\n")] == [
        ("unknown-event", "warning")
    ]
    assert found(shop, f'{misspelt}checks: {{unknown-event: "off"}}\n') == []
    assert found(shop, f"# runner: ignore unknown-event\n{misspelt}") == []
    assert found(shop, misspelt.replace("plcaed", "plcaed  # runner: ignore unknown-event")) == []
