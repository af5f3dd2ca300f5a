"""A cassette contains what was recorded: plain vcrpy reads it, and it replaces an old one only when it is whole."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import requests
import vcr  # type: ignore[import-untyped]
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vcr.serialize import deserialize  # type: ignore[import-untyped]
from vcr.serializers import yamlserializer  # type: ignore[import-untyped]

from runner import __version__
from runner.errors import MachineError, Problem
from runner.suprsend.answer import Answer
from runner.testing.cassette import SANDBOX, Cassette, CassetteError, Interaction
from runner.testing.cassette_reader import load
from runner.testing.cassette_writer import _spread, save
from runner.testing.network import blocked
from runner.testing.request_diff import Request
from tests.testing.cassettes.conftest import DAY, JSON, OPEN, cassette, interaction

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.capturing import CapturingServer


def test_a_cassette_is_a_file_of_vcrpy_with_a_line_on_its_origin(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.yaml"
    first = interaction(
        '{"name":"Zoë"}'.encode(), b"later", status_code=429, retry_after="0", content_type="text/plain"
    )
    save(
        path,
        cassette(replace(first, answer=replace(first.answer, content_type="text/html")), interaction()),
        OPEN,
        tmp_path,
    )
    assert path.read_text("utf-8") == (
        f"# recorded 2026-11-24 from the sandbox by suprsend-runner {__version__}\n"
        "interactions:\n"
        "- request:\n"
        "    body: |-\n"
        "      {\n"
        '        "name": "Zoë"\n'
        "      }\n"
        "    headers:\n"
        "      Content-Type:\n"
        "      - text/plain\n"
        "    method: POST\n"
        "    uri: http://127.0.0.1:7788/v2/event/\n"
        "  response:\n"
        "    body:\n"
        "      string: later\n"
        "    headers:\n"
        "      Content-Type:\n"
        "      - text/html\n"
        "      Retry-After:\n"
        "      - '0'\n"
        "    status:\n"
        "      code: 429\n"
        "      message: Too Many Requests\n"
        "- request:\n"
        "    body: |-\n"
        "      {\n"
        '        "event": "ordered"\n'
        "      }\n"
        "    headers:\n"
        "      Content-Type:\n"
        "      - application/json; charset=utf-8\n"
        "    method: POST\n"
        "    uri: http://127.0.0.1:7788/v2/event/\n"
        "  response:\n"
        "    body:\n"
        "      string: |-\n"
        "        {\n"
        '          "status": "success"\n'
        "        }\n"
        "    headers: {}\n"
        "    status:\n"
        "      code: 202\n"
        "      message: Accepted\n"
        "version: 1\n"
    )
    assert [path.name for path in path.parent.iterdir()] == ["c.yaml"]
    assert path.stat().st_mode & 0o444 == 0o444
    assert [each.line for each in load(path).interactions] == [3, 24]


def test_plain_vcrpy_replays_it_with_no_network(tmp_path: Path) -> None:
    body = '{"name":"Zoë","text":"it\'s\\n  two: lines"}'
    refused = interaction(body.encode(), b"", status_code=429, retry_after="7")
    save(tmp_path / "c.yaml", cassette(refused, interaction(body.encode())), OPEN, tmp_path)
    match_on = ["method", "uri", "body"]
    with blocked(), vcr.use_cassette(str(tmp_path / "c.yaml"), record_mode="none", match_on=match_on) as tape:
        url, headers = "http://127.0.0.1:7788/v2/event/", {"Content-Type": JSON}
        answers = [requests.post(url, body.encode(), headers=headers, timeout=5) for _ in range(2)]
    assert [(answer.status_code, answer.reason, answer.content) for answer in answers] == [
        (429, "Too Many Requests", b""),
        (202, "Accepted", b'{\n  "status": "success"\n}'),
    ]
    assert answers[0].headers == {"Retry-After": "7"}
    assert tape.all_played


def test_what_vcrpy_recorded_is_read(server: CapturingServer, tmp_path: Path) -> None:
    server.answers.append((202, b"OK", {"Content-Type": "text/plain", "Retry-After": "1", "X-Other": "x"}))
    with vcr.use_cassette(str(tmp_path / "c.yaml")):
        requests.post(f"{server.base_url}v2/event/", json={"a": "ü" * 100}, timeout=5)
    request = Request("POST", f"{server.base_url}v2/event/", "application/json", json.dumps({"a": "ü" * 100}).encode())
    found = load(tmp_path / "c.yaml")
    assert found == Cassette(None, None, (Interaction(request, Answer(202, b"OK", "1", "text/plain")),))
    assert found.base_url == server.base_url


texts = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(
    [
        "1e5",
        "no",
        "2026-01-01",
        "12:30",
        "~",
        "",
        " ",
        "\r\n",
        "a\n\n  b # c",
        "#x",
        "- a",
        "%",
        "\x85",
        "\u2028x",
        "\x85\u2028\ufeff",
        "y" * 99 + " " + "z",
        '{"a": [1, 1.0, 1e5, "\\u2028 \u2028", {}], "a": "b"}',
        '{"a":"' + "x " * 99 + '"}',
        '[1,"\U0001f600 \x85 \ufeff","\\t"]',
    ]
)


@settings(derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=texts, answer=texts, content_type=texts | st.none(), retry_after=texts | st.none())
def test_every_text_is_read_as_it_was_written_here_and_by_vcrpy(
    tmp_path: Path, body: str, answer: str, content_type: str | None, retry_after: str | None
) -> None:
    one = interaction(body.encode(), answer.encode(), content_type=content_type, retry_after=retry_after)
    save(tmp_path / "c.yaml", cassette(one, interaction()), OPEN, tmp_path)
    kept = _spread(one)
    assert load(tmp_path / "c.yaml") == cassette(kept, _spread(interaction()))
    for whole, spread in ((body, kept.request.body), (answer, kept.answer.body)):
        assert spread.decode() == whole or json.loads(spread) == json.loads(whole)
    sent, answers = deserialize((tmp_path / "c.yaml").read_text("utf-8"), yamlserializer)
    assert ((sent[0].body or b"").decode(), answers[0]["body"]["string"]) == (
        kept.request.body.decode(),
        kept.answer.body,
    )
    assert sent[0].headers.get("Content-Type") == content_type


def test_a_file_that_can_not_be_written_leaves_the_old_one_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    save(path, cassette(), OPEN, tmp_path)
    before = path.read_bytes()
    with pytest.raises(CassetteError) as refused:
        save(path, cassette(interaction(answer=b"\xff")), OPEN, tmp_path, "c.yaml")
    message = "c.yaml can't be recorded: a request or its answer is not UTF-8 text"
    assert refused.value.problems == (Problem("cassette-unrecorded", message),)
    with pytest.raises(CassetteError) as refused:
        save(path, Cassette(SANDBOX, DAY, ()), OPEN, tmp_path, "c.yaml")
    assert refused.value.problems == (Problem("cassette-empty", "nothing was recorded for c.yaml"),)
    with pytest.raises(CassetteError) as refused:
        save(path, replace(cassette(), source=None), OPEN, tmp_path, "c.yaml")
    message = "c.yaml can't be recorded: the written file reads differently"
    assert refused.value.problems == (Problem("cassette-unrecorded", message),)
    with pytest.raises(MachineError) as failed:
        save(path / "below.yaml", cassette(), OPEN, tmp_path, "c.yaml/below.yaml")
    assert failed.value.problems == (Problem("output-refused", "can't write c.yaml/below.yaml: File exists"),)
    assert (path.read_bytes(), [each.name for each in tmp_path.iterdir()]) == (before, ["c.yaml"])
