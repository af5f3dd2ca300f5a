"""The help of every command: as it stands in tests/cli/help, and readable in narrow and in wide terminals.

`UPDATE_GOLDENS=1 pytest tests/cli/test_help.py` writes the files anew.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer.main
from typer.core import TyperGroup

from runner.cli.main import app_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import CommandLine

GOLDENS = Path(__file__).with_name("help")


def commands() -> Iterator[tuple[str, ...]]:
    """List every command by the words that it is typed with, groups too."""
    root = typer.main.get_command(app_of())
    assert isinstance(root, TyperGroup)
    yield ()
    for name, command in root.commands.items():
        yield (name,)
        if isinstance(command, TyperGroup):
            yield from ((name, below) for below in command.commands)


def shown(cli: CommandLine, capsys: pytest.CaptureFixture[str], *args: str) -> str:
    ended = cli(*args)
    printed = capsys.readouterr()
    assert (ended.code, ended.err + printed.err) == (0, "")
    return ended.out + printed.out


@pytest.fixture(params=commands(), ids=lambda words: " ".join(words) or "runner")
def words(request: pytest.FixtureRequest) -> tuple[str, ...]:
    asked: tuple[str, ...] = request.param
    return asked


def test_the_help_of_a_command_is_as_it_stands_here(
    cli: CommandLine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    told = shown(cli, capsys, *words, "--help")
    golden = GOLDENS / f"{'-'.join(words) or 'runner'}.txt"
    if os.environ.get("UPDATE_GOLDENS"):
        golden.write_text(told, "utf-8")
    assert told == golden.read_text("utf-8")
    assert shown(cli, capsys, "-o", "json", *words, "-h") == told


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_help_fits_the_terminal_and_cuts_no_word(
    cli: CommandLine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], columns: int
) -> None:  # fmt: skip
    monkeypatch.setenv("COLUMNS", "400")
    whole = shown(cli, capsys, *words, "--help").split()
    monkeypatch.setenv("COLUMNS", str(columns))
    told = shown(cli, capsys, *words, "--help")
    assert max(map(len, told.splitlines())) <= columns
    assert told.split() == whole


def test_each_command_has_a_summary_and_an_example_that_names_it(
    cli: CommandLine, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    told = shown(cli, capsys, *words, "--help")
    usage, _, rest = told.partition("\n\n")
    assert usage.startswith(" ".join(("Usage: runner", *words)))
    assert rest.splitlines()[0].endswith(".")
    assert "Everywhere:\n" in told
    if "Commands:\n" not in told:
        examples = [shlex.split(line) for line in told.partition("Examples:\n")[2].splitlines()]
        assert examples
        assert all(tuple(example[1 : len(words) + 1]) == words or "|" in example for example in examples)


@pytest.mark.parametrize("group", [(), ("runs",), ("cassette",)])
def test_a_group_without_a_command_shows_its_help(
    cli: CommandLine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, group: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = shown(cli, capsys, *group, "--help")
    assert shown(cli, capsys, *group) == text
    assert cli(*group, "-o", "json").json == {"help": text.rstrip("\n")}
