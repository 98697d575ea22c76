"""A prostate MR and a model of T2, ADC and DWI: from the modality to the archive."""

from __future__ import annotations

import io
from collections import defaultdict
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from apps.accounts.types import SYSTEM
from apps.inference.artefacts import read_artefact, write_artefact
from apps.inference.library import activate_model, add_model
from apps.inference.models import Finding, InferenceRun
from apps.inference.packages import package_zip
from apps.inference.trust import public_key
from apps.reports.services import export_result
from apps.workflow import flow
from apps.worklist.models import WorkItem
from tests.fakes.portal import FakePortal
from tests.workers.importing.makers import TOLD
from tests.workers.inference.test_channels import graph
from workers.contracts import InferRequest
from workers.inference.answering import answer, make_workplace
from workers.inference.segment import unpack_mask
from workers.settings import read_settings

PROSTATE = Path(__file__).resolve().parents[3] / "shared/data/mr_prostatex"

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.real_data,
    pytest.mark.skipif(not PROSTATE.exists(), reason=f"no real data: {PROSTATE}"),
]

WEIGHTS = {"T2": 0.004, "ADC": -0.002, "DWI": 0.02}
BIAS = 0.2
CARD = {
    **TOLD,
    "name": "three-sequences",
    "version": "1",
    "intended_use": "detection",
    "labels": [
        {
            "scheme": "SCT",
            "code": "52988006",
            "display": "Lesion",
            "acuity": "routine",
            "threshold": 0.0,
        }
    ],
    "input": {
        "kind": "volume",
        "modalities": ["MR"],
        "body_parts": ["PROSTATE"],
        "roles": [
            {"name": "T2", "weighting": "T2", "planes": ["axial"]},
            {"name": "ADC", "weighting": "ADC"},
            {"name": "DWI", "weighting": "DWI", "b_value": {"min": 700}},
        ],
        "volume": {"min_slices": 10},
    },
    "preprocessing": [],
    "segmentation": {
        "window": [16, 64, 64],
        "overlap": 0.25,
        "voxel_threshold": 0.5,
        "min_ml": 0.0,
        "score": {"name": "mean_of_top", "ml": 0.5},
    },
}


@pytest.fixture(autouse=True)
def _folders(settings, tmp_path):
    settings.MODELS_DIR = tmp_path / "models"
    settings.MODEL_KEY_FILE = tmp_path / "keys" / "models.key"
    settings.ARTEFACTS_DIR = tmp_path / "artefacts"


@pytest.fixture
def workplace(tmp_path):
    found = make_workplace(
        read_settings(
            {
                "OVERREAD_STATE_DIR": str(tmp_path / "elsewhere"),
                "OVERREAD_SHIPPED_MODELS": str(tmp_path / "none"),
                "OVERREAD_TORCH_THREADS": "1",
                "OVERREAD_MODEL_KEY": public_key(),
            }
        )
    )
    yield found
    found.decoder.close()


@pytest.fixture
def model(tmp_path, stage):
    source = tmp_path / "model.onnx"
    source.write_bytes(graph(tuple(WEIGHTS.values()), BIAS))
    found = add_model(actor=SYSTEM, source=source, card=CARD)
    activate_model(actor=SYSTEM, model=found, site=stage.department.site)
    return found


def files_by_series():
    """Return the study's image files by (description, b-value)."""
    found = defaultdict(list)
    for path in sorted(PROSTATE.rglob("*.dcm")):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        if header.Modality == "MR":
            name = str(header.get("SequenceName", ""))
            found[str(header.SeriesDescription), name].append(path)
    return found


def image_of(paths):
    """Read a series by SimpleITK's own reader, sorted along its normal."""
    headers = {p: pydicom.dcmread(p, stop_before_pixels=True) for p in paths}
    cosines = np.array(headers[paths[0]].ImageOrientationPatient, dtype=float)
    normal = np.cross(cosines[:3], cosines[3:])
    order = sorted(
        paths, key=lambda p: normal @ np.array(headers[p].ImagePositionPatient, float)
    )
    image = sitk.ReadImage([str(p) for p in order], sitk.sitkFloat32)
    return image, [str(headers[p].SOPInstanceUID) for p in order]


def expected():
    """Return the network's output on the T2's grid and its images, apart from us."""
    files = files_by_series()
    reference, uids = image_of(files["t2_tse_tra", "*tse2d1_25"])
    others = {
        "ADC": image_of(files["ep2d_diff_tra_DYNDIST_ADC", "*ep_b50_800"])[0],
        "DWI": image_of(files["ep2d_diff_tra_DYNDIST", "*ep_b800t"])[0],
    }
    odds = WEIGHTS["T2"] * sitk.GetArrayFromImage(reference) + BIAS
    for role, image in others.items():
        least = float(sitk.GetArrayViewFromImage(image).min())
        laid = sitk.Resample(image, reference, sitk.Transform(), sitk.sitkLinear, least)
        odds = odds + WEIGHTS[role] * sitk.GetArrayFromImage(laid)
    return odds, uids


def arrive(stage, *, without=()):
    paths = [
        path
        for (description, _), found in files_by_series().items()
        for path in found
        if description not in without
    ]
    for path in paths:
        outcome = stage.archive.c_store(path.read_bytes(), called="NORTH")
    stage.archive.settle()
    with stage.commit(execute=True):
        flow.take_study(archive_id=outcome.study_id)
    item = WorkItem.objects.get(case__revision__study__archive_id=outcome.study_id)
    for name, kwargs in stage.take("portal"):
        stage.run(name, **kwargs)
    return item


def let_a_worker_answer(stage, request, model, workplace, settings):
    """Let a worker do a request over the machine API, and record its answer."""

    class SignedPortal(FakePortal):
        def signed_list(self):
            return (Path(settings.MODELS_DIR) / "allowed.json").read_bytes()

    images = {
        str(f.dataset.SOPInstanceUID): f.content for f in stage.archive.files.values()
    }
    portal = SignedPortal(
        revision_id=request.revision_id,
        token=request.token,
        instances=images,
        models={model.package_hash: package_zip(model=model)},
    )
    with portal:
        asked = {**request.to_message(), "portal_url": portal.url}
        result = answer(InferRequest.from_message(asked), workplace=workplace)
    for sha256, body in portal.artefacts.items():
        write_artefact(sha256=sha256, body=body)
    stage.run("workflow.accept_results", results=[result.to_message()])
    return set(portal.given)


def test_three_series_are_read_as_one(stage, model, workplace, settings):
    item = arrive(stage)
    ((_, kwargs),) = stage.take("gpu")
    request = InferRequest.from_message(kwargs["request"])
    assert list(request.series) == ["T2", "ADC", "DWI"]
    fetched = let_a_worker_answer(stage, request, model, workplace, settings)
    # What no role needs is not fetched: the coronal, the sagittal, the PD.
    assert len(fetched) == 21 + 19 + 57

    run = InferenceRun.objects.get(id=request.run_id)
    assert (run.state, run.reason) == ("done", "")
    odds, uids = expected()
    finding = Finding.objects.get(run=run)
    meta = finding.mask_meta
    assert (meta["series_uid"], meta["sop_uids"]) == (request.series["T2"], uids)
    mask = unpack_mask(read_artefact(sha256=finding.mask.sha256), shape=odds.shape)
    clear = np.abs(odds) > 1e-2
    np.testing.assert_array_equal(mask[clear], (odds > 0)[clear])
    assert 0.02 < mask.mean() < 0.98, "the test would prove little"
    n = round(0.5 / (3.0 * 0.5 * 0.5 / 1000))
    top = np.sort(odds.ravel())[-n:].mean()
    assert finding.raw_score == pytest.approx(top, abs=1e-2)
    inputs = {row["role"]: row for row in run.quality["inputs"]}
    assert (inputs["DWI"]["b_value"], inputs["DWI"]["images"]) == (800.0, 19)

    _is_told_to_the_reader(stage, item, inputs)
    _names_all_series_in_the_archive(stage, run, request)


def _is_told_to_the_reader(stage, item, inputs):
    stage.call("post", f"worklist/items/{item.id}/lease")
    (said,) = stage.call("get", f"worklist/items/{item.id}/ai").json()["runs"]
    words = {check["name"]: check["words"] for check in said["quality"]["checks"]}
    assert words["inputs"] == "T2 is series 4; ADC is series 9; DWI is series 8, b 800"
    assert inputs["ADC"]["cover"] > 0.5


def _names_all_series_in_the_archive(stage, run, request):
    with stage.commit(execute=True):
        export_result(actor=SYSTEM, run_id=run.id)
    made = [
        pydicom.dcmread(io.BytesIO(f.content))
        for f in stage.archive.files.values()
        if f.dataset.Modality in {"SEG", "SR"}
    ]
    (segmentation,) = [d for d in made if d.Modality == "SEG"]
    named = {str(s.SeriesInstanceUID) for s in segmentation.ReferencedSeriesSequence}
    assert named == set(request.series.values())
    t2 = {
        str(d.SOPInstanceUID)
        for d in (f.dataset for f in stage.archive.files.values())
        if d.get("SeriesInstanceUID") == request.series["T2"]
    }
    sources = {
        str(
            frame.DerivationImageSequence[0]
            .SourceImageSequence[0]
            .ReferencedSOPInstanceUID
        )
        for frame in segmentation.PerFrameFunctionalGroupsSequence
    }
    assert sources <= t2
    assert segmentation.FrameOfReferenceUID.endswith("836986")


def test_without_its_adc_the_study_is_not_analysed_and_says_why(stage, model):
    item = arrive(stage, without={"ep2d_diff_tra_DYNDIST_ADC"})
    assert stage.take("gpu") == []
    item.refresh_from_db()
    assert item.ai_state == "rejected"
    row = stage.call("get", "worklist").json()["items"][0]
    assert "needs ADC, which this study lacks; it has" in row["ai"]["reason"]
    run = InferenceRun.objects.get()
    assert run.quality["checks"][0]["name"] == "series"
