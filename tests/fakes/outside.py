"""A mail server and a web server of the outside world, on this machine's loopback."""

from __future__ import annotations

import socketserver
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class MailServer:
    """What came by SMTP: (sender, recipients, the message as sent)."""

    port: int = 0
    refuse: bytes = b""
    mails: list[tuple[str, list[str], str]] = field(default_factory=list)


class _MailTalk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.sender, self.people = "", []
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            self.wfile.write(self._answer(line.decode().strip()) + b"\r\n")
            if line[:4].upper() == b"QUIT":
                return

    def _answer(self, line: str) -> bytes:
        kept: MailServer = self.server.kept
        word = line[:4].upper()
        if word == "MAIL":
            self.sender = line
        if word == "RCPT":
            self.people.append(line.partition(":")[2])
            return kept.refuse or b"250 ok"
        if word == "DATA":
            self.wfile.write(b"354 go on\r\n")
            kept.mails.append((self.sender, self.people, self._body()))
        return b"221 bye" if word == "QUIT" else b"250 ok"

    def _body(self) -> str:
        lines = []
        while (line := self.rfile.readline()).strip() != b".":
            lines.append(line.decode())
        return "".join(lines)


@contextmanager
def mail_server() -> Iterator[MailServer]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _MailTalk) as server:
        kept = MailServer(port=server.server_address[1])
        server.kept = kept
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield kept
        server.shutdown()


@dataclass
class WebServer:
    """What was posted: (path, headers, body). It answers `status`."""

    port: int = 0
    status: int = 200
    location: str = ""
    posts: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def web_server(context: ssl.SSLContext | None = None) -> Iterator[WebServer]:
    kept = WebServer()

    class Talk(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(size)
            kept.posts.append((self.path, dict(self.headers), body))
            self.send_response(kept.status)
            if kept.location:
                self.send_header("Location", kept.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Talk)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    kept.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
