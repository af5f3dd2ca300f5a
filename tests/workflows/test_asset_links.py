"""Names in the assets folder that stand for nothing there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.workflows.asset_links import link_problems
from runner.workflows.assets_reader import read_assets

if TYPE_CHECKING:
    from collections.abc import Callable

SHOP = Path(__file__).with_name("shop") / "suprsend"
ORDER = "workflows/order-confirmation/workflow.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(SHOP, tmp_path / "suprsend")
    return tmp_path / "suprsend"


def edit(path: Path, change: Callable[[Any], object]) -> None:
    document = json.loads(path.read_text("utf-8"))
    change(document)
    path.write_text(json.dumps(document, indent=1), "utf-8")


def found(folder: Path) -> list[tuple[str, str | None, str]]:
    """Return the message, the hint and the text at the place of each problem."""
    assets, problems = read_assets(folder)
    assert [problem for problem in problems if problem.severity == "error" and "broken" not in str(problem)] == []
    return [
        (each.message, each.hint, each.position.text[each.position.column - 1 : each.position.end_column - 1])
        for each in link_problems(assets)
        if each.position is not None and (each.code, each.severity) == ("asset-missing", "warning")
    ]


def test_the_shop_has_all_that_it_names() -> None:
    assert found(SHOP) == []


def test_a_template_that_was_not_pulled_is_missing(folder: Path) -> None:
    shutil.move(folder / "templates/large-order", folder / "templates/large-orders")
    assert found(folder) == [
        ("there is no template 'large-order' in the assets folder", "did you mean 'large-orders'?", '"large-order"')
    ]
    shutil.rmtree(folder / "templates")
    assert found(folder) == []


def test_a_template_without_a_variant_for_the_channel_is_missing(folder: Path) -> None:
    edit(folder / "templates/large-order/template.json", lambda document: document.update(enabled_channels=[]))
    assert found(folder) == [
        ("the template 'large-order' has no variant for sms", "it has none at all", '"large-order"')
    ]


def test_one_of_two_channels_is_enough(folder: Path) -> None:
    shutil.rmtree(folder / "templates/cart-reminder/iospush")  # a push goes to two kinds of devices
    assert found(folder) == []


def test_a_category_a_schema_and_an_invoked_workflow_are_missing(folder: Path) -> None:
    edit(folder / ORDER, lambda document: document.update(category="order-update"))
    node = {"node_type": "invokeworkflow", "properties": {"workflow": "refund", "recipient_selection": "recipient"}}
    edit(folder / "workflows/invoice/workflow.json", lambda document: document["tree"]["nodes"].append(node))
    shutil.rmtree(folder / "schemas/cart")
    assert sorted(found(folder)) == [
        ("there is no category 'order-update' in the assets folder", "did you mean 'order-updates'?", '"order-update"'),
        ("there is no schema 'cart' in the assets folder", "known here: order, payment", '"cart"'),
        (
            "there is no workflow 'refund' in the assets folder",
            "known here: abandoned-cart, failed-payment, invoice, order-confirmation, weekly-digest",
            '"refund"',
        ),
    ]


def test_a_workflow_that_is_not_live_may_name_what_it_likes(folder: Path) -> None:
    shutil.rmtree(folder / "templates/large-order")
    edit(folder / ORDER, lambda document: document.update(is_enabled=False))
    assert found(folder) == []


def test_an_invoked_workflow_may_be_in_a_file_that_can_not_be_read(folder: Path) -> None:
    node = {"node_type": "invokeworkflow", "properties": {"workflow": "refund", "recipient_selection": "recipient"}}
    edit(folder / "workflows/invoice/workflow.json", lambda document: document["tree"]["nodes"].append(node))
    (folder / "workflows/refund").mkdir()
    (folder / "workflows/refund/workflow.json").write_text('{"slug": "refund", "broken', "utf-8")
    assert found(folder) == []
