"""The fixture `runner_sandbox` in projects of users: in one process and several, with a sandbox of its own and a running one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.pages import PAGES
from tests.pytest_projects import PLUGIN, REPOSITORY, Project
from tests.servers.listeners import free_port
from tests.servers.sandbox_process import running_sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from runner.sandbox.server import Sandbox

SEND = """
    from runner import Event

    def send(session, user="u1"):
        assert session.suprsend().track_event(Event(user, "order_placed"))["success"]
"""
TWO = """
    from send import send

    def test_one(runner_sandbox):
        send(runner_sandbox, "one")
        assert [event.user for event in runner_sandbox.events()] == ["one"]

    def test_other(runner_sandbox):
        send(runner_sandbox, "other")
        assert [event.user for event in runner_sandbox.events()] == ["other"]
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.write("send.py", SEND)
    return made


def test_what_the_manual_shows_runs(project: Project) -> None:
    for number, block in enumerate(PAGES["fixture"].blocks("python")):
        (project.path / f"test_{number}.py").write_text(block.text)
    [spec] = PAGES["tutorial-app"].blocks("yaml")
    project.write("specs/order-placed.yaml", spec.text)
    assert project.pytest("-q") == (
        0,
        "....                                                                     [100%]\n4 passed\n",
    )


def test_a_project_that_does_not_use_it_loads_nothing(project: Project) -> None:
    project.write("test_sum.py", "def test_sum(): assert 1 + 1 == 2")
    project.write(
        "conftest.py",
        """
        import sys

        def pytest_sessionfinish():
            print("loaded:", {name.split(".")[0] for name in sys.modules} & {"runner", "starlette", "uvicorn", "asyncio"})
        """,
    )
    assert "loaded: set()" in project.pytest_from_the_start("-s")[1]


def test_what_an_application_sends_late_reaches_no_later_test(project: Project) -> None:
    project.write(
        "test_late.py",
        """
        import threading

        import pytest
        from send import send

        ENDED, SENT = threading.Event(), threading.Event()

        def send_late(session):
            ENDED.wait(30)
            send(session, "late")
            SENT.set()

        def test_first(runner_sandbox):
            threading.Thread(target=send_late, args=[runner_sandbox]).start()

        @pytest.fixture
        def after_the_first():
            ENDED.set()
            assert SENT.wait(30)

        def test_second(after_the_first, runner_sandbox):
            runner_sandbox.assert_not_sent()

        def test_third(runner_sandbox):
            ENDED.set()
            assert SENT.wait(30)
            runner_sandbox.assert_not_sent(within=0.1)
        """,
    )
    assert project.pytest("-q", "-p", "no:randomly")[0] == 0


def test_it_is_one_session_for_all_fixtures_of_a_test_and_has_no_longer_life(project: Project) -> None:
    project.write(
        "test_scopes.py",
        """
        import pytest

        @pytest.fixture
        def application(runner_sandbox):
            return runner_sandbox

        def test_twice(application, runner_sandbox):
            assert application is runner_sandbox

        @pytest.fixture(scope="module")
        def too_long(runner_sandbox):
            pass

        def test_module(too_long):
            pass
        """,
    )
    status, printed = project.pytest("-q")
    assert (status, "1 passed, 1 error" in printed) == (1, True)
    assert (
        "ScopeMismatch: You tried to access the function scoped fixture runner_sandbox with a module scoped" in printed
    )


def test_a_failed_test_shows_what_arrived(project: Project) -> None:
    project.write(
        "test_wrong.py",
        """
        from runner import Event, Suprsend
        from send import send

        def test_wrong(runner_sandbox):
            send(runner_sandbox)
            Suprsend("sandbox-workspace-key." + runner_sandbox.name, "wrong", runner_sandbox.url).track_event(Event("u2", "x1"))
            assert len(runner_sandbox.events()) == 2
        """,
    )
    _, printed = project.pytest("-q", "--tb=short")
    assert printed.partition("Arrived at runner_sandbox ---------------------------\n")[2].startswith(
        "  accepted     order_placed, user u1\n  refused 401  (no event)\n    invalid workspace key, secret or signature\n"
    )


def test_the_sandbox_follows_the_projects_settings_but_fails_no_test_at_first(project: Project) -> None:
    project.write("runner.yaml", "sandbox: {tenants: [acme], fail: [500]}")
    project.write(
        "test_tenant.py",
        """
        from runner import Event

        def test_tenant(runner_sandbox):
            client = runner_sandbox.suprsend()
            assert client.track_event(Event("u1", "order_placed", tenant_id="acme"))["success"]
            assert client.track_event(Event("u1", "order_placed", tenant_id="other"))["status_code"] == 404
            assert runner_sandbox.refused()[0].reasons == ("tenant/brand doesn't exist with id: other",)
        """,
    )
    assert project.pytest("-q")[0] == 0
    project.write("runner.yaml", "sandbox: {tenant: [acme]}")
    status, printed = project.pytest("-q")
    assert (status, "\nrunner_sandbox: runner.yaml:1:11: unknown key 'tenant'" in printed) == (1, True), printed


def test_a_package_of_the_project_called_runner_is_in_the_way(project: Project) -> None:
    project.write("runner/__init__.py", "")
    project.write("test_it.py", "def test_it(runner_sandbox): pass")
    status, printed = project.pytest_from_the_start(
        "-q", PYTHONPATH=f"{project.path}:{REPOSITORY}/runner/pytest_plugin/entry"
    )
    assert status == 1
    assert "\nrunner_sandbox can't be used: 'runner' is" in printed


# A running sandbox


@pytest.mark.parametrize("way", ["environment", "option", "token"])
def test_a_running_sandbox_keeps_what_the_tests_sent(project: Project, sandbox: Sandbox, way: str) -> None:
    project.write("test_two.py", TWO)
    address, url, token = sandbox.events_url, sandbox.base_url, sandbox.events_url.partition("=")[2]
    args, environ = {
        "environment": ([], {"RUNNER_SANDBOX_URL": address}),
        "option": (["--runner-sandbox-url", address], {"RUNNER_SANDBOX_URL": "http://127.0.0.1:1/#token=x"}),
        "token": ([], {"RUNNER_SANDBOX_URL": url, "RUNNER_SANDBOX_TOKEN": token}),
    }[way]
    assert project.pytest_in(environ, "-q", *args)[0] == 0
    arrived = [(re.sub("-[0-9a-f]{12}$", "", each.session), each.distinct_id) for each in sandbox.store.events()]
    assert arrived == [("test_one", "one"), ("test_other", "other")]


def test_a_sandbox_that_cannot_be_used_is_one_error_that_says_why(project: Project, sandbox: Sandbox) -> None:
    project.write("test_two.py", TWO)
    port = free_port()
    for address, reason in (
        (f"{sandbox.base_url}#token=wrong", f"the sandbox at {sandbox.base_url}: the token is missing or wrong"),
        (f"http://127.0.0.1:{port}/#token=x", f"the sandbox at http://127.0.0.1:{port}/ does not answer: [Errno 111]"),
        (sandbox.base_url, "the address of the sandbox has no token (copy the address that it printed"),
    ):
        status, printed = project.pytest("-q", "--tb=short", RUNNER_SANDBOX_URL=address)
        assert (status, f"\nrunner_sandbox: {reason}" in printed) == (
            1,
            True,
        ), printed
    assert sandbox.store.events() == []


def test_a_sandbox_that_ends_while_tests_run_fails_them_in_one_line_each(project: Project) -> None:
    project.write(
        "test_gone.py",
        """
        import os
        import signal

        def test_gone(runner_sandbox):
            os.kill(int(os.environ["SANDBOX_PID"]), signal.SIGKILL)
            runner_sandbox.assert_not_sent(within=60)

        def test_after(runner_sandbox):
            assert runner_sandbox.events() == []
        """,
    )
    with running_sandbox(project.path) as running:
        environ = {"RUNNER_SANDBOX_URL": running.address, "SANDBOX_PID": str(running.process.pid)}
        status, printed = project.pytest_in(environ, "-q", "--tb=short")
    assert (status, "2 failed" in printed) == (1, True), printed
    error = f"E   runner.errors.MachineError: the sandbox at {running.base_url} does not answer: "
    assert printed.count(error) == 2
    assert "control.py" not in printed


# Several processes


@pytest.mark.slow
def test_a_hundred_tests_of_an_application_in_two_workers_see_their_own_events(project: Project) -> None:
    """Each test starts the tutorial's shop, orders in a thread of its own too, and sees its own orders alone."""
    files = {block.file: block.text for page in ("tutorial-app",) for block in PAGES[page].blocks() if block.file}
    for name in ("shop.py", "specs/order-placed.yaml"):
        project.write(name, files[name])
    fixture = files["test_shop.py"].partition("\n\n\ndef test_")[0]
    project.write("conftest.py", fixture)
    project.write(
        "test_many.py",
        """
        import threading

        import pytest

        @pytest.mark.parametrize("number", range(100))
        def test_orders(number, place_order, runner_sandbox):
            orders = [threading.Thread(target=place_order, kwargs={"id": str(i), "user": f"u{number}", "amount": i}) for i in (1, 2)]
            for each in orders:
                each.start()
            runner_sandbox.assert_sent("specs/order-placed.yaml", user=f"u{number}", properties={"amount": 2})
            for each in orders:
                each.join()
            found = sorted((event.user, event.properties["amount"], event.duplicate) for event in runner_sandbox.events())
            assert found == [(f"u{number}", 1, False), (f"u{number}", 2, False)]
        """,
    )
    status, printed = project.pytest("-q", "-n", "2", plugin=(*PLUGIN, "-p", "xdist"))
    assert (status, "100 passed" in printed) == (0, True), printed[-3000:]


def test_workers_share_a_running_sandbox_and_no_event(project: Project, sandbox: Sandbox) -> None:
    project.write("test_two.py", TWO)
    args = ["-q", "-n", "2", "--dist", "loadscope"]
    status, printed = project.pytest(*args, plugin=(*PLUGIN, "-p", "xdist"), RUNNER_SANDBOX_URL=sandbox.events_url)
    assert (status, "2 passed" in printed) == (0, True)
    assert len({each.session for each in sandbox.store.events()}) == 2
