"""Parametric maps of other makers, against NumPy and highdicom."""

from __future__ import annotations

import io

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from apps.interop.dicom.foreign.read import read_foreign, read_map
from apps.interop.dicom.foreign.types import ForeignError
from tests.factories.dicom import make_ct_series
from tests.factories.maps import make_map

SOURCES = make_ct_series(n_slices=4, side=8)
VALUES = np.linspace(-2, 3, 3 * 5 * 6).reshape(3, 5, 6)


def content_of(document: Dataset) -> bytes:
    buffer = io.BytesIO()
    document.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def from_below(content: bytes, number: int = 1) -> np.ndarray:
    """Return a quantity's values with its frames upwards: highdicom sorts them."""
    found = read_foreign(content).items[number - 1].map
    assert found is not None
    heights = [frame.origin[2] if frame.origin else 0 for frame in found.frames]
    return read_map(content, number=number)[np.argsort(heights)]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_floats_and_doubles_come_in_their_unit(kind):
    document = make_map(SOURCES, VALUES.astype(kind), slope=2.0, intercept=1.0)
    content = content_of(document)
    found = read_foreign(content)
    assert (found.kind, found.trouble, found.notes) == ("pm", "", ())
    [item] = found.items
    assert item.label.display == "Apparent Diffusion Coefficient"
    assert item.map is not None
    assert item.map.unit.code == "um2/s"
    assert (item.map.rows, item.map.columns, len(item.map.frames)) == (5, 6, 3)
    expected = VALUES.astype(kind).astype(np.float64) * 2 + 1
    assert item.map.least == pytest.approx(expected.min())
    assert item.map.most == pytest.approx(expected.max())
    values = from_below(content)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, expected, rtol=1e-6)


def test_its_own_geometry_is_told_frame_by_frame():
    content = content_of(make_map(SOURCES, VALUES.astype(np.float32)))
    [item] = read_foreign(content).items
    assert item.map is not None
    places = np.array([frame.origin for frame in item.map.frames])
    document = pydicom.dcmread(io.BytesIO(content))
    wanted = [
        group.PlanePositionSequence[0].ImagePositionPatient
        for group in document.PerFrameFunctionalGroupsSequence
    ]
    np.testing.assert_allclose(places, np.array(wanted, dtype=float))
    assert item.map.frames[0].row_spacing == 2.5
    assert item.map.frame_of_reference_uid == SOURCES[0].FrameOfReferenceUID


def test_integers_outside_of_what_is_mapped_and_padding_have_no_value():
    stored = np.arange(90, dtype=np.uint16).reshape(3, 5, 6)
    document = make_map(SOURCES, stored, slope=0.5, intercept=-3.0, span=(10, 80))
    document.PixelPaddingValue = 20
    document.PixelPaddingRangeLimit = 22
    values = from_below(content_of(document))
    expected = stored * 0.5 - 3
    hidden = (stored < 10) | (stored > 80) | ((stored >= 20) & (stored <= 22))
    np.testing.assert_array_equal(np.isnan(values), hidden)
    np.testing.assert_allclose(values[~hidden], expected[~hidden])


def test_a_table_of_real_world_values_is_looked_up():
    stored = np.arange(90, dtype=np.uint16).reshape(3, 5, 6)
    document = make_map(SOURCES, stored, span=(0, 89))
    for group in (
        document.SharedFunctionalGroupsSequence[0],
        *document.PerFrameFunctionalGroupsSequence,
    ):
        for mapping in group.get("RealWorldValueMappingSequence") or ():
            del mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept
            mapping.RealWorldValueLUTData = [float(n * n) for n in range(90)]
    values = from_below(content_of(document))
    np.testing.assert_allclose(values, stored.astype(float) ** 2)


def test_two_quantities_of_one_object_are_two_items():
    document = make_map(SOURCES, VALUES.astype(np.float32))
    groups = document.PerFrameFunctionalGroupsSequence
    shared = document.SharedFunctionalGroupsSequence[0]
    if "RealWorldValueMappingSequence" in shared:
        mappings = shared.RealWorldValueMappingSequence
        del shared.RealWorldValueMappingSequence
        for group in groups:
            group.RealWorldValueMappingSequence = list(mappings)
    [last] = [
        group
        for group in groups
        if float(group.PlanePositionSequence[0].ImagePositionPatient[2]) == 10
    ]
    other = hd.pm.RealWorldValueMapping(
        lut_label="T1",
        lut_explanation="T1",
        unit=codes.UCUM.Millisecond,
        value_range=(-10.0, 10.0),
        slope=1.0,
        intercept=0.0,
    )
    last.RealWorldValueMappingSequence = [other]
    content = content_of(document)
    items = {item.label.display: item.map for item in read_foreign(content).items}
    first, second = items["Apparent Diffusion Coefficient"], items["T1"]
    assert first is not None
    assert second is not None
    assert (len(first.frames), len(second.frames)) == (2, 1)
    assert second.unit.code == "ms"
    values = VALUES.astype(np.float32)
    np.testing.assert_array_equal(from_below(content, first.number), values[:2])
    np.testing.assert_array_equal(from_below(content, second.number), values[2:])


def test_what_means_nothing_is_shown_as_stored_and_says_so():
    document = make_map(SOURCES, VALUES.astype(np.float32))
    for group in (
        document.SharedFunctionalGroupsSequence[0],
        *document.PerFrameFunctionalGroupsSequence,
    ):
        if "RealWorldValueMappingSequence" in group:
            del group.RealWorldValueMappingSequence
    found = read_foreign(content_of(document))
    [item] = found.items
    assert item.map is not None
    assert (item.label.display, item.map.unit.code) == ("Map 1", "")
    assert "no real world value mapping" in found.notes[0]


def test_colours_begin_where_values_are_not_where_zeros_fill():
    values = np.zeros((3, 5, 6), np.float32)
    values[1] = np.linspace(100, 200, 30).reshape(5, 6)
    document = make_map(SOURCES, values, window=(1e6, 10))
    [item] = read_foreign(content_of(document)).items
    assert item.map is not None
    assert item.map.low == pytest.approx(101, abs=0.1)
    assert item.map.high == pytest.approx(199, abs=0.1)
    windowed = make_map(SOURCES, values, slope=2.0, window=(150, 40))
    [item] = read_foreign(content_of(windowed)).items
    assert item.map is not None
    assert (item.map.low, item.map.high) == (260, 340)


def test_what_cannot_be_had_says_why():
    document = make_map(SOURCES, VALUES.astype(np.float32))
    with pytest.raises(ForeignError, match="no quantity 2"):
        read_map(content_of(document), number=2)
    del document.PerFrameFunctionalGroupsSequence
    assert "describes 0 frames" in read_foreign(content_of(document)).trouble
    empty = make_map(SOURCES, np.full((3, 5, 6), np.nan, np.float32))
    [item] = read_foreign(content_of(empty)).items
    assert (item.map, item.why_not) == (None, "It holds no values.")
