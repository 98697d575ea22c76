"""Models of several series: each on the first one's grid, in the card's order."""

from __future__ import annotations

import json
import uuid

import numpy as np
import onnx
import pytest
import SimpleITK as sitk
from onnx import TensorProto, helper
from pydicom.uid import generate_uid
from scipy import ndimage

from tests.factories.dicom import make_mr_series, to_bytes
from tests.fakes.portal import FakePortal
from workers.contracts import InferRequest, InferResult
from workers.inference.answering import answer
from workers.inference.segment import unpack_mask
from workers.model_files import CARD_NAME, ONNX_NAME, hash_files, write_card, zip_files
from workers.models.package import PackageError, load_package

TOKEN = "scoped-token"
LESION = "52988006"
WEIGHTS = (0.02, -0.05, 0.03)
BIAS = -1.0
ROLES = [
    {"name": "T2", "weighting": "T2", "planes": ["axial"]},
    {"name": "ADC", "weighting": "ADC"},
    {"name": "DWI", "weighting": "DWI", "b_value": {"min": 700}},
]


def graph(weights=WEIGHTS, bias=BIAS):
    """Return an ONNX graph: each voxel's weighted sum of its channels."""
    shape = [1, len(weights), "d", "h", "w"]
    kernel = np.array(weights, np.float32).reshape(1, -1, 1, 1, 1)
    made = helper.make_graph(
        [helper.make_node("Conv", ["x", "w", "b"], ["y"], kernel_shape=[1, 1, 1])],
        "sum",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, "d", "h", "w"])],
        [
            onnx.numpy_helper.from_array(kernel, "w"),
            onnx.numpy_helper.from_array(np.array([bias], np.float32), "b"),
        ],
    )
    model = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9
    )
    return model.SerializeToString()


def card(**changes):
    return {
        "name": "test-channels",
        "version": "1",
        "intended_use": "detection",
        "labels": [
            {
                "code": LESION,
                "scheme": "SCT",
                "display": "Lesion",
                "threshold": 0.0,
            }
        ],
        "input": {
            "kind": "volume",
            "modalities": ["MR"],
            "roles": ROLES,
            "volume": {"min_slices": 3},
            **changes.pop("input", {}),
        },
        "preprocessing": [],
        "architecture": {"name": "onnx_volume", "params": {"n_outputs": 1}},
        "segmentation": {
            "window": [],
            "voxel_threshold": 0.5,
            "min_ml": 0.0,
            "score": {"name": "mean_of_top", "ml": 0.05},
        },
        "calibration": {"labels": [{"code": LESION, "slope": 1.0, "intercept": 0.0}]},
        **changes,
    }


def package(content=None, **changes):
    return {
        CARD_NAME: write_card(card(**changes)),
        ONNX_NAME: content or graph(),
    }


def ask(datasets, files, workplace, **more):
    portal = FakePortal(
        revision_id=str(uuid.uuid4()),
        token=TOKEN,
        instances={str(d.SOPInstanceUID): to_bytes(d) for d in datasets},
        models={hash_files(files): zip_files(files)},
    )
    with portal:
        result = answer(
            InferRequest(
                run_id=str(uuid.uuid4()),
                revision_id=portal.revision_id,
                package_hash=hash_files(files),
                token=TOKEN,
                portal_url=portal.url,
                **more,
            ),
            workplace=workplace,
        )
    again = InferResult.from_message(json.loads(json.dumps(result.to_message())))
    assert again == result
    return result, portal.artefacts


# --- a study of known values


class Grid:
    """Values on a grid in the patient; `at` samples them without any of our code."""

    def __init__(self, values, *, origin, spacing, orientation=(1, 0, 0, 0, 1, 0)):
        self.values = np.round(values).astype(np.float64)
        self.place = {"origin": origin, "spacing": spacing, "orientation": orientation}
        across, down = np.array(orientation[:3]), np.array(orientation[3:])
        axes = np.stack((np.cross(across, down), down, across), axis=1)
        self.matrix = axes * np.array(spacing)
        self.origin = np.array(origin)

    def centres(self):
        """Return where the voxels' centres are, [3, n] mm."""
        index = np.indices(self.values.shape).reshape(3, -1)
        return self.matrix @ index + self.origin[:, None]

    def at(self, points):
        """Return linear samples; the least value outside, edges half a voxel wide."""
        index = np.linalg.solve(self.matrix, points - self.origin[:, None])
        found = ndimage.map_coordinates(self.values, index, order=1, mode="nearest")
        ends = np.array(self.values.shape)[:, None] - 0.5
        inside = ((index >= -0.5) & (index < ends)).all(axis=0)
        return np.where(inside, found, self.values.min()), inside


def smooth(seed, shape, top):
    noise = np.random.default_rng(seed).random(shape)
    soft = ndimage.gaussian_filter(noise, 1.5)
    return (soft - soft.min()) / (soft.max() - soft.min()) * top


def turned(degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return (1.0, 0.0, 0.0, 0.0, float(c), float(-s))


def make_study(**changes):
    """Return grids by role and the datasets of a study in which they lie."""
    grids = {
        "T2": Grid(
            smooth(1, (10, 24, 20), 900), origin=(-10, -12, 5), spacing=(3, 1, 1)
        ),
        "ADC": Grid(
            smooth(2, (12, 18, 16), 1500),
            origin=(-13, -16, 4),
            spacing=(2.5, 2, 2),
            orientation=turned(8),
        ),
        "DWI": Grid(
            smooth(3, (12, 18, 16), 400), origin=(-14.5, -15, 3), spacing=(2.5, 2, 2)
        ),
    }
    study, frame = generate_uid(), generate_uid()
    common = {"study_uid": study, "frame_of_reference_uid": frame}
    series = {
        "T2": {
            "description": "t2_tse_tra",
            "series_number": 4,
            "sequence_name": "*tse2d1_25",
        },
        "ADC": {
            "description": "ep2d_diff_ADC",
            "series_number": 9,
            "image_type": ("DERIVED", "PRIMARY", "DIFFUSION", "ADC"),
            "scanning": "EP",
        },
        "DWI": {
            "description": "ep2d_diff",
            "series_number": 8,
            "image_type": ("DERIVED", "PRIMARY", "DIFFUSION", "TRACEW"),
            "scanning": "EP",
            "b_value": 800,
        },
    }
    datasets = []
    for role, grid in grids.items():
        made = {**common, **series[role], **grid.place, **changes.get(role, {})}
        datasets += make_mr_series(values=grid.values, **made)
    # A lower b-value at the same places, in the same series, as machines send it.
    high = next(d for d in datasets if d.SeriesNumber == 8)
    low = {**common, **series["DWI"], **grids["DWI"].place, "b_value": 50}
    low |= {"series_uid": high.SeriesInstanceUID, **changes.get("DWI", {})}
    datasets += make_mr_series(values=grids["DWI"].values + 700, **low)
    return grids, [
        datasets[k] for k in np.random.default_rng(0).permutation(len(datasets))
    ]


def expected_odds(grids, order=("T2", "ADC", "DWI"), weights=WEIGHTS):
    """Return the network's output on the T2's grid, by NumPy and SciPy alone."""
    points = grids["T2"].centres()
    sums = sum(w * grids[r].at(points)[0] for r, w in zip(order, weights, strict=True))
    return (sums + BIAS).reshape(grids["T2"].values.shape)


def mask_by_uid(result, artefacts):
    mask = result.findings[0].mask
    shape = (len(mask.sop_uids), mask.rows, mask.columns)
    values = unpack_mask(artefacts[mask.artefact.sha256], shape=shape)
    return dict(zip(mask.sop_uids, values, strict=True)), mask


def assert_is(odds, result, artefacts, datasets):
    """Assert that a result is what the network gives of known channels."""
    found, mask = mask_by_uid(result, artefacts)
    slices = sorted(
        (d for d in datasets if d.SeriesNumber == 4),
        key=lambda d: d.ImagePositionPatient[2],
    )
    assert list(mask.sop_uids) == [str(d.SOPInstanceUID) for d in slices]
    assert mask.series_uid == str(slices[0].SeriesInstanceUID)
    for dataset, plane in zip(slices, odds, strict=True):
        clear = np.abs(plane) > 1e-2
        marked = found[str(dataset.SOPInstanceUID)]
        np.testing.assert_array_equal(marked[clear], (plane > 0)[clear])
    n = round(0.05 / (3 * 1 * 1 / 1000))
    top = np.sort(odds.ravel())[-n:].mean()
    assert result.findings[0].raw_score == pytest.approx(top, abs=1e-2)
    assert 0.05 < (odds > 0).mean() < 0.95, "the test would prove little"


@pytest.mark.parametrize("named", [True, False])
def test_the_channels_are_the_series_in_the_cards_order_where_they_lie(
    workplace, named
):
    grids, datasets = make_study()
    uids = {int(d.SeriesNumber): str(d.SeriesInstanceUID) for d in datasets}
    series = {"T2": uids[4], "ADC": uids[9], "DWI": uids[8]} if named else {}
    result, artefacts = ask(datasets, package(), workplace, series=series)
    assert (result.state, result.reason) == ("done", "")
    assert_is(expected_odds(grids), result, artefacts, datasets)
    inputs = {row["role"]: row for row in result.quality["inputs"]}
    assert list(inputs) == ["T2", "ADC", "DWI"]
    assert [row["series_uid"] for row in inputs.values()] == [uids[4], uids[9], uids[8]]
    assert (inputs["DWI"]["b_value"], inputs["DWI"]["images"]) == (800.0, 12)
    _, inside = grids["ADC"].at(grids["T2"].centres())
    assert inputs["ADC"]["cover"] == pytest.approx(inside.mean(), abs=0.02)
    assert inputs["T2"]["cover"] == 1.0
    (told,) = [c for c in result.quality["checks"] if c["name"] == "inputs"]
    assert told["words"] == "T2 is series 4; ADC is series 9; DWI is series 8, b 800"


def test_another_order_on_the_card_is_another_order_of_channels(workplace):
    grids, datasets = make_study()
    roles = [ROLES[0], ROLES[2], ROLES[1]]
    weights = (0.02, 0.04, -0.03)
    files = package(graph(weights), input={"roles": roles})
    result, artefacts = ask(datasets, files, workplace)
    odds = expected_odds(grids, order=("T2", "DWI", "ADC"), weights=weights)
    assert_is(odds, result, artefacts, datasets)


def test_a_role_has_steps_of_its_own_before_it_is_laid_on_the_first(workplace):
    grids, datasets = make_study()
    step = {"name": "normalise_intensity", "nonzero": False, "channel_wise": False}
    roles = [ROLES[0], {**ROLES[1], "preprocessing": [step]}]
    files = package(graph((0.01, 1.5)), input={"roles": roles})
    result, artefacts = ask(datasets, files, workplace)
    assert (result.state, result.reason) == ("done", "")
    adc = grids["ADC"].values
    grids["ADC"].values = (adc - adc.mean()) / adc.std()
    odds = expected_odds(grids, order=("T2", "ADC"), weights=(0.01, 1.5))
    assert_is(odds, result, artefacts, datasets)


def shaded_t2():
    """Return tissue of two kinds in air, brighter towards one side as by a coil."""
    slices, rows, columns = np.indices((12, 40, 44)).astype(float)
    away = np.hypot((rows - 20) / 16, (columns - 22) / 18)
    tissue = np.where(away < 1, 400.0, 10.0) + np.where(away < 0.5, 250.0, 0.0)
    noise = np.random.default_rng(7).normal(0, 8, tissue.shape)
    coil = np.exp(0.7 * (columns - 22) / 22 + 0.2 * (slices - 6) / 6)
    return ((tissue + noise).clip(0) * coil).round()


def n4_by_itself(values, spacing):
    """Correct the shading by SimpleITK's filter as its documentation does it."""
    image = sitk.GetImageFromArray(values.astype(np.float32))
    image.SetSpacing(spacing[::-1])
    inside = sitk.OtsuThreshold(image, 0, 1, 128)
    inside = sitk.BinaryFillhole(sitk.BinaryMorphologicalClosing(inside, [2, 2, 0]))
    fit = sitk.N4BiasFieldCorrectionImageFilter()
    fit.SetMaximumNumberOfIterations([40, 40, 20])
    fit.SetConvergenceThreshold(1e-4)
    fit.Execute(image, sitk.Cast(inside, sitk.sitkUInt8))
    field = sitk.GetArrayFromImage(sitk.Exp(fit.GetLogBiasFieldAsImage(image)))
    return values / field


def test_a_roles_shading_is_taken_out_before_it_is_laid_on_the_first(workplace):
    _, datasets = make_study()
    shaded = shaded_t2()
    place = {"origin": (-20, -18, 0), "spacing": (3, 1, 1)}
    study = str(datasets[0].StudyInstanceUID)
    frame = str(datasets[0].FrameOfReferenceUID)
    kept = [d for d in datasets if d.SeriesNumber == 9]
    t2 = make_mr_series(
        values=shaded,
        study_uid=study,
        frame_of_reference_uid=frame,
        description="t2_tse_tra",
        series_number=4,
        sequence_name="*tse2d1_25",
        **place,
    )
    step = {"name": "correct_bias"}
    asked = {"roles": [{**ROLES[0], "preprocessing": [step]}, ROLES[1]]}
    plain = {"roles": ROLES[:2]}
    asked["roles"][1] = plain["roles"][1] = {**ROLES[1], "min_cover": 0.01}
    weights = (0.01, 0.0)
    corrected, _ = ask(
        [*t2, *kept], package(graph(weights, -4.0), input=asked), workplace
    )
    raw, _ = ask([*t2, *kept], package(graph(weights, -4.0), input=plain), workplace)
    assert (corrected.state, corrected.reason) == ("done", "")

    def top(values):
        n_voxels = round(0.05 / (3 / 1000))
        return np.sort(values.ravel())[-n_voxels:].mean() * 0.01 - 4.0

    apart = n4_by_itself(shaded, place["spacing"])
    assert raw.findings[0].raw_score == pytest.approx(top(shaded), abs=1e-3)
    found = corrected.findings[0].raw_score
    # Its field is fitted on every second voxel, the other's on all of them.
    assert found == pytest.approx(top(apart), abs=0.35)
    assert raw.findings[0].raw_score > found + 3


def test_the_cards_own_steps_are_done_to_every_channel(workplace):
    grids, datasets = make_study()
    files = package(
        graph((1.0, 2.0)),
        input={"roles": ROLES[:2]},
        preprocessing=[{"name": "clip_hu", "low": 0.0, "high": 1000.0}],
    )
    result, artefacts = ask(datasets, files, workplace)
    points = grids["T2"].centres()
    t2, adc = (np.clip(grids[r].at(points)[0] / 1000, 0, 1) for r in ("T2", "ADC"))
    odds = (t2 + 2 * adc + BIAS).reshape(grids["T2"].values.shape)
    assert_is(odds, result, artefacts, datasets)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"ADC": {"frame_of_reference_uid": "1.2.3"}},
            "the ADC series is in another frame of reference than the T2",
        ),
        (
            {"ADC": {"frame_of_reference_uid": ""}},
            "the ADC series does not say in which frame of reference it lies",
        ),
        (
            {"ADC": {"origin": (-13, -16, 60)}},
            "the ADC series covers 0% of the T2; at least 50% is needed",
        ),
        (
            {"ADC": {"image_type": ("ORIGINAL", "PRIMARY"), "description": "knee"}},
            "needs ADC, which this study lacks; it has T2 and DWI",
        ),
        (
            {"DWI": {"b_value": 400}},
            "series 8 is no DWI: it has b-values of 400",
        ),
        (
            {"T2": {"orientation": (0, 1, 0, 0, 0, -1)}},
            "needs T2 (axial), which this study lacks;"
            " it has T2 (sagittal), DWI and ADC",
        ),
        ({"DWI": {"is_synthetic": True}}, "the model is not for phantoms"),
    ],
)
def test_series_that_do_not_belong_together_are_turned_down_in_words(
    workplace, changes, reason
):
    _, datasets = make_study(**changes)
    result, artefacts = ask(datasets, package(), workplace)
    assert (result.state, artefacts) == ("rejected", {})
    assert reason in result.reason


def test_a_gap_in_any_of_the_series_is_told_with_its_role(workplace):
    _, datasets = make_study()
    adc = sorted(
        (d for d in datasets if d.SeriesNumber == 9), key=lambda d: d.InstanceNumber
    )
    datasets = [d for d in datasets if d is not adc[5]]
    result, _ = ask(datasets, package(), workplace)
    assert result.state == "rejected"
    assert result.reason.startswith("ADC: slices are missing")


def test_what_the_portal_named_and_is_not_that_is_turned_down(workplace):
    _, datasets = make_study()
    uids = {int(d.SeriesNumber): str(d.SeriesInstanceUID) for d in datasets}
    swapped = {"T2": uids[4], "ADC": uids[8], "DWI": uids[9]}
    result, _ = ask(datasets, package(), workplace, series=swapped)
    assert result.state == "rejected"
    assert result.reason == "series 8 is no ADC: it is not made as the model needs it"
    gone = {"T2": uids[4], "ADC": "1.2.3", "DWI": uids[8]}
    result, _ = ask(datasets, package(), workplace, series=gone)
    assert result.reason == "the study has no ADC series"


def test_a_network_of_another_number_of_series_is_no_package():
    with pytest.raises(PackageError, match="takes 2 series as channels and the card"):
        load_package(zip_files(package(graph((1.0, 1.0)))))
