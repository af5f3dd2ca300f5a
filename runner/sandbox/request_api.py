"""The log of refused requests: what a client sent, and why its events were not accepted."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from runner.sandbox.queries import parameters, selection, whole_number

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from runner.sandbox.store import Store

MAX_REQUESTS = 100
MAX_SHOWN_BYTES = 64 * 1024
"""Limit for a body in the log; `/_sandbox/events/{id}` has all of it."""
_MAX_RECORDS = 100
"""Limit for the refused records that are listed of one request: a bulk request has up to 100,000."""
_SELECTING = "session", "event", "distinct_id", "tenant_id", "status_code"
_REQUESTS = """
    SELECT id, session, received_ms, method, target, headers, status_code, length(body), substr(body, 1, ?)
    FROM requests WHERE id IN (SELECT request_id FROM arrivals WHERE outcome = 'refused' AND {})
    AND id < ? AND (? = '' OR instr(lower(CAST(body AS TEXT)), lower(?)) > 0) ORDER BY id DESC LIMIT ?"""
_RECORDS = """
    SELECT id, event, distinct_id, tenant_id, status_code, reason FROM arrivals
    WHERE request_id = ? AND outcome = 'refused' ORDER BY id LIMIT ?"""
_LAST = 10**15 - 1


class RequestApi:
    """The endpoint of the log."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def refused(self, request: Request) -> Response:
        """Return requests with a refused record, the newest first, each with its body and the reasons.

        `?text=` selects by the body; `?before=` continues after the request with that id.
        """
        query = parameters(request.query_params.multi_items(), (*_SELECTING, "text", "before", "limit"))
        limit = whole_number("limit", query.pop("limit", "20"), MAX_REQUESTS)
        before = whole_number("before", query.pop("before", str(_LAST)))
        text = query.pop("text", "")
        wanted = selection(query)
        values = (MAX_SHOWN_BYTES, *wanted.values, before, text, text, limit)
        # In a thread: looking for a text in 100,000 bodies takes longer than a request may wait.
        return JSONResponse({"requests": await asyncio.to_thread(self._found, wanted.condition, values)})

    def _found(self, condition: str, values: tuple[object, ...]) -> list[dict[str, object]]:
        return [self._described(row) for row in self._store.rows(_REQUESTS.format(condition), values)]

    def _described(self, row: tuple[object, ...]) -> dict[str, object]:
        number, session, received_ms, method, target, headers, status_code, size_bytes, body = row
        records = self._store.rows(_RECORDS, (number, _MAX_RECORDS))
        names = "id", "event", "distinct_id", "tenant_id", "status_code", "reason"
        return {
            "id": number,
            "session": session,
            "received_ms": received_ms,
            "method": method,
            "target": target,
            "headers": json.loads(str(headers)),
            "status_code": status_code,
            "body": body.decode("utf-8", "replace") if isinstance(body, bytes) else "",
            "body_bytes": size_bytes,
            "refused": [dict(zip(names, each, strict=True)) for each in records],
        }
