"""`runner cassette verify`: each recorded request is sent again, and its answer compared."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.cassettes.conftest import CASSETTE, RECORD, SPEC, by_another, edit, files
from tests.processes import run_preloaded
from tests.servers.listeners import closed_url

if TYPE_CHECKING:
    from tests.conftest import CommandLine, Ended
    from tests.servers.capturing import CapturingServer


@pytest.fixture
def live(cli: CommandLine, server: CapturingServer) -> CapturingServer:
    """Make the server the workspace that the environment names."""
    cli.environ |= {
        "SUPRSEND_BASE_URL": f"{server.base_url}hub/",
        "SUPRSEND_WORKSPACE_KEY": "staging-key",
        "SUPRSEND_WORKSPACE_SECRET": "staging-secret",
    }
    return server


@pytest.mark.usefixtures("project")
class TestVerify:
    def test_the_sandbox_answers_as_recorded_and_the_file_stays(self, cli: CommandLine) -> None:
        before = files()
        ended = cli("cassette", "verify", "--sandbox")
        assert (ended.code, ended.out) == (0, "")
        assert ended.err == "1 cassette against the sandbox: 1 answer compared, no drift\n"
        assert files() == before

    def test_a_live_target_is_sent_a_new_event_to_its_own_root(self, cli: CommandLine, live: CapturingServer) -> None:
        assert cli("cassette", "verify").code == 0
        [request] = live.received
        recorded = json.loads(re.findall(r"body: \|-\n(.*?\n      \})\n", Path(CASSETTE).read_text(), re.DOTALL)[0])
        assert request.path == "/hub/v2/event/"
        assert request.headers["Authorization"].startswith("staging-key:")
        assert request.json["env"] == "staging-key"
        assert request.json["$time"] == 1767323045000
        changed = {key for key in recorded if request.json[key] != recorded[key]}
        assert changed == {"$insert_id", "$idempotency_key", "$time", "env"}

    def test_drift_in_status_and_shape_is_told_and_the_file_stays(
        self, cli: CommandLine, live: CapturingServer
    ) -> None:
        live.answers.append((200, {"status": "success", "message_id": 7, "trace": "t"}))
        before = files()
        ended = cli("cassette", "verify")
        context = "in the answer to POST /v2/event/ ('order_placed' for 'u1')"
        assert ended.code == 6
        assert ended.out == "".join(
            f"error[cassette-drift]: {message}\n"
            f" --> {CASSETTE}:3:1\n"
            f"  = if that is right, record it: {RECORD}\n"
            f"  = {context}\n\n"
            for message in (
                "status: recorded 202, now 200",
                "message_id: recorded text, now a number",
                "trace: not recorded, now text",
            )
        )
        assert ended.err == f"1 cassette against {live.base_url}hub/: 1 answer compared, 3 drifts\n"
        assert files() == before

    def test_as_json_it_is_one_document(self, cli: CommandLine, live: CapturingServer) -> None:
        live.answers.append((202, {"status": "success"}))
        ended = cli("cassette", "verify", "-o", "json")
        assert (ended.code, ended.err) == (6, "")
        [problem] = ended.json["problems"]
        assert (problem["code"], problem["at"], problem["path"]) == ("cassette-drift", "message_id", CASSETTE)
        counts = {key: value for key, value in ended.json.items() if key != "problems"}
        assert counts == {
            "target": f"{live.base_url}hub/", "cassettes": 1, "compared": 1, "skipped": 0, "not_sent": 0,
        }  # fmt: skip

    def test_what_passes_is_tried_again(self, cli: CommandLine, live: CapturingServer) -> None:
        live.answers += [(503, {}), (429, {}, {"Retry-After": "0"})]
        assert cli("cassette", "verify").code == 0
        assert len({request.body for request in live.received}) == 1
        assert len(live.received) == 3

    @pytest.mark.parametrize(
        ("status", "code", "told"),
        [
            (401, 3, "error[credentials-refused]: the platform refuses the credentials: 401"),
            (403, 3, "error[credentials-refused]: the platform refuses the credentials: 403"),
            (429, 5, "error[rate-limited]: the platform asks to slow down: 429"),
            (503, 7, "error[no-answer]: it answers with status 503 only"),
        ],
    )
    def test_an_answer_that_says_nothing_of_the_event_stops_it_all(
        self, cli: CommandLine, live: CapturingServer, status: int, code: int, told: str
    ) -> None:
        second = Path(CASSETTE).with_name("the-same-again.yaml")
        shutil.copy(CASSETTE, second)
        live.answers += [(status, {"error": {"message": "no"}})] * 4
        ended = cli("cassette", "verify")
        assert (ended.code, ended.out.partition("\n")[0]) == (code, told)
        assert "0 answers compared, no drift, 1 cassette not sent\n" in ended.err

    def test_no_answer_ends_with_7(self, cli: CommandLine, live: CapturingServer) -> None:
        cli.environ["SUPRSEND_BASE_URL"] = closed_url()
        ended = cli("cassette", "verify")
        assert (ended.code, ended.out.partition("\n")[0]) == (7, "error[no-connection]: Connection refused")
        url = cli.environ["SUPRSEND_BASE_URL"]
        do = "start the server there, or add --sandbox to send to a server on this machine"
        assert ended.err.endswith(f"  = nothing listens on {url}: {do}\n")
        assert live.received == []

    def test_without_credentials_it_ends_with_3(self, cli: CommandLine) -> None:
        ended = cli("cassette", "verify")
        assert (ended.code, ended.out) == (3, "")
        assert ended.err.startswith("error[credentials-missing]: no credentials for https://hub.suprsend.com/\n")

    def test_a_profile_that_asks_before_it_sends_asks_here_too(self, cli: CommandLine, server: CapturingServer) -> None:
        edit("runner.yaml", "    confirm: true", f"    base_url: {server.base_url}\n    confirm: true")
        cli.environ |= {"SUPRSEND_PRODUCTION_API_KEY": "live-key", "SUPRSEND_PRODUCTION_WORKSPACE_UID": "live-uid"}

        def verify(*flags: str) -> Ended:
            return cli("cassette", "verify", "--profile", "production", *flags)

        ended = verify()
        assert (ended.code, server.received) == (64, [])
        assert ended.err == (
            "error[confirm]: profile 'production' asks before it sends, and there is no terminal to ask on\n"
            "  = add --yes\n"
        )
        assert verify("--yes").code == 0
        assert server.received[0].json["env"] == "live-uid"

    def test_what_was_answered_by_a_status_that_passes_is_not_asked_for(
        self, cli: CommandLine, live: CapturingServer
    ) -> None:
        edit(CASSETTE, "code: 202", "code: 429")
        ended = cli("cassette", "verify")
        assert (ended.code, live.received) == (0, [])
        assert ended.err.endswith(": 0 answers compared, no drift, 1 request skipped\n")

    def test_the_sandbox_of_a_case_answers_as_the_case_says_but_for_what_passes(self, cli: CommandLine) -> None:
        # Without a key the client tries nothing again: each step meets the next of the failures.
        edit(SPEC, "idempotency_key: auto", "idempotency_key: null")
        edit(SPEC, "    vars: {user: u1, amount: 12.5}\n", "    vars: {user: u1}\n    sandbox: {fail: [429, 400]}\n")
        expect = Path(SPEC).read_text().partition("    expect:\n")[2].partition("  - name:")[0]
        steps = [f"      - expect: {{response: {{success: false, status_code: {code}}}}}\n" for code in (429, 400)]
        edit(SPEC, f"    expect:\n{expect}", f"    steps:\n{''.join(steps)}")
        record = ["runner", "test", SPEC, "--record", "rewrite", "--sandbox", "--record-in-ci"]
        run_preloaded(record, check=True, capture_output=True)
        assert re.findall(r"code: (\d+)", Path(CASSETTE).read_text()) == ["429", "400"]
        ended = cli("cassette", "verify", "--sandbox")
        assert ended.err == "1 cassette against the sandbox: 1 answer compared, no drift, 1 request skipped\n"

    def test_the_runner_yaml_beside_the_specs_counts(self, cli: CommandLine, server: CapturingServer) -> None:
        Path("runner.yaml").rename("specs/runner.yaml")
        edit("specs/runner.yaml", "  staging:", f"  staging:\n    base_url: {server.base_url}")
        cli.environ |= {
            "SUPRSEND_STAGING_WORKSPACE_KEY": "staging-key",
            "SUPRSEND_STAGING_WORKSPACE_SECRET": "order_placed",
        }
        assert cli("cassette", "verify", "--profile", "staging").code == 0
        assert server.received[0].json["env"] == "staging-key"
        ended = cli("cassette", "check", "-o", "json")
        assert [problem["code"] for problem in ended.json["problems"]] == ["cassette-leak"]

    def test_an_event_without_a_key_is_not_sent_twice(self, cli: CommandLine, live: CapturingServer) -> None:
        text = Path(CASSETTE).read_text("utf-8")
        [key] = re.findall(r',\n +"\$idempotency_key": "[^"]+"', text)
        edit(CASSETTE, key, "")
        live.answers.append((503, {}))
        assert (cli("cassette", "verify").code, len(live.received)) == (7, 1)

    def test_refused_credentials_that_are_recorded_are_as_recorded(
        self, cli: CommandLine, live: CapturingServer
    ) -> None:
        edit(CASSETTE, "code: 202", "code: 401")
        live.answers.append((401, {"status": "success", "message_id": "m1"}))
        assert cli("cassette", "verify").code == 0

    def test_what_is_no_event_is_not_sent(self, cli: CommandLine, live: CapturingServer) -> None:
        path = by_another("cassettes/shop/orders.yaml")
        assert cli("cassette", "verify", path).code == 0
        assert live.received == []

    def test_one_that_is_unreadable_is_told_and_the_others_are_sent(
        self, cli: CommandLine, live: CapturingServer
    ) -> None:
        Path(CASSETTE).with_name("another.yaml").write_text("interactions: [\n")
        edit(str(by_another("cassettes/shop/orders.yaml")), "string: '", "string: !!python/object 'x")
        ended = cli("cassette", "verify", "-o", "json")
        assert (ended.code, ended.json["compared"]) == (6, 1)
        assert [problem["code"] for problem in ended.json["problems"]] == ["cassette-unreadable"]
        assert len(live.received) == 1

    def test_nothing_to_verify_is_a_failure(self, cli: CommandLine) -> None:
        shutil.rmtree("cassettes")
        ended = cli("cassette", "verify", "--sandbox")
        assert (ended.code, ended.err) == (
            6,
            (
                "error[cassette-missing]: there are no cassettes to verify\n"
                "  = runner test specs/ --record once --sandbox records them\n"
            ),
        )
