"""Mutation scores: changes that no case notices, and the lines that make cases notice them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.cases.conftest import record, write
from tests.workflows.definitions import choice, condition, email, node, workflow_file

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
    ("tenant_id", ["missing", "another value"], "{event: {tenant_id: acme}}"),
    ("$idempotency_key", ["missing", "another value"], "{event: {$idempotency_key: u1-10}}"),
    ("properties.note", ["missing", "another value"], "{event: {properties: {note: null}}}"),
    ("properties.link", ["missing", "another type"], "{event: {properties: {link: {$schema: {type: string}}}}}"),
    ("properties.address.post code", ["missing", "another value", "another type"],
     '{event: {properties: {address: {post code: "10115"}}}}'),
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
        ("specs/purchase.yaml  100.0 %  28 of 28 changes noticed\n100.0 %  28 of 28 changes noticed\n"),
    )  # another value of a secret can't be expected, and does not count


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


@pytest.mark.parametrize(
    "cases",
    [
        "",
        "tests: [{name: refused, vars: {user: 7}, expect: {error: {code: var-schema}}}]\n",
        "tests: [{name: later, skip: soon, vars: {user: u1}, expect: {event: {event: filed}}}]\n",
    ],
)
def test_a_spec_whose_cases_make_no_event_notices_nothing_and_says_so(cli: CommandLine, cases: str) -> None:
    write(f'version: 1\nvars: {{user: {{type: string}}}}\nevent: filed\ndistinct_id: "{{{{ user }}}}"\n{cases}')
    ended = cli("test", "--mutate")
    told = "specs/purchase.yaml  no case that passes makes an event, so no change is noticed\n"
    assert (ended.code, ended.out, ended.err) == (0, told, "")


def test_a_spec_without_cases_is_listed(cli: CommandLine) -> None:
    write(SPEC)
    write("version: 1\nevent: filed\ndistinct_id: u1\n", "specs/filed.yaml")
    specs = cli("test", "--mutate", "-o", "json").json["specs"]
    assert [(each["spec"], each["cases"]) for each in specs] == [("specs/filed.yaml", 0), ("specs/purchase.yaml", 2)]


def test_a_line_says_to_which_step_or_new_case_it_belongs_and_stands_once_for_several_changes(cli: CommandLine) -> None:
    write("""
        version: 1
        vars: {user: {type: string}}
        event: order_placed
        distinct_id: "{{ user }}"
        properties: {items: [1, 2]}
        tests:
          - name: twice
            steps:
              - {vars: {user: u1}, expect: {event: {properties: {$contains: {items: [1, 2]}}}}}
              - {rows: [{user: u2}, {user: u3}], expect: {event: {event: order_placed}}}
          - name: each
            parametrize: [{user: u4}, {user: u5}]
            expect: {event: {event: order_placed}}
    """)
    text = Path("specs/purchase.yaml").read_text()
    assert cli("test", "--mutate").out == (
        "specs/purchase.yaml   87.5 %  7 of 8 changes noticed\n"
        "  not noticed  distinct_id: another value\n"
        "      add to step 1 of case 'twice' (specs/purchase.yaml:7):\n"
        "      expect: {event: {distinct_id: u1}}\n"
        " 87.5 %  7 of 8 changes noticed\n"
    )
    lines = text.splitlines(keepends=True)
    Path("specs/purchase.yaml").write_text("".join(line for line in lines if "u1" not in line))
    assert cli("test", "--mutate").out == (
        "specs/purchase.yaml   12.5 %  1 of 8 changes noticed\n"
        "  not noticed  distinct_id: another value\n"
        "      add a case with the variables of row 1 of case 'twice' (specs/purchase.yaml:7):\n"
        "      expect: {event: {distinct_id: u2}}\n"
        "  not noticed  properties.items[0]: missing, another value, another type\n"
        "  not noticed  properties.items[1]: missing, another value, another type\n"
        "      add to case 'twice' (specs/purchase.yaml:7):\n"
        "      expect: {event: {properties: {items: [1, 2]}}}\n"
        " 12.5 %  1 of 8 changes noticed\n"
    )


def test_a_tolerance_notices_another_number(cli: CommandLine) -> None:
    write("""
        version: 1
        event: order_placed
        distinct_id: u1
        properties: {amount: 1000000000}
        tests: [{name: about, expect: {event: {event: order_placed, distinct_id: u1, properties: {amount: {$approx: 1000000000}}}}}]
    """)
    assert cli("test", "--mutate").out.splitlines()[-1] == "100.0 %  5 of 5 changes noticed"


def test_no_file_is_written(cli: CommandLine) -> None:
    write(SPEC)
    files = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in Path().rglob("*") if path.is_file()}
    assert cli("test", "--mutate").code == 0
    assert files == {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in Path().rglob("*") if path.is_file()}


def test_messages_notice_what_a_workflow_decides_by(cli: CommandLine) -> None:
    """The amount decides whether a mail goes out; nothing looks at the note."""
    rich = choice("rich", email(), when=[condition("amount", ">", "10")])
    tree = node("branch", "by_amount", branches=[rich, choice("rest")])
    write(json.dumps(workflow_file(tree)), "suprsend/workflows/order/workflow.json")
    write("""
        version: 1
        event: ORDER
        distinct_id: u1
        properties: {amount: 20, note: hi}
        tests: [{name: one mail, expect: {messages: [{channel: email}]}}]
    """)
    assert cli("test").code == 0
    [score] = cli("test", "--mutate", "-o", "json").json["specs"]
    assert [(each["at"], each["kinds"]) for each in score["survivors"]] == [
        ("distinct_id", ["another value"]),
        ("properties.note", ["missing", "another value", "another type"]),
    ]
    assert (score["noticed"], score["total"]) == (4, 8)
