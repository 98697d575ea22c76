"""What a model is given: as displayed, whatever the file's polarity and depth."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import RLELossless

from tests.factories.dicom import make_ct_series, make_dx, to_bytes
from workers.packs.isolation import IsolatedDecoder
from workers.pixels.image import (
    ImageError,
    ImageHeader,
    load_image,
    load_values,
    read_header,
    read_image,
)
from workers.pixels.selection import select_images
from workers.quality.gate import assess, assess_header

RAMP = np.tile(np.arange(0, 4096, 16, dtype=np.uint16), (200, 1))


@pytest.fixture(scope="module")
def decoder():
    with IsolatedDecoder() as found:
        yield found


def shown(dataset, decoder):
    content = to_bytes(dataset)
    return load_image(content, header=read_header(content), decoder=decoder)


def test_a_window_is_applied(decoder):
    image = shown(make_dx(RAMP, window=(2048, 2000)), decoder)
    assert image.voi == "window"
    row = image.values[0]
    assert row[0] == 0
    assert row[-1] == 1
    at = int((2048 - 0.5) / 16)
    assert row[at] == pytest.approx(0.5, abs=0.01)
    assert (np.diff(row) >= 0).all()


def test_both_polarities_look_alike(decoder):
    plain = shown(make_dx(RAMP, window=(2048, 4096)), decoder)
    turned = shown(
        make_dx(4095 - RAMP, photometric="MONOCHROME1", window=(2048, 4096)), decoder
    )
    assert turned.values == pytest.approx(plain.values, abs=1e-3)


def test_rescale_comes_before_the_window(decoder):
    dataset = make_dx(RAMP, window=(0, 4096))
    dataset.RescaleIntercept, dataset.RescaleSlope = "-2048", "1"
    row = shown(dataset, decoder).values[0]
    assert row[128] == pytest.approx(0.5, abs=0.01)


def test_without_window_the_middle_of_the_values_is_stretched(decoder):
    dataset = make_dx(RAMP // 8 + 100)
    del dataset.WindowCenter, dataset.WindowWidth
    image = shown(dataset, decoder)
    assert image.voi == "percentile"
    assert (image.values.min(), image.values.max()) == (0, 1)


def test_a_lookup_table_is_applied(decoder):
    dataset = make_dx(RAMP)
    table = Dataset()
    table.LUTDescriptor = [4096, 0, 12]
    values = (4095 - np.arange(4096)).astype("<u2")
    table.add_new(0x00283006, "OW", values.tobytes())
    dataset.VOILUTSequence = Sequence([table])
    image = shown(dataset, decoder)
    assert image.voi == "lut"
    assert image.values[0, 0] == 1
    assert image.values[0, -1] == pytest.approx(15 / 4095)


def test_filler_is_black_and_does_not_count(decoder):
    values = np.where(np.arange(200)[:, None] < 40, 65535, RAMP[:, :200])
    dataset = make_dx(values.astype(np.uint16))
    dataset.PixelPaddingValue = 65535
    del dataset.WindowCenter, dataset.WindowWidth
    image = shown(dataset, decoder)
    assert (image.values[:40] == 0).all()
    assert image.values[40:].max() == 1


def test_signed_values_of_a_ct(decoder):
    image = shown(make_ct_series(n_slices=3)[1], decoder)
    inside, outside = image.values[32, 32], image.values[2, 2]
    assert inside > outside


def test_a_file_without_image_is_refused():
    with pytest.raises(ImageError, match=r"not a DICOM|no image"):
        read_header(b"rubbish" * 50)


# --- without the process that decodes


def padded(values):
    dataset = make_dx(values)
    dataset.PixelPaddingValue = int(values[0, 0])
    del dataset.WindowCenter, dataset.WindowWidth
    return dataset


@pytest.mark.parametrize(
    "dataset",
    [
        make_dx(RAMP, window=(2048, 2000)),
        make_dx(4095 - RAMP, photometric="MONOCHROME1"),
        make_dx((RAMP // 16).astype(np.uint8)),
        padded(RAMP),
        make_ct_series(n_slices=3)[1],
    ],
)
def test_what_needs_no_decoder_is_shown_alike_without_one(dataset, decoder):
    content = to_bytes(dataset)
    header, plain = read_image(content)
    assert plain is not None
    with IsolatedDecoder() as unasked:
        image = load_image(b"", header=header, decoder=unasked, plain=plain)
        values = load_values(b"", decoder=unasked, plain=plain)
        assert unasked.pid == 0, "no process was started"
    decoded = load_image(content, header=header, decoder=decoder)
    assert image.voi == decoded.voi
    np.testing.assert_array_equal(image.values, decoded.values)
    np.testing.assert_array_equal(values, load_values(content, decoder=decoder))


def with_table():
    dataset = make_dx(RAMP)
    table = Dataset()
    table.LUTDescriptor = [4096, 0, 12]
    table.add_new(0x00283006, "OW", np.arange(4096, dtype="<u2").tobytes())
    dataset.VOILUTSequence = Sequence([table])
    return dataset


def in_frames():
    dataset = make_dx(np.concatenate([RAMP, RAMP]))
    dataset.NumberOfFrames, dataset.Rows = 2, 200
    return dataset


def in_colour():
    dataset = make_dx(np.tile((RAMP // 16).astype(np.uint8), (1, 3)))
    dataset.SamplesPerPixel, dataset.PlanarConfiguration = 3, 0
    dataset.PhotometricInterpretation, dataset.Columns = "RGB", RAMP.shape[1]
    return dataset


def compressed():
    dataset = make_dx((RAMP // 16).astype(np.uint8))
    dataset.compress(RLELossless)
    return dataset


def ultrasound():
    dataset = make_dx((RAMP // 16).astype(np.uint8))
    dataset.Modality = "US"
    return dataset


@pytest.mark.parametrize(
    "make", [with_table, in_frames, in_colour, compressed, ultrasound]
)
def test_all_else_goes_to_the_process_that_decodes(make):
    header, plain = read_image(to_bytes(make()))
    assert plain is None
    assert (header.rows, header.columns) == RAMP.shape


def test_a_plain_file_that_holds_too_little_is_refused():
    dataset = make_dx(RAMP)
    dataset.PixelData = bytes(dataset.PixelData)[: RAMP.nbytes // 2]
    header, plain = read_image(to_bytes(dataset))
    with IsolatedDecoder() as unasked:
        with pytest.raises(ImageError, match="incomplete"):
            load_image(b"", header=header, decoder=unasked, plain=plain)
        with pytest.raises(ImageError, match="incomplete"):
            load_values(b"", decoder=unasked, plain=plain)


# --- which images


def header(**changes):
    given = {
        "sop_uid": "1.2",
        "sop_class_uid": "1.2.840.10008.5.1.4.1.1.1.1",
        "modality": "DX",
        "view": "AP",
        "image_type": ("ORIGINAL", "PRIMARY"),
        "is_for_processing": False,
        "instance_number": 1,
        "rows": 300,
        "columns": 300,
        "n_frames": 1,
        "samples": 1,
        "pixel_spacing": None,
    }
    return ImageHeader(**(given | changes))


RULES = {"modalities": ["CR", "DX"], "views_excluded": ["LL", "LATERAL"]}


@pytest.mark.parametrize(
    ("changes", "is_kept"),
    [
        ({}, True),
        ({"view": "PA"}, True),
        ({"view": ""}, True),
        ({"modality": "CR"}, True),
        ({"view": "LL"}, False),
        ({"view": "LATERAL"}, False),
        ({"modality": "CT"}, False),
        ({"is_for_processing": True}, False),
        ({"image_type": ("DERIVED", "LOCALIZER")}, False),
    ],
)
def test_which_images_a_model_is_given(changes, is_kept):
    assert bool(select_images([header(**changes)], rules=RULES)) is is_kept


def test_images_come_in_their_order():
    second = header(sop_uid="1.1", instance_number=2)
    first = header(sop_uid="1.9", instance_number=1)
    assert select_images([second, first], rules=RULES) == [first, second]


def test_laterals_are_left_out_even_when_the_card_says_nothing():
    assert select_images([header(view="RL")], rules={}) == []


# --- the gate


def test_a_sound_film_passes(decoder):
    noise = np.random.default_rng(0).normal(2000, 500, (300, 300))
    pixels = noise.clip(0, 4095).astype(np.uint16)
    found = assess(shown(make_dx(pixels, window=(2048, 4096)), decoder))
    assert found.is_accepted
    assert found.reasons == ()
    assert found.as_json()["rows"] == 300


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.full((200, 200), 700, np.uint16), "blank"),
        (np.tile(RAMP[:, :100], (1, 1)), "at least 128"),
        (np.tile(RAMP, (4, 1)), "longer than wide"),
        (np.kron(np.eye(2), np.ones((100, 100))).astype(np.uint16) * 4000, "contrast"),
    ],
)
def test_what_the_gate_refuses(decoder, pixels, words):
    found = assess(shown(make_dx(pixels, window=(2048, 4096)), decoder))
    assert not found.is_accepted
    assert any(words in reason for reason in found.reasons)


def test_colour_and_cine_are_refused_by_their_header():
    assert "colour" in assess_header(header(samples=3))[0]
    assert "several frames" in assess_header(header(n_frames=4))[0]
