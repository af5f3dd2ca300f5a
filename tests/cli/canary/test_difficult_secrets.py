"""Secrets that are hard to hide: keys, few characters, lines."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.cli.canary.conftest import DIGITS, SECRETS, WORDS, Folder, leaks

if TYPE_CHECKING:
    from tests.servers.capturing import CapturingServer


@pytest.mark.parametrize("give", ["--var", "--var-json", "default"])
def test_the_keys_of_a_secret_map_are_starred(folder: Folder, give: str) -> None:
    value = {WORDS[0]: 1, "deep": [{WORDS[1]: {WORDS[2]: int(DIGITS)}}]}
    declared: dict[str, object] = {"type": "object", "secret": True}
    properties = {
        "map": "{{ token }}", "JSON": "{{ token | tojson }}", "keys": "{{ token.keys() | list }}",
        "text": "{% for key in token %}{{ key }},{% endfor %}", "more": "{{ token.deep }}",
    }  # fmt: skip
    folder.spec(vars={"token": declared | ({"default": value} if give == "default" else {})}, properties=properties)
    flags = () if give == "default" else (give, f"token={json.dumps(value)}")
    printed = folder.loudly("render", "a.yaml", *flags) + folder.loudly("send", "a.yaml", "-n", *flags)
    assert {ended.code for ended in printed} == {0}
    folder.spec(vars={"token": declared}, properties={"a": "{{ token.missing }}", "b": "{{ token['nothing'] }}"})
    flags = ("--var", f"token={json.dumps(value)}")
    printed += folder.loudly("render", "a.yaml", *flags)
    folder.spec(vars={"token": declared | {"additionalProperties": False}}, properties={"a": "{{ token }}"})
    printed += folder.loudly("render", "a.yaml", *flags)
    assert leaks(*printed) == []


@pytest.mark.parametrize("secret", ["1", "0", "3", "on", "of", "202", "u1"])
def test_a_secret_of_few_characters_leaves_our_own_words_alone(
    folder: Folder, echoing: CapturingServer, secret: str
) -> None:
    def printed(value: str) -> list[str]:
        folder.environ["RUNNER_VAR_token"] = value
        echoing.answers.extend([(503, {"error": "busy"}), (202, {"status": "success", "message_id": "m"})])
        told = [folder("send", "a.yaml"), folder("send", "a.yaml", "-n"), folder("render", "a.yaml")]
        return [re.sub(r"[0-9a-f-]{13,}|\d{8}-\d{6}-\S{4}", "ID", ended.out + ended.err) for ended in told]

    folder.spec(properties={"a": "{{ token }}", "b": "PIN {{ token }}."}, distinct_id="somebody")
    starred = printed(secret)
    assert starred == [text.replace("long-secret", "***") for text in printed("long-secret")]
    assert "retry 1 of 3 in 0.2 s" in starred[0]
    assert all("suprsend-runner/0.1.0" in text for text in starred[1:])
    assert '"b":"PIN ***."' in starred[2]


WRAPPED = {
    "by letters": "{{ token | wordwrap(1) }}",
    "by fours": "{{ token | wordwrap(4) }}",
    "with indentation": "{{ token | wordwrap(5) | indent(8) }}",
    "as JSON": "{{ (token | wordwrap(6)) | tojson }}",
    "as JSON in a URL": "https://x.example.com/?q={{ (token | wordwrap(6)) | tojson | urlencode }}",
    "as HTML": "<pre>{{ (token | e) | wordwrap(7) }}</pre>",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_secret_that_is_wrapped_is_starred(folder: Folder, secret: str) -> None:
    folder.spec(properties=WRAPPED)
    folder.environ["RUNNER_VAR_token"] = secret
    printed = folder.loudly("render", "a.yaml") + folder.loudly("send", "a.yaml", "-n", forms=("json",))
    assert [ended.code for ended in printed] == [0] * 5
    unwrapped = [re.sub(r"(?:\\+[nr]|%(?:25)*5Cn|\s)+", "", ended.out + ended.err) for ended in printed]
    assert leaks(*unwrapped) == []
