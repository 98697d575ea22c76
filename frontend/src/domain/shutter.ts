import type { Point } from './geometry';

/** One area that a shutter leaves open; points are in image space. */
export interface Opening {
  readonly kind: 'rectangle' | 'circle' | 'polygon';
  /** Rectangle: two corners. Circle: its centre. Polygon: its corners. */
  readonly points: readonly (readonly number[])[];
  /** Of a circle, in columns; round in the patient. */
  readonly radius: number;
}

/** What of an image is covered: all that lies outside any of its openings. */
export interface Shutter {
  readonly openings: readonly Opening[];
  /** Grey of what is covered, 0 (black) to 255. */
  readonly level: number;
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
  { openings }: Shutter,
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
