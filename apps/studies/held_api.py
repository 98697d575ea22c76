"""Both sides of what is held, what is decided, and what could not be registered."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import actor_of
from apps.core.access import needs
from apps.core.permissions import Permission
from apps.studies import serializers as shapes
from apps.studies.decisions import accept_arrival, keep_what_is_there
from apps.studies.selectors import arrival_failures
from apps.studies.services import retry_arrival
from apps.studies.sides import compare_sides, draw_side
from apps.studies.unread import archive_refusals, unread_arrivals

if TYPE_CHECKING:
    from rest_framework.request import Request

PAGE = 200


class ComparisonView(APIView):
    """What is there beside what arrived."""

    permission_classes = [needs(Permission.QUARANTINE_MANAGE)]

    @extend_schema(
        operation_id="quarantine_compare", responses=shapes.ComparisonSerializer
    )
    def get(self, request: Request, quarantine_id: UUID) -> Response:
        """Compare both sides."""
        body = compare_sides(actor=actor_of(request), quarantine_id=quarantine_id)
        return Response(shapes.ComparisonSerializer(body).data)


class PictureView(APIView):
    """A small picture of one image of one side."""

    permission_classes = [needs(Permission.QUARANTINE_MANAGE)]

    @extend_schema(
        operation_id="quarantine_picture",
        responses={(200, "image/png"): OpenApiTypes.BINARY},
    )
    def get(
        self, request: Request, quarantine_id: UUID, side: str, sop_uid: str
    ) -> HttpResponse:
        """Return a PNG of at most 512 pixels."""
        body = draw_side(
            actor=actor_of(request),
            quarantine_id=quarantine_id,
            side=side,
            sop_uid=sop_uid,
        )
        response = HttpResponse(body, content_type="image/png")
        response["Cache-Control"] = "private, no-store"
        return response


class KeepView(APIView):
    """Keep what is there."""

    permission_classes = [needs(Permission.QUARANTINE_MANAGE)]

    @extend_schema(
        operation_id="quarantine_keep",
        request=shapes.DecisionRequest,
        responses=shapes.QuarantinedSerializer,
    )
    def post(self, request: Request, quarantine_id: UUID) -> Response:
        """Turn down what arrived."""
        body = shapes.DecisionRequest(data=request.data)
        body.is_valid(raise_exception=True)
        held = keep_what_is_there(
            actor=actor_of(request),
            quarantine_id=quarantine_id,
            **body.validated_data,
        )
        return Response(shapes.QuarantinedSerializer(held).data)


class AcceptView(APIView):
    """Let what arrived take the place of what is there."""

    permission_classes = [needs(Permission.QUARANTINE_MANAGE)]

    @extend_schema(
        operation_id="quarantine_accept",
        request=shapes.DecisionRequest,
        responses={202: shapes.QuarantinedSerializer},
    )
    def post(self, request: Request, quarantine_id: UUID) -> Response:
        """Accept what arrived; it is put in place at once, as a new revision."""
        body = shapes.DecisionRequest(data=request.data)
        body.is_valid(raise_exception=True)
        held = accept_arrival(
            actor=actor_of(request),
            quarantine_id=quarantine_id,
            **body.validated_data,
        )
        return Response(shapes.QuarantinedSerializer(held).data, status=202)


class FailuresView(APIView):
    """What came and is in no study: not registered, not readable, refused."""

    permission_classes = [needs(Permission.QUARANTINE_MANAGE)]

    @extend_schema(
        operation_id="arrival_failures_list",
        responses=shapes.ArrivalFailuresSerializer,
    )
    def get(self, request: Request) -> Response:
        """List them."""
        actor = actor_of(request)
        body = {
            "items": arrival_failures(actor=actor)[:PAGE],
            "unread": unread_arrivals(actor=actor),
            "refused": archive_refusals(actor=actor),
        }
        return Response(shapes.ArrivalFailuresSerializer(body).data)


class RetryView(APIView):
    """Try one of them again."""

    permission_classes = [needs(Permission.QUARANTINE_MANAGE)]

    @extend_schema(
        operation_id="arrival_failures_retry",
        request=None,
        responses={202: shapes.ArrivalFailureSerializer},
    )
    def post(self, request: Request, failure_id: UUID) -> Response:
        """Try it again now."""
        failure = retry_arrival(actor=actor_of(request), failure_id=failure_id)
        return Response(shapes.ArrivalFailureSerializer(failure).data, status=202)
