"""Verbs on studies: register an arrival, hold it, open it, track its pack."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import F

from apps.accounts.models import Site
from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import Conflict, Forbidden, Invalid, NotFound
from apps.core.permissions import Permission
from apps.core.queue import enqueue
from apps.core.steps import Step
from apps.interop.types import NotInArchive
from apps.studies.archive import archive
from apps.studies.locks import lock_study_uid
from apps.studies.models import (
    AETitle,
    ArrivalCursor,
    ArrivalFailure,
    Attachment,
    ImportClaim,
    Patient,
    QuarantinedStudy,
    RevisionInstance,
    Study,
    StudyOpen,
    StudyRevision,
)
from apps.studies.quarantine import (
    hold_other_patient,
    hold_unknown_site,
    settle_quarantine,
)
from apps.studies.selectors import access_revision, access_study, arrival_failures
from apps.studies.types import (
    Held,
    PackState,
    QuarantineKind,
    QuarantineState,
    Registered,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apps.accounts.types import Actor
    from apps.interop.types import SeriesHeader, StudyHeader

PACK_STALE = timedelta(seconds=120)
PACK_MAX_ATTEMPTS = 5
PACK_NO_ANSWER = "gave up after"


def find_site(*, header: StudyHeader) -> Site | None:
    """Return the site of an arrival: an import's claim first, then the AE titles.

    The site is never read from a tag of the object itself.
    """
    claim = (
        ImportClaim.objects.select_related("site")
        .filter(study_uid=header.study_uid)
        .first()
    )
    if claim is not None:
        return claim.site
    if not header.called_aet:
        return None
    titles = list(
        AETitle.objects.select_related("site").filter(
            called_aet=header.called_aet, calling_aet__in=["", header.calling_aet]
        )
    )
    titles.sort(key=lambda title: title.calling_aet == "")
    return titles[0].site if titles else None


def require_names(*, header: StudyHeader) -> None:
    """Refuse a study whose UIDs cannot name anything.

    Raises:
        Invalid: In plain words, which of them.
    """
    series = [s.uid for s in header.series]
    images = [i.sop_uid for s in header.series for i in s.instances]
    for what, uids in (
        ("Study Instance UID", [header.study_uid]),
        ("Series Instance UID", series),
        ("SOP Instance UID", images),
    ):
        for uid in uids:
            if not uid:
                raise Invalid("no_uid", f"It has no {what}. Send it again with one.")
            if len(uid) > 64 or not uid.isascii():
                raise Invalid(
                    "bad_uid",
                    f"Its {what} is no valid UID. Correct it at the sender, then"
                    " send the study again.",
                )


@transaction.atomic
def register_study(
    *, actor: Actor, header: StudyHeader, own_sop_uids: frozenset[str] = frozenset()
) -> Registered | Held:
    """Make the portal's rows equal to what the archive holds of one study.

    Running it again with the same header changes nothing. New images make a new
    revision; objects that are no images attach without making one.

    Args:
        actor: Who registers; the system, as a rule.
        header: What the archive says.
        own_sop_uids: SOP Instance UIDs that Overread wrote itself.
    """
    require_names(header=header)
    lock_study_uid(study_uid=header.study_uid)
    study = (
        Study.objects.select_related("site", "patient")
        .filter(study_uid=header.study_uid)
        .first()
    )
    if study is None:
        site = find_site(header=header)
        if site is None:
            return hold_unknown_site(actor=actor, header=header)
        study = _create_study(header=header, site=site)
    elif study.archive_id != header.orthanc_id:
        # The archive files by Patient ID and study: this is somebody else's study
        # under a Study Instance UID that is taken. Its images under the first
        # patient's name would be read as the first patient's.
        site = find_site(header=header)
        return hold_other_patient(actor=actor, header=header, study=study, site=site)
    elif study.deleted_at is not None:
        if own_sop_uids.issuperset(_every_sop_uid(header)):
            return Registered(
                study_id=study.id, revision_id=None, is_new_revision=False
            )
        _revive(actor=actor, study=study)
    _refresh_study(study=study, header=header)
    _attach(study=study, header=header, own_sop_uids=own_sop_uids)
    revision, is_new = _revise(study=study, header=header)
    if is_new:
        record(
            actor=actor,
            event=Event.STUDY_REGISTER,
            site_id=study.site_id,
            patients=[study.patient_id],
            studies=[study.id],
            object_kind="revision",
            object_id=revision.id if revision else None,
            detail={"number": revision.number if revision else 0},
        )
    return Registered(
        study_id=study.id,
        revision_id=revision.id if revision else None,
        is_new_revision=is_new,
    )


def _every_sop_uid(header: StudyHeader) -> set[str]:
    return {i.sop_uid for series in header.series for i in series.instances}


def _revive(*, actor: Actor, study: Study) -> None:
    """Let a deleted study live again: what was sent again is read again."""
    study.deleted_at = None
    study.generation += 1
    study.save(update_fields=["deleted_at", "generation", "updated_at"])
    record(
        actor=actor,
        event=Event.STUDY_RETURN,
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[study.id],
        object_kind="study",
        object_id=study.id,
    )


def _create_study(*, header: StudyHeader, site: Site) -> Study:
    patient = patient_of(header=header, site=site)
    study = Study.objects.create(
        site=site,
        patient=patient,
        study_uid=header.study_uid,
        archive_id=header.orthanc_id,
        arrived_at=clock.now(),
    )
    settle_quarantine(study=study)
    return study


def patient_of(*, header: StudyHeader, site: Site) -> Patient:
    """Return the patient of a study, made when it is new.

    A Patient ID that comes with another name or birth date (an ID used twice, or
    `UNKNOWN` for everybody) is taken for another person: nobody's images are ever
    shown under somebody else's name.
    """
    seen = header.patient
    identity = seen.id or f"study:{header.study_uid}"
    name = seen.name[:320]
    defaults = {
        "patient_id": seen.id[:64],
        "name": name,
        "birth_date": seen.birth_date,
        "sex": seen.sex[:16],
    }
    same = {"site": site, "issuer": seen.issuer[:64]}
    patient, _ = Patient.objects.get_or_create(
        **same, identity_key=identity[:160], defaults=defaults
    )
    born = {patient.birth_date, seen.birth_date} - {None}
    if patient.name.casefold() == name.casefold() and len(born) < 2:
        return patient
    person = f"{name.casefold()}/{seen.birth_date}".encode()
    key = f"{identity[:64]} {hashlib.sha256(person).hexdigest()}"
    patient, _ = Patient.objects.get_or_create(
        **same, identity_key=key, defaults=defaults
    )
    return patient


def _refresh_study(*, study: Study, header: StudyHeader) -> None:
    images = [s for s in header.series if s.is_image]
    named = [s for s in images if s.body_part]
    fresh = {
        "archive_id": header.orthanc_id,
        "accession_number": header.accession_number[:64],
        "accession_issuer": header.accession_issuer[:64],
        "referring_physician": header.referring_physician[:320],
        "description": (header.description or _described(images))[:200],
        "study_date": header.study_date,
        "study_time": header.study_time,
        "modalities": sorted({s.modality[:16] for s in images if s.modality}),
        "body_part": named[0].body_part[:64] if named else "",
        "station": next((s.station[:64] for s in images if s.station), ""),
        "patient_age_text": header.patient_age_text[:16],
        "patient_age_years": header.patient_age_years,
        "archive_updated": header.last_update[:32],
        "called_aet": study.called_aet or header.called_aet[:64],
        "calling_aet": study.calling_aet or header.calling_aet[:64],
    }
    changed = [name for name, value in fresh.items() if getattr(study, name) != value]
    for name in changed:
        setattr(study, name, fresh[name])
    if changed:
        study.save(update_fields=[*changed, "updated_at"])


def _described(images: Sequence[SeriesHeader]) -> str:
    return next((s.description for s in images if s.description), "")


def _attach(*, study: Study, header: StudyHeader, own_sop_uids: frozenset[str]) -> None:
    others = [series for series in header.series if not series.is_image]
    study.attachments.exclude(series_uid__in=[s.uid for s in others]).delete()
    for series in others:
        ours = all(i.sop_uid in own_sop_uids for i in series.instances)
        Attachment.objects.update_or_create(
            study=study,
            series_uid=series.uid,
            defaults={
                "sop_class_uid": next(iter(series.sop_class_uids), "")[:64],
                "modality": series.modality[:16],
                "description": series.description[:200],
                "n_instances": len(series.instances),
                "n_bytes": sum(i.size for i in series.instances),
                "creator": _creator_of(series)[:64],
                "by_overread": ours,
            },
        )


def _creator_of(series: SeriesHeader) -> str:
    """Return who made an object: the manufacturer, else where it was made."""
    return series.manufacturer or series.institution or series.station


def image_hash(*, study: Study, header: StudyHeader) -> str:
    """Return what names a revision: its images, and the generation of their content."""
    if study.generation == 0:
        return header.image_hash
    text = f"{header.image_hash}\n{study.generation}"
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _revise(*, study: Study, header: StudyHeader) -> tuple[StudyRevision | None, bool]:
    if not header.image_sop_uids:
        return None, False
    named = image_hash(study=study, header=header)
    known = study.revisions.filter(image_hash=named).first()
    if known is not None:
        return known, False
    last = study.revisions.order_by("-number").first()
    images = [s for s in header.series if s.is_image]
    revision = StudyRevision.objects.create(
        study=study,
        number=last.number + 1 if last else 1,
        image_hash=named,
        n_images=len(header.image_sop_uids),
        series=[_series_summary(s) for s in images],
        arrived_at=clock.now(),
    )
    RevisionInstance.objects.bulk_create(
        RevisionInstance(
            revision=revision,
            sop_uid=instance.sop_uid,
            series_uid=series.uid,
            sop_class_uid=instance.sop_class_uid,
            archive_id=instance.orthanc_id,
            size=instance.size,
        )
        for series in images
        for instance in series.instances
        if instance.is_image
    )
    return revision, True


def _series_summary(series: SeriesHeader) -> dict[str, object]:
    return {
        "uid": series.uid,
        "number": series.number,
        "modality": series.modality,
        "description": series.description,
        "body_part": series.body_part,
        "laterality": series.laterality,
        "view_positions": list(series.view_positions),
        "station": series.station,
        "manufacturer": series.manufacturer,
        "n_instances": sum(instance.is_image for instance in series.instances),
        "n_frames": sum(i.n_frames for i in series.instances if i.is_image),
        "is_synthetic": series.is_synthetic,
        "views": [
            {"sop_uid": v.sop_uid, "view": v.view, "laterality": v.laterality}
            for v in series.views
        ],
        "plane": series.plane,
        "is_localizer": series.is_localizer,
        "frame_of_reference_uid": series.frame_of_reference_uid,
        "making": None if series.making is None else asdict(series.making),
    }


@transaction.atomic
def claim_import(*, actor: Actor, study_uid: str, site: Site) -> bool:
    """Say which site a study belongs to, before its files are stored.

    Returns:
        True when the claim stands; False when the study already belongs to
        another site, or to none that is known (the caller reports the file as
        rejected).

    Raises:
        ArchiveError: The archive was asked what it has, and did not say.
    """
    lock_study_uid(study_uid=study_uid)
    existing = Study.objects.filter(study_uid=study_uid).first()
    if existing is not None:
        return existing.site_id == site.id
    known = ImportClaim.objects.filter(study_uid=study_uid).first()
    if known is None and not _is_free(study_uid=study_uid, site=site):
        return False
    claim, created = ImportClaim.objects.get_or_create(
        study_uid=study_uid, defaults={"site": site}
    )
    if created:
        record(
            actor=actor,
            event=Event.STUDY_IMPORT,
            site_id=site.id,
            object_kind="import_claim",
            object_id=claim.id,
        )
    return claim.site_id == site.id


def _is_free(*, study_uid: str, site: Site) -> bool:
    """Say whether nobody else's study of this UID is held, or just arriving.

    Whoever has one image of such a study would else have all of it at one's own site.
    """
    waiting = QuarantinedStudy.objects.filter(
        study_uid=study_uid,
        kind=QuarantineKind.UNKNOWN_SITE,
        state=QuarantineState.HELD,
    )
    if waiting.exists():
        return False
    arriving = archive().find_study(study_uid)
    if arriving is None:
        return True
    try:
        meant = find_site(header=archive().study_header(arriving))
    except NotInArchive:
        return True
    return meant is not None and meant.id == site.id


@transaction.atomic
def create_ae_title(
    *, actor: Actor, called_aet: str, calling_aet: str, site_id: UUID
) -> AETitle:
    """Route a pair of AE titles to a site."""
    if not actor.can(Permission.AE_TITLE_MANAGE, site_id):
        raise Forbidden("forbidden", "You do not manage AE titles of this site.")
    called = called_aet.strip()
    if not 0 < len(called) <= 16 or len(calling_aet.strip()) > 16:
        raise Invalid("invalid", "called_aet: an AE title has 1 to 16 characters.")
    title, created = AETitle.objects.get_or_create(
        called_aet=called,
        calling_aet=calling_aet.strip(),
        defaults={"site_id": site_id},
    )
    if not created:
        raise Conflict("exists", "This pair of AE titles is routed already.")
    record(
        actor=actor,
        event=Event.AE_TITLE_CREATE,
        site_id=site_id,
        object_kind="ae_title",
        object_id=title.id,
        detail={"called_aet": called, "calling_aet": title.calling_aet},
    )
    return title


@transaction.atomic
def delete_ae_title(*, actor: Actor, ae_title_id: UUID) -> None:
    """Stop routing a pair of AE titles; studies that arrived stay where they are."""
    title = AETitle.objects.select_for_update().filter(id=ae_title_id).first()
    if title is None or not actor.can(Permission.AE_TITLE_MANAGE, title.site_id):
        raise NotFound("not_found", "There is no such AE title.")
    record(
        actor=actor,
        event=Event.AE_TITLE_DELETE,
        site_id=title.site_id,
        object_kind="ae_title",
        object_id=title.id,
        detail={"called_aet": title.called_aet, "calling_aet": title.calling_aet},
    )
    title.delete()


@transaction.atomic
def open_study(
    *,
    actor: Actor,
    study_id: UUID,
    revision_id: UUID | None = None,
    ahead: bool = False,
) -> StudyRevision:
    """Record that a person opens a study; from here on its frames are served.

    Args:
        actor: Who, in a session.
        study_id: What.
        revision_id: Which of its revisions; the newest when None.
        ahead: The person's browser fetches the images before anybody looks at them;
            the record says so, and looking is another record.

    Returns:
        The revision opened: the one asked for, else the newest.
    """
    study = access_study(
        actor=actor, study_id=study_id, need=Permission.STUDY_PIXELS_READ
    )
    revisions = study.revisions.order_by("-number")
    if revision_id is not None:
        revisions = revisions.filter(id=revision_id)
    revision = revisions.first()
    if revision is None:
        raise NotFound("no_images", "This study has no images.")
    if actor.user_id is None or not actor.session_key_hash:
        raise Forbidden("forbidden", "A study is opened by a person in a session.")
    _, created = StudyOpen.objects.get_or_create(
        session_hash=actor.session_key_hash,
        revision=revision,
        defaults={"user_id": actor.user_id, "opened_at": clock.now()},
    )
    record(
        actor=actor,
        event=Event.STUDY_OPEN,
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[study.id],
        object_kind="revision",
        object_id=revision.id,
        detail={"again": not created, **({"ahead": True} if ahead else {})},
    )
    return revision


@transaction.atomic
def start_pack(*, actor: Actor, revision_id: UUID) -> StudyRevision | None:
    """Mark a pack as being built; None when it is ready or under way."""
    revision = access_revision(
        actor=actor, revision_id=revision_id, need=Permission.MACHINE_WORK, lock=True
    )
    now = clock.now()
    busy = (
        revision.pack_state == PackState.BUILDING
        and revision.pack_requested_at is not None
        and revision.pack_requested_at > now - PACK_STALE
    )
    deleted = revision.study.deleted_at is not None
    if revision.pack_state == PackState.READY or busy or deleted:
        return None
    if revision.pack_attempts >= PACK_MAX_ATTEMPTS:
        revision.pack_state = PackState.FAILED
        revision.pack_reason = (
            revision.pack_reason or f"{PACK_NO_ANSWER} {PACK_MAX_ATTEMPTS} attempts"
        )
        revision.save(update_fields=["pack_state", "pack_reason", "updated_at"])
        return None
    revision.pack_state = PackState.BUILDING
    revision.pack_requested_at = now
    revision.pack_attempts = F("pack_attempts") + 1
    revision.save(
        update_fields=[
            "pack_state",
            "pack_requested_at",
            "pack_attempts",
            "updated_at",
        ]
    )
    revision.refresh_from_db()
    return revision


@transaction.atomic
def finish_pack(
    *, actor: Actor, revision_id: UUID, ready: bool, reason: str
) -> StudyRevision:
    """Record how the building of a pack ended."""
    revision = access_revision(
        actor=actor, revision_id=revision_id, need=Permission.MACHINE_WORK, lock=True
    )
    if revision.pack_state == PackState.READY:
        return revision
    revision.pack_state = PackState.READY if ready else PackState.FAILED
    revision.pack_reason = reason[:400]
    revision.save(update_fields=["pack_state", "pack_reason", "updated_at"])
    return revision


def move_cursor(*, seq: int) -> None:
    """Remember that the archive's changes up to `seq` were taken, and when."""
    ArrivalCursor.objects.update_or_create(
        name="changes", defaults={"seq": seq, "looked_at": clock.now()}
    )


def note_reconciled() -> None:
    """Remember when archive and portal were last compared in full."""
    ArrivalCursor.objects.update_or_create(
        name="changes", defaults={"reconciled_at": clock.now()}
    )


def note_failure(*, archive_id: str, reason: str) -> None:
    """Remember an arrival that could not be registered; the sweep tries it again."""
    failure, created = ArrivalFailure.objects.get_or_create(
        archive_id=archive_id,
        defaults={"attempts": 1, "reason": reason[:400], "retry_at": clock.now()},
    )
    attempts = 1 if created else failure.attempts + 1
    wait = timedelta(seconds=min(2**attempts, 600))
    ArrivalFailure.objects.filter(id=failure.id).update(
        attempts=attempts, reason=reason[:400], retry_at=clock.now() + wait
    )


@transaction.atomic
def retry_arrival(*, actor: Actor, failure_id: UUID) -> ArrivalFailure:
    """Ask for a failed arrival to be tried again now."""
    failure = arrival_failures(actor=actor).filter(id=failure_id).first()
    if failure is None:
        raise NotFound("not_found", "This study is not waiting: it was taken.")
    failure.retry_at = clock.now()
    failure.save(update_fields=["retry_at", "updated_at"])
    record(
        actor=actor,
        event=Event.ARRIVAL_RETRY,
        object_kind="arrival_failure",
        object_id=failure.id,
        detail={"attempts": failure.attempts},
    )
    enqueue(Step.SWEEP)
    return failure


def clear_failure(*, archive_id: str) -> None:
    """Forget an earlier failure of a study that is registered now."""
    ArrivalFailure.objects.filter(archive_id=archive_id).delete()


@transaction.atomic
def withhold_series(
    *, actor: Actor, revision_id: UUID, series_uids: frozenset[str]
) -> None:
    """Keep series out of the pack and the panes of a revision, before it has any."""
    revision = access_revision(
        actor=actor, revision_id=revision_id, need=Permission.MACHINE_WORK, lock=True
    )
    revision.withheld = sorted(series_uids)
    revision.save(update_fields=["withheld", "updated_at"])
