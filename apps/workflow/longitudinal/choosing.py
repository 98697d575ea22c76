"""Which earlier result a result is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.inference.models import InferenceRun
from apps.inference.types import RunState, SlotKind
from apps.workflow.hanging.priors import Candidate, same_region
from apps.workflow.hanging.saved import region_of_study

if TYPE_CHECKING:
    from uuid import UUID

    from django.db.models import QuerySet

    from apps.studies.models import Study


def comparable_run(*, run_id: UUID) -> InferenceRun | None:
    """Return a run whose result may be compared: of a volume, live, and done."""
    return _comparable().filter(id=run_id).first()


def prior_run_of(*, run: InferenceRun) -> InferenceRun | None:
    """Return the newest earlier result of the same model at the same site.

    Of the same patient, region and modality, and of the study's newest revision that
    has one. Studies without a date are earlier than nothing. Versions of the model
    may differ.
    """
    return next((one for one in _beside(run) if _when(one) < _when(run)), None)


def next_run_of(*, run: InferenceRun) -> InferenceRun | None:
    """Return the oldest later result, whose prior this one may have become."""
    later = [one for one in _beside(run) if _when(one) > _when(run)]
    return later[-1] if later else None


def _comparable() -> QuerySet[InferenceRun]:
    return InferenceRun.objects.select_related(
        "revision__study__patient", "model_version", "slot"
    ).filter(
        state=RunState.DONE,
        slot__kind=SlotKind.LIVE,
        set_aside_at__isnull=True,
        quality__has_key="series_uid",
        model_version__card__has_key="segmentation",
        revision__study__study_date__isnull=False,
        revision__study__deleted_at__isnull=True,
    )


def _beside(run: InferenceRun) -> list[InferenceRun]:
    """Return one comparable run of each other study, the newest study first."""
    study = run.revision.study
    rows = (
        _comparable()
        .filter(
            model_version__name=run.model_version.name,
            revision__study__patient_id=study.patient_id,
            revision__study__site_id=study.site_id,
        )
        .exclude(revision__study_id=study.id)
        .order_by("-revision__number", "-finished_at")
    )
    found: dict[UUID, InferenceRun] = {}
    for row in rows:
        if _is_alike(row.revision.study, study):
            found.setdefault(row.revision.study_id, row)
    return sorted(found.values(), key=_when, reverse=True)


def _is_alike(other: Study, study: Study) -> bool:
    one, two = (
        Candidate(
            region=region_of_study(each),
            modalities=frozenset(each.modalities),
            study_date=each.study_date,
        )
        for each in (other, study)
    )
    return same_region(now=two, earlier=one) and bool(one.modalities & two.modalities)


def _when(run: InferenceRun) -> tuple[object, ...]:
    """Return what studies are ordered by: their day, hour, and arrival."""
    study = run.revision.study
    hour = "" if study.study_time is None else study.study_time.isoformat()
    return (study.study_date, hour, study.arrived_at, str(study.id))
