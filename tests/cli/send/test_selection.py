"""Which specs, cases and variables `runner send` takes, and which it refuses before anything is sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import SANDBOX
from tests.cli.send.conftest import INSERT_ID, PURCHASE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer

pytestmark = pytest.mark.usefixtures("in_repository")


def test_one_bad_spec_keeps_all_from_being_sent(cli: CommandLine, to_server: CapturingServer) -> None:
    ended = cli("send", "specs/", "--var", "user=u1", "--var", "order_id=abc", "-o", "json")
    assert ended.code == 2
    assert to_server.received == []
    assert {key: ended.json[key] for key in ("total", "accepted", "failed", "unknown", "not_sent")} == {
        "total": 8, "accepted": 0, "failed": 4, "unknown": 0, "not_sent": 4,
    }  # fmt: skip
    assert [problem["code"] for problem in ended.json["problems"]] == ["var-schema"] * 4


def test_a_label_selects_specs(cli: CommandLine, to_server: CapturingServer) -> None:
    cli("send", "specs/", "--label", "smoke", "--var", "user=u1")
    assert [event["event"] for event in to_server.received[0].json] == ["product_purchased", "user_signed_up"]


def test_an_unknown_label_ends_with_4(cli: CommandLine) -> None:
    ended = cli("send", "specs/", "--label", "smok", "--var", "user=u1")
    assert (ended.code, ended.err) == (
        4,
        "error[label-not-found]: no spec here has the label 'smok'\n  = did you mean 'smoke'?\n",
    )


def test_a_case_gives_the_variables_but_not_the_ids(cli: CommandLine, to_server: CapturingServer) -> None:
    assert cli("send", "specs/purchase.yaml", "--case", "a premium purchase").code == 0
    body = to_server.received[0].json
    assert (body["properties"]["amount"], body["$insert_id"]) == (1500, INSERT_ID)


def test_a_variable_that_only_one_of_several_specs_declares_is_fine(cli: CommandLine) -> None:
    assert cli("send", "specs/", "-n", "--var", "user=u1", "--var", "carrier=Example Bikes").code == 0


def test_options_are_taken_before_and_after_the_command(cli: CommandLine, to_server: CapturingServer) -> None:
    before = cli("-o", "json", "-q", "send", *PURCHASE)
    after = cli("send", *PURCHASE, "-o", "json", "-q")
    assert [(each.code, each.json["accepted"], each.err) for each in (before, after)] == [(0, 1, "")] * 2
    assert len(to_server.received) == 2


def test_an_event_above_the_limit_is_refused_and_a_profile_raises_it(
    cli: CommandLine, server: CapturingServer, tmp_path: Path
) -> None:
    cli.environ |= SANDBOX | {"SUPRSEND_BASE_URL": server.base_url}
    spec = tmp_path / "large.yaml"
    spec.write_text(f"version: 1\nevent: large\ndistinct_id: u1\nproperties:\n  text: {'x' * 110_000}\n")
    (tmp_path / "runner.yaml").write_text("profiles: {large: {max_event_kb: 200}}\n")
    ended = cli("send", spec, "-o", "json")
    assert (ended.code, ended.json["problems"][0]["code"], ended.json["problems"][0]["line"]) == (
        2,
        "event-too-large",
        4,
    )
    assert cli("send", spec, "--profile", "large").code == 0


def test_each_spec_takes_the_variables_of_its_own_case(cli: CommandLine, in_tmp: Path) -> None:
    for name in ("a", "b", "c"):
        case = f"tests: [{{name: same, vars: {{user: user-of-{name}}}}}]\n" if name != "c" else ""
        (in_tmp / f"{name}.yaml").write_text(
            f'version: 1\nvars: {{user: {{type: string}}}}\nevent: {name * 3}\ndistinct_id: "{{{{ user }}}}"\n{case}'
        )
    ended = cli("send", ".", "--case", "same", "-n", "-o", "json")
    assert [(event["event"], event["distinct_id"]) for event in ended.json["events"]] == [
        ("aaa", "user-of-a"),
        ("bbb", "user-of-b"),
    ]


def test_a_case_that_no_spec_has_ends_with_4(cli: CommandLine) -> None:
    ended = cli("send", "specs/", "--case", "a small purchas", "-n")
    assert (ended.code, ended.err) == (
        4,
        "error[case-not-found]: none of these specs has a case 'a small purchas'\n  = did you mean 'a small purchase'?\n",
    )


def test_labels_are_listed_when_none_is_near(cli: CommandLine) -> None:
    ended = cli("send", "specs/", "--label", "zzz", "-n")
    assert ended.err.splitlines()[1] == "  = known here: food, billing, checkout, account, security, smoke, digest"


def test_a_wrong_variable_is_told_before_missing_credentials(cli: CommandLine) -> None:
    ended = cli("send", *PURCHASE, "--var", "amount=x")
    assert (ended.code, ended.err.splitlines()[0]) == (2, "error[var-type]: variable 'amount': 'x' is not a number")


@pytest.mark.parametrize("seconds", ["0", "-1", "86400.5"])
def test_a_timeout_that_is_none_ends_with_64(cli: CommandLine, seconds: str) -> None:
    ended = cli("send", *PURCHASE, "--timeout", seconds)
    assert (ended.code, ended.err) == (
        64,
        f"error[usage]: --timeout must be more than 0 and at most 86,400 seconds, got {float(seconds):g}\n",
    )


@pytest.mark.parametrize("seconds", ["nan", "inf", "1e300", "1_0", "٣"])
def test_a_timeout_that_is_no_number_ends_with_64(cli: CommandLine, seconds: str) -> None:
    ended = cli("send", *PURCHASE, "--timeout", seconds)
    assert (ended.code, ended.err) == (
        64,
        f"error[usage]: Invalid value for '--timeout': {seconds!r} is not a number\n  = see `runner send --help`\n",
    )


def test_an_empty_argument_ends_with_64(cli: CommandLine) -> None:
    ended = cli("send", "", "--yes")
    assert (ended.code, ended.err) == (
        64,
        "error[usage]: an argument is empty\n  = is a variable of the shell not set?\n",
    )


@pytest.mark.parametrize("kb", ["150", "150.0"])
def test_the_largest_event_of_a_profile_is_that_of_its_sandbox_too(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kb: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runner.yaml").write_text(f"profiles: {{large: {{max_event_kb: {kb}}}, small: {{max_event_kb: 1}}}}\n")
    (tmp_path / "large.yaml").write_text(
        "version: 1\nvars: {text: {type: string}}\nevent: report_made\ndistinct_id: u1\nproperties: {report: '{{ text }}'}\n"
    )
    (tmp_path / "vars.json").write_text(json.dumps({"text": "x" * 140_000}))
    send = ("send", "large.yaml", "--vars-file", "vars.json", "--sandbox")
    assert cli(*send, "--profile", "large").code == 0
    for other in ((), ("--profile", "small")):
        ended = cli(*send, *other)
        assert (ended.code, ended.err.startswith("error[event-too-large]")) == (2, True)
