"""What a model marked on a study beside what it marked on an earlier one."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workers.compare_contracts import LesionPair, Size, Spot
from workers.inference.volume import Geometry, VolumeError, find_geometry
from workers.longitudinal.registration import (
    NotComparableError,
    Registration,
    Volume,
    register,
)
from workers.measures.lesions import Lesion, find_lesions, match_lesions
from workers.packs.isolation import IsolatedDecoder
from workers.pixels.image import ImageError, ImageHeader, load_values, read_image
from workers.portal_client import PortalClient

MAX_VOXELS: Final = 80_000_000
"""Voxels of a series that is compared: two are in memory at once."""
_FRAME: Final = 1

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two studies.

    Attributes:
        geometry: Where its voxels are.
        volume: What they hold.
        masks: What the model marked, [z, y, x] as the volume, by label.
    """

    geometry: Geometry
    volume: Volume
    masks: Mapping[str, Mask]


def load_side(
    portal: PortalClient,
    *,
    series_uid: str,
    masks: Iterable[tuple[Mapping[str, Any], bytes]],
    decoder: IsolatedDecoder,
) -> Side:
    """Fetch a series and lay the masks on it.

    Args:
        portal: Of this study.
        series_uid: The series that the model judged.
        masks: `{label_code, sop_uids, rows, columns}` as the portal words it, with the
            mask's bytes, gzip.
        decoder: Decodes the images.

    Raises:
        NotComparableError: It is no volume that can be compared.
        PortalError: The portal refused.
        PortalUnavailableError: The portal gives no answer.
    """
    refs = [ref for ref in portal.list_instances() if ref.series_uid == series_uid]
    headers: dict[str, ImageHeader] = {}
    frames: dict[str, NDArray[np.int16]] = {}
    try:
        for _, content in portal.read_instances(refs):
            header, plain = read_image(content)
            if header.rows * header.columns * len(refs) > MAX_VOXELS:
                raise NotComparableError("a series is too large to be compared")
            found = load_values(content, decoder=decoder, frame=_FRAME, plain=plain)
            headers[header.sop_uid] = header
            frames[header.sop_uid] = np.clip(np.round(found), -32768, 32767).astype(
                np.int16
            )
        geometry = find_geometry(headers.values(), rules={})
    except (ImageError, VolumeError) as error:
        raise NotComparableError(str(error)) from error
    values = np.stack([frames.pop(uid) for uid in geometry.sop_uids])
    return Side(
        geometry=geometry,
        volume=Volume(hu=geometry.turn(values), spacing=geometry.spacing),
        masks={
            str(said["label_code"]): _laid(said, packed, geometry)
            for said, packed in masks
        },
    )


def _laid(said: Mapping[str, Any], packed: bytes, geometry: Geometry) -> Mask:
    """Return a mask as the volume lies."""
    shape = (len(said["sop_uids"]), int(said["rows"]), int(said["columns"]))
    flat = np.frombuffer(gzip.decompress(packed), np.uint8)
    if shape[1:] != (geometry.rows, geometry.columns) or flat.size != np.prod(shape):
        raise NotComparableError("a mask does not fit the images it is of")
    places = {uid: place for place, uid in enumerate(said["sop_uids"])}
    if set(places) != set(geometry.sop_uids):
        raise NotComparableError("a mask is of other images than the series has now")
    order = [places[uid] for uid in geometry.sop_uids]
    laid: Mask = geometry.turn(flat.reshape(shape).astype(bool)[order])
    return laid


def compare_sides(*, now: Side, then: Side) -> tuple[Registration, list[LesionPair]]:
    """Register two studies and match what is marked on them, label by label.

    Raises:
        NotComparableError: They cannot be laid over each other; says why.
    """
    registration = register(now=now.volume, then=then.volume)
    pairs = []
    for label in sorted(now.masks.keys() | then.masks.keys()):
        here, there = (
            find_lesions(side.masks[label], side.volume.spacing)
            if label in side.masks
            else []
            for side in (now, then)
        )
        moved = [registration.to_now.apply(one.points) for one in there]
        pairs += [
            _pair(
                label,
                None if one is None else (one + 1, here[one]),
                None if other is None else (other + 1, there[other]),
                (now.geometry, then.geometry),
                registration,
            )
            for one, other in match_lesions(now=here, then=there, moved=moved)
        ]
    return registration, pairs


def _pair(
    label: str,
    now: tuple[int, Lesion] | None,
    then: tuple[int, Lesion] | None,
    geometries: tuple[Geometry, Geometry],
    registration: Registration,
) -> LesionPair:
    to_now = registration.to_now
    here = None if now is None else np.array(now[1].place)
    there = None if then is None else np.array(then[1].place)
    if here is None and there is not None:
        here = to_now.apply(there[None])[0]
    elif there is None and here is not None:
        there = to_now.inverse().apply(here[None])[0]
    return LesionPair(
        label_code=label,
        now_number=None if now is None else now[0],
        then_number=None if then is None else then[0],
        now=None if now is None else _size(now[1]),
        then=None if then is None else _size(then[1]),
        now_at=_spot(here, geometries[0]),
        then_at=_spot(there, geometries[1]),
    )


def _size(lesion: Lesion) -> Size:
    return Size(
        volume_ml=round(lesion.volume_ml, 3), diameter_mm=round(lesion.diameter_mm, 1)
    )


def _spot(place: NDArray[np.float64] | None, geometry: Geometry) -> Spot | None:
    """Return where a place, mm as `Lesion.place`, is on an image; None beyond them."""
    if place is None:
        return None
    size = (len(geometry.sop_uids), geometry.rows, geometry.columns)
    at = []
    for mm, step, n, flip in zip(
        place, geometry.spacing, size, geometry.flips, strict=True
    ):
        index = float(mm) / step
        if not -0.5 <= index <= n - 0.5:
            return None
        at.append(n - 1 - index if flip else index)
    frame = min(max(round(at[0]), 0), size[0] - 1)
    return Spot(
        sop_uid=geometry.sop_uids[frame],
        column=round(at[2] + 0.5, 1),
        row=round(at[1] + 0.5, 1),
    )
