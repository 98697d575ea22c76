/**
 * Which pixels lie in an area, and their statistics.
 *
 * The rule: a pixel belongs to an area when its centre, (column + ½, row + ½), lies
 * inside; on the border, the left and upper side counts as inside. Statistics are of
 * those whole pixels, unweighted; the standard deviation is that of a population.
 */
import type { Point } from '../geometry';
import type { GeometryKind } from '../model';
import type { Scale } from './kinds';
import { contourOf, type Ellipse, ellipseOf } from './shapes';

/** From (inside) and to (outside) along one row, in columns. */
type Span = readonly [number, number];

function contourSpans(contour: readonly Point[], y: number): readonly Span[] {
  const crossings: number[] = [];
  contour.forEach((p, index) => {
    const q = contour[(index + 1) % contour.length] ?? p;
    if (p[1] <= y === q[1] <= y) return;
    crossings.push(p[0] + ((y - p[1]) * (q[0] - p[0])) / (q[1] - p[1]));
  });
  crossings.sort((a, b) => a - b);
  const spans: Span[] = [];
  for (let index = 0; index + 1 < crossings.length; index += 2) {
    spans.push([crossings[index] ?? 0, crossings[index + 1] ?? 0]);
  }
  return spans;
}

/** Where a row crosses an ellipse: |M(p − centre)|² ≤ 1 with M the inverse of [u v]. */
function ellipseSpans({ centre, u, v }: Ellipse, y: number): readonly Span[] {
  const area = u[0] * v[1] - u[1] * v[0];
  if (area === 0) return [];
  const dy = y - centre[1];
  const [sx, sy] = [v[1] / area, -v[0] / area];
  const [tx, ty] = [-u[1] / area, u[0] / area];
  const a = sx * sx + tx * tx;
  const b = 2 * dy * (sx * sy + tx * ty);
  const c = dy * dy * (sy * sy + ty * ty) - 1;
  const root = b * b - 4 * a * c;
  if (root <= 0) return [];
  const half = Math.sqrt(root);
  return [[centre[0] + (-b - half) / (2 * a), centre[0] + (-b + half) / (2 * a)]];
}

/** What a row of the image shares with an area; null for marks without area. */
export function spansOf(kind: GeometryKind, points: readonly Point[], scale: Scale) {
  if (kind === 'ellipse' || kind === 'circle') {
    const ellipse = ellipseOf(kind, points, scale);
    return (y: number) => ellipseSpans(ellipse, y);
  }
  const contour = contourOf(kind, points);
  return contour ? (y: number) => contourSpans(contour, y) : null;
}

/** Modality values of one frame (HU for CT), row by row. */
export interface Pixels {
  readonly columns: number;
  readonly rows: number;
  readonly stored: ArrayLike<number>;
  readonly slope: number;
  readonly intercept: number;
  /** Stored values, both ends included, that are padding and count for nothing. */
  readonly padding?: { readonly low: number; readonly high: number } | null;
}

/** The modality value of a pixel; null for padding and beyond the last pixel. */
export function modalityValue(pixels: Pixels, at: number): number | null {
  const { stored, slope, intercept, padding } = pixels;
  const held = stored[at];
  if (held === undefined || Number.isNaN(held)) return null;
  if (padding && held >= padding.low && held <= padding.high) return null;
  return held * slope + intercept;
}

export interface Statistics {
  readonly count: number;
  readonly mean: number;
  readonly deviation: number;
  readonly least: number;
  readonly most: number;
}

/** Sums over values, shifted by the first one so that nothing cancels. */
class Tally {
  count = 0;
  #first = 0;
  #sum = 0;
  #squares = 0;
  #least = Number.POSITIVE_INFINITY;
  #most = Number.NEGATIVE_INFINITY;

  /** Counts a value; null, which is padding, for nothing. */
  add(value: number | null): void {
    if (value === null) return;
    if (this.count === 0) this.#first = value;
    const shifted = value - this.#first;
    this.count += 1;
    this.#sum += shifted;
    this.#squares += shifted * shifted;
    if (value < this.#least) this.#least = value;
    if (value > this.#most) this.#most = value;
  }

  result(): Statistics | null {
    const { count } = this;
    if (count === 0) return null;
    const mean = this.#sum / count;
    const variance = Math.max(0, this.#squares / count - mean * mean);
    return {
      count,
      mean: this.#first + mean,
      deviation: Math.sqrt(variance),
      least: this.#least,
      most: this.#most,
    };
  }
}

/** Statistics of the pixels in an area; null without area or without any pixel in it. */
export function statisticsIn(
  kind: GeometryKind,
  points: readonly Point[],
  scale: Scale,
  pixels: Pixels,
): Statistics | null {
  const spans = spansOf(kind, points, scale);
  if (!spans) return null;
  const { columns, rows } = pixels;
  const tally = new Tally();
  for (let row = 0; row < rows; row++) {
    for (const [from, to] of spans(row + 0.5)) {
      const first = Math.max(0, Math.ceil(from - 0.5));
      const last = Math.min(columns - 1, Math.ceil(to - 0.5) - 1);
      for (let at = row * columns + first; at <= row * columns + last; at++) {
        tally.add(modalityValue(pixels, at));
      }
    }
  }
  return tally.result();
}

/** The value of the pixel that a point lies in; null outside the image and on padding. */
export function valueAt([x, y]: Point, pixels: Pixels): number | null {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  const inside = column >= 0 && row >= 0 && column < pixels.columns && row < pixels.rows;
  if (!inside) return null;
  return modalityValue(pixels, row * pixels.columns + column);
}

/** The area that a mark encloses, in the square of the scale's unit. */
export function areaOf(
  kind: GeometryKind,
  points: readonly Point[],
  scale: Scale,
): number | null {
  const unit = scale.column * scale.row;
  if (kind === 'ellipse' || kind === 'circle') {
    const { u, v } = ellipseOf(kind, points, scale);
    return Math.PI * Math.abs(u[0] * v[1] - u[1] * v[0]) * unit;
  }
  const contour = contourOf(kind, points);
  if (!contour) return null;
  const twice = contour.reduce((sum, p, index) => {
    const q = contour[(index + 1) % contour.length] ?? p;
    return sum + p[0] * q[1] - q[0] * p[1];
  }, 0);
  return (Math.abs(twice) / 2) * unit;
}
