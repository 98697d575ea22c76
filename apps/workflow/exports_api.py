"""The exports page: what left, and what a validator refused, in its words.

It is here and not in `apps.reports` because it asks who may be told of a study.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import actor_of
from apps.core.access import needs
from apps.core.permissions import Permission
from apps.reports.selectors import exports_of
from apps.reports.serializers import ExportsSerializer
from apps.workflow.visibility import untold_studies

if TYPE_CHECKING:
    from rest_framework.request import Request


class ExportsView(APIView):
    """Objects that left for the archive."""

    permission_classes = [needs(Permission.EXPORT_READ)]

    @extend_schema(
        operation_id="exports_list",
        parameters=[OpenApiParameter("state", OpenApiTypes.STR)],
        responses=ExportsSerializer,
    )
    def get(self, request: Request) -> Response:
        """List the newest exports."""
        actor = actor_of(request)
        rows = exports_of(actor=actor, state=request.query_params.get("state", ""))
        rows = rows.exclude(study_id__in=untold_studies(actor=actor))[:200]
        return Response(ExportsSerializer({"items": rows}).data)
