"""`runner.yaml`, the environment and the flags → a `Target`: where events go, and as whom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.errors import (
    CredentialsError,
    InvalidInput,
    NotFound,
    Problem,
    RunnerError,
    did_you_mean,
    in_order,
    shown_argument,
)
from runner.project.config_file import read_config, shown_path
from runner.project.environment import ENV_ALLOWED, PUBLIC_KEYS, name_problems, secret_names, sent_secret
from runner.project.files import CONFIG_NAME, find_config
from runner.secrets import Secret
from runner.source import OwnSchema, discreet, problems
from runner.suprsend.auth import ApiKey, Credentials, WorkspaceKey, check_credential
from runner.suprsend.endpoints import clean_base_url
from runner.suprsend.rules import MAX_EVENT_KB
from runner.variables import Given

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from runner.errors import Step
    from runner.source import Fault, Json, Node
    from runner.suprsend.admission import Admission

SANDBOX_PORT = 7788
SANDBOX_KEY = WorkspaceKey("sandbox-workspace-key", Secret("sandbox-workspace-secret"))
SANDBOX_API_KEY = ApiKey("sandbox-workspace-uid", Secret("sandbox-api-key"))
"""The UID has more than 20 characters, because the platform's Python SDK demands that."""
OLD_SANDBOX_UID = "sandbox"
"""The UID of earlier versions, in `env` of recorded events."""
PUBLIC_SECRETS = frozenset({SANDBOX_KEY.secret.reveal(), SANDBOX_API_KEY.key.reveal()})

_DEFAULT_NAMES = {
    "workspace_key_env": "SUPRSEND_WORKSPACE_KEY",
    "workspace_secret_env": "SUPRSEND_WORKSPACE_SECRET",
    "api_key_env": "SUPRSEND_API_KEY",
    "workspace_uid_env": "SUPRSEND_WORKSPACE_UID",
}
_BASE_URL = "SUPRSEND_BASE_URL"


@dataclass(frozen=True, slots=True)
class Target:
    """Where events go. `credentials` are None if none are set; with `confirm`, commands ask before they send.

    `names` are the environment variables that hold credentials, by the keys of `runner.yaml`. `admit` checks each
    connection before anything is sent over it.
    """

    base_url: str
    credentials: Credentials | None
    names: Mapping[str, str]
    max_event_kb: int = MAX_EVENT_KB
    confirm: bool = False
    admit: Admission | None = None

    @property
    def env(self) -> str:
        """The `env` of events; a placeholder without credentials, for `render` and `--dry-run`."""
        return self.credentials.env if self.credentials else "WORKSPACE_KEY"

    def authorized(self) -> Credentials:
        """Return the credentials. Raise CredentialsError without them."""
        if self.credentials is None:
            raise CredentialsError(
                Problem("credentials-missing", f"no credentials for {self.base_url}", hint=_hint(self.names))
            )
        return self.credentials


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile of `runner.yaml`, or the defaults without one; independent of the environment.

    All profiles of a file share `section`, its `sandbox:`, and `cassettes_max_age` and `cassettes_allow`, from its
    `cassettes:`. `sandbox_max_event_kb` is a sandbox's limit: that of the profile, or without one the largest of the file.
    """

    base_url: str | None
    names: Mapping[str, str]
    variables: Mapping[str, Given]
    max_event_kb: int
    confirm: bool
    section: Node | None = None
    cassettes_max_age: timedelta | None = None
    cassettes_allow: tuple[str, ...] = ()
    sandbox_max_event_kb: int = MAX_EVENT_KB
    start: Path = Path()
    config: Path | None = None
    """What it was loaded for: the path that the file belongs to, and the file if it was named."""

    def secrets(self, environ: Mapping[str, str]) -> tuple[str, ...]:
        """Return the secrets that must never be printed, used or not. The sandbox's are public."""
        found = (environ.get(self.names[key], "") for key in ("workspace_secret_env", "api_key_env"))
        return tuple(text for text in found if text and text not in PUBLIC_SECRETS)

    def target(self, environ: Mapping[str, str]) -> Target:
        """Return the platform as target. Raise CredentialsError if a half of the credentials is missing."""
        return Target(
            self.base_url_in(environ),
            credentials_in(environ, self.names),
            self.names,
            self.max_event_kb,
            self.confirm,
        )

    def base_url_in(self, environ: Mapping[str, str]) -> str:
        """Return the normalized base URL. Raise InvalidInput or CredentialsError, which names its origin, for one that is refused."""
        try:
            return clean_base_url(self.base_url or environ.get(_BASE_URL))
        except RunnerError as error:
            origin = f"base_url of the profile in {CONFIG_NAME}" if self.base_url else _BASE_URL
            problems = (replace(each, hint=f"{each.hint}; it comes from {origin}") for each in error.problems)
            raise type(error)(*problems) from None

    def sandbox(self, port: int, admit: Admission | None = None) -> Target:
        """Return a sandbox on this machine as target, with its public credentials. Pass `admit` to send to it."""
        return Target(f"http://127.0.0.1:{port}/", SANDBOX_KEY, _DEFAULT_NAMES, self.max_event_kb, admit=admit)


def load_profile(*, start: Path, config: Path | None = None, name: str | None = None) -> Profile:
    """Read a profile from `config`, else from the `runner.yaml` that belongs to `start`; without a name, the defaults.

    Raise InvalidInput for an invalid file, NotFound for an unknown profile.
    """
    path = config or find_config(start)
    root = _read(path) if path else None
    section = root.get("sandbox") if root else None
    max_age = _age(root.get("cassettes", "max_age")) if root else None
    allow = root.get("cassettes", "allow") if root else None
    allowed = tuple(str(item.value) for item in allow.items) if allow else ()
    profiles = root.get("profiles") if root else None
    entries = profiles.entries if profiles else {}
    if name is None:
        largest = max([MAX_EVENT_KB, *map(_max_event_kb, entries.values())])
        return Profile(None, _DEFAULT_NAMES, {}, MAX_EVENT_KB, False, section, max_age, allowed, largest, start, config)
    chosen = entries.get(name)
    if chosen is None:
        where = f"in {shown_path(path)}" if path else f"and no {CONFIG_NAME} here"
        hint = did_you_mean(name, entries, "it has no profiles" if path and not entries else None)
        raise NotFound(Problem("profile-not-found", f"no profile '{shown_argument(name)}' {where}", hint=hint))
    settings = chosen.plain()
    settings = settings if isinstance(settings, dict) else {}
    _refuse_secrets_in_events(chosen, name, secret_names(start, config))
    given = chosen.get("vars")
    base_url, size = settings.get("base_url"), _max_event_kb(chosen)
    return Profile(
        str(base_url) if base_url else None,
        _names(settings),
        {key: Given.unshown(node, f"profile '{name}'") for key, node in (given.entries if given else {}).items()},
        size,
        settings.get("confirm") is True,
        section,
        max_age,
        allowed,
        size,
        start,
        config,
    )


def profile_names(start: Path, config: Path | None = None) -> list[str]:
    """Return the profiles of `config`, else of the `runner.yaml` that belongs to `start`. Raise InvalidInput."""
    path = config or find_config(start)
    profiles = root.get("profiles") if path is not None and (root := _read(path)) is not None else None
    return list(profiles.entries) if profiles is not None else []


def _max_event_kb(profile: Node) -> int:
    size = profile.get("max_event_kb")
    return int(size.value) if size is not None and isinstance(size.value, int | float) else MAX_EVENT_KB


def _refuse_secrets_in_events(profile: Node, name: str, secrets: Collection[str]) -> None:
    """Raise InvalidInput if a profile's workspace key or UID, which is part of each event, is a secret elsewhere."""
    for key in PUBLIC_KEYS:
        node = profile.get(key)
        if node is not None and node.value in secrets:
            raise InvalidInput(discreet(sent_secret(node, key, f"profiles.{name}.{key}")))


_KINDS = (("workspace_key_env", "workspace_secret_env"), ("api_key_env", "workspace_uid_env"))


def _names(settings: Mapping[str, Json]) -> dict[str, str]:
    """Return the environment variables of a profile's credentials. If it names one kind, the other kind has none.

    Otherwise the signing key of the default workspace would win over the API key that the profile names.
    """
    named = [kind for kind in _KINDS if any(key in settings for key in kind)]
    return {
        key: str(settings.get(key, _DEFAULT_NAMES[key])) if kind in (named or _KINDS) else ""
        for kind in _KINDS
        for key in kind
    }


def _age(node: Node | None) -> timedelta | None:
    """Return an age, such as `90d` or `12w`, whose form is valid."""
    if node is None:
        return None
    text = str(node.value)
    return timedelta(days=int(text[:-1]) * (7 if text.endswith("w") else 1))


def _read(path: Path) -> Node | None:
    document = read_config(path, may_be_pipe=True)
    found = list(document.problems)
    if document.root is not None:
        found += problems(map(_unquoted, _formats()[0].faults(document.root.plain())), document.root)
        found += name_problems(document.root)
    refuse(found, document.text.path)
    return document.root


def refuse(found: Iterable[Problem], path: str) -> None:
    """Raise InvalidInput if one of the problems is an error. Values of the file at `path` are not shown."""
    errors = [problem for problem in found if problem.severity == "error"]
    if errors:
        shown = (discreet(each) if each.position is None or each.position.path == path else each for each in errors)
        raise InvalidInput(*in_order(shown))


def of_sandbox(section: Node) -> list[Problem]:
    """Return problems with the form of a `sandbox:` section, of `runner.yaml` or of a case."""
    return list(problems(map(_unquoted, _formats()[1].faults(section.plain())), section))


@cache
def format_document() -> Any:
    """Return the schema of the file as plain values, which are shared and must not be changed."""
    return loads(Path(__file__).with_name("config.schema.json").read_text("utf-8"))


@cache
def _formats() -> tuple[OwnSchema, OwnSchema]:
    """Return the schemas of the file and of its `sandbox:`, which a case may have too."""
    document = format_document()
    return OwnSchema(document), OwnSchema(document["properties"]["sandbox"])


_DURATION_FORM = "a duration is a number and a unit, such as 500ms, 2s, 5m, 1h or 2d"
_SLUG_FORM = "a slug has lower-case letters, digits, _ and -"
_FORMS_OF_WORKFLOWS: Mapping[Step, str] = {
    "after": _DURATION_FORM,
    "status_every": _DURATION_FORM,
    "slug": _SLUG_FORM,
    "category": _SLUG_FORM,
}


def _unquoted(fault: Fault) -> Fault:
    """Return a fault without its value, which may be a secret in the place of its name."""
    if fault.path[:1] == ("vars",):  # declarations, as in a spec
        return fault
    if fault.keyword == "pattern" and "tenants" in fault.path[:2]:
        return replace(fault, message="an id of a tenant has 1 to 64 letters, digits, _ and -", hint=None)
    if fault.keyword == "pattern" and {"users", "workflows"} & {*fault.path[:2]}:
        message = _FORMS_OF_WORKFLOWS.get(fault.path[-1], "a distinct_id must not be blank")
        return replace(fault, message=message, hint=None)
    if fault.keyword == "pattern" and fault.path[-1:] == ("max_age",):
        return replace(fault, message="an age is a number of days or weeks, such as 90d or 12w", hint=None)
    if fault.keyword == "pattern" and fault.path[:1] == (ENV_ALLOWED,):
        message = f"{ENV_ALLOWED} lists the names of environment variables, not their values"
        return replace(fault, message=message, hint=None)
    if fault.keyword == "pattern":
        message = f"'{fault.path[-1]}' must be the name of an environment variable, not its value"
        return replace(fault, message=message, hint=None)
    # Hints about keys name those of the format alone.
    is_harmless = fault.keyword == "additionalProperties" or (fault.hint or "").startswith("did you mean")
    return fault if is_harmless else replace(fault, hint=None)


def credentials_in(environ: Mapping[str, str], names: Mapping[str, str]) -> Credentials | None:
    """Return the credentials in the variables of these names; the signing kind wins if both kinds are set.

    Raise CredentialsError if a half of them is missing.
    """
    values = {key: environ.get(name, "").strip() for key, name in names.items()}
    for key, value in values.items():
        if value:
            check_credential(names[key], value)
    key, secret = values["workspace_key_env"], values["workspace_secret_env"]
    api_key, uid = values["api_key_env"], values["workspace_uid_env"]
    if key and secret:
        return WorkspaceKey(key, Secret(secret))
    if api_key and uid:
        return ApiKey(uid, Secret(api_key))
    for has, lacks in _KINDS:
        for one, other in ((has, lacks), (lacks, has)):
            if values[one]:
                message = f"{names[one]} is set, {names[other]} is not"
                raise CredentialsError(Problem("credentials-missing", message, hint=f"set {names[other]} too"))
    return None


def _hint(names: Mapping[str, str]) -> str:
    ways = [" and ".join(names[key] for key in kind) for kind in _KINDS if names[kind[0]]]
    return f"set {', or '.join(ways)};\nor add --sandbox to send to a server on this machine"
