"""`runner.yaml` → which environment variables a spec may read, and which ones hold credentials.

A spec comes with a pull request, and could send or print what it reads. So the owners of each `runner.yaml` above it decide. One of
these may come with a pull request too, so what holds a credential is told by its name alone: no file can say otherwise.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import MachineError, NotFound, Problem
from runner.source import discreet, read
from runner.spec.files import find_configs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from runner.source import Node

ENV_ALLOWED = "env_allowed"
PUBLIC_KEYS = ("workspace_key_env", "workspace_uid_env")
"""Keys of a profile that name what goes out in each event."""
_SECRET_KEYS = ("workspace_secret_env", "api_key_env")
_OWN_SECRETS = frozenset({"SUPRSEND_WORKSPACE_SECRET", "SUPRSEND_API_KEY"})
_OWN = "SUPRSEND"
_SENT = {
    "workspace_key_env": (("SECRET", "API_KEY"), "event"),
    "workspace_uid_env": (("SECRET", "API_KEY"), "event"),
    "api_key_env": (("SECRET",), "request"),
}
"""By keys of a profile that name what goes out: words in names of what must not, and with what it would."""


class EnvRules(NamedTuple):
    """Names of environment variables: those that specs may read, and those of runner's own secrets."""

    allowed: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    """What is wrong with the files that they stand in."""

    def refusal(self, name: str, variable: str) -> Problem | None:
        """Say why a variable of a spec may not be read from the environment; None if it may."""
        ways = f"give the value with --var {variable}=… or RUNNER_VAR_{variable}"
        if _is_credential(name):
            message = f"'{name}' is for credentials of runner itself: no spec may read it"
            return Problem("env-not-allowed", message, hint=f"remove env: and {ways}")
        if name in self.allowed:
            return None
        message = f"the environment variable '{name}' may not be read by a spec"
        return Problem(
            "env-not-allowed",
            message,
            hint=f"list it in {ENV_ALLOWED}: of each runner.yaml above the spec,\nor remove env: and {ways}",
        )


def env_rules(spec: Path, config: Path | None) -> EnvRules:
    """Read the rules of a spec. It may read what `config` lists, else what each `runner.yaml` above it does; without one, nothing.

    So a nearer one allows nothing that one above it doesn't.
    """
    rules = _all_rules(spec, config)[: 1 if config is not None else None]
    if not rules:
        return EnvRules()
    allowed = frozenset.intersection(*(each.allowed for each in rules))
    return EnvRules(allowed, problems=tuple(problem for each in rules for problem in each.problems))


def secret_names(start: Path, config: Path | None) -> frozenset[str]:
    """Return the environment variables that hold secrets of runner, by any `runner.yaml` above `start`, and by `config`."""
    return _OWN_SECRETS.union(*(each.secrets for each in _all_rules(start, config)))


def _all_rules(start: Path, config: Path | None) -> list[EnvRules]:
    found = [*([config] if config is not None else []), *find_configs(start)]
    return [_rules(path, stamp) for path in found if (stamp := _stamp(path))]


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:  # told by whoever reads its profiles
        return ()
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


@lru_cache(maxsize=32)
def _rules(path: Path, stamp: object) -> EnvRules:  # noqa: ARG001 - a file that changes is another
    try:
        document = read(path)
    except (NotFound, MachineError) as error:
        return EnvRules(problems=error.problems)
    problems = [problem for problem in document.problems if problem.severity == "error"]
    root = document.root
    if root is None:
        return EnvRules(problems=tuple(map(discreet, problems)))
    return EnvRules(
        frozenset(name for _, name in _listed(root)),
        frozenset(str(node.value) for _, _, node in _named(root, _SECRET_KEYS)),
        tuple(map(discreet, [*problems, *name_problems(root)])),
    )


def name_problems(root: Node) -> Iterator[Problem]:
    """Report what a `runner.yaml` lists among what specs may read and must not, and what no profile may name as a credential."""
    for node, name in _listed(root):
        if _is_credential(name):
            message = f"'{name}' is for credentials of runner itself: no spec may read it"
            yield Problem("env-not-allowed", message, node.position(), at=ENV_ALLOWED, hint="take it out of the list")
    for profile, key, node in _named(root, (*PUBLIC_KEYS, *_SECRET_KEYS)):
        name, at = str(node.value), f"profiles.{profile}.{key}"
        if not name.isidentifier():  # its form is told of
            continue
        if not _is_credential(name):  # the name is not shown: somebody may have put the secret itself there
            message = f"{key} must name an environment variable that has {_OWN} in its name"
            hint = f"rename the variable: {_OWN}_…; specs can't read one of such a name"
            yield Problem("env-not-allowed", message, node.position(), at=at, hint=hint)
        words, what = _SENT.get(key, ((), ""))
        if any(word in name.upper() for word in words):
            yield sent_secret(node, key, what, at)


def sent_secret(node: Node, key: str, what: str, at: str) -> Problem:
    """Report a secret that a profile names as what goes out with each event or request."""
    message = f"'{node.value}' holds a secret of runner: {key} names what goes out in each {what}"
    hint = f"name the variable of {_RIGHT[key]}"
    return Problem("env-not-allowed", message, node.position(), at=at, hint=hint)


_RIGHT = {"workspace_key_env": "the key", "workspace_uid_env": "the UID", "api_key_env": "the API key"}


def _is_credential(name: str) -> bool:
    return _OWN in name.upper()


def _listed(root: Node) -> Iterator[tuple[Node, str]]:
    listed = root.get(ENV_ALLOWED)
    for node in listed.items if listed is not None else ():
        if isinstance(node.value, str):
            yield node, node.value


def _named(root: Node, keys: Sequence[str]) -> Iterator[tuple[str, str, Node]]:
    """List what profiles name: the profile, the key, and the name."""
    profiles = root.get("profiles")
    for name, profile in profiles.entries.items() if profiles is not None else ():
        for key in keys:
            node = profile.get(key)
            if node is not None and isinstance(node.value, str):
                yield name, key, node
