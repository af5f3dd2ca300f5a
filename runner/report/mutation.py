"""Mutation scores → text with the line to add for each change that no case notices, or JSON."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from runner.report.format import Format
from runner.report.style import counted, printable
from runner.testing.mutation import ANSWER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.report.output import Output
    from runner.source import Json
    from runner.testing.mutation import MutationScore, Survivor, Way

_PLAIN = re.compile(r"[A-Za-z_$][\w-]*")
_STARS = "***"


def show_mutations(output: Output, scores: Sequence[MutationScore]) -> None:
    """Show the changes that no case notices, and the score of each spec and of all."""
    if output.format in (Format.JSON, Format.JSONL):
        head = {"noticed": sum(each.noticed for each in scores), "total": sum(each.total for each in scores)}
        output.items("specs", map(_as_json, scores), head)
        return
    style = output.style
    for score in scores:
        share = style.faint(f"{score.noticed} of {score.total} changes noticed")
        output.data(f"{style.strong(printable(score.spec))}  {_percent(score.noticed, score.total)}  {share}")
        for survivor in score.survivors:
            where = f"{printable(score.spec)}:{survivor.ref.case.node.position().line}"
            kinds = ", ".join(survivor.kinds)
            output.data(f"  {style.error('not noticed')}  {printable(output.masked(survivor.at))}: {kinds}")
            case = printable(output.masked(survivor.ref.case.name))
            output.data(f"      add to case '{case}' ({where}):")
            output.data(f"      expect: {printable(output.masked_data(line_of(survivor)))}")
        for ref in score.failed:
            output.message(
                f"{printable(score.spec)}: case '{printable(ref.case.name)}' fails unchanged, and is left out"
            )
    noticed, total = sum(each.noticed for each in scores), sum(each.total for each in scores)
    output.data(f"{_percent(noticed, total)}  {noticed:,} of {counted(total, 'change')} noticed")


def line_of(survivor: Survivor) -> str:
    """Return what a case must expect to notice a change, as a flow of YAML."""
    if survivor.way == ANSWER:
        return f"{{response: {_flow(survivor.value)}}}"
    keys = [step for step in _upto_list(survivor.way) if isinstance(step, str)]
    text = "{$any: true}" if _STARS in json.dumps(survivor.value) else _flow(survivor.value)
    for key in reversed(["event", *keys]):
        text = f"{{{_key(key)}: {text}}}"
    return text


def _upto_list(way: Way) -> Way:
    first = next((index for index, step in enumerate(way) if isinstance(step, int)), len(way))
    return way[:first]


def _flow(value: Json) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _key(key: str) -> str:
    return key if _PLAIN.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def _percent(noticed: int, total: int) -> str:
    return f"{100 * noticed / total if total else 100:5.1f} %"


def _as_json(score: MutationScore) -> dict[str, object]:
    return {
        "spec": score.spec,
        "noticed": score.noticed,
        "total": score.total,
        "survivors": [
            {"at": each.at, "kinds": [*each.kinds], "case": each.ref.case.name, "line": each.ref.case.node.position().line,
             "expect": line_of(each)}
            for each in score.survivors
        ],
        "failed": [ref.case.name for ref in score.failed],
    }  # fmt: skip
