"""Posting to an address that a person gave: to the open internet only.

Whoever may name an address could otherwise make the portal talk to machines that only
the portal can reach. So the name is resolved here, every address that it stands for
is checked, and the connection goes to the very address that was checked. Redirects
are not followed.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx

if TYPE_CHECKING:
    from collections.abc import Sequence

TIMEOUT_S: Final = 10.0
MAX_URL: Final = 500
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class OutboundRefused(Exception):
    """The portal does not post there; the words say why."""


class OutboundFailed(Exception):
    """Nobody took it; trying later may help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a post goes.

    Attributes:
        scheme: `https`, or `http` where that is allowed.
        host: The name that was given: for the certificate and the Host header.
        port: The port.
        address: The address that was checked.
        path: Path and query.
    """

    scheme: str
    host: str
    port: int
    address: Address
    path: str


def check_address(url: str, *, allowed: Sequence[str] = ()) -> Target:
    """Return where a URL leads, if the portal may post there.

    Args:
        url: As a person gave it.
        allowed: Networks (`10.1.0.0/16`) and host names that may be posted to although
            they are private or not encrypted.

    Raises:
        OutboundRefused: In words for the person.
        OutboundFailed: The name cannot be resolved now.
    """
    if len(url) > MAX_URL or any(char.isspace() or char < " " for char in url):
        raise OutboundRefused("this is no address.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise OutboundRefused("this is no address.") from error
    if parts.scheme not in {"https", "http"} or not host:
        raise OutboundRefused("the address begins with https://.")
    if parts.username is not None or parts.password is not None:
        raise OutboundRefused("the address has no user name or password in it.")
    port = port or (443 if parts.scheme == "https" else 80)
    addresses = _resolve(host, port)
    exempt = host in allowed
    for address in addresses:
        private = not _is_public(address)
        listed = exempt or _in_networks(address, allowed)
        if private and not listed:
            raise OutboundRefused("the address lies in a private network.")
        if parts.scheme != "https" and not listed:
            raise OutboundRefused("the address begins with https://.")
    path = parts.path or "/"
    return Target(
        scheme=parts.scheme,
        host=host,
        port=port,
        address=addresses[0],
        path=f"{path}?{parts.query}" if parts.query else path,
    )


def _resolve(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise OutboundFailed("the host's name is not known.") from error
    return [ipaddress.ip_address(str(row[4][0]).split("%", 1)[0]) for row in found]


def _is_public(address: Address) -> bool:
    """Say whether an address is of the open internet, also one wrapped in IPv6."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return _is_public(inner)
        if address.teredo is not None or address in _NAT64:
            return False
    return address.is_global and not address.is_multicast


_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


def _in_networks(address: Address, allowed: Sequence[str]) -> bool:
    for one in allowed:
        try:
            network = ipaddress.ip_network(one, strict=False)
        except ValueError:
            continue  # a host's name
        if address.version == network.version and address in network:
            return True
    return False


def post(
    url: str,
    *,
    body: bytes,
    headers: dict[str, str],
    allowed: Sequence[str] = (),
    context: ssl.SSLContext | None = None,
) -> int:
    """Post to an address and return the status; the answer's body is not read.

    Args:
        url: Where to.
        body: What.
        headers: Beside `Host`.
        allowed: As `check_address` takes it.
        context: Whose certificates are believed; the system's where None.

    Raises:
        OutboundRefused: The portal does not post there.
        OutboundFailed: Nobody took it.
    """
    target = check_address(url, allowed=allowed)
    plain = 443 if target.scheme == "https" else 80
    named = target.host if ":" not in target.host else f"[{target.host}]"
    host = named if target.port == plain else f"{named}:{target.port}"
    literal = str(target.address)
    where = f"[{literal}]" if target.address.version == 6 else literal
    try:
        with httpx.Client(
            timeout=TIMEOUT_S,
            follow_redirects=False,
            trust_env=False,
            verify=context or ssl.create_default_context(),
        ) as client:
            request = client.build_request(
                "POST",
                f"{target.scheme}://{where}:{target.port}{target.path}",
                content=body,
                headers={**headers, "Host": host},
                extensions={"sni_hostname": target.host},
            )
            answer = client.send(request, stream=True)
            answer.close()
            return answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise OutboundFailed(f"nobody took it ({type(error).__name__}).") from error
