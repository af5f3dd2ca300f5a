"""Fire, check and replay notification events from YAML specs.

The names of the platform's Python SDK are here; they load on first use, so that `import runner` costs nothing.

    from runner import Event, Suprsend
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.errors import InvalidEvent, RunnerError
    from runner.pytest_plugin.sandbox_session import SandboxSession
    from runner.suprsend import BulkEvents, BulkResponse, Event, Suprsend

__version__ = "0.1.0"
__all__ = [
    "BulkEvents",
    "BulkResponse",
    "Event",
    "InvalidEvent",
    "RunnerError",
    "SandboxSession",
    "Suprsend",
    "__version__",
]

_HOMES = {
    "BulkEvents": "runner.suprsend",
    "BulkResponse": "runner.suprsend",
    "Event": "runner.suprsend",
    "InvalidEvent": "runner.errors",
    "RunnerError": "runner.errors",
    "SandboxSession": "runner.pytest_plugin.sandbox_session",
    "Suprsend": "runner.suprsend",
}


def __getattr__(name: str) -> object:
    if home := _HOMES.get(name):
        return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
