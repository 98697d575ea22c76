"""Label maps on disk, by the SHA-256 of their uncompressed bytes.

A label map is uint8 [row][column] of one image: 0 is nothing, n is segment number n.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from django.conf import settings
from django.db import connection

from apps.annotations.segment_content import is_sha256
from apps.core.errors import DomainError, Invalid, NotFound
from apps.core.files import replace_durably

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEVEL: Final = 6
_GZIP: Final = 31
"""zlib's window bits for gzip with the largest window."""


def segment_path(*, sha256: str) -> Path:
    """Return where a label map lives.

    Raises:
        Invalid: `sha256` is not 64 lower-case hexadecimal digits.
    """
    if not is_sha256(sha256):
        raise Invalid("invalid", "sha256: not a SHA-256 in hexadecimal.")
    return Path(settings.SEGMENTS_DIR) / sha256[:2] / f"{sha256}.gz"


def inflate(body: bytes, *, size: int) -> bytes:
    """Return the bytes of one whole gzip member of exactly `size` bytes.

    It is given up at the first byte too many, whatever it would unpack to.

    Raises:
        DomainError: 422 `bad_slice`; it is no gzip, or of another size.
    """
    inflater = zlib.decompressobj(wbits=_GZIP)
    try:
        content = inflater.decompress(body, size + 1)
    except zlib.error as error:
        raise _bad("The label map is not gzip.") from error
    if len(content) != size:
        raise _bad(f"The label map does not unpack to {size} bytes.")
    if not inflater.eof or inflater.unused_data:
        raise _bad("The label map is not one whole gzip file.")
    return content


def require_hash(content: bytes, *, sha256: str) -> None:
    """Raise 422 `hash_mismatch` unless the bytes have this SHA-256."""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DomainError("hash_mismatch", "The bytes do not have this SHA-256.", 422)


def count_labels(content: bytes) -> dict[str, int]:
    """Return how many voxels each segment number has, as JSON keeps it."""
    counts = np.bincount(np.frombuffer(content, dtype=np.uint8), minlength=256)
    return {str(n): int(counts[n]) for n in np.flatnonzero(counts) if n}


def lock_file(*, sha256: str) -> None:
    """Serialise writing and removing one label map until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 9))", [sha256]
        )


def write_label_map(*, content: bytes, sha256: str) -> None:
    """Put a label map on disk, durably, packed anew; one that is there is left.

    What was sent is never kept as sent: a gzip file may carry more than its content.
    """
    path = segment_path(sha256=sha256)
    if path.exists() and _is_whole(path, sha256):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_durably(path, gzip.compress(content, compresslevel=_LEVEL, mtime=0))


def _is_whole(path: Path, sha256: str) -> bool:
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error):
        return False
    return hashlib.sha256(content).hexdigest() == sha256


def read_packed(*, sha256: str) -> bytes:
    """Return a label map as gzip.

    Raises:
        NotFound: It is not here.
    """
    try:
        return segment_path(sha256=sha256).read_bytes()
    except FileNotFoundError as error:
        raise NotFound("not_found", "This label map is not stored here.") from error


def read_label_map(*, sha256: str, rows: int, columns: int) -> NDArray[np.uint8]:
    """Return a label map, [row, column], checked against its name.

    Raises:
        NotFound: It is not here, or was damaged on disk, or has another size.
    """
    try:
        content = inflate(read_packed(sha256=sha256), size=rows * columns)
        require_hash(content, sha256=sha256)
    except DomainError as error:
        if isinstance(error, NotFound):
            raise
        raise NotFound("damaged", "This label map was damaged on disk.") from error
    return np.frombuffer(content, dtype=np.uint8).reshape(rows, columns)


def remove_label_map(*, sha256: str) -> None:
    """Remove a label map from the disk; again is no error."""
    segment_path(sha256=sha256).unlink(missing_ok=True)


def _bad(words: str) -> DomainError:
    return DomainError("bad_slice", words, 422)
