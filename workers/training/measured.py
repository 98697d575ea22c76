"""Put what was measured on a shipped package's card: the weights stay."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from workers.model_files import CARD_NAME, write_card
from workers.models.package import load_package, package_hash

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from workers.measures.change import Repeatability


def write_measured(
    folder: Path,
    *,
    version: str,
    measured: Mapping[str, Any],
    repeatability: Repeatability | None = None,
) -> str:
    """Write measured figures on a package's card and return its new hash.

    Args:
        folder: The package.
        version: Of the package with these figures: another card is another version.
        measured: Figures by part; they take the place of `performance`'s of that name.
        repeatability: Of the volumes of each of its labels; None leaves it unsaid.

    Raises:
        ValueError: The card differs and its version does not.
    """
    card = load_package(folder).card
    made = card | {
        "version": version,
        "performance": {**card["performance"], **measured},
    }
    if repeatability is not None:
        made["repeatability"] = [
            {"code": label["code"], **asdict(repeatability)} for label in card["labels"]
        ]
    if made != card and version == card["version"]:
        raise ValueError(f"another card is another version than {version}")
    (folder / CARD_NAME).write_bytes(write_card(made))
    return package_hash(folder)
