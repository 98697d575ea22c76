"""One stored instance as a pixel pack would show it, without decoding anything.

For studies whose pack is not ready: the portal answers at the pack's addresses
from the archive's files. The reading code is the pack's own (`workers.packs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workers.packs.dataset import UnreadableInstanceError, read_dataset
from workers.packs.frames import Frame, FrameError, plan_instance, read_frame
from workers.packs.geometry import Placed, sort_instances
from workers.packs.layout import INDEX_VERSION, belongs_in_pack
from workers.packs.metadata import numbers_of, text_of, viewer_metadata

__all__ = [
    "INDEX_VERSION",
    "Frame",
    "FrameError",
    "InstanceView",
    "UnreadableInstanceError",
    "belongs_in_pack",
    "read_frame",
    "sort_views",
    "view_instance",
]

_WAITS = "Its images must be converted first; that is under way."


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceView:
    """One instance as the pack's index and metadata would list it.

    Attributes:
        placed: Its place in its series.
        entry: Its entry in `index.json`, without `index`.
        metadata: Its viewer metadata, DICOM JSON.
        modality: Modality.
        number: Series Number; None when absent.
        description: Series Description.
    """

    placed: Placed
    entry: dict[str, Any]
    metadata: dict[str, Any]
    modality: str
    number: int | None
    description: str


def view_instance(*, sop_uid: str, content: bytes) -> InstanceView:
    """Read one file as the pack's builder would; a damaged one says why not."""
    try:
        dataset = read_dataset(content)
    except UnreadableInstanceError as error:
        return _unreadable(sop_uid=sop_uid, why_not=str(error))
    if text_of(dataset, "SOPInstanceUID") != sop_uid:
        return _unreadable(sop_uid=sop_uid, why_not="the file is of another instance")
    plan = plan_instance(dataset)
    why_not = plan.why_not or (_WAITS if plan.needs_decoding else "")
    header = plan.header
    entry = {
        "sop_uid": sop_uid,
        "n_frames": 0 if why_not else plan.n_frames,
        "rows": header.rows if header else 0,
        "columns": header.columns if header else 0,
        "transfer_syntax": plan.transfer_syntax,
        "ext": plan.ext,
        "bytes": 0,
    }
    if why_not:
        entry["why_not"] = why_not
    number = numbers_of(dataset, "SeriesNumber", 1)
    return InstanceView(
        placed=_placed(dataset, sop_uid),
        entry=entry,
        metadata=viewer_metadata(dataset, plan=plan),
        modality=text_of(dataset, "Modality"),
        number=None if number is None else int(number[0]),
        description=text_of(dataset, "SeriesDescription"),
    )


def _placed(dataset: Any, sop_uid: str) -> Placed:
    number = numbers_of(dataset, "InstanceNumber", 1)
    return Placed(
        sop_uid=sop_uid,
        number=None if number is None else int(number[0]),
        position=numbers_of(dataset, "ImagePositionPatient", 3),
        orientation=numbers_of(dataset, "ImageOrientationPatient", 6),
    )


def _unreadable(*, sop_uid: str, why_not: str) -> InstanceView:
    return InstanceView(
        placed=Placed(sop_uid=sop_uid, number=None, position=None, orientation=None),
        entry={
            "sop_uid": sop_uid,
            "n_frames": 0,
            "rows": 0,
            "columns": 0,
            "transfer_syntax": "",
            "ext": "",
            "bytes": 0,
            "why_not": why_not,
        },
        metadata={"00080018": {"vr": "UI", "Value": [sop_uid]}},
        modality="",
        number=None,
        description="",
    )


def sort_views(views: list[InstanceView]) -> list[InstanceView]:
    """Return the instances of one series in display order."""
    by_uid = {view.placed.sop_uid: view for view in views}
    return [by_uid[uid] for uid in sort_instances(v.placed for v in views)]
