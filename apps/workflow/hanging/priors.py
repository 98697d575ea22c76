"""Earlier studies of the same patient, for comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.db.models import Q

from apps.audit.events import Event
from apps.audit.services import record
from apps.core.permissions import Permission
from apps.studies.selectors import access_study, visible_studies
from apps.workflow.hanging.saved import acquired_series, region_of_study

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from apps.accounts.types import Actor
    from apps.studies.models import Patient, Study

MOST: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An earlier study, as far as its order depends on it."""

    region: str
    modalities: frozenset[str]
    study_date: date | None


def order_key(*, now: Candidate, earlier: Candidate) -> tuple[bool, bool, int]:
    """Return where an earlier study stands: same region, then newest, like modality.

    A study that does not say its region may be of any: it stands behind those that do.
    """
    days = earlier.study_date.toordinal() if earlier.study_date else 0
    return (
        not same_region(now=now, earlier=earlier),
        not (now.modalities & earlier.modalities) and days == 0,
        -days,
    )


def same_region(*, now: Candidate, earlier: Candidate) -> bool:
    """Say whether two studies are of one region; the whole body holds all others."""
    regions = {now.region, earlier.region}
    return "" not in regions and (len(regions) == 1 or "BODY" in regions)


@transaction.atomic
def list_priors(*, actor: Actor, study_id: UUID) -> list[dict[str, Any]]:
    """Return the earlier studies of a study's patient, audited.

    Within a site a patient is one row. At other sites that the actor may read, it is
    the same person only when the issuer of the Patient ID, the ID and the date of
    birth are stated there and are the same: sites give the same number twice.
    """
    study = access_study(
        actor=actor, study_id=study_id, need=Permission.STUDY_PIXELS_READ
    )
    found = [
        other
        for other in visible_studies(actor=actor, need=Permission.STUDY_PIXELS_READ)
        .filter(_same_patient(study.patient), revisions__isnull=False)
        .exclude(id=study.id)
        .select_related("site")
        .distinct()[: MOST * 2]
        if _is_earlier(other, study)
    ]
    now = _candidate(study)
    found.sort(key=lambda other: order_key(now=now, earlier=_candidate(other)))
    del found[MOST:]
    record(
        actor=actor,
        event=Event.STUDY_LIST,
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[other.id for other in found],
        object_kind="study",
        object_id=study.id,
        detail={"n": len(found), "priors": True},
    )
    return [_shown(other, now) for other in found]


def _same_patient(patient: Patient) -> Q:
    same = Q(patient_id=patient.id)
    if patient.issuer and patient.patient_id and patient.birth_date:
        same |= Q(
            patient__issuer=patient.issuer,
            patient__identity_key=patient.identity_key,
            patient__birth_date=patient.birth_date,
        )
    return same


def _is_earlier(other: Study, study: Study) -> bool:
    """Say whether a study is not later; of the same day all may be compared."""
    if other.study_date is None or study.study_date is None:
        return True
    return other.study_date <= study.study_date


def _candidate(study: Study) -> Candidate:
    return Candidate(
        region=region_of_study(study),
        modalities=frozenset(study.modalities),
        study_date=study.study_date,
    )


def _shown(study: Study, now: Candidate) -> dict[str, Any]:
    candidate = _candidate(study)
    return {
        "id": study.id,
        "uid": study.study_uid,
        "description": study.description,
        "modality": "/".join(study.modalities),
        "region": candidate.region,
        "same_region": same_region(now=now, earlier=candidate),
        "study_date": study.study_date,
        "n_images": sum(one["n_instances"] for one in acquired_series(study)),
        "site": study.site.name,
    }
