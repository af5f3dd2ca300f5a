"""`runner.yaml`, the environment and the flags → a `Target`: where events go, and as whom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import CredentialsError, InvalidInput, NotFound, Problem, did_you_mean, in_order, shown_argument
from runner.secrets import Secret
from runner.source import Schema, discreet, problems, read
from runner.spec import Given
from runner.spec.files import CONFIG_NAME, folder_of, project_of
from runner.suprsend.auth import ApiKey, Credentials, WorkspaceKey, check_credential
from runner.suprsend.endpoints import clean_base_url
from runner.suprsend.event import MAX_EVENT_KB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.source import Fault, Node

SANDBOX_PORT = 7788
SANDBOX_KEY = WorkspaceKey("sandbox-workspace-key", Secret("sandbox-workspace-secret"))
SANDBOX_API_KEY = ApiKey("sandbox", Secret("sandbox-api-key"))

_DEFAULT_NAMES = {
    "workspace_key_env": "SUPRSEND_WORKSPACE_KEY",
    "workspace_secret_env": "SUPRSEND_WORKSPACE_SECRET",
    "api_key_env": "SUPRSEND_API_KEY",
    "workspace_uid_env": "SUPRSEND_WORKSPACE_UID",
}
_BASE_URL = "SUPRSEND_BASE_URL"


@dataclass(frozen=True, slots=True)
class Target:
    """Where events go. `credentials` are None until somebody gives some; `confirm` asks before sending.

    `names` are those of the environment variables that hold credentials, by the keys of `runner.yaml`.
    """

    base_url: str
    credentials: Credentials | None
    names: Mapping[str, str]
    max_event_kb: int = MAX_EVENT_KB
    confirm: bool = False

    @property
    def env(self) -> str:
        """What events say as `env`; a placeholder without credentials, for `render` and `--dry-run`."""
        return self.credentials.env if self.credentials else "WORKSPACE_KEY"

    def authorized(self) -> Credentials:
        """Give the credentials. Raises CredentialsError that says what to set."""
        if self.credentials is None:
            raise CredentialsError(
                Problem("credentials-missing", f"no credentials for {self.base_url}", hint=_hint(self.names))
            )
        return self.credentials


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile of `runner.yaml`, or what stands in for one: all that the environment does not change."""

    base_url: str | None
    names: Mapping[str, str]
    variables: Mapping[str, Given]
    max_event_kb: int
    confirm: bool

    def secrets(self, environ: Mapping[str, str]) -> tuple[str, ...]:
        """List what nothing may print, whichever of the credentials are used. The sandbox's are public."""
        public = {SANDBOX_KEY.secret.reveal(), SANDBOX_API_KEY.key.reveal()}
        found = (environ.get(self.names[key], "") for key in ("workspace_secret_env", "api_key_env"))
        return tuple(text for text in found if text and text not in public)

    def target(self, environ: Mapping[str, str]) -> Target:
        """Aim at the platform. Raises CredentialsError when a half of the credentials is missing."""
        return Target(
            clean_base_url(self.base_url or environ.get(_BASE_URL)),
            _credentials(environ, self.names),
            self.names,
            self.max_event_kb,
            self.confirm,
        )

    def sandbox(self, port: int) -> Target:
        """Aim at a sandbox on this machine, with its public credentials."""
        return Target(f"http://127.0.0.1:{port}/", SANDBOX_KEY, _DEFAULT_NAMES, self.max_event_kb)


def find_config(start: Path) -> Path | None:
    """Find `runner.yaml` in the folder of `start` or above, up to the project's."""
    project = project_of(start)
    folder = folder_of(start)
    for candidate in (folder, *folder.parents):
        if (candidate / CONFIG_NAME).is_file():
            return candidate / CONFIG_NAME
        if candidate == project:
            return None
    return None


def load_profile(*, start: Path, config: Path | None = None, name: str | None = None) -> Profile:
    """Read a profile from `config`, else from the `runner.yaml` that belongs to `start`; without a name, the defaults.

    Raises InvalidInput for a file that is not as it must be, NotFound for a profile that is not in it.
    """
    path = config or find_config(start)
    profiles = _profiles(path) if path else None
    if name is None:
        return Profile(None, _DEFAULT_NAMES, {}, MAX_EVENT_KB, confirm=False)
    entries = profiles.entries if profiles else {}
    chosen = entries.get(name)
    if chosen is None:
        where = f"in {_shown(path)}" if path else f"and no {CONFIG_NAME} here"
        hint = did_you_mean(name, entries, "it has no profiles" if path and not entries else None)
        raise NotFound(Problem("profile-not-found", f"no profile '{shown_argument(name)}' {where}", hint=hint))
    settings = chosen.plain()
    settings = settings if isinstance(settings, dict) else {}
    given = chosen.get("vars")
    base_url, size = settings.get("base_url"), settings.get("max_event_kb")
    return Profile(
        str(base_url) if base_url else None,
        {key: str(settings.get(key, default)) for key, default in _DEFAULT_NAMES.items()},
        {key: Given.unshown(node, f"profile '{name}'") for key, node in (given.entries if given else {}).items()},
        size if isinstance(size, int) else MAX_EVENT_KB,
        settings.get("confirm") is True,
    )


def _profiles(path: Path) -> Node | None:
    document = read(path, _shown(path))
    found = list(document.problems)
    if document.root is not None:
        schema = Schema(loads(Path(__file__).with_name("config.schema.json").read_text("utf-8")))
        found += problems(map(_unquoted, schema.faults(document.root.plain())), document.root)
    errors = [discreet(problem) for problem in found if problem.severity == "error"]
    if errors:
        raise InvalidInput(*in_order(errors))
    return document.root.get("profiles") if document.root else None


def _unquoted(fault: Fault) -> Fault:
    """Tell a fault without the value: somebody may have put the secret itself where its name belongs."""
    if fault.keyword == "pattern":
        message = f"'{fault.path[-1]}' must be the name of an environment variable, not its value"
        return replace(fault, message=message, hint=None)
    return fault if (fault.hint or "").startswith("did you mean") else replace(fault, hint=None)


def _credentials(environ: Mapping[str, str], names: Mapping[str, str]) -> Credentials | None:
    """Read credentials; the signing kind wins when both kinds are there."""
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
    for has, lacks in (("workspace_key_env", "workspace_secret_env"), ("api_key_env", "workspace_uid_env")):
        for one, other in ((has, lacks), (lacks, has)):
            if values[one]:
                message = f"{names[one]} is set, {names[other]} is not"
                raise CredentialsError(Problem("credentials-missing", message, hint=f"set {names[other]} too"))
    return None


def _hint(names: Mapping[str, str]) -> str:
    return (
        f"set {names['workspace_key_env']} and {names['workspace_secret_env']}, "
        f"or {names['api_key_env']} and {names['workspace_uid_env']};\n"
        "or add --sandbox to send to a server on this machine"
    )


def _shown(path: Path) -> str:
    """Name a file the short way, relative to the working directory where it lies below it."""
    resolved = path.resolve()
    return shown_argument(str(resolved.relative_to(Path.cwd())) if resolved.is_relative_to(Path.cwd()) else str(path))
