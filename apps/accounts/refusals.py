"""What a refusal answers, and what it leaves behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.audit.events import Event, Outcome
from apps.audit.services import record
from apps.core import api

if TYPE_CHECKING:
    from rest_framework.response import Response


def handle_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer as core does; a known person's refusal is also put on the record."""
    answer = api.handle_error(error, context)
    request = context.get("request")
    actor: Any = getattr(request, "auth", None)
    if answer is None or request is None or actor is None:
        return answer
    if answer.status_code != 403:
        return answer
    data: Any = answer.data
    view = type(context.get("view")).__name__
    record(
        actor=actor,
        event=Event.PERMISSION_REFUSED,
        outcome=Outcome.MINOR_FAILURE,
        object_kind="view",
        detail={"view": view, "method": request.method, "code": data["code"]},
    )
    return answer
