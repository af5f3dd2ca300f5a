"""Projects with a `runner.yaml` each in one repository: each spec goes out with the credentials of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer


@pytest.fixture
def monorepo(in_tmp: Path, cli: CommandLine, server: CapturingServer) -> Path:
    """Make two projects, each with a profile `staging` of its own credentials, and a spec that is of neither."""
    (in_tmp / ".git").mkdir()
    for name in ("a", "b"):
        (in_tmp / name / "specs").mkdir(parents=True)
        (in_tmp / name / "specs" / f"{name}.yaml").write_text(
            f"version: 1\nlabels: [{name}]\nevent: order_placed\ndistinct_id: of_{name}\n"
        )
        (in_tmp / name / "runner.yaml").write_text(
            "profiles:\n  staging:\n"
            f"    base_url: {server.base_url}\n"
            f"    workspace_key_env: {name.upper()}_SUPRSEND_KEY\n    workspace_secret_env: {name.upper()}_SUPRSEND_SECRET\n"
        )
        cli.environ |= {
            f"{name.upper()}_SUPRSEND_KEY": f"key-{name}",
            f"{name.upper()}_SUPRSEND_SECRET": f"secret-{name}",
        }
    (in_tmp / "c.yaml").write_text("version: 1\nlabels: [c]\nevent: order_placed\ndistinct_id: of_c\n")
    return in_tmp


@pytest.mark.usefixtures("monorepo")
@pytest.mark.parametrize(
    ("paths", "told"),
    [
        (
            ("a/specs", "b/specs"),
            "a/specs/a.yaml belongs to a/runner.yaml, and b/specs/b.yaml belongs to b/runner.yaml",
        ),
        (
            ("b/specs/b.yaml", "a"),
            "b/specs/b.yaml belongs to b/runner.yaml, and a/specs/a.yaml belongs to a/runner.yaml",
        ),
        (("c.yaml", "a"), "c.yaml belongs to no runner.yaml, and a/specs/a.yaml belongs to a/runner.yaml"),
        ((".",), "a/specs/a.yaml belongs to a/runner.yaml, and b/specs/b.yaml belongs to b/runner.yaml"),
    ],
)
@pytest.mark.parametrize("where", [("--profile", "staging"), ("--sandbox",), ("--profile", "staging", "--dry-run")])
def test_specs_of_two_projects_are_not_sent_with_the_credentials_of_one(
    cli: CommandLine, server: CapturingServer, paths: tuple[str, ...], told: str, where: tuple[str, ...]
) -> None:
    ended = cli("send", *paths, *where)
    assert (ended.code, ended.out, server.received) == (64, "", [])
    assert ended.err.splitlines() == [
        f"error[usage]: {told}",
        "  = pass the specs of one runner.yaml at a time, or name one file for all of them with --config",
    ]


@pytest.mark.usefixtures("monorepo")
@pytest.mark.parametrize(
    "args", [("b",), (".", "--label", "b"), ("b/specs/b.yaml",), ("c.yaml", "b", "a", "--config", "b/runner.yaml")]
)
def test_each_spec_is_sent_with_the_credentials_of_its_own_project(
    cli: CommandLine, server: CapturingServer, args: tuple[str, ...]
) -> None:
    assert cli("send", *args, "--profile", "staging").code == 0
    body = server.received[0].json
    assert {event["env"] for event in (body if isinstance(body, list) else [body])} == {"key-b"}


@pytest.mark.usefixtures("monorepo")
def test_without_a_profile_specs_of_two_projects_go_out_together(cli: CommandLine, server: CapturingServer) -> None:
    cli.environ |= {
        "SUPRSEND_WORKSPACE_KEY": "key",
        "SUPRSEND_WORKSPACE_SECRET": "secret",
        "SUPRSEND_BASE_URL": server.base_url,
    }
    assert cli("send", "a", "b", "c.yaml").code == 0
