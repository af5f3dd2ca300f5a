"""Mutated specs: whatever a file says, a command ends with a problem or a result, never with a bug."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from runner.spec.filters import FILTERS

if TYPE_CHECKING:
    from tests.conftest import CommandLine

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))
PIECES = [
    "{{", "}}", "{%", "%}", "{#", "|", '"', "'", ":", " ", "\n", "\t", "- ", "[", "]", "{", "}", "&a ", "*a", "!!str ",
    "<<: ", "null", "~", "1e999", "0x1F", "\x00", "\x1b", "\u2028", "\u202e", "é", "\U0001f600", "\U0010ffff",
    "extends: a.yaml", "schema: a.yaml", "brand_id: x", "type: strin", "$ref: '#'",
]  # fmt: skip
EXPRESSIONS = [
    "user.x", "user[0]", "now()", "now().strftime('%Q')", "uuid4(1)", "uuid5()", "1/0", "-user", "user in 5", "[1][9]",
    "{'a': 1}['b']", "user ~ none", "loop", "self", "x if user", "5 is divisibleby 0", "range(1, 2, 0)", "7**9999",
    *(f"user|{name}" for name in sorted(FILTERS)),
    *(f"user|{name}(-1)" for name in sorted(FILTERS)),
    *(f"items|{name}('x')" for name in sorted(FILTERS)),
]  # fmt: skip


def mutated(text: str, random: Random) -> str:
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(text) + 1)
        match random.randrange(4):
            case 0:
                text = text[:at] + random.choice(PIECES) + text[at:]
            case 1:
                text = text[:at] + text[at + random.randint(1, 20) :]
            case _:
                lines = text.split("\n")
                line = random.randrange(len(lines))
                lines[line] = f'{lines[line].split(":")[0]}: "{{{{ {random.choice(EXPRESSIONS)} }}}}"'
                text = "\n".join(lines)
    return text


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_no_mutation_of_a_spec_ends_in_a_bug(cli: CommandLine, in_tmp: Path, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - a test must give the same twice
    path = in_tmp / "a.yaml"
    for _ in range(60):
        path.write_text(mutated(random.choice(SPECS).read_text("utf-8"), random), "utf-8", "replace")
        for args in (("validate", "a.yaml"), ("render", "a.yaml", "--var", "user=u1")):
            ended = cli(*args)
            assert ended.code in (0, 2, 4), f"{ended.err}\n{path.read_text('utf-8')}"
