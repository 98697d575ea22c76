"""The audit log over REST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.audit.events import Event, Outcome
from apps.audit.models import AuditRecord
from apps.audit.seals import read_seals, request_check
from apps.audit.selectors import AuditQuery
from apps.audit.services import read_audit
from apps.core.access import needs
from apps.core.permissions import Permission

if TYPE_CHECKING:
    from rest_framework.request import Request

    from apps.core.types import ActorLike

_FROM = "from"


class AuditQuerySerializer(serializers.Serializer[Any]):
    """What to look for; repeated `event` parameters are OR."""

    cursor = serializers.RegexField(r"^[0-9]{1,18}$", required=False)
    event = serializers.ListField(
        child=serializers.ChoiceField(choices=[e.value for e in Event]),
        required=False,
        default=list,
    )
    actor = serializers.CharField(required=False, default="", allow_blank=True)
    to = serializers.DateTimeField(required=False, default=None)
    q = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=150
    )
    limit = serializers.IntegerField(
        required=False, default=50, min_value=1, max_value=200
    )

    def get_fields(self) -> dict[str, Any]:
        """Add `from`, which Python has taken for itself."""
        fields = super().get_fields()
        fields[_FROM] = serializers.DateTimeField(required=False, default=None)
        return fields


class AuditRecordSerializer(serializers.ModelSerializer[AuditRecord]):
    """One record."""

    outcome = serializers.SerializerMethodField()

    class Meta:
        """All of it but the session's hash."""

        model = AuditRecord
        fields = [
            "id",
            "at",
            "event",
            "outcome",
            "actor_kind",
            "actor_id",
            "actor_name",
            "actor_roles",
            "as_superuser",
            "source_ip",
            "site_id",
            "patients",
            "studies",
            "object_kind",
            "object_id",
            "detail",
        ]

    def get_outcome(self, row: AuditRecord) -> str:
        """Return the outcome in words."""
        return Outcome(row.outcome).name.lower()


class AuditPageSerializer(serializers.Serializer[Any]):
    """Newest first."""

    items = AuditRecordSerializer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class AuditView(APIView):
    """Who did what to whose data."""

    permission_classes = [needs(Permission.AUDIT_READ)]

    @extend_schema(
        operation_id="list_audit",
        parameters=[AuditQuerySerializer],
        responses=AuditPageSerializer,
    )
    def get(self, request: Request) -> Response:
        """Return one page of the log of the sites that the asker administers."""
        asked = AuditQuerySerializer(data=_query(request))
        asked.is_valid(raise_exception=True)
        given: dict[str, Any] = asked.validated_data
        cursor = given.get("cursor")
        page = read_audit(
            actor=cast("ActorLike", request.auth),
            query=AuditQuery(
                events=tuple(given["event"]),
                actor=given["actor"],
                since=given[_FROM],
                until=given["to"],
                q=given["q"],
            ),
            before_id=int(cursor) if cursor else None,
            limit=given["limit"],
        )
        rows = AuditRecordSerializer(page.items, many=True).data
        return Response({"items": rows, "next_cursor": page.next_cursor})


class AuditProblemSerializer(serializers.Serializer[Any]):
    """Records, or a seal, that were changed after they were sealed."""

    seal = serializers.IntegerField()
    first_id = serializers.IntegerField()
    last_id = serializers.IntegerField()
    what = serializers.ChoiceField(
        choices=["changed", "removed", "added", "seal_changed", "seal_removed"]
    )
    n = serializers.IntegerField()


class AuditFoundSerializer(serializers.Serializer[Any]):
    """What a check said."""

    intact = serializers.BooleanField()
    seals = serializers.IntegerField()
    records = serializers.IntegerField()
    n_problems = serializers.IntegerField()
    problems = AuditProblemSerializer(many=True)


class AuditSealsSerializer(serializers.Serializer[Any]):
    """How far the log is sealed, and the last check."""

    seals = serializers.IntegerField()
    records = serializers.IntegerField()
    sealed_at = serializers.DateTimeField(allow_null=True)
    waiting = serializers.IntegerField()
    public_key = serializers.CharField(allow_null=True)
    checked_at = serializers.DateTimeField(allow_null=True)
    found = AuditFoundSerializer(allow_null=True)


class AuditSealsView(APIView):
    """The seals on the log; they are of the whole portal, and name nobody."""

    permission_classes = [needs(Permission.AUDIT_READ)]

    @extend_schema(operation_id="read_audit_seals", responses=AuditSealsSerializer)
    def get(self, request: Request) -> Response:
        """Return how far the log is sealed and what the last check said."""
        return Response(AuditSealsSerializer(read_seals()).data)


class AuditCheckView(APIView):
    """Checks of the log against its seals."""

    permission_classes = [needs(Permission.AUDIT_READ)]

    @extend_schema(
        operation_id="request_audit_check", request=None, responses={204: None}
    )
    def post(self, request: Request) -> Response:
        """Have the log checked now; the result is on record when a worker is done."""
        request_check(actor=cast("ActorLike", request.auth))
        return Response(status=204)


def _query(request: Request) -> dict[str, Any]:
    given: dict[str, Any] = request.query_params.dict()
    given["event"] = request.query_params.getlist("event")
    return given
