import type { Plane, Point, Vector } from './geometry';
import { cross } from './volume';

/** Viewports that move together: by place in the patient, never by image number. */

/** What linking must know of one image. */
export interface Placed {
  readonly plane: Plane;
  readonly placed: boolean;
  readonly rows: number;
  readonly columns: number;
  readonly frameOfReference: string | null;
}

const dot = (a: Vector, b: Vector) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
/** Cosine above which two planes count as parallel: 15°. */
const PARALLEL = Math.cos((15 * Math.PI) / 180);

export const normalOf = ({ plane }: Placed): Vector => cross(plane.row, plane.column);

/** The middle of an image, mm in the patient. */
export function centreOf({ plane, rows, columns }: Placed): Vector {
  const across = ((columns - 1) / 2) * plane.columnSpacing;
  const down = ((rows - 1) / 2) * plane.rowSpacing;
  return [0, 1, 2].map(
    (i) =>
      (plane.origin[i] ?? 0) +
      (plane.row[i] ?? 0) * across +
      (plane.column[i] ?? 0) * down,
  ) as unknown as Vector;
}

/** Where an image lies along a direction, mm. */
export const placeAlong = (image: Placed, normal: Vector) => dot(centreOf(image), normal);

export const isParallel = (a: Placed, b: Placed) =>
  Math.abs(dot(normalOf(a), normalOf(b))) > PARALLEL;

/** Whether places of two images mean the same place in the patient. */
export const sharesFrame = (a: Placed, b: Placed) =>
  a.frameOfReference !== null && a.frameOfReference === b.frameOfReference;

/**
 * The image of a series that lies nearest to where another one is.
 *
 * @param offset mm added along the series' own direction, where the two have different
 *   frames of reference.
 * @returns its index; null when nothing can be said: unplaced, or not parallel.
 */
export function linkedIndex(
  from: Placed,
  images: readonly Placed[],
  offset = 0,
): number | null {
  const [first] = images;
  if (!first?.placed || !from.placed || !isParallel(from, first)) return null;
  const normal = normalOf(first);
  const wanted = placeAlong(from, normal) + offset;
  let best: number | null = null;
  let least = Number.POSITIVE_INFINITY;
  images.forEach((image, index) => {
    const away = Math.abs(placeAlong(image, normal) - wanted);
    if (image.placed && away < least - 1e-6) [best, least] = [index, away];
  });
  return best;
}

/** The offset at which two images count as showing the same place, mm. */
export function offsetBetween(from: Placed, to: Placed): number {
  return sharesFrame(from, to) ? 0 : offsetAlong(from, to);
}

/** How much further along the second image's direction it lies than the first, mm. */
export function offsetAlong(from: Placed, to: Placed): number {
  const normal = normalOf(to);
  return placeAlong(to, normal) - placeAlong(from, normal);
}

interface Span {
  readonly low: number;
  readonly high: number;
}

function spanOf(images: readonly Placed[], normal: Vector): Span {
  const places = images.map((image) => placeAlong(image, normal));
  return { low: Math.min(...places), high: Math.max(...places) };
}

/**
 * Where to begin an earlier series beside one that is read: the same place if both say
 * where they lie and overlap by half; else as far along.
 */
export function likelyIndex(
  now: readonly Placed[],
  index: number,
  then: readonly Placed[],
): number {
  const [image, first] = [now[index], then[0]];
  const asFar = Math.round((index / Math.max(1, now.length - 1)) * (then.length - 1));
  if (!image?.placed || !first?.placed || !isParallel(image, first)) return asFar;
  const normal = normalOf(first);
  const [a, b] = [spanOf(now, normal), spanOf(then, normal)];
  const common = Math.min(a.high, b.high) - Math.max(a.low, b.low);
  const shorter = Math.min(a.high - a.low, b.high - b.low);
  if (common < shorter / 2) return asFar;
  return linkedIndex(image, then) ?? asFar;
}

/** Image space of `on`: from (0, 0) to (columns, rows). */
function toImage(on: Placed, point: Vector): Point {
  const { origin, row, column, columnSpacing, rowSpacing } = on.plane;
  const from: Vector = [point[0] - origin[0], point[1] - origin[1], point[2] - origin[2]];
  return [dot(from, row) / columnSpacing + 0.5, dot(from, column) / rowSpacing + 0.5];
}

function cornersOf({ plane, rows, columns }: Placed): readonly Vector[] {
  const at = (x: number, y: number): Vector =>
    [0, 1, 2].map(
      (i) =>
        (plane.origin[i] ?? 0) +
        (plane.row[i] ?? 0) * (x - 0.5) * plane.columnSpacing +
        (plane.column[i] ?? 0) * (y - 0.5) * plane.rowSpacing,
    ) as unknown as Vector;
  return [at(0, 0), at(columns, 0), at(columns, rows), at(0, rows)];
}

/**
 * The line in which another image cuts this one, in this one's image space: from edge to
 * edge of the other image. Null when they do not meet, are nearly parallel, or lie in
 * different frames of reference.
 */
export function cutLine(on: Placed, by: Placed): readonly [Point, Point] | null {
  if (!on.placed || !by.placed || !sharesFrame(on, by)) return null;
  const normal = normalOf(on);
  if (Math.abs(dot(normal, normalOf(by))) > 0.98) return null;
  const height = (p: Vector) => dot(p, normal) - dot(on.plane.origin, normal);
  const corners = cornersOf(by);
  const crossings = corners.flatMap((p, k) => {
    const q = corners[(k + 1) % corners.length] ?? p;
    const [a, b] = [height(p), height(q)];
    if (a > 0 === b > 0) return [];
    const part = a / (a - b);
    return [[0, 1, 2].map((i) => (p[i] ?? 0) + ((q[i] ?? 0) - (p[i] ?? 0)) * part)];
  });
  const [one, two] = crossings;
  if (!one || !two) return null;
  return [toImage(on, one as unknown as Vector), toImage(on, two as unknown as Vector)];
}
