"""Model packages on disk. The portal reads bytes and cards, never weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.core.errors import Invalid, Unavailable
from workers.model_card import CardError, read_card
from workers.model_files import (
    CARD_NAME,
    PackageError,
    hash_files,
    parse_card,
    read_files,
    zip_files,
)

if TYPE_CHECKING:
    from apps.inference.models import ModelVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFolder:
    """A model package in a folder.

    Attributes:
        path: The folder.
        package_hash: What names it, see `workers.model_files.hash_files`.
        card: The model card.
        size: Bytes of its files.
    """

    path: Path
    package_hash: str
    card: dict[str, Any]
    size: int = 0


def read_package(*, path: Path) -> PackageFolder:
    """Read a package folder and check its card.

    Raises:
        Invalid: A file is missing or the card can not be used.
    """
    try:
        files = read_files(path)
        card = parse_card(files[CARD_NAME])
        read_card(card)
    except (PackageError, CardError) as error:
        raise Invalid("bad_package", f"{path.name}: {error}.") from error
    return PackageFolder(
        path=path,
        package_hash=hash_files(files),
        card=card,
        size=sum(len(content) for content in files.values()),
    )


def package_zip(*, model: ModelVersion) -> bytes:
    """Return a registered package as an uncompressed zip, checked by its hash."""
    try:
        files = read_files(Path(model.package_path))
    except PackageError as error:
        raise Unavailable(
            "package_gone", f"The package of {model}: {error}."
        ) from error
    if hash_files(files) != model.package_hash:
        raise Unavailable(
            "package_changed", f"The package of {model} was changed on disk."
        )
    return zip_files(files)
