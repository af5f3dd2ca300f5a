"""What tests of imports share: bytes of an event before and after, without what each send adds."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.source import read_text

if TYPE_CHECKING:
    from tests.conftest import CommandLine

OF_EACH_SEND = ("$insert_id", "$time", "env")


def canonical(event: dict[str, Any]) -> str:
    """Return an event as canonical JSON."""
    properties = {key: value for key, value in event["properties"].items() if key != "$ss_sdk_version"}
    kept = {key: value for key, value in event.items() if key not in OF_EACH_SEND} | {"properties": properties}
    return json.dumps(kept, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def imported(cli: CommandLine, *sources: str | Path, to: str = "specs", stdin: str = "") -> dict[str, str]:
    """Import into an empty folder, and return the texts of the specs. Each is valid, without a warning, and formatted."""
    ended = cli("import", *sources, "--to", to, stdin=stdin)
    assert ended.code == 0, ended.err
    texts = {path.name: path.read_text("utf-8") for path in sorted(Path(to).glob("*.yaml"))}
    checked = cli("validate", "--strict", to, "-o", "json")
    problems = [problem for problem in checked.json["problems"] if problem["severity"] != "advice"]
    unallowed = [problem for problem in problems if problem["code"] != "env-not-allowed"]
    assert unallowed == []
    assert cli("fmt", "--check", to).code == 0
    return texts


def allow_env(*texts: str, project: Path = Path()) -> dict[str, str]:
    """Allow the environment variables that specs read, and return their names."""
    names = []
    for text in texts:
        root = read_text(text, "spec.yaml").root
        variables = root.get("vars") if root is not None else None
        if variables is not None:
            names += [str(env.value) for each in variables.entries.values() if (env := each.get("env")) is not None]
    (project / "runner.yaml").write_text(f"env_allowed: [{', '.join(names)}]\n")
    return dict.fromkeys(names, "")


def cases_of(text: str) -> list[str]:
    """Return the names of a spec's cases."""
    root = read_text(text, "spec.yaml").root
    tests = root.get("tests") if root is not None else None
    return [str(case.entries["name"].value) for case in tests.items] if tests is not None else []


def as_curl(body: str) -> str:
    """Return the curl command of a body, as a browser copies it."""
    headers = "-H 'Content-Type: application/json' -H 'Authorization: Bearer top-secret-header'"
    return f"curl -X POST https://hub.suprsend.com/v2/event/ \\\n  {headers} \\\n  --data-raw {shlex.quote(body)}"
