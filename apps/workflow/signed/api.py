"""What was signed, over REST. One domain call a view."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import actor_of
from apps.core.access import needs
from apps.core.permissions import Permission
from apps.workflow.serializers import LookedSerializer
from apps.workflow.signed import serializers as shapes
from apps.workflow.signed import services, verifying
from apps.workflow.signed.looking import look_at
from apps.workflow.signed.papers import FORMS, take_report

if TYPE_CHECKING:
    from rest_framework.request import Request


class SignedView(APIView):
    """The readings that were signed."""

    permission_classes = [needs(Permission.READING_READ)]

    @extend_schema(
        operation_id="signed_readings",
        parameters=[
            OpenApiParameter("mine", OpenApiTypes.BOOL),
            OpenApiParameter("q", OpenApiTypes.STR),
            OpenApiParameter("cursor", OpenApiTypes.STR),
        ],
        responses=shapes.SignedReadingsSerializer,
    )
    def get(self, request: Request) -> Response:
        """List the signed readings that hold, newest first."""
        query = request.query_params
        body = services.list_signed(
            actor=actor_of(request),
            mine=query.get("mine", "").lower() in {"1", "true", "yes"},
            text=query.get("q", ""),
            cursor=query.get("cursor", ""),
        )
        return Response(shapes.SignedReadingsSerializer(body).data)


class VerifyView(APIView):
    """The verification of a preliminary reading."""

    permission_classes = [needs(Permission.READING_VERIFY)]

    @extend_schema(
        operation_id="reading_verify",
        request=None,
        responses=shapes.SignedReadingSerializer,
    )
    def post(self, request: Request, reading_id: UUID) -> Response:
        """Verify it as it stands."""
        body = verifying.verify(actor=actor_of(request), reading_id=reading_id)
        return Response(shapes.SignedReadingSerializer(body).data)


class SendBackView(APIView):
    """A preliminary reading that its reader is to look at again."""

    permission_classes = [needs(Permission.READING_VERIFY)]

    @extend_schema(
        operation_id="reading_send_back",
        request=shapes.SendBackRequest,
        responses=shapes.SignedReadingSerializer,
    )
    def post(self, request: Request, reading_id: UUID) -> Response:
        """Send it back, with a reason."""
        given = shapes.SendBackRequest(data=request.data)
        given.is_valid(raise_exception=True)
        body = verifying.send_back(
            actor=actor_of(request), reading_id=reading_id, **given.validated_data
        )
        return Response(shapes.SignedReadingSerializer(body).data)


class LookView(APIView):
    """A study that is signed, or in somebody else's hands, to look at."""

    permission_classes = [needs(Permission.READING_READ)]

    @extend_schema(operation_id="look_at", request=None, responses=LookedSerializer)
    def post(self, request: Request, item_id: UUID) -> Response:
        """Open it without a lease."""
        body = look_at(actor=actor_of(request), item_id=item_id)
        return Response(LookedSerializer(body).data)


class ReportView(APIView):
    """A reading's report as a file; its name names nobody."""

    permission_classes = [needs(Permission.READING_READ)]

    @extend_schema(
        operation_id="reading_report",
        parameters=[
            OpenApiParameter(
                "form", OpenApiTypes.STR, OpenApiParameter.PATH, enum=list(FORMS)
            )
        ],
        responses={
            (200, "text/plain"): OpenApiTypes.STR,
            (200, "application/pdf"): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request, reading_id: UUID, form: str) -> HttpResponse:
        """Return the report as text or PDF; on record as an export."""
        body, name = take_report(
            actor=actor_of(request), reading_id=reading_id, form=form
        )
        response = HttpResponse(body, content_type=FORMS[form])
        response["Content-Disposition"] = f'inline; filename="{name}"'
        response["Cache-Control"] = "private, no-store"
        return response
