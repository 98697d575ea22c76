"""Shapes of imports on the wire (OpenAPI)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers as s

from apps.workflow.intake.report import count_files, plain_counts
from apps.workflow.intake.types import (
    FileState,
    IntakeState,
    RowStatus,
    Status,
    Via,
)
from apps.workflow.intake.upload import MAX_KEY, MAX_NAME, MAX_NAMED
from apps.workflow.models import Intake, IntakeFile

ENDS = [status.value for status in (*Status, *RowStatus)]


def _values(enum: type) -> list[str]:
    return [member.value for member in enum]  # type: ignore[attr-defined]


class IntakeSiteSerializer(s.Serializer):  # type: ignore[type-arg]
    """The site of an import."""

    id = s.UUIDField()
    name = s.CharField()


class IntakePersonSerializer(s.Serializer):  # type: ignore[type-arg]
    """Who began an import."""

    id = s.UUIDField()
    display_name = s.CharField()


class IntakeCountsSerializer(s.Serializer):  # type: ignore[type-arg]
    """How many files ended in which way."""

    files = s.IntegerField()
    stored = s.IntegerField()
    already = s.IntegerField()
    conflict = s.IntegerField()
    refused = s.IntegerField()
    skipped = s.IntegerField()
    waiting = s.IntegerField()
    missing = s.IntegerField()
    zips = s.IntegerField()
    bytes = s.IntegerField()


class IntakeSerializer(s.Serializer):  # type: ignore[type-arg]
    """One import."""

    id = s.UUIDField()
    site = IntakeSiteSerializer()
    by = IntakePersonSerializer(allow_null=True)
    mine = s.BooleanField()
    via = s.ChoiceField(choices=_values(Via))
    state = s.ChoiceField(choices=_values(IntakeState))
    started_at = s.DateTimeField()
    finished_at = s.DateTimeField(allow_null=True)
    counts = IntakeCountsSerializer()


class IntakeListSerializer(s.Serializer):  # type: ignore[type-arg]
    """A page of imports."""

    items = IntakeSerializer(many=True)
    next_cursor = s.CharField(allow_null=True)


class MembersSerializer(s.Serializer):  # type: ignore[type-arg]
    """How far a zip is."""

    done = s.IntegerField()
    total = s.IntegerField()


class IntakeFileSerializer(s.Serializer):  # type: ignore[type-arg]
    """One file of an import."""

    id = s.UUIDField()
    key = s.CharField()
    name = s.CharField()
    size = s.IntegerField()
    received = s.IntegerField()
    state = s.ChoiceField(choices=_values(FileState))
    status = s.ChoiceField(choices=ENDS, allow_null=True)
    reason = s.CharField()
    study_uid = s.CharField()
    in_zip = s.UUIDField(allow_null=True)
    members = MembersSerializer(allow_null=True)


class IntakeFilesSerializer(s.Serializer):  # type: ignore[type-arg]
    """Lines that were named."""

    items = IntakeFileSerializer(many=True)


class IntakePageSerializer(IntakeFilesSerializer):
    """A page of lines."""

    next_cursor = s.CharField(allow_null=True)


class IntakeReportSerializer(IntakeSerializer):
    """One import with a page of its lines."""

    files = IntakePageSerializer()


class BeginRequest(s.Serializer):  # type: ignore[type-arg]
    """Where an import goes."""

    site = s.UUIDField()


class NamedFileRequest(s.Serializer):  # type: ignore[type-arg]
    """One file that will be sent."""

    key = s.CharField(max_length=MAX_KEY)
    name = s.CharField(max_length=MAX_NAME, trim_whitespace=False)
    size = s.IntegerField(min_value=0, max_value=1 << 53)


class NameRequest(s.Serializer):  # type: ignore[type-arg]
    """Files that will be sent."""

    files = s.ListField(child=NamedFileRequest(), max_length=MAX_NAMED)


class FinishRequest(s.Serializer):  # type: ignore[type-arg]
    """Whether what is not taken is given up."""

    give_up = s.BooleanField(default=False)


def intake_body(*, intake: Intake, user_id: object) -> dict[str, Any]:
    """Return what is said of an import."""
    counts = intake.counts or plain_counts(count_files(intake=intake))
    by = intake.by
    return {
        "id": intake.id,
        "site": {"id": intake.site_id, "name": intake.site.name},
        "by": by and {"id": by.id, "display_name": by.display_name},
        "mine": intake.by_id is not None and intake.by_id == user_id,
        "via": intake.via,
        "state": intake.state,
        "started_at": intake.started_at,
        "finished_at": intake.finished_at,
        "counts": counts,
    }


def file_body(line: IntakeFile) -> dict[str, Any]:
    """Return what is said of a line; it has `members_done` (`with_members`)."""
    total = line.members_total
    done: int = getattr(line, "members_done", 0)
    return {
        "id": line.id,
        "key": line.key,
        "name": line.name,
        "size": line.size,
        "received": line.received,
        "state": line.state,
        "status": line.status or None,
        "reason": line.reason,
        "study_uid": line.study_uid,
        "in_zip": line.in_zip_id,
        "members": None if total is None else {"done": done, "total": total},
    }
