"""Verbs that write back to the archive: encode, check, store, remember."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F

from apps.annotations.models import Reading, Verification
from apps.annotations.segment_content import split_key
from apps.annotations.selectors import access_reading
from apps.annotations.types import VerificationState
from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.permissions import Permission
from apps.inference.selectors import run_of
from apps.interop.dicom.errors import EncodingError
from apps.interop.dicom.sr_ai import encode_ai_report
from apps.interop.dicom.sr_change import encode_change_report
from apps.interop.dicom.sr_reading import encode_reading_report
from apps.interop.dicom.types import DocumentRef, EncodedObject, derive_uid
from apps.interop.dicom.validate import (
    ValidatorUnavailable,
    validate_against_images,
    validate_object,
)
from apps.interop.types import ArchiveError, ArchiveUnavailable
from apps.reports.compared import change_report_of, exportable_comparison
from apps.reports.documents import (
    ai_report_of,
    images_of,
    reader_of,
    reading_report_of,
)
from apps.reports.drawings import ROLES, draw, drawing_of, kinds_of
from apps.reports.drawn import (
    DrawnPart,
    drawn_series,
    encode_part,
    parts_of,
    segments_of_report,
)
from apps.reports.measured import measured_marks
from apps.reports.models import ExportedObject, ExportKind, ExportState
from apps.studies.archive import archive
from apps.studies.stored import fetch_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.accounts.types import Actor
    from apps.inference.models import Finding, InferenceRun
    from apps.reports.types import Images
    from apps.studies.models import RevisionInstance, Study

MAX_ATTEMPTS = 8


def export_result(*, actor: Actor, run_id: UUID) -> ExportedObject | None:
    """Write an AI result into the archive as a structured report, once.

    A shadow run never leaves, nor does one that was set aside. What the validator
    refuses is kept with its words and does not leave either.
    """
    run = run_of(actor=actor, run_id=run_id)
    hidden = run.slot.kind != "live" or run.set_aside_at is not None
    if hidden or run.state not in {"done", "rejected"}:
        return None
    images = images_of(revision=run.revision)
    drawn = [
        _export_drawing(actor=actor, finding=finding, kind=kind, images=images)
        for finding in run.findings.all()
        for kind in kinds_of(finding)
    ]
    row, _ = ExportedObject.objects.get_or_create(
        run=run,
        defaults={
            "study": run.revision.study,
            "kind": ExportKind.AI_RESULT,
            "sop_uid": derive_uid(run.id, "ai-sr"),
            "series_uid": derive_uid(run.id, "ai-sr-series"),
        },
    )
    if any(picture.state == ExportState.PENDING for picture in drawn):
        return _later(row=row, words="It waits for what it points at.")
    return _deliver(
        actor=actor,
        row=row,
        study=run.revision.study,
        image=next(iter(images.values())),
        encode=lambda source: encode_ai_report(
            ai_report_of(run=run, images=images, drawn=drawn),
            source=source,
            software_version=settings.SOFTWARE_VERSION,
        ),
    )


def export_comparison(*, actor: Actor, comparison_id: UUID) -> ExportedObject | None:
    """Write what became of a result since an earlier study into the archive, once.

    After the model's reports of both studies, which it points at. Two studies that
    could not be compared leave nothing.
    """
    comparison = exportable_comparison(comparison_id=comparison_id)
    if comparison is None:
        return None
    reports = [
        export_result(actor=actor, run_id=run.id)
        for run in (comparison.prior_run, comparison.run)
    ]
    study = comparison.run.revision.study
    row, _ = ExportedObject.objects.get_or_create(
        comparison=comparison,
        defaults={
            "study": study,
            "kind": ExportKind.CHANGE,
            "sop_uid": derive_uid(comparison.id, "change-sr"),
            "series_uid": derive_uid(comparison.id, "change-sr-series"),
        },
    )
    if any(one is None or one.state == ExportState.PENDING for one in reports):
        return _later(row=row, words="It waits for what it points at.")
    images = images_of(revision=comparison.run.revision)
    earlier = images_of(revision=comparison.prior_run.revision)
    return _deliver(
        actor=actor,
        row=row,
        study=study,
        image=next(iter(images.values())),
        encode=lambda source: encode_change_report(
            change_report_of(comparison=comparison, images=images, earlier=earlier),
            source=source,
            software_version=settings.SOFTWARE_VERSION,
        ),
    )


def _export_drawing(
    *, actor: Actor, finding: Finding, kind: ExportKind, images: Images
) -> ExportedObject:
    """Write a finding's mask or saliency into the archive, once."""
    study = finding.run.revision.study
    drawing, role = drawing_of(finding), ROLES[kind]
    row, _ = ExportedObject.objects.get_or_create(
        finding=finding,
        kind=kind,
        defaults={
            "study": study,
            "sop_uid": drawing.sop_uid(role),
            "series_uid": drawing.series_uid(role),
        },
    )
    meta = finding.mask_meta if role == "seg" else finding.saliency_meta
    sop_uid = meta["sop_uids"][0] if role == "seg" else meta["sop_uid"]
    return _deliver(
        actor=actor,
        row=row,
        study=study,
        image=images[sop_uid],
        encode=lambda _: draw(finding=finding, kind=kind, images=images),
    )


def export_reading(*, actor: Actor, reading_id: UUID) -> ExportedObject | None:
    """Write a signed reading into the archive as a new report, once.

    It is verified by its reader's signature, or preliminary where that is not enough.

    The AI results that it answers go first, because it points at them.
    """
    reading = access_reading(
        actor=actor, reading_id=reading_id, need=Permission.MACHINE_WORK
    )
    if reading.signed_at is None:
        return None
    predecessors = _predecessors(actor=actor, reading=reading)
    if predecessors is None:
        return None
    images = images_of(revision=reading.revision)
    row, _ = ExportedObject.objects.get_or_create(
        reading=reading,
        defaults={
            "study": reading.revision.study,
            "kind": ExportKind.READING,
            "sop_uid": derive_uid(reading.id, "reading-sr"),
            "series_uid": derive_uid(reading.id, "reading-sr-series"),
        },
    )
    return _deliver_reading(
        actor=actor, row=row, reading=reading, images=images, predecessors=predecessors
    )


def export_verified(*, actor: Actor, reading_id: UUID) -> ExportedObject | None:
    """Write a preliminary reading that was verified into the archive, once more.

    It is another document: verified, by whom, with the preliminary one before it.
    """
    said = (
        Verification.objects.select_related("reading__revision__study")
        .filter(reading_id=reading_id, state=VerificationState.VERIFIED)
        .first()
    )
    if said is None:
        return None
    first = export_reading(actor=actor, reading_id=reading_id)
    answered = _predecessors(actor=actor, reading=said.reading)
    if first is None or first.state == ExportState.PENDING or answered is None:
        return None
    row, _ = ExportedObject.objects.get_or_create(
        verification=said,
        defaults={
            "study": said.reading.revision.study,
            "kind": ExportKind.READING,
            "sop_uid": derive_uid(said.id, "verified-sr"),
            "series_uid": derive_uid(said.id, "verified-sr-series"),
        },
    )
    before = (_reference(first),) if first.state == ExportState.STORED else ()
    return _deliver_reading(
        actor=actor,
        row=row,
        reading=said.reading,
        images=images_of(revision=said.reading.revision),
        predecessors=(*answered, *before),
        verification=said,
    )


def _deliver_reading(
    *,
    actor: Actor,
    row: ExportedObject,
    reading: Reading,
    images: Images,
    predecessors: tuple[DocumentRef, ...],
    verification: Verification | None = None,
) -> ExportedObject:
    """Deliver a reading's report, after what it drew."""
    try:
        series = drawn_series(reading=reading)
    except ArchiveUnavailable as error:
        return _later(row=row, words=str(error))
    parts = [part for one in series for part in parts_of(one, images)]
    drawn = {
        (part.series.row.id, part.part): _export_drawn(
            actor=actor, part=part, images=images
        )
        for part in parts
    }
    if any(one.state == ExportState.PENDING for one in drawn.values()):
        return _later(row=row, words="It waits for what it points at.")
    return _deliver(
        actor=actor,
        row=row,
        study=reading.revision.study,
        image=next(iter(images.values())),
        encode=lambda source: encode_reading_report(
            reading_report_of(
                reading=reading,
                images=images,
                predecessors=predecessors,
                marks=measured_marks(reading=reading, images=images),
                segments=segments_of_report(
                    reading=reading, series=series, images=images, stored=drawn
                ),
                verification=verification,
            ),
            source=source,
            software_version=settings.SOFTWARE_VERSION,
        ),
    )


def _export_drawn(*, actor: Actor, part: DrawnPart, images: Images) -> ExportedObject:
    """Write what a reader drew into the archive as a Segmentation, once."""
    segmentation = part.series.row
    reading = segmentation.reading
    row, _ = ExportedObject.objects.get_or_create(
        segmentation=segmentation,
        part=part.part,
        defaults={
            "study": reading.revision.study,
            "kind": ExportKind.DRAWN,
            "sop_uid": part.sop_uid,
            "series_uid": part.series_uid,
        },
    )
    return _deliver(
        actor=actor,
        row=row,
        study=reading.revision.study,
        image=images[split_key(part.keys[0])[0]],
        encode=lambda _: encode_part(part, images=images, creator=reader_of(reading)),
    )


def _runs_answered(reading: Reading) -> list[InferenceRun]:
    rows = reading.verdicts.select_related("finding__run").order_by("finding__run_id")
    return list({row.finding.run_id: row.finding.run for row in rows}.values())


def _predecessors(*, actor: Actor, reading: Reading) -> tuple[DocumentRef, ...] | None:
    """Return the documents that a reading answers; None while one is on its way.

    One that was refused is left out: it will never be there to point at. A reading
    that cannot do without it then fails with these words, in view of the admins,
    instead of waiting unseen for ever.
    """
    rows = [
        export_result(actor=actor, run_id=run.id) for run in _runs_answered(reading)
    ]
    if reading.amends_id is not None:
        rows.append(export_reading(actor=actor, reading_id=reading.amends_id))
    refs: list[DocumentRef] = []
    for row in rows:
        if row is None or row.state == ExportState.PENDING:
            return None
        if row.state == ExportState.FAILED:
            continue
        refs.append(_reference(row))
    return tuple(refs)


def _reference(row: ExportedObject) -> DocumentRef:
    return DocumentRef(
        study_uid=row.study.study_uid,
        series_uid=row.series_uid,
        sop_class_uid=row.sop_class_uid,
        sop_uid=row.sop_uid,
    )


def _deliver(
    *,
    actor: Actor,
    row: ExportedObject,
    study: Study,
    image: RevisionInstance,
    encode: Callable[[bytes], EncodedObject],
) -> ExportedObject:
    """Encode, check and store one object; every outcome is remembered."""
    if row.state != ExportState.PENDING:
        return row
    ExportedObject.objects.filter(id=row.id).update(attempts=F("attempts") + 1)
    row.refresh_from_db()
    try:
        source = fetch_file(image)
        encoded = encode(source)
        problems = _problems(encoded=encoded, source=source)
        if problems:
            return _fail(actor=actor, row=row, study=study, words=problems)
        outcome = archive().upload(encoded.content)
    except (ArchiveUnavailable, ValidatorUnavailable) as error:
        return _later(row=row, words=str(error))
    except (ArchiveError, EncodingError) as error:
        return _fail(actor=actor, row=row, study=study, words=str(error))
    return _stored(
        actor=actor,
        row=row,
        study=study,
        archive_id=outcome.instance_id,
        sop_class_uid=encoded.sop_class_uid,
    )


def _problems(*, encoded: EncodedObject, source: bytes) -> str:
    """Return the validators' words about an object; empty when it may leave."""
    reports = (
        validate_object(encoded.content, dciodvfy=settings.DCIODVFY),
        validate_against_images(encoded.content, images=[source]),
    )
    return "\n".join(report.words for report in reports if not report.is_valid)


def _later(*, row: ExportedObject, words: str) -> ExportedObject:
    if row.state != ExportState.PENDING:
        return row
    wait = timedelta(seconds=min(5 * 2**row.attempts, 600))
    row.retry_at = clock.now() + wait
    row.problems = words
    row.save(update_fields=["retry_at", "problems", "updated_at"])
    return row


@transaction.atomic
def _fail(
    *, actor: Actor, row: ExportedObject, study: Study, words: str
) -> ExportedObject:
    row.state = ExportState.FAILED
    row.problems = words
    row.save(update_fields=["state", "problems", "updated_at"])
    _audit(actor=actor, event=Event.EXPORT_FAILED, row=row, study=study)
    return row


@transaction.atomic
def _stored(
    *,
    actor: Actor,
    row: ExportedObject,
    study: Study,
    archive_id: str,
    sop_class_uid: str,
) -> ExportedObject:
    row.state = ExportState.STORED
    row.archive_id = archive_id
    row.sop_class_uid = sop_class_uid
    row.stored_at = clock.now()
    row.problems = ""
    row.save()
    _audit(actor=actor, event=Event.EXPORT_STORE, row=row, study=study)
    return row


def _audit(*, actor: Actor, event: Event, row: ExportedObject, study: Study) -> None:
    record(
        actor=actor,
        event=event,
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[study.id],
        object_kind="exported_object",
        object_id=row.id,
        detail={"kind": row.kind, "sop_uid": row.sop_uid},
    )
