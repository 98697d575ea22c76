"""Volumes: from slices in any order to a mask on the very same slices."""

from __future__ import annotations

import json
import threading
import time
import uuid

import numpy as np
import pytest
import torch
from torch import nn

from tests.factories.dicom import make_ct_series, to_bytes
from tests.fakes.portal import FakePortal
from workers.contracts import MASK_MEDIA_TYPE, InferRequest, InferResult
from workers.inference.answering import VOLUMES, answer
from workers.inference.segment import unpack_mask
from workers.inference.volume import VolumeError, choose_series, find_geometry
from workers.models import registry
from workers.models.package import package_hash, save_package, write_package_zip
from workers.models.registry import build
from workers.models.volume_net import VolumeModel
from workers.models.volume_prepare import prepare_volume, stretch
from workers.packs.geometry import Placed, sort_along_normal
from workers.pixels.image import read_header

TOKEN = "scoped-token"
TINY = {"n_labels": 1, "channels": [4, 8], "strides": [[1, 2, 2]], "num_res_units": 1}
BLEED = "1386000"


class Threshold(VolumeModel):
    """Marks what is brighter than half: its mask is known without training."""

    def __init__(self) -> None:
        super().__init__()
        self.n_labels = 1
        self.gain = nn.Parameter(torch.tensor(20.0))

    def forward(self, volumes):
        return (volumes - 0.5) * self.gain


def card(**changes):
    return {
        "name": "test-volume",
        "version": "1",
        "intended_use": "detection",
        "labels": [
            {
                "code": BLEED,
                "scheme": "SCT",
                "display": "Intracranial haemorrhage",
                "threshold": 0.5,
            }
        ],
        "input": {"kind": "volume", "modalities": ["CT"], "volume": {"min_slices": 3}},
        "preprocessing": [{"name": "clip_hu", "low": 0.0, "high": 100.0}],
        "architecture": {"name": "threshold", "params": {}},
        "segmentation": {
            "window": [8, 32, 32],
            "overlap": 0.25,
            "voxel_threshold": 0.5,
            "min_ml": 0.02,
            "score": {"name": "mean_of_top", "ml": 0.05},
        },
        "calibration": {"labels": [{"code": BLEED, "slope": 1.0, "intercept": 0.0}]},
        **changes,
    }


@pytest.fixture
def package(tmp_path, monkeypatch):
    monkeypatch.setitem(registry._BUILDERS, "threshold", Threshold)
    folder = tmp_path / "package"
    save_package(folder, card=card(), module=Threshold())
    return folder


def ask(datasets, package, workplace, **more):
    """Run a package on a study; return the answer and the portal's artefacts.

    Args:
        datasets: Of the study.
        package: Its folder.
        workplace: Where.
        **more: `priority` of the request, `begin` as `answer` takes it.
    """
    given = {"priority": more.pop("priority")} if "priority" in more else {}
    portal = FakePortal(
        revision_id=str(uuid.uuid4()),
        token=TOKEN,
        instances={str(d.SOPInstanceUID): to_bytes(d) for d in datasets},
        models={package_hash(package): write_package_zip(package)},
    )
    with portal:
        result = answer(
            InferRequest(
                run_id=str(uuid.uuid4()),
                revision_id=portal.revision_id,
                package_hash=package_hash(package),
                token=TOKEN,
                portal_url=portal.url,
                **given,
            ),
            workplace=workplace,
            **more,
        )
    again = InferResult.from_message(json.loads(json.dumps(result.to_message())))
    assert again == result
    return result, portal.artefacts


def paint(slices, *, box=(4, 9, 12, 28, 30, 40), bright=90, dark=10):
    """Make every slice dark but for a bright block (from, to) in z, y, x.

    Returns:
        The slices' own pixels that are bright, by SOP Instance UID.
    """
    z0, z1, y0, y1, x0, x1 = box
    truth = {}
    for index, dataset in enumerate(slices):
        pixels = np.full((dataset.Rows, dataset.Columns), dark, np.int16)
        if z0 <= index < z1:
            pixels[y0:y1, x0:x1] = bright
        dataset.PixelData = pixels.tobytes()
        truth[str(dataset.SOPInstanceUID)] = pixels == bright
    return truth


def masks_of(result, artefacts):
    mask = result.findings[0].mask
    shape = (len(mask.sop_uids), mask.rows, mask.columns)
    values = unpack_mask(artefacts[mask.artefact.sha256], shape=shape)
    return dict(zip(mask.sop_uids, values, strict=True)), mask


# --- the whole way


def test_a_mask_comes_back_on_the_slices_it_was_seen_on(package, workplace):
    slices = make_ct_series(n_slices=14, side=48, spacing_mm=2.5)
    truth = paint(slices)
    slices = [slices[k] for k in np.random.default_rng(4).permutation(14)]
    result, artefacts = ask(slices, package, workplace)
    assert (result.state, result.reason) == ("done", "")
    (finding,) = result.findings
    found, mask = masks_of(result, artefacts)
    assert set(found) == set(truth)
    for uid, expected in truth.items():
        np.testing.assert_array_equal(found[uid], expected)
    heights = {str(d.SOPInstanceUID): d.ImagePositionPatient[2] for d in slices}
    order = [heights[uid] for uid in mask.sop_uids]
    assert order == sorted(order), "frames go up, whatever the instance numbers say"
    assert mask.artefact.media_type == MASK_MEDIA_TYPE
    assert mask.volume_ml == pytest.approx(5 * 16 * 10 * 2.5 / 1000, abs=1e-3)
    assert finding.box.points == ((30.0, 12.0), (40.0, 28.0))
    assert truth[finding.box.sop_uid].any()
    assert finding.probability == pytest.approx(1 / (1 + np.exp(-8.0)), abs=1e-3)


@pytest.mark.parametrize(
    "orientation",
    [
        [-1, 0, 0, 0, 1, 0],
        [1, 0, 0, 0, -1, 0],
        [-1, 0, 0, 0, -1, 0],
        [0.9962, 0.0872, 0, -0.0872, 0.9962, 0],
    ],
)
def test_turned_slices_get_their_mask_turned_back(package, workplace, orientation):
    slices = make_ct_series(n_slices=12, side=40)
    truth = paint(slices, box=(2, 5, 3, 11, 20, 37))
    for dataset in slices:
        dataset.ImageOrientationPatient = orientation
    result, artefacts = ask(slices, package, workplace)
    assert (result.state, result.reason) == ("done", "")
    found, mask = masks_of(result, artefacts)
    for uid, expected in truth.items():
        np.testing.assert_array_equal(found[uid], expected)
    # The same order as that in which the pack is scrolled.
    assert list(mask.sop_uids) == sort_along_normal(
        Placed(
            sop_uid=str(d.SOPInstanceUID),
            number=int(d.InstanceNumber),
            position=tuple(float(v) for v in d.ImagePositionPatient),
            orientation=tuple(float(v) for v in d.ImageOrientationPatient),
        )
        for d in slices
    )


def test_few_volumes_are_in_memory_and_what_is_urgent_waits_for_none(
    package, workplace
):
    slices = make_ct_series(n_slices=5, side=32)
    go_on, begun, results = threading.Event(), [], []

    def want(priority):
        found, _ = ask(
            slices,
            package,
            workplace,
            priority=priority,
            begin=lambda: begun.append(priority),
        )
        results.append(found.state)

    def start(*priorities):
        made = [threading.Thread(target=want, args=(each,)) for each in priorities]
        for one in made:
            one.start()
        return made

    def until_begun(n):
        ends = time.monotonic() + 20
        while len(begun) < n and time.monotonic() < ends:
            time.sleep(0.01)
        time.sleep(0.3)  # were there room, a further one would begin meanwhile
        return len(begun)

    busy = threading.Thread(target=lambda: workplace.engine.call(go_on.wait))
    busy.start()
    asking = [busy, *start(*[6] * (VOLUMES + 3))]
    assert until_begun(VOLUMES) == VOLUMES
    asking += start(0)
    assert until_begun(VOLUMES + 1) == VOLUMES + 1
    assert begun[-1] == 0
    go_on.set()
    for one in asking:
        one.join(60)
    assert results == ["done"] * (VOLUMES + 4)


def test_a_study_without_the_finding_has_a_score_and_no_mask(package, workplace):
    slices = make_ct_series(n_slices=10, side=40)
    paint(slices, box=(0, 10, 0, 4, 0, 4), bright=20)
    result, artefacts = ask(slices, package, workplace)
    (finding,) = result.findings
    assert finding.probability < 0.01
    assert finding.mask is None
    assert finding.box is None
    assert artefacts == {}


def test_specks_are_left_out(package, workplace):
    slices = make_ct_series(n_slices=10, side=40, spacing_mm=1.0)
    truth = paint(slices, box=(3, 8, 10, 20, 10, 20))
    corner = np.frombuffer(slices[5].PixelData, np.int16).reshape(40, 40).copy()
    corner[35:37, 35:37] = 90
    slices[5].PixelData = corner.tobytes()
    result, artefacts = ask(slices, package, workplace)
    found, _ = masks_of(result, artefacts)
    for uid, expected in truth.items():
        np.testing.assert_array_equal(found[uid], expected)


def test_rescaled_and_unevenly_sized_voxels_are_hounsfield(package, workplace):
    slices = make_ct_series(n_slices=9, side=40, spacing_mm=3.0)
    truth = paint(slices, box=(2, 6, 10, 20, 10, 25), bright=1114, dark=1034)
    for dataset in slices:
        dataset.RescaleIntercept = "-1024"
        dataset.PixelSpacing = [0.5, 0.5]
    result, artefacts = ask(slices, package, workplace)
    found, mask = masks_of(result, artefacts)
    for uid, expected in truth.items():
        np.testing.assert_array_equal(found[uid], expected)
    assert mask.volume_ml == pytest.approx(4 * 10 * 15 * 3.0 * 0.25 / 1000, abs=1e-3)


def test_a_random_network_runs_the_whole_way_and_repeats_itself(tmp_path, workplace):
    torch.manual_seed(3)
    folder = tmp_path / "random"
    save_package(
        folder,
        card=card(
            architecture={"name": "monai_unet", "params": TINY},
            preprocessing=[
                {"name": "resample", "spacing_mm": [3.0, 1.5, 1.5]},
                {"name": "clip_hu", "low": -100.0, "high": 200.0},
            ],
            labels=[{**card()["labels"][0], "threshold": 0.0}],
        ),
        module=build("monai_unet", **TINY),
    )
    slices = make_ct_series(n_slices=11, side=50)
    one, _ = ask(slices, folder, workplace)
    other, _ = ask(slices, folder, workplace)
    assert one.state == "done", one.reason
    assert one.findings == other.findings
    assert one.quality["slices"] == 11
    assert one.quality["spacing_mm"] == [2.0, 1.0, 1.0]


# --- what is no volume, in plain words


def tilt(slices):
    for dataset in slices:
        x, y, z = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x, float(y) + 0.27 * float(z), z]


def drop_one(slices):
    del slices[4]


def repeat_one(slices):
    slices[3].ImagePositionPatient = slices[2].ImagePositionPatient


def turn_one(slices):
    slices[3].ImageOrientationPatient = [0.98, 0.199, 0, -0.199, 0.98, 0]


def make_sagittal(slices):
    for index, dataset in enumerate(slices):
        dataset.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
        dataset.ImagePositionPatient = [2.0 * index, 0, 0]


def lose_a_place(slices):
    del slices[5].ImagePositionPatient


def lose_pixel_size(slices):
    for dataset in slices:
        del dataset.PixelSpacing


def crop_one(slices):
    slices[1].Rows = 20
    slices[1].PixelData = slices[1].PixelData[: 20 * 40 * 2]


def mark_synthetic(slices):
    slices[2].SyntheticData = "YES"


def be_mri(slices):
    for dataset in slices:
        dataset.Modality = "MR"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (tilt, "the gantry was tilted by 15°"),
        (drop_one, "slices are missing or lie at uneven distances"),
        (repeat_one, "several images lie at one place"),
        (turn_one, "the images of the series are not parallel"),
        (make_sagittal, "the slices are not axial"),
        (lose_a_place, "not every image says where it lies"),
        (lose_pixel_size, "not every image says how large its pixels are"),
        (crop_one, "the images of the series differ in size"),
        (mark_synthetic, "the model is not for phantoms"),
        (be_mri, "the study has no series of slices that the model judges"),
    ],
)
def test_what_is_no_volume_is_turned_down_with_the_reason(
    package, workplace, spoil, reason
):
    slices = make_ct_series(n_slices=9, side=40)
    spoil(slices)
    result, artefacts = ask(slices, package, workplace)
    assert result.state == "rejected"
    assert reason in result.reason
    assert artefacts == {}


def headers_of(**more):
    return [read_header(to_bytes(d)) for d in make_ct_series(side=16, **more)]


def test_the_longest_series_of_the_right_part_is_taken():
    short = headers_of(n_slices=4)
    long = headers_of(n_slices=9)
    firsts = {"a": short[0], "b": long[0]}
    counts = {"a": 4, "b": 9}
    rules = {"modalities": ["CT"], "body_parts": ["CHEST"]}
    assert choose_series(firsts, counts, rules=rules) == "b"
    with pytest.raises(VolumeError, match="no series of slices"):
        choose_series(firsts, counts, rules={**rules, "body_parts": ["HEAD"]})
    with pytest.raises(VolumeError, match="at least 20 are needed"):
        choose_series(firsts, counts, rules={**rules, "volume": {"min_slices": 20}})
    with pytest.raises(VolumeError, match="more than the model's limit"):
        choose_series(firsts, counts, rules={**rules, "volume": {"max_voxels": 2000}})


def test_slices_too_far_apart_for_the_model_are_turned_down():
    rules = {"volume": {"max_spacing_mm": [3, 1, 1]}}
    assert find_geometry(headers_of(spacing_mm=3.0), rules=rules).spacing[0] == 3.0
    with pytest.raises(VolumeError, match=r"the slices lie 4.0 mm apart"):
        find_geometry(headers_of(spacing_mm=4.0), rules=rules)


# --- preprocessing


def test_stretching_keeps_places_and_means():
    values = torch.zeros(10, 20, 20)
    values[4:6, 8:12, 10:16] = 1.0
    fine = stretch(values, (20, 40, 60))
    centre = [float(axis.float().mean()) + 0.5 for axis in torch.where(fine > 0.5)]
    assert centre == pytest.approx([10.0, 20.0, 39.0], abs=0.3)
    coarse = stretch(values, (5, 10, 10))
    assert float(coarse.mean()) == pytest.approx(float(values.mean()), rel=0.05)


def test_a_volume_is_resampled_and_clipped_as_declared():
    values = torch.full((8, 10, 12), 30.0)
    found, spacing = prepare_volume(
        values,
        (5.0, 1.0, 1.0),
        steps=[
            {"name": "resample", "spacing_mm": [2.5, 2.0, 2.0]},
            {"name": "clip_hu", "low": 0.0, "high": 60.0},
        ],
    )
    assert tuple(found.shape) == (16, 5, 6)
    assert spacing == (2.5, 2.0, 2.0)
    assert torch.allclose(found, torch.tensor(0.5))
