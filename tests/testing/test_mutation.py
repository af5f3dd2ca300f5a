"""Mutation scores: changes that no case notices, and the lines that make cases notice them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.cases.conftest import record, write

if TYPE_CHECKING:
    from tests.conftest import CommandLine

SPEC = """
    version: 1
    vars:
      user: {type: string}
      amount: {type: number, default: 10}
      token: {type: string, secret: true, default: s3cr3t-value}
    event: order_placed
    distinct_id: "{{ user }}"
    tenant_id: acme
    idempotency_key: "{{ user }}-{{ amount }}"
    properties:
      amount: "{{ amount }}"
      gift: false
      note: null
      link: "https://a.example/{{ token }}"
      address: {city: Berlin, "post code": "10115"}
      items: [{id: 1}, {id: 2}]
    tests:
      - name: an order
        vars: {user: u1}
        expect: {event: {event: order_placed, properties: {amount: {$any: true}, gift: false, address: {city: Berlin}}}}
      - name: another
        vars: {user: u2, amount: 20}
        expect: {event: {distinct_id: u2, properties: {amount: 20}}}
"""
HOLES = [
    ("tenant_id", ["missing", "another value"], '{event: {tenant_id: "acme"}}'),
    ("$idempotency_key", ["missing", "another value"], '{event: {$idempotency_key: "u1-10"}}'),
    ("properties.note", ["missing", "another value"], "{event: {properties: {note: null}}}"),
    ("properties.link", ["missing", "another value", "another type"], "{event: {properties: {link: {$any: true}}}}"),
    ("properties.address.post code", ["missing", "another value", "another type"],
     '{event: {properties: {address: {"post code": "10115"}}}}'),
    ("properties.items[0].id", ["missing", "another value", "another type"], "{event: {properties: {items: [{id: 1}, {id: 2}]}}}"),
    ("properties.items[1].id", ["missing", "another value", "another type"], "{event: {properties: {items: [{id: 1}, {id: 2}]}}}"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _project(in_tmp: Path) -> None:
    (in_tmp / ".git").mkdir()


def test_a_suite_with_known_holes_scores_exactly(cli: CommandLine) -> None:
    write(SPEC)
    ended = cli("test", "--mutate", "-o", "json")
    [score] = ended.json["specs"]
    assert (ended.code, [(each["at"], each["kinds"], each["expect"]) for each in score["survivors"]]) == (0, HOLES)
    assert {each["case"] for each in score["survivors"]} == {"an order"}
    missed = sum(len(kinds) for _, kinds, _ in HOLES)
    noticed = 2 + 3 * 3  # the name and the user; amount, gift and city
    assert (score["noticed"], score["total"], ended.json["noticed"]) == (noticed, noticed + missed, noticed)
    assert "s3cr3t" not in ended.out


def test_the_lines_that_are_printed_close_the_holes(cli: CommandLine) -> None:
    write(SPEC)
    lines = [
        f"      - {{name: hole {number}, vars: {{user: u1}}, expect: {line}}}"
        for number, (_, _, line) in enumerate(HOLES)
    ]
    write(SPEC + "".join(f"{'    '}{line.strip()}\n".replace("    -", "      -") for line in lines))
    ended = cli("test", "--mutate")
    assert (ended.code, ended.out) == (
        0,
        (
            "specs/purchase.yaml   93.1 %  27 of 29 changes noticed\n"
            "  not noticed  properties.link: another value, another type\n"
            "      add to case 'an order' (specs/purchase.yaml:18):\n"
            "      expect: {event: {properties: {link: {$any: true}}}}\n"
            " 93.1 %  27 of 29 changes noticed\n"
        ),
    )  # a secret can only be expected to be there


def test_a_cassette_notices_every_property_and_an_expected_answer_a_refusal(cli: CommandLine) -> None:
    write("""
        version: 1
        event: order_placed
        distinct_id: u1
        idempotency_key: k1
        properties: {amount: 10}
        tests:
          - {name: checked, expect: {response: {status_code: 202}}}
          - {name: unchecked, expect: {response: {message: {$any: true}}}}
    """)
    record(cli)
    assert cli("test", "--mutate").out == (
        "specs/purchase.yaml  100.0 %  8 of 8 changes noticed\n100.0 %  8 of 8 changes noticed\n"
    )
    text = Path("specs/purchase.yaml").read_text()
    Path("specs/purchase.yaml").write_text(text.replace("{status_code: 202}", "{message: {$any: true}}"))
    [score] = cli("test", "--mutate", "-o", "json").json["specs"]
    assert [(each["at"], each["kinds"], each["expect"]) for each in score["survivors"]] == [
        ("response", ["refused"], "{response: {success: true}}")
    ]


def test_cases_that_fail_unchanged_are_named_and_left_out(cli: CommandLine) -> None:
    write(SPEC.replace("distinct_id: u2", "distinct_id: u3"))
    ended = cli("test", "--mutate")
    assert ended.code == 1
    assert ended.err == "specs/purchase.yaml: case 'another' fails unchanged, and is left out\n"
    assert "not noticed  distinct_id: another value" in ended.out


def test_options_that_write_or_send_are_refused(cli: CommandLine) -> None:
    write(SPEC)
    for option in (("--live",), ("--record", "once"), ("--update",), ("--html", "a.html"), ("-k", "x"), ("--", "-q")):
        ended = cli("test", "--mutate", *option)
        assert (ended.code, ended.err.splitlines()[0]) == (
            64, "error[usage]: --mutate runs the cases offline, and writes nothing",
        )  # fmt: skip


def test_one_case_can_be_asked_alone(cli: CommandLine) -> None:
    write(SPEC)
    [score] = cli("test", "specs/purchase.yaml::another", "--mutate", "-o", "json").json["specs"]
    assert {each["case"] for each in score["survivors"]} == {"another"}
    assert "event" in [each["at"] for each in score["survivors"]]
