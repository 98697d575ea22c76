"""Pixels for models, modality by modality: phantoms with known truth, real files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from tests.factories.dicom import make_ct_series, make_dx, to_bytes
from workers.packs.isolation import IsolatedDecoder
from workers.phantoms.breast import mammogram
from workers.phantoms.head import head_volume
from workers.phantoms.settings import TRAIN
from workers.pixels.breast import chest_wall_expected, find_breast
from workers.pixels.ct import Window, window_channels
from workers.pixels.frames import read_frames
from workers.pixels.grids import (
    lay_on,
    resample,
    straighten,
    to_grid,
    to_lps,
    values_of,
)
from workers.pixels.image import ImageError, load_image, load_values, read_header
from workers.pixels.mr import body_mask, correct_bias, match_roles, standardise
from workers.pixels.stacks import sort_series
from workers.pixels.ultrasound import clean_frames, read_regions
from workers.pixels.views import view_of

DATA = Path(__file__).parents[4] / "shared/data"
real_data = pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here")
SMALL = DATA / "dicom_small"


@pytest.fixture(scope="module")
def decoder():
    with IsolatedDecoder() as found:
        yield found


def volume(paths, decoder):
    """Return the first stack of a folder's files with its values."""
    contents = {}
    for path in paths:
        content = path.read_bytes()
        contents[read_header(content).sop_uid] = content
    series = sort_series(read_header(c) for c in contents.values())
    stack = series.stacks[0]
    values = [load_values(contents[h.sop_uid], decoder=decoder) for h in stack.headers]
    return stack, np.stack(values)


# --- CT


def test_windows_become_channels_from_0_to_1():
    hu = np.array([[-3024.0, -1000.0, 0.0, 40.0, 80.0, 3000.0]])
    found = window_channels(
        hu, [Window(level=40, width=80), Window(level=-600, width=1500)]
    )
    assert found.dtype == np.float32
    assert found.shape == (2, 1, 6)
    assert found[0, 0] == pytest.approx([0, 0, 0, 0.5, 1, 1])
    assert found[1, 0, :3] == pytest.approx([0.2174, 0.2333, 0.9], abs=1e-3)
    with pytest.raises(ImageError, match="width"):
        Window(level=0, width=0)


def test_a_phantom_head_keeps_its_bleeds_millilitres_when_resampled():
    head = next(
        found
        for found in (head_volume(seed, TRAIN) for seed in range(4, 40))
        if found.mask.sum() > 4000
    )
    image = sitk.GetImageFromArray(head.mask.astype(np.float32))
    image.SetSpacing([float(s) for s in reversed(head.spacing_mm)])
    found = resample(image, spacing_mm=(4.0, 2.0, 2.0))
    ml = values_of(found).sum() * np.prod(found.GetSpacing())
    truth = head.mask.sum() * np.prod(head.spacing_mm)
    assert ml == pytest.approx(truth, rel=0.05)
    # Edges stay: the same box of the patient is covered.
    for axis in range(3):
        assert found.GetSize()[axis] * found.GetSpacing()[axis] == pytest.approx(
            image.GetSize()[axis] * image.GetSpacing()[axis]
        )


def test_a_tilted_head_is_put_straight():
    slices = make_ct_series(n_slices=15, side=64)
    headers = [read_header(to_bytes(d)) for d in slices]
    lean = 0.3
    tilted = sort_series(
        replace(
            h,
            position=(
                h.position[0],
                h.position[1] + lean * h.position[2],
                h.position[2],
            ),
        )
        for h in headers
    ).stacks[0]
    assert tilted.tilt_deg == pytest.approx(16.7, abs=0.1)
    # A straight rod along z: in tilted slices it wanders, put straight it stands.
    values = np.full((15, 64, 64), -1000.0, np.float32)
    for k, height in enumerate(tilted.heights):
        row = 32 - lean * height
        values[k] = np.where(
            np.abs(np.arange(64)[:, None] - row) < 4, 100.0, -1000.0
        ) * np.ones(64)
    found = values_of(straighten(tilted, to_grid(tilted, values)))
    first = float(tilted.positions[0] @ np.array(tilted.normal))
    centres = [
        float((np.arange(64)[:, None] * (s + 1000)).sum() / (s + 1000).sum())
        for s in found
    ]
    before = [
        float((np.arange(64)[:, None] * (s + 1000)).sum() / (s + 1000).sum())
        for s in values
    ]
    assert np.ptp(before) > 7
    assert np.ptp(centres) < 0.7
    assert first == pytest.approx(-14.0)


@pytest.mark.real_data
@real_data
def test_a_real_chest_ct_is_in_hounsfield_units_on_its_grid(decoder):
    (folder,) = (DATA / "ct_chest_nlst_143").glob("CT*")
    paths = sorted(folder.glob("*.dcm"))[40:80]
    stack, hu = volume(paths, decoder)
    image = to_grid(stack, hu)
    assert image.GetSpacing()[2] == pytest.approx(2.0)
    middle = hu[20]
    assert np.percentile(middle[200:320, 200:320], 50) > -200
    lung = (middle > -950) & (middle < -700)
    assert lung.mean() > 0.1, "lungs are air in tissue"
    coarse = resample(image, spacing_mm=(4.0, 1.5, 1.5))
    assert values_of(coarse).mean() == pytest.approx(hu.mean(), abs=3.0)
    channels = window_channels(
        values_of(coarse), [Window(level=-600, width=1500), Window(level=40, width=400)]
    )
    assert channels.shape[0] == 2
    assert channels.min() == 0
    assert channels.max() == 1
    # Turned to the patient's axes, a point keeps its place.
    turned = to_lps(image)
    point = image.TransformIndexToPhysicalPoint((10, 20, 5))
    assert turned[turned.TransformPhysicalPointToIndex(point)] == image[10, 20, 5]


# --- MR


def test_n4_takes_the_shading_out_and_z_scores_are_of_the_tissue():
    _, y, x = np.mgrid[:16, :64, :64].astype(float)
    inside = ((y - 32) ** 2 + (x - 32) ** 2) < 26**2
    tissue = np.where((x + y) % 16 < 8, 300.0, 420.0) * inside
    shading = np.exp(0.8 * (x - 32) / 32)
    noise = np.random.default_rng(0).normal(0, 4, tissue.shape)
    image = sitk.GetImageFromArray(
        (tissue * shading + np.abs(noise)).astype(np.float32)
    )
    mask = body_mask(image)
    assert (sitk.GetArrayFromImage(mask).astype(bool) == inside).mean() > 0.95
    found = values_of(correct_bias(image))

    def unevenness(values):
        left = values[inside & (x < 24)].mean()
        right = values[inside & (x > 40)].mean()
        return abs(np.log(right / left))

    assert unevenness(tissue * shading) > 0.7
    assert unevenness(found) < 0.15
    scores = standardise(found, mask=inside)
    assert scores[inside].mean() == pytest.approx(0, abs=1e-3)
    assert scores[inside].std() == pytest.approx(1, abs=1e-3)
    assert not scores[~inside].any()


@pytest.mark.real_data
@real_data
def test_real_sequences_are_matched_and_laid_on_one_grid(decoder):
    stacks, contents = {}, {}
    for folder in sorted((DATA / "mr_prostatex").glob("MR_*")):
        found = [path.read_bytes() for path in sorted(folder.glob("*.dcm"))]
        headers = [read_header(c) for c in found]
        contents |= {h.sop_uid: c for h, c in zip(headers, found, strict=True)}
        stacks[folder.name] = sort_series(headers).stacks
    chosen = match_roles(stacks, wanted=["T2", "ADC", "DWI"])
    grids = {
        role: to_grid(
            stack,
            np.stack(
                [
                    load_values(contents[h.sop_uid], decoder=decoder)
                    for h in stack.headers
                ]
            ),
        )
        for role, stack in chosen.items()
    }
    reference = resample(grids["T2"], spacing_mm=(3.0, 1.0, 1.0))
    for role in ("ADC", "DWI"):
        laid, covered = lay_on(grids[role], reference)
        assert laid.GetSize() == reference.GetSize()
        assert 0.5 < covered <= 1.0
        # The prostate and its surroundings are where they are on the T2.
        inside = values_of(laid)[5:16]
        assert inside.std() > 10
    corrected = correct_bias(reference)
    scores = standardise(
        values_of(corrected),
        mask=sitk.GetArrayFromImage(body_mask(corrected)).astype(bool),
    )
    assert np.isfinite(scores).all()
    assert abs(float(scores[scores != 0].mean())) < 0.01


# --- films


@pytest.mark.parametrize(
    ("orientation", "mirrored", "upside_down"),
    [(["L", "F"], False, False), (["R", "F"], True, False), (["L", "H"], False, True)],
)
def test_a_film_says_its_view_and_how_it_lies(orientation, mirrored, upside_down):
    dataset = make_dx(np.zeros((200, 200), np.uint16), view="PA")
    dataset.PatientOrientation = orientation
    dataset.ImageLaterality = "L"
    found = view_of(read_header(to_bytes(dataset)))
    assert (found.kind, found.side) == ("frontal", "L")
    assert (found.is_mirrored, found.is_upside_down) == (mirrored, upside_down)


@pytest.mark.real_data
@real_data
def test_a_real_monochrome1_film_is_shown_the_right_way(decoder):
    content = (SMALL / "pydicom_data/RG3_J2KI.dcm").read_bytes()
    header = read_header(content)
    image = load_image(content, header=header, decoder=decoder)
    assert view_of(header).kind == "frontal"
    raw = load_values(content, decoder=decoder)
    assert np.corrcoef(raw[::8, ::8].ravel(), image.values[::8, ::8].ravel())[0, 1] < 0


# --- mammograms


def test_the_breast_is_found_on_phantoms_and_its_letters_are_left_out():
    made = mammogram(3, TRAIN)
    for (side, view), picture in made.views.items():
        values = np.asarray(picture, np.float32) / 4095.0
        rows, columns = values.shape
        values[40 : rows // 20 + 40, columns // 2 : columns // 2 + 60] = 1.0
        found = find_breast(values)
        assert found.chest_wall == ("left" if side == "L" else "right"), (side, view)
        assert 0.1 < found.share < 0.9
        inside = found.mask[values > 0.5].mean()
        assert inside > 0.9
        mass = made.masks.get((side, view))
        if mass is not None and mass.any():
            assert found.mask[np.asarray(mass, bool)].mean() > 0.98
    assert chest_wall_expected(side="R", left="A") == "right"
    assert chest_wall_expected(side="L", left="P") == "left"
    assert chest_wall_expected(side="R", left="") == "right"


def test_a_picture_without_breast_is_said_to_be_one():
    with pytest.raises(ImageError, match="no breast"):
        find_breast(np.zeros((400, 300), np.float32))


# --- ultrasound


def test_writing_and_surroundings_of_a_loop_are_blackened():
    rng = np.random.default_rng(5)
    frames = np.zeros((8, 120, 160), np.float32)
    frames[:, 20:110, 30:140] = rng.uniform(0.1, 0.9, (8, 90, 110))
    frames[:, 4:10, 4:60] = 1.0
    frames[:, 40:44, 50:62] = 0.95
    found = clean_frames(frames)
    assert found.said == "picture"
    assert found.masked[:12].all()
    assert found.masked[41:43, 51:61].all(), "a caliper on the scan"
    assert 0 < found.masked_marks < 0.03
    kept = ~found.masked[22:108, 32:138]
    assert kept.mean() > 0.97
    assert not found.values[:, found.masked].any()


@pytest.mark.real_data
@real_data
def test_a_real_loop_and_a_real_still_lose_what_is_written(decoder):
    content = (SMALL / "pydicom_test_files/examples_ybr_color.dcm").read_bytes()
    header = read_header(content)
    assert len(read_frames(content)) == 30
    assert read_regions(content) == (), (
        "its regions are of another size than its pixels"
    )
    frames = np.stack(
        [
            load_image(content, header=header, decoder=decoder, frame=f).values
            for f in range(1, 31, 3)
        ]
    )
    found = clean_frames(frames)
    assert 0.05 < (~found.masked).mean() < 0.9
    still = (SMALL / "pydicom_data/JPGLosslessP14SV1_1s_1f_8b.dcm").read_bytes()
    (region,) = read_regions(still)
    assert region.rows == (38, 759)
    image = load_image(still, header=read_header(still), decoder=decoder)
    found = clean_frames(image.values[None], regions=(region,))
    assert found.said == "regions"
    assert not found.values[:, :38].any()
