"""The check of events against the assets folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runner.doctor.finding import Finding, failure
from tests.workflows.definitions import choice, condition, email
from tests.workflows.test_branches import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.doctor.conftest import Checkup

OLD = "if suprsend is old, pull it again"
SPEC = "specs/order-placed.yaml"


def write_assets(folder: Path, *events: str, is_newer: bool = True, **changes: Any) -> Path:
    """Write an assets folder with a workflow that listens to these events, and with the events themselves."""
    workflow = {
        "name": "Order confirmation", "slug": "order-confirmation", "category": "transactional", "trigger_type": "event",
        "trigger_events": list(events), "tree": {"nodes": [email()]}, "status": "active", "is_enabled": True, **changes,
    }  # fmt: skip
    kind, name = ("workflows/order-confirmation", "workflow") if is_newer else ("workflow", "order-confirmation")
    files: dict[str, Any] = {f"suprsend/{kind}/{name}.json": workflow}
    for event in events if is_newer else ():
        files[f"suprsend/events/{event}/event.json"] = {"name": event, "payload_schema": None, "workflows": []}
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(json.dumps(content))
    return folder / "suprsend"


def found(checkup: Checkup) -> Finding:
    [event] = [each for each in checkup(is_offline=True) if each.name == "events"]
    return event


def test_without_an_assets_folder_events_are_not_checked(checkup: Checkup) -> None:
    assert found(checkup).state == "skipped"


def test_an_event_that_a_live_workflow_listens_to_is_in_order(checkup: Checkup, in_tmp: Path) -> None:
    write_assets(in_tmp, "order_placed")
    assert found(checkup) == Finding("events", "ok", "live workflows listen to the events of all specs")
    assert checkup.faults() == []


def test_an_event_that_no_workflow_listens_to_is_the_only_fault(checkup: Checkup, in_tmp: Path) -> None:
    write_assets(in_tmp, "order_place", is_newer=False)
    text = f"{SPEC}:10: no live workflow listens to the event 'order_placed'"
    assert checkup.faults() == [failure("events", text, "did you mean 'order_place'?")]


def test_an_event_that_is_not_declared_is_the_only_fault(checkup: Checkup, in_tmp: Path) -> None:
    write_assets(in_tmp, "shipped")
    text = f"{SPEC}:10: the workspace has no event 'order_placed'"
    assert checkup.faults() == [failure("events", text, "known here: shipped")]


def test_an_event_whose_workflow_is_disabled_is_the_only_fault(checkup: Checkup, in_tmp: Path) -> None:
    write_assets(in_tmp, "order_placed", is_enabled=False)
    text = f"{SPEC}:10: no live workflow listens to the event 'order_placed'"
    assert checkup.faults() == [failure("events", text, "order-confirmation does, and is disabled")]


def test_a_broken_file_of_an_asset_is_the_only_fault(checkup: Checkup, in_tmp: Path) -> None:
    broken = write_assets(in_tmp, "order_placed") / "workflows" / "broken" / "workflow.json"
    broken.parent.mkdir()
    broken.write_text("{")
    [fault] = checkup.faults()
    assert (fault.name, fault.state) == ("assets", "failed")
    assert fault.text.startswith("suprsend/workflows/broken/workflow.json:1: ")


def test_events_that_a_broken_file_may_explain_are_not_checked(checkup: Checkup, in_tmp: Path) -> None:
    (write_assets(in_tmp, "order_placed") / "workflows" / "order-confirmation" / "workflow.json").write_text("{")
    assert [each.name for each in checkup.faults()] == ["assets"]


def test_an_event_with_a_template_in_its_name_is_not_checked(checkup: Checkup, in_tmp: Path) -> None:
    write_assets(in_tmp, "shipped")
    spec = in_tmp / SPEC
    spec.write_text(spec.read_text().replace("event: order_placed", 'event: "{{ user }}_placed"'))
    assert found(checkup).state == "ok"


def test_an_event_that_a_live_workflow_waits_for_is_in_order(checkup: Checkup, in_tmp: Path) -> None:
    wait = wait_until("wait", choice("met"), choice("timed_out", email()), event_name="order_placed")
    write_assets(in_tmp, "cart_left", is_newer=False, tree={"nodes": [wait]})
    assert found(checkup).state == "ok"


def test_a_schema_that_differs_from_that_of_the_event_is_the_only_fault(checkup: Checkup, in_tmp: Path) -> None:
    folder = write_assets(in_tmp, "order_placed")
    schema = {"type": "object", "required": ["order_id"]}
    linked = {"name": "order_placed", "payload_schema": {"schema": "order", "version_no": None}}
    (folder / "events" / "order_placed" / "event.json").write_text(json.dumps(linked))
    for path, content in (
        (folder / "schemas" / "order" / "schema.json", {"slug": "order", "name": "Order"}),
        (folder / "schemas" / "order" / "payload_schema.json", schema),
        (in_tmp / "order.schema.json", schema),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    with (in_tmp / SPEC).open("a") as spec:
        spec.write("schema: ../order.schema.json\n")
    [same] = [each for each in checkup(is_offline=True) if each.name == "schemas"]
    assert same.state == "ok"
    (in_tmp / "order.schema.json").write_text(json.dumps(schema | {"required": ["amount"]}))
    message = "this copy of the schema differs from that of the event at 'required[0]': suprsend/schemas/order/payload_schema.json"
    place = f"{SPEC}:{len((in_tmp / SPEC).read_text().splitlines())}"
    advice = "copy it again, or name that file"
    assert checkup.faults() == [Finding("schemas", "warning", f"{place}: {message}", advice)]


def test_a_property_that_a_condition_reads_and_no_spec_sends_is_the_only_fault(checkup: Checkup, in_tmp: Path) -> None:
    write_assets(in_tmp, "order_placed", conditions=[condition("coupon", "==", "A")])
    [fault] = checkup.faults()
    assert (fault.name, fault.state, "coupon" in fault.text) == ("properties", "warning", True)


def test_a_rule_that_is_off_finds_nothing(checkup: Checkup, in_tmp: Path) -> None:
    write_assets(in_tmp, "order_place", is_newer=False)
    with (in_tmp / "runner.yaml").open("a") as settings:
        settings.write("checks: {unheard-event: off}\n")
    assert checkup.faults() == []


def test_a_folder_that_does_not_exist_is_the_only_fault(checkup: Checkup, in_tmp: Path) -> None:
    with (in_tmp / "runner.yaml").open("a") as settings:
        settings.write("assets: ../nowhere\n")
    [fault] = checkup.faults()
    assert (fault.name, fault.state, fault.text.rpartition(": ")[2]) == ("assets", "failed", "../nowhere")


def test_a_setting_that_switches_assets_off_skips_the_check(checkup: Checkup, in_tmp: Path) -> None:
    write_assets(in_tmp, "shipped")
    with (in_tmp / "runner.yaml").open("a") as settings:
        settings.write("assets: false\n")
    assert found(checkup).state == "skipped"
