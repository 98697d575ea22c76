"""Names and hash of the files of a model package. No torch, no Django.

A package is `card.json` and one file of weights: `weights.safetensors` (for a network
of ours or of MONAI's by name) or `model.onnx`, which may have `input_space.safetensors`
beside it. Its name is a SHA-256 over all of them.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

CARD_NAME: Final = "card.json"
SAFETENSORS_NAME: Final = "weights.safetensors"
ONNX_NAME: Final = "model.onnx"
WEIGHT_NAMES: Final = (SAFETENSORS_NAME, ONNX_NAME)
SPACE_NAME: Final = "input_space.safetensors"
"""Where a graph's training inputs lie (`workers.models.input_space`): a graph has no
room for other tensors; a network of ours has them among its weights."""
MAX_FILE_BYTES: Final = 2 << 30
_TIMELESS: Final = (1980, 1, 1, 0, 0, 0)


class PackageError(ValueError):
    """A package that can not be trusted or loaded; says which part and why."""


def read_files(source: Path | bytes) -> dict[str, bytes]:
    """Return the files of a package: the card first, then the weights.

    Args:
        source: A folder (what else lies in it is ignored), a zip, or a zip's bytes.

    Raises:
        PackageError: It is none, or lacks one.
    """
    if isinstance(source, bytes):
        return _read_zip(source)
    if source.is_dir():
        return _read_folder(source)
    if source.is_file():
        return _read_zip(source.read_bytes())
    raise PackageError("there is no package at that place")


def hash_files(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 that names a package, 64 hexadecimal digits.

    It covers names and bytes of the files and nothing else: a folder and any zip of
    it have the same hash.
    """
    total = hashlib.sha256()
    for name in sorted(files):
        inner = hashlib.sha256(files[name]).hexdigest()
        total.update(f"{name} {inner}\n".encode())
    return total.hexdigest()


def hash_source(source: Path) -> str:
    """Return the SHA-256 of a file; of a folder, one over its files' names and hashes.

    It says where a package came from; `hash_files` names the package itself.
    """
    if source.is_file():
        return _hash_file(source)
    total = hashlib.sha256()
    for path in sorted(p for p in source.rglob("*") if p.is_file()):
        total.update(f"{path.relative_to(source)} {_hash_file(path)}\n".encode())
    return total.hexdigest()


def _hash_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def parse_card(content: bytes) -> dict[str, Any]:
    """Return the object in a `card.json`.

    Raises:
        PackageError: There is none.
    """
    try:
        card = json.loads(content)
    except ValueError as error:
        raise PackageError(f"{CARD_NAME} is not JSON") from error
    if not isinstance(card, dict):
        raise PackageError(f"{CARD_NAME} is not a JSON object")
    return card


def write_card(card: Mapping[str, Any]) -> bytes:
    """Return a card as a file; the same card gives the same bytes."""
    text = json.dumps(card, indent=2, ensure_ascii=False, sort_keys=True)
    return (text + "\n").encode()


def zip_files(files: Mapping[str, bytes]) -> bytes:
    """Return a package as a zip; the same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=_TIMELESS)
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def _names_of(names: set[str]) -> tuple[str, ...]:
    """Return which of some names are a package's: the card first, then the weights."""
    weights = _weights_name(names)
    has_space = weights == ONNX_NAME and SPACE_NAME in names
    return (CARD_NAME, weights, SPACE_NAME) if has_space else (CARD_NAME, weights)


def _weights_name(names: set[str]) -> str:
    found = [name for name in WEIGHT_NAMES if name in names]
    if CARD_NAME not in names:
        raise PackageError(f"the package lacks {CARD_NAME}")
    if not found:
        raise PackageError(f"the package lacks {' or '.join(WEIGHT_NAMES)}")
    if len(found) > 1:
        raise PackageError("the package has two files of weights")
    return found[0]


def _read_folder(folder: Path) -> dict[str, bytes]:
    there = {
        path.name
        for path in folder.iterdir()
        if path.is_file() and not path.is_symlink()
    }
    names = _names_of(there)
    if any((folder / name).stat().st_size > MAX_FILE_BYTES for name in names):
        raise PackageError("the package is too large")
    return {name: (folder / name).read_bytes() for name in names}


def _read_zip(content: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            names = [entry.filename for entry in entries]
            wanted = _names_of(set(names))
            if sorted(names) != sorted(wanted):
                raise PackageError(f"the package must hold {' and '.join(wanted)} only")
            if any(entry.file_size > MAX_FILE_BYTES for entry in entries):
                raise PackageError("the package is too large")
            return {name: archive.read(name) for name in wanted}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise PackageError("the package is not a zip file") from error
