"""Where the images of a series lie, from viewer metadata: a pack's, or a file's. Pure.

Metadata is a DICOM JSON dataset as `workers.packs.metadata` makes it.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from workers.measures.planes import Plane
from workers.packs.layout import INDEX_NAME, metadata_path, pack_folder

_SOP_UID: Final = "00080018"
_SERIES_UID: Final = "0020000E"
_ROWS, _COLUMNS, _FRAMES = "00280010", "00280011", "00280008"
_POSITION, _ORIENTATION = "00200032", "00200037"
_SPACING: Final = "00280030"
_SHARED, _PER_FRAME = "52009229", "52009230"
_PLACE: Final = ("00209113", "00209116", "00289110")
"""Sequences of a frame's groups: plane position, plane orientation, pixel measures."""

Json = Mapping[str, Any]


def planes_of(metadata: Json) -> tuple[Plane, ...]:
    """Return the planes of one instance, in the order of its frames.

    Args:
        metadata: Its viewer metadata.
    """
    size = [_whole(metadata, tag) for tag in (_ROWS, _COLUMNS)]
    if not all(size):
        return ()
    frames = max(1, _whole(metadata, _FRAMES))
    sop_uid = _text(metadata, _SOP_UID)
    return tuple(
        _plane(f"{sop_uid}#{frame}", size, list(_layers(metadata, frame)))
        for frame in range(1, frames + 1)
    )


def read_pack_planes(
    root: Path, *, revision_id: str, series_uid: str
) -> tuple[Plane, ...] | None:
    """Return the planes of a series from its revision's pack; None without a pack.

    Args:
        root: The folder of packs.
        revision_id: The revision.
        series_uid: Series Instance UID.
    """
    folder = pack_folder(root, revision_id=revision_id)
    try:
        index = json.loads((folder / INDEX_NAME).read_bytes())
        number = next(
            (one["index"] for one in index["series"] if one["uid"] == series_uid), None
        )
        if number is None:
            return None
        packed = (folder / metadata_path(series_index=number)).read_bytes()
        return series_planes(json.loads(gzip.decompress(packed)), series_uid=series_uid)
    except (OSError, EOFError, ValueError, LookupError, TypeError):
        return None


def series_planes(metadata: Iterable[Json], *, series_uid: str) -> tuple[Plane, ...]:
    """Return the planes of those instances that are of a series."""
    return tuple(
        plane
        for one in metadata
        if _text(one, _SERIES_UID) == series_uid
        for plane in planes_of(one)
    )


def _layers(metadata: Json, frame: int) -> Iterator[Json]:
    """Yield what may place a frame: its own groups, the shared ones, the instance."""
    own = _items(metadata, _PER_FRAME)[frame - 1 : frame]
    for group in [*own, *_items(metadata, _SHARED)[:1]]:
        for tag in _PLACE:
            yield from _items(group, tag)[:1]
    yield metadata


def _plane(key: str, size: list[int], layers: list[Json]) -> Plane:
    spacing = _first(layers, _SPACING, 2)
    return Plane(
        key=key,
        rows=size[0],
        columns=size[1],
        spacing=(spacing[0], spacing[1]) if spacing and min(spacing) > 0 else None,
        position=_first(layers, _POSITION, 3),
        orientation=_first(layers, _ORIENTATION, 6),
    )


def _first(layers: list[Json], tag: str, count: int) -> tuple[float, ...] | None:
    return next((found for one in layers if (found := _numbers(one, tag, count))), None)


def _values(metadata: Json, tag: str) -> list[Any]:
    element = metadata.get(tag)
    values = element.get("Value") if isinstance(element, Mapping) else None
    return values if isinstance(values, list) else []


def _items(metadata: Json, tag: str) -> list[Json]:
    return [one for one in _values(metadata, tag) if isinstance(one, Mapping)]


def _numbers(metadata: Json, tag: str, count: int) -> tuple[float, ...] | None:
    try:
        found = tuple(float(value) for value in _values(metadata, tag))
    except (TypeError, ValueError):
        return None
    if len(found) != count or not all(map(math.isfinite, found)):
        return None
    return found


def _whole(metadata: Json, tag: str) -> int:
    found = _numbers(metadata, tag, 1)
    return int(found[0]) if found else 0


def _text(metadata: Json, tag: str) -> str:
    values = _values(metadata, tag)
    return str(values[0]) if values else ""
