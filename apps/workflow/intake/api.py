"""Imports over REST. File names travel in bodies only: they may name patients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Q
from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import actor_of
from apps.core.access import needs
from apps.core.errors import Invalid
from apps.core.permissions import Permission
from apps.core.pieces import PieceParser, read_offset
from apps.workflow.intake import serializers as shapes
from apps.workflow.intake import upload
from apps.workflow.models import IntakeFile

if TYPE_CHECKING:
    from rest_framework.request import Request

LISTED, LINES, MAX_LINES = 50, 100, 1000
_YEARS = (1900, 9998)
_OFFSET = OpenApiParameter(
    "Upload-Offset", OpenApiTypes.INT, OpenApiParameter.HEADER, required=True
)


def _checked(serializer: Any, request: Request) -> dict[str, Any]:
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def _number(text: str, *, field: str, top: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18 or int(text) > top:
        raise Invalid("invalid", f"{field}: is a number up to {top}.", field=field)
    return int(text)


class IntakesView(APIView):
    """Imports of my sites."""

    permission_classes = [needs(Permission.STUDY_IMPORT)]

    @extend_schema(
        operation_id="intakes_list",
        parameters=[
            OpenApiParameter("mine", OpenApiTypes.BOOL),
            OpenApiParameter("cursor", OpenApiTypes.STR),
        ],
        responses=shapes.IntakeListSerializer,
    )
    def get(self, request: Request) -> Response:
        """List imports, newest first."""
        actor = actor_of(request)
        found = upload.visible_intakes(actor=actor)
        if request.query_params.get("mine", "").lower() in {"1", "true", "yes"}:
            found = found.filter(by_id=actor.user_id)
        cursor = request.query_params.get("cursor", "")
        if cursor:
            at, last = _read_cursor(cursor)
            found = found.filter(Q(started_at__lt=at) | Q(started_at=at, id__lt=last))
        page = list(found[: LISTED + 1])
        more = page[LISTED - 1] if len(page) > LISTED else None
        body = {
            "items": [
                shapes.intake_body(intake=intake, user_id=actor.user_id)
                for intake in page[:LISTED]
            ],
            "next_cursor": f"{more.started_at.isoformat()}_{more.id}" if more else None,
        }
        return Response(shapes.IntakeListSerializer(body).data)

    @extend_schema(
        operation_id="intakes_begin",
        request=shapes.BeginRequest,
        responses={201: shapes.IntakeSerializer},
    )
    def post(self, request: Request) -> Response:
        """Begin an import."""
        actor = actor_of(request)
        site = _checked(shapes.BeginRequest, request)["site"]
        intake = upload.begin_upload(actor=actor, site_id=site)
        body = shapes.intake_body(intake=intake, user_id=actor.user_id)
        return Response(shapes.IntakeSerializer(body).data, status=201)


def _read_cursor(text: str) -> tuple[Any, UUID]:
    moment, _, last = text.partition("_")
    try:
        at, key = parse_datetime(moment.replace(" ", "+")), UUID(last)
    except (ValueError, OverflowError) as error:
        raise Invalid("invalid", "cursor: is not one of ours.") from error
    if at is None or at.tzinfo is None or not _YEARS[0] <= at.year <= _YEARS[1]:
        raise Invalid("invalid", "cursor: is not one of ours.")
    return at, key


class IntakeView(APIView):
    """One import and its report."""

    permission_classes = [needs(Permission.STUDY_IMPORT)]

    @extend_schema(
        operation_id="intakes_report",
        parameters=[
            OpenApiParameter("status", OpenApiTypes.STR, many=True),
            OpenApiParameter("cursor", OpenApiTypes.STR),
            OpenApiParameter("limit", OpenApiTypes.INT),
        ],
        responses=shapes.IntakeReportSerializer,
    )
    def get(self, request: Request, intake_id: UUID) -> Response:
        """Return an import with a page of its files."""
        actor = actor_of(request)
        intake = upload.access_intake(actor=actor, intake_id=intake_id)
        upload.read_report(actor=actor, intake=intake)
        query = request.query_params
        limit = _number(query.get("limit", str(LINES)), field="limit", top=MAX_LINES)
        lines = IntakeFile.objects.filter(intake=intake).order_by("created_at", "id")
        if wanted := query.getlist("status"):
            lines = lines.filter(status__in=set(wanted) & set(shapes.ENDS))
        begin = _number(query.get("cursor", "0"), field="cursor", top=1 << 40)
        page = list(upload.with_members(lines)[begin : begin + limit + 1])
        body = shapes.intake_body(intake=intake, user_id=actor.user_id)
        body["files"] = {
            "items": [shapes.file_body(line) for line in page[:limit]],
            "next_cursor": str(begin + limit) if len(page) > limit else None,
        }
        return Response(shapes.IntakeReportSerializer(body).data)


class IntakeFilesView(APIView):
    """Naming files."""

    permission_classes = [needs(Permission.STUDY_IMPORT)]

    @extend_schema(
        operation_id="intakes_name_files",
        request=shapes.NameRequest,
        responses={201: shapes.IntakeFilesSerializer},
    )
    def post(self, request: Request, intake_id: UUID) -> Response:
        """Name files that will be sent."""
        files = _checked(shapes.NameRequest, request)["files"]
        lines = upload.name_files(
            actor=actor_of(request), intake_id=intake_id, files=files
        )
        body = {"items": [shapes.file_body(line) for line in lines]}
        return Response(shapes.IntakeFilesSerializer(body).data, status=201)


class IntakeFileView(APIView):
    """One file of an import."""

    permission_classes = [needs(Permission.STUDY_IMPORT)]
    parser_classes = [PieceParser]

    @extend_schema(operation_id="intakes_file", responses=shapes.IntakeFileSerializer)
    def get(self, request: Request, intake_id: UUID, file_id: UUID) -> Response:
        """Say how far a file is."""
        line = upload.access_line(
            actor=actor_of(request), intake_id=intake_id, file_id=file_id
        )
        return Response(shapes.IntakeFileSerializer(shapes.file_body(line)).data)

    @extend_schema(
        operation_id="intakes_receive",
        parameters=[_OFFSET],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses=shapes.IntakeFileSerializer,
    )
    def put(self, request: Request, intake_id: UUID, file_id: UUID) -> Response:
        """Keep a piece; with the last one, take the file."""
        offset = read_offset(
            request.headers.get("Upload-Offset", ""), top=upload.MAX_FILE
        )
        piece: Any = request.data
        line = upload.receive(
            actor=actor_of(request),
            intake_id=intake_id,
            file_id=file_id,
            offset=offset,
            chunk=piece if isinstance(piece, bytes) else b"",
        )
        return Response(shapes.IntakeFileSerializer(shapes.file_body(line)).data)


class IntakeFinishView(APIView):
    """The end of an import."""

    permission_classes = [needs(Permission.STUDY_IMPORT)]

    @extend_schema(
        operation_id="intakes_finish",
        request=shapes.FinishRequest,
        responses=shapes.IntakeSerializer,
    )
    def post(self, request: Request, intake_id: UUID) -> Response:
        """End an import."""
        actor = actor_of(request)
        give_up = _checked(shapes.FinishRequest, request)["give_up"]
        intake = upload.finish_upload(actor=actor, intake_id=intake_id, give_up=give_up)
        body = shapes.intake_body(intake=intake, user_id=actor.user_id)
        return Response(shapes.IntakeSerializer(body).data)
