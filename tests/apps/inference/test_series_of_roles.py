"""A model of several series: the portal names them, or says what is lacking."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apps.accounts.types import SYSTEM
from apps.inference.models import InferenceRun
from apps.inference.services import open_runs, series_of_run
from apps.interop.types import SeriesMaking
from apps.workflow import flow
from tests.factories.domain import make_item, make_model, make_revision, make_series
from workers.contracts import TASK_INFER, InferRequest

pytestmark = pytest.mark.django_db

CARD = {
    "name": "prostate",
    "input": {
        "kind": "volume",
        "modalities": ["MR"],
        "body_parts": ["PROSTATE"],
        "roles": [
            {"name": "T2", "weighting": "T2", "planes": ["axial"]},
            {"name": "ADC", "weighting": "ADC"},
            {"name": "DWI", "weighting": "DWI", "b_value": {"min": 700}},
        ],
    },
}
STUDY = "1.2.826.0.1.77"
T2 = SeriesMaking(image_type=("ORIGINAL",), echo_ms=104.0, repetition_ms=6250.0)
ADC = SeriesMaking(image_type=("DERIVED", "ADC"))
DWI = SeriesMaking(image_type=("DERIVED", "TRACEW"), is_diffusion=True)


def series(number, making, *, frame="1.9", plane="axial", modality="MR"):
    uid = f"{STUDY}.{number}"
    found = make_series(
        STUDY, (f"{uid}.1", f"{uid}.2"), modality="CT", body_part="PROSTATE"
    )
    return replace(
        found,
        uid=uid,
        number=number,
        modality=modality,
        description=f"Series {number}",
        plane=plane,
        frame_of_reference_uid=frame,
        making=making,
    )


def study_of(department, *found, make=make_revision, **more):
    """Return a study of these series; the maker's own film is of another kind."""
    return make(
        department,
        study_uid=STUDY,
        modality="DX",
        age=61.0,
        body_part="PROSTATE",
        extra_series=found,
        **more,
    )


ALL = (series(4, T2), series(9, ADC), series(8, DWI))


@pytest.fixture
def asked(broker, django_capture_on_commit_callbacks):
    """Ask the models of a site about a study; return the one message to a worker."""

    def ask(item):
        with django_capture_on_commit_callbacks(execute=True):
            flow.request_inference(revision_id=item.case.revision_id)
        with django_capture_on_commit_callbacks(execute=True):
            for run in InferenceRun.objects.filter(requested_at=None):
                flow.send_run(run_id=run.id)
        ((task, kwargs),) = broker.take("gpu")
        assert task == TASK_INFER
        return kwargs["request"]

    return ask


def test_the_request_names_the_series_of_each_role(department, asked):
    make_model(department.site, **CARD)
    message = asked(study_of(department, *ALL, make=make_item))
    request = InferRequest.from_message(message)
    assert request.series == {
        "T2": f"{STUDY}.4",
        "ADC": f"{STUDY}.9",
        "DWI": f"{STUDY}.8",
    }


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (
            (series(4, T2), series(8, DWI)),
            "prostate: needs ADC, which this study lacks; it has T2 and DWI",
        ),
        (
            (*ALL, series(12, T2)),
            "prostate: which series is its T2 is not clear:"
            " series 4 and series 12 could be",
        ),
        (
            (series(4, T2), series(8, DWI), series(9, ADC, frame="1.8")),
            "prostate: the ADC series is in another frame of reference than the T2",
        ),
    ],
)
def test_what_is_lacking_is_a_rejected_input_on_record(department, found, reason):
    make_model(department.site, **CARD)
    revision = study_of(department, *found)
    opened = open_runs(actor=SYSTEM, revision_id=revision.id)
    run = InferenceRun.objects.get()
    assert opened.rejected_ids == (run.id,)
    assert (run.state, run.reason) == ("rejected", reason)
    assert run.quality["checks"] == [
        {"name": "series", "outcome": "failed", "words": reason}
    ]


def test_a_series_that_is_withheld_is_not_there(department):
    make_model(department.site, **CARD)
    revision = study_of(department, *ALL)
    revision.withheld = [f"{STUDY}.9"]
    revision.save()
    open_runs(actor=SYSTEM, revision_id=revision.id)
    assert "needs ADC" in InferenceRun.objects.get().reason


def test_a_revision_of_before_is_left_to_the_worker(department):
    make_model(department.site, **CARD)
    revision = study_of(department, series(4, T2))
    for row in revision.series:
        del row["making"]
    revision.save()
    (run_id,) = open_runs(actor=SYSTEM, revision_id=revision.id).run_ids
    run = InferenceRun.objects.get(id=run_id)
    assert series_of_run(run=run) == {}


def test_a_model_of_one_series_is_asked_as_ever(department, asked):
    make_model(department.site)
    message = asked(make_item(department))
    assert "series" not in message, "older workers know no such field"
    assert InferRequest.from_message(message).series == {}
