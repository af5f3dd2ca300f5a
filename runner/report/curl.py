"""An event → a POSIX shell script that signs and sends it with openssl and curl.

All data is in single quotes. No secret is an argument of a command, which other users of the machine could read: headers
and body go through pipes, and the signature's HMAC is made of two plain digests (RFC 2104), since openssl takes its key
as an argument.
"""

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
    """Return the script. It has no secrets: it reads them from the environment when it runs.

    `names` are environment variables, by the keys of `runner.yaml`; those of credentials that the profile does not use are
    empty. The script reads them before it sets variables of its own, which may have the same names.
    """
    url = base_url + SINGLE_PATH
    lines = [f"url={quote(url)}", f"body={quote(body)}"]
    headers = [f"Content-Type: {CONTENT_TYPE}", "Accept: application/json"]
    if isinstance(credentials, ApiKey) or not names["workspace_secret_env"]:
        needed = ["api_key_env"]
        headers += ["Authorization: Bearer $1"]
    else:
        needed = ["workspace_key_env", "workspace_secret_env"]
        lines += [_HMAC, f"path={quote(urlsplit(url).path)}", *_signing()]
        headers += ["Date: $date", "Authorization: $1:$signature"]
    read = " ".join(["set --", *(f'"${{{names[key]}:?is not set}}"' for key in needed)])
    return "\n".join([read, *lines, _SEND, *headers, "HEADERS"])


def _signing() -> list[str]:
    return [
        "date=$(LC_ALL=C date -u '+%a, %d %b %Y %H:%M:%S GMT')",
        "md5=$(printf '%s' \"$body\" | openssl dgst -md5 -r | cut -d' ' -f1)",
        'key=$(hex "$2")',
        f'signature=$(printf \'POST\\n%s\\n%s\\n%s\\n%s\' "$md5" {quote(CONTENT_TYPE)} "$date" "$path" | hmac)',
    ]


_HMAC = r"""hex() {  # the key of an HMAC: 64 bytes, in hexadecimal
  digits=$(printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n')
  [ ${#digits} -le 128 ] || digits=$(printf '%s' "$1" | openssl dgst -sha256 -r | cut -d' ' -f1)
  while [ ${#digits} -lt 128 ]; do digits=${digits}00; done
  printf '%s' "$digits"
}
pad() {  # the bytes of the key, each combined with another
  rest=$key
  while [ -n "$rest" ]; do
    pair=${rest%"${rest#??}"}
    rest=${rest#??}
    printf "\\$(printf '%03o' $((0x$pair ^ $1)))"
  done
}
hmac() {
  { pad 0x5c; { pad 0x36; cat; } | openssl dgst -sha256 -binary; } | openssl dgst -sha256 -binary | openssl base64 -A
}"""
_SEND = """printf '%s' "$body" |
  curl --silent --show-error --globoff --header @/dev/fd/3 --data-binary @- "$url" 3<<HEADERS"""
