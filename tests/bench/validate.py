"""How fast `runner validate` checks 1,000 specs, against check-jsonschema on the same files with our schema.

Both are whole processes. Ours also parses and inspects every template, follows `schema:` and holds constants against
the platform's rules. The table says by which of its two parsers check-jsonschema reads YAML: pip gives it the one in
Python, `pip install ruamel.yaml.clib` the one in C, which is several times faster.
Run it at the repository's root: `pip install '.[bench]' && python tests/bench/validate.py`.
"""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.sample_specs import write_valid
from tests.bench.timing import Row, conclude, faster, run, script, take_turns

_SPECS = 1000
_TURNS = 5


def main() -> int:
    """Measure, and write the table."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        files = [f"specs/{file}" for file in write_valid(folder / "specs", _SPECS)]
        schema = subprocess.run([script("runner"), "schema"], capture_output=True, check=True).stdout
        (folder / "spec.schema.json").write_bytes(schema)
        turns = take_turns(
            partial(run, [script("runner"), "validate", "specs"], cwd=folder),
            partial(run, [script("check-jsonschema"), "--schemafile", "spec.schema.json", *files], cwd=folder),
            _TURNS,
        )
    head = Row(f"{_SPECS:,} valid specs", "runner validate", "check-jsonschema", "ratio", "target")
    return conclude(head, [faster(f"its YAML parser is written in {_parser()}", turns, at_least=2, aim=3)])


def _parser() -> str:
    code = "import ruamel.yaml; print('C' if ruamel.yaml.__with_libyaml__ else 'Python')"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
