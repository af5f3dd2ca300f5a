"""What tests of `--trace` share: a collector on loopback that the environment leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import CREDENTIALS
from tests.servers.collector import Collector, collector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collector() as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.base_url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer collector-token")
        yield running


@pytest.fixture
def to_server(cli: CommandLine, server: CapturingServer) -> CapturingServer:
    """Aim the command line at the capturing server."""
    cli.environ |= CREDENTIALS | {"SUPRSEND_BASE_URL": server.base_url}
    return server
