"""What it costs to let a spec compute: named values, a loop and dates, in one event and in the rows of a file.

The first row compares one event with a Python function that somebody wrote for it: with f-strings, and with the same exact
decimals. Ours also keeps undefined names, null in text, and the event's time and size in bounds. The second row compares
rows of `specs/purchase.yaml` with rows of the same spec that has two lets, an omitted field and a date besides.
Run it at the repository's root: `python tests/bench/computed.py`.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from runner.eventspec import Occurrence, Spec, load, specialize
from runner.variables import RowResolver, resolve
from tests.bench.timing import REPOSITORY, Row, conclude, faster, take_turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.eventspec import Make

_EVENTS = 500
_TURNS = 31
_NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_SEED = UUID(int=1)
_ORDER = """\
version: 1
vars:
  user: {type: string, default: u1}
  timezone: {type: string, default: Asia/Kolkata}
  items:
    type: array
    default:
      - {name: tea, quantity: 2, price: 19.99}
      - {name: cup, quantity: 1, price: 4}
      - {name: pot, quantity: 3, price: 7.5}
      - {name: jar, quantity: 1, price: 2.25}
      - {name: mug, quantity: 5, price: 3.5}
let:
  lines: {$for: item in items, $do: {name: "{{ item.name }}", total: "{{ item.quantity * item.price }}"}}
  total: "{{ lines | sum(attribute='total') }}"
  local: "{{ now() | in_timezone(timezone) }}"
event: order_placed
distinct_id: "{{ user }}"
properties:
  lines: "{{ lines }}"
  summary: "{{ lines | length }} items, {{ total }} EUR"
  placed: "{{ local | isoformat }}"
  delivery: "{{ (local + timedelta(days=1)) | isoformat }}"
"""
_LETS = """\
let:
  is_large: "{{ amount > 1000 }}"
  name: "{{ user }}/{{ order_id }}"
event:"""
_COMPUTED = """\
  premium: "{{ is_large }}"
  label: "{{ name }}"
  vip: "{{ user if is_large else omit }}"
  due: "{{ (now() + timedelta(days=1)) | isoformat }}"
"""
_ROW = ["u1", "1001", "10.5"]


def main() -> int:
    """Measure, and write the table."""
    purchase = (
        (REPOSITORY / "specs" / "purchase.yaml").read_text("utf-8").replace("schema: schemas/purchase.json\n", "")
    )
    computed = purchase.replace("event:", _LETS, 1).replace('  premium: "{{ amount > 1000 }}"\n', _COMPUTED, 1)
    with TemporaryDirectory() as name:
        order, plain, rich = (_loaded(Path(name), text) for text in (_ORDER, purchase, computed.partition("tests:")[0]))
    rows = [_one_event(order), _one_row(_made(rich), _made(plain))]
    return conclude(Row("one event", "computed", "the other", "ratio", "target"), rows)


def _one_event(spec: Spec) -> Row:
    values: Any = resolve(spec.variables, [], {}, {}).values

    def ours() -> object:
        return spec.plan.evaluate(values, Occurrence(_SEED, 0, _NOW).budget())

    def theirs() -> object:
        return _by_hand(values, _NOW)

    if ours() != theirs():
        sys.exit(f"ours gives {ours()}, the function {theirs()}")
    turns = take_turns(_many(ours), _many(theirs), _TURNS)
    return faster("let, $for over five items, two dates; a function", turns, per=_EVENTS)


def _by_hand(values: Any, now: datetime) -> object:
    lines = [
        {"name": item["name"], "total": float(Decimal(repr(item["quantity"])) * Decimal(repr(item["price"])))}
        if isinstance(item["price"], float)
        else {"name": item["name"], "total": item["quantity"] * item["price"]}
        for item in values["items"]
    ]
    total = float(sum(Decimal(repr(line["total"])) for line in lines))
    local = now.astimezone(ZoneInfo(values["timezone"]))
    return {
        "event": "order_placed",
        "distinct_id": f"{values['user']}",
        "properties": {
            "lines": lines,
            "summary": f"{len(lines)} items, {total} EUR",
            "placed": local.isoformat(),
            "delivery": (local + timedelta(days=1)).isoformat(),
        },
        "attachments": [],
    }


def _one_row(rich: Make, plain: Make) -> Row:
    turns = take_turns(_many(lambda: rich(_ROW, 7)), _many(lambda: plain(_ROW, 7)), _TURNS)
    return faster("a row with lets, omit and a date; purchase.yaml", turns, at_least=0.6, per=_EVENTS)


def _made(spec: Spec) -> Make:
    names = ("user", "order_id", "amount")
    make = specialize(
        spec, RowResolver(spec.variables, {}, {name: name for name in names}, names), _SEED, _NOW, "key", 100
    )
    if make is None or make(_ROW, 7) is None:
        sys.exit(f"{spec.path} is not specialized")
    return make


def _many(call: Callable[[], object]) -> Callable[[], None]:
    def calls() -> None:
        for _ in repeat(None, _EVENTS):
            call()

    return calls


def _loaded(folder: Path, text: str) -> Spec:
    path = folder / "spec.yaml"
    path.write_text(text, "utf-8")
    loaded = load(path, folder)
    if loaded.spec is None:
        sys.exit("\n".join(problem.message for problem in loaded.problems))
    return loaded.spec


if __name__ == "__main__":
    sys.exit(main())
