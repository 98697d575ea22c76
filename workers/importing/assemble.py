"""From parts to a package that loads, with what was done to it on its card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workers.importing.said import RefusedError
from workers.model_card import CardError, read_card
from workers.model_files import (
    CARD_NAME,
    PackageError,
    hash_source,
    write_card,
    zip_files,
)
from workers.models.package import ModelPackage, load_package
from workers.models.preprocess import PreprocessError, prepare

TOLERANCE = 1e-4
"""How far outputs may differ before and after, of the largest output or of 1."""
_SEED = 20261121
_SIDE = (512, 448)


def merge(own: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a card in which the given fields go before the source's own."""
    merged = dict(own)
    for name, value in given.items():
        before = merged.get(name)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            merged[name] = merge(before, value)
        else:
            merged[name] = value
    return merged


def finish_card(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return a card with what may be left out filled in, checked.

    Raises:
        RefusedError: It can not be used.
    """
    full = dict(card)
    labels = full.get("labels")
    if isinstance(labels, list) and "calibration" not in full:
        full["calibration"] = {
            "method": "none: the network's own scale",
            "labels": [
                {"code": str(row.get("code")), "slope": 1.0, "intercept": 0.0}
                for row in labels
                if isinstance(row, Mapping)
            ],
        }
    full.setdefault("requires_review", True)
    try:
        read_card(full)
    except CardError as error:
        raise RefusedError(f"{error}. Give what is missing with --card") from error
    return full


def build_package(
    card: Mapping[str, Any], *, weights_name: str, weights: bytes
) -> tuple[dict[str, bytes], ModelPackage]:
    """Return a package's files, and the package loaded from them.

    Raises:
        RefusedError: It does not load.
    """
    files = {CARD_NAME: write_card(card), weights_name: weights}
    try:
        return files, load_package(zip_files(files))
    except PackageError as error:
        raise RefusedError(str(error)) from error


def source_record(source: Path, *, kind: str, **more: Any) -> dict[str, Any]:
    """Return what a card keeps of where it came from."""
    return {
        "format": kind,
        "source_sha256": hash_source(source),
        "converted_with": {"torch": torch.__version__.partition("+")[0]},
        **more,
    }


def example_films(steps: list[dict[str, Any]], *, n: int = 3) -> torch.Tensor:
    """Return made-up films prepared by declared steps, [n, C, H, W].

    Raises:
        RefusedError: The steps can not be executed.
    """
    made = np.random.default_rng(_SEED)
    try:
        films = [prepare(_film(made), steps=steps).tensor for _ in range(n)]
    except PreprocessError as error:
        raise RefusedError(str(error)) from error
    return torch.stack(films)


def _film(made: np.random.Generator) -> NDArray[np.float32]:
    """Return a made-up film, 0 to 1: a slope, some discs, noise."""
    down, across = np.mgrid[0 : _SIDE[0], 0 : _SIDE[1]].astype(np.float32)
    film = down / _SIDE[0] * 0.5
    for _ in range(6):
        row, column = made.uniform(0, 1, 2) * _SIDE
        radius = made.uniform(20, 90)
        film[(down - row) ** 2 + (across - column) ** 2 < radius**2] += made.uniform(
            -0.3, 0.4
        )
    noise = made.normal(0, 0.02, film.shape)
    clipped: NDArray[np.float32] = np.clip(film + noise, 0.0, 1.0).astype(np.float32)
    return clipped


def compare(before: torch.Tensor, after: torch.Tensor, *, what: str) -> dict[str, Any]:
    """Return how far outputs differ; refuse when they do by more than rounding.

    Raises:
        RefusedError: They differ.
    """
    if before.shape != after.shape:
        raise RefusedError(
            f"{what} change shape: {tuple(before.shape)} before,"
            f" {tuple(after.shape)} after"
        )
    if not bool(torch.isfinite(before).all()):
        raise RefusedError(f"{what} are not all numbers before it is converted")
    largest = float((before - after).abs().max())
    scale = max(1.0, float(before.abs().max()))
    if not largest <= TOLERANCE * scale:
        raise RefusedError(
            f"{what} differ by {largest:.2g} before and after it is converted;"
            f" at most {TOLERANCE * scale:.2g} is taken"
        )
    return {
        "what": what,
        "n": int(before.numel()),
        "largest_difference": largest,
        "largest_output": float(before.abs().max()),
    }
