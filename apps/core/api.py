"""Errors in one shape, and the health page."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.http import JsonResponse
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler

from apps.core import health
from apps.core.access import Open, holds
from apps.core.errors import DomainError
from apps.core.permissions import Permission

if TYPE_CHECKING:
    from django.http import HttpRequest
    from rest_framework.request import Request

log = logging.getLogger(__name__)

_CODES = {
    401: "not_logged_in",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    415: "unsupported_media_type",
    429: "throttled",
}


def handle_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer every known error as `{"code", "detail", ...extra}`.

    Returns None for what nobody foresaw: Django then answers 500 and logs it.
    """
    if isinstance(error, DomainError):
        body = {"code": error.code, "detail": error.detail, **error.extra}
        return Response(body, status=error.status)
    answer = exception_handler(error, context)
    if answer is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        answer.data = {
            "code": "invalid",
            "detail": "; ".join(_sentences(error.detail)),
            "fields": error.detail,
        }
        return answer
    code = _CODES.get(answer.status_code, "invalid")
    if str(getattr(error, "detail", "")).startswith("CSRF Failed"):
        code = "csrf_failed"
    answer.data = {"code": code, "detail": _plain(error, answer.status_code)}
    return answer


def _plain(error: Exception, code: int) -> str:
    if code == status.HTTP_401_UNAUTHORIZED:
        return "Please log in."
    if code == status.HTTP_404_NOT_FOUND:
        return "There is nothing here, or it is not yours."
    return str(getattr(error, "detail", error))


def _sentences(detail: Any, name: str = "") -> list[str]:
    if isinstance(detail, dict):
        return [s for key, value in detail.items() for s in _sentences(value, str(key))]
    if isinstance(detail, list):
        return [s for value in detail for s in _sentences(value, name)]
    hidden = name in {"", "non_field_errors"}
    return [str(detail) if hidden else f"{name}: {detail}"]


def csrf_failure(request: HttpRequest, reason: str = "") -> JsonResponse:  # noqa: ARG001
    """Answer a request without a valid CSRF token."""
    body = {"code": "csrf_failed", "detail": "Reload the page and try again."}
    return JsonResponse(body, status=403)


def not_found(request: HttpRequest, exception: Exception) -> JsonResponse:  # noqa: ARG001
    """Answer an address that no view has."""
    return JsonResponse(
        {"code": "not_found", "detail": "There is nothing at this address."}, status=404
    )


def server_error(request: HttpRequest) -> JsonResponse:  # noqa: ARG001
    """Answer when something broke that nobody foresaw; the log has the rest."""
    body = {
        "code": "server_error",
        "detail": "Something broke here; it is in the log. Try again.",
    }
    return JsonResponse(body, status=500)


class PartSerializer(serializers.Serializer[Any]):
    """One part of the system."""

    name = serializers.CharField()
    state = serializers.ChoiceField(choices=[s.value for s in health.State])
    detail = serializers.CharField()


class HealthSerializer(serializers.Serializer[Any]):
    """How the system is; `parts` for admins only."""

    status = serializers.ChoiceField(choices=[s.value for s in health.State])
    parts = PartSerializer(many=True, required=False)


class HealthView(APIView):
    """Is it up? Which part is not?"""

    permission_classes = [Open]

    @extend_schema(operation_id="get_health", responses=HealthSerializer)
    def get(self, request: Request) -> Response:
        """Return the state; 503 when a part is down, parts for admins."""
        parts = health.report()
        worst = health.overall(parts)
        body: dict[str, Any] = {"status": worst.value}
        if holds(request.auth, Permission.HEALTH_READ):
            body["parts"] = PartSerializer(parts, many=True).data
        down = worst is health.State.DOWN
        return Response(body, status=503 if down else 200)
