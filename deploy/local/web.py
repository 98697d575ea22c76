"""Small HTTP questions that the supervisor asks its children."""

import base64
import http.client
import json
import socket
from dataclasses import dataclass
from typing import Any

from deploy.local.layout import LOOPBACK


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; `status` 0 means that nobody answered.

    Attributes:
        status: HTTP status code, or 0.
        body: The bytes of the body (at most 1 MB is read).
        why: With status 0, the reason.
    """

    status: int
    body: bytes = b""
    why: str = ""

    def json(self) -> dict[str, Any]:
        """The body as a JSON object, or an empty one."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


def get(
    port: int,
    path: str,
    *,
    host: str = LOOPBACK,
    login: tuple[str, str] | None = None,
    timeout: float = 5.0,
) -> Answer:
    """One GET over plain HTTP."""
    headers = {}
    if login:
        token = base64.b64encode(":".join(login).encode()).decode()
        headers["Authorization"] = f"Basic {token}"
    line = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        line.request("GET", path, headers=headers)
        answer = line.getresponse()
        return Answer(status=answer.status, body=answer.read(1_000_000))
    except (OSError, http.client.HTTPException) as error:
        return Answer(status=0, why=str(error) or type(error).__name__)
    finally:
        line.close()


def accepts(port: int, *, host: str = LOOPBACK) -> str:
    """`""` when something listens there, else why not."""
    try:
        with socket.create_connection((host, port), timeout=2):
            return ""
    except OSError as error:
        return f"does not listen yet ({error})"


def outer_address() -> str:
    """This machine's own address towards the network, or `""` without one.

    No packet is sent: connecting a UDP socket only asks the routing table.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        address = str(probe.getsockname()[0])
    return "" if address.startswith("127.") else address
