"""Files that claim to be DICOM: what they are, or in plain words why not.

Nothing here decodes pixels, and nothing here raises on bad input: a file is
either an ``AcceptedFile`` or a ``RejectedFile`` with a reason.
"""

import io
import logging
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, BinaryIO, Final

import pydicom
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import _read_file_meta_info, read_partial, read_preamble
from pydicom.filewriter import write_file_meta_info
from pydicom.tag import BaseTag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
)

from apps.interop.dicom.magic import kind_of_content
from apps.interop.sop_classes import MEDIA_DIRECTORY, is_image_class
from workers.packs.dataset import as_inflated
from workers.packs.structure import (
    PIXEL_TAGS,
    Structure,
    UnsafeFileError,
    is_little_endian,
    walk_structure,
)

log = logging.getLogger(__name__)

IMPLEMENTATION_UID: Final = "2.25.137455938464917311409862361452907826817"
"""Names Overread's own encoder in the file meta of wrapped files."""

_DAMAGED: Final = "The file is damaged: its elements make no sense."
_UID_LIMIT: Final = 64
_PREAMBLE: Final = 128
_META_LIMIT: Final = 1 << 20
_SNIFFED: Final = 4096
_DIGITS: Final = 12
_INTEGER_LIMIT: Final = (1 << 31) - 1
_WANTED: Final[list[BaseTag | int]] = [
    tag_for_keyword(keyword) or 0
    for keyword in (
        "SOPClassUID",
        "SOPInstanceUID",
        "Modality",
        "PatientID",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "SamplesPerPixel",
        "PhotometricInterpretation",
        "NumberOfFrames",
        "Rows",
        "Columns",
        "BitsAllocated",
        "DirectoryRecordSequence",
    )
]
"""What the decision needs; the rest is not read into memory."""


class Rejection(StrEnum):
    """Why a file is not taken."""

    EMPTY = "empty"
    UNREADABLE = "unreadable"
    NOT_DICOM = "not_dicom"
    MEDIA_DIRECTORY = "media_directory"
    TRUNCATED = "truncated"
    MISSING_IDENTIFIER = "missing_identifier"
    BAD_IDENTIFIER = "bad_identifier"
    NO_PIXELS = "no_pixels"
    UNSAFE = "unsafe"


@dataclass(frozen=True, slots=True)
class InstanceHeader:
    """What one file says about itself.

    Attributes:
        study_uid: Study Instance UID.
        series_uid: Series Instance UID.
        sop_uid: SOP Instance UID.
        sop_class_uid: SOP Class UID.
        transfer_syntax_uid: Encoding of the dataset; guessed for a bare dataset.
        modality: '' when absent.
        patient_id: '' when absent.
        rows: Pixels down, None when no image.
        columns: Pixels across, None when no image.
        n_frames: Frames, at least 1 for an image, 0 without pixels.
        has_pixels: Whether pixel data are in the file.
    """

    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    modality: str
    patient_id: str
    rows: int | None
    columns: int | None
    n_frames: int
    has_pixels: bool


@dataclass(frozen=True, slots=True)
class AcceptedFile:
    """A file that can go to the archive.

    Attributes:
        path: Where it lies.
        header: What it says about itself.
        size: Bytes.
        is_bare: A dataset without DICOM's file header: ``read_part10`` adds one.
    """

    path: Path
    header: InstanceHeader
    size: int
    is_bare: bool


@dataclass(frozen=True, slots=True)
class RejectedFile:
    """A file that is not taken.

    Attributes:
        path: Where it lies.
        code: Kind of problem.
        reason: The problem in plain words; names no patient.
        is_skipped: Nothing is lost by leaving it out (a media directory).
    """

    path: Path
    code: Rejection
    reason: str
    is_skipped: bool = False


class _Rejected(Exception):
    def __init__(self, code: Rejection, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Content:
    """A file that may be parsed: inflated, walked, found bounded.

    Attributes:
        data: Its bytes, the dataset unpacked where it is deflated.
        has_preamble: Whether it begins as DICOM files do.
        transfer_syntax: As the file says, '' when it does not.
        structure: What the walk over its elements found.
    """

    data: bytes | mmap
    has_preamble: bool
    transfer_syntax: str
    structure: Structure


@dataclass(frozen=True, slots=True)
class _Parsed:
    dataset: FileDataset
    syntax: str
    structure: Structure
    is_bare: bool
    has_pixels: bool


def classify_file(path: Path) -> AcceptedFile | RejectedFile:
    """Decide whether a file can go to the archive.

    Args:
        path: The file. Only its structure is read, pixels are not decoded.

    Returns:
        The decision; never raises for a bad file.
    """
    return _decided(path, lambda: _classify(path))


def classify_bytes(content: bytes) -> AcceptedFile | RejectedFile:
    """Decide whether bytes in memory can go to the archive.

    Args:
        content: What claims to be a DICOM file.

    Returns:
        The decision, with an empty path; never raises for bad content.
    """
    return _decided(Path(), lambda: _classify_data(Path(), content))


def _decided(
    path: Path, classify: Callable[[], AcceptedFile]
) -> AcceptedFile | RejectedFile:
    try:
        return classify()
    except _Rejected as no:
        return RejectedFile(
            path=path,
            code=no.code,
            reason=no.reason,
            is_skipped=no.code is Rejection.MEDIA_DIRECTORY,
        )
    except UnsafeFileError as error:
        reason = f"The file is not safe to read: {error}."
        return RejectedFile(path=path, code=Rejection.UNSAFE, reason=reason)
    except OSError as error:
        reason = (
            f"The file cannot be read: {error.strerror}."
            if error.strerror
            else _DAMAGED
        )
        return RejectedFile(path=path, code=Rejection.UNREADABLE, reason=reason)
    except Exception as error:  # noqa: BLE001  parsers fail on bad input in many ways
        log.info("a file was not parsed: %s", type(error).__name__)
        return RejectedFile(path=path, code=Rejection.UNREADABLE, reason=_DAMAGED)


def read_part10(accepted: AcceptedFile) -> bytes:
    """Read an accepted file as a complete DICOM file.

    Args:
        accepted: What ``classify_file`` said.

    Returns:
        The file's bytes; for a bare dataset the same dataset bytes behind a
        file header that names its encoding.
    """
    return complete_part10(accepted, accepted.path.read_bytes())


def complete_part10(accepted: AcceptedFile, content: bytes) -> bytes:
    """Put DICOM's file header before an accepted bare dataset.

    Args:
        accepted: What was said of the content.
        content: The file's bytes.

    Returns:
        The same bytes where they have a file header already.
    """
    if not accepted.is_bare:
        return content
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = _dataset_start(content)
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = UID(accepted.header.sop_class_uid)
    meta.MediaStorageSOPInstanceUID = UID(accepted.header.sop_uid)
    meta.TransferSyntaxUID = UID(accepted.header.transfer_syntax_uid)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_UID)
    buffer = DicomBytesIO()
    buffer.is_little_endian = True
    buffer.is_implicit_VR = False
    buffer.write(b"\x00" * 128 + b"DICM")
    write_file_meta_info(buffer, meta)
    return bytes(buffer.getvalue()) + content[start:]


def read_instance_header(content: bytes) -> InstanceHeader:
    """Read the header of a DICOM file that is known to be good.

    Args:
        content: The file, or its beginning up to the pixels.

    Raises:
        ValueError: When it is no DICOM file after all.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = _open_content(content)
            dataset = pydicom.dcmread(
                _as_stream(found.data), stop_before_pixels=True, force=True
            )
            return _header_of(
                dataset, syntax=found.transfer_syntax, has_pixels="Rows" in dataset
            )
    except Exception as error:
        raise ValueError("This is no readable DICOM file.") from error


def read_transfer_syntax(content: bytes) -> str:
    """Read how a DICOM file is encoded.

    Args:
        content: The file or its first kilobytes.

    Returns:
        Transfer Syntax UID, '' when the file does not say.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stream = io.BytesIO(content[:8192])
            read_preamble(stream, force=False)
            meta = _read_file_meta_info(stream)
        return str(meta.get("TransferSyntaxUID", ""))
    except Exception:  # noqa: BLE001  the archive itself will say what is wrong
        return ""


def _classify(path: Path) -> AcceptedFile:
    if not path.is_file():
        raise _Rejected(Rejection.UNREADABLE, "This is no ordinary file.")
    if not path.stat().st_size:
        raise _Rejected(Rejection.EMPTY, "The file is empty.")
    with (
        path.open("rb") as stream,
        mmap(stream.fileno(), 0, access=ACCESS_READ) as data,
    ):
        return _classify_data(path, data)


def _classify_data(path: Path, data: bytes | mmap) -> AcceptedFile:
    if not len(data):
        raise _Rejected(Rejection.EMPTY, "The file is empty.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _decide(path, _parse(data), len(data))


def _open_content(data: bytes | mmap) -> _Content:
    """Unpack a file where needed, and walk it before anything parses it.

    Raises:
        UnsafeFileError: Parsing it would cost too much.
    """
    stream = io.BytesIO(data[:_META_LIMIT])
    has_preamble = read_preamble(stream, force=True) is not None
    meta = _read_file_meta_info(stream)
    start = stream.tell()
    syntax = str(meta.get("TransferSyntaxUID", ""))
    if syntax == DeflatedExplicitVRLittleEndian:
        data = as_inflated(data, start=start)
    little = is_little_endian(data, start=start, transfer_syntax=syntax)
    return _Content(
        data=data,
        has_preamble=has_preamble,
        transfer_syntax=syntax,
        structure=walk_structure(data, start=start, little=little),
    )


def _as_stream(data: bytes | mmap) -> BinaryIO:
    """Return a stream in which pydicom may seek behind the end, as it does."""
    if isinstance(data, bytes):
        return io.BytesIO(data)
    return io.BufferedReader(_MappedFile(data))


class _MappedFile(io.RawIOBase):
    """A mapped file as a stream; nothing is in memory but what is read."""

    name = ""  # pydicom asks for one

    def __init__(self, data: mmap) -> None:
        super().__init__()
        self._data = data
        self._at = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to an offset, which may be behind the end."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: len(self._data)}
        self._at = max(0, base[whence] + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read what is there, at most what fits."""
        part = self._data[self._at : self._at + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)


def without_pixels(content: bytes) -> bytes:
    """Cut a DICOM file before its pixels; all bytes before them stay as they are.

    Args:
        content: The file. Only a deflated dataset is written anew, inflated.

    Returns:
        The beginning, or the whole file where there are no pixels to cut.

    Raises:
        ValueError: When it is no DICOM file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = _open_content(content)
            stream = _as_stream(found.data)
            at_pixels = _AtPixels()
            dataset = read_partial(stream, at_pixels, force=True)
            if found.transfer_syntax == DeflatedExplicitVRLittleEndian:
                return _inflated(dataset)
    except Exception as error:
        raise ValueError("This is no readable DICOM file.") from error
    return content[: stream.tell()] if at_pixels.reached else content


def _inflated(dataset: FileDataset) -> bytes:
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = io.BytesIO()
    dataset.save_as(buffer, implicit_vr=False, little_endian=True)
    return buffer.getvalue()


def _decide(path: Path, parsed: _Parsed, size: int) -> AcceptedFile:
    dataset, structure = parsed.dataset, parsed.structure
    _reject_directory(dataset)
    if structure.is_truncated:
        raise _Rejected(Rejection.TRUNCATED, "The file ends in the middle.")
    if structure.pixel_bytes is not None:
        announced = _native_length(dataset, parsed.syntax)
        if structure.pixel_bytes < announced:
            raise _Rejected(
                Rejection.TRUNCATED,
                f"The image has fewer pixels than it announces "
                f"({structure.pixel_bytes} of {announced} bytes).",
            )
    header = _header_of(dataset, syntax=parsed.syntax, has_pixels=parsed.has_pixels)
    _check_header(header)
    return AcceptedFile(path=path, header=header, size=size, is_bare=parsed.is_bare)


def _parse(data: bytes | mmap) -> _Parsed:
    """Read what is needed of a file, up to its pixels."""
    has_preamble = data[_PREAMBLE : _PREAMBLE + 4] == b"DICM"
    at_pixels = _AtPixels()
    try:
        content = _open_content(data)
        dataset = read_partial(
            _as_stream(content.data), at_pixels, force=True, specific_tags=_WANTED
        )
    except Exception as error:
        if has_preamble:
            raise
        raise _not_dicom(data) from error
    known = ("SOPClassUID", "StudyInstanceUID", "Modality", "DirectoryRecordSequence")
    if not has_preamble and not any(keyword in dataset for keyword in known):
        raise _not_dicom(data)
    return _Parsed(
        dataset=dataset,
        syntax=content.transfer_syntax,
        structure=content.structure,
        is_bare=not (has_preamble and content.transfer_syntax),
        has_pixels=at_pixels.reached,
    )


def _not_dicom(data: bytes | mmap) -> _Rejected:
    kind = kind_of_content(bytes(data[:_SNIFFED]))
    what = f"This is {kind}, not a DICOM file." if kind else "This is not a DICOM file."
    return _Rejected(Rejection.NOT_DICOM, what)


class _AtPixels:
    """Stops pydicom at the pixels, and remembers having been there."""

    def __init__(self) -> None:
        self.reached = False

    def __call__(self, tag: BaseTag, *_: object) -> bool:
        self.reached = self.reached or int(tag) in PIXEL_TAGS
        return self.reached


def _reject_directory(dataset: FileDataset) -> None:
    media_class = str(dataset.file_meta.get("MediaStorageSOPClassUID", ""))
    if media_class == MEDIA_DIRECTORY or "DirectoryRecordSequence" in dataset:
        raise _Rejected(
            Rejection.MEDIA_DIRECTORY,
            "This is a media directory (DICOMDIR): the files that it lists are "
            "imported themselves.",
        )


def _native_length(dataset: Dataset, syntax: str) -> int:
    """Least bytes of uncompressed pixels that the header announces, 0 if unsure."""
    uid = UID(syntax)
    if not syntax or not uid.is_transfer_syntax or uid.is_encapsulated:
        return 0
    rows, columns = _number(dataset, "Rows"), _number(dataset, "Columns")
    samples = _number(dataset, "SamplesPerPixel") or 1
    bits = _number(dataset, "BitsAllocated") or 0
    frames = _number(dataset, "NumberOfFrames") or 1
    if not rows or not columns or not bits:
        return 0
    if str(dataset.get("PhotometricInterpretation", "")).endswith("422"):
        samples = 2
    return rows * columns * samples * frames * bits // 8


def _header_of(dataset: Dataset, *, syntax: str, has_pixels: bool) -> InstanceHeader:
    syntax = syntax or _guess_syntax(dataset)
    frames = _number(dataset, "NumberOfFrames") or 1
    return InstanceHeader(
        study_uid=_uid(dataset, "StudyInstanceUID"),
        series_uid=_uid(dataset, "SeriesInstanceUID"),
        sop_uid=_uid(dataset, "SOPInstanceUID"),
        sop_class_uid=_uid(dataset, "SOPClassUID"),
        transfer_syntax_uid=syntax,
        modality=_string(dataset, "Modality"),
        patient_id=_string(dataset, "PatientID"),
        rows=_number(dataset, "Rows"),
        columns=_number(dataset, "Columns"),
        n_frames=max(frames, 1) if has_pixels else 0,
        has_pixels=has_pixels,
    )


def _guess_syntax(dataset: Dataset) -> str:
    implicit, little = dataset.original_encoding
    if little is False:
        return "1.2.840.10008.1.2.2"
    return "1.2.840.10008.1.2" if implicit else "1.2.840.10008.1.2.1"


_NEEDED: Final = (
    ("sop_class_uid", "SOP Class UID"),
    ("sop_uid", "SOP Instance UID"),
    ("study_uid", "Study Instance UID"),
    ("series_uid", "Series Instance UID"),
)


def _check_header(header: InstanceHeader) -> None:
    missing = [name for field, name in _NEEDED if not getattr(header, field)]
    if missing:
        raise _Rejected(
            Rejection.MISSING_IDENTIFIER,
            f"The object does not say its {' and its '.join(missing)}.",
        )
    odd = [name for field, name in _NEEDED if not _is_uid(getattr(header, field))]
    if odd:
        raise _Rejected(
            Rejection.BAD_IDENTIFIER,
            f"Not a UID (digits and dots, at most {_UID_LIMIT} characters): the "
            f"object's {' and its '.join(odd)}.",
        )
    if is_image_class(header.sop_class_uid) and not header.has_pixels:
        raise _Rejected(Rejection.NO_PIXELS, "This is an image object without pixels.")


def _is_uid(text: str) -> bool:
    """Digits and dots; leading zeros are met in the field and harmless."""
    parts = text.split(".")
    return len(text) <= _UID_LIMIT and all(
        part.isascii() and part.isdigit() for part in parts
    )


def _uid(dataset: Dataset, keyword: str) -> str:
    return _string(dataset, keyword).strip("\x00 ")


def _string(dataset: Dataset, keyword: str) -> str:
    try:
        value = dataset.get(keyword)
    except Exception:  # noqa: BLE001  a damaged element counts as absent
        return ""
    return "" if value is None else str(value).strip()


def _number(dataset: Dataset, keyword: str) -> int | None:
    text = _string(dataset, keyword)
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        return None
    return min(int(text), _INTEGER_LIMIT)


def _dataset_start(content: bytes) -> int:
    """Where the dataset begins in a file whose file header is not usable."""
    stream = io.BytesIO(content)
    read_preamble(stream, force=True)
    _read_file_meta_info(stream)
    return stream.tell()
