"""Files that workers made, kept by their SHA-256 under the artefacts folder."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import zlib
from pathlib import Path

from django.conf import settings

from apps.core.errors import DomainError, Invalid, NotFound
from apps.core.files import replace_durably
from workers.inputs import ARTEFACTS_BYTES, ParcelError, unpack

_SHA256 = re.compile(r"[0-9a-f]{64}")
_PIECE_BYTES = 1 << 20


def artefact_path(*, sha256: str) -> Path:
    """Return where an artefact lives.

    Raises:
        Invalid: `sha256` is not 64 lower-case hexadecimal digits.
    """
    if not _SHA256.fullmatch(sha256):
        raise Invalid("invalid", "sha256: not a SHA-256 in hexadecimal.")
    return Path(settings.ARTEFACTS_DIR) / sha256[:2] / sha256


def write_artefact(*, sha256: str, body: bytes) -> bool:
    """Store an artefact durably; True when it is new or heals a damaged one.

    Raises:
        DomainError: 422 `hash_mismatch`; the bytes do not have this hash.
    """
    path = artefact_path(sha256=sha256)
    if _hash(body) != sha256:
        raise DomainError("hash_mismatch", "The bytes do not have this SHA-256.", 422)
    if path.exists() and _hash(path.read_bytes()) == sha256:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_durably(path, body)
    return True


def write_artefacts(*, parcel: bytes) -> int:
    """Store each file of a zip, whose name is its SHA-256; return how many were new.

    Raises:
        DomainError: 422 `hash_mismatch`: a name is not the hash of its bytes; those
            before it are stored. 400 `bad_parcel`: it is no zip as it should be.
    """
    try:
        files = unpack(parcel, limit=ARTEFACTS_BYTES)
    except ParcelError as error:
        raise Invalid(
            "bad_parcel", f"The artefacts were not taken: {error}."
        ) from error
    return sum(write_artefact(sha256=name, body=body) for name, body in files.items())


def _hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def read_artefact(*, sha256: str) -> bytes:
    """Return the bytes of an artefact, checked against its name.

    Raises:
        NotFound: It is not here, or what is here has been damaged.
    """
    path = artefact_path(sha256=sha256)
    try:
        body = path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound("not_found", "This artefact is not stored here.") from error
    if _hash(body) != sha256:
        raise NotFound("damaged", "This artefact was damaged on disk.")
    return body


def check_mask(*, sha256: str, n_bytes: int) -> None:
    """Check that a stored mask inflates to so many bytes, each 0 or 1.

    It is inflated piece by piece and given up at the first byte too many.

    Raises:
        Invalid: It is no gzip file, of another size, or holds other values.
    """
    seen = 0
    try:
        with gzip.open(io.BytesIO(read_artefact(sha256=sha256))) as stream:
            while piece := stream.read(_PIECE_BYTES):
                seen += len(piece)
                if seen > n_bytes or piece.translate(None, b"\x00\x01"):
                    raise Invalid("bad_mask", "The mask holds more than it says.")
    except (OSError, EOFError, zlib.error) as error:
        raise Invalid("bad_mask", "The mask is not a whole gzip file.") from error
    if seen != n_bytes:
        raise Invalid("bad_mask", "The mask is smaller than it says.")
