"""No secret is written into a cassette."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from runner.errors import ExitCode
from runner.secrets import Mask
from runner.testing.cassette import SANDBOX, CassetteError
from runner.testing.cassette_reader import load
from runner.testing.cassette_writer import save
from runner.testing.leaks import leaks
from tests.testing.cassettes.conftest import SECRET, cassette, interaction, problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
