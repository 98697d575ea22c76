"""What the archive cannot hold, made so that it can: at the door, without loss.

Orthanc 1.10.1 refuses HTJ2K by C-STORE and mislabels it by REST. The portal calls
`to_storable` for each file that comes in. The decoding itself happens in a process
of its own with limits on time and memory; nothing here runs a decoder.
"""

from __future__ import annotations

import os
import struct
import threading
from typing import Final

from workers.packs.isolation import DecodingError, IsolatedDecoder

HTJ2K_SYNTAXES: Final = frozenset(
    {
        "1.2.840.10008.1.2.4.201",
        "1.2.840.10008.1.2.4.202",
        "1.2.840.10008.1.2.4.203",
    }
)
_IDLE_S: Final = 60.0
_PREAMBLE: Final = 128
_META_LIMIT: Final = 64 * 1024
_LONG_VRS: Final = frozenset({b"OB", b"OW", b"UN", b"SQ", b"UT", b"UC", b"UR"})


class TranscodeError(ValueError):
    """A file that cannot be made storable; the text says why, in plain words."""


def to_storable(data: bytes) -> bytes | None:
    """Make a DICOM file storable in the archive, if it is not.

    HTJ2K becomes lossless JPEG 2000 (uncompressed above 16 bits) with the very
    same pixel values, which is checked by decoding again. UIDs stay, for nothing
    that can be seen changes; marks of an earlier lossy compression stay.

    Args:
        data: The file, with DICOM's file header.

    Returns:
        The other file; None when the archive can hold the file as it is.

    Raises:
        TranscodeError: It is HTJ2K and cannot be converted.
    """
    if transfer_syntax_of(data) not in HTJ2K_SYNTAXES:
        return None
    try:
        return _HELPER.transcode(data)
    except DecodingError as error:
        raise TranscodeError(
            f"The image is compressed with HTJ2K and cannot be converted: {error}."
        ) from error


def transfer_syntax_of(data: bytes) -> str:
    """Read the Transfer Syntax UID of a file header; '' when it does not say."""
    if data[_PREAMBLE : _PREAMBLE + 4] != b"DICM":
        return ""
    position, end = _PREAMBLE + 4, min(len(data), _META_LIMIT)
    while position + 12 <= end:
        group, element, vr, length = struct.unpack_from("<HH2sH", data, position)
        position += 8
        if group != 0x0002:
            return ""
        if vr in _LONG_VRS:
            (length,) = struct.unpack_from("<L", data, position)
            position += 4
        if element == 0x0010:
            found = data[position : position + min(length, 64)]
            return found.decode("ascii", "replace").strip("\0 ")
        position += length
    return ""


class _Helper:
    """One decoding process for each process of ours; it ends when idle."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._decoder: IsolatedDecoder | None = None
        self._owner = 0
        self._idle: threading.Timer | None = None

    def transcode(self, data: bytes) -> bytes:
        with self._lock:
            if self._decoder is None or self._owner != os.getpid():
                self._decoder = IsolatedDecoder()
                self._owner = os.getpid()
            if self._idle is not None:
                self._idle.cancel()
            try:
                return self._decoder.transcode(data)
            finally:
                self._idle = threading.Timer(_IDLE_S, self._rest)
                self._idle.daemon = True
                self._idle.start()

    def _rest(self) -> None:
        with self._lock:
            if self._decoder is not None and self._owner == os.getpid():
                self._decoder.close()


_HELPER: Final = _Helper()
