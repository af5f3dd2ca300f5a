"""A server that speaks S3, with a log of its requests and answers of its own on request. It runs until its input ends.

The first line of its output is its address. `GET /_log` returns the requests since it was last asked. `PUT /_answer` takes
the status and the body with which all requests are answered from then on, or status 0 to let them wait; without a status,
they are served again.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_: Any) -> None:
        """Say nothing: nobody reads the output."""


class _Logged:
    """An application of WSGI around another one."""

    def __init__(self, served: Callable[..., Iterable[bytes]]) -> None:
        self._served = served
        self._log: list[dict[str, Any]] = []
        self._answer: dict[str, Any] = {}
        self._changed = threading.Event()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if path == "/_log":
            log, self._log = self._log, []
            return _json(start, log)
        if path == "/_answer":
            self._answer = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            self._changed.set()
            self._changed = threading.Event()
            return _json(start, {})
        self._log.append({"method": method, "path": path, "range": environ.get("HTTP_RANGE")})
        if self._answer.get("status") == 0:
            self._changed.wait()
        if self._answer:
            body = self._answer["body"].encode()
            start(f"{self._answer['status']} Told", [("Content-Length", str(len(body)))])
            return [] if method == "HEAD" else [body]
        return self._served(environ, start)


def _json(start: Callable[..., Any], value: object) -> Iterable[bytes]:
    body = json.dumps(value).encode()
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]


if __name__ == "__main__":
    application = _Logged(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()
