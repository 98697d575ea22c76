"""What a worker that compares two studies may fetch: of its one comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from apps.studies.machine import COMPARE
from apps.studies.machine_api import MachineView
from apps.workflow.longitudinal import comparing
from apps.workflow.longitudinal.shapes import ComparisonWorkSerializer

if TYPE_CHECKING:
    from rest_framework.request import Request

PACKED = "application/gzip"


class WorkView(MachineView):
    """What is to be compared."""

    @extend_schema(
        operation_id="machine_comparison", responses=ComparisonWorkSerializer
    )
    def get(self, request: Request, comparison_id: UUID) -> Response:  # noqa: ARG002
        """Return series and masks of both studies."""
        self.require_job(verb=COMPARE, job_id=comparison_id)
        return Response(comparing.work_of(comparison_id=comparison_id))


class WorkMaskView(MachineView):
    """One mask of a comparison."""

    @extend_schema(
        operation_id="machine_comparison_mask",
        responses={(200, PACKED): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, comparison_id: UUID, sha256: str) -> HttpResponse:  # noqa: ARG002
        """Return a mask, as a gzip file."""
        self.require_job(verb=COMPARE, job_id=comparison_id)
        body = comparing.mask_for_work(comparison_id=comparison_id, sha256=sha256)
        return HttpResponse(body, content_type=PACKED)
