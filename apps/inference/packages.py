"""Model packages on disk. The portal reads bytes and cards, never weights."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.core.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from apps.inference.models import ModelVersion

FILES = ("card.json", "weights.safetensors")


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFolder:
    """A model package in a folder.

    Attributes:
        path: The folder.
        package_hash: SHA-256 over names and contents of `FILES`, as
            `workers.models.package.package_hash` computes it (a test holds them equal).
        card: The model card.
    """

    path: Path
    package_hash: str
    card: dict[str, Any]


def read_package(*, path: Path) -> PackageFolder:
    """Read a package folder.

    Raises:
        Invalid: A file is missing or the card is no JSON object.
    """
    for name in FILES:
        if not (path / name).is_file():
            raise Invalid("bad_package", f"{path.name}: {name} is missing.")
    try:
        card = json.loads((path / "card.json").read_text("utf-8"))
    except ValueError as error:
        raise Invalid("bad_package", f"{path.name}: card.json is no JSON.") from error
    if not isinstance(card, dict):
        raise Invalid("bad_package", f"{path.name}: card.json is no JSON object.")
    return PackageFolder(path=path, package_hash=_hash(path), card=card)


def _hash(path: Path) -> str:
    total = hashlib.sha256()
    for name in FILES:
        inner = hashlib.sha256((path / name).read_bytes()).hexdigest()
        total.update(f"{name} {inner}\n".encode())
    return total.hexdigest()


def package_zip(*, model: ModelVersion) -> bytes:
    """Return a registered package as an uncompressed zip, checked by its hash."""
    folder = read_package(path=Path(model.package_path))
    if folder.package_hash != model.package_hash:
        raise Unavailable(
            "package_changed", f"The package of {model} was changed on disk."
        )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in FILES:
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, (folder.path / name).read_bytes())
    return out.getvalue()
