"""Put the 2,000 hostile files through one door, in a process of its own.

    python -m tests.faults.mutation_doors portal|pixels REPORT.jsonl

The report has a line for each file, and a last one with the process' memory. It is
written as it goes: where the process dies, the report shows after which file.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from apps.interop.dicom.headers import (
    AcceptedFile,
    RejectedFile,
    classify_bytes,
    classify_file,
    read_instance_header,
    read_part10,
    without_pixels,
)
from apps.interop.pack_view import (
    FrameError,
    UnreadableInstanceError,
    read_frame,
    view_instance,
)
from tests.factories.dicom import make_ct_series, to_bytes
from tests.factories.mutations import Mutation, bases, mutations
from workers.packs.build import build_pack
from workers.packs.isolation import IsolatedDecoder
from workers.packs.layout import pack_folder
from workers.packs.source import InstanceRef
from workers.packs.transcode import TranscodeError, to_storable

CT = "1.2.840.10008.5.1.4.1.1.2"

Row = dict[str, Any]


def memory_of(pid: int | str, name: str) -> int:
    """Return a memory figure of a process in bytes, such as VmRSS or VmHWM."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    return 0


def forget_peak() -> None:
    """Let the peak of this process begin at what it has now."""
    Path("/proc/self/clear_refs").write_text("5")


# --- the portal's door: is it taken, can it be read without a pack


def through_portal(mutation: Mutation, folder: Path) -> Row:
    """Classify a file from disk and from memory, and read it as the portal does."""
    path = folder / "file"
    path.write_bytes(mutation.content)
    found = classify_file(path)
    again = classify_bytes(mutation.content)
    if type(found) is not type(again):
        raise AssertionError("the same file was judged twice in two ways")
    if isinstance(found, RejectedFile):
        fate = "skipped" if found.is_skipped else "refused"
        return {"outcome": f"{fate}: {found.code}", "reason": found.reason}
    return {"outcome": f"accepted, {_read(found)}", "reason": ""}


def _read(found: AcceptedFile) -> str:
    content = read_part10(found)
    read_instance_header(without_pixels(content))
    try:
        content = to_storable(content) or content
        view = view_instance(sop_uid=found.header.sop_uid, content=content)
        if view.entry.get("why_not"):
            return "not shown"
        read_frame(content, number=1)
    except (TranscodeError, FrameError, UnreadableInstanceError):
        return "not shown"
    return "shown"


# --- the worker's door: a pack of hostile files and one sound one


class Files:
    """A study revision in memory: the pack's source."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def list_instances(self) -> list[InstanceRef]:
        return [
            InstanceRef(sop_uid=uid, series_uid="1.2.3", sop_class_uid=CT, size=len(c))
            for uid, c in self.files.items()
        ]

    def read_instance(self, sop_uid: str) -> bytes:
        return self.files[sop_uid]

    def read_instances(self, refs: Any) -> Iterator[tuple[InstanceRef, bytes]]:
        for ref in refs:
            yield ref, self.files[ref.sop_uid]


def through_pack(mutation: Mutation, root: Path, decoder: IsolatedDecoder) -> Row:
    """Build the pack of a hostile file, under the name that it says, and a sound one.

    Raises:
        AssertionError: The sound one is not shown, or the hostile one is not listed.
    """
    uid = named_uid(mutation.content) or "1.2.826.0.9.1"
    source = Files({uid: mutation.content, SOUND_UID: sound_file()})
    revision = str(uuid.uuid4())
    build_pack(
        root=root,
        revision_id=revision,
        source_hash=revision,
        source=source,
        decoder=decoder,
    )
    folder = pack_folder(root, revision_id=revision)
    index = json.loads((folder / "index.json").read_bytes())
    listed = {e["sop_uid"]: e for s in index["series"] for e in s["instances"]}
    if listed[SOUND_UID]["n_frames"] != 1:
        raise AssertionError("a sound file was not shown beside a hostile one")
    shutil.rmtree(folder)
    entry = listed[uid]
    reason = entry.get("why_not", "")
    return {"outcome": "shown" if entry["n_frames"] else "not shown", "reason": reason}


SOUND_UID = "1.2.826.0.8.1"


@cache
def sound_file() -> bytes:
    """Return a file that has nothing wrong, under a name of its own."""
    dataset = make_ct_series(n_slices=1, side=16)[0]
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = SOUND_UID
    return to_bytes(dataset)


def named_uid(content: bytes) -> str:
    """Return the SOP Instance UID that a file says, or '' when it says none."""
    found = classify_bytes(content)
    return found.header.sop_uid if isinstance(found, AcceptedFile) else ""


# --- running


def judged(call: Callable[[], Row], mutation: Mutation) -> Row:
    """Return the report's line of a file; an exception is a line too."""
    started = time.monotonic()
    try:
        said = call()
    except Exception as error:  # noqa: BLE001  the report shows it, the test fails
        said = {"outcome": f"crash: {error!r}"[:300], "reason": ""}
    seconds = round(time.monotonic() - started, 4)
    return {
        "number": mutation.number,
        "kind": mutation.kind,
        **said,
        "seconds": seconds,
    }


def run_portal(write: Callable[[Row], None], folder: Path) -> Row:
    """Send all through the portal's door; return the memory."""
    for content in bases().values():
        sound = Mutation(number=-1, kind="sound", base="", content=content)
        through_portal(sound, folder)
    prepared = list(mutations())
    forget_peak()
    idle = memory_of("self", "VmRSS")
    for mutation in prepared:
        write(judged(lambda m=mutation: through_portal(m, folder), mutation))
    return {"idle": idle, "peak": memory_of("self", "VmHWM")}


def run_pixels(write: Callable[[Row], None], folder: Path) -> Row:
    """Send all through the pixels worker's door; return the memory."""
    child_peak = restarts = 0
    with IsolatedDecoder() as decoder:
        warm = Mutation(number=-1, kind="sound", base="", content=bases()["j2k"])
        through_pack(warm, folder, decoder)
        prepared = list(mutations())
        forget_peak()
        idle = memory_of("self", "VmRSS")
        last = decoder.pid
        for mutation in prepared:
            write(judged(lambda m=mutation: through_pack(m, folder, decoder), mutation))
            decoder.start()
            restarts += decoder.pid != last
            last = decoder.pid
            child_peak = max(child_peak, memory_of(decoder.pid, "VmHWM"))
    peak = memory_of("self", "VmHWM")
    return {"idle": idle, "peak": peak, "child": child_peak, "restarts": restarts}


def main() -> None:
    """Run one door."""
    door, report = sys.argv[1:]
    run = {"portal": run_portal, "pixels": run_pixels}[door]
    with open(report, "w") as target, tempfile.TemporaryDirectory() as folder:

        def write(row: Row) -> None:
            target.write(json.dumps(row) + "\n")
            target.flush()

        write(run(write, Path(folder)))


if __name__ == "__main__":
    main()
