"""Payloads in the shapes that well-known services publish and send, with values of our own.

The shapes follow the public examples of the webhooks of GitHub, Stripe, Shopify, Slack, SendGrid, Square, Segment and a shop
system, a collection of Postman, an archive of a browser, and the snippets of the platform's SDK.
"""

from __future__ import annotations

import json
from typing import Any

GITHUB = {
    "action": "opened",
    "issue": {
        "url": "https://api.example.com/repos/ours/shop/issues/7", "id": 444500041, "node_id": "MDU6SXNzdWU0NDQ1", "number": 7,
        "title": "The kettle is cold {{ always }}", "state": "open", "locked": False, "assignee": None, "comments": 0,
        "labels": [{"id": 1362934389, "name": "bug", "color": "d73a4a", "default": True}], "milestone": None,
        "user": {"login": "zoe", "id": 21031067, "type": "User", "site_admin": False}, "created_at": "2026-01-02T15:20:18Z",
        "body": "It says:\n\n> 0 °C\r\n", "reactions": {"total_count": 0, "+1": 0, "-1": 0, "hooray": 0},
    },
    "repository": {"id": 186853002, "name": "shop", "full_name": "ours/shop", "private": False, "stargazers_count": 0},
    "sender": {"login": "zoe", "id": 21031067},
}  # fmt: skip
STRIPE = {
    "id": "evt_1Nabc", "object": "event", "api_version": "2026-01-01", "created": 1767366000, "type": "invoice.paid",
    "livemode": False, "pending_webhooks": 1, "request": {"id": None, "idempotency_key": None},
    "data": {"object": {
        "id": "in_1Nabc", "object": "invoice", "amount_due": 4900, "currency": "eur", "customer": "cus_9",
        "customer_email": "zoe@example.com", "lines": {"object": "list", "data": [{"id": "il_1", "amount": 4900}], "has_more": False},
        "metadata": {}, "tax_percent": 19.0, "hosted_invoice_url": "https://pay.example.com/i/acct_1/test_abc",
    }},
}  # fmt: skip
SHOPIFY = {
    "id": 820982911946154508, "email": "jon@example.com", "created_at": "2026-01-02T00:00:00-05:00", "total_price": "403.00",
    "currency": "USD", "buyer_accepts_marketing": False, "cancel_reason": None, "user_id": None, "tags": "", "test": True,
    "line_items": [{"id": 487817672276298554, "title": "Aviator", "price": "89.99", "grams": 100, "quantity": 1, "properties": []}],
    "shipping_address": {"first_name": "Stéphanie", "city": "Zürich", "latitude": 47.37, "zip": "08001"}, "note_attributes": [],
}  # fmt: skip
SLACK = {
    "type": "event_callback", "team_id": "T0A1", "api_app_id": "A0B2", "event_id": "Ev0C3", "event_time": 1767366000,
    "authorizations": [{"enterprise_id": None, "team_id": "T0A1", "user_id": "U0D4", "is_bot": False}],
    "event": {"type": "message", "channel": "C0E5", "user": "U0D4", "text": "Live long and prosper :vulcan_salute:", "ts": "1355517523.000005"},
}  # fmt: skip
SENDGRID = [
    {
        "email": "zoe@example.com",
        "timestamp": 1767366000,
        "smtp-id": "<14c5@ismtpd>",
        "event": "processed",
        "category": ["cat facts"],
        "sg_event_id": "rbtnWrG1",
    },
    {
        "email": "zoe@example.com",
        "timestamp": 1767366007,
        "smtp-id": "<14c5@ismtpd>",
        "event": "delivered",
        "category": ["cat facts"],
        "response": "250 OK",
    },
]
SQUARE = {
    "merchant_id": "5S9MXCS9Y99KK", "type": "order.created", "event_id": "116038d3-2948-439f-8679-fc86dbf80f69", "created_at": "2026-01-02T21:11:53Z",
    "data": {"type": "order", "id": "eA3vssLHKJrv9H0IdJCM3gNqfdcZY", "object": {"order_created": {"location_id": "FPYCBCHYMXFK1", "state": "OPEN", "version": 1}}},
}  # fmt: skip
SEGMENT = {
    "type": "track", "event": "Order Completed", "userId": "u-97980", "messageId": "022bb90c-bbac-11e4-8dfc-aa07a5b093db",
    "timestamp": "2026-01-02T10:00:00.000Z", "context": {"ip": "192.0.2.10", "locale": "de-DE", "library": {"name": "js", "version": "3.1"}},
    "properties": {"order_id": "50314b8e", "revenue": 25.0, "products": [{"sku": "G-32", "price": 18.99, "quantity": 1}]}, "integrations": {"All": True},
}  # fmt: skip
SHOP_SYSTEM = {
    "testMode": False, "id": "weve_geAva6c1", "webhookId": "wcon_P-VkRf", "shopId": "sh_7ad0c438", "type": "ORDER_PLACED", "createdAt": "2026-01-02T15:05:11.078089+00:00",
    "data": {"amounts": {"subtotal": {"value": 5.5, "currency": "USD"}, "tax": {"value": 0, "currency": "USD"}}, "emailMarketingOptIn": True, "promotionId": None},
}  # fmt: skip
PAYLOADS: dict[str, Any] = {
    "github": GITHUB, "stripe": STRIPE, "shopify": SHOPIFY, "slack": SLACK, "sendgrid": SENDGRID, "square": SQUARE,
    "segment": SEGMENT, "shop-system": SHOP_SYSTEM,
}  # fmt: skip

EVENTS: list[dict[str, Any]] = [
    {"event": "purchase_made", "distinct_id": "u1", "properties": {"amount": 12.5, "sku": "kettle"}, "$idempotency_key": "p-1"},
    {"event": "purchase_made", "distinct_id": "u2", "properties": {"amount": 3, "sku": "cup", "coupon": "x"}, "$idempotency_key": "p-2"},
    {"event": "signed_up", "distinct_id": "u2", "properties": {}, "tenant_id": "acme"},
]  # fmt: skip
POSTMAN = {
    "info": {"_postman_id": "5d1b", "name": "Shop", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
    "item": [{"name": "Events", "item": [
        {"name": f"event {number}", "request": {
            "method": "POST", "header": [{"key": "Authorization", "value": "Bearer a-token-of-postman"}],
            "url": {"raw": "{{base}}/event/?key=a-key-in-the-url"},
            "body": {"mode": "raw", "raw": json.dumps(event).replace('"u2"', '"{{user}}"').replace("12.5", "{{amount}}")},
        }} for number, event in enumerate(EVENTS, 1)
    ]}],
    "variable": [{"key": "user", "value": "u2"}, {"key": "amount", "value": 12.5}],
}  # fmt: skip
HAR = {"log": {"version": "1.2", "entries": [
    {"request": {"method": "GET", "url": "https://shop.example.com/", "headers": []}},
    {"request": {"method": "POST", "url": "https://ads.example.com/collect", "postData": {"text": '{"ad": 1}'}}},
    {"request": {
        "method": "POST", "url": "https://hub.example.com/v2/bulk/event/?workspace=a-key-in-the-url", "headers": [{"name": "Authorization", "value": "Bearer a-token"}],
        "postData": {"mimeType": "application/json", "text": json.dumps([{**event, "env": "a-workspace-key-of-ours", "$insert_id": "0" * 36, "$time": 1767366000000} for event in EVENTS])},
    }},
]}}  # fmt: skip
SNIPPET = """
from suprsend import Event, Suprsend

supr_client = Suprsend("_workspace_key_", "_workspace_secret_")
bulk_ins = supr_client.bulk_events.new_instance()
e1 = Event("u1", "purchase_made", {"amount": 12.5, "sku": "kettle"}, idempotency_key="p-1")
e2 = Event(distinct_id="u2", event_name="purchase_made", properties={"amount": 3, "sku": "cup", "coupon": "x"}, idempotency_key="p-2")
properties = {}
e3 = Event("u2", "signed_up", properties, tenant_id="acme")
bulk_ins.append(e1, e2, e3)
"""
