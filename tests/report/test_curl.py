"""The script that `render --as curl` prints: no data breaks out of it, and no secret stands on a command line."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from runner.report.curl import curl_command
from runner.secrets import Secret
from runner.suprsend.auth import CONTENT_TYPE, ApiKey, WorkspaceKey, sign
from runner.suprsend.endpoints import clean_base_url

if TYPE_CHECKING:
    from pathlib import Path

    from runner.suprsend.auth import Credentials
    from tests.servers.capturing import CapturingServer, Received

KEY = WorkspaceKey("wk_1", Secret("s3cr3t %s \\n'\"$HOME`id`"))
LONG_KEY = WorkspaceKey("wk_1", Secret("s3cr3t" * 20))
API_KEY = ApiKey("uid", Secret("s3cr3t'\"$HOME%s"))
NAMES = {
    "workspace_key_env": "KEY",
    "workspace_secret_env": "SECRET",
    "api_key_env": "API_KEY",
    "workspace_uid_env": "UID_",
}
BODIES = [
    '{"a":1}',
    """{"a":"it's 100% \\\\ %s $HOME `id` $(id) \\n","é":"鍵\U0001f511"}""",
    '{"a":"' + "x" * 300_000 + '"}',
    "@/etc/hostname",
    "",
]
PATHS = [
    "",
    "%41%25s%s%n/%2%41%/",
    "';touch$IFS$PWD/broken;'/",
    "%s%n/%41%2f/",
    '"`touch${IFS}broken`"/',
    "$(touch$IFS)broken/&touch&/",
]
COMMANDS = ("openssl", "curl", "od", "tr", "cut", "date", "cat")


def run(script: str, folder: Path, **environ: str) -> tuple[subprocess.CompletedProcess[bytes], str]:
    """Run a script in `sh`; also give the command line of every program that it started."""
    tools = folder / "tools"
    tools.mkdir()
    for name in COMMANDS:
        tool = tools / name
        tool.write_text(f"""#!/bin/sh\nprintf '%s\\n' "$0" "$@" >>{folder}/seen\nexec {shutil.which(name)} "$@"\n""")
        tool.chmod(0o755)
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        ["sh"], input=script.encode(), cwd=folder, env={"PATH": path} | environ, capture_output=True, check=False
    )
    return ended, (folder / "seen").read_text("utf-8") if (folder / "seen").exists() else ""


def sent(server: CapturingServer, credentials: Credentials, folder: Path, path: str, body: str) -> Received:
    script = curl_command(clean_base_url(server.base_url + path), credentials, NAMES, body)
    environ = (
        {"API_KEY": credentials.key.reveal()}
        if isinstance(credentials, ApiKey)
        else {"KEY": credentials.key, "SECRET": credentials.secret.reveal()}
    )
    assert "s3cr3t" not in script
    ended, command_lines = run(script, folder, **environ)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert "s3cr3t" not in command_lines
    assert "curl" in command_lines
    assert {file.name for file in folder.iterdir()} == {"tools", "seen"}
    [request] = server.received
    assert request.body == body.encode()
    return request


@pytest.fixture(autouse=True)
def answers(server: CapturingServer) -> None:
    server.answers.extend([(202, {"status": "success"})])


@pytest.mark.parametrize("credentials", [KEY, LONG_KEY], ids=["short", "long"])
@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_render_as_curl_signs_the_very_bytes_of_any_body(
    server: CapturingServer, tmp_path: Path, credentials: WorkspaceKey, body: str
) -> None:
    request = sent(server, credentials, tmp_path, "", body)
    headers = request.headers
    signature = sign(credentials.secret, "POST", request.path, CONTENT_TYPE, headers["Date"], request.body)
    assert (headers["Authorization"], headers["Content-Type"]) == (f"wk_1:{signature}", CONTENT_TYPE)


@pytest.mark.parametrize("credentials", [KEY, API_KEY], ids=["signed", "bearer"])
@pytest.mark.parametrize("path", PATHS)
def test_render_as_curl_takes_any_base_url_for_data(
    server: CapturingServer, tmp_path: Path, path: str, credentials: Credentials
) -> None:
    request = sent(server, credentials, tmp_path, path, BODIES[1])
    if isinstance(credentials, WorkspaceKey):
        signed = sign(credentials.secret, "POST", request.path, CONTENT_TYPE, request.headers["Date"], request.body)
        assert request.headers["Authorization"] == f"wk_1:{signed}"
    else:
        assert request.headers["Authorization"] == f"Bearer {API_KEY.key.reveal()}"


@pytest.mark.parametrize(
    "names", [("body", "key"), ("key", "secret"), ("url", "path"), ("digits", "rest"), ("date", "md5")]
)
def test_render_as_curl_takes_credentials_from_variables_of_any_name(
    server: CapturingServer, tmp_path: Path, names: tuple[str, str]
) -> None:
    own = NAMES | {"workspace_key_env": names[0], "workspace_secret_env": names[1]}
    script = curl_command(server.base_url, KEY, own, BODIES[1])
    ended, _ = run(script, tmp_path, **{names[0]: KEY.key, names[1]: KEY.secret.reveal()})
    assert (ended.returncode, ended.stderr) == (0, b"")
    [request] = server.received
    signature = sign(KEY.secret, "POST", request.path, CONTENT_TYPE, request.headers["Date"], request.body)
    assert request.headers["Authorization"] == f"wk_1:{signature}"
    assert request.headers["Accept"] == "application/json"


def test_render_as_curl_takes_the_api_key_that_a_profile_names_and_that_is_not_set(
    server: CapturingServer, tmp_path: Path
) -> None:
    names = NAMES | {"workspace_key_env": "", "workspace_secret_env": ""}
    ended, _ = run(curl_command(server.base_url, None, names, "{}"), tmp_path, API_KEY="a-key")
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert server.received[0].headers["Authorization"] == "Bearer a-key"


def test_render_as_curl_stops_where_a_credential_is_missing(server: CapturingServer, tmp_path: Path) -> None:
    ended, _ = run(curl_command(server.base_url, KEY, NAMES, "{}"), tmp_path, KEY="wk_1")
    assert ended.returncode != 0
    assert b"SECRET: is not set" in ended.stderr
    assert server.received == []
