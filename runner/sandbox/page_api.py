"""The endpoints that only the page uses, under `/_sandbox/page/`. All need the token."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, StreamingResponse

from runner.errors import RunnerError
from runner.sandbox.connections import answers_for
from runner.sandbox.http import json_of
from runner.sandbox.page_queries import har, json_lines, overview
from runner.sandbox.queries import MAX_LISTED, SELECTING, parameters, selection, whole_number
from runner.sandbox.refusals import Refusal, bad_request, not_found
from runner.suprsend.auth import ApiKey

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from runner.sandbox.http import BodyReader
    from runner.sandbox.project_specs import ProjectSpecs
    from runner.sandbox.rules import SandboxRules
    from runner.sandbox.store import Store
    from runner.suprsend.auth import Credentials

    Endpoint = Callable[[Request], Awaitable[Response]]

_EXPORT_S = 300.0
_MOST_PENDING = 8


class PageApi:
    """The endpoints of the page. `specs` are those of the project, if the sandbox runs in one."""

    def __init__(
        self,
        store: Store,
        credentials: Sequence[Credentials],
        rules: SandboxRules,
        bodies: BodyReader,
        specs: ProjectSpecs | None,
    ) -> None:
        self._store = store
        self._api_key = next((each for each in credentials if isinstance(each, ApiKey)), None)
        self._rules = rules
        self._bodies = bodies
        self._specs = specs
        self._rendering = asyncio.Lock()
        self._pending = 0

    def endpoints(self) -> list[tuple[str, Endpoint, str]]:
        """Return path, endpoint and method of each."""
        return [
            ("page/records", self.records, "GET"),
            ("page/overview", self.overview, "GET"),
            ("page/export", self.export, "GET"),
            ("page/credentials", self.credentials, "GET"),
            ("page/specs", self.list_specs, "GET"),
            ("page/spec", self.spec, "GET"),
            ("page/render", self.render, "POST"),
        ]

    async def records(self, request: Request) -> Response:
        """Return summaries of the selected records, the newest first, and the id of the newest record of all."""
        query = parameters(request.query_params.multi_items(), (*SELECTING, "limit"))
        limit = whole_number("limit", query.pop("limit", "100"), MAX_LISTED)
        wanted = selection(query)
        last_id = self._store.last_id
        if "text" in query:  # which takes a while to find
            found, _ = await asyncio.to_thread(self._store.search, wanted.condition, wanted.values, limit)
        else:
            condition, values = f"{wanted.condition} ORDER BY id DESC LIMIT ?", (*wanted.values, limit)
            found = await asyncio.to_thread(self._store.summaries, condition, values)
        return JSONResponse({"last_id": last_id, "records": [each.summary() for each in found]})

    async def overview(self, request: Request) -> Response:
        """Return totals by session and outcome, and the numbers of the last two minutes by second."""
        del request
        return JSONResponse((await asyncio.to_thread(overview, self._store)).as_json())

    async def export(self, request: Request) -> Response:
        """Return the selected records as `?format=jsonl` (JSON Lines), or their requests as `?format=har` (HAR 1.2)."""
        query = parameters(request.query_params.multi_items(), (*SELECTING, "format"))
        kind = query.pop("format", "jsonl")
        wanted = selection(query)
        if kind == "jsonl":
            content, media_type = json_lines(self._store, wanted), "application/x-ndjson"
        elif kind == "har":
            content, media_type = har(self._store, wanted, str(request.base_url)), "application/json"
        else:
            raise bad_request("format must be jsonl or har")
        answers_for(request, _EXPORT_S)
        headers = {"Content-Disposition": f'attachment; filename="sandbox.{kind}"'}
        return StreamingResponse(content, media_type=media_type, headers=headers)

    async def credentials(self, request: Request) -> Response:
        """Return the API key, with which the page sends events as any other client does."""
        if self._api_key is None:
            raise not_found("this sandbox has no API key")
        api_key, uid = self._api_key.key.reveal(), self._api_key.workspace_uid
        return JSONResponse({"api_key": api_key, "workspace_uid": uid, "base_url": str(request.base_url)})

    async def list_specs(self, request: Request) -> Response:
        """Return the paths of the project's specs."""
        del request
        return JSONResponse({"specs": await asyncio.to_thread(self._specs.paths) if self._specs is not None else []})

    async def spec(self, request: Request) -> Response:
        """Return the variables of the spec at `?path=`."""
        query = parameters(request.query_params.multi_items(), ("path",))
        return await self._of_specs(lambda specs: specs.describe(query.get("path", "")))

    async def render(self, request: Request) -> Response:
        """Return the event that a spec makes: `{"path": "specs/a.yaml", "variables": {"user": "u1"}}`, all values as text."""
        body = json_of(await self._bodies.read(request))
        fields = body if isinstance(body, dict) else {}
        path, texts = fields.get("path"), fields.get("variables", {})
        is_valid = isinstance(texts, dict) and all(isinstance(each, str) for each in texts.values())
        if not (isinstance(path, str) and is_valid):
            raise bad_request('the body must be {"path": "specs/a.yaml", "variables": {"name": "text"}}')
        if self._api_key is None:
            raise not_found("this sandbox has no API key")
        uid, max_event_kb = self._api_key.workspace_uid, self._rules.max_event_kb
        return await self._of_specs(lambda specs: specs.render(path, texts, uid, max_event_kb))

    async def _of_specs(self, read: Callable[[ProjectSpecs], dict[str, object]]) -> Response:
        """Read the specs in a thread, one request at a time: the sandbox answers others meanwhile. Others wait, up to a limit."""
        specs = self._specs
        if specs is None:
            raise not_found("this sandbox runs in no project")
        if self._pending == _MOST_PENDING:
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "other specs are being rendered", "busy", 1)
        self._pending += 1
        try:
            async with self._rendering:
                return JSONResponse(await asyncio.to_thread(read, specs))
        except RunnerError as error:
            raise not_found(error.problems[0].message) from None
        finally:
            self._pending -= 1
