"""No credential is printed, nor the password of a proxy, nor a secret in a traceback."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from runner.cli.main import run
from runner.commands.world import World
from tests.cli.canary.conftest import HMAC, LETTERS, LOUD, SECRETS, TOLD, WORDS, Folder, joined, leaks

if TYPE_CHECKING:
    from datetime import datetime

BEARER = {"SUPRSEND_WORKSPACE_UID": "uid", "SUPRSEND_API_KEY": LETTERS}
CURL = ("render", "--as", "curl")
BROKEN = f"{WORDS[0]}/{WORDS[1]}"
CREDENTIALS: dict[str, tuple[dict[str, str], tuple[str, ...], int]] = {
    "half of a pair": ({"SUPRSEND_WORKSPACE_SECRET": LETTERS}, ("send",), 3),
    "half of the other pair": ({"SUPRSEND_API_KEY": LETTERS}, ("send",), 3),
    "a line break": (HMAC | {"SUPRSEND_WORKSPACE_SECRET": joined("\n", "-")}, ("send",), 3),
    "a letter that no header carries": (BEARER | {"SUPRSEND_API_KEY": joined("é", "-")}, ("send",), 3),
    "white space around": (BEARER | {"SUPRSEND_API_KEY": f" {LETTERS}\n"}, ("render",), 0),
    "the secret for the URL": (HMAC | {"SUPRSEND_BASE_URL": LETTERS}, ("send",), 2),
    "a password in the URL": ({"SUPRSEND_BASE_URL": f"https://key:{LETTERS}@hub.example.com/"}, ("send",), 2),
    "a slash in the password": ({"SUPRSEND_BASE_URL": f"https://key:{BROKEN}@hub.example.com/"}, ("send",), 2),
    "plain http": ({"SUPRSEND_BASE_URL": f"http://key:{LETTERS}@hub.example.com/"}, ("send",), 2),
    "a token in the URL": ({"SUPRSEND_BASE_URL": f"https://hub.example.com/?token={LETTERS}"}, ("send",), 2),
    "no server": (HMAC | {"SUPRSEND_BASE_URL": "http://127.0.0.1:1/"}, ("send",), 7),
    "curl": (HMAC, CURL, 0),
    "curl with an API key": (BEARER, CURL, 0),
    "rendered": (HMAC, ("render",), 0),
    "rendered with an API key": (BEARER, ("render",), 0),
    "both pairs": (BEARER | HMAC | {"SUPRSEND_WORKSPACE_SECRET": "x" * 20}, ("render",), 0),
    "a sandbox": (HMAC, ("send", "--sandbox", "-n"), 0),
    "a profile": ({"SUPRSEND_HERE_KEY": "key", "SUPRSEND_HERE_SECRET": LETTERS}, ("render", "--profile", "here"), 0),
    "half of a profile's pair": ({"SUPRSEND_HERE_SECRET": LETTERS}, ("send", "--profile", "here"), 3),
}


@pytest.mark.parametrize(("environ", "args", "code"), CREDENTIALS.values(), ids=CREDENTIALS)
def test_no_credential_is_printed(folder: Folder, environ: dict[str, str], args: tuple[str, ...], code: int) -> None:
    names = {"workspace_key_env": "SUPRSEND_HERE_KEY", "workspace_secret_env": "SUPRSEND_HERE_SECRET"}
    folder.write("runner.yaml", {"profiles": {"here": names}})
    secrets = [name for name, value in environ.items() if LETTERS in value and name != "SUPRSEND_BASE_URL"]
    folder.environ |= environ | {f"RUNNER_VAR_{name}": environ[name] for name in secrets}
    folder.spec(
        vars={name: {"type": "string"} for name in secrets},
        properties={name: f"{{{{ {name} }}}} is no secret of the spec" for name in secrets},
    )
    printed = folder.loudly(*args, "a.yaml", forms=TOLD)
    assert [ended.code for ended in printed] == [code] * 3
    assert leaks(*printed) == []


def test_the_password_of_a_proxy_is_not_printed(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.spec(properties={}, vars={})
    folder.environ |= {"SUPRSEND_WORKSPACE_KEY": "k", "SUPRSEND_WORKSPACE_SECRET": "x" * 20}
    for place in (f"{LETTERS}@127.0.0.1:1", f"{LETTERS}@127.0.0.1:port", f"{BROKEN}@127.0.0.1"):
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:{place}/")
        printed = folder.loudly("send", "a.yaml")
        assert {ended.code for ended in printed} == {7}
        assert leaks(*printed) == []


# A bug.


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("form", ["pretty", "github"])
def test_a_bug_that_quotes_a_secret_does_not_print_it(folder: Folder, form: str, secret: str) -> None:
    def broken_clock() -> datetime:
        raise RuntimeError(f"no time for {secret!s}, {secret!r}")

    folder.spec()
    out, err = io.StringIO(), io.StringIO()
    streams = io.StringIO(), out, err
    world = World({}, *streams, broken_clock, lambda: UUID(int=0), sleep=lambda _: None, random=lambda: 0.5)
    code = run(["send", "a.yaml", "--var", f"token={secret}", *LOUD[form]], world)
    assert (code, "broken_clock" in err.getvalue()) == (70, True)
    assert leaks(out.getvalue(), err.getvalue()) == []


def test_a_secret_that_is_no_unicode_is_starred(folder: Folder) -> None:
    folder.spec()
    folder.environ["RUNNER_VAR_token"] = joined("\udcff", "-")  # how Python reads a byte that is not UTF-8
    printed = folder.loudly("render", "a.yaml")
    assert [ended.code for ended in printed] == [2, 2, 2, 2]
    assert leaks(*printed) == []
