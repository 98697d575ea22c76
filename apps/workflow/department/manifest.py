"""What the phantom generator made: which study is where, and what is true of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Where a finding truly is on an image.

    Attributes:
        sop_uid: The image.
        corners: (left, top, right, bottom) in pixels, DICOM's convention.
    """

    sop_uid: str
    corners: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhantomStudy:
    """One study of the department and the truth about it.

    Attributes:
        folder: Its DICOM files.
        site: Code of the site where it was acquired.
        kind: Such as `chest-film`.
        study_uid: Study Instance UID.
        acquired_at: When, aware.
        truth: Whether each finding is there, by its name.
        boxes: Where those are that are there, by name.
    """

    folder: Path
    site: str
    kind: str
    study_uid: str
    acquired_at: datetime
    truth: dict[str, bool]
    boxes: dict[str, tuple[Box, ...]]


def read_manifest(path: Path) -> list[PhantomStudy]:
    """Read the generator's manifest, the earliest study first.

    Args:
        path: Its `manifest.json`; the studies' folders are relative to it.
    """
    body = json.loads(path.read_text(encoding="utf-8"))
    studies = [_study(path.parent, entry) for entry in body["studies"]]
    return sorted(studies, key=lambda study: study.acquired_at)


def _study(folder: Path, entry: dict[str, Any]) -> PhantomStudy:
    return PhantomStudy(
        folder=folder / entry["path"],
        site=entry["site"],
        kind=entry["kind"],
        study_uid=entry["study_uid"],
        acquired_at=datetime.fromisoformat(entry["acquired_at"]),
        truth={name: bool(there) for name, there in entry["labels"].items()},
        boxes={
            name: tuple(
                Box(sop_uid=box["sop_uid"], corners=tuple(box["corners"]))
                for box in boxes
            )
            for name, boxes in entry.get("boxes", {}).items()
        },
    )
