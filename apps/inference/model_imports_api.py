"""The import of a model as a page: its upload in pieces, its card, its progress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers as s
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import actor_of
from apps.core import clock
from apps.core.access import needs
from apps.core.permissions import Permission
from apps.core.pieces import PieceParser, read_offset
from apps.inference import model_imports as imports
from apps.inference.card_gaps import Gap, card_gaps, gaps_in
from apps.inference.library import verify_model
from apps.inference.types import ImportState, IntendedUse
from workers.model_import import KINDS

if TYPE_CHECKING:
    from rest_framework.request import Request

    from apps.accounts.types import Actor
    from apps.inference.models import ModelImport, ModelImportFile, ModelVersion

LISTED = 30
_OFFSET = OpenApiParameter(
    "Upload-Offset", OpenApiTypes.INT, OpenApiParameter.HEADER, required=True
)
_STATES = [state.value for state in ImportState]


class ImportStepSerializer(s.Serializer):  # type: ignore[type-arg]
    """What the importer said, and so many seconds after it began."""

    seconds = s.FloatField()
    words = s.CharField()


class ImportTrySerializer(s.Serializer):  # type: ignore[type-arg]
    """A run that ended: when, after how many seconds, how and why."""

    at = s.DateTimeField()
    seconds = s.FloatField()
    outcome = s.ChoiceField(choices=_STATES)
    reason = s.CharField(allow_blank=True)


class CardGapSerializer(s.Serializer):  # type: ignore[type-arg]
    """A field of the card (`labels.0.code`; rows from 0) and what is wrong with it."""

    field = s.CharField(allow_blank=True)
    detail = s.CharField()


class AddedModelSerializer(s.Serializer):  # type: ignore[type-arg]
    """The model that an import made; `figures` compare before and after."""

    id = s.UUIDField()
    name = s.CharField()
    version = s.CharField()
    package_hash = s.CharField()
    intended_use = s.ChoiceField(choices=[use.value for use in IntendedUse])
    figures = s.ListField(child=s.DictField())


class ModelImportSerializer(s.Serializer):  # type: ignore[type-arg]
    """An import. `gaps` is what the card lacks now, `named` what the refusal named.

    `by` is the name of who began it; '' for who shares no site with them.
    """

    id = s.UUIDField()
    by = s.CharField(allow_blank=True)
    mine = s.BooleanField()
    state = s.ChoiceField(choices=_STATES)
    name = s.CharField(allow_blank=True)
    n_files = s.IntegerField()
    received = s.IntegerField()
    size = s.IntegerField()
    files_kept = s.BooleanField()
    kind = s.ChoiceField(choices=KINDS)
    card = s.DictField()
    expected_sha256 = s.CharField(allow_blank=True)
    sha256 = s.CharField(allow_blank=True)
    gaps = CardGapSerializer(many=True)
    named = CardGapSerializer(many=True)
    before = s.IntegerField()
    steps = ImportStepSerializer(many=True)
    tries = ImportTrySerializer(many=True)
    reason = s.CharField(allow_blank=True)
    cancel_asked = s.BooleanField()
    model = AddedModelSerializer(allow_null=True)
    begun_at = s.DateTimeField()
    asked_at = s.DateTimeField(allow_null=True)
    started_at = s.DateTimeField(allow_null=True)
    ended_at = s.DateTimeField(allow_null=True)
    now = s.DateTimeField()


class ModelImportsSerializer(s.Serializer):  # type: ignore[type-arg]
    """The latest imports, newest first, and how much one upload may have."""

    items = ModelImportSerializer(many=True)
    max_bytes = s.IntegerField()


class ImportFileSerializer(s.Serializer):  # type: ignore[type-arg]
    """A file of an import; it is taken once all of it is here."""

    id = s.UUIDField()
    key = s.CharField()
    name = s.CharField()
    size = s.IntegerField()
    received = s.IntegerField()
    state = s.ChoiceField(choices=["waiting", "taken"])


class ImportFilesSerializer(s.Serializer):  # type: ignore[type-arg]
    """Files as they are now."""

    items = ImportFileSerializer(many=True)


class ImportFileRequest(s.Serializer):  # type: ignore[type-arg]
    """A file that will be sent."""

    key = s.CharField(max_length=64)
    name = s.CharField(max_length=400, trim_whitespace=False)
    size = s.IntegerField(min_value=0, max_value=imports.MOST_BYTES * 16)


class ImportFilesRequest(s.Serializer):  # type: ignore[type-arg]
    """Files that will be sent."""

    files = s.ListField(
        child=ImportFileRequest(), min_length=1, max_length=imports.MOST_NAMED
    )


class DescribeRequest(s.Serializer):  # type: ignore[type-arg]
    """What a person says of a model; `expected_sha256` is the publisher's."""

    kind = s.ChoiceField(choices=KINDS)
    card = s.DictField()
    expected_sha256 = s.RegexField(
        r"^([0-9a-fA-F]{64})?$", allow_blank=True, default=""
    )


class VerifiedSerializer(s.Serializer):  # type: ignore[type-arg]
    """What checking found; '' when all is well."""

    problem = s.CharField(allow_blank=True)


def _file(line: ModelImportFile) -> dict[str, Any]:
    return {
        **{name: getattr(line, name) for name in ("id", "key", "name", "size")},
        "received": line.received,
        "state": "taken" if line.received == line.size else "waiting",
    }


def _added(model: ModelVersion | None) -> dict[str, Any] | None:
    if model is None:
        return None
    figures = model.card.get("provenance", {}).get("compared", [])
    return {
        "id": model.id,
        "name": model.name,
        "version": model.version,
        "package_hash": model.package_hash,
        "intended_use": model.intended_use,
        "figures": [one for one in figures if isinstance(one, dict)],
    }


def _named(row: ModelImport) -> list[Gap]:
    refused = row.state == ImportState.REFUSED
    return gaps_in(row.reason, row.card) if refused else []


def _by(row: ModelImport, actor: Actor) -> str:
    known = row.by_id == actor.user_id or actor.is_superuser
    shared = row.by.memberships.filter(site_id__in=actor.site_ids)
    return row.by.display_name if known or shared.exists() else ""


def _body(row: ModelImport, *, actor: Actor) -> dict[str, Any]:
    names = list(row.files.values_list("name", flat=True))
    received, size = imports.received_bytes(row)
    plain = ("id", "state", "files_kept", "kind", "card", "expected_sha256", "sha256")
    more = ("steps", "tries", "reason", "cancel_asked", "asked_at")
    times = ("started_at", "ended_at")
    return {
        **{name: getattr(row, name) for name in (*plain, *more, *times)},
        "by": _by(row, actor),
        "mine": row.by_id == actor.user_id,
        "name": names[0].split("/")[0] if names else "",
        "n_files": len(names),
        "received": received,
        "size": size,
        "gaps": card_gaps(row.card, kind=row.kind),
        "named": _named(row),
        "before": imports.waiting_before(row),
        "model": _added(row.model),
        "begun_at": row.created_at,
        "now": clock.now(),
    }


def _answer(request: Request, row: ModelImport, *, status: int = 200) -> Response:
    body = _body(row, actor=actor_of(request))
    return Response(ModelImportSerializer(body).data, status=status)


class ModelImportsView(APIView):
    """The imports of models."""

    permission_classes = [needs(Permission.MODEL_MANAGE)]

    @extend_schema(operation_id="model_imports", responses=ModelImportsSerializer)
    def get(self, request: Request) -> Response:
        """List the latest imports."""
        actor = actor_of(request)
        rows = imports.visible_imports(actor=actor)[:LISTED]
        items = [_body(row, actor=actor) for row in rows]
        body = {"items": items, "max_bytes": imports.MOST_BYTES}
        return Response(ModelImportsSerializer(body).data)

    @extend_schema(
        operation_id="model_import_begin",
        request=None,
        responses={201: ModelImportSerializer},
    )
    def post(self, request: Request) -> Response:
        """Begin an import."""
        row = imports.begin_import(actor=actor_of(request))
        return _answer(request, row, status=201)


class ModelImportView(APIView):
    """One import."""

    permission_classes = [needs(Permission.MODEL_MANAGE)]

    @extend_schema(operation_id="model_import", responses=ModelImportSerializer)
    def get(self, request: Request, import_id: UUID) -> Response:
        """Say how far an import is."""
        row = imports.access_import(actor=actor_of(request), import_id=import_id)
        return _answer(request, row)

    @extend_schema(
        operation_id="model_import_describe",
        request=DescribeRequest,
        responses=ModelImportSerializer,
    )
    def put(self, request: Request, import_id: UUID) -> Response:
        """Keep what a person says of the model."""
        body = DescribeRequest(data=request.data)
        body.is_valid(raise_exception=True)
        row = imports.describe_import(
            actor=actor_of(request), import_id=import_id, **body.validated_data
        )
        return _answer(request, row)


class ModelImportFilesView(APIView):
    """Naming files."""

    permission_classes = [needs(Permission.MODEL_MANAGE)]

    @extend_schema(
        operation_id="model_import_name_files",
        request=ImportFilesRequest,
        responses={201: ImportFilesSerializer},
    )
    def post(self, request: Request, import_id: UUID) -> Response:
        """Name files that will be sent."""
        body = ImportFilesRequest(data=request.data)
        body.is_valid(raise_exception=True)
        lines = imports.name_files(
            actor=actor_of(request),
            import_id=import_id,
            files=[imports.NamedFile(**file) for file in body.validated_data["files"]],
        )
        items = [_file(line) for line in lines]
        return Response(ImportFilesSerializer({"items": items}).data, status=201)


class ModelImportFileView(APIView):
    """One file of an import."""

    permission_classes = [needs(Permission.MODEL_MANAGE)]
    parser_classes = [PieceParser]

    @extend_schema(
        operation_id="model_import_receive",
        parameters=[_OFFSET],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses=ImportFileSerializer,
    )
    def put(self, request: Request, import_id: UUID, file_id: UUID) -> Response:
        """Keep a piece of a file."""
        offset = read_offset(
            request.headers.get("Upload-Offset", ""), top=imports.MOST_BYTES
        )
        piece: Any = request.data
        line = imports.receive_piece(
            actor=actor_of(request),
            import_id=import_id,
            file_id=file_id,
            offset=offset,
            chunk=piece if isinstance(piece, bytes) else b"",
        )
        return Response(ImportFileSerializer(_file(line)).data)


class ModelImportStartView(APIView):
    """The beginning of the work."""

    permission_classes = [needs(Permission.MODEL_MANAGE)]

    @extend_schema(
        operation_id="model_import_start",
        request=None,
        responses={202: ModelImportSerializer},
    )
    def post(self, request: Request, import_id: UUID) -> Response:
        """Have the worker import it."""
        row = imports.start_import(actor=actor_of(request), import_id=import_id)
        return _answer(request, row, status=202)


class ModelImportCancelView(APIView):
    """The end of an import, or of its upload."""

    permission_classes = [needs(Permission.MODEL_MANAGE)]

    @extend_schema(
        operation_id="model_import_cancel",
        request=None,
        responses=ModelImportSerializer,
    )
    def post(self, request: Request, import_id: UUID) -> Response:
        """End it, or remove the upload of one that ended."""
        row = imports.cancel_import(actor=actor_of(request), import_id=import_id)
        return _answer(request, row)


class ModelVerifyView(APIView):
    """Whether a model is what it was."""

    permission_classes = [needs(Permission.MODEL_MANAGE)]

    @extend_schema(
        operation_id="model_verify", request=None, responses=VerifiedSerializer
    )
    def post(self, request: Request, model_id: UUID) -> Response:
        """Check files, hash, card and signed list again."""
        found = verify_model(actor=actor_of(request), model_id=model_id)
        return Response(VerifiedSerializer({"problem": found.problem}).data)
