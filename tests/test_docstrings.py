"""The examples in docstrings are what the functions return."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

from tests.conftest import REPOSITORY

MODULES = sorted(
    ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
    for path in (REPOSITORY / "runner").rglob("*.py")
    if ">>> " in path.read_text("utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    results = doctest.testmod(import_module(name))
    assert (results.failed, results.attempted > 0) == (0, True), capsys.readouterr().out
