"""Notifications over REST: each person's own. One domain call a view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import actor_of
from apps.core.access import LoggedIn
from apps.notifications import services
from apps.notifications.types import Channel
from apps.workflow.notices import desk
from apps.workflow.notices import serializers as shapes

if TYPE_CHECKING:
    from rest_framework.request import Request


def _checked(serializer: Any, request: Request) -> dict[str, Any]:
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


class NoticesView(APIView):
    """What I was told."""

    permission_classes = [LoggedIn]

    @extend_schema(
        operation_id="notifications",
        parameters=[
            OpenApiParameter("unread", OpenApiTypes.BOOL),
            OpenApiParameter("cursor", OpenApiTypes.STR),
        ],
        responses=shapes.NoticesSerializer,
    )
    def get(self, request: Request) -> Response:
        """List my notifications, newest first."""
        query = request.query_params
        body = desk.list_notices(
            actor=actor_of(request),
            unread=query.get("unread", "").lower() in {"1", "true", "yes"},
            cursor=query.get("cursor", ""),
        )
        return Response(shapes.NoticesSerializer(body).data)


class UnreadView(APIView):
    """How much I have not read."""

    permission_classes = [LoggedIn]

    @extend_schema(
        operation_id="notifications_unread", responses=shapes.NoticesUnreadSerializer
    )
    def get(self, request: Request) -> Response:
        """Count my unread notifications."""
        return Response(desk.count_notices(actor=actor_of(request)))


class ReadView(APIView):
    """What I have read."""

    permission_classes = [LoggedIn]

    @extend_schema(
        operation_id="notifications_read",
        request=shapes.ReadRequest,
        responses=shapes.NoticesUnreadSerializer,
    )
    def post(self, request: Request) -> Response:
        """Mark notifications as read."""
        body = desk.read_notices(
            actor=actor_of(request), **_checked(shapes.ReadRequest, request)
        )
        return Response(body)


class SettingsView(APIView):
    """What I want to be told of, and how."""

    permission_classes = [LoggedIn]

    @extend_schema(
        operation_id="notification_settings",
        responses=shapes.NoticeSettingsSerializer,
    )
    def get(self, request: Request) -> Response:
        """Return my choices."""
        body = desk.show_settings(actor=actor_of(request))
        return Response(shapes.NoticeSettingsSerializer(body).data)

    @extend_schema(
        operation_id="notification_settings_write",
        request=shapes.NoticeSettingsRequest,
        responses=shapes.NoticeSettingsSerializer,
    )
    def put(self, request: Request) -> Response:
        """Change my choices."""
        body = desk.choose(
            actor=actor_of(request), **_checked(shapes.NoticeSettingsRequest, request)
        )
        return Response(shapes.NoticeSettingsSerializer(body).data)


class WebhookView(APIView):
    """Where my messages are posted to."""

    permission_classes = [LoggedIn]

    @extend_schema(
        operation_id="notification_webhook_set",
        request=shapes.WebhookRequest,
        responses=shapes.WebhookMadeSerializer,
    )
    def put(self, request: Request) -> Response:
        """Set the address; the secret is in this answer only."""
        body = desk.set_webhook(
            actor=actor_of(request), **_checked(shapes.WebhookRequest, request)
        )
        return Response(shapes.WebhookMadeSerializer(body).data)

    @extend_schema(
        operation_id="notification_webhook_remove",
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request) -> Response:
        """Post no more."""
        services.remove_webhook(actor=actor_of(request))
        return Response(status=204)


class TestView(APIView):
    """A message to try a channel."""

    permission_classes = [LoggedIn]

    @extend_schema(
        operation_id="notification_test",
        request=shapes.NoticeTestRequest,
        responses={202: None},
    )
    def post(self, request: Request) -> Response:
        """Send me a message."""
        channel = _checked(shapes.NoticeTestRequest, request)["channel"]
        services.send_test(actor=actor_of(request), channel=Channel(channel))
        return Response(status=202)
