"""Where everything lies in a pixel pack, and which suffix is which encoding.

The one source of these names: docs/architecture.md describes it, the web
server's map of suffixes to transfer syntaxes is made to match it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

INDEX_NAME: Final = "index.json"
INDEX_VERSION: Final = 1

_BASE = "1.2.840.10008.1.2"
IMPLICIT_LITTLE: Final = _BASE
EXPLICIT_LITTLE: Final = f"{_BASE}.1"
DEFLATED: Final = f"{_BASE}.1.99"
EXPLICIT_BIG: Final = f"{_BASE}.2"
DEFLATED_FRAMES: Final = f"{_BASE}.8.1"
RLE: Final = f"{_BASE}.5"
JPEG_BASELINE: Final = f"{_BASE}.4.50"
JPEG_EXTENDED: Final = f"{_BASE}.4.51"
JPEG_LOSSLESS: Final = f"{_BASE}.4.70"
JPEG_LS: Final = f"{_BASE}.4.80"
JPEG_LS_NEAR: Final = f"{_BASE}.4.81"
JPEG_2000: Final = f"{_BASE}.4.90"
HTJ2K: Final = f"{_BASE}.4.201"

NATIVE: Final = frozenset({IMPLICIT_LITTLE, EXPLICIT_LITTLE, DEFLATED, EXPLICIT_BIG})

EXT_OF: Final = {
    EXPLICIT_LITTLE: "raw",
    RLE: "rle",
    JPEG_BASELINE: "jpg",
    JPEG_EXTENDED: "jpe",
    JPEG_LOSSLESS: "jpl",
    JPEG_LS: "jls",
    JPEG_2000: "j2k",
    HTJ2K: "jph",
}
"""Suffix of a frame file by the transfer syntax that it is served as."""

TRANSFER_SYNTAX_OF: Final = {ext: uid for uid, ext in EXT_OF.items()}

_UID = re.compile(r"[0-9]+(\.[0-9]+)*\Z")
_REVISION = re.compile(r"[0-9a-f-]{36}\Z")

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_NOT_IN_PACKS: Final = tuple(
    _STORAGE + part
    for part in (
        "9",  # waveforms
        "11",  # presentation states
        "30",  # parametric maps: results, often an AI's
        "66",  # raw data, registrations, segmentations
        "67",  # real world value maps
        "68",  # surfaces
        "88",  # structured reports, key objects
        "91",  # bulk annotations
        "104",  # documents
        "481.2",  # RT dose, structures, plans, records
        "481.3",
        "481.4",
        "481.5",
        "481.6",
        "481.7",
        "481.8",
        "481.9",
    )
)


def belongs_in_pack(sop_class_uid: str) -> bool:
    """Whether objects of a SOP class are images that a pack may hold.

    Results, an AI's above all, never are: who may see them is decided elsewhere.
    """
    return not any(
        sop_class_uid == part or sop_class_uid.startswith(part + ".")
        for part in _NOT_IN_PACKS
    )


def is_uid(uid: str) -> bool:
    """Whether a text is a DICOM UID, and so safe as a file name."""
    return len(uid) <= 64 and _UID.match(uid) is not None


def checked_uid(uid: str) -> str:
    """Return a UID that is safe as a file name.

    Raises:
        ValueError: It is not a DICOM UID.
    """
    if not is_uid(uid):
        raise ValueError("this is not a DICOM UID")
    return uid


def pack_folder(root: Path, *, revision_id: str) -> Path:
    """Return the folder of a revision's pack.

    Raises:
        ValueError: `revision_id` is not a UUID.
    """
    if not _REVISION.match(revision_id):
        raise ValueError("this is not a revision's id")
    return root / revision_id


def frame_path(*, sop_uid: str, frame: int, ext: str) -> str:
    """Return where a frame (1-based) lies, relative to the pack."""
    return f"frames/{checked_uid(sop_uid)}/{frame}.{ext}"


def metadata_path(*, series_index: int) -> str:
    """Return where a series' viewer metadata lie, gzipped."""
    return f"metadata/{series_index}.json.gz"


def thumbnail_path(*, series_index: int) -> str:
    """Return where a series' thumbnail lies."""
    return f"thumbs/{series_index}.jpg"
