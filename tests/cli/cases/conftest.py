"""What tests of `runner test` share: a project without plugins, and specs that pass, fail or ask for an answer."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import CommandLine

PURCHASE = """
    version: 1
    vars: {user: {type: string}, amount: {type: number, default: 10}}
    event: product_purchased
    distinct_id: "{{ user }}"
    idempotency_key: "{{ user }}-purchase"
    properties: {amount: "{{ amount }}"}
    tests:
      - name: a premium purchase
        vars: {user: u1, amount: 1500}
        expect: {event: {properties: {amount: 1500}}}
      - name: an answer
        vars: {user: u2}
        expect: {response: {status_code: 202}}
"""


RENDERED = PURCHASE.replace("response: {status_code: 202}", "event: {distinct_id: u2}")
WRONG = RENDERED.replace("amount: 1500}}}", "amount: 15}}}")
INVALID = PURCHASE.replace("{{ amount }}", "{{ amont }}")


@pytest.fixture(autouse=True)
def _project(in_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a project the working directory, and load none of the plugins that happen to be installed."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    (in_tmp / ".git").mkdir()


def write(text: str, name: str = "specs/purchase.yaml") -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text).lstrip())


def record(cli: CommandLine) -> None:
    assert cli("test", "--record", "rewrite", "--sandbox").code == 0
