"""A heavier model: head CTs through the whole way, against its network in a plain loop.

`python -m tests.benchmarks.inferring.heads [--studies N]` against the running stack
(OVERREAD_STACK_…): N phantoms are sent and registered while the models' worker is
held, then it is let go; to the last result on record. Beside it, before and after, a
plain loop in a process of its own with as many threads: from Hounsfield units to the
segments (declared preprocessing, sliding windows, pieces), one volume at a time, as
the worker does too. Volumes are decoded before the loop's clock starts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pydicom
import torch
from pydicom.uid import generate_uid

from tests.benchmarks.harness import Stack
from tests.benchmarks.inferring.department import Department, processor_seconds
from tests.faults.running import Running, Sent, wait_until
from workers.inference.segment import segment_volume
from workers.models.package import SHIPPED, load_package
from workers.phantoms.dicom import write_study
from workers.phantoms.head_study import head_study
from workers.phantoms.orders import Order
from workers.phantoms.settings import NORTH, UNSEEN

PACKAGE = SHIPPED / "phantom-haemorrhage"
SLICES = 24


def make_heads(folder: Path, n: int, *, mark: str) -> None:
    """Write phantoms, a folder each, of patients whose IDs begin with a mark."""
    for number in range(n):
        order = Order(
            kind="head-ct",
            seed=900_000 + number,
            person=900_000 + number,
            site=NORTH,
            when=datetime(2026, 11, 1, 9, tzinfo=UTC),
            settings=UNSEEN,
            slices=SLICES,
        )
        for path in write_study(folder / f"{number:03d}", head_study(order)):
            dataset = pydicom.dcmread(path)
            dataset.PatientID = f"{mark}{number:06d}"
            for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
                uid = generate_uid(entropy_srcs=[mark, str(dataset[keyword].value)])
                setattr(dataset, keyword, uid)
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            dataset.save_as(path)


def plain(folder: Path, *, threads: int) -> dict[str, float]:
    """Return volumes a second, and milliseconds of processor a volume, of a loop."""
    torch.set_num_threads(threads)
    package = load_package(PACKAGE)
    volumes = []
    for study in sorted(folder.iterdir()):
        slices = [pydicom.dcmread(path) for path in sorted(study.glob("*.dcm"))]
        slices.sort(key=lambda one: float(one.ImagePositionPatient[2]))
        hu = np.stack(
            [
                one.pixel_array * one.RescaleSlope + one.RescaleIntercept
                for one in slices
            ]
        )
        step = float(slices[1].ImagePositionPatient[2]) - float(
            slices[0].ImagePositionPatient[2]
        )
        rows, columns = map(float, slices[0].PixelSpacing)
        volumes.append((hu.astype(np.float32), (step, rows, columns)))
    segment_volume(package, *volumes[0])
    began, used = time.perf_counter(), time.process_time()
    for hu, spacing in volumes:
        segment_volume(package, hu, spacing)
    n = len(volumes)
    return {
        "rate": n / (time.perf_counter() - began),
        "ms": 1000 * (time.process_time() - used) / n,
    }


def _plain_apart(folder: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.inferring.heads", "--plain", folder],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"},
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _whole_way(
    running: Running, folder: Path, *, mark: str, n: int
) -> dict[str, float]:
    department = Department(running, mark)
    with department.held():
        running.send(
            Sent(uid="", patient_id="", film=path.read_bytes(), fits=True)
            for path in folder.glob("*/*.dcm")
        )
        wait_until(
            lambda: department.counts().sent >= n,
            lambda: f"{department.counts()} of {n}",
            within_s=300,
        )
        department.wait_quiet()
        before = processor_seconds(running)
        began = time.time()
    department.wait_ended(n)
    after = processor_seconds(running)
    ends = department.column("extract(epoch FROM i.finished_at)")
    return {
        "rate": n / (max(ends) - began),
        "failed": department.counts().failed,
        **{part: 1000 * (after[part] - before[part]) / n for part in after},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=12)
    parser.add_argument("--plain", type=Path)
    given = parser.parse_args()
    threads = len(os.sched_getaffinity(0))
    if given.plain:
        sys.stdout.write(json.dumps(plain(given.plain, threads=threads)) + "\n")
        return
    running = Running(Stack.from_environment())
    mark = f"HEAD{int(time.time()) % 1_000_000:06d}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_heads(folder, given.studies, mark=mark)
        first = _plain_apart(folder)
        whole = _whole_way(running, folder, mark=mark, n=given.studies)
        last = _plain_apart(folder)
    rate = (first["rate"] + last["rate"]) / 2
    sys.stdout.write(
        f"plain {first} and {last}\nwhole way {whole}\n"
        f"whole way : plain loop {whole['rate'] / rate:.2f}"
        f" (load {os.getloadavg()[1]:.1f})\n"
    )


if __name__ == "__main__":
    main()
