"""Hanging and earlier studies over REST. One domain call a view."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import actor_of
from apps.core.access import LoggedIn, needs
from apps.core.permissions import Permission
from apps.workflow.hanging import desk, priors, saved
from apps.workflow.hanging import serializers as shapes

if TYPE_CHECKING:
    from rest_framework.request import Request


class HangingView(APIView):
    """How one study may be hung."""

    permission_classes = [LoggedIn]

    @extend_schema(operation_id="study_hanging", responses=shapes.HangingsSerializer)
    def get(self, request: Request, study_id: UUID) -> Response:
        """Return what is chosen by itself, what else fits, and window presets."""
        body = desk.show_hanging(actor=actor_of(request), study_id=study_id)
        return Response(shapes.HangingsSerializer(body).data)


class PriorsView(APIView):
    """Earlier studies of the same patient."""

    permission_classes = [LoggedIn]

    @extend_schema(operation_id="study_priors", responses=shapes.PriorsSerializer)
    def get(self, request: Request, study_id: UUID) -> Response:
        """List what may be compared; opening one is an event of its own."""
        items = priors.list_priors(actor=actor_of(request), study_id=study_id)
        return Response(shapes.PriorsSerializer({"items": items}).data)


class LayoutsView(APIView):
    """Layouts that people saved."""

    permission_classes = [needs(Permission.STUDY_PIXELS_READ)]

    @extend_schema(
        operation_id="layout_save",
        request=shapes.SaveLayoutRequest,
        responses={201: shapes.SavedLayoutSerializer},
    )
    def post(self, request: Request) -> Response:
        """Keep what the viewports show."""
        body = shapes.SaveLayoutRequest(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = dict(body.validated_data)
        layout = saved.save_layout(
            actor=actor_of(request), study_id=wanted.pop("study"), wanted=wanted
        )
        return Response(shapes.SavedLayoutSerializer(layout).data, status=201)

    @extend_schema(operation_id="layouts_reset", responses={204: None})
    def delete(self, request: Request) -> Response:
        """Delete all of one's own."""
        saved.reset_layouts(actor=actor_of(request))
        return Response(status=204)


class LayoutView(APIView):
    """One saved layout."""

    permission_classes = [LoggedIn]

    @extend_schema(operation_id="layout_delete", responses={204: None})
    def delete(self, request: Request, layout_id: UUID) -> Response:
        """Delete it."""
        saved.delete_layout(actor=actor_of(request), layout_id=layout_id)
        return Response(status=204)
