"""One instance into a pack: its frames on disk, its facts for the index."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from workers.packs.dataset import UnreadableInstanceError, read_dataset
from workers.packs.frames import Frame, FrameError, iter_frames, plan_instance
from workers.packs.geometry import Placed
from workers.packs.isolation import DecodingError, IsolatedDecoder
from workers.packs.layout import frame_path, is_uid
from workers.packs.metadata import numbers_of, text_of, viewer_metadata
from workers.packs.plan import FramePlan
from workers.packs.source import InstanceRef


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFacts:
    """What an instance says of its series.

    Attributes:
        number: Series Number; None when absent.
        modality: Modality, '' when absent.
        description: Series Description, '' when absent.
    """

    number: int | None
    modality: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedInstance:
    """An instance whose frames are in the pack, or why they are not.

    Attributes:
        ref: Which instance.
        placed: What its place in the series depends on.
        series: What it says of its series; None when it can not be read.
        plan: How its frames are sent; None when it can not be read.
        n_frames: Frames on disk.
        n_bytes: Their size.
        metadata: Viewer metadata as JSON text.
        why_not: Why it can not be shown, in plain words; else empty.
    """

    ref: InstanceRef
    placed: Placed
    series: SeriesFacts | None
    plan: FramePlan | None
    n_frames: int
    n_bytes: int
    metadata: str
    why_not: str

    def index_entry(self, *, index: int) -> dict[str, Any]:
        """Return its entry in `index.json`."""
        header = self.plan.header if self.plan else None
        entry: dict[str, Any] = {
            "index": index,
            "sop_uid": self.ref.sop_uid,
            "n_frames": self.n_frames,
            "rows": header.rows if header else 0,
            "columns": header.columns if header else 0,
            "transfer_syntax": self.plan.transfer_syntax if self.plan else "",
            "ext": self.plan.ext if self.plan else "",
            "bytes": self.n_bytes,
        }
        if self.why_not:
            entry["why_not"] = self.why_not
        return entry


def pack_instance(
    content: bytes, *, ref: InstanceRef, folder: Path, decoder: IsolatedDecoder
) -> PackedInstance:
    """Write the frames of one instance and return its facts.

    A damaged instance is an answer, not an error: its neighbours go on.

    Args:
        content: The DICOM file as stored.
        ref: Which instance the portal says it is.
        folder: The pack that is being built.
        decoder: Decodes what browsers can not.

    Raises:
        OSError: The disk can not be written.
    """
    try:
        dataset = read_dataset(content)
        if text_of(dataset, "SOPInstanceUID") != ref.sop_uid:
            raise UnreadableInstanceError("the file is of another instance")
        if not is_uid(ref.sop_uid):
            raise UnreadableInstanceError("its SOP Instance UID is not a DICOM UID")
    except UnreadableInstanceError as error:
        return unreadable_instance(ref=ref, why_not=str(error))
    plan = plan_instance(dataset)
    n_frames, n_bytes, why_not = _write(
        content, dataset, plan=plan, ref=ref, folder=folder, decoder=decoder
    )
    metadata = viewer_metadata(dataset, plan=plan)
    return PackedInstance(
        ref=ref,
        placed=_place(dataset, ref),
        series=_series_facts(dataset),
        plan=plan,
        n_frames=n_frames,
        n_bytes=n_bytes,
        metadata=json.dumps(metadata, separators=(",", ":"), allow_nan=False),
        why_not=why_not,
    )


def unreadable_instance(*, ref: InstanceRef, why_not: str) -> PackedInstance:
    """Return the entry of an instance of which nothing is known but its name."""
    named = {
        "00080018": {"vr": "UI", "Value": [ref.sop_uid]},
        "0020000E": {"vr": "UI", "Value": [ref.series_uid]},
    }
    return PackedInstance(
        ref=ref,
        placed=Placed(
            sop_uid=ref.sop_uid, number=None, position=None, orientation=None
        ),
        series=None,
        plan=None,
        n_frames=0,
        n_bytes=0,
        metadata=json.dumps(named, separators=(",", ":")),
        why_not=why_not,
    )


def _write(
    content: bytes,
    dataset: Dataset,
    *,
    plan: FramePlan,
    ref: InstanceRef,
    folder: Path,
    decoder: IsolatedDecoder,
) -> tuple[int, int, str]:
    """Write the frames; return how many, their size, and why none."""
    if plan.why_not:
        return 0, 0, plan.why_not
    target = (folder / frame_path(sop_uid=ref.sop_uid, frame=1, ext=plan.ext)).parent
    n_frames = n_bytes = 0
    try:
        found = _frames(content, dataset, plan=plan, decoder=decoder)
        with contextlib.closing(found):
            for frame in found:
                if not n_frames:
                    target.mkdir(parents=True, exist_ok=True)
                (target / f"{frame.number}.{frame.ext}").write_bytes(frame.codestream)
                n_frames += 1
                n_bytes += len(frame.codestream)
    except (FrameError, DecodingError) as error:
        shutil.rmtree(target, ignore_errors=True)
        return 0, 0, str(error)
    return n_frames, n_bytes, ""


def _frames(
    content: bytes, dataset: Dataset, *, plan: FramePlan, decoder: IsolatedDecoder
) -> Generator[Frame]:
    if not plan.needs_decoding:
        yield from iter_frames(dataset, plan=plan)
        return
    for number, codestream in enumerate(decoder.recode(content), start=1):
        yield Frame(
            number=number,
            codestream=codestream,
            transfer_syntax=plan.transfer_syntax,
            ext=plan.ext,
        )


def _place(dataset: Dataset, ref: InstanceRef) -> Placed:
    number = numbers_of(dataset, "InstanceNumber", 1)
    return Placed(
        sop_uid=ref.sop_uid,
        number=None if number is None else int(number[0]),
        position=numbers_of(dataset, "ImagePositionPatient", 3),
        orientation=numbers_of(dataset, "ImageOrientationPatient", 6),
    )


def _series_facts(dataset: Dataset) -> SeriesFacts:
    number = numbers_of(dataset, "SeriesNumber", 1)
    return SeriesFacts(
        number=None if number is None else int(number[0]),
        modality=text_of(dataset, "Modality"),
        description=text_of(dataset, "SeriesDescription"),
    )
