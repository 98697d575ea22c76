"""The order of a series' images: along the normal, the way they count. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_TOLERANCE = 1e-3
# Cosine to the body's axis from which on images count as axial.
_AXIAL = 0.8

Vector = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What the order of an instance depends on.

    Attributes:
        sop_uid: SOP Instance UID, the last tie-breaker.
        number: Instance Number; None when absent.
        position: Image Position (Patient), mm; None when absent.
        orientation: Image Orientation (Patient), six cosines; None when absent.
    """

    sop_uid: str
    number: int | None
    position: Vector | None
    orientation: Vector | None


def sort_instances(instances: Iterable[Placed]) -> list[str]:
    """Return SOP Instance UIDs in the order in which a person scrolls.

    By position along the common normal where all images have one, in the direction
    in which the modality numbered them: image 1 of a report is then the first one.
    Where the numbers say nothing, axial images go from the head to the feet and
    others along the normal. Ties, such as repeats in time, go by number; without
    common positions Instance Number alone decides.
    """
    found = list(instances)
    normal = _common_normal(found)
    if normal is not None and _counts_back(found, normal):
        normal = tuple(-part for part in normal)
    return [placed.sop_uid for placed in sorted(found, key=lambda p: _key(p, normal))]


def sort_along_normal(instances: Iterable[Placed]) -> list[str]:
    """Return SOP Instance UIDs by position along the common normal, whatever counts.

    The order of a volume for arithmetic; ties and the rest as in `sort_instances`.
    """
    found = list(instances)
    normal = _common_normal(found)
    return [placed.sop_uid for placed in sorted(found, key=lambda p: _key(p, normal))]


def _counts_back(instances: list[Placed], normal: Vector) -> bool:
    """Tell whether Instance Numbers fall along the normal (their covariance)."""
    pairs = [
        (_dot(normal, one.position), one.number)
        for one in instances
        if one.position is not None and one.number is not None
    ]
    if pairs:
        depth = sum(at for at, _ in pairs) / len(pairs)
        number = sum(n for _, n in pairs) / len(pairs)
        together = sum((at - depth) * (n - number) for at, n in pairs)
        if abs(together) > _TOLERANCE:
            return together < 0
    return normal[2] > _AXIAL


def _key(placed: Placed, normal: Vector | None) -> tuple[float, int, int, str]:
    depth = 0.0
    if normal is not None and placed.position is not None:
        depth = round(_dot(normal, placed.position), 3)
    missing = placed.number is None
    return (depth, int(missing), placed.number or 0, placed.sop_uid)


def _common_normal(instances: list[Placed]) -> Vector | None:
    """Return the unit normal that all images share; None when they do not."""
    if not instances:
        return None
    first = instances[0].orientation
    if first is None:
        return None
    for placed in instances:
        if placed.position is None or placed.orientation is None:
            return None
        pairs = zip(first, placed.orientation, strict=True)
        if any(abs(a - b) > _TOLERANCE for a, b in pairs):
            return None
    return _cross(first[:3], first[3:])


def _cross(a: Vector, b: Vector) -> Vector | None:
    normal = (
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    )
    length = float(_dot(normal, normal)) ** 0.5
    if length < _TOLERANCE:
        return None
    return tuple(part / length for part in normal)


def _dot(a: Vector, b: Vector) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))
