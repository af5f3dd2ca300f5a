"""No secret is printed when a command is mistyped."""

from __future__ import annotations

import pytest

from tests.cli.canary.conftest import DECLARED, LETTERS, LOUD, Folder, joined, leaks

SPACED = joined(" ", ") ")
SLIPS: dict[str, tuple[str, ...]] = {
    "no --var": ("{command}", "a.yaml", "token={secret}"),
    "no --var, first": ("{command}", "token={secret}", "a.yaml"),
    "no command": ("token={secret}", "a.yaml"),
    "no spec": ("{command}", "--var", "token={secret}"),
    "another spec": ("{command}", "b.yaml", "--var", "token={secret}"),
    "a colon": ("{command}", "a.yaml", "--var", "token:{secret}"),
    "a colon and a space": ("{command}", "a.yaml", "--var", "token: {secret}"),
    "a space": ("{command}", "a.yaml", "--var", "token", "{secret}"),
    "a space behind =": ("{command}", "a.yaml", "--var", "token=", "{secret}"),
    "spaces around =": ("{command}", "a.yaml", "--var", "token", "=", "{secret}"),
    "no name": ("{command}", "a.yaml", "--var", "{secret}"),
    "no name, and =": ("{command}", "a.yaml", "--var", "={secret}"),
    "no name, and = behind": ("{command}", "a.yaml", "--var", "{secret}=="),
    "a name misspelt": ("{command}", "a.yaml", "--var", "tokn={secret}"),
    "a name and a space": ("{command}", "a.yaml", "--var", "token ={secret}"),
    "an option that is none": ("{command}", "a.yaml", "--token", "{secret}"),
    "an option that is none, and =": ("{command}", "a.yaml", "--token={secret}"),
    "a short option": ("{command}", "a.yaml", "-v", "token={secret}"),
    "a short option that is none": ("{command}", "a.yaml", "-t{secret}"),
    "no JSON": ("{command}", "a.yaml", "--var-json", "token={secret}"),
    "no whole JSON": ("{command}", "a.yaml", "--var-json", 'token="{secret}'),
    "JSON with more behind": ("{command}", "a.yaml", "--var-json", 'token="{secret}" x'),
    "JSON alone": ("{command}", "a.yaml", "--var-json", '{{"token": "{secret}"}}'),
    "JSON for a spec": ("{command}", '{{"token": "{secret}"}}'),
    "NaN": ("{command}", "a.yaml", "--var-json", 'token=["{secret}", NaN]'),
    "a variable as a file": ("{command}", "a.yaml", "--vars-file", "token={secret}"),
    "a variable as a case": ("{command}", "a.yaml", "--case", "token={secret}"),
    "a variable as a profile": ("{command}", "a.yaml", "--profile", "token={secret}"),
    "a variable as a configuration": ("{command}", "a.yaml", "--config", "token={secret}"),
    "a variable as a format": ("{command}", "a.yaml", "--output", "token={secret}"),
    "a variable as a time": ("send", "a.yaml", "--timeout", "token={secret}"),
    "a variable as a label": ("send", "a.yaml", "--label", "token={secret}"),
    "a variable as a form": ("render", "a.yaml", "--as", "token={secret}"),
    "for validate": ("validate", "a.yaml", "--var", "token={secret}"),
    "for validate, without --var": ("validate", "a.yaml", "token={secret}"),
    "for schema": ("schema", "token={secret}"),
    "a right one before another slip": ("{command}", "a.yaml", "--var", "token={secret}", "--var", "amount"),
    "a right one with a spec that is none": ("{command}", "a.yaml", "b.yaml", "--var", "token={secret}"),
    "a right one and an unknown option": ("{command}", "a.yaml", "--var", "token={secret}", "--sandbx"),
}


@pytest.mark.parametrize("slip", SLIPS.values(), ids=SLIPS)
def test_a_slip_of_the_hand_shows_no_secret(folder: Folder, slip: tuple[str, ...]) -> None:
    folder.write("a.yaml", DECLARED)
    printed = [
        folder(*(arg.format(command=command, secret=secret) for arg in slip), *LOUD[form])
        for command, form in (("render", "pretty"), ("send", "json"))
        for secret in (LETTERS, SPACED)
    ]
    assert {ended.code for ended in printed} <= {2, 3, 4, 64}
    assert leaks(*printed) == []
