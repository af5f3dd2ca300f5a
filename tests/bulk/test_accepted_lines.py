"""Lines of results are the same, whether all rows of a part were accepted or not, and however the rows are handed over."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from runner.bulk.parts import Parts
from runner.bulk.setup import Setup
from runner.bulk.task import send_part
from runner.config import Target
from runner.eventspec import load
from runner.rows.line_rows import LineRows
from runner.rows.places import FileStart
from runner.rows.row_file import open_rows
from runner.secrets import Secret
from runner.suprsend.auth import WorkspaceKey

if TYPE_CHECKING:
    from pathlib import Path

    from runner.bulk.part import Part
    from tests.servers.capturing import CapturingServer

SPEC = """\
version: 1
vars: {user: {type: string}, order: {type: string}}
event: order_placed
distinct_id: "{{ user }}"
idempotency_key: "{{ user }}-{{ order }}"
"""
ROWS = "user,order\nu1,1\nu2,2\nu3,é\\\n"


@pytest.fixture
def setup(tmp_path: Path, server: CapturingServer) -> Setup:
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC, "utf-8")
    loaded = load(spec, tmp_path).spec
    assert loaded is not None
    header = ("user", "order")
    target = Target(server.base_url, WorkspaceKey("workspace_key", Secret("secret")), {})
    return Setup(
        spec, tmp_path, None, loaded.digest, {}, (), {each: each for each in header}, header, allows_extra=False, seed=UUID(int=1),
        now=datetime.now(UTC), target=target, timeout_s=30, retries=0, wants_results=True,
    )  # fmt: skip


def parts_of(folder: Path, *, as_lines: bool) -> list[Part]:
    path = folder / "rows.csv"
    path.write_text(ROWS, "utf-8")
    with open_rows(path, BytesIO(), path.name) as rows:
        return list(Parts(iter(rows), 100, None, digests=None, take=rows.take if as_lines else lambda _: None))


def told(lines: str) -> list[dict[str, object]]:
    found = [json.loads(line) for line in lines.splitlines()]
    for each in found:
        each.pop("message_id")
    return found


def test_lines_and_rows_have_the_same_results(tmp_path: Path, setup: Setup) -> None:
    [lines], [rows] = (parts_of(tmp_path, as_lines=each) for each in (True, False))
    assert isinstance(lines.carried, LineRows)
    one, other = (send_part(setup, part) for part in (lines, rows))
    assert told(one.results) == told(other.results)
    assert [each["key"] for each in told(one.results)] == ["u1-1", "u2-2", "u3-é\\"]
    assert one._replace(results="", measures="") == other._replace(results="", measures="")


def test_a_refused_row_does_not_change_the_lines_of_the_others(
    tmp_path: Path, setup: Setup, server: CapturingServer
) -> None:
    [part] = parts_of(tmp_path, as_lines=True)
    accepted = told(send_part(setup, part).results)
    records = [
        {"status": "success", "status_code": 202},
        {"status": "error", "status_code": 400},
        {"status": "success"},
    ]
    server.answers.append((207, {"status": "success", "records": records}))
    mixed = told(send_part(setup, part).results)
    assert [each["state"] for each in mixed] == ["accepted", "failed", "accepted"]
    assert mixed[0] == accepted[0]
    assert mixed[2] == accepted[2] | {"status_code": 207}


def test_the_lines_of_accepted_rows_name_their_file(tmp_path: Path, setup: Setup) -> None:
    [part] = parts_of(tmp_path, as_lines=True)
    lines = told(send_part(setup, part._replace(files=(FileStart(1, "a.csv"), FileStart(3, "b.csv")))).results)
    assert [(each["file"], each["row_in_file"]) for each in lines] == [("a.csv", 1), ("a.csv", 2), ("b.csv", 1)]


def test_a_secret_in_the_key_of_an_accepted_row_is_masked(tmp_path: Path, setup: Setup) -> None:
    [part] = parts_of(tmp_path, as_lines=True)
    lines = told(send_part(replace(setup, secrets=("u2-2",)), part).results)
    assert [each["key"] for each in lines] == ["u1-1", "***", "u3-é\\"]
