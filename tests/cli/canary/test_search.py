"""The search itself finds a secret in every form and in part."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest

from tests.cli.canary.conftest import FORMATS, LOUD, SECRETS, leaks, traces

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import CommandLine

FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "in capitals": str.upper,
    "URL-encoded": lambda text: quote(text, safe=""),
    "of a form": quote_plus,
    "HTML-escaped": escape,
    "JSON-escaped": json.dumps,
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "repr": repr,
    "repr of bytes": lambda text: repr(text.encode()),
    "base64": lambda text: b64encode(text.encode()).decode(),
    "base64 behind 1": lambda text: b64encode(b"1" + text.encode()).decode(),
    "base64 behind 2": lambda text: b64encode(b"12" + text.encode()).decode(),
    "base64 for URLs": lambda text: urlsafe_b64encode(json.dumps(text).encode()).decode(),
    "hexadecimals": lambda text: text.encode().hex(),
    "its beginning": lambda text: text[:7],
    "its end": lambda text: text[-7:],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_search_finds_a_secret_in_every_form_and_in_part(form: Callable[[str], str]) -> None:
    assert [name for name, secret in SECRETS.items() if not traces(f"<{form(secret)}>")] == []


@pytest.mark.usefixtures("in_repository")
def test_the_search_finds_nothing_where_no_secret_is(cli: CommandLine) -> None:
    printed = [cli("send", "specs/", "--var", "user=u1", "-n", *LOUD[form]) for form in FORMATS]
    assert [ended.code for ended in printed] == [0, 0, 0, 0]
    assert leaks(*printed, cli("schema", "-o", "json"), cli("--help"), cli("validate", "specs/")) == []
