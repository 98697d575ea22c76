"""Pixels through the portal, for a study whose pack is not ready.

Addresses are those of the pack (docs/architecture.md), so a viewer does not see
the difference, only that it is slower. Frames go out as stored; nothing is
decoded here. Thumbnails wait for the pack.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from apps.core.errors import NotFound, Unavailable
from apps.interop.pack_view import (
    INDEX_VERSION,
    FrameError,
    InstanceView,
    UnreadableInstanceError,
    belongs_in_pack,
    read_frame,
    sort_views,
    view_instance,
)
from apps.interop.types import ArchiveUnavailable
from apps.studies.models import RevisionInstance
from apps.studies.selectors import instance_of_revision, instances_of_revision
from apps.studies.stored import fetch_file

if TYPE_CHECKING:
    from uuid import UUID

    from apps.studies.models import StudyRevision

_OCTETS = "application/octet-stream; transfer-syntax="


@dataclass(frozen=True, slots=True, kw_only=True)
class PackFile:
    """One file of a pack: its bytes and its media type."""

    body: bytes
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Survey:
    """Index and metadata of a revision, read from the archive once."""

    index: dict[str, Any]
    metadata: list[list[dict[str, Any]]]


def read_pack_file(*, revision: StudyRevision, path: str) -> PackFile:
    """Return what the pack would hold at `path`.

    Raises:
        NotFound: There is no such file in this pack.
        Unavailable: It needs the pack itself, or the archive does not answer.
    """
    match path.split("/"):
        case ["index.json"]:
            return _json(_survey(revision.id).index)
        case ["metadata", name] if name.endswith(".json"):
            return _metadata(revision, name.removesuffix(".json"))
        case ["frames", sop_uid, name]:
            return _frame(revision, sop_uid=sop_uid, name=name)
        case ["thumbs", _]:
            raise Unavailable("pack_building", "The small pictures are not made yet.")
        case _:
            raise NotFound("not_found", "There is no such file in this pack.")


def _json(value: object) -> PackFile:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return PackFile(body=body.encode(), media_type="application/json")


def _metadata(revision: StudyRevision, number: str) -> PackFile:
    metadata = _survey(revision.id).metadata
    if not number.isdigit() or int(number) >= len(metadata):
        raise NotFound("not_found", "There is no such series in this study.")
    return _json(metadata[int(number)])


def _frame(revision: StudyRevision, *, sop_uid: str, name: str) -> PackFile:
    number, _, ext = name.partition(".")
    if not number.isdigit():
        raise NotFound("not_found", "There is no such frame.")
    instance = instance_of_revision(revision_id=revision.id, sop_uid=sop_uid)
    try:
        frame = read_frame(_stored(_key(instance)), number=int(number))
    except (FrameError, UnreadableInstanceError) as error:
        raise Unavailable("not_displayable", f"This image: {error}.") from error
    if frame.ext != ext:
        raise NotFound("not_found", "There is no such frame.")
    return PackFile(
        body=frame.codestream, media_type=f"{_OCTETS}{frame.transfer_syntax}"
    )


def _key(instance: RevisionInstance) -> tuple[int, str]:
    return instance.id, instance.kept_sha256


@lru_cache(maxsize=4)
def _stored(key: tuple[int, str]) -> bytes:
    """Return a file as stored; a multi-frame one is asked for frame by frame."""
    try:
        return fetch_file(RevisionInstance.objects.get(id=key[0]))
    except ArchiveUnavailable as error:
        raise Unavailable(
            "archive_down", "The archive does not answer; try again."
        ) from error


@lru_cache(maxsize=2)
def _survey(revision_id: UUID) -> _Survey:
    """Read all headers of a revision; its images never change."""
    series: dict[str, list[InstanceView]] = {}
    for instance in instances_of_revision(revision_id=revision_id):
        if belongs_in_pack(instance.sop_class_uid):
            content = _stored(_key(instance))
            view = view_instance(sop_uid=instance.sop_uid, content=content)
            series.setdefault(instance.series_uid, []).append(view)
    ordered = sorted(series.items(), key=lambda pair: _series_key(*pair))
    sorted_views = [(uid, sort_views(views)) for uid, views in ordered]
    return _Survey(
        index={
            "version": INDEX_VERSION,
            "revision_id": str(revision_id),
            "series": [
                _series(number, uid, views)
                for number, (uid, views) in enumerate(sorted_views)
            ],
        },
        metadata=[[view.metadata for view in views] for _, views in sorted_views],
    )


def _series_key(uid: str, views: list[InstanceView]) -> tuple[bool, int, str]:
    number = next((v.number for v in views if v.number is not None), None)
    return number is None, number or 0, uid


def _series(number: int, uid: str, views: list[InstanceView]) -> dict[str, Any]:
    shown = any(view.entry["n_frames"] for view in views)
    whys = (str(view.entry.get("why_not", "")) for view in views)
    return {
        "index": number,
        "uid": uid,
        "modality": next((v.modality for v in views if v.modality), ""),
        "number": next((v.number for v in views if v.number is not None), None),
        "description": next((v.description for v in views if v.description), ""),
        "instances": [{"index": n, **view.entry} for n, view in enumerate(views)],
        "displayable": shown,
        "why_not": "" if shown else next(whys, "it is empty"),
    }
