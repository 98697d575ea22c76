"""Label maps and segmentations as a browser would send them."""

from __future__ import annotations

import gzip
import hashlib
import uuid
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from django.test import Client
    from numpy.typing import NDArray

    from apps.worklist.models import WorkItem

NODULE = {"scheme": "SCT", "code": "27925004", "display": "Nodule"}
LIVER = {"scheme": "SCT", "code": "10200004", "display": "Liver"}


def hash_of(voxels: NDArray[np.uint8]) -> str:
    return hashlib.sha256(voxels.tobytes()).hexdigest()


def put_map(
    client: Client,
    item: WorkItem,
    voxels: NDArray[np.uint8],
    *,
    body: bytes | None = None,
    sha256: str = "",
    **headers: str,
) -> Any:
    """PUT a label map, [row, column], as the browser does."""
    rows, columns = voxels.shape
    return client.put(
        f"/api/worklist/items/{item.id}/segment-slices/{sha256 or hash_of(voxels)}",
        data=gzip.compress(voxels.tobytes()) if body is None else body,
        content_type="application/octet-stream",
        headers={"X-Rows": str(rows), "X-Columns": str(columns), **headers},
    )


def segment(number: int = 1, **parts: Any) -> dict[str, Any]:
    return {"number": number, "label": NODULE, "colour": "#ff8800", **parts}


def segmentation(
    series_uid: str, maps: dict[str, NDArray[np.uint8]], **parts: Any
) -> dict[str, Any]:
    """One segmentation of a series; the maps by `<sop_uid>#<frame>`."""
    rows, columns = next(iter(maps.values())).shape if maps else (8, 8)
    numbers = sorted({int(n) for voxels in maps.values() for n in np.unique(voxels)})
    return {
        "id": str(uuid.uuid4()),
        "series_uid": series_uid,
        "frame_of_reference_uid": None,
        "rows": rows,
        "columns": columns,
        "segments": [segment(n) for n in numbers if n],
        "slices": {key: hash_of(voxels) for key, voxels in maps.items()},
        **parts,
    }
