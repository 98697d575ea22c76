"""Build the pixel pack of a study revision: complete on disk, or not there."""

from __future__ import annotations

import contextlib
import gzip
import json
import logging
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.packs.geometry import sort_instances
from workers.packs.instance import PackedInstance, pack_instance, unreadable_instance
from workers.packs.isolation import DecodingError, IsolatedDecoder
from workers.packs.layout import (
    INDEX_NAME,
    INDEX_VERSION,
    belongs_in_pack,
    metadata_path,
    pack_folder,
    thumbnail_path,
)
from workers.packs.source import InstanceRef, InstanceSource

log = logging.getLogger(__name__)

_LEFTOVER_S = 2 * 3600
_GZIP_LEVEL = 6
_FOLDER_MODE = 0o755


@dataclass(frozen=True, slots=True, kw_only=True)
class PackSummary:
    """What a pack holds.

    Attributes:
        n_series: Series.
        n_instances: Instances, those that can not be shown included.
        n_frames: Frames.
        n_bytes: Size of the frames.
    """

    n_series: int
    n_instances: int
    n_frames: int
    n_bytes: int


def build_pack(
    *,
    root: Path,
    revision_id: str,
    source_hash: str,
    source: InstanceSource,
    decoder: IsolatedDecoder,
) -> PackSummary:
    """Build a revision's pack, unless it is there already.

    One instance is in memory at a time. The pack appears under its name by one
    rename, when all of it is on disk.

    Args:
        root: The folder of all packs.
        revision_id: UUID of the study revision.
        source_hash: Names the revision's image instances.
        source: Where the instances are.
        decoder: Decodes what browsers can not.

    Raises:
        OSError: The disk can not be written.
    """
    folder = pack_folder(root, revision_id=revision_id)
    found = read_summary(folder, source_hash=source_hash)
    if found is not None:
        return found
    root.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(root)
    building = Path(tempfile.mkdtemp(prefix=f".{revision_id}.", dir=root))
    try:
        building.chmod(_FOLDER_MODE)
        summary = _fill(
            building,
            revision_id=revision_id,
            source_hash=source_hash,
            source=source,
            decoder=decoder,
        )
        _put_in_place(building, folder, source_hash=source_hash)
        return summary
    finally:
        shutil.rmtree(building, ignore_errors=True)


def read_summary(folder: Path, *, source_hash: str) -> PackSummary | None:
    """Return what a complete pack of this source holds; None when it is not."""
    try:
        index = json.loads((folder / INDEX_NAME).read_bytes())
    except (OSError, ValueError):
        return None
    if index.get("version") != INDEX_VERSION or index.get("source_hash") != source_hash:
        return None
    return _summary(index)


def _summary(index: dict[str, Any]) -> PackSummary:
    instances = [entry for series in index["series"] for entry in series["instances"]]
    return PackSummary(
        n_series=len(index["series"]),
        n_instances=len(instances),
        n_frames=sum(entry["n_frames"] for entry in instances),
        n_bytes=sum(entry["bytes"] for entry in instances),
    )


def _fill(
    building: Path,
    *,
    revision_id: str,
    source_hash: str,
    source: InstanceSource,
    decoder: IsolatedDecoder,
) -> PackSummary:
    refs = [r for r in source.list_instances() if belongs_in_pack(r.sop_class_uid)]
    packed: dict[str, list[PackedInstance]] = {ref.series_uid: [] for ref in refs}
    for ref, content in source.read_instances(refs):
        packed[ref.series_uid].append(
            _pack_one(content, ref=ref, folder=building, decoder=decoder)
        )
    ordered = sorted(packed.items(), key=lambda pair: _series_key(*pair))
    (building / "metadata").mkdir()
    (building / "thumbs").mkdir()
    index: dict[str, Any] = {
        "version": INDEX_VERSION,
        "revision_id": revision_id,
        "source_hash": source_hash,
        "series": [
            _finish_series(
                building,
                series_index=number,
                uid=uid,
                instances=instances,
                source=source,
                decoder=decoder,
            )
            for number, (uid, instances) in enumerate(ordered)
        ],
    }
    (building / INDEX_NAME).write_text(
        json.dumps(index, ensure_ascii=False, separators=(",", ":")), encoding="utf-8"
    )
    return _summary(index)


def _pack_one(
    content: bytes, *, ref: InstanceRef, folder: Path, decoder: IsolatedDecoder
) -> PackedInstance:
    try:
        return pack_instance(content, ref=ref, folder=folder, decoder=decoder)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001  one odd file never stops its neighbours
        log.warning("instance not packed: %s", type(error).__name__)
        return unreadable_instance(
            ref=ref, why_not="the file is damaged and can not be read"
        )


def _series_key(uid: str, instances: list[PackedInstance]) -> tuple[bool, int, str]:
    numbers = [i.series.number for i in instances if i.series is not None]
    number = next((n for n in numbers if n is not None), None)
    return (number is None, number or 0, uid)


def _finish_series(
    building: Path,
    *,
    series_index: int,
    uid: str,
    instances: list[PackedInstance],
    source: InstanceSource,
    decoder: IsolatedDecoder,
) -> dict[str, Any]:
    """Write a series' metadata and thumbnail; return its entry in the index."""
    by_uid = {instance.ref.sop_uid: instance for instance in instances}
    order = [by_uid[u] for u in sort_instances(i.placed for i in by_uid.values())]
    with gzip.GzipFile(
        building / metadata_path(series_index=series_index),
        "wb",
        compresslevel=_GZIP_LEVEL,
        mtime=0,
    ) as target:
        joined = ",\n".join(instance.metadata for instance in order)
        target.write(f"[{joined}]".encode())
    shown = [instance for instance in order if instance.n_frames]
    if shown:
        _write_thumbnail(
            building / thumbnail_path(series_index=series_index),
            instance=shown[len(shown) // 2],
            source=source,
            decoder=decoder,
        )
    facts = next((i.series for i in order if i.series is not None), None)
    return {
        "index": series_index,
        "uid": uid,
        "modality": facts.modality if facts else "",
        "number": facts.number if facts else None,
        "description": facts.description if facts else "",
        "instances": [i.index_entry(index=n) for n, i in enumerate(order)],
        "displayable": bool(shown),
        "why_not": "" if shown else next((i.why_not for i in order), "it is empty"),
    }


def _write_thumbnail(
    target: Path,
    *,
    instance: PackedInstance,
    source: InstanceSource,
    decoder: IsolatedDecoder,
) -> None:
    """Write a small picture of the middle frame; a series can be without."""
    content = source.read_instance(instance.ref.sop_uid)
    try:
        frame = (instance.n_frames + 1) // 2
        target.write_bytes(decoder.thumbnail(content, frame=frame))
    except DecodingError as error:
        log.info("no thumbnail: %s", error)


def _put_in_place(building: Path, folder: Path, *, source_hash: str) -> None:
    """Make the pack durable, then give it its name in one step."""
    _sync_tree(building)
    if folder.exists():
        if read_summary(folder, source_hash=source_hash) is not None:
            return  # another worker was faster, its pack is the same
        old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        folder.rename(old / "old")
        building.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        building.rename(folder)
    _sync(folder.parent)


def _sync_tree(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        for name in names:
            _sync(Path(parent) / name)
        _sync(Path(parent))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_leftovers(root: Path) -> None:
    """Remove unfinished packs of workers that died."""
    oldest = time.time() - _LEFTOVER_S
    for folder in root.glob(".*-*.*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)
