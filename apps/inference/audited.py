"""What the audit log says of an inference run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.audit.services import Subject

if TYPE_CHECKING:
    from apps.inference.models import InferenceRun


def about_run(run: InferenceRun, **detail: object) -> Subject:
    """Return what a record about a run is about: whose study, by which model.

    Args:
        run: With its study and model.
        detail: Further JSON, see `record`.
    """
    study = run.revision.study
    return Subject(
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[study.id],
        object_kind="inference_run",
        object_id=run.id,
        detail={"model": str(run.model_version), **detail},
    )
