"""No secret is printed that the platform repeats in its answer."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest

from tests.cli.canary.conftest import HMAC, LETTERS, LOUD, REST, SECRETS, TOLD, Folder, joined, leaks, traces
from tests.servers.loopback import answering

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer, Received

HEADER_SECRETS = {"base64": joined("+", "/") + "==", "marks": joined("\"'\\<&>", "%2B!*():,;")}
"""Credentials travel in a header: ASCII that shows."""
TEXTS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "HTML-escaped": escape,
    "HTML-escaped, every mark": lambda text: "".join(char if char.isalnum() else f"&#{ord(char)};" for char in text),
    "URL-encoded": lambda text: quote(text, safe=""),
    "URL-encoded, as JavaScript does": lambda text: quote(text, safe="!'()*"),
    "as a form": quote_plus,
    "JSON-escaped": json.dumps,
    "JSON-escaped, as PHP does": lambda text: json.dumps(text).replace("/", r"\/"),
    "JSON-escaped, as Go does": lambda text: json.dumps(text).translate({ord(c): f"\\u{ord(c):04x}" for c in "<>&"}),
    "repr": repr,
    "repr of bytes": lambda text: repr(text.encode()),
    "base64": lambda text: b64encode(text.encode()).decode(),
    "base64 behind 1": lambda text: b64encode(b"1" + text.encode()).decode(),
    "base64 behind 2": lambda text: b64encode(b"12" + text.encode()).decode(),
    "base64 for URLs": lambda text: urlsafe_b64encode(text.encode()).decode(),
    "base64 in a URL": lambda text: quote(b64encode(text.encode()).decode(), safe=""),
}
ANSWERS: dict[str, Callable[[str], bytes]] = {
    "a text": str.encode,
    "an error": lambda text: json.dumps({"error": {"message": text, "type": "bad"}}).encode(),
    "a page": lambda text: f"<html><title>{text}</title></html>".encode(),
}
KINDS: dict[str, tuple[str, str]] = {
    "hmac": ("SUPRSEND_WORKSPACE_KEY", "SUPRSEND_WORKSPACE_SECRET"),
    "bearer": ("SUPRSEND_WORKSPACE_UID", "SUPRSEND_API_KEY"),
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("form", ["pretty", "json"])
def test_a_secret_that_the_platform_echoes_is_starred(
    folder: Folder, echoing: CapturingServer, form: str, secret: str
) -> None:
    for index in range(len(TEXTS)):
        folder.spec(f"{index:02}.yaml")
    folder.environ["RUNNER_VAR_token"] = secret
    found = []
    for what in (secret, json.dumps({"t": secret}, ensure_ascii=False)):
        records = [
            {"status": "error", "status_code": 400, "error": f"refused: {text(what)}"} for text in TEXTS.values()
        ]
        echoing.answers.append((207, {"status": "success", "records": records}))
        ended = folder("send", ".", *LOUD[form])
        assert ended.code == 1
        found += leaks(ended)
    assert found == []


@pytest.mark.parametrize(("public", "private"), KINDS.values(), ids=KINDS)
def test_a_credential_that_the_platform_echoes_is_starred_in_the_results(
    cli: CommandLine, in_tmp: Path, echoing: CapturingServer, public: str, private: str
) -> None:
    cli.environ = {public: "workspace", private: LETTERS, "SUPRSEND_BASE_URL": echoing.base_url}
    (in_tmp / "a.yaml").write_text('version: 1\nevent: order_placed\ndistinct_id: "{{ user }}"\n')
    (in_tmp / "rows.csv").write_text("\n".join(["user", *(f"u{index}" for index in range(len(TEXTS)))]))
    records = [{"status": "error", "status_code": 400, "error": f"refused: {text(LETTERS)}"} for text in TEXTS.values()]
    echoing.answers.append((207, {"status": "success", "records": records}))
    ended = cli("send", "a.yaml", "--rows", "rows.csv", "--results", "results.jsonl", "--retries", "0")
    results = (in_tmp / "results.jsonl").read_text()
    assert (ended.code, results.count("refused: ")) == (1, len(TEXTS))
    assert leaks(results) == []


@pytest.mark.parametrize("secret", HEADER_SECRETS)
@pytest.mark.parametrize(("public", "private"), KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_an_authorization_that_the_platform_echoes_is_starred(
    folder: Folder, echoing: CapturingServer, text: Callable[[str], str], public: str, private: str, secret: str
) -> None:
    def answer(request: Received) -> tuple[int, bytes, dict[str, str]]:
        return 401, f"not you: {text(request.headers['Authorization'])}".encode(), {}

    folder.write("a.yaml", REST.replace("token", "'u1'"))
    for name in KINDS["hmac"]:
        del folder.environ[name]
    folder.environ |= {public: "workspace", private: HEADER_SECRETS[secret]}
    echoing.answer_to = answer  # type: ignore[method-assign] # this server answers with what it got
    ended = folder("send", "a.yaml", "-v")
    signature = () if private == "SUPRSEND_API_KEY" else (echoing.received[-1].headers["Authorization"][-44:],)
    assert ended.code == 3
    assert (leaks(ended), traces(ended.out, signature, 12, 12)) == ([], [])


@pytest.mark.parametrize("form", ["pretty", "json"])
def test_a_secret_is_starred_wherever_it_stands_in_an_answer(
    folder: Folder, echoing: CapturingServer, form: str
) -> None:
    folder.spec()
    folder.environ["RUNNER_VAR_token"] = LETTERS
    answers: list[tuple[int, object]] = [
        (400, {"error": LETTERS}), (400, {"message": LETTERS}), (400, {LETTERS: [LETTERS]}), (400, [LETTERS]),
        (500, f"<html><title>{LETTERS}</title></html>".encode()), (502, LETTERS.encode()),
        (502, LETTERS.encode("utf-16")),
        (200, LETTERS.encode()), (200, {"status": LETTERS}), (202, {"status": "success", "message_id": LETTERS}),
        (302, LETTERS.encode()), (429, {"error": LETTERS}), (403, {"error": LETTERS}), (999, {"error": LETTERS}),
    ]  # fmt: skip
    echoing.answers.extend(answers)
    printed = [folder("send", "a.yaml", "--retries", "0", *LOUD[form]) for _ in answers]
    records = [
        {"status": LETTERS},
        {"status": "success", "message_id": LETTERS},
        {"status": "fail", "message": LETTERS},
    ]
    echoing.answers.append((207, {"records": records}))
    for name in ("b.yaml", "c.yaml"):
        folder.spec(name)
    printed.append(folder("send", ".", *LOUD[form]))
    assert len(echoing.received) == len(answers) + 1
    assert leaks(*printed) == []


@pytest.mark.parametrize("form", ["pretty", "json"])
def test_a_secret_at_which_a_long_answer_is_cut_is_starred(folder: Folder, echoing: CapturingServer, form: str) -> None:
    before = range(300 - len(LETTERS), 300)
    for length in before:
        folder.spec(f"{length}.yaml")
    folder.environ["RUNNER_VAR_token"] = LETTERS
    records = [{"status": "error", "error": "x" * length + LETTERS} for length in before]
    echoing.answers.append((207, {"records": records}))
    ended = folder("send", ".", *LOUD[form])
    assert ended.code == 1
    assert leaks(ended) == []


@pytest.mark.parametrize("before", [80, 95, 200, 280, 299, 390])
def test_a_secret_at_which_a_line_that_is_no_http_is_cut_is_starred(folder: Folder, before: int) -> None:
    folder.spec()
    folder.environ |= HMAC | {"SUPRSEND_WORKSPACE_SECRET": "x" * 20, "RUNNER_VAR_token": LETTERS}
    line = b"x" * before + LETTERS.encode() + b"\n\n"
    with answering(lambda connection, _: connection.sendall(line)) as listening:
        folder.environ["SUPRSEND_BASE_URL"] = f"http://127.0.0.1:{listening.port}/"
        printed = folder.loudly("send", "a.yaml", "--retries", "1", forms=TOLD)
    assert {ended.code for ended in printed} == {7}
    assert leaks(*printed) == []


@pytest.mark.parametrize("before", [345, 360, 375, 390])
def test_a_secret_at_which_an_annotation_is_cut_is_starred(folder: Folder, before: int) -> None:
    """Under GitHub Actions each problem becomes an annotation, also where nobody asked for that format."""
    schema = {"properties": {"a": {"pattern": "^$"}}}
    folder.spec(properties={"a": f"{'x' * before}{{{{ token }}}}"}, schema=schema)
    folder.environ |= {"GITHUB_ACTIONS": "true", "RUNNER_VAR_token": LETTERS}
    printed = folder.loudly("send", "a.yaml", "-n")
    assert {ended.code for ended in printed} == {2}
    assert all("::error" in ended.out + ended.err for ended in printed)
    assert leaks(*printed) == []
