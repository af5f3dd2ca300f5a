"""`render --explain` says for each field of an event what it was made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CommandLine

SPEC = """\
version: 1
vars:
  user: {type: string}
  amount: {type: number, default: 10}
  token: {type: string, secret: true, default: c4n4ry-token}
  coupon: {type: [string, "null"], default: null}
let:
  total: "{{ amount * 2 }}"
  day: "{{ now() + timedelta(days=1) }}"
event: order_placed
distinct_id: "{{ user }}"
properties:
  total: "{{ total }}"
  link: "https://x.example/?t={{ token }}"
  coupon: "{{ coupon if coupon else omit }}"
  lines: {$for: "n in range(2)", $if: n > 0, $do: "{{ n }} of {{ amount }}"}
  some: [1, "{{ omit }}"]
  due: "{{ day | isoformat }}"
"""
TEXT = """\
let.total: 20  a number
  line 8  {{ amount * 2 }}
    amount = 10  default
let.day: "2026-01-03T03:04:05+00:00"  text
  line 9  {{ now() + timedelta(days=1) }}
event: "order_placed"  text
distinct_id: "u1"  text
  line 11  {{ user }}
    user = "u1"  --var user
properties.total: 20  a number
  line 13  {{ total }}
    total = 20  let
properties.link: "https://x.example/?t=***"  text
  line 14  https://x.example/?t={{ token }}
    token = "***"  default
properties.coupon:  left out
  line 15  {{ coupon if coupon else omit }}
    coupon = null  default
properties.lines: ["1 of 10"]  a list
  line 16  $for: n in range(2), $if: n > 0
    amount = 10  default
properties.some: [1]  a list
  line 17  a list with omitted items
properties.due: "2026-01-03T03:04:05+00:00"  text
  line 18  {{ day | isoformat }}
    day = "2026-01-03T03:04:05+00:00"  let
"""


@pytest.fixture(autouse=True)
def _spec(in_tmp: Path) -> None:
    (in_tmp / "spec.yaml").write_text(SPEC, "utf-8")


def test_each_field_is_explained_and_secrets_are_masked(cli: CommandLine) -> None:
    ended = cli("render", "spec.yaml", "--var", "user=u1", "--explain")
    assert (ended.code, ended.out) == (0, TEXT)
    assert "c4n4ry" not in ended.err


def test_as_json_it_has_whole_values(cli: CommandLine) -> None:
    fields = cli("-o", "json", "render", "spec.yaml", "--var", "user=u1", "--explain").json["fields"]
    assert [field["at"] for field in fields][:4] == ["let.total", "let.day", "event", "distinct_id"]
    assert fields[0] == {
        "at": "let.total", "value": 20, "type": "a number", "template": "{{ amount * 2 }}", "line": 8,
        "reads": [{"name": "amount", "value": 10, "origin": "default"}],
    }  # fmt: skip
    assert fields[5]["reads"][0]["value"] == "***"


def test_an_origin_is_what_gave_the_value(cli: CommandLine, in_tmp: Path) -> None:
    cli.environ["RUNNER_VAR_user"] = "u2"
    (in_tmp / "vars.yaml").write_text("amount: 7\n")
    out = cli("render", "spec.yaml", "--vars-file", "vars.yaml", "--explain").out
    assert '    user = "u2"  environment variable RUNNER_VAR_user\n' in out
    assert "    amount = 7  vars.yaml\n" in out


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--as", "curl"], "--as curl and --explain can't be combined"),
        (["--rows", "rows.csv"], "--explain explains one event, not rows"),
    ],
)
def test_it_explains_one_event(cli: CommandLine, flags: list[str], message: str) -> None:
    ended = cli("render", "spec.yaml", "--explain", *flags)
    assert (ended.code, message in ended.err) == (64, True)


def test_what_can_not_be_rendered_is_reported_as_ever(cli: CommandLine) -> None:
    ended = cli("render", "spec.yaml", "--explain")
    assert (ended.code, ended.out) == (2, "")
    assert "error[var-missing]" in ended.err
