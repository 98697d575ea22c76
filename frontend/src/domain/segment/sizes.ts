/** How much segments hold: voxels, millilitres and the values in them. */
import type { Plane, Vector } from '../geometry';
import { modalityValue, type Pixels } from '../measure/region';

/** How many voxels each number has on one image; index is the number. */
export function countLabels(labels: Uint8Array): Uint32Array {
  const counts = new Uint32Array(256);
  let drawn = 0;
  // Most is nothing: a plain loop over what is not keeps films quick.
  for (let at = 0; at < labels.length; at += 1) {
    const label = labels[at] as number;
    if (label === 0) continue;
    counts[label] = (counts[label] as number) + 1;
    drawn += 1;
  }
  counts[0] = labels.length - drawn;
  return counts;
}

/** What is known of an image's place and pixels. */
export interface PlacedImage {
  readonly key: string;
  readonly plane: Plane;
  readonly placed: boolean;
  /** Slice Thickness, mm; null when the image does not say. */
  readonly thickness: number | null;
}

const dot = (a: Vector, b: Vector) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

/** Planes that lie nearer to each other than this are the same place, mm. */
const SAME_MM = 0.01;
/** Direction cosines may differ by this in images that stand in one row. */
const PARALLEL = 1e-3;

const alike = (a: Plane, b: Plane) =>
  [0, 1, 2].every(
    (i) =>
      Math.abs((a.row[i] ?? 0) - (b.row[i] ?? 0)) <= PARALLEL &&
      Math.abs((a.column[i] ?? 0) - (b.column[i] ?? 0)) <= PARALLEL,
  );

/** Places along the first image's normal, mm; null unless all stand in one row. */
function placesOf(images: readonly PlacedImage[]): readonly number[] | null {
  const [first] = images;
  if (!first || !images.every((one) => one.placed && alike(one.plane, first.plane))) {
    return null;
  }
  const normal = cross(first.plane.row, first.plane.column);
  return images.map(({ plane }) => dot(plane.origin, normal));
}

/** Sorted places, none twice. */
function distinctOf(places: readonly number[]): readonly number[] {
  const found: number[] = [];
  for (const place of places.toSorted((a, b) => a - b)) {
    if (place - (found.at(-1) ?? Number.NEGATIVE_INFINITY) > SAME_MM) found.push(place);
  }
  return found;
}

/**
 * How much of the patient each image stands for, mm: half of the gap to each neighbour;
 * at the ends the one gap there is. A single place has its stated thickness. Null where
 * that is not known. The portal has the same rule (`workers/measures/planes.py`).
 */
export function reaches(
  images: readonly PlacedImage[],
): ReadonlyMap<string, number> | null {
  const places = placesOf(images);
  if (!places) return null;
  const distinct = distinctOf(places);
  const alone = distinct.length === 1 ? (images[0]?.thickness ?? null) : null;
  if (distinct.length === 1 && !alone) return null;
  return new Map(
    images.map(({ key }, n) => [key, alone ?? reachAt(distinct, places[n] ?? 0)]),
  );
}

/** Half the gap below and half the gap above; an end has one gap, which counts twice. */
function reachAt(places: readonly number[], at: number): number {
  const k = places.findIndex((one) => Math.abs(one - at) <= SAME_MM);
  const gaps = [k, k + 1].flatMap((n) => {
    const [low, high] = [places[n - 1], places[n]];
    return low === undefined || high === undefined ? [] : [high - low];
  });
  return gaps.reduce((sum, gap) => sum + gap, 0) / Math.max(1, gaps.length);
}

/** Voxels of one segment, image by image. */
export type CountsByImage = ReadonlyMap<string, number>;

export interface Size {
  readonly voxels: number;
  readonly images: number;
  /** Null where images have no thickness, or where two of them lie at one place. */
  readonly millilitres: number | null;
  /** On a single image, mm²; null where there is no scale. */
  readonly area: number | null;
}

export interface SizedImage extends PlacedImage {
  readonly spacing: {
    readonly row: number;
    readonly column: number;
    readonly source: string;
  };
}

const isScaled = ({ source }: SizedImage['spacing']) => source !== 'none';

/** How large a segment is: voxels × spacing × how much each image stands for. */
export function sizeOf(counts: CountsByImage, images: readonly SizedImage[]): Size {
  const held = images.flatMap((image) => {
    const n = counts.get(image.key) ?? 0;
    const area = n * image.spacing.row * image.spacing.column;
    return n > 0 ? [{ image, n, area }] : [];
  });
  const voxels = held.reduce((sum, { n }) => sum + n, 0);
  const scaled = held.length > 0 && held.every(({ image }) => isScaled(image.spacing));
  const deep = scaled ? reaches(images) : null;
  const places = placesOf(held.map(({ image }) => image));
  const apart = places !== null && distinctOf(places).length === places.length;
  const volume = held.reduce(
    (sum, { image, area }) => sum + area * (deep?.get(image.key) ?? 0),
    0,
  );
  return {
    voxels,
    images: held.length,
    millilitres: deep && apart && volume > 0 ? volume / 1000 : null,
    area: scaled && held.length === 1 ? (held[0]?.area ?? null) : null,
  };
}

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
  let [n, mean, spread] = [0, 0, 0];
  for (let at = labels.indexOf(number); at >= 0; at = labels.indexOf(number, at + 1)) {
    const value = modalityValue(pixels, at);
    if (value === null) continue;
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
