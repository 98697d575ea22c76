"""The gate: what a card declares, what a picture is like, how far out it lies."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from tests.factories.dicom import make_ct_series, make_dx, to_bytes
from workers.model_card import InputRules, Range, SeriesRole
from workers.models.input_space import InputSpace, fit_space
from workers.pixels.image import DisplayImage, read_header
from workers.quality.declared import check_declared
from workers.quality.gate import (
    assess,
    assess_header,
    assess_volume,
    check_space,
    summary_of,
)
from workers.quality.measures import (
    blur,
    ghosting,
    noise,
    rings,
    tissue_noise,
    written_letters,
)
from workers.quality.verdict import verdict_of, words_of

RNG = np.random.default_rng(11)
HEADER = read_header(to_bytes(make_dx(np.zeros((256, 320), np.uint16))))
CT = read_header(to_bytes(make_ct_series(n_slices=1)[0]))


def anatomy(rows=256, columns=320):
    """A soft picture with an edge, as a film has."""
    coarse = RNG.uniform(0.2, 0.8, (rows // 16, columns // 16))
    values = ndimage.zoom(coarse, 16, order=3).clip(0.05, 0.95)
    values[rows // 3 :, columns // 2 :] *= 0.7
    return values.astype(np.float32)


PICTURE = anatomy()


def look(values, *, header=HEADER):
    header = replace(header, rows=values.shape[0], columns=values.shape[1])
    image = DisplayImage(
        header=header, frame=1, values=values.astype(np.float32), voi="window"
    )
    return assess(image)


def outcome(quality, name):
    return next(check.outcome for check in quality.checks if check.name == name)


# --- what the card declares


@pytest.mark.parametrize(
    ("rules", "change", "words"),
    [
        (
            {"age_years": Range(least=1, most=5)},
            {"age_years": 57.0},
            "not of 1 to 5 years",
        ),
        (
            {"age_years": Range(least=1, most=5)},
            {"age_years": 0.9},
            "not of 1 to 5 years",
        ),
        (
            {"age_years": Range(least=18, unknown=False)},
            {"age_years": None},
            "not known",
        ),
        (
            {"body_parts": frozenset({"CHEST"})},
            {"body_part": "HAND"},
            "body part is HAND",
        ),
        ({"views": frozenset({"AP", "PA"})}, {"view": "LL"}, "the view is LL"),
        ({"views_excluded": frozenset({"LPO"})}, {"view": "LPO"}, "excludes"),
        ({"lateralities": frozenset({"L"})}, {"laterality": "R"}, "side is R"),
        ({"sexes": frozenset({"F"})}, {"sex": "M"}, "outside the declared population"),
        ({"manufacturers": frozenset({"SIEMENS"})}, {"manufacturer": "Acme"}, "Acme"),
        (
            {"slice_thickness_mm": Range(most=3)},
            {"slice_thickness_mm": 5.0},
            "5 mm thick",
        ),
        (
            {"contrast": False},
            {"acquisition": replace(CT.acquisition, has_contrast_agent=True)},
            "without",
        ),
    ],
)
def test_what_is_outside_the_card_is_said(rules, change, words):
    header = replace(HEADER, **change)
    (check,) = check_declared(header, InputRules(**rules))
    assert check.is_failed
    assert words in check.words
    assert "57" not in check.words, "an age stays in the worker"
    assert words in "; ".join(assess_header(header, InputRules(**rules)))


@pytest.mark.parametrize(
    ("rules", "change"),
    [
        ({"age_years": Range(least=1, most=5)}, {"age_years": 5.9}),
        ({"age_years": Range(least=1, most=5)}, {"age_years": None}),
        (
            {"manufacturers": frozenset({"SIEMENS"})},
            {"manufacturer": "Siemens Healthineers"},
        ),
        ({"views": frozenset({"AP"})}, {"view": ""}),
        ({"roles": (SeriesRole(name="t2", words=()),)}, {}),
    ],
)
def test_what_is_inside_or_not_stated_is_taken(rules, change):
    checks = check_declared(replace(HEADER, **change), InputRules(**rules))
    assert verdict_of(checks) == "accepted"


# --- what a picture is like


def test_noise_is_measured_in_its_own_unit():
    for sigma in (0.01, 0.05):
        noisy = PICTURE + RNG.normal(0, sigma, PICTURE.shape)
        assert noise(noisy) == pytest.approx(sigma, rel=0.15)
    half = np.zeros((256, 640), np.float32)
    half[:, :320] = PICTURE + RNG.normal(0, 0.05, PICTURE.shape)
    assert noise(half) == pytest.approx(0.05, rel=0.2)


def test_blur_grows_with_blur_and_knows_its_direction():
    textured = PICTURE + RNG.normal(0, 0.05, PICTURE.shape)
    sharp = max(blur(textured))
    soft = max(blur(ndimage.gaussian_filter(textured, 2)))
    assert soft > sharp + 0.2
    down, across = blur(ndimage.uniform_filter1d(textured, 9, axis=0))
    assert down > across + 0.25


@pytest.mark.parametrize("shape", [(300, 260), (40, 9), (3, 30)])
def test_blur_is_what_a_second_blurring_leaves(shape):
    picture = ndimage.gaussian_filter(
        np.random.default_rng(3).random(shape, dtype=np.float32), 1.2
    )
    for axis, found in enumerate(blur(picture)):
        again = ndimage.uniform_filter1d(picture, 9, axis=axis)
        sharp, soft = (np.abs(np.diff(p, axis=axis)) for p in (picture, again))
        lost = np.maximum(sharp - soft, 0).sum() / sharp.sum()
        assert found == pytest.approx(1 - lost, abs=1e-5)


def test_rings_are_found_and_noise_is_none():
    y, x = np.mgrid[:512, :512]
    radius = np.hypot(y - 255.5, x - 255.5)
    head = np.where(radius < 180, 40.0, -1000.0) + RNG.normal(0, 10, (512, 512))
    assert rings(head) < 3
    ringed = head + 30.0 * (np.abs(radius - 70) < 1)
    assert rings(ringed) == pytest.approx(28, abs=8)
    assert tissue_noise(head) == pytest.approx(10, rel=0.1)


def test_a_body_that_moved_has_ghosts_along_one_axis():
    y, x = np.mgrid[:256, :256]
    body = (np.hypot(y - 128, x - 128) < 60) * 1.0
    air = np.abs(RNG.normal(0, 0.01, body.shape))
    assert ghosting(body + air) < 0.01
    moved = body + 0.2 * np.roll(body, 100, axis=0) + 0.2 * np.roll(body, -100, axis=0)
    assert ghosting(moved + air) > 0.03


def test_writing_is_found_and_a_side_marker_is_not():
    lettered = PICTURE.copy()
    for k in range(9):
        lettered[20:32, 30 + 12 * k : 36 + 12 * k] = 1.0
    assert written_letters(lettered) == 9
    marked = PICTURE.copy()
    marked[20:32, 30:36] = 1.0
    assert written_letters(marked) == 0
    assert outcome(look(lettered), "burned_in") == "noted"
    assert look(lettered).is_accepted


@pytest.mark.parametrize(
    ("values", "name", "words"),
    [
        (np.full((256, 256), 0.4), "contrast", "blank"),
        (0.5 + 0.02 * PICTURE, "contrast", "no contrast"),
        ((PICTURE > 0.5) * 1.0, "contrast", "no contrast"),
        (PICTURE + RNG.normal(0, 0.4, PICTURE.shape), "noise", "noisy"),
        (PICTURE[:100, :300], "size", "at least 128"),
    ],
)
def test_what_nobody_would_read_is_turned_away(values, name, words):
    found = look(np.asarray(values))
    assert not found.is_accepted
    assert outcome(found, name) == "failed"
    assert words in "; ".join(found.reasons)
    assert json.dumps(found.as_json())


def test_a_good_picture_passes_with_its_measures():
    found = look(PICTURE + RNG.normal(0, 0.01, PICTURE.shape))
    assert found.is_accepted
    assert found.reasons == ()
    said = {check["name"]: check for check in found.as_json()["checks"]}
    assert said["noise"]["value"] < said["noise"]["limit"]
    assert {"contrast", "sharpness", "motion", "burned_in"} <= set(said)


def test_a_series_is_measured_in_hounsfield_units():
    y, x = np.mgrid[:128, :128]
    body = np.where(np.hypot(y - 63.5, x - 63.5) < 55, 30.0, -1000.0)
    quiet = np.stack([body + RNG.normal(0, 8, body.shape) for _ in range(9)])
    loud = np.stack([body + RNG.normal(0, 90, body.shape) for _ in range(9)])
    rules = InputRules(slice_thickness_mm=Range(most=3))
    headers = [CT] * 9
    good = assess_volume(headers, quiet, rules)
    assert verdict_of(good) == "accepted"
    assert json.dumps(summary_of(good))
    assert "very noisy" in next(
        c.words for c in assess_volume(headers, loud, rules) if c.name == "noise"
    )
    thick = [replace(CT, slice_thickness_mm=5.0)] * 9
    assert words_of(assess_volume(thick, quiet, rules)) == (
        "the slices are 5 mm thick, and the model is for 3 mm at most",
    )
    assert "blank" in words_of(assess_volume(headers, quiet * 0, rules))[0]


# --- how far out it lies


def test_distance_is_mahalanobis_and_says_how_rare():
    vectors = RNG.normal(0, 1, (4000, 6)) * [1, 2, 1, 1, 1, 1] + [10, 0, 0, 0, 0, 0]
    classes = np.zeros(4000)
    means, whitening = fit_space(vectors, classes)
    blank = InputSpace(
        means=means, whitening=whitening, threshold=0, reference=np.zeros(0)
    )
    near = np.sort(blank.distance(vectors))
    # Their mean square is the number of dimensions, however the vectors spread.
    assert np.mean(near**2) == pytest.approx(6, rel=0.05)
    space = replace(blank, threshold=float(np.quantile(near, 0.99)), reference=near)
    first, strange = space.distance(np.stack([vectors[0], [0, 10, 0, 0, 0, 0]]))
    assert check_space(space, float(first)).outcome == "passed"
    far = check_space(space, float(strange))
    assert far.is_failed
    assert far.value > space.threshold
    assert "100.0% of 4000" in far.words
