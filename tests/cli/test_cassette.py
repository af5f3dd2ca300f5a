"""`runner cassette list|check|verify`, in a project that `runner init` wrote."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.source import read_text
from tests.servers.listeners import closed_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import CommandLine, Ended
    from tests.servers.capturing import CapturingServer

REPOSITORY = Path(__file__).parent.parent.parent
CASSETTE = "cassettes/order-placed/the-platform-takes-an-order.yaml"
SPEC = "specs/order-placed.yaml"
RECORD = f"runner test {SPEC} -k 'the platform takes an order' --record rewrite"
BY_ANOTHER = """interactions:
- request:
    body: ''
    headers:
      Authorization:
      - %s
    method: GET
    uri: https://api.example.com/orders
  response:
    body:
      string: '{"orders": []}'
    headers:
      Content-Type:
      - application/json
    status:
      code: 200
      message: OK
version: 1
"""


@pytest.fixture
def project(in_tmp: Path, cli: CommandLine) -> Path:
    assert cli("init", "-q").code == 0
    return in_tmp


def edit(path: str, old: str, new: str) -> None:
    text = Path(path).read_text("utf-8")
    assert old in text
    Path(path).write_text(text.replace(old, new), "utf-8")


def by_another(path: str, credential: str = "'***'") -> Path:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(BY_ANOTHER % credential)
    return Path(path)


def files() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}


@pytest.mark.usefixtures("project")
class TestList:
    def test_each_cassette_is_told_with_its_case(self, cli: CommandLine) -> None:
        edit(CASSETTE, "recorded 2026-01-02", "recorded 2025-12-24")
        ended = cli("cassette", "list")
        assert (ended.code, ended.err) == (0, "")
        assert ended.out == (
            f"{CASSETTE}  9 days  0.9 KB  1 request  the sandbox  {SPEC}::the platform takes an order\n"
        )

    def test_as_json_it_is_one_document(self, cli: CommandLine) -> None:
        other = by_another("cassettes/shop/orders.yaml")
        assert cli("cassette", "list", "-o", "json").json == {
            "cassettes": [
                {
                    "path": CASSETTE,
                    "spec": SPEC,
                    "case": "the platform takes an order",
                    "recorded_at": "2026-01-02",
                    "age_days": 0,
                    "size_bytes": Path(CASSETTE).stat().st_size,
                    "interactions": 1,
                    "source": "the sandbox",
                },
                {
                    "path": str(other),
                    "spec": None,
                    "case": None,
                    "recorded_at": None,
                    "age_days": None,
                    "size_bytes": other.stat().st_size,
                    "interactions": 1,
                    "source": None,
                },
            ]
        }

    def test_a_folder_gives_what_is_below_it(self, cli: CommandLine, in_tmp: Path) -> None:
        for folder in ("cassettes/order-placed", in_tmp / "cassettes", "."):
            listed = cli("cassette", "list", folder, "-o", "json").json["cassettes"]
            assert CASSETTE in [cassette["path"] for cassette in listed]

    def test_one_that_nobody_can_read_is_told_too(self, cli: CommandLine) -> None:
        Path(CASSETTE).write_text("interactions: [\n")
        assert cli("cassette", "list", CASSETTE).out == (
            f"{CASSETTE}  age unknown  0.0 KB  unreadable    {SPEC}::the platform takes an order\n"
        )

    def test_no_cassettes_are_no_failure(self, cli: CommandLine) -> None:
        shutil.rmtree("cassettes")
        ended = cli("cassette", "list")
        assert (ended.code, ended.out) == (0, "")
        assert ended.err == "no cassettes: runner test --record once --sandbox records them\n"


@pytest.mark.usefixtures("project")
class TestCheck:
    def test_what_was_recorded_just_now_is_as_it_must_be(self, cli: CommandLine) -> None:
        assert cli("cassette", "check") == cli("cassette", "check", CASSETTE)
        ended = cli("cassette", "check")
        assert (ended.code, ended.out, ended.err) == (0, "", "1 cassette checked: no problems\n")
        assert cli("cassette", "check", "-o", "json").json == {"cassettes": 1, "problems": [], "removed": []}

    @pytest.mark.parametrize(
        "hidden",
        [
            lambda secret: secret,
            lambda secret: f'!!binary "{base64.b64encode(secret.encode()).decode()}"',
            lambda secret: f'!!binary "{base64.b64encode(gzip.compress(secret.encode(), mtime=0)).decode()}"',
            lambda secret: json.dumps(secret.replace("/", "%2F")),
        ],
        ids=["plain", "base64", "gzip", "url"],
    )
    def test_a_secret_of_any_profile_is_found_in_files_by_others_and_not_shown(
        self, cli: CommandLine, hidden: Callable[[str], str]
    ) -> None:
        secret = "s3cr3t/of+staging"
        cli.environ["SUPRSEND_STAGING_WORKSPACE_SECRET"] = secret
        path = by_another("cassettes/shop/orders.yaml")
        edit(str(path), """'{"orders": []}'""", hidden(secret))
        ended = cli("cassette", "check")
        assert ended.code == 6
        assert ended.out.startswith("error[cassette-leak]: the file contains a secret here\n")
        assert secret not in ended.out + ended.err
        assert f"--> {path}:11:" in ended.out

    def test_what_looks_like_a_credential_is_found(self, cli: CommandLine) -> None:
        path = by_another("cassettes/shop/orders.yaml", "Bearer abcdefghijklmnopqrstuvwxyz")
        ended = cli("cassette", "check", path)
        assert ended.code == 6
        assert "error[cassette-leak]: this looks like a credential, in the header authorization\n" in ended.out
        assert f"--> {path}:6:" in ended.out
        assert "abcdefghijkl" not in ended.out

    def test_one_that_is_empty_or_unreadable_is_a_failure(self, cli: CommandLine) -> None:
        Path(CASSETTE).write_text("interactions: []\nversion: 1\n")
        ended = cli("cassette", "check", "-o", "json")
        assert ended.code == 6
        assert [problem["code"] for problem in ended.json["problems"]] == ["cassette-empty"]
        Path(CASSETTE).write_text("interactions: [\n")
        ended = cli("cassette", "check", "-o", "json")
        assert [problem["code"] for problem in ended.json["problems"]] == ["cassette-unreadable"]

    def test_one_that_is_too_old_is_a_failure_where_an_age_is_set(self, cli: CommandLine) -> None:
        edit(CASSETTE, "recorded 2026-01-02", "recorded 2025-12-01")
        by_another("cassettes/order-placed/by-hand.yaml")
        by_another("cassettes/shop/orders.yaml")
        assert cli("cassette", "check").code == 0
        edit("runner.yaml", "profiles:\n", "cassettes: {max_age: 30d}\nprofiles:\n")
        ended = cli("cassette", "check")
        assert (ended.code, ended.out) == (
            6,
            (
                "error[cassette-expired]: the cassette is too old: it was recorded 32 days ago, max_age is 30 days\n"
                f" --> {CASSETTE}:1:1\n"
                f"  = record it again: {RECORD} --sandbox\n\n"
            ),
        )

    def test_an_orphan_is_told_and_fix_removes_it_and_nothing_else(self, cli: CommandLine) -> None:
        edit(SPEC, "name: the platform takes an order", "name: an order")
        by_another("cassettes/shop/orders.yaml")
        ended = cli("cassette", "check")
        assert (ended.code, ended.out) == (
            6,
            (
                "error[cassette-orphan]: no case plays this cassette\n"
                f" --> {CASSETTE}:1:1\n"
                f"  = runner cassette check {CASSETTE} --fix removes it\n\n"
            ),
        )
        before = files()
        ended = cli("cassette", "check", "--fix")
        assert (ended.code, ended.out) == (0, f"removed  {CASSETTE}\n")
        assert ended.err == "2 cassettes checked: no problems\n"
        del before[CASSETTE]
        assert files() == before
        assert not Path(CASSETTE).parent.exists()

    def test_a_secret_in_an_orphan_is_told_although_the_file_is_removed(self, cli: CommandLine) -> None:
        edit(SPEC, "name: the platform takes an order", "name: an order")
        cli.environ["SUPRSEND_PRODUCTION_API_KEY"] = "12.5,u1"
        edit(CASSETTE, '"u1"', '"12.5,u1"')
        ended = cli("cassette", "check", "--fix", "-o", "json")
        assert (ended.code, ended.json["removed"]) == (6, [CASSETTE])
        assert [problem["code"] for problem in ended.json["problems"]] == ["cassette-leak"]

    def test_a_profile_that_does_not_exist_is_told(self, cli: CommandLine) -> None:
        ended = cli("cassette", "check", "--profile", "stagin")
        assert (ended.code, ended.err) == (
            4,
            "error[profile-not-found]: no profile 'stagin' in runner.yaml\n  = did you mean 'staging'?\n",
        )

    def test_a_case_that_asks_for_no_answer_plays_no_cassette(self, cli: CommandLine) -> None:
        edit(SPEC, "      response: {success: true, status_code: 202}       # from the cassette\n", "")
        ended = cli("cassette", "check", "-o", "json")
        assert [problem["code"] for problem in ended.json["problems"]] == ["cassette-orphan"]

    @pytest.mark.parametrize("broken", ["event: [\n", "event: x\nevent: y\n"])
    def test_of_a_spec_that_cannot_be_read_no_cassette_is_an_orphan(self, cli: CommandLine, broken: str) -> None:
        Path(SPEC).write_text(broken)
        before = files()
        assert cli("cassette", "check", "--fix").code == 0
        assert files() == before

    @pytest.mark.parametrize("put_aside", ["renamed", "linked"])
    def test_the_cassettes_of_a_spec_that_is_put_aside_are_no_orphans(self, cli: CommandLine, put_aside: str) -> None:
        spec = Path(SPEC)
        if put_aside == "renamed":
            spec.rename(spec.with_name(f"_{spec.name}"))
        else:
            spec.rename("real.yaml")
            spec.symlink_to(Path("real.yaml").resolve())
        before = files()
        assert cli("cassette", "check", "--fix").code == 0
        assert files() == before

    def test_what_another_program_recorded_is_no_orphan_even_in_a_spec_s_folder(self, cli: CommandLine) -> None:
        path = by_another("cassettes/order-placed/by-hand.yaml")
        assert cli("cassette", "check", "--fix").code == 0
        assert path.exists()

    def test_a_cassette_that_is_not_there_is_told(self, cli: CommandLine) -> None:
        ended = cli("cassette", "check", "cassettes/order-placde")
        assert (ended.code, ended.err) == (
            4,
            (
                "error[file-not-found]: no such file or folder: cassettes/order-placde\n"
                "  = did you mean cassettes/order-placed?\n"
            ),
        )


@pytest.mark.usefixtures("project")
class TestWhatIsACassette:
    @pytest.mark.parametrize("args", [("specs",), ("runner.yaml",), ("specs", "runner.yaml"), ("docs",)])
    def test_other_files_are_none_and_nothing_found_is_told(self, cli: CommandLine, args: tuple[str, ...]) -> None:
        Path("docs").mkdir()
        Path("docs/README.md").write_text("# interactions: none\n")
        Path("docs/guide.yaml").write_text("about: cassettes\n")
        ended = cli("cassette", "check", *args)
        assert (ended.code, ended.out.count("warning[cassette-missing]: there is no cassette at")) == (4, len(args))
        assert ended.err == f"0 cassettes checked: {len(args)} problem{'s' if len(args) > 1 else ''}\n"
        assert cli("cassette", "list", *args).out == ""

    def test_a_place_without_any_is_told_beside_others(self, cli: CommandLine) -> None:
        ended = cli("cassette", "check", "specs", "cassettes", "-o", "json")
        assert (ended.code, ended.json["cassettes"]) == (0, 1)
        assert [problem["severity"] for problem in ended.json["problems"]] == ["warning"]

    def test_no_cassettes_at_all_are_told(self, cli: CommandLine) -> None:
        shutil.rmtree("cassettes")
        assert cli("cassette", "check").code == 4

    @pytest.mark.parametrize("name", ["orders.yaml", "orders.yml", "orders.json", "orders"])
    def test_a_token_is_found_whatever_the_name_of_the_file(self, cli: CommandLine, name: str) -> None:
        path = by_another(f"cassettes/shop/{name}", "Bearer abcdefghijklmnopqrstuvwxyz")
        if name.endswith(".json"):
            root = read_text(path.read_text(), "orders.yaml").root
            assert root is not None
            path.write_text(json.dumps(root.plain(), indent=1))
        ended = cli("cassette", "check", "-o", "json")
        assert (ended.code, ended.json["cassettes"]) == (6, 2)
        assert {problem["code"] for problem in ended.json["problems"]} == {"cassette-leak"}

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("string: '{\"orders\": []}'", "string: !!binary eyJvcmRlcnMiOiBbXX0="),
            ("string: '{\"orders\": []}'", "string: !!binary |\n        H4sIAAAAAAAAAA=="),
            ("body: ''", "body: !!python/unicode 'x'"),
            ("body: ''", "body: null"),
            ("    status:\n      code: 200\n      message: OK\n", "    status_code: 200\n"),
        ],
    )
    def test_what_vcrpy_reads_is_read(self, cli: CommandLine, old: str, new: str) -> None:
        path = by_another("cassettes/shop/orders.yaml")
        edit(str(path), old, new)
        ended = cli("cassette", "check", path)
        assert (ended.code, ended.err) == (0, "1 cassette checked: no problems\n")
        assert "unreadable" not in cli("cassette", "list", path).out

    def test_what_cannot_be_read_is_told(self, cli: CommandLine) -> None:
        path = by_another("cassettes/shop/orders.yaml")
        edit(str(path), "body: ''", "body: !!python/object:os.system {}")
        ended = cli("cassette", "check", "-o", "json")
        [problem] = ended.json["problems"]
        assert (ended.code, problem["severity"], problem["code"]) == (0, "warning", "cassette-unreadable")
        assert problem["message"] == "the cassette can't be read: tag !!python/object:os.system is not allowed"

    def test_a_recording_with_the_line_ends_of_windows_is_the_same(self, cli: CommandLine) -> None:
        raw = Path(CASSETTE).read_bytes()
        edit("runner.yaml", "profiles:\n", "cassettes: {max_age: 30d}\nprofiles:\n")
        for path in (CASSETTE, SPEC, "runner.yaml"):
            Path(path).write_bytes(Path(path).read_bytes().replace(b"\n", b"\r\n"))
        assert cli("test").code == 0
        assert cli("cassette", "list", "-o", "json").json["cassettes"][0]["source"] == "the sandbox"
        assert cli("cassette", "check").code == 0
        Path(SPEC).unlink()
        assert [problem["code"] for problem in cli("cassette", "check", "-o", "json").json["problems"]] == [
            "cassette-orphan"
        ]
        Path(CASSETTE).write_bytes(raw)
        assert Path(".gitattributes").read_text().endswith("cassettes/** text eol=lf\n")


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
        record = [sys.executable, "-m", "runner", "test", SPEC, "--record", "rewrite", "--sandbox", "--record-in-ci"]
        subprocess.run(record, check=True, capture_output=True, env=os.environ | {"PYTHONPATH": str(REPOSITORY)})
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
