"""Pieces of a file that comes over the network: to disk, and nothing else.

A piece is on disk before it is answered; which bytes are here is what a row says, so
whatever breaks off goes on from there.
"""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path
from typing import Final

from apps.core.errors import Conflict, DomainError, Invalid
from apps.core.parsers import BytesParser

log = logging.getLogger(__name__)

MAX_PIECE: Final = 8 << 20
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


_TOO_LARGE: Final = f"A piece has at most {MAX_PIECE >> 20} MiB."


class PieceParser(BytesParser):
    """Reads a piece of a file as it is, and not a byte more than a piece may have."""

    media_type = "application/octet-stream"
    max_bytes = MAX_PIECE
    too_large = _TOO_LARGE


def read_offset(text: str, *, top: int) -> int:
    """Return the number in an `Upload-Offset`, in bytes from the file's beginning.

    Raises:
        Invalid: It is none, or more than `top`.
    """
    if not text.isascii() or not text.isdigit() or len(text) > 18 or int(text) > top:
        raise Invalid(
            "invalid", f"Upload-Offset: is a number up to {top}.", field="Upload-Offset"
        )
    return int(text)


def check_piece(chunk: bytes) -> None:
    """Refuse a piece that is too large.

    Raises:
        DomainError: `too_large`.
    """
    if len(chunk) > MAX_PIECE:
        raise DomainError("too_large", _TOO_LARGE, 413)


def keep_piece(
    *, path: Path, offset: int, chunk: bytes, received: int, size: int
) -> int:
    """Write a piece to disk; what lies behind its beginning is replaced.

    Args:
        path: The file; its folder is made.
        offset: Where in it the piece begins, in bytes.
        chunk: The piece.
        received: How many bytes of the file are known to be here.
        size: How many it was named with.

    Returns:
        How many bytes of it are here now.

    Raises:
        Conflict: `offset_mismatch`, with what is `received`.
        Invalid: It would be longer than named.
        DomainError: `disk_full` or `disk_trouble`; nothing of the piece counts.
    """
    if offset != received:
        raise Conflict(
            "offset_mismatch",
            f"{received} bytes of this file are here: go on from there.",
            received=received,
        )
    if offset + len(chunk) > size:
        raise Invalid("invalid", f"The file was named with {size} bytes.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("r+b" if path.exists() else "xb") as target:
            target.truncate(offset)
            target.seek(offset)
            target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
    except OSError as error:
        raise no_room(error) from error
    return offset + len(chunk)


def no_room(error: OSError) -> DomainError:
    """Return what is said of a disk that does not take a piece."""
    if error.errno in _NO_ROOM:
        return DomainError(
            "disk_full",
            "The server's disk is full. Nothing of this piece was kept; go on when "
            "there is room.",
            507,
        )
    log.error("an upload cannot be written: %s", error.strerror)
    return DomainError(
        "disk_trouble", f"The server cannot write the file: {error.strerror}.", 503
    )
