"""A server that answers each row of a run as a test says, and writes down what it took."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


class ScriptedServer:
    """Answers as it is told, event by event, and writes down what it took. `hangs_after` so many requests it says no more."""

    def __init__(self) -> None:
        self.came: dict[int, set[tuple[str, str]]] = defaultdict(set)
        """Of each row: the key and the insert id of its copies, whatever was said of them."""
        self.took: Counter[int] = Counter()
        """How often each row was taken."""
        self.answers: dict[int, str] = {}
        self.status: int | None = None
        self.hangs_after: int | None = None
        self.is_hanging = Event()
        self._goes_on = Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = server.answer(body)
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                except OSError:  # the sender is dead
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        class Httpd(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # a sender that was killed

        self._httpd = Httpd(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self._httpd.server_address[1]}/"
        Thread(target=self._httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def answer(self, body: Any) -> tuple[int, bytes]:
        events = body if isinstance(body, list) else [body]
        if self.status == 502:  # of a gateway that lost the answer to every other event
            for event in events[::2]:
                self._record(event)
            return 502, b"<html></html>"
        if self.status is not None:
            return self.status, b'{"status": "error", "error": {"message": "down", "type": "x"}}'
        records = [self._record(event) for event in events]
        if self.hangs_after is not None:
            self.hangs_after -= 1
            if self.hangs_after < 0:  # taken, and no answer
                self.is_hanging.set()
                self._goes_on.wait(20)
        document = {"status": "success", "records": records} if isinstance(body, list) else records[0]
        return 207 if isinstance(body, list) else 202, json.dumps(document).encode()

    def _record(self, event: Any) -> dict[str, object]:
        number = event["properties"]["n"]
        self.came[number].add((event.get("$idempotency_key", ""), event["$insert_id"]))
        match self.answers.get(number, "take"):
            case "refuse":
                return {"status": "error", "status_code": 400, "error": {"message": "no", "type": "x"}}
            case "turn away":
                return {"status": "error", "status_code": 429, "error": {"message": "slow down", "type": "x"}}
            case "lose without a word":
                return {"status": "queued"}
            case answer:
                self.took[number] += 1
                return {"status": "queued"} if answer == "take without a word" else {"status": "success"}

    def let_go(self) -> None:
        """Answer again."""
        self.hangs_after = None
        self._goes_on.set()

    def close(self) -> None:
        self.let_go()
        self._httpd.shutdown()
        self._httpd.server_close()
