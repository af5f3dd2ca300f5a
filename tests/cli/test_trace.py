"""`runner trace` and the messages of cases, by the workflow files of a project."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import CommandLine

SHOP = Path(__file__).parents[1] / "workflows" / "shop"


@pytest.fixture
def shop(in_tmp: Path) -> Path:
    (in_tmp / ".git").mkdir()
    shutil.copytree(SHOP, in_tmp, dirs_exist_ok=True)
    return in_tmp


@pytest.mark.usefixtures("shop")
def test_each_decision_is_shown_with_its_time_its_values_and_its_place(cli: CommandLine) -> None:
    ended = cli("trace", "specs/order_placed.yaml", "--var", "user=u1", "--var", "amount=1500")
    workflow = "suprsend/workflows/order-confirmation/workflow.json"
    assert (ended.code, ended.err) == (0, "")
    assert (
        ended.out
        == f"""\
order_placed for u1
  order-confirmation for u1
          0s    'order-confirmation' runs for u1
                ✓ status != "cancelled": it is "paid", not "cancelled"  {workflow}:21
          0s  ✓ confirm_email: email to u1@example.com: delivered
          0s    by_amount: took the branch 'large order'
                ✓ amount > 1000: 1500 is greater than 1000  {workflow}:55
                ✓ country == "DE": it is "DE"  {workflow}:61
          0s  ✓ large_sms: sms to +15550100: delivered
          0s    feedback_delay: waits 2d
          2d  ✓ feedback_email: email to u1@example.com: delivered
          2d    the run ended after its last node
3 messages:
        0s  email       order-confirmation · order-confirmation → u1 <u1@example.com>  delivered
        0s  sms         order-confirmation · large-order → u1 <+15550100>  delivered
        2d  email       order-confirmation · order-feedback → u1 <u1@example.com>  delivered
"""
    )


@pytest.mark.usefixtures("shop")
def test_a_case_is_traced_with_all_its_steps_and_its_test_data(cli: CommandLine) -> None:
    ended = cli("trace", "specs/cart_updated.yaml", "--case", "a cart that is bought is not")
    assert ended.code == 0
    assert "         23h    bought: took the branch 'bought': order_placed came\n" in ended.out
    assert ended.out.endswith(
        "1 message:\n        0s  email       order-confirmation · order-confirmation → u1 <u1@example.com>  delivered\n"
    )
    seen = cli("trace", "specs/payment_failed.yaml", "--case", "a mail that is seen ends it", "-o", "json")
    messages = json.loads(seen.out)["messages"]
    assert [(each["channel"], each["status"]) for each in messages] == [("inbox", "delivered"), ("email", "seen")]


@pytest.mark.usefixtures("shop")
def test_the_timeline_is_data_too(cli: CommandLine) -> None:
    args = ("trace", "specs/order_placed.yaml", "--var", "user=u1")
    document = json.loads(cli(*args, "-o", "json").out)
    assert list(document) == ["events", "runs", "messages"]
    [run] = document["runs"]
    [choice] = [decision for decision in run["decisions"] if decision["kind"] == "chose"]
    assert (choice["node"], [check["holds"] for check in choice["checks"]]) == ("by_amount", [False, False])
    lines = [json.loads(line) for line in cli(*args, "-o", "jsonl").out.splitlines()]
    assert [line["template"] for line in lines[1:]] == ["order-confirmation"]


def test_an_event_that_no_workflow_listens_to_says_so(shop: Path, cli: CommandLine) -> None:
    spec = shop / "specs" / "product_viewed.yaml"
    spec.write_text(spec.read_text("utf-8").replace("event: product_viewed", "event: product_veiwed"), "utf-8")
    ended = cli("trace", spec, "--var", "user=u1")
    assert ended.code == 0
    assert ended.out == ("product_veiwed for u1\n  ✗ no workflow listens to 'product_veiwed'\n0 messages\n")


def test_secrets_are_not_shown(shop: Path, cli: CommandLine) -> None:
    (shop / "specs" / "secret.yaml").write_text(
        "version: 1\nvars: {token: {type: string, secret: true, default: s3cr3t-default}}\nevent: order_placed\n"
        "distinct_id: u1\nproperties: {status: paid, order_id: '1', amount: 5000, country: '{{ token }}'}\n",
        "utf-8",
    )
    for form in ("pretty", "json", "jsonl"):
        ended = cli("trace", "specs/secret.yaml", "-o", form)
        assert ended.code == 0
        assert "country" in ended.out or form == "jsonl"
        assert "s3cr3t" not in ended.out + ended.err


def test_without_workflow_files_the_way_to_them_is_shown(in_tmp: Path, cli: CommandLine) -> None:
    (in_tmp / "a.yaml").write_text("version: 1\nevent: order_placed\ndistinct_id: u1\n")
    ended = cli("trace", "a.yaml")
    assert ended.code == 4
    assert ended.err.startswith("error[assets-not-found]: no workflow files belong to a.yaml\n")


def test_a_failing_case_shows_why_the_message_did_not_come(shop: Path, cli: CommandLine) -> None:
    spec = shop / "specs" / "order_placed.yaml"
    head = spec.read_text("utf-8").partition("tests:\n")[0]
    case = "tests:\n  - {name: sms, vars: {user: u1, amount: 900}, expect: {messages: [{channel: sms}]}}\n"
    spec.write_text(head + case, "utf-8")
    ended = cli("test", "specs/order_placed.yaml", "-o", "json")
    assert ended.code == 1
    [result] = json.loads(ended.out)["cases"]
    [problem] = result["problems"]
    assert result["messages"] == ["email of order-confirmation to u1: delivered after 0s"]
    assert (problem["code"], problem["at"]) == ("message-missing", "messages")
    place = "suprsend/workflows/order-confirmation/workflow.json:55"
    assert f"    - amount > 1000: 900 is not greater than 1000  ({place})" in problem["notes"]


@pytest.mark.usefixtures("shop")
def test_what_no_case_reaches_is_listed_with_its_place(cli: CommandLine) -> None:
    whole = cli("test", "specs", "--coverage-min", "100")
    assert whole.code == 0
    assert whole.out.endswith("  100.0 %  in all\n")
    part = cli("test", "specs/order_placed.yaml", "-k", "a gift gets a note in the inbox", "--coverage-min", "90")
    assert part.code == 1
    workflow = "suprsend/workflows/order-confirmation/workflow.json"
    assert f"           not reached: condition amount > 1000 is true  {workflow}:55\n" in part.out
    assert "error[workflow-coverage]: the cases reach " in part.err
    document = json.loads(cli("test", "specs", "--coverage", "-o", "json").out)
    assert {each["workflow"]: each["missed"] for each in document["coverage"]} == {
        "abandoned-cart": [], "failed-payment": [], "invoice": [], "order-confirmation": [], "weekly-digest": [],
    }  # fmt: skip


@pytest.mark.usefixtures("shop")
def test_processes_share_the_coverage(cli: CommandLine) -> None:
    ended = cli("test", "specs", "--coverage-min", "100", "--", "-n", "2")
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "  100.0 %  in all")


def test_coverage_needs_workflow_files(in_tmp: Path, cli: CommandLine) -> None:
    (in_tmp / "specs").mkdir()
    (in_tmp / "specs" / "a.yaml").write_text("version: 1\nevent: order_placed\ndistinct_id: u1\ntests: [{name: a}]\n")
    assert cli("test", "specs", "--coverage").code == 4
