"""What tests of `runner send` share: a spec of this repository, and a server to send it to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import SANDBOX

if TYPE_CHECKING:
    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer

PURCHASE = ("specs/purchase.yaml", "--var", "user=u1")
INSERT_ID = "a61155a3-5f5d-5780-90f4-8fea488ae6f4"


@pytest.fixture
def to_server(cli: CommandLine, server: CapturingServer) -> CapturingServer:
    """Aim the command line at the capturing server."""
    cli.environ |= SANDBOX | {"SUPRSEND_BASE_URL": server.base_url}
    return server
