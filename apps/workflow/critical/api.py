"""Critical results over REST. One domain call a view."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import actor_of
from apps.core.access import needs
from apps.core.permissions import Permission
from apps.workflow.critical import serializers as shapes
from apps.workflow.critical import services

if TYPE_CHECKING:
    from rest_framework.request import Request


class CriticalListView(APIView):
    """What is critical and whom it was told."""

    permission_classes = [needs(Permission.CRITICAL_READ)]

    @extend_schema(
        operation_id="critical_list",
        parameters=[OpenApiParameter("state", OpenApiTypes.STR)],
        responses=shapes.CriticalListSerializer,
    )
    def get(self, request: Request) -> Response:
        """List the critical results of my sites."""
        body = services.list_critical(
            actor=actor_of(request), state=request.query_params.get("state", "")
        )
        return Response(shapes.CriticalListSerializer(body).data)


class ItemCriticalView(APIView):
    """Critical results beside a work item."""

    permission_classes = [needs(Permission.CRITICAL_READ)]

    @extend_schema(
        operation_id="critical_of_item", responses=shapes.ItemCriticalSerializer
    )
    def get(self, request: Request, item_id: UUID) -> Response:
        """Return what is critical here, and the results of this patient."""
        body = services.critical_of_item(actor=actor_of(request), item_id=item_id)
        return Response(shapes.ItemCriticalSerializer(body).data)


class CriticalCloseView(APIView):
    """Telling somebody."""

    permission_classes = [needs(Permission.CRITICAL_CLOSE)]

    @extend_schema(
        operation_id="critical_close",
        request=shapes.CloseRequest,
        responses=shapes.CriticalSerializer,
    )
    def post(self, request: Request, critical_id: UUID) -> Response:
        """Record who was told, or why nobody was."""
        body = services.close_critical(
            actor=actor_of(request), critical_id=critical_id, raw=request.data
        )
        return Response(shapes.CriticalSerializer(body).data)
