"""What a project's `sandbox:` section names, over real HTTP."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from runner import Event, Suprsend
from runner.config import load_profile
from runner.sandbox.rules import Failure, SandboxRules, rules_of
from runner.sandbox.server import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import CommandLine
    from tests.sandbox.conftest import Answered, Api, Caller

    Ruled = Callable[[str], Api]

SINGLE, BULK, LEGACY = "/v2/event/", "/v2/bulk/event/", "/event/"
NOBODY = "tenant/brand doesn't exist with id: nobody"
MESSAGE_ID = "cd1ccade-b8de-56f8-bf44-c2fde1d0c64a"
"""Of every event of the caller, since all have the same `$insert_id`."""


def refusal(message: str, kind: str) -> dict[str, Any]:
    return {"status": "error", "error": {"message": message, "type": kind}}


def users(api: Api) -> list[object]:
    return [stored.body["distinct_id"] for stored in api.store.events()]


def in_full(answered: Answered) -> tuple[int, dict[str, Any], str | None]:
    return answered.status, answered.json, answered.headers.get("retry-after")


# Tenants


@pytest.mark.parametrize("field", ["tenant_id", "brand_id"])
def test_an_event_of_an_unknown_tenant_is_refused_with_the_documented_text(ruled: Ruled, field: str) -> None:
    api = ruled("{tenants: [acme, default]}")
    answered = api.caller.post(SINGLE, api.caller.event(**{field: "nobody"}))
    assert in_full(answered) == (404, refusal(NOBODY, "not_found"), None)
    assert api.caller.post(LEGACY, api.caller.event(**{field: "nobody"})).refusal == (404, NOBODY, "not_found")
    assert users(api) == []


@pytest.mark.parametrize(
    "changes",
    [{"tenant_id": "acme"}, {"brand_id": "default"}, {"tenant_id": None}, {"tenant_id": ""}, {}],
)
def test_an_event_of_a_known_tenant_or_of_none_is_taken(ruled: Ruled, changes: dict[str, Any]) -> None:
    api = ruled("{tenants: [acme, default]}")
    assert api.caller.post(SINGLE, api.caller.event(**changes)).status == 202


def test_without_a_list_any_tenant_is_known_and_with_an_empty_one_none(ruled: Ruled) -> None:
    api = ruled("{}")
    assert api.caller.post(SINGLE, api.caller.event(tenant_id="nobody")).status == 202
    api = ruled("{tenants: []}")
    assert api.caller.post(SINGLE, api.caller.event(tenant_id="nobody")).refusal == (404, NOBODY, "not_found")


def test_a_bulk_refuses_the_records_of_unknown_tenants_and_takes_the_others(ruled: Ruled) -> None:
    api = ruled("{tenants: [acme]}")
    caller = api.caller
    answered = caller.post(
        BULK,
        [
            caller.event(tenant_id="acme"),
            caller.event(tenant_id="nobody"),
            caller.event(brand_id="Acme"),
            caller.event(),
        ],
    )
    taken = {"status": "success", "status_code": 202, "message_id": MESSAGE_ID}
    assert in_full(answered) == (
        207,
        {
            "status": "success",
            "records": [
                taken,
                refusal(NOBODY, "not_found") | {"status_code": 404},
                refusal("tenant/brand doesn't exist with id: Acme", "not_found") | {"status_code": 404},
                taken,
            ],
        },
        None,
    )
    assert users(api) == ["u1", "u1"]


def test_an_id_that_no_tenant_can_have_is_a_bad_request_and_not_unknown(ruled: Ruled) -> None:
    api = ruled("{tenants: [acme]}")
    message = "error: tenant_id 'a b' is not an id of a tenant"
    assert api.caller.post(SINGLE, api.caller.event(tenant_id="a b")).refusal == (400, message, "bad_request")


def test_the_key_of_an_event_that_a_rule_refuses_is_not_used_up(ruled: Ruled) -> None:
    api = ruled("{tenants: [acme], schemas: {ordered: {required: [amount]}}}")
    event = api.caller.event(**{"$idempotency_key": "k"})
    assert api.caller.post(SINGLE, event | {"tenant_id": "nobody"}).status == 404
    assert api.caller.post(SINGLE, event | {"properties": {}}).status == 400
    assert api.caller.post(SINGLE, event).status == 202
    assert [stored.duplicate for stored in api.store.events()] == [False]


# Schemas

ORDERED = """
  schemas:
    ordered:
      required: [amount]
      additionalProperties: false
      properties:
        amount: {type: number, minimum: 1}
        lines: {type: array, items: {type: object, properties: {cents: {type: integer}}}}"""


@pytest.mark.parametrize(
    ("properties", "why"),
    [
        (
            {"amount": "10"},
            "properties.amount does not fit the schema of 'ordered': 'amount' must be a number, not text",
        ),
        ({"amount": 0}, "properties.amount does not fit the schema of 'ordered': 0 is less than the minimum of 1"),
        ({}, "properties.amount does not fit the schema of 'ordered': missing key 'amount'"),
        ({"amount": 1, "x": 1}, "properties.x does not fit the schema of 'ordered': unknown key 'x'"),
        (
            {"amount": 1, "lines": [{"cents": 1}, {"cents": "1"}]},
            "properties.lines[1].cents does not fit the schema of 'ordered': 'cents' must be a whole number, not text",
        ),
        (
            {"lines": 1, "amount": "1", "z": 1},
            "properties.amount does not fit the schema of 'ordered': 'amount' must be a number, not text",
        ),
    ],
)
def test_properties_that_break_their_events_schema_are_refused_by_name(
    ruled: Ruled, properties: dict[str, Any], why: str
) -> None:
    api = ruled(ORDERED)
    answered = api.caller.post(SINGLE, api.caller.event(properties=properties))
    assert in_full(answered) == (400, refusal(f"error: {why}", "bad_request"), None)
    assert users(api) == []


def test_a_schema_of_the_whole_is_told_of_the_whole(ruled: Ruled) -> None:
    api = ruled("{schemas: {ordered: {minProperties: 2}}}")
    message = "error: properties does not fit the schema of 'ordered': the value has fewer than 2 keys"
    assert api.caller.post(SINGLE, api.caller.event()).refusal == (400, message, "bad_request")


@pytest.mark.parametrize(
    "changes",
    [
        {"properties": {"amount": 10}},
        {"properties": {"amount": 2**80}},
        {"properties": {"amount": 1, "$attachments": [{"url": "https://example.com/a.pdf"}], "$ss_sdk_version": "x/1"}},
        {"event": "paid", "properties": {"amount": "lots"}},
    ],
)
def test_what_fits_its_schema_or_has_none_is_taken(ruled: Ruled, changes: dict[str, Any]) -> None:
    api = ruled(ORDERED)
    assert api.caller.post(SINGLE, api.caller.event(**changes)).status == 202
    assert [stored.body for stored in api.store.events()] == [api.caller.event(**changes)]


def test_an_event_without_properties_is_held_against_its_schema_too(ruled: Ruled) -> None:
    api = ruled(ORDERED)
    message = "error: properties.amount does not fit the schema of 'ordered': missing key 'amount'"
    assert api.caller.post(SINGLE, api.caller.event(properties=...)).refusal == (400, message, "bad_request")


def test_spaces_around_an_events_name_do_not_hide_it_from_its_schema(ruled: Ruled) -> None:
    api = ruled(ORDERED)
    assert api.caller.post(SINGLE, api.caller.event(event=" ordered ", properties={})).status == 400


def test_a_bulk_refuses_the_records_that_break_a_schema_and_takes_the_others(ruled: Ruled) -> None:
    api = ruled(ORDERED)
    caller = api.caller
    sent = [caller.event(), caller.event(properties={"amount": None}), caller.event(event="paid", properties={})]
    message = "error: properties.amount does not fit the schema of 'ordered': 'amount' must be a number, not null"
    taken = {"status": "success", "status_code": 202, "message_id": MESSAGE_ID}
    assert in_full(caller.post(BULK, sent)) == (
        207,
        {
            "status": "success",
            "records": [taken, refusal(message, "bad_request") | {"status_code": 400}, taken],
        },
        None,
    )


def test_a_schema_may_stand_in_a_file_of_its_own(ruled: Ruled, tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "ordered.json").write_text(json.dumps({"required": ["order_id"]}))
    api = ruled("{schemas: {ordered: schemas/ordered.json}}")
    message = "error: properties.order_id does not fit the schema of 'ordered': missing key 'order_id'"
    assert api.caller.post(SINGLE, api.caller.event()).refusal == (400, message, "bad_request")


# Failures


def test_failures_are_given_first_one_a_request_in_order(ruled: Ruled) -> None:
    api = ruled("{fail: [429, 500, {status: 503, retry_after: 1}, {status: 429, retry_after: 7}]}")
    caller = api.caller
    event = caller.event(**{"$idempotency_key": "k"})
    answers = [caller.post(path, body) for path, body in [
        (SINGLE, event), (BULK, [event, event]), (LEGACY, event), (SINGLE, event), (SINGLE, event), (SINGLE, event),
    ]]  # fmt: skip
    taken = {"status": "success", "message_id": MESSAGE_ID}
    assert [in_full(answered) for answered in answers] == [
        (429, refusal("Too Many Requests", "too_many_requests"), "0"),
        (500, refusal("Internal Server Error", "internal_server_error"), None),
        (503, refusal("Service Unavailable", "service_unavailable"), "1"),
        (429, refusal("Too Many Requests", "too_many_requests"), "7"),
        (202, taken, None),
        (202, taken, None),
    ]
    assert [stored.duplicate for stored in api.store.events()] == [False, True]


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "BAD REQUEST", "bad_request"),
        (401, "workspace key inactive", "authentication_error"),
        (403, "Forbidden", "forbidden"),
        (404, "Not Found", "not_found"),
        (413, "Request body is larger than 800KB", "too_large"),
        (502, "Bad Gateway", "bad_gateway"),
        (599, "HTTP 599", "http_599"),
    ],
)
def test_a_failure_has_the_platforms_form(ruled: Ruled, status: int, message: str, kind: str) -> None:
    api = ruled(f"{{fail: [{status}]}}")
    assert in_full(api.caller.post(SINGLE, api.caller.event())) == (status, refusal(message, kind), None)


def test_a_request_without_credentials_uses_up_no_failure(ruled: Ruled) -> None:
    api = ruled("{fail: [500]}")
    wrong = api.caller.as_workspace("sandbox-workspace-key", "wrong")
    assert [wrong.post(SINGLE, wrong.event()).status for _ in range(2)] == [401, 401]
    assert wrong.send("POST", SINGLE, b"{}").status == 401
    assert wrong.post(SINGLE, b"x" * 819_201).status == 413
    assert [api.caller.post(SINGLE, api.caller.event()).status for _ in range(2)] == [500, 202]


def test_looking_uses_up_no_failure(ruled: Ruled) -> None:
    api = ruled("{fail: [500]}")
    paths = "/_sandbox", "/_sandbox/events", "/nowhere", SINGLE
    assert [api.caller.get(path).status for path in paths] == [200, 200, 404, 405]
    assert [api.caller.post(SINGLE, api.caller.event()).status for _ in range(2)] == [500, 202]


# In a process


def test_an_embedded_sandbox_rate_limits_and_then_accepts() -> None:
    rules = SandboxRules(tenants=frozenset({"acme"}), failures=(Failure(429, 0), Failure(503, 0)))
    with Sandbox(rules=rules) as sandbox:
        client = Suprsend("sandbox-workspace-key", "sandbox-workspace-secret", base_url=sandbox.base_url)
        taken = client.track_event(Event("u1", "ordered", tenant_id="acme", idempotency_key="k"))
        refused = client.track_event(Event("u1", "ordered", tenant_id="nobody"))
        client.close()
    assert (taken["success"], taken["status_code"], taken["message"]) == (True, 202, "OK")
    assert (refused["success"], refused["status_code"], refused["message"]) == (False, 404, NOBODY)
    assert [stored.body["distinct_id"] for stored in sandbox.store.events()] == ["u1"]


def test_two_sandboxes_of_the_same_rules_answer_with_the_same_bytes(caller: Caller) -> None:
    rules = SandboxRules(tenants=frozenset({"acme"}), failures=(Failure(429, 0),))
    told: list[list[tuple[int, str, dict[str, str]]]] = []
    for _ in range(2):
        with Sandbox(rules=rules) as sandbox:
            caller = replace(caller, port=sandbox.port)
            events = [caller.event(tenant_id=tenant, **{"$idempotency_key": "k"}) for tenant in ("acme", "nobody")]
            answers = [caller.post(SINGLE, events[0]), caller.post(SINGLE, events[0]), caller.post(BULK, events)]
        told.append([(each.status, each.text, each.headers | {"date": ""}) for each in answers])
    assert told[0] == told[1]


def test_the_sandbox_of_the_repositorys_specs_takes_all_of_them(cli: CommandLine, in_repository: Path) -> None:
    rules = rules_of(load_profile(start=in_repository / "specs"))
    with Sandbox(rules=rules) as sandbox:
        cli.environ |= {
            "SUPRSEND_WORKSPACE_KEY": "sandbox-workspace-key",
            "SUPRSEND_WORKSPACE_SECRET": "sandbox-workspace-secret",
            "SUPRSEND_BASE_URL": sandbox.base_url,
        }
        ended = cli("send", "specs/", "--var", "user=u1", "-o", "json")
        assert (ended.code, ended.json["accepted"], sandbox.store.total) == (0, 8, 8)
        unknown = cli("send", "specs/invoice.yaml", "--var", "user=u1", "--var", "tenant=nobody", "-o", "json")
        large = cli("send", "specs/refund.yaml", "--var", "user=u1", "--var", "amount=501", "-o", "json")
    assert [
        (event["status_code"], event["error"]["message"])
        for ended in (unknown, large)
        for event in ended.json["events"]
    ] == [
        (404, NOBODY),
        (
            400,
            "error: properties.amount does not fit the schema of 'order_refunded': 501 is greater than the maximum of 500",
        ),
    ]
