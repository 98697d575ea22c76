"""Contact sheets: phantoms, beside real images if wanted, to be looked at."""

from collections import Counter
from pathlib import Path

import numpy as np
import SimpleITK
from numpy.typing import NDArray
from PIL import Image

from workers.phantoms.orders import Order
from workers.phantoms.records import Film, Slices, Study
from workers.phantoms.studies import make_study

Tile = NDArray[np.uint8]
FEWEST_SLICES = 8  # of a real series that is shown as a volume


def grey(values: NDArray[np.generic], window: tuple[float, float]) -> Tile:
    """Shows values in a window as 8-bit grey."""
    centre, width = window
    level = (values.astype(np.float32) - (centre - width / 2)) / width
    return np.asarray(np.round(np.clip(level, 0, 1) * 255), dtype=np.uint8)


def study_tiles(study: Study) -> list[Tile]:
    """Shows a study: its films, or a few slices of its volumes and one coronal."""
    tiles: list[Tile] = []
    for series in study.series:
        content = series.content
        if isinstance(content, Slices):
            tiles += volume_tiles(content.values, content.spacing_mm, content.window)
        elif isinstance(content, tuple):
            tiles += [_film_tile(film) for film in content]
    return tiles


def _film_tile(film: Film) -> Tile:
    tile = grey(film.pixels, film.window)
    return 255 - tile if film.inverted else tile


def volume_tiles(
    values: NDArray[np.generic],
    spacing_mm: tuple[float, float, float],
    window: tuple[float, float],
) -> list[Tile]:
    """Shows three axial slices and the middle coronal plane of a volume.

    Args:
        values: [slice, row, column], from the feet to the head.
        spacing_mm: between slices, rows and columns.
        window: centre and width.
    """
    tiles = [
        grey(values[int(share * (len(values) - 1))], window)
        for share in (0.25, 0.5, 0.75)
    ]
    tall = spacing_mm[0] / spacing_mm[1]
    rows = np.arange(int(len(values) * tall)) / tall
    coronal = values[::-1, values.shape[1] // 2]
    tiles.append(grey(coronal[rows.astype(int)], window))
    return tiles


def real_volumes(folder: Path, window: tuple[float, float]) -> list[Tile]:
    """Shows the DICOM volumes of a folder as phantoms are shown.

    Args:
        folder: searched with all below it.
        window: centre and width; that of the phantoms beside.
    """
    reader = SimpleITK.ImageSeriesReader()
    tiles: list[Tile] = []
    held = Counter(path.parent for path in folder.rglob("*.dcm"))
    for below in sorted(path for path, files in held.items() if files >= FEWEST_SLICES):
        for number in reader.GetGDCMSeriesIDs(str(below)):
            names = reader.GetGDCMSeriesFileNames(str(below), number)
            if len(names) < FEWEST_SLICES:
                continue
            reader.SetFileNames(names)
            image = reader.Execute()
            column, row, between = image.GetSpacing()
            values = SimpleITK.GetArrayFromImage(image)
            tiles += volume_tiles(values, (between, row, column), window)
    return tiles


def _window(studies: list[Study]) -> tuple[float, float] | None:
    """The window of the first volume, or None where there are films only."""
    contents = (series.content for study in studies for series in study.series)
    return next((c.window for c in contents if isinstance(c, Slices)), None)


def write_sheet(
    path: Path,
    orders: list[Order],
    *,
    beside: Path | None = None,
    cell: int = 360,
    columns: int = 4,
) -> int:
    """Writes a sheet of phantoms, with as many real images below.

    Args:
        path: PNG to write.
        orders: what to make.
        beside: a folder with real images to compare with: PNG or JPEG; where the
            phantoms are volumes, DICOM series too, in the phantoms' window.
        cell: rows and columns of a tile.
        columns: tiles in a row.

    Returns:
        How many tiles there are.
    """
    studies = [make_study(order) for order in orders]
    tiles = [Image.fromarray(t) for study in studies for t in study_tiles(study)]
    if beside is not None:
        window = _window(studies)
        if window is not None:
            tiles += [Image.fromarray(t) for t in real_volumes(beside, window)]
        found = sorted([*beside.rglob("*.png"), *beside.rglob("*.jpg")])
        every = max(1, len(found) // max(1, len(tiles)))
        tiles += [Image.open(f).convert("L") for f in found[::every][: len(tiles)]]
    rows = -(-len(tiles) // columns)
    sheet = Image.new("L", (columns * cell, rows * cell))
    for k, tile in enumerate(tiles):
        scale = cell / max(tile.size)
        size = (max(1, round(tile.width * scale)), max(1, round(tile.height * scale)))
        small = tile.resize(size, Image.Resampling.BILINEAR)
        sheet.paste(small, (k % columns * cell, k // columns * cell))
    sheet.save(path)
    return len(tiles)
