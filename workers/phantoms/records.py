"""What a phantom study is, before it becomes DICOM files."""

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.phantoms.settings import Scanner, Site


def uid(*parts: object) -> str:
    """Makes a UID that depends on the parts only, under 2.25 (PS3.5 B.2)."""
    text = "/".join(str(part) for part in ("overread-phantom", *parts))
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
    return f"2.25.{number}"


@dataclass(frozen=True)
class Patient:
    """Somebody who never lived.

    Attributes:
        number: makes the Patient ID.
        sex: F or M.
        birth: date of birth.
        height_m: metres.
        weight_kg: kilograms.
    """

    number: int
    sex: str
    birth: date
    height_m: float = 1.72
    weight_kg: float = 75.0

    @property
    def id(self) -> str:
        """The Patient ID."""
        return f"PHANTOM-{self.number:06d}"

    @property
    def name(self) -> str:
        """The Patient's Name."""
        return f"PHANTOM^{self.number:06d}^SYNTHETIC"


@dataclass(frozen=True)
class Film:
    """One projection image.

    Attributes:
        pixels: uint16 [row, column] as stored.
        spacing_mm: size of a pixel at the detector.
        view: PA, AP, CC or MLO.
        side: laterality of the image: L, R or empty for both (U is written).
        inverted: stored as MONOCHROME1.
        bits: stored bits.
        window: (centre, width) in stored values.
        kvp: tube voltage.
        exposure_mas: tube load.
    """

    pixels: NDArray[np.uint16]
    spacing_mm: float
    view: str
    side: str = ""
    inverted: bool = False
    bits: int = 12
    window: tuple[float, float] = (2048, 4096)
    kvp: float = 120.0
    exposure_mas: float = 2.0
    thickness_mm: float | None = None


@dataclass(frozen=True)
class Slices:
    """One volume, written as axial slices.

    Attributes:
        values: [z, y, x], HU for CT, Bq/ml for PET; the first slice is the lowest.
        spacing_mm: (z, y, x).
        origin_mm: place of the first voxel's centre (z, y, x) in patient
            coordinates (head, back, left positive).
        window: (centre, width) in the values' unit.
        kernel: overrides the scanner's kernel.
        kvp: tube voltage of CT.
    """

    values: NDArray[np.number[Any]]
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]
    window: tuple[float, float] = (40, 400)
    kernel: str = ""
    kvp: float = 120.0


@dataclass(frozen=True)
class Overlay:
    """A softcopy presentation state (GSPS) for one image of the study.

    Attributes:
        series: number of the series that it is for.
        image: index in that series.
        boxes: (column, row, column, row) in pixels, drawn as rectangles.
        texts: (column, row, words), written at that pixel.
        window: (centre, width) in stored values after the modality transform.
        label: content label, capitals.
    """

    series: int
    image: int
    boxes: tuple[tuple[float, float, float, float], ...]
    texts: tuple[tuple[float, float, str], ...]
    window: tuple[float, float]
    label: str = "NOTE"


@dataclass(frozen=True)
class Series:
    """One series: films, one volume, or one presentation state.

    Attributes:
        modality: DX, CR, MG, CT, PT or PR.
        body_part: Body Part Examined: CHEST, HEAD, BREAST.
    """

    number: int
    modality: str
    description: str
    body_part: str
    scanner: Scanner
    content: tuple[Film, ...] | Slices | Overlay


@dataclass(frozen=True)
class Study:
    """One study.

    Attributes:
        seed: all UIDs follow from it and the kind.
        kind: chest-film, chest-ct, pet-ct, head-ct or mammogram.
        when: date and time of acquisition.
        truth: JSON-ready, written beside the files and never sent: `labels` (name →
            bool), `boxes` (list of {label, series, index, frame, box: [column, row,
            column, row]}) and whatever else a test wants to know.
    """

    seed: int
    kind: str
    patient: Patient
    site: Site
    when: datetime
    description: str
    series: tuple[Series, ...]
    truth: dict[str, Any] = field(default_factory=dict)

    @property
    def uid(self) -> str:
        """Study Instance UID."""
        return uid(self.kind, self.seed)

    @property
    def accession(self) -> str:
        """Accession number."""
        return f"PH{int(self.uid[-10:]):010d}"
