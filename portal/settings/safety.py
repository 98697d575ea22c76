"""What production refuses to start with, in plain words."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MIN_SECRET = 40
"""Characters; `secrets.token_urlsafe(48)` gives 64."""
_MIN_DISTINCT = 12
_PROBE_S = 2.0


def refuse_unsafe(
    *,
    secret_key: str,
    debug: bool,
    allowed_hosts: Sequence[str],
    public_url: str,
    orthanc_url: str,
    orthanc_user: str,
    orthanc_password: str,
) -> None:
    """Raise `ImproperlyConfigured` that names everything that is wrong at once."""
    wrong = [
        *_secret(secret_key),
        *_web(debug=debug, allowed_hosts=allowed_hosts, public_url=public_url),
        *_archive(orthanc_url, orthanc_user, orthanc_password),
    ]
    if wrong:
        message = "Overread does not start in production:\n- " + "\n- ".join(wrong)
        raise ImproperlyConfigured(message)


def _secret(secret_key: str) -> Iterator[str]:
    if not secret_key:
        yield "OVERREAD_SECRET_KEY is not set."
    elif "production-refuses" in secret_key or "insecure" in secret_key:
        yield "OVERREAD_SECRET_KEY is the development default: make one of your own."
    elif len(secret_key) < MIN_SECRET or len(set(secret_key)) < _MIN_DISTINCT:
        yield (
            f"OVERREAD_SECRET_KEY is too easy to guess: at least {MIN_SECRET} random "
            "characters."
        )


def _web(
    *, debug: bool, allowed_hosts: Sequence[str], public_url: str
) -> Iterator[str]:
    if debug:
        yield "OVERREAD_DEBUG is on: error pages would show patient data."
    if not allowed_hosts:
        yield "OVERREAD_ALLOWED_HOSTS is empty: name the host that people use."
    elif "*" in allowed_hosts:
        yield "OVERREAD_ALLOWED_HOSTS must name hosts, not *."
    if not public_url.startswith("https://"):
        yield "OVERREAD_PUBLIC_URL must begin with https://"


def _archive(url: str, user: str, password: str) -> Iterator[str]:
    if not user or not password:
        yield "ORTHANC_USER and ORTHANC_PASSWORD are not both set."
    yield from (
        f"Orthanc answers at {address} without a password: turn on its "
        "AuthenticationEnabled and RegisteredUsers."
        for address in _addresses(url)
        if _answers_strangers(address)
    )


def _addresses(url: str) -> Iterator[str]:
    """The archive's address, and this machine's own when that is the loopback.

    Orthanc binds every interface whatever it is told, so what looks private at
    127.0.0.1 may answer the whole network.
    """
    yield url
    parts = urlsplit(url)
    if parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
        return
    outward = _own_address()
    if outward is not None:
        port = parts.port or 80
        yield parts._replace(netloc=f"{outward}:{port}").geturl()


def _own_address() -> str | None:
    try:
        found = socket.gethostbyname(socket.gethostname())
    except OSError:
        return None
    return None if found.startswith("127.") else found


def _answers_strangers(url: str) -> bool:
    # An archive that is down is not open; it will be asked again at the next start.
    try:
        answer = httpx.get(f"{url.rstrip('/')}/system", timeout=_PROBE_S)
    except httpx.HTTPError:
        return False
    return answer.is_success
