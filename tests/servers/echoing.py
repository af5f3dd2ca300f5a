"""A server that refuses each event, and repeats its secrets in every form in which servers and logs write a text."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from tests.servers.capturing import CapturingServer

if TYPE_CHECKING:
    from tests.servers.capturing import Received


def forms(text: str) -> list[str]:
    """Return a text as servers and logs write it."""
    raw = text.encode()
    return [
        text,
        json.dumps(text),
        json.dumps(json.dumps(text)),
        json.dumps(text, ensure_ascii=False),
        quote(text),
        quote(text, safe=""),
        quote_plus(text),
        quote(quote(text)),
        escape(text),
        repr(text),
        *(
            encode(b"." * shift + raw + b".").decode()
            for encode in (b64encode, urlsafe_b64encode)
            for shift in range(3)
        ),
    ]


class EchoingServer(CapturingServer):
    """Answers with status 400. An event has its secret in `properties.list[0]`, and escaped as HTML in `properties.html`."""

    def answer_to(self, request: Received) -> tuple[int, bytes, dict[str, str]]:
        authorization = request.headers["Authorization"]
        is_bulk = isinstance(request.json, list)
        records = [
            _refusal(event, authorization) | {"status_code": 400}
            for event in (request.json if is_bulk else [request.json])
        ]
        document = {"status": "success", "records": records} if is_bulk else records[0]
        headers = {"Content-Type": f"application/json; token={authorization}"}
        return 207 if is_bulk else 400, json.dumps(document).encode(), headers


def _refusal(event: dict[str, Any], authorization: str) -> dict[str, Any]:
    secrets = [
        *forms(event["properties"]["list"][0]),
        *forms(authorization),
        *forms(authorization.rsplit(maxsplit=1)[-1]),
    ]
    message = " ".join(["refused:", event["properties"]["html"], json.dumps(event), *secrets])
    return {"status": "error", "error": {"message": message, "type": "bad_request"}}
