"""A series sorted by geometry into stacks, and what is wrong with it in words. Pure.

Names and instance numbers order nothing: a slice's place along the stack's normal
does (PS3.3 C.7.6.2.1.1). Numbers are only quoted, so that a person finds the place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from workers.packs.geometry import Placed, sort_along_normal
from workers.pixels.image import ImageHeader

SAME_PLACE_MM: Final = 0.01
MOST_TILT_DEG: Final = 1.0
MOST_UNEVEN: Final = 0.1
_SAME_DIRECTION: Final = 1e-3
_GAP: Final = 1.5

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something about a series that a volume must not have.

    Attributes:
        kind: `no_place`, `no_pixel_size`, `mixed_size`, `mixed_pixel_size`,
            `mixed_orientation`, `repeats`, `duplicate`, `gap`, `uneven` or `tilt`.
        words: For a person; names no patient.
        count: How many images (or missing slices) it is about.
    """

    kind: str
    words: str
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Parallel slices of one size and contrast, one a place, in order.

    Attributes:
        headers: The slices along the normal.
        normal: Unit vector, LPS, across × down.
        step_mm: Typical distance between neighbours along the normal; 0 for one.
        missing: How many slices are missing inside.
        tilt_deg: Angle between the path of the slices and their normal.
    """

    headers: tuple[ImageHeader, ...]
    normal: tuple[float, float, float]
    step_mm: float
    missing: int = 0
    tilt_deg: float = 0.0

    @property
    def positions(self) -> Vector:
        """Where the slices' first pixels are, [n, 3] mm, LPS."""
        return np.array([h.position for h in self.headers], dtype=np.float64)

    @property
    def heights(self) -> Vector:
        """The slices' places along the normal, [n] mm."""
        return _heights(self.headers, np.array(self.normal))


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What a series is made of.

    Attributes:
        stacks: The one with most slices first; of equals that of the first image.
        problems: What is wrong, the stacks' own included.
    """

    stacks: tuple[Stack, ...]
    problems: tuple[Problem, ...]

    @property
    def is_one_volume(self) -> bool:
        """Whether it is one even, straight stack and nothing else."""
        return len(self.stacks) == 1 and not self.problems


def sort_series(headers: Iterable[ImageHeader]) -> Series:
    """Sort the images (or frames) of a series into stacks, whatever their order.

    Images of other directions or sizes are stacks of their own, and so are several
    contrasts at one place (b-values, echoes, times). What is at one place twice and
    differs in nothing is a duplicate: the first by number stays.
    """
    given = list(headers)
    placed = [h for h in given if h.position is not None and h.orientation is not None]
    problems = _check_given(given, placed)
    stacks: list[Stack] = []
    groups = _alike(placed)
    problems += _check_groups(groups)
    for group in groups:
        for part in _contrasts(group):
            stack, found = _stack(part)
            stacks.append(stack)
            problems += found
        problems += _check_repeats(group)
    stacks.sort(key=lambda s: -len(s.headers))
    return Series(stacks=tuple(stacks), problems=tuple(problems))


def _check_given(
    given: Sequence[ImageHeader], placed: Sequence[ImageHeader]
) -> list[Problem]:
    found = []
    lost = len(given) - len(placed)
    if lost:
        found.append(
            Problem(
                kind="no_place",
                words=f"not every image says where it lies: {lost} of {len(given)}"
                " do not",
                count=lost,
            )
        )
    unsized = sum(h.pixel_spacing is None for h in given)
    if unsized:
        found.append(
            Problem(
                kind="no_pixel_size",
                words="not every image says how large its pixels are:"
                f" {unsized} of {len(given)} do not",
                count=unsized,
            )
        )
    return found


def _alike(headers: Sequence[ImageHeader]) -> list[list[ImageHeader]]:
    """Group images of one direction, size and pixel size, the largest group first."""
    groups: list[list[ImageHeader]] = []
    for header in headers:
        home = next((g for g in groups if _is_alike(g[0], header)), None)
        if home is None:
            groups.append([header])
        else:
            home.append(header)
    return sorted(groups, key=lambda g: -len(g))


def _is_alike(one: ImageHeader, other: ImageHeader) -> bool:
    return (
        (one.rows, one.columns) == (other.rows, other.columns)
        and _same_pixels(one, other)
        and _is_parallel(one, other)
    )


def _same_pixels(one: ImageHeader, other: ImageHeader) -> bool:
    if one.pixel_spacing is None or other.pixel_spacing is None:
        return one.pixel_spacing == other.pixel_spacing
    return bool(np.allclose(one.pixel_spacing, other.pixel_spacing, rtol=1e-3))


def _is_parallel(one: ImageHeader, other: ImageHeader) -> bool:
    first, second = one.orientation or (), other.orientation or ()
    return bool(np.allclose(first, second, atol=_SAME_DIRECTION))


def _check_groups(groups: Sequence[Sequence[ImageHeader]]) -> list[Problem]:
    if len(groups) < 2:
        return []
    main, found = groups[0][0], []
    others = [header for group in groups[1:] for header in group]
    turned = [h for h in others if not _is_parallel(main, h)]
    sized = [h for h in others if (h.rows, h.columns) != (main.rows, main.columns)]
    scaled = [h for h in others if not _same_pixels(main, h)]
    for kind, members, words in (
        ("mixed_orientation", turned, "the images of the series are not parallel"),
        ("mixed_size", sized, "the images of the series differ in size"),
        ("mixed_pixel_size", scaled, "the images of the series differ in pixel size"),
    ):
        if members:
            found.append(
                Problem(
                    kind=kind,
                    words=f"{words}: {_named(members)} not as the others",
                    count=len(members),
                )
            )
    return found


def _key(header: ImageHeader) -> tuple[object, ...]:
    """What tells images at one place apart, besides their number."""
    found = header.acquisition
    return (
        found.b_value,
        found.echo_ms,
        found.inversion_ms,
        found.time_point,
        found.contrast,
        header.image_type,
    )


def _contrasts(group: Sequence[ImageHeader]) -> list[list[ImageHeader]]:
    """Split a group by contrast, where that is why places have several images."""
    most = _most_at_one_place(group)
    if most < 2:
        return [list(group)]
    parts: dict[tuple[object, ...], list[ImageHeader]] = {}
    for header in group:
        parts.setdefault(_key(header), []).append(header)
    # More kinds than images at any place: what differs is not why they repeat.
    if len(parts) > most:
        return [list(group)]
    return sorted(parts.values(), key=lambda p: -len(p))


def _most_at_one_place(group: Sequence[ImageHeader]) -> int:
    heights = np.sort(_heights(group, _normal(group[0])))
    places = np.cumsum(np.diff(heights, prepend=heights[0]) >= SAME_PLACE_MM)
    return int(np.bincount(places).max())


def _check_repeats(group: Sequence[ImageHeader]) -> list[Problem]:
    parts = _contrasts(group)
    if len(parts) < 2:
        return []
    return [
        Problem(
            kind="repeats",
            words=f"several images lie at one place: the series holds {len(parts)}"
            " contrasts or times, not one volume",
            count=len(parts),
        )
    ]


def _stack(part: Sequence[ImageHeader]) -> tuple[Stack, list[Problem]]:
    normal = _normal(part[0])
    order = _in_order(part)
    kept, twice = _without_duplicates(order, normal)
    problems = []
    if twice:
        problems.append(
            Problem(
                kind="duplicate",
                words=f"several images lie at one place: {_named(twice)} there twice",
                count=len(twice),
            )
        )
    step, missing, uneven = _check_steps(kept, normal)
    tilt = _tilt(kept, normal)
    problems += [*missing, *uneven]
    if tilt > MOST_TILT_DEG:
        problems.append(
            Problem(
                kind="tilt",
                words=f"the gantry was tilted by {tilt:.0f}°: the slices do not stand"
                " straight on one another",
                count=len(kept),
            )
        )
    stack = Stack(
        headers=tuple(kept),
        normal=(float(normal[0]), float(normal[1]), float(normal[2])),
        step_mm=step,
        missing=sum(problem.count for problem in missing),
        tilt_deg=tilt,
    )
    return stack, problems


def _in_order(part: Sequence[ImageHeader]) -> list[ImageHeader]:
    by_key = {f"{h.sop_uid}#{h.frame}": h for h in part}
    order = sort_along_normal(
        Placed(
            sop_uid=key,
            number=h.instance_number,
            position=h.position,
            orientation=h.orientation,
        )
        for key, h in by_key.items()
    )
    return [by_key[key] for key in order]


def _without_duplicates(
    order: Sequence[ImageHeader], normal: Vector
) -> tuple[list[ImageHeader], list[ImageHeader]]:
    heights = _heights(order, normal)
    kept, twice = [order[0]], []
    last = heights[0]
    for header, height in zip(order[1:], heights[1:], strict=True):
        if height - last < SAME_PLACE_MM:
            twice.append(header)
            continue
        kept.append(header)
        last = height
    return kept, twice


def _check_steps(
    kept: Sequence[ImageHeader], normal: Vector
) -> tuple[float, list[Problem], list[Problem]]:
    """Return the typical step, what is missing, and whether the rest is uneven."""
    steps = np.diff(_heights(kept, normal))
    if not len(steps):
        return 0.0, [], []
    # The lower middle: with every other slice lost, the small step is still a step.
    typical = float(np.sort(steps)[(len(steps) - 1) // 2])
    gaps = [
        (index, round(float(step) / typical) - 1)
        for index, step in enumerate(steps)
        if step > _GAP * typical
    ]
    missing = [
        Problem(
            kind="gap",
            words=f"slices are missing or lie at uneven distances: {count} missing"
            f" between images {kept[index].instance_number} and"
            f" {kept[index + 1].instance_number}",
            count=count,
        )
        for index, count in gaps
    ]
    whole = np.delete(steps, [index for index, _ in gaps])
    apart = float(np.abs(whole - typical).max()) if len(whole) else 0.0
    uneven = []
    if apart > MOST_UNEVEN * typical:
        uneven.append(
            Problem(
                kind="uneven",
                words="slices are missing or lie at uneven distances:"
                f" {float(whole.min()):.2f} to {float(whole.max()):.2f} mm",
                count=int((np.abs(whole - typical) > MOST_UNEVEN * typical).sum()),
            )
        )
    return typical, missing, uneven


def _tilt(kept: Sequence[ImageHeader], normal: Vector) -> float:
    """Return the degrees by which the path of the slices leaves their normal."""
    if len(kept) < 2:
        return 0.0
    first, last = kept[0].position or (), kept[-1].position or ()
    path = np.subtract(last, first)
    rise = float(path @ normal)
    aside = float(np.linalg.norm(path - rise * normal))
    return float(np.degrees(np.arctan2(aside, rise)))


def _heights(headers: Sequence[ImageHeader], normal: Vector) -> Vector:
    positions = np.array([h.position for h in headers], dtype=np.float64)
    found: Vector = positions @ normal
    return found


def _normal(header: ImageHeader) -> Vector:
    cosines = np.array(header.orientation, dtype=np.float64)
    normal = np.cross(cosines[:3], cosines[3:])
    length = float(np.linalg.norm(normal))
    found: Vector = normal / (length or 1.0)
    return found


def _named(headers: Sequence[ImageHeader]) -> str:
    """Return images by number: `image 4 is` or `images 4, 5, 6 … (12) are`."""
    numbers = [str(h.instance_number) for h in headers]
    if len(numbers) == 1:
        return f"image {numbers[0]} is"
    few = ", ".join(numbers[:3])
    more = f" … ({len(numbers)} in all)" if len(numbers) > 3 else ""
    return f"images {few}{more} are"
