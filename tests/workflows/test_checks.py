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


def test_a_project_without_assets_is_held_against_nothing(shop: Path, cli: CommandLine) -> None:
    (shop / "runner.yaml").write_text("assets: false\n", "utf-8")
    spec = shop / "specs" / "order_placed.yaml"
    spec.write_text(f"{HEAD}event: order_plcaed\ndistinct_id: u1\n", "utf-8")
    assert cli("validate", spec).code == 0
