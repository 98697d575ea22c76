"""The discussion of a study over REST. One domain call a view."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import actor_of
from apps.core.access import needs
from apps.core.permissions import Permission
from apps.workflow.discussion import serializers as shapes
from apps.workflow.discussion import services

if TYPE_CHECKING:
    from rest_framework.request import Request


class DiscussionView(APIView):
    """What people write to each other about a study."""

    permission_classes = [needs(Permission.WORKLIST_READ)]

    @extend_schema(operation_id="discussion", responses=shapes.DiscussionSerializer)
    def get(self, request: Request, item_id: UUID) -> Response:
        """Return what I may see of it, and whom I may call."""
        body = services.show_discussion(actor=actor_of(request), item_id=item_id)
        return Response(shapes.DiscussionSerializer(body).data)

    @extend_schema(
        operation_id="discussion_write",
        request=shapes.MessageRequest,
        responses={201: shapes.MessageSerializer},
    )
    def post(self, request: Request, item_id: UUID) -> Response:
        """Write to it; @username tells that colleague."""
        body = shapes.MessageRequest(data=request.data)
        body.is_valid(raise_exception=True)
        message = services.write_message(
            actor=actor_of(request), item_id=item_id, text=body.validated_data["text"]
        )
        return Response(shapes.MessageSerializer(message).data, status=201)
