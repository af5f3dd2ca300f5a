"""The sandbox that runs on this machine → a client of its endpoints, once it has proved to be this user's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.config import SANDBOX_PORT
from runner.errors import Problem, UsageError
from runner.sandbox.find import HOST, look
from runner.sandbox.proof import KeyRefused, Proof, page_token, read_key
from runner.testing.control import Address, SandboxControl

if TYPE_CHECKING:
    from collections.abc import Mapping

_URL, _TOKEN = "RUNNER_SANDBOX_URL", "RUNNER_SANDBOX_TOKEN"


def sandbox_control(environ: Mapping[str, str]) -> SandboxControl:
    """Return a client of the sandbox that the environment names, else of this user's sandbox on the usual port.

    Raises UsageError if none is running, and InvalidInput for an address without a token.
    """
    token = environ.get(_TOKEN)
    if address := environ.get(_URL):
        return SandboxControl(Address.read(address, token))
    try:
        key = read_key(environ)
    except KeyRefused as error:
        raise _not_running(str(error)) from None
    proof = Proof(key, SANDBOX_PORT)
    if look(SANDBOX_PORT, proof) != "own":
        raise _not_running(None)
    return SandboxControl(
        Address.read(f"http://{HOST}:{SANDBOX_PORT}/", token or page_token(key, SANDBOX_PORT).reveal())
    )


def _not_running(reason: str | None) -> UsageError:
    message = f"no sandbox of yours is running on port {SANDBOX_PORT}" + (f": {reason}" if reason else "")
    hint = f"start one with `runner sandbox`; for one on another port, set {_URL} to the address that it printed"
    return UsageError(Problem("usage", message, hint=hint))
