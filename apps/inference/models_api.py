"""The models page: what there is, where it is in use, and the changes of that."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import access_site, actor_of
from apps.core.access import needs
from apps.core.permissions import Permission
from apps.inference.library import (
    activate_model,
    list_models,
    model_of_id,
    withdraw_model,
)
from apps.inference.types import IntendedUse, SlotKind

if TYPE_CHECKING:
    from rest_framework.request import Request


class ModelUseSerializer(s.Serializer):  # type: ignore[type-arg]
    """A site that uses a model."""

    site = s.DictField(child=s.CharField())
    kind = s.ChoiceField(choices=[kind.value for kind in SlotKind])
    number = s.IntegerField()


class LibraryModelSerializer(s.Serializer):  # type: ignore[type-arg]
    """A model version. `problem` says why no worker loads it; '' when all is well."""

    id = s.UUIDField()
    name = s.CharField()
    version = s.CharField()
    package_hash = s.CharField()
    intended_use = s.ChoiceField(choices=[use.value for use in IntendedUse])
    added_at = s.DateTimeField()
    problem = s.CharField(allow_blank=True)
    uses = ModelUseSerializer(many=True)
    card = s.DictField()


class LibraryModelsSerializer(s.Serializer):  # type: ignore[type-arg]
    """The models of this portal."""

    items = LibraryModelSerializer(many=True)


class ModelUseRequest(s.Serializer):  # type: ignore[type-arg]
    """Where and how a model is to be used.

    `task` names another model's slot that it is for; its own by default.
    """

    site = s.UUIDField()
    kind = s.ChoiceField(choices=[kind.value for kind in SlotKind])
    task = s.CharField(max_length=80, allow_blank=True, default="")
    reason = s.CharField(max_length=400, allow_blank=True, default="")


class WithdrawRequest(s.Serializer):  # type: ignore[type-arg]
    """Why a model is withdrawn."""

    reason = s.CharField(max_length=400)


class ModelsView(APIView):
    """The models, for who manages them."""

    permission_classes = [needs(Permission.MODEL_MANAGE)]

    @extend_schema(operation_id="models", responses=LibraryModelsSerializer)
    def get(self, request: Request) -> Response:
        """List the models with their cards, checked as they lie on disk."""
        items = list_models(actor=actor_of(request))
        return Response(LibraryModelsSerializer({"items": items}).data)


class ModelUseView(APIView):
    """The use of a model at a site."""

    permission_classes = [needs(Permission.MODEL_MANAGE)]

    @extend_schema(
        operation_id="model_activate", request=ModelUseRequest, responses={204: None}
    )
    def post(self, request: Request, model_id: UUID) -> Response:
        """Let a site use a model, with the thresholds that its card suggests."""
        body = ModelUseRequest(data=request.data)
        body.is_valid(raise_exception=True)
        actor = actor_of(request)
        activate_model(
            actor=actor,
            model=model_of_id(actor=actor, model_id=model_id),
            site=access_site(
                actor=actor,
                site_id=body.validated_data["site"],
                need=Permission.MODEL_MANAGE,
            ),
            kind=SlotKind(body.validated_data["kind"]),
            task=body.validated_data["task"],
            reason=body.validated_data["reason"],
        )
        return Response(status=204)


class ModelWithdrawView(APIView):
    """The end of a model's use."""

    permission_classes = [needs(Permission.MODEL_MANAGE)]

    @extend_schema(
        operation_id="model_withdraw", request=WithdrawRequest, responses={204: None}
    )
    def post(self, request: Request, model_id: UUID) -> Response:
        """Take a model off the signed list and out of every slot."""
        body = WithdrawRequest(data=request.data)
        body.is_valid(raise_exception=True)
        actor = actor_of(request)
        withdraw_model(
            actor=actor,
            model=model_of_id(actor=actor, model_id=model_id),
            reason=body.validated_data["reason"],
        )
        return Response(status=204)
