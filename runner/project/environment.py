"""`runner.yaml` → which environment variables a spec may read, and which ones hold credentials.

A pull request may bring a spec that sends or prints what it reads. So the owners of `runner.yaml` decide. It may bring a
`runner.yaml` as well: a variable with SUPRSEND in its name holds a credential, whatever any file says.
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
"""Keys of a profile that name variables whose values are sent in each event."""
_SECRET_KEYS = ("workspace_secret_env", "api_key_env")
_OWN_SECRETS = frozenset({"SUPRSEND_WORKSPACE_SECRET", "SUPRSEND_API_KEY"})
_OWN = "SUPRSEND"
_CREDENTIAL_KEYS = (*PUBLIC_KEYS, *_SECRET_KEYS)


class _Sent(NamedTuple):
    """A key of a profile that names a variable whose value is sent with each event or request.

    A variable with one of `words` in its name holds another kind of credential, which must not be sent.
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
    """Names of environment variables: those that specs may read, and those that hold runner's credentials."""

    allowed: frozenset[str] | None = frozenset()
    """None if there is no list."""
    credentials: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()
    """The credentials that must never be shown."""
    problems: tuple[Problem, ...] = ()
    """The problems of the files that were read."""

    def refusal(self, name: str, variable: str) -> Problem | None:
        """Return the problem of a spec's variable that may not be read from the environment; None if it may."""
        ways = f"pass the value with --var {variable}=… or RUNNER_VAR_{variable}"
        if _is_credential(name, self.credentials):
            message = f"'{name}' holds credentials of runner: specs can't read it"
            return Problem("env-not-allowed", message, hint=f"remove env: and {ways}")
        if name in (self.allowed or ()):
            return None
        message = f"specs are not allowed to read the environment variable '{name}'"
        return Problem(
            "env-not-allowed",
            message,
            hint=f"list it in {ENV_ALLOWED}: of runner.yaml, and of each above it that has such a list,\nor remove env: and {ways}",
        )


def env_rules(spec: Path, config: Path | None) -> EnvRules:
    """Return the rules for a spec. It may read the variables that `config` lists, else those in all lists above the spec.

    So a nearer `runner.yaml` can't allow a variable that one above it does not list. Without any list, nothing may be
    read. Credentials are the variables that any of these files, or of those above the project, name as such.
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
    """Return the environment variables that hold runner's secrets, by `config` and every `runner.yaml` above `start`."""
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
    except OSError:  # reported when the profiles are read
        return ()
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


@lru_cache(maxsize=32)
def _rules(path: Path, stamp: object) -> EnvRules:  # noqa: ARG001 - the stamp is a part of the cache key
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
    """Yield problems of a `runner.yaml`: credentials that it allows specs to read, and names that no profile may use."""
    credentials = _names(root, _CREDENTIAL_KEYS)
    for node, name in _listed(root):
        if _is_credential(name, credentials):
            message = f"'{name}' holds credentials of runner: specs can't read it"
            yield Problem("env-not-allowed", message, node.position(), at=ENV_ALLOWED, hint="remove it from the list")
    for profile, key, node in _named(root, _CREDENTIAL_KEYS):
        name, at = str(node.value), f"profiles.{profile}.{key}"
        if not name.isidentifier():  # reported elsewhere
            continue
        if found := _OF_OTHERS.match(name):
            message = f"{key} names a variable of another service: {found[0]}…"
            hint = f"name a variable of its own for the platform, such as {_OWN}_STAGING_…"
            yield Problem("env-not-allowed", message, node.position(), at=at, hint=hint)
        if key in _SENT and any(word in name.upper() for word in _SENT[key].words):
            yield sent_secret(node, key, at)


def sent_secret(node: Node, key: str, at: str) -> Problem:
    """Return the problem of a profile that would send a secret with each event or request."""
    sent = _SENT[key]
    message = f"'{node.value}' holds a secret of runner, but the value of {key} is sent in each {sent.goes_with}"
    return Problem("env-not-allowed", message, node.position(), at=at, hint=f"name the variable of {sent.what}")


_OF_OTHERS = re.compile(r"(?i:GITHUB|ACTIONS|GITLAB|CI|AWS|AZURE|GOOGLE|GCP|NPM|NODE_AUTH|TWINE|PYPI|DOCKER|SSH)_")
"""Prefixes of names whose values must not be sent to a server that a pull request can name."""


def _is_credential(name: str, credentials: frozenset[str]) -> bool:
    return name in credentials or _OWN in name.upper()


def _listed(root: Node) -> Iterator[tuple[Node, str]]:
    listed = root.get(ENV_ALLOWED)
    for node in listed.items if listed is not None else ():
        if isinstance(node.value, str):
            yield node, node.value


def _named(root: Node, keys: Sequence[str]) -> Iterator[tuple[str, str, Node]]:
    """Yield the variables that profiles name: the profile, the key, and the node of the name."""
    profiles = root.get("profiles")
    for name, profile in profiles.entries.items() if profiles is not None else ():
        for key in keys:
            node = profile.get(key)
            if node is not None and isinstance(node.value, str):
                yield name, key, node


def _names(root: Node, keys: Sequence[str]) -> frozenset[str]:
    return frozenset(str(node.value) for _, _, node in _named(root, keys))
