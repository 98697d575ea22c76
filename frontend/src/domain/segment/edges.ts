/** The borders between labels, for drawing them as sharp lines at any zoom. */
import type { LabelMap, Rect } from './paint';

/** Lines by label, four numbers each: x, y of both ends, in image space. */
export type Edges = ReadonlyMap<number, readonly number[]>;

class Lines {
  readonly found = new Map<number, number[]>();

  add(label: number, x0: number, y0: number, x1: number, y1: number): void {
    const lines = this.found.get(label);
    if (lines) lines.push(x0, y0, x1, y1);
    else this.found.set(label, [x0, y0, x1, y1]);
  }
}

/** Of the two sides of a border, the label that draws it; 0 when none does. */
function ownerOf(before: number, after: number, shown: readonly boolean[]): number {
  if (before === after) return 0;
  return shown[before] ? before : shown[after] ? after : 0;
}

/** Collects the borders of one map. */
class Borders {
  readonly #map: LabelMap;
  readonly #shown: readonly boolean[];
  readonly #lines = new Lines();

  constructor(map: LabelMap, shown: readonly boolean[]) {
    this.#map = map;
    this.#shown = shown;
  }

  get found(): Edges {
    return this.#lines.found;
  }

  /** Horizontal borders above row `y`, runs of one label as one line. */
  across(y: number, { x0, x1 }: Rect): void {
    let [from, owner] = [x0, 0];
    for (let x = x0; x <= x1; x += 1) {
      const now = x < x1 ? this.#above(x, y) : 0;
      if (now === owner) continue;
      if (owner !== 0) this.#lines.add(owner, from, y, x, y);
      [from, owner] = [x, now];
    }
  }

  /** Vertical borders of row `y`. */
  down(y: number, { x0, x1 }: Rect): void {
    const { columns, labels } = this.#map;
    const start = y * columns;
    let before = x0 > 0 ? (labels[start + x0 - 1] as number) : 0;
    for (let x = x0; x <= x1; x += 1) {
      const after = x < columns ? (labels[start + x] as number) : 0;
      if (before !== after) this.#side(before, after, x, y);
      before = after;
    }
  }

  #side(before: number, after: number, x: number, y: number): void {
    const owner = ownerOf(before, after, this.#shown);
    if (owner !== 0) this.#lines.add(owner, x, y, x, y + 1);
  }

  #above(x: number, y: number): number {
    const { columns, rows, labels } = this.#map;
    const at = y * columns + x;
    const above = y > 0 ? (labels[at - columns] as number) : 0;
    const below = y < rows ? (labels[at] as number) : 0;
    return above === below ? 0 : ownerOf(above, below, this.#shown);
  }
}

/**
 * Every border that touches a rectangle.
 *
 * @param shown By label, whether it is drawn; 0 never is.
 */
export function edgesIn(map: LabelMap, rect: Rect, shown: readonly boolean[]): Edges {
  const borders = new Borders(map, shown);
  for (let y = rect.y0; y <= rect.y1; y += 1) {
    borders.across(y, rect);
    if (y < rect.y1) borders.down(y, rect);
  }
  return borders.found;
}

/** The rectangle around all that has a label; null when nothing has. */
export function boundsOf({ columns, rows, labels }: LabelMap): Rect | null {
  let [x0, y0, x1, y1] = [columns, rows, -1, -1];
  for (let y = 0; y < rows; y += 1) {
    const [start, end] = [y * columns, (y + 1) * columns];
    let left = start;
    while (left < end && labels[left] === 0) left += 1;
    if (left === end) continue;
    let right = end - 1;
    while (labels[right] === 0) right -= 1;
    x0 = Math.min(x0, left - start);
    x1 = Math.max(x1, right - start);
    y0 = Math.min(y0, y);
    y1 = y;
  }
  return x1 < 0 ? null : { x0, y0, x1: x1 + 1, y1: y1 + 1 };
}

/** A rectangle with a margin, cut to the image. */
export function grown(rect: Rect, by: number, { columns, rows }: LabelMap): Rect {
  return {
    x0: Math.max(0, rect.x0 - by),
    y0: Math.max(0, rect.y0 - by),
    x1: Math.min(columns, rect.x1 + by),
    y1: Math.min(rows, rect.y1 + by),
  };
}
