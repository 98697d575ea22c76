/**
 * Painting on one image's label map. Points are in image space: (column, row), (0, 0)
 * the top left corner of the top left pixel. A pixel is painted when its centre lies in
 * the shape; on a contour's border the left and upper side counts as inside.
 */
import type { Point } from '../geometry';
import type { Scale } from '../measure/kinds';
import { modalityValue, type Pixels, spansOf } from '../measure/region';

/** An image's label map, row by row; 0 is nothing. */
export interface LabelMap {
  readonly columns: number;
  readonly rows: number;
  readonly labels: Uint8Array;
}

/** Pixels from (x0, y0) up to, and without, (x1, y1). */
export interface Rect {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

/** Values that may be painted, both ends included, in the unit of the image's values. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

export interface Rule {
  /** The segment that is painted or erased. */
  readonly number: number;
  readonly erase: boolean;
  /** Segments whose voxels stay as they are. */
  readonly locked: ReadonlySet<number>;
  /** Paints only where the image's value is in the range. */
  readonly only?: { readonly range: Range; readonly pixels: Pixels };
}

type Write = (at: number) => boolean;

function inRange({ range, pixels }: NonNullable<Rule['only']>): Write {
  return (at) => {
    const value = modalityValue(pixels, at);
    return value !== null && value >= range.low && value <= range.high;
  };
}

/** Writes single pixels as a rule says; answers whether one changed. */
function writer(labels: Uint8Array, { number, erase, locked, only }: Rule): Write {
  if (locked.has(number)) return () => false;
  if (erase) {
    return (at) => {
      if (labels[at] !== number) return false;
      labels[at] = 0;
      return true;
    };
  }
  const fits = only ? inRange(only) : () => true;
  return (at) => {
    const before = labels[at] ?? 0;
    if (before === number || locked.has(before) || !fits(at)) return false;
    labels[at] = number;
    return true;
  };
}

/** From (inside) to (outside) along one row, in columns; borders by the caller's rule. */
type Span = readonly [number, number];

/** The rectangle around changed pixels, grown row by row. */
class Touched {
  #x0 = Number.POSITIVE_INFINITY;
  #y0 = Number.POSITIVE_INFINITY;
  #x1 = -1;
  #y1 = -1;

  add(x: number, y: number): void {
    if (x < this.#x0) this.#x0 = x;
    if (x >= this.#x1) this.#x1 = x + 1;
    if (y < this.#y0) this.#y0 = y;
    if (y >= this.#y1) this.#y1 = y + 1;
  }

  get rect(): Rect | null {
    if (this.#x1 < 0) return null;
    return { x0: this.#x0, y0: this.#y0, x1: this.#x1, y1: this.#y1 };
  }
}

/** Writes whole columns `first` to `last` of each row; answers what changed. */
function writeRows(
  map: LabelMap,
  rule: Rule,
  [top, bottom]: Span,
  columnsIn: (row: number) => readonly Span[],
): Rect | null {
  const write = writer(map.labels, rule);
  const touched = new Touched();
  for (let row = Math.max(0, top); row <= Math.min(map.rows - 1, bottom); row += 1) {
    for (const [first, last] of columnsIn(row)) {
      const end = Math.min(map.columns - 1, last);
      for (let x = Math.max(0, first); x <= end; x += 1) {
        if (write(row * map.columns + x)) touched.add(x, row);
      }
    }
  }
  return touched.rect;
}

/** A round brush that was drawn from one point to the next. */
export interface Dab {
  readonly from: Point;
  readonly to: Point;
  /** In the unit of the scale. */
  readonly radius: number;
}

/** Where the line at height `y` crosses a segment's straight sides, if it does. */
function sideCrossings(corners: readonly Point[], y: number): number[] {
  return corners.flatMap((p, index) => {
    const q = corners[(index + 1) % corners.length] ?? p;
    if (p[1] <= y === q[1] <= y) return [];
    return [p[0] + ((y - p[1]) * (q[0] - p[0])) / (q[1] - p[1])];
  });
}

function discCrossings([x, y]: Point, radius: number, at: number): number[] {
  const half = radius * radius - (at - y) * (at - y);
  if (half < 0) return [];
  const root = Math.sqrt(half);
  return [x - root, x + root];
}

/** Rounding must not decide whether a centre that lies on the rim is inside. */
const RIM = 1e-9;

/** What a row shares with everything within a radius of a line; all in mm. */
function capsule(from: Point, to: Point, radius: number): (y: number) => Span | null {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const size = Math.hypot(dx, dy);
  const [nx, ny] = size > 0 ? [(-dy / size) * radius, (dx / size) * radius] : [0, 0];
  const corners: readonly Point[] = [
    [from[0] + nx, from[1] + ny],
    [to[0] + nx, to[1] + ny],
    [to[0] - nx, to[1] - ny],
    [from[0] - nx, from[1] - ny],
  ];
  return (y) => {
    const found = [
      ...discCrossings(from, radius, y),
      ...discCrossings(to, radius, y),
      ...(size > 0 ? sideCrossings(corners, y) : []),
    ];
    return found.length > 1 ? [Math.min(...found), Math.max(...found)] : null;
  };
}

/** Paints or erases with a round brush; answers the rectangle that changed. */
export function paintDab(map: LabelMap, dab: Dab, scale: Scale, rule: Rule): Rect | null {
  const radius = dab.radius + RIM;
  const toMm = ([x, y]: Point): Point => [x * scale.column, y * scale.row];
  const [from, to] = [toMm(dab.from), toMm(dab.to)];
  const across = capsule(from, to, radius);
  const top = Math.ceil((Math.min(from[1], to[1]) - radius) / scale.row - 0.5);
  const bottom = Math.floor((Math.max(from[1], to[1]) + radius) / scale.row - 0.5);
  return writeRows(map, rule, [top, bottom], (row) => {
    const span = across((row + 0.5) * scale.row);
    if (!span) return [];
    const [left, right] = span;
    return [
      [Math.ceil(left / scale.column - 0.5), Math.floor(right / scale.column - 0.5)],
    ];
  });
}

export type ScissorShape = 'freehand' | 'rectangle' | 'circle';

const KINDS = { freehand: 'polygon', rectangle: 'box', circle: 'circle' } as const;

/** Paints or erases all that a shape encloses; a circle is round in the patient. */
export function cutOut(
  map: LabelMap,
  shape: ScissorShape,
  points: readonly Point[],
  scale: Scale,
  rule: Rule,
): Rect | null {
  const spans = spansOf(KINDS[shape], points, scale);
  if (!spans) return null;
  return writeRows(map, rule, [0, map.rows - 1], (row) =>
    spans(row + 0.5).map(
      ([from, to]) => [Math.ceil(from - 0.5), Math.ceil(to - 0.5) - 1] as const,
    ),
  );
}

/** Whether a pixel belongs to the region that is being filled. */
type Belongs = (at: number) => boolean;

/** Visits, once each, all pixels that hang together with a seed by their sides. */
class Flood {
  readonly #columns: number;
  readonly #seen: Uint8Array;
  readonly #belongs: Belongs;
  readonly #waiting: number[];

  constructor({ columns, rows }: LabelMap, seed: number, belongs: Belongs) {
    this.#columns = columns;
    this.#seen = new Uint8Array(columns * rows);
    this.#belongs = belongs;
    this.#waiting = [seed];
  }

  visitAll(visit: (at: number) => void): void {
    for (let at = this.#waiting.pop(); at !== undefined; at = this.#waiting.pop()) {
      if (this.#fits(at)) this.#run(at, visit);
    }
  }

  #fits(at: number): boolean {
    return this.#seen[at] === 0 && this.#belongs(at);
  }

  /** One run of a row; what lies beside it waits. */
  #run(at: number, visit: (at: number) => void): void {
    const start = at - (at % this.#columns);
    let [left, right] = [at, at + 1];
    while (left > start && this.#fits(left - 1)) left -= 1;
    while (right < start + this.#columns && this.#fits(right)) right += 1;
    for (let one = left; one < right; one += 1) {
      this.#seen[one] = 1;
      visit(one);
    }
    this.#queue(left - this.#columns, right - this.#columns);
    this.#queue(left + this.#columns, right + this.#columns);
  }

  #queue(from: number, to: number): void {
    if (from < 0 || from >= this.#seen.length) return;
    let before = false;
    for (let at = from; at < to; at += 1) {
      const now = this.#fits(at);
      if (now && !before) this.#waiting.push(at);
      before = now;
    }
  }
}

const pixelOf = ({ columns, rows }: LabelMap, [x, y]: Point): number | null => {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  const inside = column >= 0 && row >= 0 && column < columns && row < rows;
  return inside ? row * columns + column : null;
};

/**
 * Fills what hangs together with a point: pixels whose value is in the rule's range, or,
 * without a range, all that no segment has. Other segments are borders. Erasing takes
 * the piece of the segment that the point lies in.
 */
export function fillFrom(map: LabelMap, point: Point, rule: Rule): Rect | null {
  const seed = pixelOf(map, point);
  if (seed === null) return null;
  const { labels } = map;
  const write = writer(labels, rule);
  const fits = rule.only ? inRange(rule.only) : () => true;
  const free = (at: number) => labels[at] === 0 || labels[at] === rule.number;
  const belongs: Belongs = rule.erase
    ? (at) => labels[at] === rule.number
    : rule.only
      ? (at) => free(at) && fits(at)
      : (at) => labels[at] === 0;
  const touched = new Touched();
  new Flood(map, seed, belongs).visitAll((at) => {
    if (write(at)) touched.add(at % map.columns, Math.floor(at / map.columns));
  });
  return touched.rect;
}

export function joinRects(a: Rect | null, b: Rect | null): Rect | null {
  if (!a || !b) return a ?? b;
  return {
    x0: Math.min(a.x0, b.x0),
    y0: Math.min(a.y0, b.y0),
    x1: Math.max(a.x1, b.x1),
    y1: Math.max(a.y1, b.y1),
  };
}

/** The range that a brush's place suggests: mean ± 2 SD of the values under it. */
export function rangeUnder(
  pixels: Pixels,
  point: Point,
  radius: number,
  scale: Scale,
): Range | null {
  const under: LabelMap = {
    columns: pixels.columns,
    rows: pixels.rows,
    labels: new Uint8Array(pixels.columns * pixels.rows),
  };
  const rule: Rule = { number: 1, erase: false, locked: new Set() };
  const at = pixelOf(under, point);
  if (at === null) return null;
  const rect = paintDab(under, { from: point, to: point, radius }, scale, rule);
  const values = valuesIn(under, pixels, rect);
  const own = modalityValue(pixels, at);
  const all = values.length > 0 ? values : own === null ? [] : [own];
  if (all.length === 0) return null;
  const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
  const spread = Math.sqrt(
    all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / all.length,
  );
  return { low: rounded(mean - 2 * spread), high: rounded(mean + 2 * spread) };
}

/** Three digits that count, so that the fields stay short; small values keep theirs. */
function rounded(value: number): number {
  const size = Math.abs(value);
  const step = size >= 100 ? 1 : size >= 1 ? 0.1 : 0.001;
  return Math.round(value / step) * step;
}

function valuesIn(map: LabelMap, pixels: Pixels, rect: Rect | null): number[] {
  const values: number[] = [];
  if (!rect) return values;
  for (let y = rect.y0; y < rect.y1; y += 1) {
    for (let x = rect.x0; x < rect.x1; x += 1) {
      const at = y * map.columns + x;
      const value = map.labels[at] === 1 ? modalityValue(pixels, at) : null;
      if (value !== null) values.push(value);
    }
  }
  return values;
}

/** Takes a segment's voxels away; answers whether there were any. */
export function clearNumber(labels: Uint8Array, number: number): boolean {
  let at = labels.indexOf(number);
  const some = at >= 0;
  for (; at >= 0; at = labels.indexOf(number, at + 1)) labels[at] = 0;
  return some;
}

/**
 * Lays a block of 0 and 1 over a label map. What has a segment already keeps it.
 *
 * @returns How many voxels were written, and how many other segments kept.
 */
export function layOver(
  map: LabelMap,
  patch: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
    readonly pixels: Uint8Array;
  },
  number: number,
): { readonly written: number; readonly kept: number } {
  let [written, kept] = [0, 0];
  for (let from = patch.pixels.indexOf(1); from >= 0; ) {
    const x = patch.x + (from % patch.width);
    const y = patch.y + Math.floor(from / patch.width);
    const at = y * map.columns + x;
    if (map.labels[at] === 0) {
      map.labels[at] = number;
      written += 1;
    } else kept += 1;
    from = patch.pixels.indexOf(1, from + 1);
  }
  return { written, kept };
}

/** Diameters of the brush, mm (pixels on images without a scale). */
export const BRUSHES = [
  1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100,
] as const;

/** The next larger (1) or smaller (-1) brush. */
export function nextBrush(size: number, by: number): number {
  const sizes: readonly number[] = BRUSHES;
  const found =
    by > 0 ? sizes.find((one) => one > size) : sizes.findLast((one) => one < size);
  return found ?? size;
}
