"""Series sorted by geometry, and what is wrong with them in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.factories.dicom import make_ct_series, to_bytes
from workers.pixels.frames import read_frames
from workers.pixels.image import ImageError, read_header
from workers.pixels.mr import match_roles, role_of
from workers.pixels.stacks import sort_series

DATA = Path(__file__).parents[4] / "shared/data"
real_data = pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here")


def headers_of(**more):
    return [
        read_header(to_bytes(d))
        for d in make_ct_series(side=16, **({"n_slices": 9} | more))
    ]


def words(series):
    return "; ".join(problem.words for problem in series.problems)


def kinds(series):
    return [problem.kind for problem in series.problems]


def test_order_is_by_place_whatever_numbers_and_names_say():
    given = headers_of()
    shuffled = [given[k] for k in np.random.default_rng(1).permutation(9)]
    renamed = [
        replace(h, instance_number=i, sop_uid=f"1.2.{99 - i}")
        for i, h in enumerate(shuffled)
    ]
    series = sort_series(renamed)
    assert series.is_one_volume
    heights = [h.position[2] for h in series.stacks[0].headers]
    assert heights == sorted(heights)
    assert series.stacks[0].step_mm == pytest.approx(2.0)


def test_gaps_say_how_many_and_between_which_images():
    given = headers_of()
    kept = [h for i, h in enumerate(given) if i not in {3, 4}]
    series = sort_series(kept)
    assert kinds(series) == ["gap"]
    assert series.problems[0].count == 2
    assert "2 missing between images 7 and 4" in words(series)
    assert series.stacks[0].missing == 2


def test_every_other_slice_lost_at_the_end_is_still_a_gap():
    given = headers_of(n_slices=12)
    kept = [h for i, h in enumerate(given) if i < 6 or i % 2 == 0]
    series = sort_series(kept)
    assert set(kinds(series)) == {"gap"}
    assert series.stacks[0].missing == 2


def test_duplicates_are_named_and_left_out():
    given = headers_of()
    twice = replace(given[4], sop_uid="1.2.3.4.5", instance_number=77)
    series = sort_series([*given, twice])
    assert kinds(series) == ["duplicate"]
    assert "image 77 is there twice" in words(series)
    assert len(series.stacks[0].headers) == 9


def test_one_turned_image_is_a_stack_of_its_own():
    given = headers_of()
    given[3] = replace(given[3], orientation=(0.0, 1.0, 0.0, 0.0, 0.0, -1.0))
    series = sort_series(given)
    assert "mixed_orientation" in kinds(series)
    assert [len(s.headers) for s in series.stacks] == [8, 1]
    assert "not parallel" in words(series)


def test_a_tilted_gantry_is_said_in_degrees():
    given = [
        replace(
            h,
            position=(
                h.position[0],
                h.position[1] + 0.3 * h.position[2],
                h.position[2],
            ),
        )
        for h in headers_of()
    ]
    series = sort_series(given)
    assert kinds(series) == ["tilt"]
    assert "tilted by 17°" in words(series)
    assert series.stacks[0].tilt_deg == pytest.approx(16.7, abs=0.1)


def test_images_without_place_or_size_are_counted():
    given = headers_of()
    given[0] = replace(given[0], position=None)
    given[1] = replace(given[1], pixel_spacing=None)
    found = words(sort_series(given))
    assert "1 of 9 do not" in found
    assert "where it lies" in found
    assert "how large" in found


def test_two_contrasts_at_each_place_are_two_stacks():
    given = headers_of()
    other = [
        replace(
            h,
            sop_uid=h.sop_uid + ".1",
            acquisition=replace(h.acquisition, b_value=800.0),
        )
        for h in given
    ]
    series = sort_series([*given, *other])
    assert [len(s.headers) for s in series.stacks] == [9, 9]
    assert kinds(series) == ["repeats"]


# --- real series


def folder(name):
    return [read_header(p.read_bytes()) for p in sorted((DATA / name).glob("*.dcm"))]


def prostate():
    return {
        p.name: sort_series(folder(f"mr_prostatex/{p.name}"))
        for p in sorted((DATA / "mr_prostatex").glob("MR_*"))
    }


@pytest.mark.real_data
@real_data
def test_a_real_chest_ct_is_one_volume_in_any_order():
    (name,) = [
        p for p in (DATA / "ct_chest_nlst_143").iterdir() if p.name.startswith("CT")
    ]
    given = folder(f"ct_chest_nlst_143/{name.name}")
    shuffled = [given[k] for k in np.random.default_rng(2).permutation(len(given))]
    series = sort_series(shuffled)
    assert series.is_one_volume, words(series)
    (stack,) = series.stacks
    assert len(stack.headers) == 143
    assert stack.step_mm == pytest.approx(2.0)
    numbers = [h.instance_number for h in stack.headers]
    assert numbers in (sorted(numbers), sorted(numbers, reverse=True))
    lost = sort_series([h for h in shuffled if h.instance_number not in {40, 41, 90}])
    assert lost.stacks[0].missing == 3


@pytest.mark.real_data
@real_data
def test_a_real_prostate_study_is_matched_by_role():
    found = prostate()
    roles = {
        next(iter(s.stacks)).headers[0].description: role_of(s.stacks[0].headers[0])
        for s in found.values()
    }
    assert roles == {
        "T2_TSE_TRA": "T2",
        "T2_TSE_COR": "T2",
        "T2_TSE_SAG": "T2",
        "EP2D_DIFF_TRA_DYNDIST": "DWI",
        "EP2D_DIFF_TRA_DYNDIST_ADC": "ADC",
        "TFL_3D PD REF_TRA_1.5X1.5_T3": "PD",
    }
    (diffusion,) = [s for s in found.values() if len(s.stacks) == 3]
    values = sorted(s.headers[0].acquisition.b_value for s in diffusion.stacks)
    assert values == [50.0, 400.0, 800.0]
    assert [len(s.headers) for s in diffusion.stacks] == [19, 19, 19]
    stacks = {uid: s.stacks for uid, s in found.items()}
    chosen = match_roles(stacks, wanted=["T2", "ADC", "DWI"])
    assert chosen["T2"].headers[0].description == "T2_TSE_TRA"
    assert chosen["DWI"].headers[0].acquisition.b_value == 800.0
    with pytest.raises(ImageError, match="no FLAIR series; it has ADC, DWI, PD, T2"):
        match_roles(stacks, wanted=["T2", "FLAIR"])


@pytest.mark.real_data
@real_data
def test_roles_follow_the_times_where_no_word_does():
    (transverse,) = [
        h
        for h in (s.stacks[0].headers[0] for s in prostate().values())
        if h.description == "T2_TSE_TRA"
    ]
    assert role_of(replace(transverse, description="SERIES 4")) == "T2"


@pytest.mark.real_data
@real_data
def test_an_enhanced_image_has_a_place_for_each_frame():
    small = DATA / "dicom_small"
    philips = read_frames((small / "dcm_qa_enh/Philips/IM_0027_fMAP.dcm").read_bytes())
    assert [h.frame for h in philips] == list(range(1, 65))
    assert all(h.position and h.orientation and h.pixel_spacing for h in philips)
    assert role_of(philips[0]) == "T1"
    series = sort_series(philips)
    assert [len(s.headers) for s in series.stacks] == [32, 32]
    assert kinds(series) == ["repeats"]
    legacy = "dcmqi/segmentations/24x38x3/multiframe/mf.dcm"
    one = sort_series(read_frames((small / legacy).read_bytes()))
    assert one.is_one_volume, words(one)
    assert len(one.stacks[0].headers) == 3
    loop = read_frames(
        (small / "pydicom_test_files/examples_ybr_color.dcm").read_bytes()
    )
    assert len(loop) == 30
    assert "30 of 30 do not" in words(sort_series(loop))
