"""`runner.yaml` → which environment variables a spec may read, and which ones hold credentials.

A spec comes with a pull request, and could send or print what it reads. So the owners of `runner.yaml` decide. One of these files may
come with a pull request too: what has SUPRSEND in its name holds a credential, whatever any file says.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import InvalidInput, MachineError, NotFound, Problem
from runner.project.config_file import read_config
from runner.project.files import configs_above, find_configs
from runner.source import discreet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from runner.source import Node

ENV_ALLOWED = "env_allowed"
PUBLIC_KEYS = ("workspace_key_env", "workspace_uid_env")
"""Keys of a profile that name what goes out in each event."""
_SECRET_KEYS = ("workspace_secret_env", "api_key_env")
_OWN_SECRETS = frozenset({"SUPRSEND_WORKSPACE_SECRET", "SUPRSEND_API_KEY"})
_OWN = "SUPRSEND"
_CREDENTIAL_KEYS = (*PUBLIC_KEYS, *_SECRET_KEYS)


class _Sent(NamedTuple):
    """What a key of a profile stands for that goes out with each event or request.

    A variable with one of `words` in its name holds something else, which must not go out.
    """

    what: str
    goes_with: str
    words: tuple[str, ...]


_SENT = {
    "workspace_key_env": _Sent("the key", "event", ("SECRET", "API_KEY")),
    "workspace_uid_env": _Sent("the UID", "event", ("SECRET", "API_KEY")),
    "api_key_env": _Sent("the API key", "request", ("SECRET",)),
}


class EnvRules(NamedTuple):
    """Names of environment variables: those that specs may read, and those that hold credentials of runner."""

    allowed: frozenset[str] | None = frozenset()
    """None where nothing is said of it."""
    credentials: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()
    """Of the credentials those that must not be shown."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with the files that they stand in."""

    def refusal(self, name: str, variable: str) -> Problem | None:
        """Say why a variable of a spec may not be read from the environment; None if it may."""
        ways = f"give the value with --var {variable}=… or RUNNER_VAR_{variable}"
        if _is_credential(name, self.credentials):
            message = f"'{name}' is for credentials of runner itself: no spec may read it"
            return Problem("env-not-allowed", message, hint=f"remove env: and {ways}")
        if name in (self.allowed or ()):
            return None
        message = f"the environment variable '{name}' may not be read by a spec"
        return Problem(
            "env-not-allowed",
            message,
            hint=f"list it in {ENV_ALLOWED}: of runner.yaml, and of each above it that has such a list,\nor remove env: and {ways}",
        )


def env_rules(spec: Path, config: Path | None) -> EnvRules:
    """Read the rules of a spec. It may read what `config` lists, else what each `runner.yaml` above it with a list does.

    So a nearer one allows nothing that is not in a list above it. Without a list nothing may be read. What any of these
    files calls a credential is one, and what those above its project do.
    """
    rules = _all_rules(spec, config)
    counting = rules[:1] if config is not None else rules
    lists = [each.allowed for each in counting if each.allowed is not None]
    return EnvRules(
        frozenset.intersection(*lists) if lists else frozenset(),
        frozenset[str]().union(*(each.credentials for each in (*rules, *_rules_of(configs_above(spec))))),
        problems=tuple(problem for each in counting for problem in each.problems),
    )


def secret_names(start: Path, config: Path | None) -> frozenset[str]:
    """Return the environment variables that hold secrets of runner, by any `runner.yaml` above `start`, and by `config`."""
    rules = (*_all_rules(start, config), *_rules_of(configs_above(start)))
    return _OWN_SECRETS.union(*(each.secrets for each in rules))


def _all_rules(start: Path, config: Path | None) -> list[EnvRules]:
    try:
        found = [*([config] if config is not None else []), *find_configs(start)]
    except InvalidInput as error:
        return [EnvRules(problems=error.problems)]
    return _rules_of(found)


def _rules_of(found: Iterable[Path]) -> list[EnvRules]:
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
        document = read_config(path)
    except (NotFound, MachineError) as error:
        return EnvRules(problems=error.problems)
    problems = [problem for problem in document.problems if problem.severity == "error"]
    root = document.root
    if root is None:
        return EnvRules(problems=tuple(map(discreet, problems)))
    return EnvRules(
        None if root.get(ENV_ALLOWED) is None else frozenset(name for _, name in _listed(root)),
        _names(root, _CREDENTIAL_KEYS),
        _names(root, _SECRET_KEYS),
        tuple(map(discreet, [*problems, *name_problems(root)])),
    )


def name_problems(root: Node) -> Iterator[Problem]:
    """Report what a `runner.yaml` lists among what specs may read and must not, and what no profile may name as a credential."""
    credentials = _names(root, _CREDENTIAL_KEYS)
    for node, name in _listed(root):
        if _is_credential(name, credentials):
            message = f"'{name}' is for credentials of runner itself: no spec may read it"
            yield Problem("env-not-allowed", message, node.position(), at=ENV_ALLOWED, hint="take it out of the list")
    for profile, key, node in _named(root, _CREDENTIAL_KEYS):
        name, at = str(node.value), f"profiles.{profile}.{key}"
        if not name.isidentifier():  # its form is told of
            continue
        if found := _OF_OTHERS.match(name):
            message = f"{key} names a variable of another service: {found[0]}…"
            hint = f"name a variable of its own for the platform, such as {_OWN}_STAGING_…"
            yield Problem("env-not-allowed", message, node.position(), at=at, hint=hint)
        if key in _SENT and any(word in name.upper() for word in _SENT[key].words):
            yield sent_secret(node, key, at)


def sent_secret(node: Node, key: str, at: str) -> Problem:
    """Report a secret that a profile names as what goes out with each event or request."""
    sent = _SENT[key]
    message = f"'{node.value}' holds a secret of runner: {key} names what goes out in each {sent.goes_with}"
    return Problem("env-not-allowed", message, node.position(), at=at, hint=f"name the variable of {sent.what}")


_OF_OTHERS = re.compile(r"(?i:GITHUB|ACTIONS|GITLAB|CI|AWS|AZURE|GOOGLE|GCP|NPM|NODE_AUTH|TWINE|PYPI|DOCKER|SSH)_")
"""Beginnings of names whose values must not go to a server that a pull request can name."""


def _is_credential(name: str, credentials: frozenset[str]) -> bool:
    return name in credentials or _OWN in name.upper()


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


def _names(root: Node, keys: Sequence[str]) -> frozenset[str]:
    return frozenset(str(node.value) for _, _, node in _named(root, keys))
