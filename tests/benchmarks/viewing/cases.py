"""The studies that both viewers show, and how their images should look."""

from __future__ import annotations

import functools
import os
import subprocess
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.pixels import apply_rescale, pixel_array
from pydicom.uid import generate_uid
from scipy import ndimage

from tests.benchmarks.viewing.check import Picture, window
from tests.benchmarks.viewing.planes import planes_of, volumes_of
from tests.factories.dicom import make_ct_series, make_dx
from workers.phantoms.ct import chest_ct
from workers.phantoms.film import chest_film
from workers.phantoms.settings import UNSEEN

if TYPE_CHECKING:
    from tests.benchmarks.harness import Stack

SHARED = Path("../shared/data")
MADE = Path("var/benchmark-data")
N_SLICES = 300
SIDE = 512
WAIT_S = 240
# (centre, width): how our protocol for a chest hangs it.
CHEST = ((40.0, 400.0), (-600.0, 1500.0))


@dataclass(frozen=True)
class Case:
    """One study.

    Attributes:
        name: In the table.
        folder: Its files.
        volume: Whether three planes can be shown of its first series.
        slices: About how many images a series has, for scrolling.
        windows: (centre, width) that a viewer may hang the images with, beside their
            own: the presets of its protocols.
    """

    name: str
    folder: Path
    volume: bool
    slices: int
    windows: tuple[tuple[float, float], ...] = ()

    @functools.cached_property
    def headers(self) -> list[pydicom.Dataset]:
        """The images' headers."""
        found = [
            pydicom.dcmread(path, stop_before_pixels=True)
            for path in sorted(self.folder.rglob("*.dcm"))
        ]
        return [one for one in found if "Rows" in one]

    @property
    def study_uid(self) -> str:
        """Its Study Instance UID."""
        return str(self.headers[0].StudyInstanceUID)

    @property
    def patient(self) -> str:
        """The patient's id, to search for."""
        return str(self.headers[0].PatientID)

    @functools.cached_property
    def pictures(self) -> list[Picture]:
        """Every image as it should look with its own window, or a preset."""
        return [
            picture
            for path in sorted(self.folder.rglob("*.dcm"))
            if "Rows" in pydicom.dcmread(path, stop_before_pixels=True)
            for picture in _pictures(pydicom.dcmread(path), self.windows)
        ]

    @functools.cached_property
    def planes(self) -> dict[str, list[Picture]]:
        """What each of three planes through a series may show, by its name."""
        series: dict[str, list[pydicom.Dataset]] = defaultdict(list)
        for path in sorted(self.folder.rglob("*.dcm")):
            dataset = pydicom.dcmread(path)
            if "Rows" in dataset:
                series[dataset.SeriesInstanceUID].append(dataset)
        found: dict[str, list[Picture]] = defaultdict(list)
        for datasets in series.values():
            for volume in volumes_of(datasets, self.windows):
                for name, pictures in planes_of(volume).items():
                    found[name] += pictures
        return dict(found)


def _pictures(
    dataset: pydicom.Dataset, windows: tuple[tuple[float, float], ...]
) -> list[Picture]:
    spacing = dataset.get("PixelSpacing") or dataset.get("ImagerPixelSpacing")
    pixel_mm = (float(spacing[0]), float(spacing[1]))
    values = apply_rescale(pixel_array(dataset), dataset).astype(np.float32)
    own = (_first(dataset.WindowCenter), _first(dataset.WindowWidth))
    name = f"series {dataset.SeriesNumber} image {dataset.InstanceNumber}"
    return [
        Picture(
            f"{name} at {centre:g}/{width:g}",
            window(values, centre=centre, width=width),
            pixel_mm,
        )
        for centre, width in dict.fromkeys((own, *windows))
    ]


def _first(value: Any) -> float:
    return float(value[0] if isinstance(value, pydicom.multival.MultiValue) else value)


def _uid(word: str) -> str:
    return generate_uid(entropy_srcs=["overread benchmark", word])


def _phantom_slices() -> NDArray[np.int16]:
    """Return a chest, finely resampled, with noise in every pixel."""
    made = chest_ct(5, UNSEEN, slices=60, size=192).hu.astype(np.float32)
    depth, rows, columns = made.shape
    factors = (N_SLICES / depth, SIDE / rows, SIDE / columns)
    fine = ndimage.zoom(made, factors, order=1)[:N_SLICES]
    noise = np.random.default_rng(7).normal(0, 18, fine.shape)
    return np.clip(fine + noise, -1024, 3071).astype(np.int16)


def _make_ct(folder: Path) -> None:
    volume = _phantom_slices()
    study = _uid("ct")
    series = make_ct_series(
        n_slices=N_SLICES,
        side=SIDE,
        spacing_mm=1.0,
        study_uid=study,
        series_uid=_uid("ct series"),
        patient_name="BENCH^CT",
        patient_id="BENCH-CT-300",
    )
    for index, dataset in enumerate(series):
        dataset.SOPInstanceUID = _uid(f"ct {index}")
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.FrameOfReferenceUID = _uid("ct frame of reference")
        dataset.PixelSpacing = [0.7, 0.7]
        dataset.PixelData = volume[index].tobytes()
        dataset.save_as(folder / f"{index:04d}.dcm", enforce_file_format=True)


def _make_film(folder: Path) -> None:
    made = chest_film(5, UNSEEN, size=640).pixels.astype(np.float32)
    fine = ndimage.zoom(made, 2500 / made.shape[0], order=1)
    noise = np.random.default_rng(8).normal(0, 80, fine.shape)
    pixels = np.clip(fine + noise, 0, 4095).astype(np.uint16)
    dataset = make_dx(
        pixels,
        patient_name="BENCH^FILM",
        patient_id="BENCH-DX-2500",
        age="044Y",
        window=(2048.0, 4096.0),
        study_uid=_uid("film"),
        series_uid=_uid("film series"),
        sop_uid=_uid("film image"),
        pixel_spacing=0.15,
    )
    dataset.save_as(folder / "film.dcm", enforce_file_format=True)


def companion(case: Case) -> Case:
    """Return a small study that the same search finds: what is read before `case`."""

    def make(folder: Path) -> None:
        film = chest_film(6, UNSEEN).pixels
        dataset = make_dx(
            film,
            patient_name=f"{case.patient}^BEFORE",
            patient_id=f"BEFORE-{case.patient}",
            age="051Y",
            window=(2048.0, 4096.0),
            study_uid=_uid(f"before {case.patient}"),
            sop_uid=_uid(f"image before {case.patient}"),
        )
        dataset.save_as(folder / "film.dcm", enforce_file_format=True)

    name = f"before {case.name}"
    folder = _made(f"before-{case.patient}", make)
    return Case(name, folder, volume=False, slices=1)


def _made(name: str, make: Any) -> Path:
    folder = MADE / name
    if not folder.exists():
        part = MADE / f"{name}.part"
        part.mkdir(parents=True, exist_ok=True)
        make(part)
        part.rename(folder)
    return folder


def all_cases() -> list[Case]:
    """Make or find the studies."""
    cases = [
        Case("CT 300 × 512²", _made("ct", _make_ct), volume=True, slices=N_SLICES),
        Case("DX 2500²", _made("film", _make_film), volume=False, slices=1),
    ]
    if SHARED.exists():
        cases += [
            Case(
                "NLST CT",
                SHARED / "ct_chest_nlst_143",
                volume=True,
                slices=143,
                windows=CHEST,
            ),
            Case("prostate MR", SHARED / "mr_prostatex", volume=True, slices=19),
        ]
    return cases


def send(stack: Stack, case: Case) -> None:
    """Send a study as a modality does; what is there already is not sent twice."""
    command = ["storescu", "-R", "-xt", "-aec", "OVERREAD"]
    subprocess.run(
        [*command, stack.dicom_host, str(stack.dicom_port), "+sd", "+r", case.folder],
        check=True,
        env={**os.environ, "TCP_NODELAY": "1"},
    )


def find_item(portal: httpx.Client, case: Case) -> str | None:
    """Return the id of the study's open item, once its pack is ready."""
    answer = portal.get("/api/worklist", params={"q": case.patient}).json()
    for row in answer["items"]:
        if row["study"]["uid"] == case.study_uid:
            study = row["study"]
            portal.post(f"/api/studies/{study['id']}/open").raise_for_status()
            manifest = portal.get(f"/api/studies/{study['id']}/manifest").json()
            ready = manifest["pack"]["state"] == "ready"
            if ready and study["n_images"] >= len(case.headers):
                return str(row["id"])
    return None


def prepare(stack: Stack, portal: httpx.Client, case: Case) -> str:
    """See to it that the study can be read; return its item's id.

    Raises:
        SystemExit: It never came, or has been read already.
    """
    item = find_item(portal, case)
    if item is not None:
        return item
    send(stack, case)
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        item = find_item(portal, case)
        if item is not None:
            return item
        time.sleep(2)
    raise SystemExit(f"{case.name} is not on the worklist with its pack.")
