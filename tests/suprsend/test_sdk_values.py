"""Values and calls that the official SDK (both versions, really run) gets wrong, and ours does not: defects 7 to 9."""

from __future__ import annotations

import locale
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.suprsend.sdk_commands import command, events, outcome

if TYPE_CHECKING:
    from tests.servers.capturing import CapturingServer
    from tests.suprsend.conftest import Driver


def test_7_a_second_trigger_sends_everything_again(server: CapturingServer, sdk: Driver, ours: Driver) -> None:
    """The second trigger sends an event three times more, once under a new id."""
    given = command(server.base_url, events(1), "bulk", triggers=2)
    sent = []
    for driver in (sdk, ours):
        server.received.clear()
        totals = [one["returned"]["total"] for one in driver.ask(given)["outcomes"]]
        ids = [[int(event["$insert_id"][-1]) for event in request.json] for request in server.received]
        sent.append((totals, ids))
    assert sent == [([1, 4], [[0], [0], [0, 1]]), ([1, 1], [[0]])]


def test_7_what_is_no_event_is_dropped_silently(server: CapturingServer, sdk: Driver, ours: Driver) -> None:
    """`append` drops what is no event and says nothing."""
    given = [*events(1), "an event", None]
    response = outcome(sdk, server.base_url, given, "bulk")
    assert (response["status"], response["total"]) == ("success", 1)
    server.received.clear()
    assert outcome(ours, server.base_url, given, "bulk") == "TypeError: an Event is needed, not str"
    assert server.received == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_8_numbers_are_sent_that_are_no_json(server: CapturingServer, sdk: Driver, ours: Driver, number: str) -> None:
    """NaN and the infinities are sent as they are: JSON has none, the platform can't read the event, or the bulk."""
    given = events(1, properties={"amount": float(number)})
    assert outcome(sdk, server.base_url, given)["success"]
    [request] = server.received
    assert f'"amount": {number},'.encode() in request.body
    server.received.clear()
    ours_said = outcome(ours, server.base_url, given)
    assert ours_said == f"InvalidEvent: properties.amount: {float(number)} is not a JSON number"
    assert server.received == []


def test_8_keys_are_not_trimmed_and_names_not_checked(server: CapturingServer, sdk: Driver, ours: Driver) -> None:
    """A key keeps the spaces that the documentation trims, and reserved properties are sent."""
    spaced = events(1, idempotency_key=" k ")
    outcome(sdk, server.base_url, spaced)
    outcome(ours, server.base_url, spaced)
    assert [request.json["$idempotency_key"] for request in server.received] == [" k ", "k"]
    server.received.clear()
    reserved = events(1, properties={"ss_amount": 1})
    assert outcome(sdk, server.base_url, reserved)["success"]
    assert [request.json["properties"]["ss_amount"] for request in server.received] == [1]
    assert outcome(ours, server.base_url, reserved) == (
        "InvalidEvent: properties.ss_amount: property 'ss_amount' is reserved "
        "(keys that begin with $ or ss_ are reserved for the platform)"
    )


@pytest.fixture(scope="module")
def german(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Find a German locale, or make one: its name and the folder where it is."""
    before = locale.setlocale(locale.LC_TIME)
    for name in ("de_DE.UTF-8", "de_DE.utf8", "de_DE", "de_AT.UTF-8", "de_CH.UTF-8"):
        try:
            locale.setlocale(locale.LC_TIME, name)
        except locale.Error:
            continue
        locale.setlocale(locale.LC_TIME, before)
        return name, ""
    folder = tmp_path_factory.mktemp("locale")
    try:
        make = ["localedef", "-i", "de_DE", "-f", "UTF-8", str(folder / "de_DE.UTF-8")]
        subprocess.run(make, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"there is no German locale, and none can be made: {error}")
    return "de_DE.UTF-8", str(folder)


def test_8_the_date_is_in_the_callers_language(
    server: CapturingServer, sdk: Driver, ours: Driver, german: tuple[str, str]
) -> None:
    """The Date header, which is signed, has the day's and the month's names of the program's locale."""
    for driver in (sdk, ours):
        assert outcome(driver, server.base_url, events(1), locale=german, now=1_792_000_000.0)["success"]
    assert [request.headers["Date"] for request in server.received] == [
        "Mi, 14 Okt 2026 17:46:40 GMT",
        "Wed, 14 Oct 2026 17:46:40 GMT",
    ]


def test_9_nothing_can_be_replayed(server: CapturingServer, sdk: Driver, ours: Driver) -> None:
    """Clock and ids stand in the payload builder: a client that is given others takes them and uses its own."""
    for driver in (sdk, ours):
        for _ in range(2):
            assert outcome(driver, server.base_url, events(1), now=None)["success"]
    theirs_first, theirs_again, ours_first, ours_again = server.received
    assert theirs_first.json["$insert_id"] != theirs_again.json["$insert_id"]
    assert ours_first == ours_again
