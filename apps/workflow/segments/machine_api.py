"""What a worker that fills between slices may fetch and store: of its one job."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from apps.studies.machine import INTERPOLATE
from apps.studies.machine_api import MachineView
from apps.workflow.segments import interpolation
from apps.workflow.segments.api import LabelMapParser
from apps.workflow.segments.serializers import InterpolationWorkSerializer

if TYPE_CHECKING:
    from rest_framework.request import Request

PACKED = "application/gzip"


class WorkView(MachineView):
    """What is to be done."""

    @extend_schema(
        operation_id="machine_interpolation", responses=InterpolationWorkSerializer
    )
    def get(self, request: Request, job_id: UUID) -> Response:  # noqa: ARG002
        """Return the images in the order in which they lie."""
        self.require_job(verb=INTERPOLATE, job_id=job_id)
        return Response(interpolation.work_of(job_id=job_id))


class WorkSliceView(MachineView):
    """One label map of a job."""

    parser_classes = (LabelMapParser,)

    @extend_schema(
        operation_id="machine_slice_get",
        responses={(200, PACKED): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, job_id: UUID, sha256: str) -> HttpResponse:  # noqa: ARG002
        """Return a label map, as a gzip file."""
        self.require_job(verb=INTERPOLATE, job_id=job_id)
        body = interpolation.read_for_work(job_id=job_id, sha256=sha256)
        return HttpResponse(body, content_type=PACKED)

    @extend_schema(
        operation_id="machine_slice_put",
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={200: None, 201: None},
    )
    def put(self, request: Request, job_id: UUID, sha256: str) -> Response:
        """Keep a label map; when this answers, it is on disk."""
        self.require_job(verb=INTERPOLATE, job_id=job_id)
        body = cast("object", request.data)
        created = interpolation.keep_for_work(
            job_id=job_id,
            sha256=sha256,
            packed=body if isinstance(body, bytes) else b"",
        )
        return Response(status=201 if created else 200)
