"""A thousand specs, written in a thousand ways: every value and every comment is kept, and formatting twice is formatting once."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

import runner
from runner.formatting.files import formatted
from runner.source import read_text
from tests.formatting.mutations import mutated, values

if TYPE_CHECKING:
    from runner.formatting.files import Formatted

REPOSITORY = Path(runner.__file__).parent.parent
OTHERS = (
    "",
    "# only a comment\n",
    "[]\n",
    "a: {}\nb: []\n",
    "- 1\n- [a, {b: c}]\n- - x\n  - y\n",
    "text\n",
    "a: yes\nb: 0123\nc: 2024-01-02\nd: 12:30\ne: ~\nf:\ng: 1e3\nh: .5\non: off\n404: 0x1f\n'yes': \"no\"\ntrue: false\n",
    "lit: |\n  a\n   b\n\n  c\nkeep: |+\n  x\n\n\nfold: >\n  one\n  two\n\n  three\n    more\n  end\nstrip: >-\n   a b\n   c\n",
    "ind: |2\n    four\n  two\nlast: |+\n  z\n\n",
    "x-shared: &s {city: Berlin, zip: '10115'}\nproperties:\n  a: *s\n  b: [*s, *s]\nversion: 1\nevent: e\n",
    'a: \'it\'\'s\'\nb: "say \\"x\\" \\u00e9\\x85 \\t\\n"\nc: \'back\\slash\'\nd: "\\ud83c\\udf89"\ne: " lead"\n',
)
BATCH = 50


def texts() -> list[str]:
    specs = [path.read_text("utf-8") for path in sorted((REPOSITORY / "specs").glob("*.yaml"))]
    recorded = sorted((REPOSITORY / "cassettes").rglob("*.yaml"))[:2]
    return [*specs, *OTHERS, *(path.read_text("utf-8") for path in recorded)]


def written(path: Path, text: str) -> Formatted:
    path.write_bytes(text.encode())
    return formatted(path)


@pytest.mark.parametrize("batch", range(1000 // BATCH))
def test_every_value_and_every_comment_is_kept_and_twice_is_once(tmp_path: Path, batch: int) -> None:
    for seed in range(batch * BATCH, batch * BATCH + BATCH):
        random = Random(seed)  # noqa: S311 - the same mutations each time
        text, comments = mutated(random.choice(texts()), random)
        found = written(tmp_path / random.choice(("spec.yaml", "runner.yaml")), text)
        after = found.after
        assert after is not None, (seed, found.problems)
        kept = json.dumps(values(text), sort_keys=True) == json.dumps(values(after), sort_keys=True)
        assert kept, f"seed {seed} has other values"
        assert [comment for comment in comments if after.count(comment) != 1] == [], f"seed {seed}"
        again = written(found.path, after)
        assert (again.after, again.is_changed) == (after, False), f"seed {seed} changes again"
        misread = [each for each in read_text(after, "spec.yaml").problems if "is text here" in each.message]
        assert misread == [], f"seed {seed} has text that other readers take for something else"
