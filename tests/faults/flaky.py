"""An archive on a bad day: a proxy before Orthanc that is slow and often fails."""

from __future__ import annotations

import http.client
import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType

_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length"}


class FlakyArchive:
    """Passes requests on after a delay; a share of them fails instead.

    Half of the failures are 500 before Orthanc heard of the request, half are 503
    after Orthanc did what was asked, so that the answer is lost and not the deed.

    Attributes:
        asked: Requests so far.
        failed: Those of them that failed.
    """

    def __init__(
        self, target: str, *, share: float, delay_s: float, seed: int = 0
    ) -> None:
        self.asked = 0
        self.failed = 0
        self._address = urlsplit(target)
        self._share = share
        self._delay_s = delay_s
        self._random = random.Random(seed)  # noqa: S311  not a secret
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _fate(self) -> float:
        with self._lock:
            self.asked += 1
            drawn = self._random.random()
            self.failed += drawn < self._share
            return drawn

    def _pass_on(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(
            str(self._address.hostname), self._address.port, timeout=60
        )
        try:
            connection.request(method, path, body=body or None, headers=headers)
            answer = connection.getresponse()
            kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in _HOP]
            return answer.status, kept, answer.read()
        finally:
            connection.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        archive = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                fate = archive._fate()
                time.sleep(archive._delay_s)
                if fate < archive._share / 2:
                    return self.say(500, [], b"")
                headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
                said = archive._pass_on(self.command, self.path, headers, body)
                if fate < archive._share:
                    return self.say(503, [], b"")
                return self.say(*said)

            def say(
                self, status: int, headers: list[tuple[str, str]], body: bytes
            ) -> None:
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, *_: Any) -> None:
                """Keep the test's output to itself."""

        return Handler
