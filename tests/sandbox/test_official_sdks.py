"""The platform's official SDKs, each in a process of its own, against a sandbox: all that an application does with them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.config import load_profile
from runner.sandbox.rules import rules_of
from runner.sandbox.server import Sandbox
from tests.official_sdks import sdk_homes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.sandbox.arrival import Arrival
    from tests.official_sdks import Homes

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
RULES = """
sandbox:
  tenants: [acme]
  workflows:
    ordered: {slug: order-confirmation, channels: [email, inbox], status_every: 0s}
"""
UNAUTHORIZED = "invalid workspace key, secret or signature"
NOBODY = "tenant/brand doesn't exist with id: nobody"
ATTACHMENT = {
    "filename": "a.pdf",
    "contentType": None,
    "data": None,
    "url": "https://example.com/a.pdf",
    "ignore_if_error": True,
}
PYTHON = [
    ("0.20.0", "hmac", "suprsend-py-sdk==0.20.0"),
    ("0.20.0", "bearer", "suprsend-py-sdk==0.20.0"),
    ("0.19.7", "hmac", "suprsend-py-sdk==0.19.7"),
    ("0.15.0", "hmac", "suprsend-py-sdk==0.15.0 python-magic==0.4.27"),
]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("sandbox")
    (folder / "runner.yaml").write_text(RULES)
    with Sandbox(rules=rules_of(load_profile(start=folder))) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def homes(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Homes:
    return sdk_homes(pytestconfig, tmp_path_factory)


def run(command: list[str], **environ: str) -> Any:
    """Run a script, without a proxy and a .netrc of this machine, and return the JSON that it printed."""
    clean = {"PATH": os.environ["PATH"], "NETRC": os.devnull, "NO_PROXY": "127.0.0.1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, env=clean | environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def arrived(sandbox: Sandbox, session: str) -> list[Arrival]:
    return sandbox.store.select("session = ? ORDER BY id", (session,))


def summary(arrivals: list[Arrival]) -> list[tuple[str | None, str | None, str, str | None]]:
    return [(each.event, each.distinct_id, each.outcome, each.reason) for each in arrivals]


def check_message(message: dict[str, Any]) -> None:
    shown = {name: message[name] for name in ("status", "channel", "idempotency_key", "failure_reason", "recipient")}
    assert shown == {
        "status": "delivered",
        "channel": "inbox",
        "idempotency_key": "k1",
        "failure_reason": None,
        "recipient": {"$type": "user", "distinct_id": "u1"},
    }
    assert message["workflow"]["slug"] == "order-confirmation"


@pytest.mark.parametrize(("version", "auth", "requirement"), PYTHON, ids=lambda value: str(value).split("==", 1)[0])
def test_the_python_sdk_sends_and_reads(
    sandbox: Sandbox, homes: Homes, version: str, auth: str, requirement: str
) -> None:
    home = homes(requirement)
    session = f"py-{version.replace('.', '_')}-{auth}"
    keys = {
        "hmac": (f"sandbox-workspace-key.{session}", "sandbox-workspace-secret"),
        "bearer": (f"sandbox-workspace-uid.{session}", f"sandbox-api-key.{session}"),
    }[auth]
    script = [sys.executable, "-P", str(HERE / "sdk_calls.py"), sandbox.base_url, auth, *keys]
    said = run(script, PYTHONPATH=str(home))

    [single, first, again, attached, one, two, three, refused, wrong, *later] = arrived(sandbox, session)
    assert said.pop("version") == version
    for name, arrival in (("single", single), ("first", first), ("again", again), ("attached", attached)):
        outcome = {key: said[name][key] for key in ("success", "status", "status_code", "message")}
        assert outcome == {"success": True, "status": "success", "status_code": 202, "message": arrival.message_id}
    assert said["again"]["message"] == said["first"]["message"]
    assert (single.body["properties"]["name"], attached.body["properties"]["$attachments"]) == ("Zoë", [ATTACHMENT])  # type: ignore[index]
    [failed] = said["bulk"].pop("failed_records")
    assert said["bulk"] == {"status": "partial", "total": 4, "success": 3, "failure": 1}
    assert (failed["record"]["distinct_id"], failed["error"], failed["code"]) == ("u4", NOBODY, 404)
    assert (said["wrong"]["status_code"], said["wrong"]["message"]) == (401, UNAUTHORIZED)
    assert summary([single, first, again, attached, one, two, three, refused]) == [
        ("ordered", "u1", "accepted", None),
        ("ordered", "u1", "accepted", None),
        ("ordered", "u1", "duplicate", None),
        ("attached", "u1", "accepted", None),
        *(("bulk", f"u{number}", "accepted", None) for number in (1, 2, 3)),
        ("bulk", "u4", "refused", NOBODY),
    ]
    assert (wrong.outcome, wrong.reason) == ("refused", UNAUTHORIZED)
    if version == "0.15.0":
        assert "message" not in said  # of a time before the messages API
        return
    check_message(said["message"])
    assert said["message"]["content"]["header"] == "Order confirmation"
    assert said["count"] == 2
    message_id = said["message"]["message_id"]
    assert said["updated"] == {"records": [{"message_id": message_id, "status_code": 202, "error": None}]}
    assert said["read"] == 1
    reason = "limit must be a whole number from 1 to 1000"
    assert said["invalid"] in (f"SuprsendAPIException: {reason}", f"SuprsendAPIException: [code: 400] {reason}")
    assert summary(later) == [(None, None, "refused", reason)]


def test_the_node_sdk_sends_and_reads(sandbox: Sandbox, homes: Homes) -> None:
    home = homes("@suprsend/node-sdk@1.15.1")
    script = [
        "node",
        str(HERE / "sdk_calls.cjs"),
        sandbox.base_url,
        "sandbox-workspace-key.node",
        "sandbox-workspace-secret",
    ]
    said = run(script, NODE_PATH=str(home / "node_modules"))

    taken = {"success": True, "status": "success", "status_code": 202, "message": "Accepted"}
    assert [said[name] for name in ("single", "first", "again", "attached")] == [taken] * 4
    shape = {name: said["bulk"][name] for name in ("status", "total", "success", "failure", "failed_records")}
    assert shape == {"status": "success", "total": 3, "success": 3, "failure": 0, "failed_records": []}
    assert (said["wrong"]["success"], said["wrong"]["status_code"]) == (False, 401)
    *taken_ones, wrong, invalid = arrived(sandbox, "node")
    assert summary(taken_ones) == [
        ("ordered", "u1", "accepted", None),
        ("ordered", "u1", "accepted", None),
        ("ordered", "u1", "duplicate", None),
        ("attached", "u1", "accepted", None),
        *(("bulk", f"u{number}", "accepted", None) for number in (1, 2, 3)),
    ]
    assert taken_ones[3].body["properties"]["$attachments"] == [ATTACHMENT]  # type: ignore[index]
    assert (wrong.reason, invalid.reason) == (UNAUTHORIZED, "limit must be a whole number from 1 to 1000")
    check_message(said["message"])
    message_id = said["message"]["message_id"]
    assert said["updated"] == {"records": [{"message_id": message_id, "status_code": 202, "error": None}]}
    assert (said["read"], said["invalid"]) == (1, f"SuprsendApiError: 400: {invalid.reason}")
