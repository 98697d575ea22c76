/** How much segments hold: voxels, millilitres and the values in them. */
import type { Plane, Vector } from '../geometry';
import type { Pixels } from '../measure/region';

/** How many voxels each number has on one image; index is the number. */
export function countLabels(labels: Uint8Array): Uint32Array {
  const counts = new Uint32Array(256);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

/** What is known of an image's place and pixels. */
export interface PlacedImage {
  readonly key: string;
  readonly plane: Plane;
  readonly placed: boolean;
}

const dot = (a: Vector, b: Vector) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

/** Planes that lie nearer to each other than this are the same place, mm. */
const SAME_MM = 0.01;
/** Images whose directions differ by more (1 − cosine) do not stand in one row. */
const TURNED = 1e-3;

/** Places along the first image's normal, mm; null for images that are not in the row. */
function heights(images: readonly PlacedImage[]): readonly (number | null)[] {
  const first = images.find((one) => one.placed);
  if (!first) return images.map(() => null);
  const normal = cross(first.plane.row, first.plane.column);
  return images.map(({ placed, plane }) => {
    const own = cross(plane.row, plane.column);
    return placed && 1 - Math.abs(dot(own, normal)) < TURNED
      ? dot(plane.origin, normal)
      : null;
  });
}

/**
 * How far each image reaches, mm: half way to each neighbour; at the ends as far outward
 * as inward. Null where there is no neighbour, so that it has an area only.
 */
export function reaches(images: readonly PlacedImage[]): ReadonlyMap<string, number> {
  const at = heights(images);
  const sorted = at.filter((one) => one !== null).sort((a, b) => a - b);
  const places = sorted.filter(
    (one, k) => k === 0 || one - (sorted[k - 1] ?? 0) > SAME_MM,
  );
  const found = new Map<string, number>();
  images.forEach(({ key }, n) => {
    const own = at[n] ?? null;
    const reach = own === null ? null : reachAt(places, own);
    if (reach !== null) found.set(key, reach);
  });
  return found;
}

/** Half the gap below and half the gap above; an end has one gap, which counts twice. */
function reachAt(places: readonly number[], at: number): number | null {
  const k = places.findIndex((one) => Math.abs(one - at) <= SAME_MM);
  const gaps = [k, k + 1].flatMap((n) => {
    const [low, high] = [places[n - 1], places[n]];
    return low === undefined || high === undefined ? [] : [high - low];
  });
  if (gaps.length === 0) return null;
  return gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
}

/** Voxels of one segment, image by image. */
export type CountsByImage = ReadonlyMap<string, number>;

export interface Size {
  readonly voxels: number;
  readonly images: number;
  /** Null on images that stand alone. */
  readonly millilitres: number | null;
  /** Of images that stand alone, mm²; null where there is no scale. */
  readonly area: number | null;
}

export interface SizedImage extends PlacedImage {
  readonly spacing: {
    readonly row: number;
    readonly column: number;
    readonly source: string;
  };
}

/** How large a segment is: voxels × spacing × how far their images reach. */
export function sizeOf(counts: CountsByImage, images: readonly SizedImage[]): Size {
  const deep = reaches(images);
  const held = images.flatMap(({ key, spacing }) => {
    const n = counts.get(key) ?? 0;
    const area = n * spacing.row * spacing.column;
    return n > 0 ? [{ n, area, reach: deep.get(key), scaled: isScaled(spacing) }] : [];
  });
  const scaled = held.every((one) => one.scaled);
  const solid = scaled && held.every((one) => one.reach !== undefined);
  const sum = (of: (one: (typeof held)[number]) => number) =>
    held.reduce((total, one) => total + of(one), 0);
  return {
    voxels: sum(({ n }) => n),
    images: held.length,
    millilitres: solid ? sum(({ area, reach }) => area * (reach ?? 0)) / 1000 : null,
    area: scaled ? sum(({ area }) => area) : null,
  };
}

const isScaled = ({ source }: SizedImage['spacing']) => source !== 'none';

/** Sums from which mean and deviation of several images follow. */
export interface Sums {
  readonly n: number;
  readonly mean: number;
  /** Sum of squared distances from the mean. */
  readonly spread: number;
}

export const NO_SUMS: Sums = { n: 0, mean: 0, spread: 0 };

/** Sums over the values of one segment's voxels on one image. */
export function sumValues(labels: Uint8Array, number: number, pixels: Pixels): Sums {
  const { stored, slope, intercept } = pixels;
  let [n, mean, spread] = [0, 0, 0];
  for (let at = labels.indexOf(number); at >= 0; at = labels.indexOf(number, at + 1)) {
    const value = (stored[at] ?? 0) * slope + intercept;
    n += 1;
    const off = value - mean;
    mean += off / n;
    spread += off * (value - mean);
  }
  return { n, mean, spread };
}

/** The sums of two sets of voxels together. */
export function addSums(a: Sums, b: Sums): Sums {
  const n = a.n + b.n;
  if (n === 0) return NO_SUMS;
  const off = b.mean - a.mean;
  return {
    n,
    mean: a.mean + (off * b.n) / n,
    spread: a.spread + b.spread + (off * off * a.n * b.n) / n,
  };
}

/** Of a population, as for regions. */
export const deviationOf = ({ n, spread }: Sums) => (n > 0 ? Math.sqrt(spread / n) : 0);
