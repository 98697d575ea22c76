"""Asks for addresses over so many kept connections; prints answers per second.

A process of its own, in plain sockets: a client that is slower than what it measures
measures itself. Usage: load.py CONNECTIONS HEADER… < addresses
"""

from __future__ import annotations

import socket
import sys
import time
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.parse import urlsplit

_BUFFER = 1 << 20


class WrongAnswerError(RuntimeError):
    """An answer that is not 200."""


def _read(connection: socket.socket, buffer: bytearray) -> None:
    """Read one answer with a Content-Length, or in chunks, to its end."""
    view = memoryview(buffer)
    head = b""
    while b"\r\n\r\n" not in head:
        count = connection.recv_into(buffer)
        if count == 0:
            raise ConnectionError
        head += bytes(view[:count])
    lines, _, rest = head.partition(b"\r\n\r\n")
    if not lines.startswith(b"HTTP/1.1 200"):
        raise WrongAnswerError(lines.partition(b"\r\n")[0].decode())
    fields = dict(
        line.lower().split(b":", 1) for line in lines.split(b"\r\n")[1:] if b":" in line
    )
    if b"content-length" in fields:
        left = int(fields[b"content-length"]) - len(rest)
        while left > 0:
            count = connection.recv_into(buffer, min(left, _BUFFER))
            if count == 0:
                raise ConnectionError
            left -= count
        return
    while not rest.endswith(b"0\r\n\r\n"):
        count = connection.recv_into(buffer)
        rest = (rest + bytes(view[:count]))[-8:]


def _work(place: tuple[str, int], headers: str, paths: SimpleQueue[str]) -> None:
    buffer = bytearray(_BUFFER)
    connection: socket.socket | None = None
    while True:
        try:
            path = paths.get_nowait()
        except Empty:
            return
        for last in (False, True):
            if connection is None:
                connection = socket.create_connection(place)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                connection.sendall(f"GET {path} HTTP/1.1\r\n{headers}\r\n".encode())
                _read(connection, buffer)
                break
            except ConnectionError:
                connection = None  # closed after its share of requests
                if last:
                    raise


def main() -> None:
    """Measure once."""
    connections, *lines = sys.argv[1:]
    urls = [urlsplit(line) for line in sys.stdin.read().split()]
    place = (urls[0].hostname or "", urls[0].port or 80)
    headers = "".join(f"{line}\r\n" for line in [f"Host: {urls[0].netloc}", *lines])
    paths: SimpleQueue[str] = SimpleQueue()
    for url in urls:
        paths.put(url.path)
    threads = [
        Thread(target=_work, args=(place, headers, paths))
        for _ in range(int(connections))
    ]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not paths.empty():
        raise SystemExit("not all were answered")
    sys.stdout.write(f"{len(urls) / (time.monotonic() - begun)}\n")


if __name__ == "__main__":
    main()
