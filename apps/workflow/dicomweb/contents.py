"""What of a study may leave for somebody: the one place where that is decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from apps.core.errors import NotFound
from apps.studies.archive import archive
from apps.studies.models import RevisionInstance
from apps.studies.selectors import access_study, find_study
from apps.workflow.longitudinal.showing import withheld_changes
from apps.workflow.visibility import may_be_ai, visible_study, withheld_of

if TYPE_CHECKING:
    from apps.accounts.types import Actor
    from apps.core.permissions import Permission
    from apps.studies.models import Attachment, Study, StudyRevision

_ABSENT: Final = "There is no such study, or it is not yours to see."


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesShown:
    """A series that may leave.

    Attributes:
        study: Its study.
        uid: Series Instance UID.
        header: number, modality, description, body_part, laterality, as known.
        n_instances: How many objects it has.
        is_image: Its objects are those of the revision; else the archive knows.
    """

    study: Study
    uid: str
    header: dict[str, Any]
    n_instances: int
    is_image: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WebObject:
    """One object that may leave, and where the archive has it."""

    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class_uid: str
    archive_id: str


def access_by_uid(*, actor: Actor, study_uid: str, need: Permission) -> Study:
    """Return a study by its UID that the actor may use for `need`.

    Raises:
        NotFound: There is none, it was deleted, or it is another site's.
        Forbidden: The role at the study's site does not allow it.
    """
    study = None if "\x00" in study_uid else find_study(study_uid=study_uid)
    if study is None or study.deleted_at is not None:
        raise NotFound("not_found", _ABSENT)
    return access_study(actor=actor, study_id=study.id, need=need)


def series_of(*, actor: Actor, study: Study) -> list[SeriesShown]:
    """Return the series of a study that may leave for the actor."""
    revision = study.revisions.order_by("-number").first()
    shown = _image_series(study, revision) if revision else []
    attached = list(study.attachments.order_by("created_at", "id"))
    suspects = withheld_of(revision=revision) if revision else frozenset()
    if (suspects or any(_may_be_ai(a) for a in attached)) and not visible_study(
        actor=actor, study=study
    ).visible:
        shown = [series for series in shown if series.uid not in suspects]
        attached = [a for a in attached if not _may_be_ai(a)]
    if any(a.by_overread for a in attached):
        withheld = withheld_changes(actor=actor, study=study)
        attached = [a for a in attached if a.series_uid not in withheld]
    return [*shown, *(_attached_series(study, a) for a in attached)]


def _may_be_ai(attachment: Attachment) -> bool:
    return may_be_ai(modality=attachment.modality, by_overread=attachment.by_overread)


def _image_series(study: Study, revision: StudyRevision) -> list[SeriesShown]:
    return [
        SeriesShown(
            study=study,
            uid=str(series["uid"]),
            header=series,
            n_instances=int(series.get("n_instances") or 0),
            is_image=True,
        )
        for series in revision.series
    ]


def _attached_series(study: Study, attachment: Attachment) -> SeriesShown:
    header = {
        "modality": attachment.modality,
        "description": attachment.description,
    }
    return SeriesShown(
        study=study,
        uid=attachment.series_uid,
        header=header,
        n_instances=attachment.n_instances,
        is_image=False,
    )


def objects_of(
    *, actor: Actor, study: Study, series_uid: str = "", sop_uid: str = ""
) -> list[WebObject]:
    """Return the objects that may leave: of the study, of a series, or the one.

    Raises:
        NotFound: There is none.
        ArchiveError: The archive was asked, and did not answer.
    """
    series = [
        s
        for s in series_of(actor=actor, study=study)
        if not series_uid or s.uid == series_uid
    ]
    found = _image_objects(study, series)
    if not all(s.is_image for s in series):
        found += _attached_objects(study, {s.uid for s in series if not s.is_image})
    if sop_uid:
        found = [o for o in found if o.sop_uid == sop_uid]
    if not found:
        raise NotFound("not_found", _ABSENT)
    return found


def _image_objects(study: Study, series: list[SeriesShown]) -> list[WebObject]:
    revision = study.revisions.order_by("-number").first()
    if revision is None:
        return []
    rows = RevisionInstance.objects.filter(
        revision=revision,
        series_uid__in=[s.uid for s in series if s.is_image],
        kept_sha256="",
    ).order_by("id")
    return [
        WebObject(
            study_uid=study.study_uid,
            series_uid=row.series_uid,
            sop_uid=row.sop_uid,
            sop_class_uid=row.sop_class_uid,
            archive_id=row.archive_id,
        )
        for row in rows
    ]


def _attached_objects(study: Study, series_uids: set[str]) -> list[WebObject]:
    """Ask the archive: we keep of such series only that they are there."""
    header = archive().study_header(study.archive_id)
    if header.study_uid != study.study_uid:
        raise NotFound("not_found", _ABSENT)
    return [
        WebObject(
            study_uid=study.study_uid,
            series_uid=series.uid,
            sop_uid=instance.sop_uid,
            sop_class_uid=instance.sop_class_uid,
            archive_id=instance.orthanc_id,
        )
        for series in header.series
        if series.uid in series_uids
        for instance in series.instances
    ]
