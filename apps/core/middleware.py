"""An id for each request, in the log and in the answer."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from apps.core.logs import request_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

_PLAIN = re.compile(r"[A-Za-z0-9-]{8,64}")


class RequestId:
    """Take nginx's `X-Request-ID` or make one, and give it back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep the next in the chain."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Run the request under its id."""
        given = request.headers.get("X-Request-ID", "")
        token = request_id.set(given if _PLAIN.fullmatch(given) else uuid.uuid4().hex)
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = request_id.get()
        finally:
            request_id.reset(token)
        return response
