"""`runner list`: specs with what they take, their cases, and what is recorded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CommandLine

SPEC = """version: 1
description: An order was placed.
labels: [checkout]
vars:
  user: {type: string, description: who bought}
  amount: {type: number, default: 10}
  token: {type: string, secret: true, default: s3cr3t-default}
  pepper: {type: string, env: PEPPER}
event: order_placed
distinct_id: "{{ user }}"
properties: {amount: "{{ amount }}", token: "{{ token }}", pepper: "{{ pepper }}"}
tests:
  - {name: small, labels: [quick], vars: {user: u1, pepper: p}, expect: {response: {success: true}}}
  - {name: wrong, vars: {user: u1, pepper: p, amount: -x}, expect: {error: {code: var-schema}}}
"""


@pytest.fixture
def specs(in_tmp: Path) -> Path:
    (in_tmp / ".git").mkdir()
    (in_tmp / "runner.yaml").write_text("env_allowed: [PEPPER]\n")
    folder = in_tmp / "specs"
    folder.mkdir()
    (folder / "order.yaml").write_text(SPEC)
    (folder / "refund.yaml").write_text("version: 1\nevent: order_refunded\ndistinct_id: u1\n")
    return folder


@pytest.mark.usefixtures("specs")
def test_specs_are_listed_with_what_they_take_and_what_is_recorded(cli: CommandLine) -> None:
    ended = cli("list")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        "specs/order.yaml  order_placed  [checkout]  An order was placed.\n"
        "  vars   user (required), amount=10, token (secret), pepper (secret, from PEPPER)\n"
        "  case   small  (not recorded)\n"
        "  case   wrong\n"
        "specs/refund.yaml  order_refunded\n"
    )
    assert cli("test", "--record", "once", "--sandbox").code == 0
    assert "  case   small  (recorded)\n" in cli("list", "specs/order.yaml").out


@pytest.mark.usefixtures("specs")
def test_a_list_as_json_has_all_of_it_but_no_secret(cli: CommandLine) -> None:
    [order, refund] = cli("list", "-o", "json").json["specs"]
    assert (order["event"], order["labels"], order["description"]) == (
        "order_placed", ["checkout"], "An order was placed.",
    )  # fmt: skip
    assert order["variables"][0] == {
        "name": "user", "types": ["string"], "required": True, "has_default": False, "default": None, "env": None,
        "secret": False, "description": "who bought", "declared_in": "specs/order.yaml",
    }  # fmt: skip
    assert [(each["name"], each["default"], each["secret"]) for each in order["variables"][1:]] == [
        ("amount", 10, False), ("token", None, True), ("pepper", None, True),
    ]  # fmt: skip
    assert order["cases"] == [
        {"name": "small", "labels": ["checkout", "quick"], "cassette": "cassettes/order/small.yaml", "recorded": False},
        {"name": "wrong", "labels": ["checkout"], "cassette": None, "recorded": False},
    ]
    assert (refund["variables"], refund["cases"]) == ([], [])
    lines = cli("list", "-o", "jsonl").out.splitlines()
    assert [json.loads(line) for line in lines] == [order, refund]


def test_a_spec_that_is_wrong_hides_no_other(cli: CommandLine, specs: Path) -> None:
    (specs / "broken.yaml").write_text("version: 1\nevent: order_placed\ndistinct_id: u1\nlables: [a]\n")
    ended = cli("list", "--label", "checkout")
    assert (ended.code, ended.out.partition(" ")[0]) == (2, "specs/order.yaml")
    assert "error[unknown-key]: unknown key 'lables'" in ended.err


@pytest.mark.usefixtures("specs")
def test_a_label_that_no_spec_has_is_an_error(cli: CommandLine) -> None:
    ended = cli("list", "--label", "chekout")
    assert (ended.code, ended.err) == (
        4, "error[label-not-found]: no spec here has the label 'chekout'\n  = did you mean 'checkout'?\n",
    )  # fmt: skip
