"""The platform's messages API: list, content, and changes in bulk. Callers see the messages of their session."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse
from starlette.routing import Route

from runner.sandbox.arrival import Record
from runner.sandbox.callers import authenticate
from runner.sandbox.event_api import received_of
from runner.sandbox.http import answering, json_of
from runner.sandbox.message_query import message_query, page_of
from runner.sandbox.message_store import change, events_of, find, listed
from runner.sandbox.refusals import Refusal, bad_request, not_found
from runner.suprsend.messages import FAILED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from runner.sandbox.callers import Caller
    from runner.sandbox.http import BodyReader
    from runner.sandbox.message_store import StoredMessage
    from runner.sandbox.store import Store
    from runner.suprsend.auth import Credentials

MAX_CHANGES = 1000
_CONTENT_CHARS = 1000
_CHANNELS_OF: Final[Mapping[str, tuple[str, ...] | None]] = {
    "seen": None,
    "clicked": None,
    "dismissed": ("androidpush", "iospush"),
    **dict.fromkeys(("read", "unread", "archived", "unarchived"), ("inbox",)),
}
"""The channels on which an action is possible; None: all."""
_OPPOSITE: Final[Mapping[str, str]] = {
    "read": "unread",
    "unread": "read",
    "archived": "unarchived",
    "unarchived": "archived",
}


class MessageApi:
    """The endpoints of messages."""

    def __init__(self, store: Store, credentials: Sequence[Credentials], bodies: BodyReader) -> None:
        self._store = store
        self._credentials = credentials
        self._bodies = bodies

    def routes(self) -> list[Route]:
        """Return the routes of all endpoints, each with and without the slash at its end."""
        endpoints = (
            ("/v1/message", self.page, "GET"),
            ("/v1/message/{message_id}/content", self.content, "GET"),
            ("/v1/bulk/message", self.update, "PATCH"),
        )
        return [
            Route(f"{path}{end}", answering(self._answering(endpoint)), methods=[method])
            for path, endpoint, method in endpoints
            for end in ("", "/")
        ]

    def _answering(
        self, endpoint: Callable[[Request, Caller, bytes], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Return an endpoint for authenticated callers, whose refusals are stored, and answered in the newer form."""

        async def answer(request: Request) -> Response:
            caller: Caller | None = None
            body = b""
            try:
                body = await self._bodies.read(request)
                caller = authenticate(self._credentials, request, b"" if request.method == "GET" else body)
                return await endpoint(request, caller, body)
            except Refusal as refusal:
                record = Record({}, refusal=refusal)
                self._store.add(received_of(request, caller, body), [record], refusal.status_code)
                return JSONResponse(_error(refusal.status_code, refusal.kind, refusal.message), refusal.status_code)

        return answer

    async def page(self, request: Request, caller: Caller, body: bytes) -> Response:
        """Return a page of messages."""
        del body
        now_ms = self._store.now_ms(caller.session)
        query = message_query(request.query_params.multi_items(), caller.session, now_ms)
        found = page_of(self._store, query)
        results = [message.as_json(now_ms) for message in found.messages]
        if query.with_content:
            contents = self._contents(found.messages)
            results = [result | {"content": each} for result, each in zip(results, contents, strict=True)]
        return JSONResponse({"meta": found.meta(query.limit), "results": results})

    async def content(self, request: Request, caller: Caller, body: bytes) -> Response:
        """Return the content of a message."""
        del body
        found = self._of_caller([request.path_params["message_id"]], caller, self._store.now_ms(caller.session))
        if not found:
            raise not_found("message not found")
        [content] = self._contents(found)
        return JSONResponse({"channel": found[0].channel, "content": content})

    async def update(self, request: Request, caller: Caller, body: bytes) -> Response:
        """Change messages, each alone, as their recipients would: seen, clicked, read …."""
        del request
        actions = _actions(json_of(body))
        with self._store.transaction():
            now_ms = self._store.now_ms(caller.session)
            known = {each.message_id: each for each in self._of_caller(list(actions), caller, now_ms)}
            records = [self._updated(id_, action, known.get(id_), now_ms) for id_, action in actions.items()]
        return JSONResponse({"records": records}, HTTPStatus.ACCEPTED)

    def _updated(self, message_id: str, action: str, message: StoredMessage | None, now_ms: int) -> dict[str, object]:
        """Apply an action, and return its record in the answer."""

        def refused(status_code: int, kind: str, text: str) -> dict[str, object]:
            return {"message_id": message_id, "status_code": status_code, "error": {"type": kind, "message": text}}

        if message is None:
            return refused(HTTPStatus.NOT_FOUND, "not_found", "message not found")
        channels = _CHANNELS_OF[action]
        if channels is not None and message.channel not in channels:
            text = f"{action} is not possible on the channel {message.channel}"
            return refused(HTTPStatus.UNPROCESSABLE_ENTITY, "action_not_supported", text)
        status = message.status(now_ms)
        if status in FAILED:
            return refused(HTTPStatus.UNPROCESSABLE_ENTITY, "status_blocked", f"the status of the message is {status}")
        if action in _OPPOSITE:
            # Of two at one time, the one that turns it off holds.
            opposite_ms = message.since(_OPPOSITE[action], now_ms) or 0
            change(self._store, message_id, action, max(now_ms, opposite_ms + (action in ("read", "archived"))))
        elif message.since(action, now_ms) is None:
            change(self._store, message_id, action, now_ms)
        return {"message_id": message_id, "status_code": HTTPStatus.ACCEPTED, "error": None}

    def _of_caller(self, message_ids: Sequence[str], caller: Caller, now_ms: int) -> list[StoredMessage]:
        names, ids = listed("id", message_ids)
        condition = f"session = :session AND created_ms <= :now AND message_id IN {names}"
        return find(self._store, condition, ids | {"session": caller.session, "now": now_ms})

    def _contents(self, messages: Sequence[StoredMessage]) -> list[dict[str, object]]:
        """Return the contents of messages. A sandbox has no templates: the names of the event's properties are the text.

        Their values are not shown: everyone on this machine knows the credentials of the messages API.
        """
        texts = {arrival_id: _properties(raw) for arrival_id, raw in events_of(self._store, messages)}
        return [
            {
                "subject" if each.channel == "email" else "header": str(each.details["name"]),
                "body": texts.get(each.arrival_id, ""),
            }
            for each in messages
        ]


def _properties(raw: bytes) -> str:
    return ", ".join(json.loads(raw).get("properties") or {})[:_CONTENT_CHARS]


def _actions(body: object) -> dict[str, str]:
    """Return the actions of a request, by the id of their message. Raise Refusal if its form is not valid."""
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list) or not 1 <= len(messages) <= MAX_CHANGES:
        raise bad_request(f"messages must be an array of 1 to {MAX_CHANGES} items")
    actions: dict[str, str] = {}
    for index, item in enumerate(messages):
        message_id, action = (item.get(key) if isinstance(item, dict) else None for key in ("message_id", "action"))
        if not isinstance(message_id, str) or not message_id:
            raise bad_request(f"messages[{index}]: missing message_id")
        if not isinstance(action, str) or action not in _CHANNELS_OF:
            raise bad_request(f"messages[{index}]: action must be one of {', '.join(_CHANNELS_OF)}")
        if message_id in actions:
            raise bad_request(f"messages[{index}]: message_id is given twice")
        actions[message_id] = action
    return actions


def _error(status_code: int, kind: str, text: str) -> dict[str, object]:
    return {"code": status_code, "error_code": kind, "type": kind, "message": text, "detail": text}
