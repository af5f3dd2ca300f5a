"""`import(render(x))` is `x`, for every case of every spec of the repository: by its JSON, by its script, and by a copied curl."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.eventspec import load
from tests.importing.imports import allow_env, as_curl, canonical, cases_of, imported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import CommandLine

REPOSITORY = Path(__file__).parent.parent.parent
SPECS = sorted(
    path for path in (REPOSITORY / "specs").glob("*.yaml") if path.name[0] != "_" and path.name != "runner.yaml"
)


def cases() -> Iterator[object]:
    """Yield the cases that render one event."""
    for path in SPECS:
        spec = load(path, REPOSITORY).spec
        assert spec is not None
        for case in spec.cases:
            if len(case.steps) == 1 and case.node.get("expect", "error") is None and case.node.get("rows") is None:
                yield pytest.param(path.name, case.name, id=f"{path.stem}-{case.name}")


@pytest.mark.parametrize("form", ["json", "curl", "copied"])
@pytest.mark.parametrize(("name", "case"), list(cases()))
def test_an_imported_event_is_rendered_again_to_the_byte(
    cli: CommandLine, in_tmp: Path, name: str, case: str, form: str
) -> None:
    shutil.copytree(REPOSITORY / "specs", "theirs")
    shutil.copy(REPOSITORY / "specs" / "runner.yaml", "runner.yaml")
    body = cli("render", f"theirs/{name}", "--case", case, "-o", "json")
    assert body.code == 0, body.err
    source = body.out if form == "json" else as_curl(body.out.strip())
    if form == "curl":
        source = cli("render", f"theirs/{name}", "--case", case, "--as", "curl").out
    [(file, text)] = imported(cli, "-", to="ours", stdin=source).items()
    env = allow_env(text)
    (in_tmp / "theirs" / "runner.yaml").unlink()
    shown = json.loads(body.out)
    cli.environ |= {env_name: _secret(shown) for env_name in env}
    [own_case] = cases_of(text)
    again = cli("render", f"ours/{file}", "--case", own_case, "-o", "json")
    assert again.code == 0, again.err
    assert canonical(_revealed(json.loads(again.out), shown)) == canonical(shown)
    assert cli("test", "ours").code == 0


def _secret(event: dict[str, dict[str, object]]) -> str:
    return str(event["properties"]["reset_url"]).partition("sig=")[2]


def _revealed(event: dict[str, dict[str, object]], shown: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    """Put back the one secret that a rendered event hides, so that all of it is compared."""
    text = json.dumps(event)
    return json.loads(text.replace("***", _secret(shown)) if "***" in text else text)  # type: ignore[no-any-return]
