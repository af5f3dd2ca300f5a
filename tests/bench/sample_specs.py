"""Specs such as people write, any number of them, the same on every run.

Each one is like `specs/purchase.yaml`: variables, seven templates, attachments, a schema and a case; every other schema
is a file of its own.
"""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_SPEC = """\
version: 1
description: A customer {verb} {article} {noun}; {team} looks after it.
labels: [{label}, {team}]

vars:
  user:     {{type: string, description: who {verb} it}}
  {noun}_id: {{type: string, pattern: "^[0-9]+$", default: "{number}"}}
  amount:   {{type: number, minimum: 0, default: {amount}}}
  currency: {{type: string, enum: [EUR, USD, INR], default: {currency}}}

event: {noun}_{verb}_{index}
distinct_id: "{{{{ user }}}}"
tenant_id: {team}
idempotency_key: "{{{{ user }}}}-{noun}-{verb}-{index}-{{{{ {noun}_id }}}}"
properties:
  {noun}_id: "{{{{ {noun}_id }}}}"
  amount: "{{{{ amount }}}}"
  spend_text: "{{{{ '%.2f' | format(amount) }}}} {{{{ currency }}}}"
  premium: "{{{{ amount > {limit} }}}}"
  channel: {channel}
  placed: {{country: {country}, shop: {shop}, tags: [{label}, {channel}]}}
attachments:
  - https://files.example.com/{team}/{noun}s-{index}/{{{{ {noun}_id }}}}.pdf
  - {{url: "https://files.example.com/{team}/terms.pdf", filename: terms.pdf, ignore_if_error: true}}
schema: {schema}

tests:
  - name: a premium {noun}
    vars: {{user: u{index}, {noun}_id: "{number}", amount: {high}, currency: {currency}}}
    now: "2026-01-02T03:04:05Z"
    expect:
      event: {{properties: {{amount: {high}, premium: true, channel: {channel}}}}}
  - name: the id of {article} {noun} must be digits
    vars: {{user: u{index}, {noun}_id: abc}}
    expect: {{error: {{code: var-schema, at: vars.{noun}_id}}}}
"""
_NOUNS = ("order", "invoice", "voucher", "subscription", "parcel")
_VERBS = ("bought", "returned", "renewed", "cancelled", "reviewed")
_SEED = 20261123


def write_valid(folder: Path, count: int) -> list[str]:
    """Write specs without a problem; returns their paths, relative to the folder."""
    return _write(folder, count, lambda text, _: text)


def write_faulty(folder: Path, count: int) -> list[str]:
    """Write specs with two errors and two warnings each, none like that of another file."""
    return _write(folder, count, _spoiled)


def _write(folder: Path, count: int, edited: Callable[[str, int], str]) -> list[str]:
    random = Random(_SEED)  # noqa: S311 - the same specs on every run
    (folder / "schemas").mkdir(parents=True)
    for noun in _NOUNS:
        (folder / "schemas" / f"{noun}.json").write_text(json.dumps(_schema(noun), indent=2), "utf-8")
    names = []
    for index in range(count):
        names.append(f"{index:05}.yaml")
        (folder / names[-1]).write_text(edited(_spec(random, index), index), "utf-8")
    return names


def _spec(random: Random, index: int) -> str:
    noun = random.choice(_NOUNS)
    limit = random.randrange(100, 2000, 50)
    return _SPEC.format(
        index=index,
        noun=noun,
        article="an" if noun[0] in "aeiou" else "a",
        verb=random.choice(_VERBS),
        team=random.choice(("checkout", "billing", "logistics", "retention")),
        label=random.choice(("smoke", "nightly", "core")),
        number=random.randrange(1000, 10**8),
        amount=random.randrange(1, 10**5) / 100,
        limit=limit,
        high=limit + random.randrange(1, 1000),
        currency=random.choice(("EUR", "USD", "INR")),
        channel=random.choice(("web", "app", "shop")),
        country=random.choice(("DE", "IN", "US", "FR")),
        shop=random.randrange(1, 500),
        schema=f"schemas/{noun}.json" if index % 2 else json.dumps(_schema(noun)),
    )


def _spoiled(text: str, index: int) -> str:
    spoiled = text.replace("{{ amount }}", f"{{{{ amount_{index} }}}}").replace("| format", f"| format{index}")
    unused = f"  spare_{index}: {{type: string}}\n  other_{index}: {{type: string}}\n\nevent:"
    return spoiled.replace("\nevent:", unused)


def _schema(noun: str) -> dict[str, object]:
    return {
        "type": "object",
        "required": [f"{noun}_id", "amount", "spend_text", "premium"],
        "properties": {
            f"{noun}_id": {"type": "string"},
            "amount": {"type": "number", "minimum": 0},
            "spend_text": {"type": "string", "pattern": r"^[0-9]+\.[0-9]{2} [A-Z]{3}$"},
            "premium": {"type": "boolean"},
            "channel": {"enum": ["web", "app", "shop"]},
        },
    }
