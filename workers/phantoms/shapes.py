"""Smooth random shapes, tubes, trees and noise, the stuff that bodies are made of.

Lengths are millimetres. A volume is [z, y, x]; a point is (z, y, x). Axes point to
the head (z), the back (y) and the patient's left (x).
"""

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Floats = NDArray[np.floating[Any]]
Points = NDArray[np.float64]


def rng_for(seed: int, *names: str | int) -> np.random.Generator:
    """Makes the random generator of one part, independent of all other parts."""
    words = [zlib.crc32(str(name).encode()) for name in names]
    return np.random.default_rng([seed & 0xFFFFFFFF, seed >> 32, *words])


@dataclass(frozen=True)
class Grid:
    """Where the voxels of a volume lie.

    Attributes:
        shape: (slices, rows, columns).
        spacing: millimetres between voxel centres along (z, y, x).
        origin: place of the first voxel's centre.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]

    @classmethod
    def centred(
        cls, shape: tuple[int, int, int], spacing: tuple[float, float, float]
    ) -> "Grid":
        """Makes a grid whose middle is (0, 0, 0)."""
        z, y, x = (-0.5 * (n - 1) * s for n, s in zip(shape, spacing, strict=True))
        return cls(shape, spacing, (z, y, x))

    def axes(self) -> tuple[Floats, Floats, Floats]:
        """Returns the coordinates along z, y, x, shaped to broadcast together."""
        z, y, x = (
            (o + s * np.arange(n)).astype(np.float32)
            for n, s, o in zip(self.shape, self.spacing, self.origin, strict=True)
        )
        return z[:, None, None], y[None, :, None], x[None, None, :]

    def part(
        self, low: Points, high: Points
    ) -> tuple[tuple[slice, slice, slice], "Grid"] | None:
        """Returns the part that covers a box: its slices and its own grid.

        Returns:
            None when the box lies outside.
        """
        starts, stops = [], []
        rows = zip(low, high, self.shape, self.spacing, self.origin, strict=True)
        for lo, hi, n, s, o in rows:
            start = max(0, int(np.floor((lo - o) / s)))
            stop = min(n, int(np.ceil((hi - o) / s)) + 1)
            if start >= stop:
                return None
            starts.append(start)
            stops.append(stop)
        slices = tuple(slice(a, b) for a, b in zip(starts, stops, strict=True))
        shape = tuple(b - a for a, b in zip(starts, stops, strict=True))
        origin = tuple(
            o + a * s for o, a, s in zip(self.origin, starts, self.spacing, strict=True)
        )
        return (slices[0], slices[1], slices[2]), Grid(
            (shape[0], shape[1], shape[2]),
            self.spacing,
            (origin[0], origin[1], origin[2]),
        )


def soft_inside(distance: Floats, width: float) -> Floats:
    """Turns a signed distance (negative inside) into occupancy with a soft edge.

    Args:
        distance: any shape, millimetres.
        width: over how many millimetres the edge goes from 1 to 0; about a voxel.
    """
    inside: Floats = np.clip(0.5 - distance / width, 0.0, 1.0)
    return inside


def ellipsoid(
    grid: Grid,
    centre: tuple[float, float, float],
    radii: tuple[float, float, float],
    *,
    power: float = 2.0,
    turn: Points | None = None,
    wobble: float = 0.0,
    rng: np.random.Generator | None = None,
) -> tuple[tuple[slice, slice, slice], Floats] | None:
    """Voxelises an ellipsoid with soft edges, within its bounding box only.

    Args:
        grid: where to draw.
        centre: (z, y, x).
        radii: half axes along (z, y, x) before turning.
        power: 2 is an ellipsoid, more is boxier.
        turn: 3 × 3 rotation from the grid's axes to the ellipsoid's.
        wobble: relative unevenness of the surface.
        rng: needed for wobble.

    Returns:
        The slices of the part and its occupancy 0 to 1; None when outside.
    """
    reach = max(radii) * (1.1 + wobble) if turn is not None else None
    margin = np.array([(reach or r * (1.1 + wobble)) for r in radii])
    middle = np.array(centre)
    found = grid.part(
        middle - margin - grid.spacing, middle + margin + np.array(grid.spacing)
    )
    if found is None:
        return None
    where, part = found
    z, y, x = part.axes()
    offsets = [z - centre[0], y - centre[1], x - centre[2]]
    if turn is not None:
        offsets = [
            np.float32(row[0]) * offsets[0]
            + np.float32(row[1]) * offsets[1]
            + np.float32(row[2]) * offsets[2]
            for row in turn
        ]
    total = sum(
        np.abs(d / np.float32(r)) ** np.float32(power)
        for d, r in zip(offsets, radii, strict=True)
    )
    level = np.asarray(total, dtype=np.float32) ** np.float32(1.0 / power)
    if wobble and rng is not None:
        level = level * (1.0 + wobble * smooth_field(part.shape, rng, cells=4))
    size = float(np.prod(radii)) ** (1 / 3)
    return where, soft_inside((level - 1.0) * size, min(grid.spacing) * 1.2)


def rotation(angles_deg: tuple[float, float, float]) -> Points:
    """Makes the 3 × 3 rotation about the z, y and x axis, in this order."""
    matrix = np.eye(3)
    for axis, angle in enumerate(angles_deg):
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        a, b = [(1, 2), (0, 2), (0, 1)][axis]
        step = np.eye(3)
        step[a, a] = step[b, b] = c
        step[a, b], step[b, a] = -s, s
        matrix = step @ matrix
    return matrix


def _spline_basis(n: int, cells: int) -> Floats:
    """Makes the cubic B-spline weights of n samples over cells + 3 knots."""
    t = np.linspace(0, cells, n, endpoint=False) + 0.5 * cells / n
    first = np.floor(t).astype(int)
    u = t - first
    weights = np.zeros((n, cells + 3), dtype=np.float32)
    parts = (
        (1 - u) ** 3 / 6,
        (3 * u**3 - 6 * u**2 + 4) / 6,
        (-3 * u**3 + 3 * u**2 + 3 * u + 1) / 6,
        u**3 / 6,
    )
    for k, part in enumerate(parts):
        weights[np.arange(n), first + k] = part
    return weights


def smooth_field(
    shape: tuple[int, ...], rng: np.random.Generator, *, cells: int
) -> Floats:
    """Draws a slowly varying random field, mean about 0, deviation about 1.

    Args:
        shape: of the field, any number of axes.
        rng: the generator.
        cells: bumps along the longest axis.
    """
    longest = max(shape)
    counts = [max(1, round(cells * n / longest)) for n in shape]
    out = rng.standard_normal([c + 3 for c in counts]).astype(np.float32)
    for n, count in zip(shape, counts, strict=True):
        # The first axis is contracted and goes to the end: after all, the order is
        # the same as before.
        out = np.tensordot(out, _spline_basis(n, count), axes=([0], [1]))
    return np.asarray(out * np.float32(1.5 ** len(shape)), dtype=np.float32)


def band_noise(
    shape: tuple[int, ...],
    rng: np.random.Generator,
    *,
    low: float,
    high: float,
) -> Floats:
    """Draws noise within a band of frequencies, mean 0, deviation 1.

    Args:
        shape: of the field, any number of axes.
        rng: the generator.
        low: cycles per sample below which there is little.
        high: cycles per sample above which there is little (at most about 0.5).
    """
    spectrum = fft.rfftn(rng.standard_normal(shape, dtype=np.float32))
    squared = np.zeros(spectrum.shape, dtype=np.float32)
    last = len(shape) - 1
    for axis, n in enumerate(shape):
        f = fft.rfftfreq(n) if axis == last else fft.fftfreq(n)
        view = [1] * len(shape)
        view[axis] = f.size
        squared += (f.astype(np.float32) ** 2).reshape(view)
    gain = np.exp(-squared / np.float32(2 * (high / 2) ** 2))
    if low > 0:
        gain *= 1.0 - np.exp(-squared / np.float32(2 * low**2))
    field = np.asarray(fft.irfftn(spectrum * gain, s=shape), dtype=np.float32)
    even: Floats = (field - field.mean()) / np.float32(max(float(field.std()), 1e-9))
    return even


@dataclass(frozen=True)
class Tubes:
    """Straight pieces of round tube.

    Attributes:
        start: [n, 3] points.
        end: [n, 3] points.
        radius: [n] millimetres.
    """

    start: Points
    end: Points
    radius: Points

    def thinner(self, least: float) -> "Tubes":
        """Returns only the pieces of at least this radius."""
        keep = self.radius >= least
        return Tubes(self.start[keep], self.end[keep], self.radius[keep])


def join(*tubes: Tubes) -> Tubes:
    """Puts several sets of pieces together."""
    return Tubes(
        np.concatenate([t.start for t in tubes]),
        np.concatenate([t.end for t in tubes]),
        np.concatenate([t.radius for t in tubes]),
    )


def polyline(points: Points, radius: float | Points) -> Tubes:
    """Makes a tube along a line of points [n, 3]; radius one or [n]."""
    radii = np.broadcast_to(np.asarray(radius, dtype=float), (len(points),))
    return Tubes(points[:-1], points[1:], 0.5 * (radii[:-1] + radii[1:]))


def grow_tree(
    rng: np.random.Generator,
    root: Points,
    targets: Points,
    *,
    root_radius: float,
    leaf_radius: float = 0.35,
    advance: tuple[float, float] = (0.35, 0.6),
    jitter: float = 0.12,
) -> Tubes:
    """Grows a tree that reaches every target: vessels, airways, ducts.

    A branch goes part of the way to the middle of what it has to supply, then its
    territory is cut in two. Radii follow the number of targets (Murray's law).

    Args:
        rng: the generator.
        root: the point [3] where the tree begins.
        targets: points [n, 3] to be reached.
        root_radius: millimetres at the root.
        leaf_radius: least radius.
        advance: share of the way that a branch goes before it splits.
        jitter: sideways wandering, relative to a branch's length.
    """
    starts, ends, radii = [], [], []
    total = len(targets)
    heap: list[tuple[Points, Points]] = [(np.asarray(root, dtype=float), targets)]
    while heap:
        base, group = heap.pop()
        radius = max(leaf_radius, root_radius * (len(group) / total) ** (1 / 2.7))
        way = group.mean(axis=0) - base
        if len(group) > 1:
            way = way * rng.uniform(*advance)
            way = way + rng.normal(0, jitter, 3) * np.linalg.norm(way)
        tip = base + way
        starts.append(base)
        ends.append(tip)
        radii.append(radius)
        if len(group) > 1:
            heap += [(tip, part) for part in _cut(rng, group)]
    return Tubes(np.array(starts), np.array(ends), np.array(radii))


def _cut(rng: np.random.Generator, group: Points) -> list[Points]:
    """Cuts targets in two across their widest direction."""
    if len(group) == 2:
        return [group[:1], group[1:]]
    spread = group - group.mean(axis=0)
    axis = np.linalg.eigh(spread.T @ spread)[1][:, -1]
    along = spread @ axis
    order = np.argsort(along)
    at = round(len(group) * float(rng.uniform(0.3, 0.7)))
    at = min(max(at, 1), len(group) - 1)
    return [group[order[:at]], group[order[at:]]]


def tube_samples(tubes: Tubes, step: float) -> tuple[Points, Points]:
    """Fills tubes with points, each standing for a bit of volume.

    Args:
        tubes: the pieces.
        step: distance between points, about half a voxel.

    Returns:
        Points [n, 3] and the cubic millimetres that each stands for [n].
    """
    along = tubes.end - tubes.start
    length = np.linalg.norm(along, axis=1)
    count = np.maximum(1, np.ceil(length / step)).astype(int)
    piece = np.repeat(np.arange(len(count)), count)
    first = np.repeat(np.cumsum(count) - count, count)
    t = (np.arange(len(piece)) - first + 0.5) / count[piece]
    axis = tubes.start[piece] + t[:, None] * along[piece]
    radius = tubes.radius[piece]
    slab = np.pi * radius**2 * (length / count)[piece]
    unit = along / np.maximum(length, 1e-9)[:, None]
    side = np.cross(
        unit, np.where(np.abs(unit[:, :1]) < 0.8, [[1.0, 0, 0]], [[0, 1.0, 0]])
    )
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    other = np.cross(unit, side)
    rings = np.clip(np.ceil(2 * radius / step), 1, 40).astype(int)
    points, masses = [np.zeros((0, 3))], [np.zeros(0)]
    for n in np.unique(rings):
        pick = rings == n
        # A sunflower: n² points spread evenly over the disc.
        k = np.arange(n * n)
        rho = np.sqrt((k + 0.5) / (n * n))
        phi = k * 2.399963229728653
        u, v = rho * np.cos(phi), rho * np.sin(phi)
        owner = piece[pick]
        offset = (
            u[None, :, None] * side[owner][:, None, :]
            + v[None, :, None] * other[owner][:, None, :]
        ) * radius[pick][:, None, None]
        points.append((axis[pick][:, None, :] + offset).reshape(-1, 3))
        masses.append(np.repeat(slab[pick] / (n * n), n * n))
    return np.concatenate(points), np.concatenate(masses)


def tube_ribbons(tubes: Tubes, step: float) -> tuple[Points, Points]:
    """Fills tubes with points for a projection along y: cheaper than `tube_samples`.

    Tubes that run along the beam are filled; of the others only the middle plane
    is, each point standing for the whole chord.

    Args:
        tubes: the pieces.
        step: distance between points, about a pixel.

    Returns:
        Points [n, 3] and the cubic millimetres that each stands for [n].
    """
    along = tubes.end - tubes.start
    length = np.linalg.norm(along, axis=1)
    steep = np.abs(along[:, 1]) > 0.75 * length
    points, masses = tube_samples(
        Tubes(tubes.start[steep], tubes.end[steep], tubes.radius[steep]), step
    )
    start, along, length = tubes.start[~steep], along[~steep], length[~steep]
    radius = tubes.radius[~steep]
    across = np.stack([-along[:, 2], np.zeros(len(along)), along[:, 0]], axis=1)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    count = np.maximum(1, np.ceil(length / step)).astype(int)
    wide = np.clip(np.ceil(2 * radius / step), 1, 60).astype(int)
    all_points, all_masses = [points], [masses]
    for n in np.unique(wide):
        pick = np.flatnonzero(wide == n)
        piece = np.repeat(pick, count[pick])
        first = np.repeat(np.cumsum(count[pick]) - count[pick], count[pick])
        t = (np.arange(len(piece)) - first + 0.5) / count[piece]
        line = start[piece] + t[:, None] * along[piece]
        w = (np.arange(n) + 0.5) * 2 / n - 1
        chord = np.sqrt(1 - w**2)
        chord /= chord.sum()
        off = w[None, :, None] * (radius[piece, None] * across[piece])[:, None, :]
        slab = np.pi * radius[piece] ** 2 * length[piece] / count[piece]
        all_points.append((line[:, None, :] + off).reshape(-1, 3))
        all_masses.append((slab[:, None] * chord[None, :]).ravel())
    return np.concatenate(all_points), np.concatenate(all_masses)


def splat(grid: Grid, points: Points, mass: Points) -> Floats:
    """Collects points into voxels.

    Args:
        grid: where to.
        points: [n, 3].
        mass: [n] cubic millimetres that each point stands for.

    Returns:
        Occupancy 0 to 1, [z, y, x].
    """
    index = np.floor(
        (points - np.array(grid.origin)) / np.array(grid.spacing) + 0.5
    ).astype(np.int64)
    shape = np.array(grid.shape)
    keep = np.all((index >= 0) & (index < shape), axis=1)
    flat = np.ravel_multi_index(tuple(index[keep].T), grid.shape)
    total = np.bincount(flat, weights=mass[keep], minlength=int(np.prod(shape)))
    voxel = float(np.prod(grid.spacing))
    return np.minimum(total / voxel, 1.0).astype(np.float32).reshape(grid.shape)


def splat_plane(
    rows: Points,
    columns: Points,
    mass: Points,
    *,
    shape: tuple[int, int],
    pixel_area: float,
) -> Floats:
    """Collects points into a projection, bilinearly.

    Args:
        rows: [n] row positions in pixels.
        columns: [n] column positions in pixels.
        mass: [n] cubic millimetres each.
        shape: (rows, columns) of the projection.
        pixel_area: square millimetres of one pixel.

    Returns:
        Millimetres of material along the beam, [row, column].
    """
    height, width = shape
    r0, c0 = np.floor(rows).astype(np.int64), np.floor(columns).astype(np.int64)
    keep = (r0 >= 0) & (c0 >= 0) & (r0 < height - 1) & (c0 < width - 1)
    r0, c0 = r0[keep], c0[keep]
    fr, fc = rows[keep] - r0, columns[keep] - c0
    mass = mass[keep] / pixel_area
    flat = r0 * width + c0
    out = np.zeros(height * width)
    corners = (
        (0, (1 - fr) * (1 - fc)),
        (1, (1 - fr) * fc),
        (width, fr * (1 - fc)),
        (width + 1, fr * fc),
    )
    for shift, weight in corners:
        out += np.bincount(flat + shift, weights=mass * weight, minlength=out.size)
    return out.astype(np.float32).reshape(shape)
