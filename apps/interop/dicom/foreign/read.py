"""One door for objects of other makers: a broken one says why, and nothing else."""

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from apps.interop.dicom.charset import decoded_text
from apps.interop.dicom.foreign.header import (
    creator_of,
    moment_of,
    title_of,
    uid_of,
    unique,
)
from apps.interop.dicom.foreign.maps import read_map_object, read_map_values
from apps.interop.dicom.foreign.masks import read_segmentation_object, read_voxels
from apps.interop.dicom.foreign.presentation import read_presentation
from apps.interop.dicom.foreign.reports import read_report
from apps.interop.dicom.foreign.structures import read_structures
from apps.interop.dicom.foreign.types import (
    Coded,
    ForeignError,
    ForeignObject,
    Item,
    ObjectKind,
)

MAX_BYTES: Final = 256 << 20
_STORAGE: Final = "1.2.840.10008.5.1.4.1.1."
_KEY_OBJECTS: Final = _STORAGE + "88.59"
_SEGMENTATIONS: Final = frozenset({_STORAGE + "66.4", _STORAGE + "66.7"})
_MAPS: Final = _STORAGE + "30"
_STRUCTURES: Final = _STORAGE + "481.3"
_MAX_WORDS: Final = 300


def kind_of(sop_class_uid: str) -> ObjectKind:
    """Say what can be done with objects of a SOP class."""
    if sop_class_uid == _KEY_OBJECTS:
        return "kos"
    if sop_class_uid in _SEGMENTATIONS:
        return "seg"
    if sop_class_uid == _MAPS:
        return "pm"
    if sop_class_uid == _STRUCTURES:
        return "rtstruct"
    if sop_class_uid.startswith(_STORAGE + "88."):
        return "sr"
    return "gsps" if sop_class_uid.startswith(_STORAGE + "11.") else "other"


def read_foreign(content: bytes) -> ForeignObject:
    """Read an object of another maker; it never fails.

    Args:
        content: The file.

    Returns:
        What it says; or, with `trouble`, why it could not be read.
    """
    dataset: Dataset | None = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they quote values, which may be a patient's
        try:
            dataset = _parse(content)
            return _with_modality(_read(dataset, content), dataset)
        except ForeignError as error:
            return _unread(dataset, str(error))
        except Exception as error:  # noqa: BLE001  parsers fail in many ways
            return _unread(dataset, _plain(error))


def read_segment(content: bytes, *, number: int) -> NDArray[np.uint8]:
    """Return one segment's voxels: 0 or 1, [frame, row, column].

    Raises:
        ForeignError: They cannot be had; the text says why.
    """
    with _in_plain_words():
        return read_voxels(_parse(content), content, number=number)


def read_map(content: bytes, *, number: int) -> NDArray[np.float32]:
    """Return one quantity's values in its unit, [frame, row, column]; NaN: none.

    Raises:
        ForeignError: They cannot be had; the text says why.
    """
    with _in_plain_words():
        return read_map_values(_parse(content), content, number=number)


@contextmanager
def _in_plain_words() -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they quote values
            yield
    except ForeignError:
        raise
    except Exception as error:
        raise ForeignError(_plain(error)) from error


def _parse(content: bytes) -> Dataset:
    if len(content) > MAX_BYTES:
        msg = "it is too large to be read here"
        raise ForeignError(msg)
    return pydicom.dcmread(io.BytesIO(content), force=True)


def _read(dataset: Dataset, content: bytes) -> ForeignObject:
    kind = kind_of(uid_of(dataset, "SOPClassUID"))
    readers: dict[ObjectKind, Callable[[], ForeignObject]] = {
        "sr": lambda: read_report(dataset),
        "kos": lambda: _key_objects(dataset),
        "seg": lambda: read_segmentation_object(dataset, content),
        "pm": lambda: read_map_object(dataset, content),
        "rtstruct": lambda: read_structures(dataset),
        "gsps": lambda: read_presentation(dataset),
        "other": lambda: _other(dataset),
    }
    return readers[kind]()


def _identity(dataset: Dataset | None) -> dict[str, Any]:
    def uid(keyword: str) -> str:
        return "" if dataset is None else uid_of(dataset, keyword)

    return {
        "study_uid": uid("StudyInstanceUID"),
        "series_uid": uid("SeriesInstanceUID"),
        "sop_uid": uid("SOPInstanceUID"),
        "sop_class_uid": uid("SOPClassUID"),
    }


def _with_modality(found: ForeignObject, dataset: Dataset) -> ForeignObject:
    fields = {name: getattr(found, name) for name in ForeignObject.__slots__}
    return ForeignObject(**{**fields, "modality": decoded_text(dataset, "Modality")})


def _other(dataset: Dataset) -> ForeignObject:
    title = title_of(dataset, "SeriesDescription", "DocumentTitle")
    return ForeignObject(
        **_identity(dataset),
        kind="other",
        title=title,
        creator=creator_of(dataset, title=title),
        made_at=moment_of(
            dataset, ("ContentDate", "ContentTime"), ("SeriesDate", "SeriesTime")
        ),
        notes=("Objects of this kind are listed, not shown.",),
    )


def _key_objects(dataset: Dataset) -> ForeignObject:
    """Read a key object selection: one item with the images that it points at."""
    report = read_report(dataset)
    images = unique(
        uid_of(ref, "ReferencedSOPInstanceUID")
        for item in dataset.get("ContentSequence") or ()
        for ref in item.get("ReferencedSOPSequence") or ()
    )
    words = "\n".join(item.text for item in report.items if item.text)
    fields = {name: getattr(report, name) for name in ForeignObject.__slots__}
    item = Item(
        key="k1",
        label=Coded(scheme="", code="", display=report.title or "Key images"),
        text=words,
        images=images,
    )
    return ForeignObject(**{**fields, "kind": "kos", "items": (item,)})


def _unread(dataset: Dataset | None, why: str) -> ForeignObject:
    trouble = f"It could not be read: {why}."[:_MAX_WORDS]
    try:
        identity = _identity(dataset)
        modality = "" if dataset is None else decoded_text(dataset, "Modality")
        title = "" if dataset is None else title_of(dataset, "SeriesDescription")
    except Exception:  # noqa: BLE001  not even its name can be read
        identity, modality, title = _identity(None), "", ""
    return ForeignObject(
        **identity,
        kind=kind_of(identity["sop_class_uid"]),
        modality=modality,
        title=title,
        trouble=trouble,
    )


def _plain(error: Exception) -> str:
    """Say what was wrong without quoting values, which may be a patient's."""
    if isinstance(error, ValueError) and type(error) is ValueError:
        return str(error).splitlines()[0][:200] if str(error) else "a value is wrong"
    words = {
        "AttributeError": "a part that it must have is missing",
        "KeyError": "a part that it must have is missing",
        "IndexError": "a list in it is too short",
        "TypeError": "a value in it is of a wrong kind",
        "EOFError": "it ends too early",
        "InvalidDicomError": "it is no DICOM file",
        "MemoryError": "it needs too much memory",
        "RecursionError": "it is nested too deeply",
    }
    return words.get(type(error).__name__, "its structure is broken")
