"""The worklist page over REST. One domain call a view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import actor_of
from apps.core.access import needs
from apps.core.permissions import Permission
from apps.workflow.lists import desk, pages
from apps.workflow.lists import serializers as shapes
from apps.worklist import saved_views

if TYPE_CHECKING:
    from rest_framework.request import Request


def _checked(serializer: Any, request: Request) -> dict[str, Any]:
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


class WindowView(APIView):
    """Rows of the list. Asked with a body: what is searched may name a patient."""

    permission_classes = [needs(Permission.WORKLIST_READ)]

    @extend_schema(
        operation_id="worklist_window",
        request=shapes.WindowRequest,
        responses={200: shapes.WindowSerializer},
    )
    def post(self, request: Request) -> Response:
        """Return consecutive rows, in rank order or sorted within the bands."""
        wanted = _checked(shapes.WindowRequest, request)
        # As `build_row` makes them: another copy of a hundred rows by their shape
        # costs as much as reading them. A test compares the two.
        return Response(pages.show_window(actor=actor_of(request), wanted=wanted))


class SummaryView(APIView):
    """The counters of the list, and who is here."""

    permission_classes = [needs(Permission.WORKLIST_READ)]

    @extend_schema(
        operation_id="worklist_summary",
        request=shapes.SummaryRequest,
        responses={200: shapes.SummarySerializer},
    )
    def post(self, request: Request) -> Response:
        """Return totals, bands and facets without any row."""
        wanted = _checked(shapes.SummaryRequest, request)
        body = pages.show_summary(actor=actor_of(request), wanted=wanted)
        return Response(shapes.SummarySerializer(body).data)


class ViewsView(APIView):
    """Saved views."""

    permission_classes = [needs(Permission.WORKLIST_READ)]

    @extend_schema(operation_id="list_views", responses=shapes.ViewsSerializer)
    def get(self, request: Request) -> Response:
        """Return my views, those of my sites, and my settings."""
        body = desk.show_views(actor=actor_of(request))
        return Response(shapes.ViewsSerializer(body).data)

    @extend_schema(
        operation_id="list_view_save",
        request=shapes.SaveViewRequest,
        responses={201: shapes.ViewSerializer},
    )
    def post(self, request: Request) -> Response:
        """Keep a view; the same name again replaces it."""
        view = desk.keep_view(
            actor=actor_of(request), wanted=_checked(shapes.SaveViewRequest, request)
        )
        return Response(shapes.ViewSerializer(view).data, status=201)


class SavedViewView(APIView):
    """One saved view."""

    permission_classes = [needs(Permission.WORKLIST_READ)]

    @extend_schema(operation_id="list_view_delete", responses={204: None})
    def delete(self, request: Request, view_id: UUID) -> Response:
        """Delete it."""
        saved_views.delete_view(actor=actor_of(request), view_id=view_id)
        return Response(status=204)


class SettingsView(APIView):
    """How I like the list."""

    permission_classes = [needs(Permission.WORKLIST_READ)]

    @extend_schema(
        operation_id="list_settings_save",
        request=shapes.ListSettingsSerializer,
        responses=shapes.ListSettingsSerializer,
    )
    def put(self, request: Request) -> Response:
        """Keep my columns and how tight rows are."""
        kept = desk.keep_settings(
            actor=actor_of(request),
            wanted=_checked(shapes.ListSettingsSerializer, request),
        )
        return Response(shapes.ListSettingsSerializer(kept).data)


class ReadersView(APIView):
    """Whom a lead may assign to."""

    permission_classes = [needs(Permission.ITEM_ASSIGN)]

    @extend_schema(operation_id="worklist_readers", responses=shapes.ReadersSerializer)
    def get(self, request: Request) -> Response:
        """Return the readers of my sites, and how much each has."""
        items = desk.show_readers(actor=actor_of(request))
        return Response(shapes.ReadersSerializer({"items": items}).data)


class AssigneesView(APIView):
    """For whom studies are."""

    permission_classes = [needs(Permission.WORKLIST_READ)]

    @extend_schema(
        operation_id="worklist_assignees", responses=shapes.AssigneesSerializer
    )
    def get(self, request: Request) -> Response:
        """Return for whom the studies on my list are."""
        items = desk.show_assignees(actor=actor_of(request))
        return Response(shapes.AssigneesSerializer({"items": items}).data)


class AssignView(APIView):
    """Assigning."""

    permission_classes = [needs(Permission.ITEM_ASSIGN)]

    @extend_schema(
        operation_id="worklist_assign",
        request=shapes.AssignRequest,
        responses={200: shapes.AssignedSerializer},
    )
    def post(self, request: Request) -> Response:
        """Assign many items; what cannot be is listed, the rest is done."""
        body = desk.assign(
            actor=actor_of(request), **_checked(shapes.AssignRequest, request)
        )
        return Response(shapes.AssignedSerializer(body).data)


class UndoAssignView(APIView):
    """Undoing an assignment."""

    permission_classes = [needs(Permission.ITEM_ASSIGN)]

    @extend_schema(
        operation_id="worklist_assign_undo",
        request=None,
        responses={200: shapes.AssignedSerializer},
    )
    def post(self, request: Request, batch_id: UUID) -> Response:
        """Give all items back to whom they were assigned before."""
        body = desk.undo_assign(actor=actor_of(request), batch_id=batch_id)
        return Response(shapes.AssignedSerializer(body).data)
