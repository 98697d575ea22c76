import type { Point } from './geometry';

/** One area that a shutter leaves open; points are in image space. */
export interface Opening {
  readonly kind: 'rectangle' | 'circle' | 'polygon';
  /** Rectangle: two corners. Circle: its centre. Polygon: its corners. */
  readonly points: readonly (readonly number[])[];
  /** Of a circle, in columns; round in the patient. */
  readonly radius: number;
}

/** Pixels that are covered one by one. */
export interface Bitmap {
  readonly rows: number;
  readonly columns: number;
  /** Where its upper left pixel lies on the image, image space. */
  readonly left: number;
  readonly top: number;
  /** Lengths of runs, row by row: open and covered in turn, open first. */
  readonly runs: readonly number[];
}

/** What of an image is covered: all outside any of its openings, and its bitmap. */
export interface Shutter {
  readonly openings: readonly Opening[];
  /** Grey of what is covered, 0 (black) to 255. */
  readonly level: number;
  readonly bitmap: Bitmap | null;
}

/** A bitmap as a picture: one word (R, G, B, opacity) a pixel, clear where it is open. */
export function wordsOf({ rows, columns, runs }: Bitmap, level: number): Uint32Array {
  const words = new Uint32Array(rows * columns);
  const grey = (0xff_00_00_00 | (level << 16) | (level << 8) | level) >>> 0;
  let at = 0;
  runs.forEach((length, place) => {
    if (place % 2 === 1) words.fill(grey, at, at + length);
    at += length;
  });
  return words;
}

const at = (opening: Opening, index: number): Point => {
  const [x = 0, y = 0] = opening.points[index] ?? [];
  return [x, y];
};

/** An opening as an SVG path in image space; rows are `tall` columns high. */
function pathOf(opening: Opening, tall: number): string {
  if (opening.kind === 'circle') {
    const [x, y] = at(opening, 0);
    const [rx, ry] = [opening.radius, opening.radius / tall];
    return `M${x - rx} ${y}a${rx} ${ry} 0 1 0 ${2 * rx} 0a${rx} ${ry} 0 1 0 ${-2 * rx} 0Z`;
  }
  if (opening.kind === 'rectangle') {
    const [[x0, y0], [x1, y1]] = [at(opening, 0), at(opening, 1)];
    return `M${x0} ${y0}H${x1}V${y1}H${x0}Z`;
  }
  return `M${opening.points.map(([x = 0, y = 0]) => `${x} ${y}`).join('L')}Z`;
}

/**
 * What each opening covers, as SVG paths to be filled by the even-odd rule: the image
 * around the opening. What any of them covers is covered.
 */
export function coversOf(
  { openings }: Pick<Shutter, 'openings'>,
  image: {
    readonly rows: number;
    readonly columns: number;
    readonly spacing: { readonly row: number; readonly column: number };
  },
): readonly string[] {
  const { rows, columns, spacing } = image;
  const all = `M0 0H${columns}V${rows}H0Z`;
  const tall = spacing.row / spacing.column;
  return openings.map((opening) => all + pathOf(opening, tall));
}
