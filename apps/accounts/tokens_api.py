"""A person's API tokens over REST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import actor_of
from apps.accounts.tokens import (
    MAX_DAYS,
    Scope,
    create_token,
    live_tokens,
    revoke_token,
)
from apps.core.access import LoggedIn

if TYPE_CHECKING:
    from uuid import UUID

    from rest_framework.request import Request

_SCOPES = [scope.value for scope in Scope]


class ApiTokenSerializer(serializers.Serializer[Any]):
    """A token, without its secret; `hint` is how it begins."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    hint = serializers.CharField()
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=_SCOPES))
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)


class CreatedApiTokenSerializer(ApiTokenSerializer):
    """A new token with its secret, this once."""

    token = serializers.CharField()


class ApiTokenListSerializer(serializers.Serializer[Any]):
    """My tokens that still work."""

    items = ApiTokenSerializer(many=True)


class NewApiTokenSerializer(serializers.Serializer[Any]):
    """What a token is called, what it is for, and how long."""

    name = serializers.CharField(max_length=80)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=_SCOPES), min_length=1, max_length=2
    )
    days = serializers.IntegerField(min_value=1, max_value=MAX_DAYS, default=90)


class TokensView(APIView):
    """My API tokens."""

    permission_classes = [LoggedIn]

    @extend_schema(operation_id="tokens_list", responses=ApiTokenListSerializer)
    def get(self, request: Request) -> Response:
        """List my tokens that still work."""
        body = {"items": live_tokens(actor=actor_of(request))}
        return Response(ApiTokenListSerializer(body).data)

    @extend_schema(
        operation_id="tokens_create",
        request=NewApiTokenSerializer,
        responses={201: CreatedApiTokenSerializer},
    )
    def post(self, request: Request) -> Response:
        """Make a token for myself; its secret is in this answer and nowhere else."""
        given = NewApiTokenSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        token, secret = create_token(
            actor=actor_of(request),
            name=given.validated_data["name"],
            scopes=[Scope(s) for s in given.validated_data["scopes"]],
            days=given.validated_data["days"],
        )
        shown = {**ApiTokenSerializer(token).data, "token": secret}
        return Response(CreatedApiTokenSerializer(shown).data, status=201)


class TokenView(APIView):
    """One of my tokens."""

    permission_classes = [LoggedIn]

    @extend_schema(operation_id="tokens_revoke", responses={204: None})
    def delete(self, request: Request, token_id: UUID) -> Response:
        """Take it away; it stops working at once."""
        revoke_token(actor=actor_of(request), token_id=token_id)
        return Response(status=204)
