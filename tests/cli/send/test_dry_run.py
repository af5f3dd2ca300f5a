"""`runner send --dry-run` shows the requests, finds what `send` would refuse, and sends nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.send.conftest import PURCHASE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer

pytestmark = pytest.mark.usefixtures("in_repository")


def test_dry_run_shows_the_request_and_sends_nothing(cli: CommandLine, to_server: CapturingServer) -> None:
    ended = cli("send", *PURCHASE, "--dry-run")
    first, _, body = ended.out.partition("\n")
    assert first == f"POST {to_server.base_url}v2/event/"
    assert json.loads(body)["event"] == "product_purchased"
    assert (ended.err, ended.code) == ("dry run: 1 event checked, nothing sent\n", 0)
    assert to_server.received == []


def test_dry_run_of_several_shows_the_bulk_request(cli: CommandLine) -> None:
    ended = cli("send", "specs/", "--var", "user=u1", "-n")
    first, _, body = ended.out.partition("\n")
    assert (first, ended.code) == ("POST https://hub.suprsend.com/v2/bulk/event/", 0)
    assert len(json.loads(body)) == 8


def test_dry_run_in_json_has_the_bodies(cli: CommandLine) -> None:
    ended = cli("send", *PURCHASE, "-n", "-o", "json")
    assert (ended.json["total"], ended.json["not_sent"]) == (1, 1)
    assert ended.json["events"][0]["body"]["distinct_id"] == "u1"


def test_dry_run_stars_a_secret_number_in_a_body_and_leaves_our_own_numbers(cli: CommandLine, tmp_path: Path) -> None:
    spec = tmp_path / "pin.yaml"
    spec.write_text(
        "version: 1\n"
        "vars: {pin: {type: integer, secret: true, default: 1}}\n"
        "event: pin_changed\n"
        "distinct_id: u7\n"
        'properties: {pin: "{{ pin }}"}\n'
    )
    ended = cli("send", spec, "-n", "-o", "json")
    assert (ended.json["total"], ended.json["events"][0]["body"]["properties"]["pin"]) == (1, "***")


def test_dry_run_finds_what_send_would_refuse(cli: CommandLine) -> None:
    assert cli("send", *PURCHASE, "-n", "--var", "amount=-1").code == 2
