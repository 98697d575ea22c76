"""Sound DICOM files, one of each way to code pixels, and where their elements are.

They are what `tests.factories.mutations` spoils.
"""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache
from pathlib import Path
from typing import Final

import imagecodecs
import numpy as np
import pydicom
from pydicom import encaps
from pydicom.dataset import Dataset, FileDataset
from pydicom.pixels import encoders  # noqa: F401  registers the RLE encoder
from pydicom.sequence import Sequence
from pydicom.uid import UID

from tests.factories.dicom import make_ct_series, make_dx, to_bytes

SEED: Final = 20261121
SMALL: Final = Path(__file__).parents[3] / "shared" / "data" / "dicom_small"
SECRET_NAME: Final = "Quetzalcoatl^Xenophon"
"""The patient of all made bases: no reason may ever quote it."""

UNDEFINED: Final = 0xFFFFFFFF
LONG: Final = frozenset({b"OB", b"OW", b"SQ", b"UN", b"UT", b"OF", b"OD", b"UC"})
_REAL_LIMIT: Final = 40_000
_SYNTAX: Final = "1.2.840.10008.1.2"


def _film(values: np.ndarray, **changes: object) -> FileDataset:
    dataset = make_dx(
        values,
        patient_name=SECRET_NAME,
        sop_uid="1.2.826.0.1.11",
        study_uid="1.2.826.0.1.12",
        series_uid="1.2.826.0.1.13",
        study_date="20260105",
    )
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    return dataset


def _coded(frames: list[bytes], syntax: str, values: np.ndarray) -> bytes:
    colour = values.ndim == 3
    dataset = _film(values[..., 0].copy() if colour else values)
    if colour:
        dataset.SamplesPerPixel, dataset.PlanarConfiguration = 3, 0
        dataset.PhotometricInterpretation = "RGB"
    dataset.NumberOfFrames = len(frames)
    dataset.file_meta.TransferSyntaxUID = UID(f"{_SYNTAX}.{syntax}")
    dataset.PixelData = encaps.encapsulate(frames)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    return to_bytes(dataset)


def _as(dataset: FileDataset, syntax: str, *, implicit: bool, little: bool) -> bytes:
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    target = io.BytesIO()
    pydicom.dcmwrite(
        target,
        dataset,
        implicit_vr=implicit,
        little_endian=little,
        force_encoding=True,
    )
    return target.getvalue()


@cache
def bases() -> dict[str, bytes]:
    """Return the sound files by name: one of each way to code pixels."""
    noise = np.random.default_rng(SEED)
    grey = noise.integers(0, 4096, (48, 64), dtype=np.uint16)
    byte = noise.integers(0, 256, (48, 64), dtype=np.uint8)
    colour = noise.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    ct = make_ct_series(
        n_slices=1,
        side=48,
        patient_name=SECRET_NAME,
        study_uid="1.2.826.0.1.12",
        series_uid="1.2.826.0.1.14",
        study_date="20260105",
    )[0]
    ct.SOPInstanceUID = ct.file_meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.15"
    ct.FrameOfReferenceUID = "1.2.826.0.1.16"
    rle = _film(grey)
    rle.compress(UID(f"{_SYNTAX}.5"), generate_instance_uid=False)
    deep = _film(grey, SamplesPerPixel=3, PlanarConfiguration=0)
    deep.PhotometricInterpretation = "RGB"
    deep.PixelData = np.repeat(grey, 3).tobytes()
    deep.compress(UID(f"{_SYNTAX}.5"), generate_instance_uid=False)
    nested = _film(byte)
    nested.RequestAttributesSequence = Sequence([_step(n) for n in range(8)])
    many = _film(byte, NumberOfFrames=6, PixelData=byte.tobytes() * 6)
    bits = _film(byte, BitsAllocated=1, BitsStored=1, HighBit=0)
    bits.PixelData = np.packbits(byte & 1, bitorder="little").tobytes()
    found = {
        "explicit": to_bytes(_film(grey)),
        "implicit": _as(_film(grey), _SYNTAX, implicit=True, little=True),
        "big endian": _as(_film(byte), f"{_SYNTAX}.2", implicit=False, little=False),
        "ct": to_bytes(ct),
        "nested": to_bytes(nested),
        "multi-frame": to_bytes(many),
        "bits": to_bytes(bits),
        "rle": to_bytes(rle),
        "jpeg": _coded([bytes(imagecodecs.jpeg8_encode(byte))], "4.50", byte),
        "jpeg lossless": _coded([_sof3(grey)], "4.70", grey),
        "jpeg-ls": _coded([bytes(imagecodecs.jpegls_encode(grey))], "4.80", grey),
        "j2k": _coded([_j2k(grey)] * 3, "4.90", grey),
        "j2k colour": _coded([_j2k(colour)], "4.90", colour),
        "htj2k": _coded([_ht(grey)], "4.201", grey),
        "j2k to decode": _coded([_j2k(grey)] * 3, "4.90", grey.view(np.int16)),
        "rle to decode": to_bytes(deep),
    }
    return {**found, "deflated": deflated(found["explicit"])}


def _sof3(values: np.ndarray) -> bytes:
    return bytes(imagecodecs.ljpeg_encode(values, bitspersample=16))


def _j2k(values: np.ndarray) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(values, level=0, codecformat="j2k"))


def _ht(values: np.ndarray) -> bytes:
    return bytes(imagecodecs.htj2k_encode(values, reversible=True))


def _step(number: int) -> Dataset:
    item = Dataset()
    item.RequestedProcedureID = str(number)
    item.ScheduledProcedureStepID = str(number)
    return item


def start_of(content: bytes) -> int:
    """Return where the dataset begins, behind the file header."""
    length = struct.unpack_from("<L", content, 140)[0]
    return 144 + int(length)


def _with_syntax(content: bytes, suffix: str) -> bytes:
    """Name another transfer syntax of any length in the file header."""
    start = start_of(content)
    head = bytearray(content[:start])
    at = head.index(b"\x02\x00\x10\x00UI")
    (old,) = struct.unpack_from("<H", head, at + 6)
    uid = f"{_SYNTAX}{suffix}".encode()
    uid += b"\0" * (len(uid) % 2)
    head[at + 6 : at + 8 + old] = struct.pack("<H", len(uid)) + uid
    struct.pack_into("<L", head, 140, len(head) - 144)
    return bytes(head) + content[start:]


def deflated(content: bytes, *, filler: bytes = b"") -> bytes:
    """Return an explicit file with its dataset deflated, filler in front."""
    named = _with_syntax(content, ".1.99")
    start = start_of(named)
    packer = zlib.compressobj(9, wbits=-15)
    body = packer.compress(filler) + packer.compress(named[start:]) + packer.flush()
    return named[:start] + body


def elements(content: bytes) -> list[int]:
    """Return offsets of the top-level elements of a sound explicit little file."""
    at, found = start_of(content), []
    while at + 12 <= len(content):
        found.append(at)
        vr = content[at + 4 : at + 6]
        if vr in LONG:
            (length,) = struct.unpack_from("<L", content, at + 8)
            at += 12
        else:
            (length,) = struct.unpack_from("<H", content, at + 6)
            at += 8
        if length == UNDEFINED:
            break
        at += length
    return found


@cache
def real_bases() -> dict[str, bytes]:
    """Return small real files by name; none where ../shared/data is missing."""
    found = {}
    for path in sorted(SMALL.rglob("*")) if SMALL.exists() else ():
        if path.is_file() and 1000 < path.stat().st_size < _REAL_LIMIT:
            content = path.read_bytes()
            if content[128:132] == b"DICM":
                found[str(path.relative_to(SMALL))] = content
    return found
