"""How fast one event's templates render in one pass, against one `Template.render` of plain Jinja a template.

Ours is what `runner render` and `send` call for each event: `Plan.evaluate` with its two budgets. It does more than the
others: values keep their types, undefined names and null in text are errors, and size and time are bounded. Theirs are
compiled once, and render the same texts with the same variables, each in its own context. In one process.
Run it at the repository's root: `python tests/bench/render.py`.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import UUID

from jinja2 import Environment, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from runner.eventspec import Occurrence, Spec, load
from runner.template.shape import templates_of
from runner.variables import Given, resolve
from tests.bench.timing import REPOSITORY, Row, conclude, faster, take_turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.template.template import Template

_TEMPLATES = 7
_EVENTS = 1000
_TURNS = 41
_OCCURRENCE = Occurrence(UUID(int=1), 0, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
_BUSY = """\
version: 1
vars:
  user:  {type: string, default: u1}
  name:  {type: string, default: Zoë Müller}
  price: {type: number, default: 24.5}
  items: {type: array, default: [kettle, teapot, cup]}
event: basket_left
distinct_id: "{{ user | lower }}"
idempotency_key: "basket-{{ user }}-{{ items | length }}"
properties:
  greeting: "Welcome{% if name %}, {{ name | trim }}{% endif %}!"
  items: "{{ items | join(', ') | truncate(60) }}"
  lines: "{% for item in items %}{{ loop.index }}. {{ item }}\\n{% endfor %}"
  price: "{{ '%.2f' | format(price) }} EUR"
  url: "https://shop.example.com/baskets?of={{ user | urlencode }}&first={{ items[0] if items else '' }}"
"""


def main() -> int:
    """Measure, and write the table."""
    with TemporaryDirectory() as name:
        path = Path(name, "busy.yaml")
        path.write_text(_BUSY, "utf-8")
        busy = _loaded(path)
    purchase = _loaded(REPOSITORY / "specs" / "purchase.yaml")
    sandboxed = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    plain = Environment(undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701 - nothing here is HTML
    rows = [
        _row("specs/purchase.yaml, Jinja's immutable sandbox", purchase, sandboxed, at_least=3),
        _row("specs/purchase.yaml, Jinja without a sandbox", purchase, plain),
        _row("filters, a condition, a loop; Jinja's immutable sandbox", busy, sandboxed),
        _row("filters, a condition, a loop; Jinja without a sandbox", busy, plain),
    ]
    head = Row("one event of seven templates", "one Plan.evaluate", "seven Template.render", "ratio", "target")
    return conclude(head, rows)


def _row(what: str, spec: Spec, environment: Environment, *, at_least: float | None = None) -> Row:
    values = resolve(spec.variables, [{"user": Given("u1", "--var", is_text=True)}], {}, {}).values
    templates = [template for template in templates_of(spec.plan.shape) if template.tree is not None]
    programs = [environment.from_string(template.text) for template in templates]
    if len(programs) != _TEMPLATES:
        sys.exit(f"{spec.path} has {len(programs)} templates")

    def ours() -> object:
        return spec.plan.evaluate(values, _OCCURRENCE.budget())

    def theirs() -> list[str]:
        return [program.render(values) for program in programs]

    _check_same(templates, ours(), theirs())
    return faster(what, take_turns(_many(ours), _many(theirs), _TURNS), at_least=at_least, per=_EVENTS)


def _many(call: Callable[[], object]) -> Callable[[], None]:
    def calls() -> None:
        for _ in repeat(None, _EVENTS):
            call()

    return calls


def _check_same(templates: list[Template], ours: object, theirs: list[str]) -> None:
    """Make sure that both give the same, but for the types that plain Jinja turns into text."""
    for template, text in zip(templates, theirs, strict=True):
        value: Any = ours
        for step in template.path:
            value = value[step]
        if isinstance(value, dict):  # an attachment that is its URL alone
            value = value["url"]
        if str(value) != text:
            sys.exit(f"{template.text}: ours gives {value!r}, theirs {text!r}")


def _loaded(path: Path) -> Spec:
    loaded = load(path, path.parent)
    if loaded.spec is None:
        sys.exit("\n".join(problem.message for problem in loaded.problems))
    return loaded.spec


if __name__ == "__main__":
    sys.exit(main())
