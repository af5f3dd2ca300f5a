"""For events that both accept, our requests contain what the official SDK's contain; what it refuses, we refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.suprsend.oracle.conftest import NOW, WAYS, ask, check_same, command, sent
from tests.suprsend.oracle.drawn import EVERY_KIND, events, ids, instants

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.capturing import CapturingServer, Received
    from tests.suprsend.conftest import Driver


@WAYS
def test_single_events_go_out_as_the_official_sdk_sends_them(
    server: CapturingServer, sdk: Driver, ours: Driver, signature_of: Callable[[Received, str], str], auth: str
) -> None:
    @settings(max_examples=12)
    @given(st.lists(events, min_size=8, max_size=20), instants, ids)
    @example(EVERY_KIND, NOW, 0)
    def check(drawn: list[dict[str, Any]], now: float, first_id: int) -> None:
        given = command(server.base_url, auth, events=drawn, now=now, first_id=first_id)
        their_outcomes, their_requests = ask(sdk, server, given)
        our_outcomes, our_requests = ask(ours, server, given)
        for outcomes in (their_outcomes, our_outcomes):
            assert [outcome.get("returned", outcome).get("success") for outcome in outcomes] == [True] * len(drawn)
        assert {request.path for request in their_requests} == {"/v2/event/"}
        for our, their in zip(our_requests, their_requests, strict=True):
            check_same(our, their, auth, signature_of)

    check()


@WAYS
def test_a_bulk_goes_out_as_the_official_sdk_sends_it(
    server: CapturingServer, sdk: Driver, ours: Driver, signature_of: Callable[[Received, str], str], auth: str
) -> None:
    @settings(max_examples=12)
    @given(st.lists(events, min_size=8, max_size=20), instants, ids)
    @example(EVERY_KIND, NOW, 0)
    def check(drawn: list[dict[str, Any]], now: float, first_id: int) -> None:
        given = command(server.base_url, auth, send="bulk", events=drawn, now=now, first_id=first_id)
        shape = {"status": "success", "total": len(drawn), "success": len(drawn), "failure": 0, "failed_records": []}
        their_outcomes, [their] = ask(sdk, server, given)
        our_outcomes, [our] = ask(ours, server, given)
        assert their_outcomes == [{"returned": shape}]
        assert our_outcomes == [{"returned": shape | {"unknown": 0}}]
        assert their.path == "/v2/bulk/event/"
        check_same(our, their, auth, signature_of)

    check()


@WAYS
@pytest.mark.parametrize(
    "drawn",
    [
        pytest.param([{"distinct_id": f"u{index}", "event_name": "ordered"} for index in range(250)], id="by number"),
        pytest.param(
            [
                {"distinct_id": f"u{index}", "event_name": "ordered", "properties": {"text": "ä" * 50_000}}
                for index in range(20)
            ],
            id="by size",
        ),
    ],
)
def test_many_events_are_cut_into_the_official_sdks_chunks(
    server: CapturingServer,
    sdk: Driver,
    ours: Driver,
    signature_of: Callable[[Received, str], str],
    auth: str,
    drawn: list[dict[str, Any]],
) -> None:
    given = command(server.base_url, auth, send="bulk", events=drawn, options={"concurrency": 1})
    _, their_requests = ask(sdk, server, given)
    _, our_requests = ask(ours, server, given)
    assert len(their_requests) == 3
    for our, their in zip(our_requests, their_requests, strict=True):
        check_same(our, their, auth, signature_of)


@WAYS
def test_a_base_url_is_stripped_gets_a_slash_and_has_its_path_signed(
    server: CapturingServer, sdk: Driver, ours: Driver, signature_of: Callable[[Received, str], str], auth: str
) -> None:
    given = command(f" {server.base_url}hub/eu-1\n", auth, events=EVERY_KIND[1:])
    _, their_requests = ask(sdk, server, given)
    _, our_requests = ask(ours, server, given)
    assert {request.path for request in their_requests} == {"/hub/eu-1/v2/event/"}
    for our, their in zip(our_requests, their_requests, strict=True):
        check_same(our, their, auth, signature_of)


def test_an_empty_bulk_is_a_success_of_0_in_both(server: CapturingServer, sdk: Driver, ours: Driver) -> None:
    given = command(server.base_url, send="bulk", events=[])
    shape = {"status": "success", "total": 0, "success": 0, "failure": 0, "failed_records": []}
    assert ask(sdk, server, given) == ([{"returned": shape}], [])
    assert ask(ours, server, given) == ([{"returned": shape | {"unknown": 0}}], [])


@pytest.mark.parametrize(
    ("event", "their_error"),
    [
        ({"distinct_id": " \n"}, "InputValueError: distinct_id missing"),
        ({"distinct_id": None}, "InputValueError: distinct_id must be a string. "),
        ({"distinct_id": True}, "InputValueError: distinct_id must be a string. "),
        ({"distinct_id": 1.5}, "InputValueError: distinct_id must be a string. "),
        ({"event_name": 5}, "InputValueError: event_name must be a string"),
        ({"event_name": " "}, "InputValueError: event_name missing"),
        ({"event_name": " x "}, "SuprsendValidationError: [code: 400] 'x' is too short"),
        ({"event_name": "$ordered"}, "InputValueError: event_names starting with [$,ss_] are reserved by SuprSend"),
        ({"event_name": "sS_x"}, "InputValueError: event_names starting with [$,ss_] are reserved by SuprSend"),
        ({"properties": [1]}, "InputValueError: properties must be a dictionary"),
        ({"properties": {"text": "\ud83d"}}, "UnicodeEncodeError: 'utf-8' codec can't encode character"),
        ({"idempotency_key": 5}, "SuprsendValidationError: [code: 400] 5 is not of type 'string', 'null'"),
        ({"idempotency_key": "k" * 256}, "SuprsendValidationError: [code: 400] 'kkk"),
        ({"tenant_id": "t" * 65}, "SuprsendValidationError: [code: 400] 'ttt"),
        ({"brand_id": "t" * 65}, "SuprsendValidationError: [code: 400] 'ttt"),
        ({"properties": {"text": "x" * 819_200}}, "InputValueError: Event size too big - "),
    ],
)
def test_what_the_official_sdk_refuses_we_refuse(
    server: CapturingServer, sdk: Driver, ours: Driver, event: dict[str, Any], their_error: str
) -> None:
    assert sent(sdk, server, event).startswith(their_error)
    assert sent(ours, server, event, options={"max_event_kb": 800}).startswith("InvalidEvent: ")
