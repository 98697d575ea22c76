"""Contact sheets: phantoms, beside real images if wanted, to be looked at."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workers.phantoms.orders import Order
from workers.phantoms.records import Film, Slices, Study
from workers.phantoms.studies import make_study

Tile = NDArray[np.uint8]


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
            tiles += _volume_tiles(content)
        elif isinstance(content, tuple):
            tiles += [_film_tile(film) for film in content]
    return tiles


def _film_tile(film: Film) -> Tile:
    tile = grey(film.pixels, film.window)
    return 255 - tile if film.inverted else tile


def _volume_tiles(volume: Slices) -> list[Tile]:
    values = volume.values
    tiles = [
        grey(values[int(share * (len(values) - 1))], volume.window)
        for share in (0.25, 0.5, 0.75)
    ]
    tall = volume.spacing_mm[0] / volume.spacing_mm[1]
    rows = np.arange(int(len(values) * tall)) / tall
    coronal = values[::-1, values.shape[1] // 2]
    tiles.append(grey(coronal[rows.astype(int)], volume.window))
    return tiles


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
        beside: a folder with real images (PNG or JPEG) to compare with.
        cell: rows and columns of a tile.
        columns: tiles in a row.

    Returns:
        How many tiles there are.
    """
    tiles = [Image.fromarray(t) for o in orders for t in study_tiles(make_study(o))]
    if beside is not None:
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
