"""Frames of made-up files: every way in which pixels can lie in a file."""

from __future__ import annotations

import io
import json
import zlib

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import encaps
from pydicom.uid import UID, ExplicitVRBigEndian

from tests.factories.dicom import make_ct_series, make_dx, to_bytes
from workers.packs.codestream import read_jpeg2000_header, read_jpeg_header
from workers.packs.dataset import UnreadableInstanceError, read_dataset
from workers.packs.frames import (
    FrameError,
    iter_frames,
    plan_instance,
    read_frame,
    read_frames,
)
from workers.packs.layout import EXT_OF, TRANSFER_SYNTAX_OF
from workers.packs.metadata import viewer_metadata
from workers.packs.recode import iter_recoded

NOISE = np.random.default_rng(7)
GREY8 = NOISE.integers(0, 256, (16, 20), dtype=np.uint8)
GREY16 = NOISE.integers(0, 4096, (16, 20), dtype=np.uint16)


def multiframe(frames, **changes):
    """Return a file with uncompressed frames [n, rows, columns]."""
    dataset = make_dx(frames[0])
    dataset.NumberOfFrames = len(frames)
    body = np.ascontiguousarray(frames).tobytes()
    dataset.PixelData = body + b"\0" * (len(body) % 2)
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    return dataset


def encapsulated(codestreams, *, syntax, offsets=True, pieces=1, **changes):
    """Return a file whose frames are these bytes, cut into pieces."""
    dataset = make_dx(GREY8)
    dataset.NumberOfFrames = len(codestreams)
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.PixelData = encaps.encapsulate(
        codestreams, fragments_per_frame=pieces, has_bot=offsets
    )
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    return dataset


def jls(values):
    imagecodecs = pytest.importorskip("imagecodecs")
    return bytes(imagecodecs.jpegls_encode(values))


JPEG_LS = TRANSFER_SYNTAX_OF["jls"]


def test_every_suffix_has_one_syntax():
    assert {ext: uid for uid, ext in EXT_OF.items()} == TRANSFER_SYNTAX_OF
    assert len(EXT_OF) == len(TRANSFER_SYNTAX_OF) == 8


@given(
    n_frames=st.integers(1, 5),
    rows=st.integers(1, 9),
    columns=st.integers(1, 9),
    depth=st.sampled_from([np.uint8, np.uint16, np.int16, np.uint32]),
)
@settings(max_examples=60, deadline=None)
def test_uncompressed_frames_are_cut_right(n_frames, rows, columns, depth):
    top = 200 if depth == np.uint8 else 30000
    frames = NOISE.integers(0, top, (n_frames, rows, columns)).astype(depth)
    found = list(read_frames(to_bytes(multiframe(frames))))
    assert [frame.number for frame in found] == list(range(1, n_frames + 1))
    for frame, values in zip(found, frames, strict=True):
        assert frame.codestream == values.tobytes()
        assert (frame.ext, frame.transfer_syntax) == ("raw", "1.2.840.10008.1.2.1")


@pytest.mark.parametrize("values", [GREY16, GREY8, GREY16.astype(np.int16) - 2000])
def test_big_endian_becomes_little(values):
    dataset = make_dx(values)
    target = io.BytesIO()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    dataset.PixelData = values.astype(values.dtype.newbyteorder(">")).tobytes()
    pydicom.dcmwrite(
        target, dataset, implicit_vr=False, little_endian=False, force_encoding=True
    )
    (frame,) = read_frames(target.getvalue())
    assert frame.codestream == values.tobytes()


@pytest.mark.parametrize("offsets", [True, False])
@pytest.mark.parametrize("pieces", [1, 2])
def test_compressed_frames_with_and_without_offset_table(offsets, pieces):
    images = [GREY8, GREY8[::-1].copy(), GREY8 // 2]
    streams = [jls(values) for values in images]
    dataset = encapsulated(streams, syntax=JPEG_LS, offsets=offsets, pieces=pieces)
    found = list(read_frames(to_bytes(dataset)))
    assert [frame.codestream.rstrip(b"\0") for frame in found] == [
        stream.rstrip(b"\0") for stream in streams
    ]


def test_one_frame_in_many_fragments_is_one_frame():
    stream = jls(GREY8)
    dataset = encapsulated([stream], syntax=JPEG_LS, pieces=4, offsets=False)
    (frame,) = read_frames(to_bytes(dataset))
    assert frame.codestream.rstrip(b"\0") == stream.rstrip(b"\0")


def test_a_wrong_offset_table_is_not_believed():
    streams = [jls(GREY8), jls(GREY8 // 3)]
    dataset = encapsulated(streams, syntax=JPEG_LS)
    broken = bytearray(dataset.PixelData)
    broken[12:16] = (6).to_bytes(4, "little")
    dataset.PixelData = bytes(broken)
    found = [frame.codestream.rstrip(b"\0") for frame in read_frames(to_bytes(dataset))]
    assert found == [stream.rstrip(b"\0") for stream in streams]


def test_the_extended_offset_table_is_used():
    streams = [jls(GREY8), jls(GREY8 // 3)]
    body, offsets, lengths = encaps.encapsulate_extended(streams)
    dataset = encapsulated(streams, syntax=JPEG_LS)
    dataset.PixelData = body
    dataset.ExtendedOffsetTable = offsets
    dataset.ExtendedOffsetTableLengths = lengths
    found = [frame.codestream for frame in read_frames(to_bytes(dataset))]
    assert [f.rstrip(b"\0") for f in found] == [s.rstrip(b"\0") for s in streams]


def test_fewer_frames_than_announced_is_an_error():
    dataset = encapsulated([jls(GREY8)], syntax=JPEG_LS, NumberOfFrames=3)
    with pytest.raises(FrameError, match="1 of 3 frames"):
        list(read_frames(to_bytes(dataset)))
    short = multiframe(np.stack([GREY8] * 2), NumberOfFrames=5)
    with pytest.raises(FrameError, match="incomplete"):
        list(read_frames(to_bytes(short)))


def test_single_bits_become_bytes():
    bits = NOISE.integers(0, 2, (3, 5, 7), dtype=np.uint8)
    dataset = multiframe(bits, BitsAllocated=1, BitsStored=1, HighBit=0)
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    dataset.PixelData = packed + b"\0" * (len(packed) % 2)
    found = list(read_frames(to_bytes(dataset)))
    assert [frame.codestream for frame in found] == [f.tobytes() for f in bits]
    assert plan_instance(dataset).changes["BitsAllocated"] == 8


def test_signed_bytes_are_widened():
    values = GREY8.view(np.int8)
    dataset = make_dx(GREY8)
    dataset.PixelRepresentation = 1
    (frame,) = read_frames(to_bytes(dataset))
    assert frame.codestream == values.astype("<i2").tobytes()
    assert plan_instance(dataset).changes == {
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
    }


def test_old_overlays_in_unused_bits_are_taken_out():
    dataset = make_dx(GREY16 | np.uint16(0x8000))
    dataset.BitsStored, dataset.HighBit = 12, 11
    (frame,) = read_frames(to_bytes(dataset))
    assert frame.codestream == GREY16.tobytes()


def test_values_that_do_not_begin_at_bit_0_are_shifted():
    dataset = make_dx(GREY16 << 4)
    dataset.BitsStored, dataset.HighBit = 12, 15
    (frame,) = read_frames(to_bytes(dataset))
    assert frame.codestream == GREY16.tobytes()
    assert plan_instance(dataset).changes == {"HighBit": 11}


def test_half_chroma_becomes_full_without_another_value():
    packed = np.array([[10, 20, 100, 200], [30, 40, 110, 210]], np.uint8)
    dataset = make_dx(np.zeros((1, 4), np.uint8))
    dataset.SamplesPerPixel = 3
    dataset.PlanarConfiguration = 0
    dataset.PhotometricInterpretation = "YBR_FULL_422"
    dataset.PixelData = packed.tobytes()
    (frame,) = read_frames(to_bytes(dataset))
    expected = [10, 100, 200, 20, 100, 200, 30, 110, 210, 40, 110, 210]
    assert list(frame.codestream) == expected
    assert plan_instance(dataset).changes["PhotometricInterpretation"] == "YBR_FULL"


def test_deflated_frames_are_inflated():
    def pack(values):
        packer = zlib.compressobj(wbits=-15)
        return packer.compress(values.tobytes()) + packer.flush()

    images = [GREY8, GREY8 // 2]
    dataset = encapsulated(
        [pack(values) for values in images], syntax="1.2.840.10008.1.2.8.1"
    )
    found = [
        frame.codestream for frame in iter_frames(dataset, plan=plan_instance(dataset))
    ]
    assert found == [values.tobytes() for values in images]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Rows": 0}, "size is zero"),
        ({"BitsAllocated": 12}, "12 bits"),
        ({"BitsStored": 9}, "Bits Stored"),
        ({"HighBit": 3}, "High Bit"),
        ({"SamplesPerPixel": 2}, "2 samples"),
        ({"PhotometricInterpretation": "HSV"}, "HSV"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "palette"),
    ],
)
def test_what_cannot_be_shown_says_why(changes, words):
    dataset = make_dx(GREY8)
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    plan = plan_instance(dataset)
    assert plan.n_frames == 0
    assert words in plan.why_not


def test_video_and_unknown_syntaxes_are_refused_in_words():
    dataset = encapsulated([b"\0\0\1\xba"], syntax="1.2.840.10008.1.2.4.102")
    assert "it is a video" in plan_instance(dataset).why_not
    dataset = encapsulated([b"\0\0\1\xba"], syntax="1.2.840.10008.1.2.4.90")
    assert "not what its transfer syntax says" in plan_instance(dataset).why_not
    dataset = encapsulated([b"\0\0"], syntax="1.2.840.10008.1.2.77")
    assert "not supported" in plan_instance(dataset).why_not


def test_one_frame_of_many():
    frames = np.stack([GREY8, GREY8 // 2, GREY8 // 4])
    content = to_bytes(multiframe(frames))
    assert read_frame(content, number=2).codestream == frames[1].tobytes()
    with pytest.raises(FrameError, match="no frame 4"):
        read_frame(content, number=4)


def test_rubbish_is_unreadable_not_a_crash():
    good = to_bytes(make_ct_series(n_slices=1)[0])
    for cut in (0, 3, 131, 140, 400, 900, len(good) // 2):
        try:
            list(read_frames(good[:cut]))
        except (UnreadableInstanceError, FrameError) as error:
            assert "Test^Adult" not in str(error)  # noqa: PT017  many kinds of error


@given(st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_headers_of_rubbish_are_none_or_sound(content):
    for head in (b"", b"\xff\xd8", b"\xff\x4f\xff\x51"):
        read_jpeg_header(head + content)
        read_jpeg2000_header(head + content)


SOUND = to_bytes(make_dx(GREY8, sop_uid="1.2.3", study_uid="1.2.4", series_uid="1.2.5"))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_never_crashes_the_reader(data):
    content = bytearray(SOUND)
    for _ in range(data.draw(st.integers(1, 12))):
        place = data.draw(st.integers(132, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    try:
        dataset = read_dataset(bytes(content))
        json.dumps(viewer_metadata(dataset, plan=plan_instance(dataset)))
        list(iter_frames(dataset, plan=plan_instance(dataset)))
    except (UnreadableInstanceError, FrameError):
        pass


@pytest.mark.parametrize(
    ("dtype", "stored", "planar", "syntax"),
    [
        (np.uint16, 16, 0, "1.2.840.10008.1.2.1"),
        (np.uint16, 12, 1, "1.2.840.10008.1.2.1"),
        (np.uint32, 32, 0, "1.2.840.10008.1.2.1"),
        (np.uint16, 16, 0, "1.2.840.10008.1.2.4.90"),
    ],
)
def test_deep_colours_are_cut_to_what_screens_show(dtype, stored, planar, syntax):
    imagecodecs = pytest.importorskip("imagecodecs")
    values = NOISE.integers(0, 1 << stored, (16, 20, 3), dtype=np.uint64).astype(dtype)
    dataset = make_dx(GREY8)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "RGB"
    dataset.PlanarConfiguration = planar
    dataset.BitsAllocated = np.dtype(dtype).itemsize * 8
    dataset.BitsStored, dataset.HighBit = stored, stored - 1
    stored_values = values.transpose(2, 0, 1) if planar else values
    dataset.PixelData = np.ascontiguousarray(stored_values).tobytes()
    dataset["PixelData"].VR = "OW"
    if syntax.endswith(".90"):
        coded = bytes(imagecodecs.jpeg2k_encode(values, level=0, codecformat="j2k"))
        dataset.PixelData = encaps.encapsulate([coded])
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = UID(syntax)
    plan = plan_instance(dataset)
    (frame,) = iter_recoded(read_dataset(to_bytes(dataset)), plan=plan)
    assert (plan.ext, plan.changes["BitsAllocated"]) == ("raw", 8)
    assert frame.codestream == (values >> (stored - 8)).astype(np.uint8).tobytes()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Rows": 65535, "Columns": 65535}, "too large to be shown: 65535 × 65535"),
        ({"NumberOfFrames": 2**31 - 1}, "2,147,483,647 frames"),
    ],
)
def test_sizes_that_no_memory_holds_are_refused_before_anything(changes, words):
    for dataset in (make_dx(GREY8), encapsulated([jls(GREY8)], syntax=JPEG_LS)):
        for keyword, value in changes.items():
            setattr(dataset, keyword, value)
        assert words in plan_instance(dataset).why_not


def test_a_frame_that_unpacks_to_far_too_much_is_refused():
    dataset = encapsulated([jls(GREY8)], syntax=JPEG_LS, Rows=16000, Columns=16000)
    assert "not believable" in plan_instance(dataset).why_not


def test_long_numbers_and_texts_are_left_out_unparsed():
    dataset = make_dx(GREY8)
    dataset.add_new(0x00189810, "UT", "x" * 300_000)
    dataset.add_new(0x00186070, "DS", ["1.5"] * 100_000)
    found = viewer_metadata(
        read_dataset(to_bytes(dataset)), plan=plan_instance(dataset)
    )
    assert "00189810" not in found
    assert "00186070" not in found
    assert found["00280010"]["Value"] == [16]


def test_single_bits_need_no_memory_for_all_frames():
    bits = np.zeros((200, 7, 9), np.uint8)
    bits[::3, 2, 1] = 1
    dataset = multiframe(bits, BitsAllocated=1, BitsStored=1, HighBit=0)
    dataset.PixelData = np.packbits(bits.ravel(), bitorder="little").tobytes() + b"\0"
    found = [frame.codestream for frame in read_frames(to_bytes(dataset))]
    assert found == [frame.tobytes() for frame in bits]
