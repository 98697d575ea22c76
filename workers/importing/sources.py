"""What kind of model lies there, and who imports it."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from workers.importing.bundle import import_bundle, unpack_bundle
from workers.importing.graphs import import_onnx, import_torchscript
from workers.importing.own import import_package
from workers.importing.said import RefusedError, Said
from workers.importing.xrv import import_xrv
from workers.model_files import CARD_NAME

Made = tuple[dict[str, bytes], dict[str, Any]]
Importer = Callable[..., Made]

_IMPORTERS: Final[dict[str, Importer]] = {
    "package": import_package,
    "monai": import_bundle,
    "torchscript": import_torchscript,
    "onnx": import_onnx,
    "xrv": import_xrv,
}


def import_source(
    source: Path, *, kind: str, card: Mapping[str, Any], said: Said
) -> Made:
    """Return the files of a package and a report of how it was made.

    Args:
        source: A file or folder.
        kind: A kind, or `auto`.
        card: Fields of the card that go before the source's own.
        said: Where progress is told.

    Raises:
        RefusedError: It can not be imported.
    """
    found = detect(source) if kind == "auto" else kind
    said.step(f"reading it as {_WORDS[found]}")
    place = unpack_bundle(source) if found == "monai" else source
    return _IMPORTERS[found](place, card=card, said=said)


_WORDS: Final = {
    "package": "a package of ours",
    "monai": "a MONAI bundle",
    "torchscript": "TorchScript",
    "onnx": "ONNX",
    "xrv": "weights in torchxrayvision's format",
}


def detect(source: Path) -> str:
    """Return the kind of a model by what it holds, not by its name alone.

    Raises:
        RefusedError: It is of no kind that is known.
    """
    names = _names(source)
    if CARD_NAME in names:
        return "package"
    if any(name.endswith("configs/metadata.json") for name in names):
        return "monai"
    if any("/code/" in f"/{name}" for name in names) and names:
        return "torchscript"
    if source.suffix.lower() == ".onnx":
        return "onnx"
    if source.is_file() and source.suffix.lower() in _WEIGHTS:
        return "xrv"
    raise RefusedError(
        "it is no model that is known here: a package, a MONAI bundle, TorchScript,"
        " ONNX, or weights in torchxrayvision's format (.pt, .pth, .bin, .safetensors)"
    )


_WEIGHTS: Final = frozenset({".pt", ".pth", ".bin", ".ckpt", ".safetensors"})


def _names(source: Path) -> set[str]:
    """Return the names of the files in a folder or zip; none for other files."""
    if source.is_dir():
        return {str(p.relative_to(source)) for p in source.rglob("*") if p.is_file()}
    if not zipfile.is_zipfile(source):
        return set()
    with zipfile.ZipFile(source) as archive:
        return set(archive.namelist())
