import type { Point } from '../geometry';

/**
 * Where the words beside marks stand: right of a mark, left of it where the pane would
 * end before, and below another's words instead of over them. CSS pixels.
 */

export interface Plated {
  /** The points of the mark on the pane that its words stand beside. */
  readonly seen: readonly Point[];
  readonly lines: readonly string[];
}

export interface PlatePlace {
  readonly left: number;
  readonly top: number;
  /** The plate is this wide at most: longer words take another line. */
  readonly width: number;
}

export interface Pane {
  readonly width: number;
  readonly height: number;
}

const GAP = 10;
const EDGE = 4;
const LINE = 15;
const BESIDE = 12;
/** A plate's frame, and a letter's usual width at the size that plates are written in. */
const FRAME = 14;
const LETTER = 6.2;
export const WIDEST = 240;

interface Rect extends PlatePlace {
  readonly height: number;
}

function sizeOf(lines: readonly string[], most: number) {
  const longest = Math.max(...lines.map((line) => line.length));
  const width = Math.min(most, longest * LETTER + FRAME);
  const rows = lines.map((line) =>
    Math.max(1, Math.ceil((line.length * LETTER) / (width - FRAME + 1))),
  );
  return { width, height: rows.reduce((sum, n) => sum + n, 0) * LINE + 3 };
}

function ownPlace({ seen, lines }: Plated, pane: Pane): Rect {
  const { width, height } = sizeOf(lines, Math.min(WIDEST, pane.width - 2 * EDGE));
  const right = Math.max(...seen.map(([x]) => x));
  const left = Math.min(...seen.map(([x]) => x));
  const low = Math.max(...seen.map(([, y]) => y));
  const beside = right + GAP + width < pane.width ? right + GAP : left - GAP - width;
  const most = Math.max(EDGE, pane.width - width - EDGE);
  const top = Math.min(low - BESIDE, pane.height - height - 2 * LINE);
  return {
    left: Math.min(most, Math.max(EDGE, beside)),
    top: Math.max(EDGE, top),
    width,
    height,
  };
}

const meet = (p: Rect, q: Rect) =>
  p.left < q.left + q.width &&
  q.left < p.left + p.width &&
  p.top < q.top + q.height &&
  q.top < p.top + p.height;

/** Moves a plate down (or up) off the others; null: there is no room that way. */
function movedOff(
  rect: Rect,
  taken: readonly Rect[],
  pane: Pane,
  way: 1 | -1,
): Rect | null {
  const { height } = rect;
  let { top } = rect;
  // Each step leaves one plate behind for good.
  while (top >= 0 && top + height <= pane.height) {
    const here = { ...rect, top };
    const other = taken.find((one) => meet(here, one));
    if (!other) return here;
    top = way > 0 ? other.top + other.height + 1 : other.top - height - 1;
  }
  return null;
}

/** Moves a plate off the others, where there is room. */
const freed = (rect: Rect, taken: readonly Rect[], pane: Pane): Rect =>
  movedOff(rect, taken, pane, 1) ?? movedOff(rect, taken, pane, -1) ?? rect;

/** Of each mark where its words stand; what has no words takes no place. */
export function placePlates(marks: readonly Plated[], pane: Pane): readonly PlatePlace[] {
  const taken: Rect[] = [];
  return marks.map((mark) => {
    const own = ownPlace(mark, pane);
    if (mark.lines.length === 0) return own;
    const place = freed(own, taken, pane);
    taken.push(place);
    return place;
  });
}
