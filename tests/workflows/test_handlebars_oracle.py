"""Random templates, rendered here and by handlebars.js: the texts are equal, and so is what fails."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from runner.workflows.handlebars import ExpressionError, UnsupportedError, render
from tests.official_sdks import sdk_homes
from tests.workflows.handlebars_templates import DATA, soup, template

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.official_sdks import Homes

pytestmark = pytest.mark.slow

ORACLE = Path(__file__).with_name("handlebars_oracle.cjs")
VERSION = "4.7.8"


@pytest.fixture(scope="module")
def homes(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Homes:
    return sdk_homes(pytestconfig, tmp_path_factory)


def outcome(text: str) -> str | None:
    """Return what a template renders to, None if it fails."""
    try:
        return render(text, DATA)
    except ExpressionError:
        return None


@pytest.mark.parametrize(("make", "rendered"), [(template, 400), (soup, 400)], ids=["templates", "tokens"])
def test_templates_render_as_with_handlebars_js(homes: Homes, make: Callable[[Random], str], rendered: int) -> None:
    home = homes(f"handlebars@{VERSION}")
    texts = [make(Random(seed)) for seed in range(1600)]  # noqa: S311 - no secret
    asked = json.dumps([[text, DATA] for text in texts])
    done = subprocess.run(
        ["node", str(ORACLE), str(home)], input=asked, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    different, count = [], 0
    for text, theirs in zip(texts, json.loads(done.stdout), strict=True):
        try:
            ours = outcome(text)
        except UnsupportedError:
            continue
        count += ours is not None
        if ours != theirs.get("text"):
            different.append((text, ours, theirs))
    assert different == []
    assert count > rendered
