"""Reading the environment: parsed once, here, with plain words when it is wrong."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str | None = None) -> str:
    """Return a variable; without a default it must be set."""
    value = os.environ.get(name, default)
    if value is None:
        message = f"{name} is not set. See docs/architecture.md, Configuration."
        raise ImproperlyConfigured(message)
    return value


def words(name: str, default: str = "") -> list[str]:
    """Return a comma-separated variable as a list."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def database(url: str) -> dict[str, Any]:
    """Return Django's description of a PostgreSQL URL.

    Both `postgresql://user:secret@host:port/name` and
    `postgresql://user:secret@/name?host=/folder/of/the/socket&port=5432` are read;
    further query parameters become options of the connection.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        message = "DATABASE_URL must begin with postgresql://"
        raise ImproperlyConfigured(message)
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    host = query.pop("host", None) or unquote(parts.hostname or "")
    port = query.pop("port", None) or str(parts.port or "")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": port,
        "OPTIONS": query,
    }


def redis_database(url: str, number: int) -> str:
    """Return the Redis URL with another database number."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.netloc}{parts.path}?db={number}"
    return parts._replace(path=f"/{number}").geturl()
