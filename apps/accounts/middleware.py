"""A session ends some hours after its last use."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

_SEEN = "seen_at"
_REFRESH_S = 300


class IdleSession:
    """Move a session's end along with its use, written at most every 5 minutes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep the next in the chain."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Touch the session of somebody who is logged in."""
        if request.user.is_authenticated:
            now = int(time.time())
            if now - int(request.session.get(_SEEN, 0)) >= _REFRESH_S:
                request.session[_SEEN] = now
        return self.get_response(request)
