"""A server that answers as the JSON API of Google Cloud Storage, for files of one bucket."""

from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class _File(NamedTuple):
    generation: int
    content: bytes


class CloudStorage:
    """The files of a bucket, by their names. With a `status`, all requests are answered with it."""

    def __init__(self) -> None:
        self.files: dict[str, _File] = {}
        self.status: int | None = None
        self.ranges: list[str] = []
        self.before_range: Callable[[], None] = lambda: None
        """Called before a range of a file is answered."""
        self.environ: dict[str, str] = {}

    def write(self, name: str, content: bytes) -> str:
        """Write a file, with a new generation; give its URL."""
        generation = self.files[name].generation + 1 if name in self.files else 1
        self.files[name] = _File(generation, content)
        return f"gs://bucket/{name}"

    def answer(self, path: str, query: dict[str, str], wanted: str | None) -> tuple[int, bytes]:
        if self.status is not None:
            return self.status, _error(self.status)
        _, is_file, quoted = path.partition("/o/")
        name = unquote(quoted)
        if not is_file:
            return 200, json.dumps(self._listed(query.get("prefix", ""), query.get("delimiter"))).encode()
        if name not in self.files:
            return 404, _error(404)
        if query.get("alt") != "media":
            return 200, json.dumps(self._described(name)).encode()
        assert wanted is not None
        self.ranges.append(wanted)
        self.before_range()
        first, last = map(int, wanted.removeprefix("bytes=").split("-"))
        return 206, self.files[name].content[first : last + 1]

    def _listed(self, prefix: str, delimiter: str | None) -> dict[str, Any]:
        names = [name for name in sorted(self.files) if name.startswith(prefix)]
        if not delimiter:
            return {"items": [*map(self._described, names)]}
        deeper = {prefix + name[len(prefix) :].partition("/")[0] + "/" for name in names if "/" in name[len(prefix) :]}
        items = [self._described(name) for name in names if "/" not in name[len(prefix) :]]
        return {"items": items, "prefixes": sorted(deeper)}

    def _described(self, name: str) -> dict[str, Any]:
        file = self.files[name]
        return {
            "kind": "storage#object", "name": name, "bucket": "bucket", "size": str(len(file.content)),
            "generation": str(file.generation), "etag": f"e{file.generation}", "updated": "2026-01-01T00:00:00Z",
            "timeCreated": "2026-01-01T00:00:00Z",
        }  # fmt: skip


def _error(status: int) -> bytes:
    return json.dumps({"error": {"code": status, "message": "told so"}}).encode()


@contextmanager
def cloud_storage() -> Iterator[CloudStorage]:
    """Run the server until the block ends. `environ` leads a process to it."""
    storage = CloudStorage()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            status, body = storage.answer(url.path, query, self.headers["Range"])
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        httpd.daemon_threads = True
        storage.environ = {
            "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{httpd.server_port}",
            "FSSPEC_GS_TOKEN": "anon",
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
        }
        Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield storage
        httpd.shutdown()
