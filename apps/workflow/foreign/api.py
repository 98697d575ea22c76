"""Objects from PACS: the list, one object, one segment's voxels."""

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
from apps.workflow.foreign import objects
from apps.workflow.foreign import serializers as shapes

if TYPE_CHECKING:
    from rest_framework.request import Request

MASK = "application/x-overread-mask"
MAP = "application/x-overread-map"


class ObjectsView(APIView):
    """What others left in the archive about a study."""

    permission_classes = [needs(Permission.STUDY_READ)]

    @extend_schema(
        operation_id="foreign_objects", responses=shapes.ForeignObjectsSerializer
    )
    def get(self, request: Request, study_id: UUID) -> Response:
        """List the objects that I may see."""
        body = objects.list_objects(actor=actor_of(request), study_id=study_id)
        return Response(body)


class ObjectView(APIView):
    """One object."""

    permission_classes = [needs(Permission.STUDY_READ)]

    @extend_schema(
        operation_id="foreign_object", responses=shapes.ForeignObjectSerializer
    )
    def get(self, request: Request, study_id: UUID, sop_uid: str) -> Response:
        """Return an object with all of its shapes."""
        body = objects.show_object(
            actor=actor_of(request), study_id=study_id, sop_uid=sop_uid
        )
        return Response(body)


class SegmentView(APIView):
    """One segment's voxels."""

    permission_classes = [needs(Permission.STUDY_PIXELS_READ)]

    @extend_schema(
        operation_id="foreign_segment", responses={(200, MASK): OpenApiTypes.BINARY}
    )
    def get(
        self, request: Request, study_id: UUID, sop_uid: str, number: int
    ) -> HttpResponse:
        """Return 0 or 1 for each voxel: [frame][row][column]."""
        body = objects.read_mask(
            actor=actor_of(request), study_id=study_id, sop_uid=sop_uid, number=number
        )
        return _packed(body, MASK)


class MapView(APIView):
    """One quantity's values of a parametric map."""

    permission_classes = [needs(Permission.STUDY_PIXELS_READ)]

    @extend_schema(
        operation_id="foreign_map", responses={(200, MAP): OpenApiTypes.BINARY}
    )
    def get(
        self, request: Request, study_id: UUID, sop_uid: str, number: int
    ) -> HttpResponse:
        """Return a float32 (little endian) for each place: [frame][row][column]."""
        body = objects.read_map_values(
            actor=actor_of(request), study_id=study_id, sop_uid=sop_uid, number=number
        )
        return _packed(body, MAP)


def _packed(body: bytes, media_type: str) -> HttpResponse:
    answer = HttpResponse(body, content_type=media_type)
    answer["Content-Encoding"] = "gzip"
    answer["Cache-Control"] = "private, max-age=300"
    return answer
