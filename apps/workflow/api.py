"""The worklist and the reading room over REST. One domain call a view."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import actor_of
from apps.core.access import LoggedIn, needs
from apps.core.errors import Invalid, PreconditionRequired
from apps.core.permissions import Permission
from apps.workflow import desk
from apps.workflow import serializers as shapes
from apps.workflow.ai_shapes import AiSerializer
from apps.workflow.lists import pages
from apps.workflow.manifest_shapes import (
    ManifestSerializer,
    OpenedSerializer,
    OpenRequest,
)
from apps.workflow.signed.serializers import AmendRequest
from workers.contracts import MASK_MEDIA_TYPE

if TYPE_CHECKING:
    from rest_framework.request import Request

_ETAG = re.compile(r'(?:W/)?"?([0-9]{1,9})"?')
_IF_MATCH = OpenApiParameter(
    "If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True
)


def _many(name: str) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.STR, OpenApiParameter.QUERY, many=True)


def _expected_version(request: Request) -> int:
    text = request.headers.get("If-Match", "")
    if not text:
        raise PreconditionRequired(
            "if_match_missing", "Send If-Match with the version of the draft you saw."
        )
    version = _ETAG.fullmatch(text)
    if version is None:
        raise Invalid("invalid", "If-Match: is the ETag of the draft.")
    return int(version[1])


def _member(request: Request, name: str) -> object:
    return request.data.get(name) if isinstance(request.data, dict) else None


def _content(request: Request) -> object:
    return _member(request, "content")


def _checked(serializer: Any, request: Request) -> dict[str, Any]:
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def _etagged(body: dict[str, Any]) -> Response:
    response = Response(shapes.ReadingSerializer(body).data)
    response["ETag"] = f'"{body["version"]}"'
    return response


class WorklistView(APIView):
    """The open list in rank order."""

    permission_classes = [needs(Permission.WORKLIST_READ)]

    @extend_schema(
        operation_id="worklist_list",
        parameters=[
            _many("site"),
            _many("band"),
            _many("modality"),
            _many("body_part"),
            _many("ai"),
            _many("state"),
            OpenApiParameter("mine", OpenApiTypes.BOOL),
            OpenApiParameter("past_deadline", OpenApiTypes.BOOL),
            OpenApiParameter("q", OpenApiTypes.STR),
            OpenApiParameter("cursor", OpenApiTypes.STR),
            OpenApiParameter("limit", OpenApiTypes.INT),
        ],
        responses=shapes.PageSerializer,
    )
    def get(self, request: Request) -> Response:
        """List work items."""
        page = pages.show_worklist(actor=actor_of(request), query=request.query_params)
        return Response(shapes.PageSerializer(page).data)


class ItemView(APIView):
    """One line of the list."""

    permission_classes = [needs(Permission.WORKLIST_READ)]

    @extend_schema(operation_id="worklist_item", responses=shapes.RowSerializer)
    def get(self, request: Request, item_id: UUID) -> Response:
        """Return one work item."""
        row = desk.show_item(actor=actor_of(request), item_id=item_id)
        return Response(shapes.RowSerializer(row).data)


class WhyView(APIView):
    """The parts of an item's place."""

    permission_classes = [needs(Permission.WORKLIST_READ)]

    @extend_schema(operation_id="worklist_why", responses=shapes.WhySerializer)
    def get(self, request: Request, item_id: UUID) -> Response:
        """Explain a rank."""
        why = desk.explain_rank(actor=actor_of(request), item_id=item_id)
        return Response(shapes.WhySerializer(why).data)


class LeaseView(APIView):
    """Take, renew and give back an item."""

    permission_classes = [needs(Permission.ITEM_LEASE)]

    @extend_schema(
        operation_id="lease_take", request=None, responses=shapes.LeasedSerializer
    )
    def post(self, request: Request, item_id: UUID) -> Response:
        """Take an item and open its study."""
        body = desk.open_item(actor=actor_of(request), item_id=item_id)
        return Response(shapes.LeasedSerializer(body).data)

    @extend_schema(
        operation_id="lease_renew", request=None, responses=shapes.RenewedSerializer
    )
    def put(self, request: Request, item_id: UUID) -> Response:
        """Keep the lease."""
        lease = desk.keep_item(actor=actor_of(request), item_id=item_id)
        return Response(shapes.RenewedSerializer({"lease": lease}).data)

    @extend_schema(
        operation_id="lease_release",
        parameters=[shapes.ReleaseQuery],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, item_id: UUID) -> Response:
        """Give the item back."""
        query = shapes.ReleaseQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        desk.give_back_item(
            actor=actor_of(request),
            item_id=item_id,
            number=query.validated_data.get("number"),
        )
        return Response(status=204)


class TakeNextView(APIView):
    """The next free item by the rule."""

    permission_classes = [needs(Permission.ITEM_LEASE)]

    @extend_schema(
        operation_id="worklist_take_next",
        request=shapes.TakeNextRequest,
        responses={200: shapes.LeasedSerializer, 204: None},
    )
    def post(self, request: Request) -> Response:
        """Take the next item; 204 when nothing is free."""
        body = desk.open_next(
            actor=actor_of(request),
            site_ids=_checked(shapes.TakeNextRequest, request)["site"],
        )
        if body is None:
            return Response(status=204)
        return Response(shapes.LeasedSerializer(body).data)


class BandView(APIView):
    """A clinician's band."""

    permission_classes = [needs(Permission.ITEM_BAND)]

    @extend_schema(
        operation_id="worklist_set_band",
        request=shapes.BandRequest,
        responses=shapes.RowSerializer,
    )
    def post(self, request: Request, item_id: UUID) -> Response:
        """Set the band, with a reason."""
        row = desk.change_band(
            actor=actor_of(request),
            item_id=item_id,
            **_checked(shapes.BandRequest, request),
        )
        return Response(shapes.RowSerializer(row).data)


class AiOrderingView(APIView):
    """The off-switch of AI ordering."""

    permission_classes = [needs(Permission.AI_SWITCH)]

    @extend_schema(
        operation_id="site_ai_ordering",
        request=shapes.AiOrderingRequest,
        responses=shapes.AiOrderingSerializer,
    )
    def post(self, request: Request, site_id: UUID) -> Response:
        """Switch the AI's part in the order on or off."""
        enabled = desk.switch_ai(
            actor=actor_of(request),
            site_id=site_id,
            **_checked(shapes.AiOrderingRequest, request),
        )
        return Response({"enabled": enabled})


class AiView(APIView):
    """What the AI says of an item, as far as this person may see it."""

    permission_classes = [needs(Permission.AI_READ)]

    @extend_schema(operation_id="item_ai", responses=AiSerializer)
    def get(self, request: Request, item_id: UUID) -> Response:
        """Return the AI's findings."""
        body = desk.show_ai(actor=actor_of(request), item_id=item_id)
        return Response(AiSerializer(body).data)


class ArtefactView(APIView):
    """A saliency picture or a mask."""

    permission_classes = [needs(Permission.AI_READ)]

    @extend_schema(
        operation_id="item_artefact",
        responses={
            (200, "image/png"): OpenApiTypes.BINARY,
            (200, MASK_MEDIA_TYPE): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request, item_id: UUID, artefact_id: UUID) -> HttpResponse:
        """Return the bytes of a picture, or of a mask (sent as gzip content)."""
        body, media_type = desk.read_picture(
            actor=actor_of(request), item_id=item_id, artefact_id=artefact_id
        )
        response = HttpResponse(body, content_type=media_type)
        response["Cache-Control"] = "private, no-store"
        if media_type == MASK_MEDIA_TYPE:
            response["Content-Encoding"] = "gzip"
        return response


class ReadingView(APIView):
    """The reader's draft."""

    permission_classes = [needs(Permission.READING_WRITE)]

    @extend_schema(operation_id="reading_get", responses=shapes.ReadingSerializer)
    def get(self, request: Request, item_id: UUID) -> Response:
        """Return my reading of an item."""
        return _etagged(desk.show_reading(actor=actor_of(request), item_id=item_id))

    @extend_schema(
        operation_id="reading_save",
        parameters=[_IF_MATCH],
        request=shapes.ContentRequest,
        responses=shapes.ReadingSerializer,
    )
    def put(self, request: Request, item_id: UUID) -> Response:
        """Save my draft; a 200 means it is on disk."""
        return _etagged(
            desk.save_reading(
                actor=actor_of(request),
                item_id=item_id,
                expected_version=_expected_version(request),
                raw=_content(request),
            )
        )


class CommitView(APIView):
    """The end of the unaided read."""

    permission_classes = [needs(Permission.READING_WRITE)]

    @extend_schema(
        operation_id="reading_commit",
        parameters=[_IF_MATCH],
        request=shapes.ContentRequest,
        responses=shapes.CommittedSerializer,
    )
    def post(self, request: Request, item_id: UUID) -> Response:
        """Commit my unaided read, which reveals the AI to me; again is no error."""
        body = desk.commit(
            actor=actor_of(request),
            item_id=item_id,
            expected_version=_expected_version(request),
            raw=_content(request),
        )
        response = Response(shapes.CommittedSerializer(body).data)
        response["ETag"] = f'"{body["reading"]["version"]}"'
        return response


class SignView(APIView):
    """The signature."""

    permission_classes = [needs(Permission.READING_SIGN)]

    @extend_schema(
        operation_id="reading_sign",
        parameters=[_IF_MATCH],
        request=shapes.SignRequest,
        responses=shapes.SignedSerializer,
    )
    def post(self, request: Request, item_id: UUID) -> Response:
        """Sign my reading and learn what comes next."""
        body = desk.sign(
            actor=actor_of(request),
            item_id=item_id,
            expected_version=_expected_version(request),
            raw=_content(request),
            told=_member(request, "told"),
        )
        return Response(shapes.SignedSerializer(body).data)


class AmendView(APIView):
    """A new version of a signed reading."""

    permission_classes = [needs(Permission.READING_SIGN)]

    @extend_schema(
        operation_id="reading_amend",
        request=AmendRequest,
        responses=shapes.LeasedSerializer,
    )
    def post(self, request: Request, item_id: UUID) -> Response:
        """Take a done item in hand to amend its reading; a reason is needed."""
        body = desk.open_amendment(
            actor=actor_of(request), item_id=item_id, **_checked(AmendRequest, request)
        )
        return Response(shapes.LeasedSerializer(body).data)


class StudyOpenView(APIView):
    """Open a study to look at it, without leasing anything."""

    permission_classes = [LoggedIn]

    @extend_schema(
        operation_id="study_open",
        request=OpenRequest,
        responses=OpenedSerializer,
    )
    def post(self, request: Request, study_id: UUID) -> Response:
        """Record the opening and return what there is to show."""
        # A body may be left out; what is no JSON says nothing about opening.
        spoken = (request.content_type or "").startswith("application/json")
        body = OpenRequest(data=request.data if spoken else {})
        body.is_valid(raise_exception=True)
        manifest = desk.open_study_for(
            actor=actor_of(request),
            study_id=study_id,
            ahead=body.validated_data["ahead"],
        )
        return Response(OpenedSerializer({"manifest": manifest}).data)


class ManifestView(APIView):
    """What there is to show of a study that this session has opened."""

    permission_classes = [LoggedIn]

    @extend_schema(
        operation_id="study_manifest",
        parameters=[OpenApiParameter("revision", OpenApiTypes.UUID)],
        responses=ManifestSerializer,
    )
    def get(self, request: Request, study_id: UUID) -> Response:
        """Return the manifest."""
        manifest = desk.show_manifest(
            actor=actor_of(request),
            study_id=study_id,
            revision=request.query_params.get("revision", ""),
        )
        return Response(ManifestSerializer(manifest).data)


class VocabularyView(APIView):
    """Codes that people choose from."""

    permission_classes = [needs(Permission.WORKLIST_READ)]

    @extend_schema(operation_id="vocabulary", responses=shapes.VocabularySerializer)
    def get(self, request: Request) -> Response:
        """Return reasons and labels."""
        return Response(desk.vocabulary(actor=actor_of(request)))
