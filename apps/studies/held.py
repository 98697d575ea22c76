"""Files kept outside the archive, by their SHA-256, in the folder `held`."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from django.conf import settings

from apps.core.errors import NotFound
from apps.core.files import replace_durably

_SHA256 = re.compile(r"[0-9a-f]{64}")


def held_folder() -> Path:
    """Return the folder of held files."""
    return Path(settings.STATE_DIR) / "held"


def arrivals_folder() -> Path:
    """Return where the archive's plugin leaves files that it could not store."""
    return held_folder() / "arrivals"


def _held_path(sha256: str) -> Path:
    if not _SHA256.fullmatch(sha256):
        raise NotFound("not_found", "There is no such held file.")
    return held_folder() / f"{sha256}.dcm"


def keep_file(*, data: bytes) -> str:
    """Keep a file durably, readable by the portal alone; return its SHA-256."""
    sha256 = hashlib.sha256(data).hexdigest()
    path = _held_path(sha256)
    if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
        return sha256
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    replace_durably(path, data)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return sha256


def read_held(*, sha256: str) -> bytes:
    """Return a held file, checked against its name.

    Raises:
        NotFound: It is not here, or what is here has been damaged.
    """
    try:
        data = _held_path(sha256).read_bytes()
    except FileNotFoundError as error:
        raise NotFound("not_found", "This file is not held here.") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise NotFound("damaged", "This held file was damaged on disk.")
    return data
