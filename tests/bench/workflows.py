"""How long 300 cases take that run their events through workflow files, against 300 that replay a response.

Whole processes of `runner test`, in turns. Both projects have the same 30 specs with ten cases each, of the shop in
tests/workflows/shop: one expects the messages of its event, which come of the shop's workflows, the other the response, which
comes of its cassette. Run it at the repository's root: `python tests/bench/workflows.py`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from tests.bench.timing import Row, conclude, script, take_turns, within

SHOP = Path(__file__).parents[1] / "workflows" / "shop"
_FILES = 30
_CASES_IN_FILE = 10
_CASES = _FILES * _CASES_IN_FILE
_TURNS = 7
_LARGE = 1000
_RESPONSE = {"success": True, "status": "success", "status_code": 202}


def main() -> int:
    """Measure, and write the table."""
    with TemporaryDirectory() as name:
        folder = Path(name).resolve()
        _write(folder / "messages", expects_messages=True)
        shutil.copytree(SHOP / "suprsend", folder / "messages" / "suprsend")
        _write(folder / "responses", expects_messages=False)
        _run(folder / "responses", "--record", "rewrite", "--sandbox")
        turns = take_turns(lambda: _run(folder / "messages"), lambda: _run(folder / "responses"), _TURNS, warm_ups=2)
    head = Row(f"{_CASES} cases in {_FILES} files", "messages", "responses", "ratio", "target")
    return conclude(head, [within("runner test", turns, at_most=1.5)])


def _write(folder: Path, *, expects_messages: bool) -> None:
    """Write a project of specs like the shop's, each with cases of other users and amounts."""
    specs = folder / "specs"
    specs.mkdir(parents=True)
    (folder / "runner.yaml").write_text("{}\n", "utf-8")
    head = (SHOP / "specs" / "order_placed.yaml").read_text("utf-8").partition("tests:\n")[0]
    for number in range(_FILES):
        cases = [
            _case(number * _CASES_IN_FILE + index, expects_messages=expects_messages) for index in range(_CASES_IN_FILE)
        ]
        text = f"{head}tests:\n{yaml.safe_dump(cases, sort_keys=False)}".replace(
            "name: order placed", f"name: order placed {number}"
        )
        (specs / f"order_{number:02}.yaml").write_text(text, "utf-8")


def _case(number: int, *, expects_messages: bool) -> dict[str, object]:
    amount = 400 + number * 5
    messages: list[dict[str, object]] = [{"workflow": "order-confirmation", "channel": "email", "status": "delivered"}]
    if amount > _LARGE:
        messages += [{"channel": "sms", "template": "large-order"}, {"channel": "email", "after": "2d"}]
    expect = {"exactly": True, "messages": messages} if expects_messages else {"response": _RESPONSE}
    return {"name": f"order {number}", "vars": {"user": f"u{number}", "amount": amount}, "expect": expect}


def _run(folder: Path, *flags: str) -> None:
    """Run all cases; each must have passed, else the time says nothing."""
    args = [script("runner"), "test", "specs", *flags]
    found = subprocess.run(args, cwd=folder, capture_output=True, text=True, check=False)
    if not re.search(rf"\b{_CASES} passed", found.stdout):
        sys.exit(f"not {_CASES} passed:\n{found.stdout[-3000:]}{found.stderr[-2000:]}")


if __name__ == "__main__":
    sys.exit(main())
