"""A person's own keys over REST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.hotkeys import my_hotkeys, save_hotkeys
from apps.accounts.selectors import actor_of
from apps.core.access import LoggedIn

if TYPE_CHECKING:
    from rest_framework.request import Request


class HotkeysSerializer(serializers.Serializer[Any]):
    """Strokes by command, of the commands that a person changed."""

    keys = serializers.DictField(
        child=serializers.ListField(
            child=serializers.CharField(trim_whitespace=False), allow_empty=True
        )
    )


class HotkeysView(APIView):
    """My keys."""

    permission_classes = [LoggedIn]

    @extend_schema(operation_id="hotkeys_read", responses=HotkeysSerializer)
    def get(self, request: Request) -> Response:
        """Return the commands whose keys I changed."""
        body = {"keys": my_hotkeys(actor=actor_of(request))}
        return Response(HotkeysSerializer(body).data)

    @extend_schema(
        operation_id="hotkeys_save",
        request=HotkeysSerializer,
        responses=HotkeysSerializer,
    )
    def put(self, request: Request) -> Response:
        """Keep them; what is not named has our keys again."""
        given = HotkeysSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        keys = save_hotkeys(actor=actor_of(request), keys=given.validated_data["keys"])
        return Response(HotkeysSerializer({"keys": keys}).data)
