/**
 * The shapes of marks. Points are in image space: (column, row), a pixel's centre at
 * (.5, .5). Perpendiculars and circles are those of the patient, so they take the
 * scale: on anisotropic pixels a circle is no circle of pixels.
 */
import type { Point } from '../geometry';
import type { GeometryKind } from '../model';
import type { Scale } from './kinds';

/** A line to be drawn through points; a closed one ends where it began. */
export interface Line {
  readonly points: readonly Point[];
  readonly closed: boolean;
}

const NOWHERE: Point = [0, 0];
const SPLINE_STEPS = 16;
const ROUND_STEPS = 72;

export const pointAt = (points: readonly Point[], index: number): Point =>
  points[index] ?? NOWHERE;

/** Stored points as pairs. */
export function pairs(points: readonly (readonly number[])[]): readonly Point[] {
  return points.map((point) => [point[0] ?? 0, point[1] ?? 0]);
}

export const toScale = ([x, y]: Point, { column, row }: Scale): Point => [
  x * column,
  y * row,
];
const fromScale = ([x, y]: Point, { column, row }: Scale): Point => [x / column, y / row];

/** Distance in the unit of the scale. */
export function distance(p: Point, q: Point, { column, row }: Scale): number {
  return Math.hypot((q[0] - p[0]) * column, (q[1] - p[1]) * row);
}

const middle = (p: Point, q: Point): Point => [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2];

/** Centre and two half axes: p = centre + s·u + t·v with s² + t² = 1. */
export interface Ellipse {
  readonly centre: Point;
  readonly u: Point;
  readonly v: Point;
}

/** The ellipse of a stored `ellipse` (ends of two axes) or `circle` (centre, rim). */
export function ellipseOf(
  kind: 'ellipse' | 'circle',
  points: readonly Point[],
  scale: Scale,
): Ellipse {
  const [a, b, c, d] = [0, 1, 2, 3].map((index) => pointAt(points, index)) as [
    Point,
    Point,
    Point,
    Point,
  ];
  if (kind === 'circle') {
    const radius = distance(a, b, scale);
    return { centre: a, u: [radius / scale.column, 0], v: [0, radius / scale.row] };
  }
  return {
    centre: middle(a, b),
    u: [(b[0] - a[0]) / 2, (b[1] - a[1]) / 2],
    v: [(d[0] - c[0]) / 2, (d[1] - c[1]) / 2],
  };
}

function around({ centre, u, v }: Ellipse): readonly Point[] {
  return Array.from({ length: ROUND_STEPS }, (_, step): Point => {
    const angle = (2 * Math.PI * step) / ROUND_STEPS;
    const [s, t] = [Math.cos(angle), Math.sin(angle)];
    return [centre[0] + s * u[0] + t * v[0], centre[1] + s * u[1] + t * v[1]];
  });
}

function between(p: Point, q: Point, r: Point, s: Point, t: number): Point {
  const at = (axis: 0 | 1) =>
    0.5 *
    (2 * q[axis] +
      (r[axis] - p[axis]) * t +
      (2 * p[axis] - 5 * q[axis] + 4 * r[axis] - s[axis]) * t ** 2 +
      (3 * q[axis] - p[axis] - 3 * r[axis] + s[axis]) * t ** 3);
  return [at(0), at(1)];
}

/** The closed uniform Catmull–Rom curve through control points, 16 steps a piece. */
export function splineThrough(controls: readonly Point[]): readonly Point[] {
  const count = controls.length;
  if (count < 3) return controls;
  return controls.flatMap((point, index) => {
    const before = pointAt(controls, (index - 1 + count) % count);
    const next = pointAt(controls, (index + 1) % count);
    const after = pointAt(controls, (index + 2) % count);
    return Array.from({ length: SPLINE_STEPS }, (_, step) =>
      between(before, point, next, after, step / SPLINE_STEPS),
    );
  });
}

const open = (...points: Point[]): Line => ({ points, closed: false });

function corners(points: readonly Point[]): readonly Point[] {
  const [p, q] = [pointAt(points, 0), pointAt(points, 1)];
  return [p, [q[0], p[1]], q, [p[0], q[1]]];
}

/** What a mark looks like, as lines in image space. */
export function linesOf(
  kind: GeometryKind,
  points: readonly Point[],
  scale: Scale,
): readonly Line[] {
  const at = (index: number) => pointAt(points, index);
  switch (kind) {
    case 'box':
      return [{ points: corners(points), closed: true }];
    case 'ellipse':
    case 'circle':
      return [{ points: around(ellipseOf(kind, points, scale)), closed: true }];
    case 'polygon':
      return [{ points, closed: true }];
    case 'spline':
      return [{ points: splineThrough(points), closed: points.length > 2 }];
    case 'bidirectional':
    case 'cobb':
      return [open(at(0), at(1)), ...(points.length > 3 ? [open(at(2), at(3))] : [])];
    default:
      return [{ points, closed: false }];
  }
}

/** The contour of an area, or null for marks that have none. */
export function contourOf(
  kind: GeometryKind,
  points: readonly Point[],
): readonly Point[] | null {
  if (kind === 'box') return corners(points);
  if (kind === 'polygon') return points;
  return kind === 'spline' ? splineThrough(points) : null;
}

const MOST_GRIPS = 40;

/** Where a mark can be taken to change it; a long contour only moves as a whole. */
export function gripsOf(kind: GeometryKind, points: readonly Point[]): readonly Point[] {
  if (kind === 'box') return corners(points);
  return points.length > MOST_GRIPS ? [] : points;
}

const replaced = (points: readonly Point[], index: number, by: Point) =>
  points.map((point, place) => (place === index ? by : point));

function dragBoxCorner(points: readonly Point[], grip: number, to: Point) {
  const fixed = pointAt(corners(points), (grip + 2) % 4);
  return [fixed, to];
}

function dragAxisEnd(points: readonly Point[], grip: number, to: Point) {
  const first = grip < 2 ? 0 : 2;
  const [a, b] = [pointAt(points, first), pointAt(points, first + 1)];
  const centre = middle(a, b);
  const half: Point = [(b[0] - a[0]) / 2, (b[1] - a[1]) / 2];
  const size = half[0] ** 2 + half[1] ** 2;
  if (size === 0) return points;
  const along = ((to[0] - centre[0]) * half[0] + (to[1] - centre[1]) * half[1]) / size;
  const factor = Math.max(0.01, Math.abs(along));
  const end = (sign: number): Point => [
    centre[0] + sign * factor * half[0],
    centre[1] + sign * factor * half[1],
  ];
  return replaced(replaced(points, first, end(-1)), first + 1, end(1));
}

/** Along and across one line, in the unit of the scale. */
interface Frame {
  readonly origin: Point;
  readonly along: Point;
  readonly across: Point;
  readonly size: number;
}

function frameOf(p: Point, q: Point, scale: Scale): Frame {
  const [a, b] = [toScale(p, scale), toScale(q, scale)];
  const size = Math.hypot(b[0] - a[0], b[1] - a[1]) || 1;
  const along: Point = [(b[0] - a[0]) / size, (b[1] - a[1]) / size];
  return { origin: a, along, across: [-along[1], along[0]], size };
}

function inFrame({ origin, along, across }: Frame, point: Point, scale: Scale): Point {
  const [x, y] = toScale(point, scale);
  const [dx, dy] = [x - origin[0], y - origin[1]];
  return [dx * along[0] + dy * along[1], dx * across[0] + dy * across[1]];
}

function outOfFrame(frame: Frame, [s, t]: Point, scale: Scale): Point {
  const { origin, along, across } = frame;
  return fromScale(
    [origin[0] + s * along[0] + t * across[0], origin[1] + s * along[1] + t * across[1]],
    scale,
  );
}

/** The long axis's end moves; the short one stays at its share and at a right angle. */
function dragLongAxis(points: readonly Point[], grip: number, to: Point, scale: Scale) {
  const old = frameOf(pointAt(points, 0), pointAt(points, 1), scale);
  const ends = replaced(points.slice(0, 2), grip, to);
  const frame = frameOf(pointAt(ends, 0), pointAt(ends, 1), scale);
  const short = [2, 3].map((index) => {
    const [s, t] = inFrame(old, pointAt(points, index), scale);
    return outOfFrame(frame, [(s / old.size) * frame.size, t], scale);
  });
  return [...ends, ...short];
}

/** The short axis's end moves along and across the long one; its mate follows along. */
function dragShortAxis(points: readonly Point[], grip: number, to: Point, scale: Scale) {
  const frame = frameOf(pointAt(points, 0), pointAt(points, 1), scale);
  const mate = grip === 2 ? 3 : 2;
  const [s, t] = inFrame(frame, to, scale);
  const kept = Math.min(frame.size, Math.max(0, s));
  const [, across] = inFrame(frame, pointAt(points, mate), scale);
  const moved = replaced(points, grip, outOfFrame(frame, [kept, t], scale));
  return replaced(moved, mate, outOfFrame(frame, [kept, across], scale));
}

/** The long axis with a short one at right angles through its middle, half as long. */
export function withShortAxis(p: Point, q: Point, scale: Scale): readonly Point[] {
  const frame = frameOf(p, q, scale);
  const at = (t: number) => outOfFrame(frame, [frame.size / 2, t], scale);
  return [p, q, at(-frame.size / 4), at(frame.size / 4)];
}

/** The ellipse that fills a box; the longer axis (in the patient) comes first. */
export function ellipseIn(p: Point, q: Point, scale: Scale): readonly Point[] {
  const [x, y] = middle(p, q);
  const wide: Point[] = [
    [Math.min(p[0], q[0]), y],
    [Math.max(p[0], q[0]), y],
  ];
  const high: Point[] = [
    [x, Math.min(p[1], q[1])],
    [x, Math.max(p[1], q[1])],
  ];
  const isWide =
    Math.abs(q[0] - p[0]) * scale.column >= Math.abs(q[1] - p[1]) * scale.row;
  return isWide ? [...wide, ...high] : [...high, ...wide];
}

/** A mark with one grip dragged to a place. */
export function dragGrip(
  kind: GeometryKind,
  points: readonly Point[],
  grip: number,
  to: Point,
  scale: Scale,
): readonly Point[] {
  if (kind === 'box') return dragBoxCorner(points, grip, to);
  if (kind === 'ellipse') return dragAxisEnd(points, grip, to);
  if (kind === 'circle' && grip === 0) {
    const centre = pointAt(points, 0);
    const by: Point = [to[0] - centre[0], to[1] - centre[1]];
    return points.map(([x, y]) => [x + by[0], y + by[1]]);
  }
  if (kind !== 'bidirectional') return replaced(points, grip, to);
  return grip < 2
    ? dragLongAxis(points, grip, to, scale)
    : dragShortAxis(points, grip, to, scale);
}

/** The longer axis (in the patient) of an ellipse first, whichever was dragged. */
export function inOrder(
  kind: GeometryKind,
  points: readonly Point[],
  scale: Scale,
): readonly Point[] {
  if (kind !== 'ellipse') return points;
  const size = (index: number) =>
    distance(pointAt(points, index), pointAt(points, index + 1), scale);
  return size(0) >= size(2) ? points : [...points.slice(2), ...points.slice(0, 2)];
}

/** All points moved, as far as they stay on the image. */
export function movePoints(
  points: readonly Point[],
  by: Point,
  columns: number,
  rows: number,
): readonly Point[] {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const within = (least: number, most: number, step: number, end: number) =>
    Math.min(Math.max(0, end - most), Math.max(Math.min(0, -least), step));
  const dx = within(Math.min(...xs), Math.max(...xs), by[0], columns);
  const dy = within(Math.min(...ys), Math.max(...ys), by[1], rows);
  return points.map(([x, y]) => [x + dx, y + dy]);
}

const HUNDREDTH = 100;

/** Points as they are stored: on the image, to a hundredth of a pixel. */
export function settle(
  points: readonly Point[],
  columns: number,
  rows: number,
): readonly Point[] {
  const round = (value: number, most: number) =>
    Math.round(Math.min(most, Math.max(0, value)) * HUNDREDTH) / HUNDREDTH;
  return points.map(([x, y]) => [round(x, columns), round(y, rows)]);
}

/** Distance of a point from a line through points, in the points' own unit. */
export function distanceToLine(at: Point, { points, closed }: Line): number {
  const rim = closed ? [...points, pointAt(points, 0)] : points;
  if (rim.length === 1) return distanceToPiece(at, pointAt(rim, 0), pointAt(rim, 0));
  let nearest = Number.POSITIVE_INFINITY;
  for (let index = 1; index < rim.length; index++) {
    const [p, q] = [pointAt(rim, index - 1), pointAt(rim, index)];
    nearest = Math.min(nearest, distanceToPiece(at, p, q));
  }
  return nearest;
}

function distanceToPiece(at: Point, p: Point, q: Point): number {
  const [dx, dy] = [q[0] - p[0], q[1] - p[1]];
  const size = dx * dx + dy * dy;
  const along = size === 0 ? 0 : ((at[0] - p[0]) * dx + (at[1] - p[1]) * dy) / size;
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(at[0] - p[0] - t * dx, at[1] - p[1] - t * dy);
}
