"""Others' models, imported, activated, run by a worker, recorded: the whole way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from apps.accounts.types import SYSTEM
from apps.inference.artefacts import write_artefact
from apps.inference.library import activate_model, add_model
from apps.inference.models import Finding, InferenceRun
from apps.inference.packages import package_zip
from apps.inference.results import record_result
from apps.inference.trust import public_key
from apps.workflow import flow
from tests.factories.dicom import make_ct_series, make_dx, to_bytes
from tests.factories.domain import make_item
from tests.fakes.portal import FakePortal
from tests.workers.importing.makers import (
    FILM_CARD,
    VOLUME_CARD,
    SmallNet,
    make_bundle,
    make_onnx,
    make_script,
    make_xrv,
    xrv_tensors,
)
from workers.contracts import InferRequest
from workers.importing.xrv import densenet
from workers.inference.answering import answer, make_workplace
from workers.models.preprocess import prepare
from workers.pixels.image import load_image, read_header
from workers.settings import read_settings

pytestmark = pytest.mark.django_db

FILM = np.random.default_rng(3).normal(2000, 600, (300, 260)).clip(0, 4095)
XRV_CARD = {k: v for k, v in FILM_CARD.items() if k != "preprocessing"}


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


class SignedPortal(FakePortal):
    """The border as the real portal fills it: its own package, its own list."""

    def signed_list(self) -> bytes:
        return (Path(self.models_dir) / "allowed.json").read_bytes()


def run_of(department, datasets, *, model, modality, age):
    activate_model(actor=SYSTEM, model=model, site=department.site)
    for number, dataset in enumerate(datasets, 1):  # the archive's ids are short
        dataset.SOPInstanceUID = f"1.2.826.0.1.{number}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    item = make_item(
        department,
        study_uid=str(datasets[0].StudyInstanceUID),
        sop_uids=[str(d.SOPInstanceUID) for d in datasets],
        modality=modality,
        age=age,
    )
    flow.request_inference(revision_id=item.case.revision_id)
    return InferenceRun.objects.select_related("revision").get()


def do(run, datasets, workplace, settings):
    """Let a worker do a run, as over the machine API, and record what it answers."""
    series = str(run.revision.instances.first().series_uid)
    for dataset in datasets:
        dataset.SeriesInstanceUID = series
    portal = SignedPortal(
        revision_id=str(run.revision_id),
        token="scoped",
        instances={str(d.SOPInstanceUID): to_bytes(d) for d in datasets},
        models={run.model_version.package_hash: package_zip(model=run.model_version)},
    )
    portal.models_dir = settings.MODELS_DIR
    with portal:
        result = answer(
            InferRequest(
                run_id=str(run.id),
                revision_id=str(run.revision_id),
                package_hash=run.model_version.package_hash,
                token="scoped",
                portal_url=portal.url,
            ),
            workplace=workplace,
        )
    for sha256, body in portal.artefacts.items():
        write_artefact(sha256=sha256, body=body)
    assert record_result(actor=SYSTEM, result=result) is not None
    run.refresh_from_db()
    return run


def expected_of_films(kind, dataset, card, workplace):
    """Return the logits that the source's own network gives for a film."""
    content = to_bytes(dataset)
    header = read_header(content)
    image = load_image(content, header=header, decoder=workplace.decoder)
    batch = prepare(image.values, steps=card["preprocessing"]).tensor[None]
    with torch.no_grad():
        if kind == "xrv":
            return densenet(batch, xrv_tensors())[0, [0, 2]]
        return SmallNet().eval()(batch)[0, [0, 2]]


@pytest.mark.parametrize(
    ("kind", "make", "card"),
    [
        ("torchscript", make_script, FILM_CARD),
        ("onnx", make_onnx, FILM_CARD),
        ("xrv", make_xrv, XRV_CARD),
    ],
)
def test_a_classifier_of_others_judges_a_film(
    department, workplace, settings, tmp_path, kind, make, card
):
    source = make(tmp_path / ("m.onnx" if kind == "onnx" else "m.pt"))
    model = add_model(actor=SYSTEM, source=source, card=card)
    film = make_dx(FILM.astype(np.uint16), window=(2048, 4096))
    expected = expected_of_films(kind, film, model.card, workplace)
    run = run_of(department, [film], model=model, modality="DX", age=40.0)
    done = do(run, [film], workplace, settings)
    assert (done.state, done.reason) == ("done", "")
    findings = {f.label_code: f for f in Finding.objects.filter(run=run)}
    assert set(findings) == {"36118008", "233604007"}
    recorded = [findings[c].raw_score for c in ("36118008", "233604007")]
    assert recorded == pytest.approx(expected.tolist(), abs=1e-4)
    has_gradients = kind == "xrv"
    assert (findings["36118008"].saliency is not None) is has_gradients
    assert done.embedding is not None


def test_a_bundle_of_others_marks_a_volume(department, workplace, settings, tmp_path):
    bundle = make_bundle(tmp_path / "bundle")
    # Any voxel's score counts as found: the weights are random.
    card = json.loads(json.dumps(VOLUME_CARD))
    card["labels"][0]["threshold"] = 0.0
    model = add_model(actor=SYSTEM, source=bundle, card=card)
    slices = make_ct_series(n_slices=12, side=64, spacing_mm=2.5)
    run = run_of(department, slices, model=model, modality="CT", age=61.0)
    done = do(run, slices, workplace, settings)
    assert (done.state, done.reason) == ("done", "")
    finding = Finding.objects.get(run=run)
    assert finding.label_display == "Spleen"
    assert finding.mask is not None
    assert len(finding.mask_meta["sop_uids"]) == 12
    assert finding.mask_meta["volume_ml"] > 0


def test_a_package_changed_on_its_way_is_refused(
    department, workplace, settings, tmp_path
):
    model = add_model(
        actor=SYSTEM, source=make_onnx(tmp_path / "m.onnx"), card=FILM_CARD
    )
    film = make_dx(FILM.astype(np.uint16), window=(2048, 4096))
    run = run_of(department, [film], model=model, modality="DX", age=40.0)
    place = Path(model.package_path)
    good = package_zip(model=model)
    tampered = bytearray(good)
    tampered[good.index(b"test-films") + 2] ^= 1
    run.model_version.refresh_from_db()
    assert place.is_dir()
    portal = SignedPortal(
        revision_id=str(run.revision_id),
        token="scoped",
        instances={str(film.SOPInstanceUID): to_bytes(film)},
        models={model.package_hash: bytes(tampered)},
    )
    portal.models_dir = settings.MODELS_DIR
    with portal:
        result = answer(
            InferRequest(
                run_id=str(run.id),
                revision_id=str(run.revision_id),
                package_hash=model.package_hash,
                token="scoped",
                portal_url=portal.url,
            ),
            workplace=workplace,
        )
    assert result.state == "failed"
    assert "can not be used" in result.reason
