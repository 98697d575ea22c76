"""What the generators may vary, and the two imaginary sites that they serve.

Every range is drawn from once per phantom. `TRAIN` is what models learn on; `UNSEEN`
is another department's: other detectors and kernels, more or less noise, other
bodies, other mixes. A model's figures are measured on `UNSEEN` only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

FILM_LABELS = (
    "nodule",
    "effusion",
    "pneumothorax",
    "consolidation",
    "cardiomegaly",
)


@dataclass(frozen=True)
class Range:
    """A closed interval to draw from evenly."""

    low: float
    high: float

    def draw(self, rng: np.random.Generator) -> float:
        """Draws one value."""
        return float(rng.uniform(self.low, self.high))


@dataclass(frozen=True)
class FindingRange:
    """How often a finding is there and how plain it is.

    Attributes:
        prevalence: share of phantoms that have it, 0 to 1.
        strength: how plain it is: 0 is hardly there, 1 is what nobody misses. It
            sets size and contrast together.
        difficulty: one number to tune a finding by: the drawn strength is
            multiplied by `1 - difficulty`.
    """

    prevalence: float
    strength: Range
    difficulty: float = 0.0

    def draw(self, rng: np.random.Generator) -> float | None:
        """Draws the strength of the finding, or None when it is absent."""
        present = rng.random() < self.prevalence
        strength = self.strength.draw(rng) * (1.0 - self.difficulty)
        return strength if present else None


@dataclass(frozen=True)
class BodySettings:
    """How bodies differ.

    Attributes:
        age: years.
        female: share of women.
        build: body size factor around 1.
        fat_mm: thickness of subcutaneous fat.
        inspiration: 0 shallow to 1 deep.
        rotation_deg: how far from straight the patient stands or lies.
        heart_ratio: width of a normal heart over the inner width of the chest.
    """

    age: Range = Range(20, 88)
    female: float = 0.48
    build: Range = Range(0.9, 1.1)
    fat_mm: Range = Range(8, 30)
    inspiration: Range = Range(0.35, 1.0)
    rotation_deg: Range = Range(-4, 4)
    heart_ratio: Range = Range(0.39, 0.515)


@dataclass(frozen=True)
class FilmSettings:
    """The detector and the processing of projection radiographs.

    Attributes:
        dose: photons per pixel behind air, relative to a usual exposure.
        blur_mm: standard deviation of focal spot and detector blur.
        scatter: share of scattered over primary radiation that passes the grid.
        contrast: slope of the display curve.
        brightness: shift of the display curve.
        compression: how far slow changes of density are flattened, 0 to 1.
        enhancement: strength of edge enhancement.
        monochrome1: share of films stored inverted.
        frame_mm: height of the detector's field.
    """

    dose: Range = Range(0.5, 2.0)
    blur_mm: Range = Range(0.2, 0.5)
    scatter: Range = Range(0.1, 0.45)
    contrast: Range = Range(0.85, 1.15)
    brightness: Range = Range(-0.05, 0.05)
    compression: Range = Range(0.25, 0.6)
    enhancement: Range = Range(0.2, 0.9)
    monochrome1: float = 0.15
    frame_mm: Range = Range(385, 430)


@dataclass(frozen=True)
class CtSettings:
    """The scanner and its kernel.

    Attributes:
        noise_hu: standard deviation of noise in soft tissue.
        noise_low: lower edge of the noise band, cycles per pixel.
        noise_high: upper edge of the noise band, cycles per pixel.
        blur_mm: standard deviation of the in-plane kernel.
        slice_blur: standard deviation along the axis, in slices.
        cupping_hu: how much darker the middle of a big body reads.
    """

    noise_hu: Range = Range(8, 18)
    noise_low: Range = Range(0.0, 0.03)
    noise_high: Range = Range(0.28, 0.45)
    blur_mm: Range = Range(0.4, 0.9)
    slice_blur: Range = Range(0.3, 0.6)
    cupping_hu: Range = Range(0, 10)


@dataclass(frozen=True)
class HeadSettings:
    """Heads and head CT.

    Attributes:
        size: head size factor around 1.
        ventricles: size factor of the ventricles (age adds to it).
        noise_hu: standard deviation of noise in brain.
        noise_high: upper edge of the noise band, cycles per pixel.
        blur_mm: standard deviation of the in-plane kernel.
        tilt_deg: rotation of the head about each axis.
        haemorrhage: how often and how plain.
    """

    size: Range = Range(0.93, 1.07)
    ventricles: Range = Range(0.7, 1.4)
    noise_hu: Range = Range(3.0, 6.0)
    noise_high: Range = Range(0.15, 0.3)
    blur_mm: Range = Range(0.4, 0.8)
    tilt_deg: Range = Range(-6, 6)
    haemorrhage: FindingRange = FindingRange(0.5, Range(0.15, 1.0))


@dataclass(frozen=True)
class BreastSettings:
    """Breasts and mammography.

    Attributes:
        glandular: share of dense tissue.
        thickness_mm: compressed thickness.
        dose: photons per pixel relative to a usual exposure.
        blur_mm: standard deviation of the detector blur.
        mass: how often and how plain.
    """

    glandular: Range = Range(0.08, 0.6)
    thickness_mm: Range = Range(35, 70)
    dose: Range = Range(0.6, 1.6)
    blur_mm: Range = Range(0.06, 0.14)
    mass: FindingRange = FindingRange(0.45, Range(0.2, 1.0))


def _film_findings() -> Mapping[str, FindingRange]:
    return {
        "nodule": FindingRange(0.3, Range(0.3, 1.0)),
        "effusion": FindingRange(0.3, Range(0.0, 0.6)),
        "pneumothorax": FindingRange(0.25, Range(0.0, 0.4)),
        "consolidation": FindingRange(0.3, Range(0.05, 0.9)),
        "cardiomegaly": FindingRange(0.3, Range(0.0, 0.5)),
    }


@dataclass(frozen=True)
class Settings:
    """One world to draw phantoms from.

    Attributes:
        name: name of the world.
        findings: chest findings by label; see `FILM_LABELS`.
    """

    name: str
    body: BodySettings = BodySettings()
    film: FilmSettings = FilmSettings()
    ct: CtSettings = CtSettings()
    head: HeadSettings = HeadSettings()
    breast: BreastSettings = BreastSettings()
    findings: Mapping[str, FindingRange] = field(default_factory=_film_findings)


TRAIN = Settings(name="train")

UNSEEN = Settings(
    name="unseen",
    body=BodySettings(
        age=Range(24, 92),
        female=0.54,
        build=Range(0.87, 1.14),
        fat_mm=Range(10, 40),
        inspiration=Range(0.25, 0.95),
        rotation_deg=Range(-6, 6),
        heart_ratio=Range(0.395, 0.52),
    ),
    film=FilmSettings(
        dose=Range(0.35, 1.4),
        blur_mm=Range(0.3, 0.7),
        scatter=Range(0.2, 0.6),
        contrast=Range(0.8, 1.2),
        brightness=Range(-0.07, 0.07),
        compression=Range(0.15, 0.5),
        enhancement=Range(0.0, 1.2),
        monochrome1=0.3,
        frame_mm=Range(375, 425),
    ),
    ct=CtSettings(
        noise_hu=Range(10, 23),
        noise_low=Range(0.02, 0.06),
        noise_high=Range(0.36, 0.6),
        blur_mm=Range(0.3, 0.7),
        slice_blur=Range(0.4, 0.8),
        cupping_hu=Range(4, 16),
    ),
    head=HeadSettings(
        size=Range(0.9, 1.1),
        ventricles=Range(0.6, 1.7),
        noise_hu=Range(4.0, 8.0),
        noise_high=Range(0.22, 0.4),
        blur_mm=Range(0.3, 0.7),
        tilt_deg=Range(-10, 10),
        haemorrhage=FindingRange(0.45, Range(0.2, 0.95)),
    ),
    breast=BreastSettings(
        glandular=Range(0.05, 0.7),
        thickness_mm=Range(30, 78),
        dose=Range(0.45, 1.3),
        blur_mm=Range(0.08, 0.18),
        mass=FindingRange(0.4, Range(0.15, 0.9)),
    ),
)

SETTINGS: Mapping[str, Settings] = {"train": TRAIN, "unseen": UNSEEN}


def without_findings(settings: Settings) -> Settings:
    """Returns the same world, in which nobody has anything."""
    return _with_prevalence(settings, dict.fromkeys(settings.findings, 0.0))


def with_findings(settings: Settings, *labels: str) -> Settings:
    """Returns the same world, in which everybody has just these chest findings."""
    wanted = {k: float(k in labels) for k in settings.findings}
    return _with_prevalence(settings, wanted)


def _with_prevalence(settings: Settings, prevalence: Mapping[str, float]) -> Settings:
    findings = {
        k: replace(v, prevalence=prevalence[k]) for k, v in settings.findings.items()
    }
    return replace(settings, findings=findings)


@dataclass(frozen=True)
class Scanner:
    """One imaginary machine, as its headers name it.

    Attributes:
        kernel: name of the reconstruction kernel or processing.
    """

    manufacturer: str
    model: str
    station: str
    software: str
    serial: str
    kernel: str


@dataclass(frozen=True)
class Site:
    """One imaginary hospital.

    Attributes:
        code: the site's code in the portal.
        scanners: by modality: DX, CR, CT, PT, MG.
    """

    code: str
    name: str
    scanners: Mapping[str, tuple[Scanner, ...]]


def _scanners(maker: str, code: str, rows: str) -> Mapping[str, tuple[Scanner, ...]]:
    """Reads `modality model kernel` lines into machines."""
    machines: dict[str, tuple[Scanner, ...]] = {}
    for line in rows.split(";"):
        modality, model, kernel = line.split()
        n = len(machines.get(modality, ())) + 1
        station = f"{code.upper()[:6]}{modality}{n}"
        serial = f"PH-{code.upper()[:2]}-{modality}{n:03d}"
        machine = Scanner(maker, model, station, "phantoms 1", serial, kernel)
        machines[modality] = (*machines.get(modality, ()), machine)
    return machines


NORTH = Site(
    "northfield",
    "Northfield General (imaginary)",
    _scanners(
        "Umbra Imaginary Devices",
        "northfield",
        "DX Lumen-D10 chest-A;DX Lumen-D30 chest-B;CR Lumen-C2 chest-C;"
        "CT Helix-64 N40;CT Helix-128 N60;PT Halo-PET osem;MG Petal-3 breast-A",
    ),
)
SOUTH = Site(
    "southgate",
    "Southgate Clinic (imaginary)",
    _scanners(
        "Fata Morgana Instruments",
        "southgate",
        "DX Mirage-7 thorax-1;CR Mirage-CR thorax-2;"
        "CT Spiral-S32 S3;PT Aureole-PT tof;MG Lotus-2 mammo-1",
    ),
)
SITES: Mapping[str, Site] = {s.code: s for s in (NORTH, SOUTH)}
