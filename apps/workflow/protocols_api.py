"""When readers see the AI, by site and modality: shown and set by those who manage."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import actor_of
from apps.annotations.protocols import (
    askable_labels,
    protocols_of,
    retire_protocol,
    set_display_mode,
)
from apps.annotations.types import DisplayMode
from apps.core.access import needs
from apps.core.permissions import Permission

if TYPE_CHECKING:
    from rest_framework.request import Request


class ProtocolSiteSerializer(s.Serializer):  # type: ignore[type-arg]
    """The site of a protocol."""

    id = s.UUIDField()
    name = s.CharField()


class AskedLabelSerializer(s.Serializer):  # type: ignore[type-arg]
    """A finding that readers are, or can be, asked for."""

    scheme = s.CharField()
    code = s.CharField()
    display = s.CharField()


class ClinicalProtocolSerializer(s.Serializer):  # type: ignore[type-arg]
    """A clinical protocol in force. Modality '' is any that has none of its own.

    `labels` is what it asks for: not marked in a signed reading means absent.
    """

    id = s.UUIDField()
    site = ProtocolSiteSerializer()
    code = s.CharField()
    name = s.CharField()
    version = s.IntegerField()
    modality = s.CharField()
    display_mode = s.ChoiceField(choices=[mode.value for mode in DisplayMode])
    n_readers = s.IntegerField()
    labels = AskedLabelSerializer(many=True)


class ClinicalProtocolsSerializer(s.Serializer):  # type: ignore[type-arg]
    """Protocols in force; `askable`: the findings of the models in use."""

    items = ClinicalProtocolSerializer(many=True)
    askable = AskedLabelSerializer(many=True)


class ProtocolRequest(s.Serializer):  # type: ignore[type-arg]
    """When readers see the AI from now on, and what they are asked for.

    `labels` are codes of what can be asked for; left out, what is asked for stays.
    """

    site = s.UUIDField()
    modality = s.CharField(max_length=16, allow_blank=True, default="")
    display_mode = s.ChoiceField(choices=[mode.value for mode in DisplayMode])
    labels = s.ListField(
        child=s.CharField(max_length=64), max_length=60, required=False
    )
    reason = s.CharField(max_length=200)


class ProtocolsView(APIView):
    """The clinical protocols of my sites."""

    permission_classes = [needs(Permission.PROTOCOL_MANAGE)]

    @extend_schema(operation_id="protocols", responses=ClinicalProtocolsSerializer)
    def get(self, request: Request) -> Response:
        """List the protocols in force."""
        actor = actor_of(request)
        items = protocols_of(actor=actor)
        askable = askable_labels(site_ids={one.site_id for one in items if one.site_id})
        body = {"items": items, "askable": askable}
        return Response(ClinicalProtocolsSerializer(body).data)

    @extend_schema(
        operation_id="protocol_set",
        request=ProtocolRequest,
        responses={201: ClinicalProtocolSerializer},
    )
    def post(self, request: Request) -> Response:
        """Make the next version of a site's protocol."""
        body = ProtocolRequest(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = dict(body.validated_data)
        protocol = set_display_mode(
            actor=actor_of(request), site_id=wanted.pop("site"), **wanted
        )
        return Response(ClinicalProtocolSerializer(protocol).data, status=201)


class ProtocolView(APIView):
    """What was said for one modality."""

    permission_classes = [needs(Permission.PROTOCOL_MANAGE)]

    @extend_schema(operation_id="protocol_retire", responses={204: None})
    def delete(self, request: Request, protocol_id: UUID) -> Response:
        """Let the site's general protocol hold for the modality again."""
        retire_protocol(actor=actor_of(request), protocol_id=protocol_id)
        return Response(status=204)
