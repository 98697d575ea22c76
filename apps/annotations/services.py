"""Verbs of readings: start, save a draft, commit, sign."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction

from apps.annotations.content import (
    EMPTY,
    ReadingContent,
    missing_for_signing,
    parse_content,
    plain_content,
)
from apps.annotations.models import (
    Annotation,
    Reading,
    ReadingStage,
    Verdict,
)
from apps.annotations.segments import check_segments, write_segmentations
from apps.annotations.selectors import access_reading
from apps.annotations.types import DisplayMode, ReadingState, VerdictKind
from apps.annotations.verifying import settle_signature
from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import Conflict, DomainError, Invalid, PreconditionFailed
from apps.core.permissions import Permission
from apps.inference.selectors import is_positive

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from apps.accounts.types import Actor
    from apps.annotations.models import ReadingProtocol
    from apps.inference.models import Finding
    from apps.studies.models import StudyRevision


@transaction.atomic
def start_reading(
    *, actor: Actor, revision: StudyRevision, protocol: ReadingProtocol
) -> Reading:
    """Return a fresh reading of the actor on a revision."""
    blinded = protocol.display_mode == DisplayMode.AFTER_COMMIT
    reading = Reading.objects.create(
        revision=revision,
        protocol=protocol,
        reader_id=actor.person_id,
        state=ReadingState.UNAIDED if blinded else ReadingState.DRAFT,
        content=EMPTY,
        saved_at=clock.now(),
    )
    enter_stage(reading=reading, at=reading.saved_at)
    return reading


def enter_stage(
    *, reading: Reading, at: datetime, detail: dict[str, Any] | None = None
) -> None:
    """Keep the state that a reading is in now, with its content and time."""
    ReadingStage.objects.create(
        reading=reading,
        state=reading.state,
        at=at,
        content=reading.content,
        detail=detail or {},
    )


@transaction.atomic
def commit_reading(
    *,
    actor: Actor,
    reading_id: UUID,
    expected_version: int,
    raw: object,
    ai_state: str,
    findings: Mapping[str, Finding],
) -> Reading:
    """End the unaided read for good, and reveal the AI to its reader.

    The content of this moment is kept as the unaided read whatever comes after.
    Committing again changes nothing.

    Args:
        actor: The reader.
        reading_id: The reading.
        expected_version: The version the reader saw.
        raw: The content to commit; None for what was saved last.
        ai_state: How far the AI is with the study, as the worklist says it.
        findings: What is revealed, by finding id.

    Raises:
        Conflict: The protocol knows no commit, or the reading is signed.
        PreconditionFailed: Another save came between.
        Invalid: A field of the content is wrong.
    """
    reading = access_reading(
        actor=actor, reading_id=reading_id, need=Permission.READING_WRITE, lock=True
    )
    if reading.state in _COMMITTED:
        return reading
    _require_open(reading)
    if reading.state != ReadingState.UNAIDED:
        raise Conflict("no_commit", "This protocol has nothing to commit: just sign.")
    _require_version(reading, expected_version)
    if raw is not None:
        content = parse_content(raw=raw)
        _check_findings(reading=reading, content=content, findings={})
        reading.content = plain_content(content)
    now = clock.now()
    reading.version += 1
    reading.saved_at = now
    reading.state = ReadingState.COMMITTED
    enter_stage(reading=reading, at=now)
    reading.state = ReadingState.REVEALED
    enter_stage(
        reading=reading,
        at=now,
        detail={"ai_state": ai_state, "findings": sorted(findings)},
    )
    reading.save()
    study = reading.revision.study
    record(
        actor=actor,
        event=Event.READING_COMMIT,
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[study.id],
        object_kind="reading",
        object_id=reading.id,
        detail={"version": reading.version, "ai_state": ai_state},
    )
    return reading


_COMMITTED = (ReadingState.COMMITTED.value, ReadingState.REVEALED.value)


@transaction.atomic
def save_draft(
    *, actor: Actor, reading_id: UUID, expected_version: int, raw: object
) -> Reading:
    """Save the draft; when this returns, the draft is on disk.

    Raises:
        Invalid: A field of the content is wrong.
        PreconditionFailed: Another save came between.
        Conflict: The reading is signed.
    """
    content = parse_content(raw=raw)
    reading = access_reading(
        actor=actor, reading_id=reading_id, need=Permission.READING_WRITE, lock=True
    )
    _require_open(reading)
    _require_version(reading, expected_version)
    blind = reading.state == ReadingState.UNAIDED
    _check_findings(reading=reading, content=content, findings={} if blind else None)
    reading.content = plain_content(content)
    reading.version += 1
    reading.saved_at = clock.now()
    reading.save(update_fields=["content", "version", "saved_at", "updated_at"])
    study = reading.revision.study
    record(
        actor=actor,
        event=Event.READING_DRAFT,
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[study.id],
        object_kind="reading",
        object_id=reading.id,
        detail={"version": reading.version},
    )
    return reading


def _require_open(reading: Reading) -> None:
    if reading.state == ReadingState.SIGNED:
        raise Conflict("signed", "This reading is signed; amend it instead.")


def _require_current(reading: Reading) -> None:
    """Refuse to sign an amendment of what another amendment has superseded."""
    before = reading.amends
    if before and before.amended_by.filter(signed_at__isnull=False).exists():
        raise Conflict("superseded", "Somebody else has amended this reading already.")


def _require_version(reading: Reading, expected: int) -> None:
    if reading.version != expected:
        raise PreconditionFailed(
            "conflict",
            "This draft was saved elsewhere since you loaded it. Both are kept; "
            "choose which one goes on.",
        )


def _check_findings(
    *,
    reading: Reading,
    content: ReadingContent,
    findings: Mapping[str, Finding] | None,
) -> None:
    images = set(reading.revision.instances.values_list("sop_uid", flat=True))
    places = [v.geometry for v in content.verdicts if v.geometry]
    places += [mark.geometry for mark in content.annotations]
    for place in places:
        if place.sop_uid not in images:
            raise Invalid("invalid", "sop_uid: this image is not of this study.")
    _check_answers(reading=reading, content=content)
    check_segments(reading=reading, content=content)
    if findings is None:
        return
    for verdict in content.verdicts:
        if verdict.finding_id not in findings:
            raise Invalid(
                "invalid",
                f"content.verdicts.{verdict.finding_id}: no such finding here.",
            )


def _check_answers(*, reading: Reading, content: ReadingContent) -> None:
    """Refuse an answer to what does not lie beside this study's images.

    Before the commit nothing lies there, as far as the reader may know.
    """
    if reading.state == ReadingState.UNAIDED and content.foreign:
        raise Invalid("invalid", "content.foreign: no such object on this study.")
    answered = {answer.series_uid for answer in content.foreign}
    there = reading.revision.study.attachments.filter(
        series_uid__in=answered, by_overread=False
    )
    if answered - set(there.values_list("series_uid", flat=True)):
        raise Invalid("invalid", "content.foreign: no such object on this study.")


@transaction.atomic
def sign_reading(
    *,
    actor: Actor,
    reading_id: UUID,
    expected_version: int,
    raw: object,
    findings: Mapping[str, Finding],
) -> Reading:
    """Sign a reading: final, with the reader's name and time.

    Args:
        actor: The reader.
        reading_id: The reading.
        expected_version: The version the reader saw.
        raw: The content to sign.
        findings: The findings the reader was shown, by id. The positive ones must
            be answered. A verdict answers what the model says: "present" at or
            above the threshold, "absent" below it; accepting agrees with that.

    Raises:
        DomainError: 422 `incomplete` with what is missing.
    """
    content = parse_content(raw=raw)
    reading = access_reading(
        actor=actor, reading_id=reading_id, need=Permission.READING_SIGN, lock=True
    )
    _require_open(reading)
    _require_current(reading)
    if reading.state == ReadingState.UNAIDED:
        raise Conflict("not_committed", "Commit your own read first, then sign.")
    _require_version(reading, expected_version)
    _check_findings(reading=reading, content=content, findings=findings)
    must = {
        key: finding.label_display
        for key, finding in findings.items()
        if is_positive(finding=finding)
    }
    missing = missing_for_signing(content=content, findings=must)
    if missing:
        raise DomainError("incomplete", missing[0]["detail"], 422, missing=missing)
    now = clock.now()
    reading.content = plain_content(content)
    if reading.amends is not None and reading.content == reading.amends.content:
        raise Conflict(
            "unchanged",
            "Nothing differs from the signed reading: change it, or leave it as it is.",
        )
    reading.version += 1
    reading.state = ReadingState.SIGNED
    reading.saved_at = reading.signed_at = now
    reading.signed_name = actor.display_name[:160]
    reading.save()
    enter_stage(reading=reading, at=now)
    _write_marks(reading=reading, content=content, findings=findings)
    write_segmentations(reading=reading, content=content)
    study = reading.revision.study
    record(
        actor=actor,
        event=Event.READING_SIGN,
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[study.id],
        object_kind="reading",
        object_id=reading.id,
        detail={
            "version": reading.version,
            "edition": reading.edition,
            "verdicts": len(content.verdicts),
            "annotations": len(content.annotations),
            "segmentations": len(content.segmentations),
        },
    )
    settle_signature(actor=actor, reading=reading)
    return reading


def _write_marks(
    *, reading: Reading, content: ReadingContent, findings: Mapping[str, Finding]
) -> None:
    plain = plain_content(content)
    Verdict.objects.bulk_create(
        Verdict(
            reading=reading,
            finding=findings[verdict.finding_id],
            verdict=verdict.verdict,
            reason_code=verdict.reason_code,
            reason_text=verdict.reason_text,
            label=plain["verdicts"][verdict.finding_id]["label"],
            geometry=plain["verdicts"][verdict.finding_id]["geometry"],
            override=verdict.verdict is not VerdictKind.ACCEPT,
        )
        for verdict in content.verdicts
    )
    Annotation.objects.bulk_create(
        Annotation(
            reading=reading,
            mark_id=mark.id,
            tracking_uid=mark.tracking_uid,
            label_scheme=mark.label.scheme,
            label_code=mark.label.code,
            label_display=mark.label.display,
            geometry=asdict(mark.geometry),
            text=mark.text,
            missed_by_ai=mark.missed_by_ai,
            measured=asdict(mark.measured) if mark.measured else None,
        )
        for mark in content.annotations
    )
