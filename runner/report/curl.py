"""An event → a shell script that signs and sends it with openssl and curl."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from runner.suprsend.auth import CONTENT_TYPE, ApiKey
from runner.suprsend.endpoints import SINGLE_PATH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.suprsend.auth import Credentials


def curl_command(base_url: str, credentials: Credentials | None, names: Mapping[str, str], body: str) -> str:
    """Write the script. Secrets are not in it: it reads them from the environment when it runs.

    `names` are those of the environment variables, by the keys of `runner.yaml`.
    """
    url = base_url + SINGLE_PATH
    send = [
        f"curl --silent --show-error {quote(url)}",
        f"  --header {quote(f'Content-Type: {CONTENT_TYPE}')}",
    ]
    if isinstance(credentials, ApiKey):
        send += ['  --header "Authorization: Bearer $' + names["api_key_env"] + '"', '  --data-binary "$body"']
        return "\n".join([f"body={quote(body)}", " \\\n".join(send)])
    send += [
        '  --header "Date: $date"',
        f'  --header "Authorization: ${names["workspace_key_env"]}:$signature"',
        '  --data-binary "$body"',
    ]
    signed = f"POST\\n%s\\n{CONTENT_TYPE}\\n%s\\n{urlsplit(url).path}"
    return "\n".join([
        f"body={quote(body)}",
        "date=$(LC_ALL=C date -u '+%a, %d %b %Y %H:%M:%S GMT')",
        "md5=$(printf '%s' \"$body\" | openssl dgst -md5 -r | cut -d' ' -f1)",
        f"signature=$(printf '{signed}' \"$md5\" \"$date\" |",
        f'  openssl dgst -sha256 -hmac "${names["workspace_secret_env"]}" -binary | openssl base64 -A)',
        " \\\n".join(send),
    ])  # fmt: skip
