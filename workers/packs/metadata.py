"""What the viewer must know of an instance: DICOM JSON without pixels. Pure."""

from __future__ import annotations

import math
import struct
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_dict
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from workers.packs.dataset import PARSE_ERRORS, read_dataset, value_of
from workers.packs.frames import plan_instance
from workers.packs.layout import JPEG_BASELINE, JPEG_EXTENDED, JPEG_LS_NEAR
from workers.packs.plan import FramePlan

MAX_INLINE = 64 * 1024
_MAX_TABLE = 512 * 1024
_MAX_OVERLAY = 2 * 1024 * 1024
_MAX_PRIVATE = 1024
_MAX_TEXT = 256 * 1024

_AVAILABLE_TRANSFER_SYNTAX: Final = "00083002"
_CHARACTER_SET: Final = "00080005"
_LOSSY: Final = "00282110"
_ALWAYS_LOSSY: Final = frozenset({JPEG_BASELINE, JPEG_EXTENDED, JPEG_LS_NEAR})
"""Whatever their headers leave out, pixels of these were changed."""
_TABLES: Final = frozenset({0x00283006, 0x00281201, 0x00281202, 0x00281203})
"""LUT Data and the palettes: 16-bit words that the viewer wants as numbers."""
_LEFT_OUT_GROUPS: Final = frozenset({0x0002, 0x7FE0, 0xFFFA, 0xFFFC})
_BINARY: Final = frozenset({"OB", "OW", "OD", "OF", "OL", "OV", "UN"})

Json = dict[str, Any]


def read_metadata(content: bytes) -> Json:
    """Return the viewer metadata of a DICOM file.

    Args:
        content: The file as stored.

    Returns:
        A DICOM JSON dataset (PS3.18 F): text as Unicode, no pixel data, nothing
        longer than 64 KiB but tables and overlays. Where frames are sent in
        another form than stored, it describes them as sent.

    Raises:
        UnreadableInstanceError: It is no readable DICOM file.
    """
    dataset = read_dataset(content)
    return viewer_metadata(dataset, plan=plan_instance(dataset))


def viewer_metadata(dataset: Dataset, *, plan: FramePlan) -> Json:
    """Return the viewer metadata of a parsed instance, by its frames' plan."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, is_little = dataset.original_encoding
        found = _dataset_json(dataset, word=">u2" if is_little is False else "<u2")
    found[_CHARACTER_SET] = {"vr": "CS", "Value": ["ISO_IR 192"]}
    if plan.transfer_syntax:
        found[_AVAILABLE_TRANSFER_SYNTAX] = {
            "vr": "UI",
            "Value": [plan.transfer_syntax],
        }
    found.update(_changed(plan.changes))
    if plan.header and plan.header.stored_syntax in _ALWAYS_LOSSY:
        found.setdefault(_LOSSY, {"vr": "CS", "Value": ["01"]})
    return dict(sorted(found.items()))


def _changed(changes: Mapping[str, Any]) -> Json:
    """Return DICOM JSON of changed attributes, which are all short numbers or codes."""
    return {
        f"{keyword_dict[keyword]:08X}": {
            "vr": "CS" if isinstance(value, str) else "US",
            "Value": [value],
        }
        for keyword, value in changes.items()
    }


def _dataset_json(dataset: Dataset, *, word: str) -> Json:
    found: Json = {}
    for element in _readable(dataset):
        try:
            body = _element_json(element, word=word)
        except PARSE_ERRORS:
            continue
        if body is not None:
            found[f"{element.tag:08X}"] = body
    return found


def _readable(dataset: Dataset) -> Iterator[DataElement]:
    """Yield the elements that parse and that a viewer may want."""
    for tag in sorted(dataset.keys()):
        if tag.group in _LEFT_OUT_GROUPS or tag.element == 0:
            continue
        try:
            if _is_too_long(dataset.get_item(tag)):
                continue
            element = dataset[tag]
        except PARSE_ERRORS:
            continue
        if _is_wanted(tag, element):
            yield element


def _is_too_long(raw: RawDataElement | DataElement | None) -> bool:
    """Whether a value is not even worth parsing: numbers and texts cost much."""
    if not isinstance(raw, RawDataElement) or raw.value is None:
        return False
    length = len(raw.value)
    if length <= _MAX_TEXT:
        return False
    vr = raw.VR
    if vr in {None, "UN"}:
        vr = dictionary_VR(raw.tag) if dictionary_has_tag(raw.tag) else "UN"
    if vr == "SQ":
        return False
    return length > _MAX_OVERLAY or vr not in _BINARY | {"US", "SS"}


def _is_wanted(tag: BaseTag, element: DataElement) -> bool:
    is_binary = element.VR in _BINARY
    if tag.is_private:
        return not is_binary and element.VR != "SQ" and _length(element) <= _MAX_PRIVATE
    if not is_binary:
        return True
    return _length(element) <= _limit(tag)


def _limit(tag: BaseTag) -> int:
    if tag in _TABLES:
        return _MAX_TABLE
    if 0x6000 <= tag.group <= 0x60FF and tag.element == 0x3000:
        return _MAX_OVERLAY
    return MAX_INLINE


def _length(element: DataElement) -> int:
    value = element.value
    if isinstance(value, bytes | str):
        return len(value)
    return len(str(value))


def _element_json(element: DataElement, *, word: str) -> Json | None:
    if element.VR == "SQ":
        items = [_dataset_json(item, word=word) for item in element.value or ()]
        return {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
    if element.tag in _TABLES and isinstance(element.value, bytes):
        words = np.frombuffer(element.value[: len(element.value) // 2 * 2], word)
        return {"vr": "US", "Value": words.tolist()}
    body: Json = element.to_json_dict(None, MAX_INLINE + _MAX_OVERLAY)
    if "Value" in body:
        body["Value"] = [_finite(value) for value in body["Value"]]
        if len(str(body["Value"])) > _MAX_TABLE:
            return None
    return body


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: they are absent."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def numbers_of(dataset: Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    """Return `count` finite numbers of an attribute; None when it has not those."""
    try:
        value = value_of(dataset, keyword)
        if value is None:
            return None
        parts = [value] if isinstance(value, int | float | str) else list(value)
        found = tuple(float(part) for part in parts[:count])
    except (*PARSE_ERRORS, struct.error):
        return None
    if len(found) != count or not all(math.isfinite(part) for part in found):
        return None
    return found


def text_of(dataset: Dataset, keyword: str) -> str:
    """Return an attribute as text, '' when absent or unreadable."""
    try:
        value = value_of(dataset, keyword)
    except PARSE_ERRORS:
        return ""
    return "" if value is None else str(value).strip()
