"""A cassette says what was recorded: plain vcrpy reads it, nothing secret stands in it, and what is broken is refused."""

from __future__ import annotations

import gzip
import json
import time
from base64 import b64encode
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import requests
import vcr  # type: ignore[import-untyped]
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vcr.serialize import deserialize  # type: ignore[import-untyped]
from vcr.serializers import yamlserializer  # type: ignore[import-untyped]

from runner import __version__
from runner.errors import ExitCode, MachineError, Position, Problem
from runner.secrets import Mask
from runner.source import read
from runner.suprsend.answer import Answer
from runner.testing.cassette import SANDBOX, Cassette, CassetteError, Interaction, expired
from runner.testing.cassette_path import cassette_path
from runner.testing.cassette_reader import load
from runner.testing.cassette_writer import _spread, save
from runner.testing.leaks import leaks
from runner.testing.network import blocked
from runner.testing.request_diff import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.codes import Code
    from tests.servers.capturing import CapturingServer

DAY = date(2026, 11, 24)
JSON = "application/json; charset=utf-8"
AGAIN = "runner test specs/a.yaml -k 'a case' --record rewrite --sandbox"
SECRET = 'k/ey+ "é<&>\\2'
OPEN = Mask()


def interaction(
    body: bytes = b'{"event":"ordered"}',
    answer: bytes = b'{"status":"success"}',
    uri: str = "http://127.0.0.1:7788/v2/event/",
    content_type: str | None = JSON,
    **head: Any,
) -> Interaction:
    return Interaction(Request("POST", uri, content_type, body), Answer(head.pop("status_code", 202), answer, **head))


def cassette(*interactions: Interaction, source: str = SANDBOX) -> Cassette:
    return Cassette(source, DAY, interactions or (interaction(),))


def problem(code: Code, message: str, line: int = 1, hint: str | None = f"record it: {AGAIN}") -> Problem:
    return Problem(code, message, Position("c.yaml", line, 1, 2, ""), hint=hint)


# The file


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


# Secrets


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text,
        lambda text: quote(text, safe=""),
        lambda text: quote(quote(text)),
        lambda text: b64encode(text.encode()).decode(),
        lambda text: b64encode(b"x" + text.encode()).decode(),
        json.dumps,
        lambda text: json.dumps(json.dumps(text)),
    ],
)
@pytest.mark.parametrize("shape", [lambda value: {"a": value}, lambda value: [{"b": 1}, {"c": {value: [value]}}]])
def test_secrets_are_masked_in_bodies_which_stay_json(
    encode: Callable[[str], str], shape: Callable[[str], object], tmp_path: Path
) -> None:
    body = json.dumps(shape(f"before {encode(SECRET)} after")).encode()
    save(tmp_path / "c.yaml", cassette(interaction(body, body), source=SANDBOX), Mask([SECRET]), tmp_path)
    [found] = load(tmp_path / "c.yaml").interactions
    assert found.request.body == found.answer.body
    masked = json.dumps(json.loads(found.request.body))
    assert "before " in masked
    assert " after" in masked
    assert "***" in masked
    assert leaks(tmp_path / "c.yaml", Mask([SECRET])) == []


def test_secrets_are_masked_outside_of_bodies_and_in_what_is_no_json(tmp_path: Path) -> None:
    secret = "s3cr3t-42"
    one = interaction(
        f"a={secret}".encode(), f"no {secret}".encode(), f"https://example.com/{secret}/v2/event/?k={secret}",
        f"text/{secret}", retry_after=secret,
    )  # fmt: skip
    save(tmp_path / "c.yaml", cassette(one, source=f"https://example.com/{secret}/"), Mask([secret]), tmp_path)
    masked = interaction(b"a=***", b"no ***", "https://example.com/***/v2/event/?k=***", "text/***", retry_after="***")
    assert load(tmp_path / "c.yaml") == cassette(masked, source="https://example.com/***/")


def test_a_number_that_is_a_secret_is_masked_and_a_short_one_leaves_our_own_words_alone(tmp_path: Path) -> None:
    save(
        tmp_path / "c.yaml",
        cassette(interaction(b'{"pin":123456,"n":[24,202,1]}')),
        Mask(["123456", "24", "202", "1"]),
        tmp_path,
    )
    assert json.loads(load(tmp_path / "c.yaml").interactions[0].request.body) == {"pin": "***", "n": ["***"] * 3}
    assert (tmp_path / "c.yaml").read_text("utf-8").startswith("# recorded 2026-11-24 ")


def test_a_secret_behind_a_key_that_stands_twice_is_not_written(tmp_path: Path) -> None:
    save(tmp_path / "c.yaml", cassette(interaction(b'{"a":"s3cr3t","a":"x"}')), Mask(["s3cr3t"]), tmp_path)
    assert load(tmp_path / "c.yaml").interactions[0].request.body == b'{"a":"***","a":"x"}'


def test_a_body_without_secrets_stays_as_it_is(tmp_path: Path) -> None:
    body = b'{ "b": 1.50, "a":\t"\\u00eb", "a": 1 }'
    save(tmp_path / "c.yaml", cassette(interaction(body, body)), Mask(["s3cr3t"]), tmp_path)
    assert load(tmp_path / "c.yaml") == cassette(interaction(body, body))


def test_a_secret_that_can_not_be_masked_is_found_after_writing_and_nothing_is_left(tmp_path: Path) -> None:
    mask = Mask(["suprsend-runner"])  # it stands in the first line, which says what wrote the file
    with pytest.raises(CassetteError) as refused:
        save(tmp_path / "c.yaml", cassette(), mask, tmp_path, "c.yaml")
    hint = "an event's names and structure must not contain a secret; nothing was written"
    assert refused.value.problems == (problem("cassette-leak", "the file contains a secret here", hint=hint),)
    assert refused.value.exit_code == ExitCode.CASSETTE
    assert list(tmp_path.iterdir()) == []


PACKED = b64encode(gzip.compress(b"s3cr3t", mtime=0)).decode()
LEAK_HINT = "revoke the secret if others may have read it, and record again"


def written(folder: Path, request: str = "{}", response: str = "OK") -> Path:
    """Write a file as vcrpy does; its headers begin on line 4, the answer's body stands on line 10."""
    path = folder / "c.yaml"
    path.write_text(
        "interactions:\n- request:\n    body: ''\n"
        f"    headers: {request}\n    method: GET\n    uri: https://example.com/\n"
        f"  response:\n    headers: {{}}\n    body:\n      string: {response}\n    status: {{code: 200, message: OK}}\n"
        "version: 1\n",
        "utf-8",
    )
    return path


@pytest.mark.parametrize(
    "response",
    [
        "a s3cr3t text",
        '"s3cr3\\u0074"',
        '"s3cr\\\n        3t"',
        "czNjcjN0",
        f"!!binary {b64encode(b'xs3cr3t').decode()}",
        f"!!binary |\n        {PACKED[:20]}\n        {PACKED[20:]}",
    ],
)
def test_a_secret_is_found_in_files_by_others_however_it_is_written(response: str, tmp_path: Path) -> None:
    found = leaks(written(tmp_path, response=response), Mask(["s3cr3t"]), "c.yaml")
    assert found == [problem("cassette-leak", "the file contains a secret here", 10, LEAK_HINT)]


def test_each_place_of_a_secret_is_told_once(tmp_path: Path) -> None:
    path = written(tmp_path, "{X: s3cr3t}", "s3cr3t")
    path.write_text(f"# s3cr3t\n{path.read_text('utf-8')}{{broken: s3cr3t\n", "utf-8")
    assert [each.position.line for each in leaks(path, Mask(["s3cr3t"])) if each.position] == [1, 5, 11, 14]
    path.write_text("a: s3cr3t\ns3cr3t: 1 # s3cr3t\n? x\n", "utf-8")
    assert [(each.position.line, each.message) for each in leaks(path, Mask(["s3cr3t"])) if each.position] == [
        (1, "the file contains a secret here"),
        (2, "a key contains a secret"),
    ]


@pytest.mark.parametrize(
    ("request_headers", "response", "message", "line"),
    [
        ("{Authorization: [abc]}", "OK", "a credential, in the header authorization", 4),
        ("{X-API-Key: abc}", "OK", "a credential, in the header x-api-key", 4),
        ("{Cookie: [a=b]}", "OK", "a credential, in the header cookie", 4),
        ("{}", "sent Bearer abcdefghijklmnopqrst", "a bearer token", 10),
        ("{}", '"-----BEGIN RSA PRIVATE KEY-----"', "a private key", 10),
        ("{}", "see https://user:word@example.com/", "a password in a URL", 10),
    ],
)
def test_what_looks_like_a_credential_is_told(
    request_headers: str, response: str, message: str, line: int, tmp_path: Path
) -> None:
    found = leaks(written(tmp_path, request_headers, response), OPEN, "c.yaml")
    assert found == [problem("cassette-leak", f"this looks like {message}", line, LEAK_HINT)]


@pytest.mark.parametrize(
    "value",
    [
        "***",
        "Bearer ***",
        "REDACTED",
        "DUMMY",
        "''",
        "[]",
        "null",
        "ntn_...",
        "Bearer secret_…",
        "'00000000000000000000'",
    ],
)
def test_what_somebody_masked_is_no_credential(value: str, tmp_path: Path) -> None:
    assert leaks(written(tmp_path, f"{{Authorization: {value}}}"), Mask(["s3cr3t"])) == []


# What is refused


def refusal(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(CassetteError) as refused:
        load(path, AGAIN, "c.yaml")
    assert refused.value.exit_code == ExitCode.CASSETTE
    return refused.value.problems


def test_a_missing_cassette_is_told_with_the_command_that_records_it(tmp_path: Path) -> None:
    message = "there is no cassette c.yaml"
    assert refusal(tmp_path / "c.yaml") == (Problem("cassette-missing", message, hint=f"record it: {AGAIN}"),)


@pytest.mark.parametrize("content", ["", "\n# only a comment\n", "interactions: []\nversion: 1\n"])
def test_an_empty_cassette_is_told(content: str, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(content)
    assert refusal(tmp_path / "c.yaml") == (problem("cassette-empty", "the cassette contains no requests"),)


FORM = "not a cassette: it has no list of interactions, or its version is not 1"


@pytest.mark.parametrize(
    ("content", "message", "line"),
    [
        (b"\xff", "the cassette is not UTF-8 text", 1),
        (b"a: [b\n", "the cassette can't be read: the [ that opens here is never closed", 1),
        (b"[]", FORM, 1),
        (b"hello", FORM, 1),
        (b"interactions: {}\nversion: 1\n", FORM, 1),
        (b"interactions: []\nversion: 2\n", FORM, 1),
        (b"- request: {}\n", FORM, 1),
        (b"interactions:\n- 1\nversion: 1\n", "invalid cassette: an interaction has no status code", 2),
        (
            b"interactions:\n- response: {status: {code: 200}}\nversion: 1\n",
            "invalid cassette: an interaction has no text at response.body.string",
            2,
        ),
        (
            b"interactions:\n- response: {status: {code: 200}, body: {string: [1]}}\nversion: 1\n",
            "invalid cassette: an interaction has no text at response.body.string",
            2,
        ),
        (
            b"interactions:\n- response: {status: {code: 9}, body: {string: x}}\nversion: 1\n",
            "invalid cassette: an interaction has no status code",
            2,
        ),
        (
            b"interactions:\n- response: {status: {code: 200}, body: {string: x}}\n  request:\n    method: POST\n    uri: 'http://['\nversion: 1\n",
            "invalid cassette: request.uri is not a URL",
            5,
        ),
        (
            "interactions:\n- response: {status: {code: 200}, body: {string: x}}\n  request: {method: POST, uri: //a℀b/}\nversion: 1\n".encode(),
            "invalid cassette: request.uri is not a URL",
            3,
        ),
        (
            b"a: !!python/object/apply:os.system ['false']\n",
            "the cassette can't be read: tag !!python/object/apply:os.system is not allowed",
            1,
        ),
        (b"a: &a {b: c}\nd:\n  <<: *a\n", "the cassette can't be read: merge keys (<<) are not supported", 3),
    ],
)
def test_what_is_no_cassette_is_refused_at_its_line(content: bytes, message: str, line: int, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_bytes(content)
    assert refusal(tmp_path / "c.yaml") == (problem("cassette-unreadable", message, line),)


def test_a_folder_is_no_cassette(tmp_path: Path) -> None:
    message = "the cassette can't be read: Is a directory"
    assert refusal(tmp_path) == (problem("cassette-unreadable", message),)


@pytest.mark.slow
@pytest.mark.parametrize(
    "bomb",
    [
        b"[" * 1_000_000,
        b"- " * 1_000_000,
        b"- a\n" * 1_000_000,
        b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(b"%c: &%c [%s]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 9)) for n in range(98, 123)),
        b"a: &a {x: y}\n" + b"".join(b"%c: &%c {<<: [%s]}\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 9)) for n in range(98, 123)),
        b" " * (16 * 1024 * 1024 + 1),
        b"a: '" + b"x\n\n" * 3_000_000,
    ],
    ids=["brackets", "indents", "items", "aliases", "merges", "blanks", "lines"],
)  # fmt: skip
def test_a_hostile_file_is_refused_before_it_costs_anything(bomb: bytes, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_bytes(bomb)
    began = time.process_time()
    assert [each.code for each in refusal(tmp_path / "c.yaml")] == ["cassette-unreadable"]
    leaks(tmp_path / "c.yaml", Mask(["s3cr3t"]))
    assert time.process_time() - began < 10


# Names


PROJECT = Path("/project")


def name_of(spec: str, case: str) -> str:
    return cassette_path(PROJECT, PROJECT / spec, case).relative_to(PROJECT).as_posix()


@pytest.mark.parametrize(
    ("spec", "case", "path"),
    [
        ("specs/purchase.yaml", "a premium purchase", "cassettes/purchase/a-premium-purchase.yaml"),
        ("specs/shop/order.v2.yml", "Zoë's 1st — order!", "cassettes/shop/order.v2/zoe-s-1st-order.yaml"),
        ("other/specs/a.yaml", "x[1.5]", "cassettes/other/specs/a/x-1-5.yaml"),
        ("specs.yaml", "x", "cassettes/specs/x.yaml"),
        ("specs/a.yaml", "../../etc/passwd", "cassettes/a/etc-passwd.yaml"),
        ("specs/a.yaml", "x" * 60, f"cassettes/a/{'x' * 60}.yaml"),
        ("specs/a.yaml", "x" * 100, f"cassettes/a/{'x' * 51}-09ecb6eb.yaml"),
        ("specs/a.yaml", "x" * 59 + " y", f"cassettes/a/{'x' * 51}-b2e54827.yaml"),
        ("specs/a.yaml", "paid 2026-01-02, 10:30 (#1)", "cassettes/a/paid-2026-01-02-10-30-1.yaml"),
        ("specs/a.yaml", "x[1]", "cassettes/a/x-1.yaml"),
        ("specs/a.yaml", "注文", "cassettes/a/266125dd.yaml"),
    ],
)
def test_a_cassette_is_named_by_its_spec_and_case(spec: str, case: str, path: str) -> None:
    assert name_of(spec, case) == path


@pytest.mark.parametrize(
    "names",
    [
        ("x" * 60, "x" * 61, "x" * 100, "x" * 101),
        ("x" * 59 + " y", "x" * 59 + " z", "x" * 59),
        ("x[1]", "x[-1]", "x[u--1]", "x[u-1]", "x[+1]"),
        ("注文", "支払", "order 注文", "order 支払", "order"),
        ("amount < 10", "amount > 10", "amount 10", "amount 10%", "amount 10 €"),
    ],
    ids=lambda names: names[0][:20],
)
def test_a_slug_that_is_cut_or_leaves_out_what_tells_names_apart_has_a_hash(names: tuple[str, ...]) -> None:
    found = [name_of("specs/a.yaml", name) for name in names]
    assert len(set(found)) == len(names)
    assert all(len(Path(path).stem) <= 60 for path in found)


# Age


def test_a_cassette_may_be_as_old_as_it_may_be_and_no_older() -> None:
    tape = replace(cassette(), path="c.yaml")
    assert expired(tape, timedelta(days=90), DAY + timedelta(days=90), AGAIN) is None
    assert expired(tape, timedelta(days=90), DAY, AGAIN) is None
    assert expired(tape, timedelta(days=90), DAY - timedelta(days=1), AGAIN) is None  # recorded east of here
    hint = f"record it again: {AGAIN}"
    message = "the cassette is too old: it was recorded 91 days ago, max_age is 90 days"
    assert expired(tape, timedelta(days=90), DAY + timedelta(days=91), AGAIN) == problem(
        "cassette-expired", message, 1, hint
    )
    message = "the age of the cassette is unknown: it says that it was recorded on 2026-11-24, after today"
    assert expired(tape, timedelta(days=90), DAY - timedelta(days=2), AGAIN) == problem(
        "cassette-expired", message, 1, hint
    )
    message = "the age of the cassette is unknown: it does not say when it was recorded"
    unknown = replace(tape, recorded_at=None)
    assert (unknown.age_days(DAY), tape.age_days(DAY)) == (None, 0)
    assert expired(unknown, timedelta(days=90), DAY, AGAIN) == problem("cassette-expired", message, 1, hint)


@pytest.mark.parametrize("target", [".env", ".secrets.yaml", "key.pem"])
def test_a_cassette_that_is_a_link_to_a_file_of_another_kind_is_not_read(tmp_path: Path, target: str) -> None:
    (tmp_path / target).write_text("password: *hunter2\n")
    (tmp_path / "one.yaml").symlink_to(tmp_path / target)
    with pytest.raises(CassetteError) as caught:
        load(tmp_path / "one.yaml", shown="one.yaml")
    assert str(caught.value) == "one.yaml:1:1: the cassette is a link to a file that is not a cassette"


def test_a_value_is_searched_once_however_many_aliases_it_has(tmp_path: Path) -> None:
    packed = b64encode(gzip.compress(b"a" * 8_000_000)).decode()
    aliases = "".join(f"b{number}: *a\n" for number in range(300))
    (tmp_path / "c.yaml").write_text(f"a: &a !!binary {packed}\n{aliases}", "utf-8")
    start = time.process_time()
    assert leaks(tmp_path / "c.yaml", Mask([SECRET])) == []
    assert time.process_time() - start < 2


def test_more_than_a_cassette_may_have_unpacked_is_told(tmp_path: Path) -> None:
    packed = b64encode(gzip.compress(b"a" * 20_000_000 + SECRET.encode())).decode()
    (tmp_path / "c.yaml").write_text(f"a: !!binary {packed}\nb: !!binary {packed}\n", "utf-8")
    assert [each.message for each in leaks(tmp_path / "c.yaml", Mask([SECRET]))] == [
        "more than 16,777,216 bytes are compressed in the file, so it could not be searched completely"
    ]


def test_aliases_make_a_cassette_no_larger_than_it_may_be(tmp_path: Path) -> None:
    body = "x" * 1_000_000
    first = f"- &a {{request: {{method: POST, uri: 'http://x/', body: {body}}}, response: {{status: {{code: 202}}, body: {{string: ''}}}}}}\n"
    (tmp_path / "c.yaml").write_text(f"version: 1\ninteractions:\n{first}" + "- *a\n" * 30, "utf-8")
    with pytest.raises(CassetteError, match="more than 2,097,152 characters, aliases written out"):
        load(tmp_path / "c.yaml")


def test_what_is_allowed_is_no_credential_and_still_a_secret(tmp_path: Path) -> None:
    path = written(tmp_path, "{Authorization: [Basic of-the-manual]}", "Bearer abcdefghijklmnopqrst")
    assert leaks(path, OPEN, allowed=("Basic of-the-manual", "Bearer abcdefghijklmnopqrst")) == []
    assert len(leaks(path, OPEN, allowed=("Basic of-the-manual",))) == 1
    assert len(leaks(path, Mask(["of-the-manual"]), allowed=("Basic of-the-manual",))) == 2


def test_a_merge_conflict_is_named_as_one(tmp_path: Path) -> None:
    save(tmp_path / "c.yaml", cassette(), OPEN, tmp_path)
    text = (tmp_path / "c.yaml").read_text("utf-8")
    (tmp_path / "c.yaml").write_text(f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> other\n", "utf-8")
    with pytest.raises(CassetteError) as refused:
        load(tmp_path / "c.yaml", AGAIN, "c.yaml")
    message = "the cassette can't be read: a merge conflict is not resolved here"
    assert refused.value.problems == (problem("cassette-unreadable", message),)
    for name in ("spec.yaml", "golden.json"):
        (tmp_path / name).write_text('{"a":\n<<<<<<< HEAD\n1\n=======\n2\n>>>>>>> other\n}\n')
        [found] = read(tmp_path / name).problems
        assert (found.message, found.position and found.position.line) == ("a merge conflict is not resolved here", 2)
