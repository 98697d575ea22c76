"""Put hostile DICOM files through both doors, and say what became of each.

    python -m tests.faults.mutation_doors [--count 2000] [--door portal]

Each door runs in a process of its own, as in production: the portal's, which decides
whether a file is taken and reads it without a pack, and the pixels worker's, which
builds packs. Beside the hostile files each door is given sound ones, whose answer
has to be right. Where a process dies, its report shows after which file.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pydicom

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
from tests.factories.mutations import TOTAL, Mutation, mutations
from tests.factories.sound_files import bases, real_bases
from workers.packs.build import build_pack
from workers.packs.isolation import IsolatedDecoder
from workers.packs.layout import pack_folder
from workers.packs.source import InstanceRef
from workers.packs.transcode import TranscodeError, to_storable

CT = "1.2.840.10008.5.1.4.1.1.2"

Row = dict[str, Any]


def memory_of(pid: int | str, name: str) -> int:
    """Return a memory figure of a process in bytes, such as VmRSS or VmHWM."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    found = (line.split()[1] for line in lines if line.startswith(name + ":"))
    return int(next(found, "0")) * 1024


class Memory:
    """Peaks of this process and of its decoding children, by file.

    A child's peak is read while it lives; of those that died in between (killed for
    time or memory, or crashed) the kernel's account of the dead is taken.
    """

    def __init__(self) -> None:
        """Let the peaks begin at what there is now."""
        Path("/proc/self/clear_refs").write_text("5")
        self.idle = memory_of("self", "VmRSS")
        self.child_idle = max(self._children().values(), default=0)
        self._known = set(self._children())
        self.child_peak = self.n_lost = 0

    @staticmethod
    def _children() -> dict[int, int]:
        found = psutil.Process().children()
        return {child.pid: memory_of(child.pid, "VmHWM") for child in found}

    def look(self) -> None:
        """Take note of the children after a file."""
        alive = self._children()
        self.n_lost += len(self._known - set(alive))
        self._known = set(alive)
        self.child_peak = max(self.child_peak, *alive.values(), 0)

    def report(self) -> Row:
        """Return the figures in bytes."""
        dead = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        return {
            "idle": self.idle,
            "peak": memory_of("self", "VmHWM"),
            "child_idle": self.child_idle,
            "child_peak": max(self.child_peak, dead if self.n_lost else 0),
            "children_lost": self.n_lost,
        }


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
    why_not = _why_not_read(found)
    return {"outcome": f"accepted, {'not ' * bool(why_not)}shown", "reason": why_not}


def _why_not_read(found: AcceptedFile) -> str:
    content = read_part10(found)
    read_instance_header(without_pixels(content))
    try:
        content = to_storable(content) or content
        view = view_instance(sop_uid=found.header.sop_uid, content=content)
        if why_not := view.entry.get("why_not"):
            return str(why_not)
        read_frame(content, number=1)
    except (TranscodeError, FrameError, UnreadableInstanceError) as error:
        return str(error)
    return ""


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
    (sound,) = (folder / "frames" / SOUND_UID).iterdir()
    if sound.read_bytes() != sound_pixels():
        raise AssertionError("a sound file was shown wrongly beside a hostile one")
    shutil.rmtree(folder)
    entry = listed[uid]
    reason = entry.get("why_not", "")
    return {"outcome": "shown" if entry["n_frames"] else "not shown", "reason": reason}


SOUND_UID = "1.2.826.0.8.1"
SIDE = 16


@cache
def sound_file() -> bytes:
    """Return a file that has nothing wrong, under a name of its own."""
    dataset = make_ct_series(n_slices=1, side=SIDE)[0]
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = SOUND_UID
    return to_bytes(dataset)


@cache
def sound_pixels() -> bytes:
    """Return its pixels as they have to be sent."""
    dataset = pydicom.dcmread(io.BytesIO(sound_file()))
    return np.asarray(dataset.pixel_array).astype("<i2").tobytes()


def named_uid(content: bytes) -> str:
    """Return the SOP Instance UID that a file says, as an archive would find it."""
    found = classify_bytes(content)
    if isinstance(found, AcceptedFile):
        return found.header.sop_uid
    at = content.find(b"\x08\x00\x18\x00UI")
    said = content[at + 8 : at + 8 + 64].split(b"\x08\x00")[0] if at > 0 else b""
    uid = said.rstrip(b"\0 ").decode("ascii", "replace")
    return uid if re.fullmatch(r"[0-9][0-9.]*", uid) else ""


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
        "base": mutation.base,
        **said,
        "seconds": seconds,
    }


def run_portal(files: list[Mutation], write: Callable[[Row], None]) -> Row:
    """Send all through the portal's door, a sound one between; return the memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for content in bases().values():
            sound = Mutation(number=-1, kind="sound", base="", content=content)
            through_portal(sound, folder)
        memory = Memory()
        for mutation in files:
            write(judged(lambda m=mutation: through_portal(m, folder), mutation))
            check_neighbour()
            memory.look()
        return memory.report()


def check_neighbour() -> None:
    """Ask the portal's door for the sound file.

    Raises:
        AssertionError: The answer is not what it has to be.
    """
    found = classify_bytes(sound_file())
    frame = read_frame(sound_file(), number=1)
    if not isinstance(found, AcceptedFile) or found.header.sop_uid != SOUND_UID:
        raise AssertionError("a sound file was not taken after a hostile one")
    if frame.codestream != sound_pixels():
        raise AssertionError("a sound file was shown wrongly after a hostile one")


def run_pixels(files: list[Mutation], write: Callable[[Row], None]) -> Row:
    """Send all through the pixels worker's door; return the memory."""
    with IsolatedDecoder() as decoder, tempfile.TemporaryDirectory() as name:
        root = Path(name)
        warm = Mutation(number=-1, kind="sound", base="", content=bases()["j2k"])
        through_pack(warm, root, decoder)
        memory = Memory()
        for mutation in files:
            write(judged(lambda m=mutation: through_pack(m, root, decoder), mutation))
            memory.look()
        return memory.report()


DOORS = {"portal": run_portal, "pixels": run_pixels}


def run_door(door: str, *, count: int, report: Path) -> None:
    """Put the files through one door in this process, writing as it goes."""
    files = list(mutations(count=count, real=real_bases()))
    with report.open("w") as target:

        def write(row: Row) -> None:
            target.write(json.dumps(row) + "\n")
            target.flush()

        write(DOORS[door](files, write))


@dataclass(frozen=True)
class Report:
    """What one door did.

    Attributes:
        door: Which.
        status: The exit status of its process; 0 is well.
        rows: One for each file.
        memory: Its figures in bytes.
        said: What the process wrote to its error output.
    """

    door: str
    status: int
    rows: list[Row]
    memory: Row
    said: str

    def worst_growth(self) -> int:
        """Return by how much process or child grew over idle, in bytes."""
        found = self.memory
        return int(
            max(
                found["peak"] - found["idle"],
                found["child_peak"] - found["child_idle"] if found["child_peak"] else 0,
            )
        )


def run_doors(*, count: int, doors: tuple[str, ...] = tuple(DOORS)) -> list[Report]:
    """Run the doors beside each other, each in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        began = []
        for door in doors:
            report = Path(name) / door
            words = ["--count", str(count), "--door", door, "--report", str(report)]
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.mutation_doors", *words],
                stderr=subprocess.PIPE,
                text=True,
            )
            began.append((door, report, process))
        return [_ended(*each) for each in began]


def _ended(door: str, report: Path, process: subprocess.Popen[str]) -> Report:
    _, said = process.communicate()
    lines = report.read_text().splitlines() if report.exists() else []
    rows = [json.loads(line) for line in lines]
    memory = rows.pop() if rows and "idle" in rows[-1] else {}
    return Report(door, process.returncode, rows, memory, said)


def table(reports: list[Report]) -> str:
    """Return the counts as text: by kind, by outcome, by reason, and the costs."""
    lines = []
    for report in reports:
        rows, memory = report.rows, report.memory
        lines += [f"=== {report.door}: {len(rows)} files, status {report.status}", ""]
        for kind in dict.fromkeys(row["kind"] for row in rows):
            found = Counter(r["outcome"] for r in rows if r["kind"] == kind)
            said = ", ".join(f"{n} {what}" for what, n in found.most_common())
            lines.append(f"{sum(found.values()):5}  {kind:34} {said}")
        lines += ["", "outcomes"]
        counts = Counter(row["outcome"] for row in rows)
        lines += [f"{n:5}  {what}" for what, n in counts.most_common()]
        lines += ["", "reasons (numbers as #)"]
        words = Counter(re.sub(r"[\d,.]*\d", "#", r["reason"]) for r in rows)
        words.pop("", None)
        lines += [f"{n:5}  {what}" for what, n in words.most_common()]
        lines += ["", f"slowest {max(r['seconds'] for r in rows):.2f} s"]
        lines += [
            f"{name} {size >> 20} MB" if "lost" not in name else f"{name} {size}"
            for name, size in memory.items()
        ]
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Run both doors and print the table; or one, in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=TOTAL)
    parser.add_argument("--door", choices=sorted(DOORS))
    parser.add_argument("--report", type=Path)
    asked = parser.parse_args()
    if asked.report:
        run_door(asked.door, count=asked.count, report=asked.report)
        return
    doors = (asked.door,) if asked.door else tuple(DOORS)
    reports = run_doors(count=asked.count, doors=doors)
    sys.stdout.write(table(reports))
    sys.exit(max(abs(report.status) for report in reports))


if __name__ == "__main__":
    main()
