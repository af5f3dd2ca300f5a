"""Checks of this machine: what is installed and what runs: the sandbox, completion in the shell, Python and packages."""

from __future__ import annotations

import platform
import re
import shlex
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from runner import __version__
from runner.doctor.finding import Finding, failure, skipped
from runner.sandbox.find import HOST, found_at
from runner.sandbox.proof import KeyRefused, Proof, read_key

if TYPE_CHECKING:
    from collections.abc import Mapping

SANDBOX, COMPLETION, PACKAGES = "sandbox", "completion", "packages"
_DISTRIBUTION = "suprsend-runner"
_MAX_BYTES = 1_000_000
"""How much of a shell's start-up file is searched."""


def sandbox(port: int, environ: Mapping[str, str]) -> Finding:
    """Check who listens on the sandbox's port."""
    try:
        proof = Proof(read_key(environ), port)
    except KeyRefused:  # no sandbox was started yet, or `runner sandbox` says why
        proof = None
    found = found_at(port, proof)
    if found.listener == "none":
        return skipped(SANDBOX, f"none runs on port {port}", "`runner sandbox` starts one")
    if found.version is None:
        text = f"another program listens on port {port}: commands with --sandbox start a sandbox of their own"
        return Finding(SANDBOX, "warning", text, "end that program, or choose another port: runner sandbox --port N")
    if found.listener == "foreign":
        text = f"a sandbox of another user listens on port {port}, or one with --host"
        return Finding(SANDBOX, "warning", text, "choose another port: runner sandbox --port N")
    where = f", stores in {found.database}" if found.database is not None else ", stores in memory"
    text = f"yours runs on http://{HOST}:{port}/{where}"
    if found.version != __version__:
        text += f"; it is of version {found.version}, and this is {__version__}"
        return Finding(SANDBOX, "warning", text, "stop it with Ctrl-C, and start it again")
    return Finding(SANDBOX, "ok", text)


def completion(environ: Mapping[str, str]) -> Finding:
    """Check that the shell completes commands: the script is there, and the shell's start-up file loads it."""
    shell, home = Path(environ.get("SHELL", "")).name, environ.get("HOME", "")
    if environ.get("CI"):
        return skipped(COMPLETION, "not needed in CI")
    if shell not in _SCRIPTS or not home:
        return skipped(COMPLETION, f"not known for the shell {shell}" if shell else "SHELL does not name a shell")
    script, startup, loads = _SCRIPTS[shell]
    is_loaded = startup is None or re.search(loads, _text(Path(home, startup))) is not None
    if Path(home, script).is_file() and is_loaded:
        return Finding(COMPLETION, "ok", f"installed for {shell}")
    return Finding(COMPLETION, "warning", f"not installed for {shell}", "runner --install-completion")


_SCRIPTS = {
    "bash": (".bash_completions/runner.sh", ".bashrc", r"(?m)^[^#\n]*bash_completions"),
    "zsh": (".zfunc/_runner", ".zshrc", r"(?m)^[^#\n]*compinit"),
    "fish": (".config/fish/completions/runner.fish", None, ""),
}
"""Where typer writes its script for each shell, and what loads it there: a start-up file with a line of this form."""


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def packages() -> Finding:
    """Check that each package that runner needs is installed, in a version that it supports, and Python too."""
    try:
        needed = [Requirement(text) for text in requires(_DISTRIBUTION) or []]
    except PackageNotFoundError:
        return skipped(PACKAGES, "runner is not installed as a package: its requirements are unknown")
    python = platform.python_version()
    about = f"runner {__version__}, Python {python}"
    supported = SpecifierSet(metadata(_DISTRIBUTION)["Requires-Python"])
    if not supported.contains(python, prereleases=True):
        return failure(PACKAGES, f"{about}; runner needs Python {supported}", "install it for another Python")
    needed = [each for each in needed if _is_used(each)]
    if wrong := [each for each in needed if not _is_supported(each)]:
        texts = (f"{each.name} {_version(each) or 'is missing'}, needed is {each.specifier}" for each in wrong)
        command = shlex.join(["pip", "install", *(f"{each.name}{each.specifier}" for each in wrong)])
        return failure(PACKAGES, f"{about}; {'; '.join(texts)}", command)
    return Finding(PACKAGES, "ok", f"{about}, {len(needed)} packages in supported versions")


def _is_used(needed: Requirement) -> bool:
    """Return whether commands use a package: those of extras only where they are installed."""
    if needed.marker is None or needed.marker.evaluate({"extra": ""}):
        return True
    is_of_extra = any(needed.marker.evaluate({"extra": extra}) for extra in _EXTRAS)
    return is_of_extra and _version(needed) is not None


_EXTRAS = ("jsonnet", "locale", "otel", "parquet", "remote")
"""The extras that commands use. The others are for the development of runner."""


def _is_supported(needed: Requirement) -> bool:
    installed = _version(needed)
    return installed is not None and needed.specifier.contains(installed, prereleases=True)


def _version(needed: Requirement) -> str | None:
    try:
        return version(needed.name)
    except PackageNotFoundError:
        return None
