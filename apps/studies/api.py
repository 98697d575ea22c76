"""Quarantine, AE titles, and the decision behind every frame."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import actor_of
from apps.core.access import LoggedIn, needs
from apps.core.errors import Forbidden, Gone
from apps.core.permissions import Permission
from apps.studies import serializers as shapes
from apps.studies.pixels import read_pack_file
from apps.studies.quarantine import release_quarantine
from apps.studies.selectors import (
    access_revision,
    ae_titles,
    open_quarantine,
    require_pixels,
)
from apps.studies.services import (
    create_ae_title,
    delete_ae_title,
)

if TYPE_CHECKING:
    from rest_framework.request import Request

_PACK_PATH = re.compile(r"^/pixels/(?P<revision>[0-9a-f-]{36})/")


class QuarantineView(APIView):
    """What is held."""

    permission_classes = [needs(Permission.QUARANTINE_MANAGE)]

    @extend_schema(
        operation_id="quarantine_list", responses=shapes.QuarantineSerializer
    )
    def get(self, request: Request) -> Response:
        """List what is held."""
        items = open_quarantine(actor=actor_of(request))[:500]
        return Response(shapes.QuarantineSerializer({"items": items}).data)


class ReleaseView(APIView):
    """Give a held study to a site."""

    permission_classes = [needs(Permission.QUARANTINE_MANAGE)]

    @extend_schema(
        operation_id="quarantine_release",
        request=shapes.ReleaseRequest,
        responses=shapes.QuarantinedSerializer,
    )
    def post(self, request: Request, quarantine_id: UUID) -> Response:
        """Release a study."""
        body = shapes.ReleaseRequest(data=request.data)
        body.is_valid(raise_exception=True)
        held = release_quarantine(
            actor=actor_of(request),
            quarantine_id=quarantine_id,
            site_id=body.validated_data["site"],
            reason=body.validated_data["reason"],
        )
        return Response(shapes.QuarantinedSerializer(held).data)


class AETitlesView(APIView):
    """The table of AE titles."""

    permission_classes = [needs(Permission.AE_TITLE_MANAGE)]

    @extend_schema(operation_id="ae_titles_list", responses=shapes.AETitlesSerializer)
    def get(self, request: Request) -> Response:
        """List the AE titles."""
        items = ae_titles(actor=actor_of(request))
        return Response(shapes.AETitlesSerializer({"items": items}).data)

    @extend_schema(
        operation_id="ae_titles_create",
        request=shapes.AETitleRequest,
        responses={201: shapes.AETitleSerializer},
    )
    def post(self, request: Request) -> Response:
        """Add a line."""
        body = shapes.AETitleRequest(data=request.data)
        body.is_valid(raise_exception=True)
        title = create_ae_title(
            actor=actor_of(request),
            called_aet=body.validated_data["called_aet"],
            calling_aet=body.validated_data["calling_aet"],
            site_id=body.validated_data["site"],
        )
        return Response(shapes.AETitleSerializer(title).data, status=201)


class AETitleView(APIView):
    """One line of the table."""

    permission_classes = [needs(Permission.AE_TITLE_MANAGE)]

    @extend_schema(operation_id="ae_titles_delete", responses={204: None})
    def delete(self, request: Request, ae_title_id: UUID) -> Response:
        """Remove a line."""
        delete_ae_title(actor=actor_of(request), ae_title_id=ae_title_id)
        return Response(status=204)


class AuthorisePixelsView(APIView):
    """The decision behind every pack file that nginx sends."""

    permission_classes = [LoggedIn]

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """Answer 204 yes; 401 not logged in; 403 not this study, or not opened.

        nginx knows yes and no: that a study was deleted stands in a header.
        """
        address = request.headers.get("X-Original-URI", "")
        try:
            require_pixels(actor=actor_of(request), revision_id=_revision_in(address))
        except Gone as error:
            body = {"code": error.code, "detail": error.detail}
            return Response(body, status=403, headers={"X-Pixels": "deleted"})
        return Response(status=204)


def _revision_in(address: str) -> UUID:
    found = _PACK_PATH.match(address)
    try:
        return UUID(found["revision"] if found else "")
    except ValueError as error:
        raise Forbidden("forbidden", "This is no address of a pixel pack.") from error


class PackFileView(APIView):
    """A pack file from the portal, while the pack is being built."""

    permission_classes = [LoggedIn]

    @extend_schema(exclude=True)
    def get(self, request: Request, revision_id: UUID, path: str) -> HttpResponse:
        """Return the file as the pack would hold it."""
        require_pixels(actor=actor_of(request), revision_id=revision_id)
        revision = access_revision(
            actor=actor_of(request),
            revision_id=revision_id,
            need=Permission.STUDY_PIXELS_READ,
        )
        file = read_pack_file(revision=revision, path=path)
        response = HttpResponse(file.body, content_type=file.media_type)
        response["Cache-Control"] = "private, no-store"
        return response
