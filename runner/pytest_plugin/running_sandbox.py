"""The sandbox of a pytest process, and a session of it for each test. Loaded with the first test that uses it."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.config import load_profile
from runner.errors import RunnerError
from runner.pytest_plugin.sandbox_session import SandboxSession, session_name
from runner.sandbox.rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import Any

    from runner.sandbox.store import Store

_SESSION = pytest.StashKey[SandboxSession]()
URL, TOKEN = "RUNNER_SANDBOX_URL", "RUNNER_SANDBOX_TOKEN"


class SandboxSessions:
    """Makes sessions of one sandbox: for a module, a class, or whatever lives longer than a test.

    `store` is that of a sandbox that was started by this process, and ends with it.
    """

    def __init__(self, config: pytest.Config, address: str, token: str | None, store: Store | None = None) -> None:
        self._config = config
        self._address = address
        self._token = token
        self._store = store

    def session(self, title: str = "session", here: Path | None = None) -> SandboxSession:
        """Return a new session. Specs are looked up in the folder `here` and those above it, up to pytest's rootdir."""
        root = self._config.rootpath
        here = here or root
        folders = [folder for folder in (here, *here.parents) if folder.is_relative_to(root)]
        file = self._config.option.runner_config
        return SandboxSession(
            self._address,
            session_name(title),
            token=self._token,
            specs_in=folders or [root],
            config=Path(file) if file else None,
        )

    @contextmanager
    def of(self, item: pytest.Item) -> Iterator[SandboxSession]:
        """Make a session for a test. What arrives after its end stays in the session, and reaches no other test."""
        session = item.stash[_SESSION] = self.session(item.name, item.path.parent)
        yield session
        if self._store is not None:  # so the memory of this process is bounded by what one test sends
            self._store.clear(session.name)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[Any]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add what arrived in the session of a failed test to its report."""
        report = yield
        session = item.stash.get(_SESSION, None)
        if report.failed and session is not None and call.when != "teardown":
            try:
                text = session.report() or "  nothing arrived"
            except RunnerError as error:
                text = f"  {error}"
            report.sections.append(("Arrived at runner_sandbox", text))
        return report


@contextmanager
def sandbox_sessions(config: pytest.Config) -> Iterator[SandboxSessions]:
    """Start a sandbox, or use the running one that an option or the environment names.

    Fails the tests that need it if the sandbox, or the project's `runner.yaml`, can't be used.
    """
    with ExitStack() as stack:
        try:
            sessions = _sessions(config, stack)
        except RunnerError as error:
            pytest.fail(f"runner_sandbox: {error}", pytrace=False)
        config.pluginmanager.register(sessions)
        stack.callback(config.pluginmanager.unregister, sessions)
        yield sessions


def _sessions(config: pytest.Config, stack: ExitStack) -> SandboxSessions:
    if address := config.option.runner_sandbox_url or os.environ.get(URL):
        sessions = SandboxSessions(config, address, os.environ.get(TOKEN))
        sessions.session().events()  # so that a wrong address is one error, not one in each test
        return sessions
    from runner.sandbox.server import Sandbox  # noqa: PLC0415 - a running sandbox needs no server here

    file = Path(config.option.runner_config) if config.option.runner_config else None
    rules = rules_of(load_profile(start=config.rootpath, config=file, name=config.option.runner_profile))
    # The first failures would hit any test, depending on the order.
    sandbox = stack.enter_context(Sandbox(rules=replace(rules, failures=())))
    return SandboxSessions(config, sandbox.events_url, None, sandbox.store)
