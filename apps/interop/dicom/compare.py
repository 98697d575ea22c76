"""Whether two files say the same, when their bytes differ.

Orthanc keeps the first of two files with the same UIDs. Whether the second one was
only sent again, or says something else under the same name, is decided here.
"""

import io
import warnings
from dataclasses import dataclass
from typing import Final

import pydicom
from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import generate_fragments
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.uid import UID, ExplicitVRBigEndian

from workers.packs.structure import PIXEL_TAGS

_PADDING_TAG: Final = 0xFFFCFFFC
_PAD: Final = b" \x00"


def same_content(first: bytes, second: bytes) -> bool:
    """Say whether two DICOM files mean the same.

    Left out of account: the file header, group lengths, trailing padding, empty
    elements against absent ones, how sequences are delimited, how pixels are cut
    into fragments, and which uncompressed encoding is used.

    Args:
        first: A whole DICOM file.
        second: Another one.

    Returns:
        False also when one of them cannot be read in full: whoever asks then
        keeps both.
    """
    if first == second:
        return True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            one = pydicom.dcmread(io.BytesIO(first), force=True)
            other = pydicom.dcmread(io.BytesIO(second), force=True)
            return _same_dataset(one, other) and _same_pixels(one, other)
    except Exception:  # noqa: BLE001  parsers fail on bad input in many ways
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """How two files with the same UIDs differ; names only, never values.

    Attributes:
        keywords: Attributes that say something else, such as ``PatientName``; one
            without a public name as ``(0019,1008)``. None when one of the files
            cannot be read in full.
        same_pixels: Whether the pixels are equal; None when that cannot be said.
    """

    keywords: tuple[str, ...] | None
    same_pixels: bool | None


def differences(first: bytes, second: bytes) -> Differences:
    """Say in which attributes two DICOM files differ, by the rules of this module.

    Args:
        first: A whole DICOM file.
        second: Another one.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            one = pydicom.dcmread(io.BytesIO(first), force=True)
            other = pydicom.dcmread(io.BytesIO(second), force=True)
            tags = {tag for tag in (*one.keys(), *other.keys()) if _counts(tag)}
            changed = [t for t in sorted(tags) if not _same_element(one, other, t)]
            return Differences(
                keywords=tuple(keyword_for_tag(tag) or str(tag) for tag in changed),
                same_pixels=_same_pixels(one, other),
            )
    except Exception:  # noqa: BLE001  parsers fail on bad input in many ways
        return Differences(keywords=None, same_pixels=None)


def _same_dataset(one: Dataset, other: Dataset) -> bool:
    tags = {tag for tag in (*one.keys(), *other.keys()) if _counts(tag)}
    return all(_same_element(one, other, tag) for tag in tags)


def _counts(tag: BaseTag) -> bool:
    return tag.element != 0 and tag not in PIXEL_TAGS and tag != _PADDING_TAG


def _same_element(one: Dataset, other: Dataset, tag: BaseTag) -> bool:
    raw = [_raw(dataset, tag) for dataset in (one, other)]
    if raw[0] is not None and raw[0] == raw[1]:
        return True
    first, second = _element(one, tag), _element(other, tag)
    values = [None if e is None else e.value for e in (first, second)]
    if any(isinstance(value, Sequence) for value in values):
        return _same_items(*values)
    if first and second and "UN" in (first.VR, second.VR):
        return raw[0] is not None and raw[0] == raw[1]
    return _plain(values[0]) == _plain(values[1])


def _same_items(one: object, other: object) -> bool:
    items = [list(v) if isinstance(v, Sequence) else [] for v in (one, other)]
    return len(items[0]) == len(items[1]) and all(
        _same_dataset(a, b) for a, b in zip(*items, strict=True)
    )


def _raw(dataset: Dataset, tag: BaseTag) -> bytes | None:
    """Return a value as encoded, in little endian, without padding."""
    if tag not in dataset:
        return None
    element: object = dataset.get_item(tag)
    if not isinstance(element, RawDataElement) or not element.is_little_endian:
        return None
    return None if element.value is None else element.value.rstrip(_PAD)


def _element(dataset: Dataset, tag: BaseTag) -> DataElement | None:
    return dataset.get(tag)


def _plain(value: object) -> object:
    if value is None or value == "" or value == b"":
        return None
    if isinstance(value, bytes):
        return value.rstrip(_PAD) or None
    if isinstance(value, str):
        return value.strip(" \x00") or None
    if isinstance(value, (list, tuple, pydicom.multival.MultiValue)):
        return [_plain(part) for part in value] or None
    return value


def _same_pixels(one: FileDataset, other: FileDataset) -> bool:
    return all(
        _pixels(one, tag) == _pixels(other, tag)
        for tag in PIXEL_TAGS
        if tag in one or tag in other
    )


def _pixels(dataset: FileDataset, tag: int) -> tuple[str, bytes] | None:
    """Return how pixels are encoded, and their bytes in little endian."""
    if tag not in dataset:
        return None
    content = bytes(dataset[tag].value or b"")
    syntax = UID(str(dataset.file_meta.get("TransferSyntaxUID", "")))
    if syntax.is_transfer_syntax and syntax.is_encapsulated:
        joined = b"".join(generate_fragments(content))
        return str(syntax), joined.rstrip(b"\x00")
    if syntax == ExplicitVRBigEndian and dataset.get("BitsAllocated") == 16:
        content = _swapped(content)
    return "native", content[: _announced(dataset) or None]


def _announced(dataset: Dataset) -> int:
    """Return how many bytes the pixels take, 0 when that cannot be said."""
    sizes = [dataset.get(k) for k in ("Rows", "Columns", "BitsAllocated")]
    if not all(sizes):
        return 0
    samples = dataset.get("SamplesPerPixel") or 1
    frames = dataset.get("NumberOfFrames") or 1
    rows, columns, bits = (int(size or 0) for size in sizes)
    return rows * columns * bits * int(samples) * int(frames) // 8


def _swapped(content: bytes) -> bytes:
    even = content[: len(content) // 2 * 2]
    swapped = bytearray(len(even))
    swapped[0::2], swapped[1::2] = even[1::2], even[0::2]
    return bytes(swapped)
