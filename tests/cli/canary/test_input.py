"""No secret is printed however it is given."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.cli.canary.conftest import DIGITS, EVERYTHING, LETTERS, REST, SECRET_TEXT, TOLD, WORDS, Folder, leaks

Way = Callable[[Folder, str, dict[str, object]], tuple[str, ...]]
"""Gives a value to the `token` of a spec that it writes with this declaration; returns the flags to add."""
WAYS: dict[str, Way] = {}


def way(give: Way) -> Way:
    WAYS[give.__name__.replace("_", " ")] = give
    return give


@way
def a_flag(folder: Folder, secret: str, declared: dict[str, object]) -> tuple[str, ...]:
    folder.spec(vars={"token": declared})
    return ("--var", f"token={secret}")


@way
def a_flag_with_json(folder: Folder, secret: str, declared: dict[str, object]) -> tuple[str, ...]:
    folder.spec(vars={"token": declared})
    return ("--var-json", f"token={json.dumps(secret)}")


@way
def a_flag_twice(folder: Folder, secret: str, declared: dict[str, object]) -> tuple[str, ...]:
    folder.spec(vars={"token": declared})
    return ("--var", f"token={secret}x", "--var", f"token={secret}")


@way
def a_yaml_file(folder: Folder, secret: str, declared: dict[str, object]) -> tuple[str, ...]:
    folder.spec(vars={"token": declared})
    folder.write("values.yaml", {"token": secret})
    return ("--vars-file", "values.yaml")


@way
def a_json_file(folder: Folder, secret: str, declared: dict[str, object]) -> tuple[str, ...]:
    folder.spec(vars={"token": declared})
    folder.write("values.json", {"token": secret})
    return ("--vars-file", "values.json")


@way
def the_environment(folder: Folder, secret: str, declared: dict[str, object]) -> tuple[str, ...]:
    folder.spec(vars={"token": declared})
    folder.environ["RUNNER_VAR_token"] = secret
    return ()


@way
def a_named_environment_variable(folder: Folder, secret: str, declared: dict[str, object]) -> tuple[str, ...]:
    folder.spec(vars={"token": declared | {"env": "TOKEN"}})
    folder.write("runner.yaml", {"env_allowed": ["TOKEN"]})
    folder.environ["TOKEN"] = secret
    return ()


@way
def a_profile(folder: Folder, secret: str, declared: dict[str, object]) -> tuple[str, ...]:
    folder.spec(vars={"token": declared})
    folder.write("runner.yaml", {"profiles": {"here": {"vars": {"token": secret}}}})
    return ("--profile", "here")


@way
def a_case(folder: Folder, secret: str, declared: dict[str, object]) -> tuple[str, ...]:
    folder.spec(vars={"token": declared}, tests=[{"name": "one", "vars": {"token": secret}}])
    return ("--case", "one")


@way
def a_default(folder: Folder, secret: str, declared: dict[str, object]) -> tuple[str, ...]:
    folder.spec(vars={"token": declared | {"default": secret}})
    return ()


DECLARATIONS: dict[str, tuple[dict[str, object], int]] = {
    "right": ({}, 0),
    "too short": ({"minLength": 500}, 2),
    "of another pattern": ({"pattern": "^$", "enum": ["a", LETTERS + "x"]}, 2),
    "no number": ({"type": "integer"}, 2),
}


@pytest.mark.parametrize(("declared", "code"), DECLARATIONS.values(), ids=DECLARATIONS)
@pytest.mark.parametrize("give", WAYS.values(), ids=WAYS)
def test_a_secret_is_starred_however_it_is_given(
    folder: Folder, give: Way, declared: dict[str, object], code: int
) -> None:
    args = give(folder, EVERYTHING, SECRET_TEXT | declared)
    printed = folder.loudly("render", "a.yaml", *args, forms=TOLD)
    assert [ended.code for ended in printed] == [code] * 3
    assert leaks(*printed, folder("validate", "a.yaml", "-v")) == []


IN_YAML = {
    "in single quotes": f"'{WORDS[0]}''{WORDS[1]}'",
    "with escapes": rf'"{WORDS[0]}\x2d\/{WORDS[1]}\u002D{WORDS[2]}"',
    "on two lines": f'"{WORDS[0]}\n   {WORDS[1]}"',
    "on two lines without quotes": f"{WORDS[0]}\n   {WORDS[1]}",
    "as a block": f"|\n   {WORDS[0]}\n   {WORDS[1]}",
    "as a number with zeros": f"{DIGITS}.500",
    "as a number with an exponent": f"{DIGITS}E2",
    "as no plain number": f"0{DIGITS}",
}
PLACES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "a default": ("a.yaml", "vars:\n token:\n  secret: true\n  not: {{}}\n  default: {}\n", ()),
    "a case": (
        "a.yaml",
        "vars: {{token: {{secret: true, not: {{}}}}}}\ntests:\n- name: one\n  vars:\n   token: {}\n",
        ("--case", "one"),
    ),
    "a vars file": ("values.yaml", "token: {}\n", ("--vars-file", "values.yaml")),
    "a profile": ("runner.yaml", "profiles:\n here:\n  vars:\n   token: {}\n", ("--profile", "here")),
}  # fmt: skip
"""The file, what to write into it, and the flags that make use of it."""


@pytest.mark.parametrize("written", IN_YAML.values(), ids=IN_YAML)
@pytest.mark.parametrize(("name", "content", "flags"), PLACES.values(), ids=PLACES)
def test_a_secret_is_starred_as_it_is_written_in_a_file(
    folder: Folder, name: str, content: str, flags: tuple[str, ...], written: str
) -> None:
    folder.write("a.yaml", REST + ("" if name == "a.yaml" else "vars: {token: {secret: true, not: {}}}\n"))
    folder.write(name, (REST if name == "a.yaml" else "") + content.format(written))
    printed = [folder("render", "a.yaml", "-v", *flags), folder("validate", "a.yaml", "-v")]
    assert printed[0].code == 2
    assert leaks(*printed) == []
