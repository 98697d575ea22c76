"""Sockets: what uvicorn runs. HTTP is `portal.wsgi`'s, ten times faster."""

from __future__ import annotations

import os
from typing import Any, cast

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.sessions import CookieMiddleware
from django.core.asgi import get_asgi_application

os.environ.setdefault(
    "DJANGO_SETTINGS_MODULE",
    f"portal.settings.{os.environ.get('OVERREAD_ENV', 'local')}",
)
get_asgi_application()  # sets Django up before the consumers are imported

from portal.sockets import websocket_urlpatterns  # noqa: E402


async def no_http(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001
    """Answer HTTP with 404: this process serves sockets only."""
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": b"Sockets only.\n"})


# The consumers ask `apps.accounts.selectors.actor_of_scope`, which reads session,
# account and memberships afresh each time; so only the cookies are parsed here.
application = ProtocolTypeRouter(
    {
        "http": no_http,
        "websocket": AllowedHostsOriginValidator(
            CookieMiddleware(URLRouter(cast("Any", websocket_urlpatterns)))
        ),
    }
)
