"""The paediatric chest films: names, patients, a split by patient.

The patient is in the file name: `person123_bacteria_45.jpeg` is patient 123 of
the pneumonia films; `IM-0115-0001.jpeg` and `NORMAL2-IM-0115-0001.jpeg` are
normal films. Whether the two normal series count the same people is not
documented, so one number is taken as one patient across both.
"""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

NORMAL, BACTERIAL, VIRAL = 0, 1, 2
PARTS = ("train", "validation", "held_out")
SHARES = {"train": 0.75, "validation": 0.10, "held_out": 0.15}
SUFFIXES = (".jpeg", ".jpg", ".png")

_PNEUMONIA = re.compile(r"person(\d+)_(bacteria|virus)_\d+")
_NORMAL = re.compile(r"(?:NORMAL2-)?IM-(\d+)-\d+")


class DatasetError(ValueError):
    """A file of the data set that is not what its description says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """One film of the data set.

    Attributes:
        name: Its path in the zip or folder.
        patient: A name of the patient, unique in the data set.
        kind: `NORMAL`, `BACTERIAL` or `VIRAL`.
    """

    name: str
    patient: str
    kind: int

    @property
    def positive(self) -> bool:
        """Whether the film shows pneumonia by its label."""
        return self.kind != NORMAL


def parse_film(name: str) -> Film:
    """Read patient and kind from a file name of the data set."""
    base = name.rsplit("/", 1)[-1]
    if found := _PNEUMONIA.match(base):
        kind = BACTERIAL if found[2] == "bacteria" else VIRAL
        return Film(name=name, patient=f"pneumonia-{int(found[1])}", kind=kind)
    if found := _NORMAL.match(base):
        return Film(name=name, patient=f"normal-{int(found[1])}", kind=NORMAL)
    raise DatasetError(f"the file name {base} names no patient")


def _is_image(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and "__MACOSX" not in name


def list_images(source: Path) -> list[str]:
    """Return the sorted image paths of a zip or a folder."""
    if source.is_dir():
        found = (p.relative_to(source).as_posix() for p in source.rglob("*.*"))
        return sorted(name for name in found if _is_image(name))
    with zipfile.ZipFile(source) as archive:
        return sorted(name for name in archive.namelist() if _is_image(name))


def read_grey(content: bytes) -> NDArray[np.uint8]:
    """Decode one image to grey, [rows, columns] uint8."""
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("L"))


def iterate_images(
    *, source: Path, names: Sequence[str]
) -> Iterable[tuple[str, NDArray[np.uint8]]]:
    """Yield (name, grey image) of a zip or folder, in the order of `names`."""
    if source.is_dir():
        for name in names:
            yield name, read_grey((source / name).read_bytes())
        return
    with zipfile.ZipFile(source) as archive:
        for name in names:
            yield name, read_grey(archive.read(name))


def split_patients(*, films: Sequence[Film], seed: int) -> Mapping[str, str]:
    """Assign every patient to one part, stratified by kind.

    A patient's stratum is the kind of most of the films. The same films and
    seed give the same parts on any machine.

    Args:
        films: All films.
        seed: Seed of the shuffle.

    Returns:
        The part ("train", "validation" or "held_out") of each patient.
    """
    counts: dict[str, list[int]] = {}
    for film in films:
        counts.setdefault(film.patient, [0, 0, 0])[film.kind] += 1
    generator = np.random.default_rng(seed)
    parts: dict[str, str] = {}
    for kind in (NORMAL, BACTERIAL, VIRAL):
        stratum = sorted(p for p, c in counts.items() if c.index(max(c)) == kind)
        order = generator.permutation(len(stratum))
        n_held = round(SHARES["held_out"] * len(stratum))
        n_validation = round(SHARES["validation"] * len(stratum))
        for place, index in enumerate(order):
            held = place < n_held
            validation = place < n_held + n_validation
            parts[stratum[int(index)]] = (
                "held_out" if held else "validation" if validation else "train"
            )
    return parts


def films_of(
    *, films: Sequence[Film], parts: Mapping[str, str], part: str
) -> list[Film]:
    """Return the films whose patient is in a part, in the given order."""
    return [film for film in films if parts[film.patient] == part]


def load_films(*, source: Path) -> tuple[list[Film], NDArray[np.uint8]]:
    """Decode a whole zip or folder of equally sized films.

    Returns:
        The films and their images, [n, rows, columns] uint8, in one order.
    """
    films = [parse_film(name) for name in list_images(source)]
    images = [
        image
        for _, image in iterate_images(source=source, names=[f.name for f in films])
    ]
    if len({image.shape for image in images}) != 1:
        raise DatasetError("the films are not of one size")
    return films, np.stack(images)
