"""Label maps over REST: one image each, by the SHA-256 of what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

from django.http import HttpResponse
from django.utils.cache import patch_vary_headers
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import actor_of
from apps.core.access import needs
from apps.core.parsers import BytesParser
from apps.core.permissions import Permission
from apps.workflow.segments import desk, interpolation
from apps.workflow.segments import serializers as shapes

if TYPE_CHECKING:
    from rest_framework.request import Request

MAX_BYTES: Final = 8 * 1024 * 1024
LABEL_MAP: Final = "application/octet-stream"
_SIZES: Final = [
    OpenApiParameter(name, OpenApiTypes.INT, OpenApiParameter.HEADER, required=True)
    for name in ("X-Rows", "X-Columns")
]


class LabelMapParser(BytesParser):
    """Takes the body as it is, up to `MAX_BYTES`."""

    max_bytes = MAX_BYTES
    too_large = "A label map has at most 8 MiB packed."


class SliceView(APIView):
    """One label map."""

    parser_classes = [LabelMapParser]

    def get_permissions(self) -> list[Any]:
        """Ask for writing or reading."""
        reads = self.request.method == "GET"
        need = Permission.STUDY_PIXELS_READ if reads else Permission.READING_WRITE
        return [needs(need)()]

    @extend_schema(
        operation_id="segment_slice_get",
        responses={(200, LABEL_MAP): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, item_id: UUID, sha256: str) -> HttpResponse:
        """Return a label map: uint8 [row][column], sent as gzip content."""
        body = desk.read(actor=actor_of(request), item_id=item_id, sha256=sha256)
        answer = HttpResponse(body, content_type=LABEL_MAP)
        answer["Content-Encoding"] = "gzip"
        answer["Cache-Control"] = "private, max-age=31536000, immutable"
        patch_vary_headers(answer, ("Cookie",))
        return answer

    @extend_schema(
        operation_id="segment_slice_put",
        parameters=_SIZES,
        request={LABEL_MAP: OpenApiTypes.BINARY},
        responses={200: shapes.KeptSliceSerializer, 201: shapes.KeptSliceSerializer},
    )
    def put(self, request: Request, item_id: UUID, sha256: str) -> Response:
        """Keep a label map, sent as gzip; when this answers, it is on disk."""
        query, body = request.query_params, cast("object", request.data)
        kept = desk.keep(
            actor=actor_of(request),
            item_id=item_id,
            sha256=sha256,
            rows=request.headers.get("X-Rows") or query.get("rows", ""),
            columns=request.headers.get("X-Columns") or query.get("columns", ""),
            packed=body if isinstance(body, bytes) else b"",
        )
        row = kept.row
        said = {
            "sha256": row.sha256,
            "rows": row.rows,
            "columns": row.columns,
            "numbers": sorted(int(number) for number in row.counts),
        }
        return Response(said, status=201 if kept.created else 200)


class SignedSegmentationsView(APIView):
    """What readers segmented on a study and signed."""

    permission_classes = [needs(Permission.STUDY_PIXELS_READ)]

    @extend_schema(
        operation_id="signed_segmentations",
        responses=shapes.SignedSegmentationsSerializer,
    )
    def get(self, request: Request, study_id: UUID) -> Response:
        """List the segmentations; none while somebody still reads the study."""
        return Response(desk.list_signed(actor=actor_of(request), study_id=study_id))


class InterpolationsView(APIView):
    """Filling between drawn slices."""

    permission_classes = [needs(Permission.READING_WRITE)]

    @extend_schema(
        operation_id="segment_interpolate",
        request=shapes.InterpolationRequest,
        responses={202: shapes.InterpolationAskedSerializer},
    )
    def post(self, request: Request, item_id: UUID) -> Response:
        """Ask a worker to fill the images between those drawn on."""
        job = interpolation.ask(
            actor=actor_of(request), item_id=item_id, raw=request.data
        )
        return Response({"id": str(job.id)}, status=202)


class InterpolationView(APIView):
    """One request to fill."""

    permission_classes = [needs(Permission.READING_WRITE)]

    @extend_schema(
        operation_id="segment_interpolation", responses=shapes.InterpolationSerializer
    )
    def get(self, request: Request, item_id: UUID, job_id: UUID) -> Response:
        """Return how far it is, and its label maps when it is done."""
        job = interpolation.show(
            actor=actor_of(request), item_id=item_id, job_id=job_id
        )
        return Response(
            {"state": job.state, "reason": job.reason, "slices": job.filled}
        )
