"""How a card wants it shown what a film classifier looked at. No torch, no Django.

Our own networks show it by gradients. A graph has none: its card may ask for occlusion,
which runs the network once for each place of a grey patch on the film.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

METHOD: Final = "occlusion"
MEAN_IMAGE: Final = "mean_image"
MOST_PATCHES: Final = 400
"""Most places of the patch: each is a film more for the network."""
_FIELDS: Final = frozenset({"method", "patch", "stride", "fill"})
_RESIZE: Final = "squeeze_resize"
_OTHER_SIZE: Final = frozenset(
    {"trim_uniform_border", "centre_square", "pad_square", "breast_region"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occlusion:
    """How a film is occluded.

    Attributes:
        patch: Side of the square patch, in pixels of the network's grid.
        stride: From one place of it to the next, in the same.
        fill: What it is filled with: `mean_image` or a grey value of the network's
            input.
    """

    patch: int
    stride: int
    fill: str | float = "mean_image"


def read_saliency(card: Mapping[str, Any]) -> Occlusion | None:
    """Return what a well-formed card says; None where gradients, or nothing, do it."""
    said = card.get("saliency")
    if said is None:
        return None
    fill = said.get("fill", MEAN_IMAGE)
    return Occlusion(
        patch=said["patch"],
        stride=said["stride"],
        fill=fill if isinstance(fill, str) else float(fill),
    )


def count_patches(side: tuple[int, int], *, patch: int, stride: int) -> int:
    """Return how often a patch is laid on a grid of these rows and columns.

    The last place of a row or column is at the edge, even if that is less than a stride
    from the one before.
    """
    rows, columns = (max(0, math.ceil((n - patch) / stride)) + 1 for n in side)
    return rows * columns


def saliency_problems(card: Mapping[str, Any]) -> list[str]:
    """Return what keeps a card's `saliency` from being used, each thing in words."""
    said = card.get("saliency")
    if said is None:
        return []
    if not isinstance(said, Mapping) or said.get("method") != METHOD:
        return [f"“saliency” must be an object whose “method” is {METHOD}"]
    rules = card.get("input")
    if isinstance(rules, Mapping) and rules.get("kind", "film") != "film":
        return ["“saliency”: occlusion is for films"]
    found = [f"“saliency”: {key} is unknown" for key in sorted(set(said) - _FIELDS)]
    patch, stride = said.get("patch"), said.get("stride")
    fill = said.get("fill", MEAN_IMAGE)
    if fill != MEAN_IMAGE and not _is_number(fill):
        found.append(f"“saliency.fill” must be a number or {MEAN_IMAGE}")
    if not _is_whole(patch) or not _is_whole(stride) or stride > patch:
        return [
            *found,
            "“saliency”: patch and stride must be whole numbers of pixels, stride at"
            " most patch",
        ]
    if "preprocessing" not in card:  # a source that brings its own steps
        return found
    return found + _cost_problems(card["preprocessing"], patch, stride)


def _cost_problems(steps: Any, patch: int, stride: int) -> list[str]:
    side = _grid_of(steps)
    if side is None:
        return [
            f"“saliency”: occlusion needs {_RESIZE} as the last step that changes the"
            " size of the film, so that its cost is known"
        ]
    if patch > min(side):
        return [f"“saliency.patch” must be at most {min(side)}, the film's side"]
    n_patches = count_patches(side, patch=patch, stride=stride)
    if n_patches > MOST_PATCHES:
        return [
            f"“saliency”: the patch would be laid on {n_patches} places; at most"
            f" {MOST_PATCHES} are taken: make patch or stride larger"
        ]
    return []


def _grid_of(steps: Any) -> tuple[int, int] | None:
    """Return rows and columns of the network's input, where the steps say them."""
    side: tuple[int, int] | None = None
    for step in steps if isinstance(steps, list) else []:
        if not isinstance(step, Mapping):
            return None
        if step.get("name") in _OTHER_SIZE:
            side = None
        if step.get("name") == _RESIZE:
            rows, columns = step.get("height"), step.get("width")
            side = None
            if _is_whole(rows) and _is_whole(columns):
                side = (rows, columns)
    return side


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
    )
