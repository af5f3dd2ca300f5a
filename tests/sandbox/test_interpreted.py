"""Messages that a sandbox makes by workflow files: those of the shop, over real HTTP, on the clock of a session."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.child_time import time_of_children_s
from tests.sandbox.messages.conftest import HOUR_S, Client

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import Api

SHOP = Path(__file__).parents[1] / "workflows" / "shop"
DAY_S = 24 * HOUR_S
BOMB = "local f(n) = if n == 0 then 0 else f(n - 1) + f(n - 1); f(60)"


@pytest.fixture
def shop(ruled: Callable[[str], Api], tmp_path: Path) -> Callable[..., Client]:
    """Start a sandbox in a copy of the shop, with further lines of its `sandbox:` section."""
    shutil.copytree(SHOP, tmp_path, dirs_exist_ok=True)
    users = (tmp_path / "runner.yaml").read_text()

    def start(section: str = "{}", session: str = "") -> Client:
        return Client(ruled(f"{section}\n{users}").caller, session)

    return start


def order(client: Client, user: str = "u1", **properties: Any) -> None:
    values = {
        "order_id": "1",
        "amount": 10,
        "status": "paid",
        "country": "DE",
        "cart_id": "c1",
        "tags": [],
    } | properties
    client.send(event="order_placed", distinct_id=user, properties=values)


def cart(client: Client, cart_id: str = "c1", user: str = "u1") -> None:
    client.send(event="cart_updated", distinct_id=user, properties={"cart_id": cart_id, "items": []})


def templates(client: Client) -> list[tuple[str, str]]:
    client.advance(60)
    return sorted((each["channel"], each["template"]["slug"]) for each in client.messages())


def test_branch_and_delay(shop: Callable[..., Client]) -> None:
    client = shop()
    order(client, amount=1500)
    assert templates(client) == [("email", "order-confirmation"), ("sms", "large-order")]
    client.advance(2 * DAY_S)
    assert ("email", "order-feedback") in templates(client)


@pytest.mark.parametrize(("user", "properties"), [("nobody", {}), ("u1", {"status": "cancelled"}), ("never+u1", {})])
def test_events_that_nothing_comes_of(shop: Callable[..., Client], user: str, properties: dict[str, Any]) -> None:
    client = shop()
    order(client, user, **properties)
    assert templates(client) == []


def test_a_later_event_withdraws_planned_messages(shop: Callable[..., Client]) -> None:
    client = shop()
    cart(client)
    client.advance(23 * HOUR_S)
    order(client)
    client.advance(5 * DAY_S)
    assert templates(client) == [("email", "order-confirmation")]


def test_another_cart_does_not_withdraw_and_the_throttle_holds(shop: Callable[..., Client]) -> None:
    client = shop()
    cart(client)
    client.advance(2 * DAY_S)
    reminded = {each["message_id"] for each in client.messages()}
    cart(client, "c2")
    client.advance(2 * DAY_S)
    assert templates(client) == [("androidpush", "cart-reminder"), ("email", "cart-reminder")]
    assert {each["message_id"] for each in client.messages()} == reminded


def test_two_events_are_one_digest(shop: Callable[..., Client]) -> None:
    client = shop()
    for product in ("kettle", "cup"):
        client.send(event="product_viewed", distinct_id="u1", properties={"product": product, "name": product})
    client.advance(8 * DAY_S)
    assert templates(client) == [("email", "weekly-digest")]


def test_a_directive_lets_the_messages_fail(shop: Callable[..., Client]) -> None:
    client = shop()
    order(client, "bounce+u1")
    client.advance(60)
    [message] = client.messages()
    assert message["status"] == "delivery_failure"


def test_a_rule_wins_for_its_event(shop: Callable[..., Client]) -> None:
    client = shop("\n  workflows:\n    order_placed: {slug: ruled, channels: [slack]}")
    order(client)
    cart(client)
    client.advance(2 * DAY_S)
    assert sorted(each["channel"] for each in client.messages()) == ["androidpush", "email", "slack"]


def test_sessions_are_apart(shop: Callable[..., Client]) -> None:
    client = shop()
    other = Client(client.caller, "other")
    cart(client)
    other.advance(60)
    order(other)
    client.advance(2 * DAY_S)
    assert len(templates(client)) == 2
    assert templates(other) == [("email", "order-confirmation")]


def test_a_broken_file_is_left_out(shop: Callable[..., Client], tmp_path: Path) -> None:
    (tmp_path / "suprsend/workflows/abandoned-cart/workflow.json").write_text("{")
    client = shop()
    order(client)
    cart(client)
    client.advance(2 * DAY_S)
    assert templates(client) == [("email", "order-confirmation")]


def test_two_threads_send_at_once(shop: Callable[..., Client]) -> None:
    client = shop()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda number: order(client, order_id=str(number)), range(20)))
    client.advance(60)
    ids = {each["message_id"] for each in client.messages(("limit", "50"))}
    assert len(ids) == 20


def test_an_event_that_no_workflow_listens_to_warns(shop: Callable[..., Client]) -> None:
    client = shop()
    client.send(event="order_plcaed", distinct_id="u1")
    [arrival] = client.caller.get("/_sandbox/events").json["events"]
    assert "order_plcaed" in arrival["warning"]


def test_a_batch_of_events_is_interpreted_in_its_order(shop: Callable[..., Client]) -> None:
    client = shop()
    bodies = [
        client.caller.event(
            **{"$insert_id": f"{number:036}", "env": "sandbox-workspace-key"},
            event=event,
            properties={"order_id": "1", "cart_id": "c1", "status": "paid", "amount": 10, "country": "DE", "tags": []},
        )
        for number, event in enumerate(("cart_updated", "order_placed"))
    ]
    answered = client.caller.post("/v2/bulk/event/", bodies)
    assert answered.status == 207, answered.text
    client.advance(2 * DAY_S)
    assert templates(client) == [("email", "order-confirmation")]


def test_planned_messages_keep_their_ids(shop: Callable[..., Client]) -> None:
    client = shop()
    order(client, amount=1500)
    client.advance(60)
    before = {each["message_id"] for each in client.messages()}
    cart(client, "c2")
    order(client, cart_id="c9")
    client.advance(60)
    assert before < {each["message_id"] for each in client.messages()}


def test_a_slow_expression_stalls_other_events_for_a_bounded_time(shop: Callable[..., Client], tmp_path: Path) -> None:
    path = tmp_path / "suprsend/workflows/order-confirmation/workflow.json"
    definition = json.loads(path.read_text())
    bomb = {
        "node_type": "transform",
        "ref": "bomb",
        "properties": {"variables": [{"key": "x", "value_lang": "jsonnet", "value": BOMB}]},
    }
    definition["tree"]["nodes"].insert(0, bomb)
    path.write_text(json.dumps(definition))
    client = shop()
    start_s = time_of_children_s()
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(order, client)
        client.send(event="other", distinct_id="u1")
        slow.result()
    assert 1 < time_of_children_s() - start_s < 6  # the process of the engine was ended
