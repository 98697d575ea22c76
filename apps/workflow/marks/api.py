"""Signed measurements of a study."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import actor_of
from apps.core.access import needs
from apps.core.permissions import Permission
from apps.workflow.marks.serializers import SignedMarksSerializer
from apps.workflow.marks.signed import list_marks

if TYPE_CHECKING:
    from rest_framework.request import Request


class SignedMarksView(APIView):
    """What readers measured on a study and signed."""

    permission_classes = [needs(Permission.STUDY_READ)]

    @extend_schema(operation_id="signed_marks", responses=SignedMarksSerializer)
    def get(self, request: Request, study_id: UUID) -> Response:
        """List the measurements; none while somebody still reads the study."""
        return Response(list_marks(actor=actor_of(request), study_id=study_id))
