"""Part of the matrix: failed work of all kinds, and another try for it.

What is asked for is site A's and has failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from apps.accounts.models import Role
from apps.annotations.models import Reading, ReadingProtocol, SegmentInterpolation
from apps.core import clock
from apps.inference.models import (
    Comparison,
    Explanation,
    InferenceRun,
    ModelVersion,
    Slot,
)
from apps.studies.models import Patient, Study, StudyRevision
from tests.matrix.frame import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.frame import Key
    from tests.matrix.worlds import World, Worlds

_RUN = "api/runs/<uuid:run_id>/retry"
_PACK = "api/packs/<uuid:revision_id>/retry"
_EXPLAINED = "api/explanations/<uuid:explanation_id>/retry"
_COMPARED = "api/comparisons/<uuid:comparison_id>/retry"
_FILLED = "api/interpolations/<uuid:job_id>/retry"

# fmt: off
TABLE: dict[Key, str] = {
    #                           A: rad ann lead adm srv  B: the same
    ("GET", "api/runs"):         "401  403 403 200 200 403   403 403 200 200 403",
    ("POST", _RUN):              "401  403 403 403 200 403   403 403 403 404 403",
    ("GET", "api/packs"):        "401  403 403 200 200 403   403 403 200 200 403",
    ("POST", _PACK):             "401  403 403 403 200 403   403 403 403 404 403",
    ("GET", "api/explanations"): "401  403 403 200 200 403   403 403 200 200 403",
    ("POST", _EXPLAINED):        "401  403 403 403 200 403   403 403 403 404 403",
    ("GET", "api/comparisons"):  "401  403 403 200 200 403   403 403 200 200 403",
    ("POST", _COMPARED):         "401  403 403 403 200 403   403 403 403 404 403",
    ("GET", "api/interpolations"):
                                 "401  403 403 200 200 403   403 403 200 200 403",
    ("POST", _FILLED):           "401  403 403 403 200 403   403 403 403 404 403",
}
# fmt: on

SOCKETS: dict[str, str] = {}


def populate(worlds: Worlds) -> None:
    """Put failed work of every kind into each site."""
    for world in (worlds.a, worlds.b):
        run = _failed_run(world)
        world.things["failed_run"] = run
        world.things["failed_explanation"] = Explanation.objects.create(
            run=run, state="failed"
        )
        world.things["failed_comparison"] = Comparison.objects.create(
            run=run, prior_run=run, days=1, state="failed"
        )
        world.things["failed_interpolation"] = _failed_interpolation(world, run)


def _failed_interpolation(world: World, run: InferenceRun) -> SegmentInterpolation:
    protocol = ReadingProtocol.objects.create(
        site=world.site, code="dead-letters", version=1, name="Dead letters"
    )
    reading = Reading.objects.create(
        revision=run.revision,
        protocol=protocol,
        reader=world.people[Role.RADIOLOGIST],
        saved_at=clock.now(),
    )
    return SegmentInterpolation.objects.create(
        reading=reading,
        series_uid="1.2.3",
        rows=1,
        columns=1,
        number=1,
        slices={},
        state="failed",
        asked_at=clock.now(),
    )


def _failed_run(world: World) -> InferenceRun:
    name = f"PHANTOM{uuid4().hex[:8]}"
    patient = Patient.objects.create(
        site=world.site, identity_key=name, patient_id=name, name=name
    )
    study = Study.objects.create(
        site=world.site,
        patient=patient,
        study_uid=f"2.25.{uuid4().int}",
        archive_id=uuid4().hex,
        arrived_at=clock.now(),
    )
    revision = StudyRevision.objects.create(
        study=study,
        number=1,
        image_hash="0" * 64,
        n_images=1,
        arrived_at=clock.now(),
        pack_state="failed",
    )
    model = ModelVersion.objects.create(
        name="m",
        version="1",
        package_hash=uuid4().hex * 2,
        intended_use="detection",
        card={"labels": []},
        package_path="nowhere",
        device_uid=f"2.25.{uuid4().int}",
    )
    slot = Slot.objects.create(
        site=world.site, model_version=model, task="dead letters", kind="live"
    )
    run = InferenceRun.objects.create(
        revision=revision, model_version=model, slot=slot, state="failed"
    )
    world.secrets.update(
        (name, study.study_uid, str(study.id), str(revision.id), str(run.id))
    )
    return run


CALLS: dict[Key, Callable[[Worlds], Call]] = {
    ("GET", "api/runs"): lambda _: Call("/api/runs?state=failed"),
    ("POST", _RUN): lambda w: Call(f"/api/runs/{w.a.things['failed_run'].id}/retry"),
    ("GET", "api/packs"): lambda _: Call("/api/packs?state=failed"),
    ("POST", _PACK): lambda w: Call(
        f"/api/packs/{w.a.things['failed_run'].revision_id}/retry"
    ),
    ("GET", "api/explanations"): lambda _: Call("/api/explanations?state=failed"),
    ("POST", _EXPLAINED): lambda w: Call(
        f"/api/explanations/{w.a.things['failed_explanation'].id}/retry"
    ),
    ("GET", "api/comparisons"): lambda _: Call("/api/comparisons?state=failed"),
    ("POST", _COMPARED): lambda w: Call(
        f"/api/comparisons/{w.a.things['failed_comparison'].id}/retry"
    ),
    ("GET", "api/interpolations"): lambda _: Call("/api/interpolations?state=failed"),
    ("POST", _FILLED): lambda w: Call(
        f"/api/interpolations/{w.a.things['failed_interpolation'].id}/retry"
    ),
}
