/**
 * Planes and pixels. Image space is DICOM's: (column, row), (0,0) the top left corner
 * of the top left pixel, so that a pixel's centre is at (.5, .5). Patient space is
 * millimetres, LPS. Canvas space is CSS pixels from the viewport's top left.
 */

export type Point = readonly [number, number];
export type Vector = readonly [number, number, number];

/** Where an image lies in the patient; spacings in mm, cosines unit vectors. */
export interface Plane {
  readonly origin: Vector;
  readonly row: Vector;
  readonly column: Vector;
  /** Distance between neighbouring columns (along `row`), mm. */
  readonly columnSpacing: number;
  /** Distance between neighbouring rows (along `column`), mm. */
  readonly rowSpacing: number;
}

/** x' = a·x + c·y + e, y' = b·x + d·y + f, as in SVG's `matrix()`. */
export interface Affine {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly e: number;
  readonly f: number;
}

export interface Box {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

/** Image space to patient space. */
export function imageToPatient(plane: Plane, [x, y]: Point): Vector {
  const along = (x - 0.5) * plane.columnSpacing;
  const down = (y - 0.5) * plane.rowSpacing;
  return [0, 1, 2].map(
    (i) =>
      (plane.origin[i] ?? 0) +
      (plane.row[i] ?? 0) * along +
      (plane.column[i] ?? 0) * down,
  ) as unknown as Vector;
}

const dot = (a: Vector, b: Vector) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** Patient space to image space: the orthogonal projection onto the plane. */
export function patientToImage(plane: Plane, point: Vector): Point {
  const from: Vector = [
    point[0] - plane.origin[0],
    point[1] - plane.origin[1],
    point[2] - plane.origin[2],
  ];
  return [
    dot(from, plane.row) / plane.columnSpacing + 0.5,
    dot(from, plane.column) / plane.rowSpacing + 0.5,
  ];
}

/** The map that takes (0,0), (1,0), (0,1) to three given points. */
export function affineThrough(origin: Point, right: Point, down: Point): Affine {
  return {
    a: right[0] - origin[0],
    b: right[1] - origin[1],
    c: down[0] - origin[0],
    d: down[1] - origin[1],
    e: origin[0],
    f: origin[1],
  };
}

export function apply(m: Affine, [x, y]: Point): Point {
  return [m.a * x + m.c * y + m.e, m.b * x + m.d * y + m.f];
}

/** The inverse map; a flat one (no area) answers null. */
export function invert(m: Affine): Affine | null {
  const area = m.a * m.d - m.b * m.c;
  if (Math.abs(area) < 1e-12) return null;
  return {
    a: m.d / area,
    b: -m.b / area,
    c: -m.c / area,
    d: m.a / area,
    e: (m.c * m.f - m.d * m.e) / area,
    f: (m.b * m.e - m.a * m.f) / area,
  };
}

/** Canvas pixels per image pixel (the geometric mean of both directions). */
export function scaleOf(m: Affine): number {
  return Math.sqrt(Math.abs(m.a * m.d - m.b * m.c));
}

/**
 * One pixel of the image along that of its rows and columns which is nearest to a
 * direction on the screen: left is left however the image is turned or mirrored.
 *
 * @param m From the image to the screen.
 * @param by Of the screen: (1, 0) to the right, (0, 1) down.
 */
export function stepOnScreen(m: Affine, [x, y]: Point): Point {
  const across = (m.a * x + m.b * y) / (Math.hypot(m.a, m.b) || 1);
  const down = (m.c * x + m.d * y) / (Math.hypot(m.c, m.d) || 1);
  if (Math.abs(across) >= Math.abs(down)) return [Math.sign(across), 0];
  return [0, Math.sign(down)];
}

/** A box from two opposite corners, cut to an image of `columns` × `rows`. */
export function boxFrom(p: Point, q: Point, columns: number, rows: number): Box {
  const clamp = (value: number, max: number) => Math.min(max, Math.max(0, value));
  return {
    x0: clamp(Math.min(p[0], q[0]), columns),
    y0: clamp(Math.min(p[1], q[1]), rows),
    x1: clamp(Math.max(p[0], q[0]), columns),
    y1: clamp(Math.max(p[1], q[1]), rows),
  };
}

/** A box moved without changing its size, kept inside the image. */
export function moveBox(box: Box, by: Point, columns: number, rows: number): Box {
  const dx = Math.min(columns - box.x1, Math.max(-box.x0, by[0]));
  const dy = Math.min(rows - box.y1, Math.max(-box.y0, by[1]));
  return { x0: box.x0 + dx, y0: box.y0 + dy, x1: box.x1 + dx, y1: box.y1 + dy };
}

export type Corner = 'nw' | 'ne' | 'se' | 'sw';

/** A box with one corner dragged to `to`; the opposite corner stays. */
export function dragCorner(
  box: Box,
  corner: Corner,
  to: Point,
  columns: number,
  rows: number,
): Box {
  const fixed: Point = [
    corner === 'nw' || corner === 'sw' ? box.x1 : box.x0,
    corner === 'nw' || corner === 'ne' ? box.y1 : box.y0,
  ];
  return boxFrom(fixed, to, columns, rows);
}

export function isDrawn(box: Box, least = 2): boolean {
  return box.x1 - box.x0 >= least && box.y1 - box.y0 >= least;
}

/** The two corners that a stored box has, to a hundredth of a pixel. */
export function boxPoints(box: Box): readonly (readonly number[])[] {
  const round = (value: number) => Math.round(value * 100) / 100;
  return [
    [round(box.x0), round(box.y0)],
    [round(box.x1), round(box.y1)],
  ];
}

/** The box around stored image-space points; null without two of them. */
export function boxAround(points: readonly (readonly number[])[]): Box | null {
  if (points.length < 2) return null;
  const xs = points.map((point) => point[0] ?? 0);
  const ys = points.map((point) => point[1] ?? 0);
  return {
    x0: Math.min(...xs),
    y0: Math.min(...ys),
    x1: Math.max(...xs),
    y1: Math.max(...ys),
  };
}

/** The letters of a direction in the patient, strongest first: `L`, `LP`, … */
export function lettersOf(direction: Vector): string {
  const names: readonly (readonly [string, string])[] = [
    ['R', 'L'],
    ['A', 'P'],
    ['F', 'H'],
  ];
  return direction
    .map((size, axis) => ({ size, letter: names[axis]?.[size > 0 ? 1 : 0] ?? '' }))
    .filter(({ size }) => Math.abs(size) > 0.2)
    .sort((p, q) => Math.abs(q.size) - Math.abs(p.size))
    .slice(0, 2)
    .map(({ letter }) => letter)
    .join('');
}

const OPPOSITE: Readonly<Record<string, string>> = {
  R: 'L',
  L: 'R',
  A: 'P',
  P: 'A',
  H: 'F',
  F: 'H',
};

export function oppositeLetters(letters: string): string {
  return [...letters].map((letter) => OPPOSITE[letter] ?? letter).join('');
}

export interface Edges {
  readonly top: string;
  readonly right: string;
  readonly bottom: string;
  readonly left: string;
}

/**
 * Letters at the four edges of a viewport, from the letters that the image's row and
 * column directions carry and the map from image to canvas (turned, mirrored or not).
 */
export function edgeLetters(row: string, column: string, m: Affine): Edges {
  const size = (x: number, y: number) => Math.hypot(x, y) || 1;
  const rowRight = m.a / size(m.a, m.b);
  const columnRight = m.c / size(m.c, m.d);
  const rowDown = m.b / size(m.a, m.b);
  const columnDown = m.d / size(m.c, m.d);
  const pick = (alongRow: number, alongColumn: number) => {
    const byRow = Math.abs(alongRow) >= Math.abs(alongColumn);
    const letters = byRow ? row : column;
    return (byRow ? alongRow : alongColumn) >= 0 ? letters : oppositeLetters(letters);
  };
  const right = pick(rowRight, columnRight);
  const bottom = pick(rowDown, columnDown);
  return { right, bottom, left: oppositeLetters(right), top: oppositeLetters(bottom) };
}

/** The longest round length (mm) that fits in `room` canvas pixels. */
export function pickScale(
  mmPerPixel: number,
  room: number,
): { readonly mm: number; readonly pixels: number } | null {
  if (!(mmPerPixel > 0)) return null;
  const lengths = [200, 100, 50, 20, 10, 5, 2, 1];
  const mm = lengths.find((length) => length / mmPerPixel <= room);
  return mm === undefined ? null : { mm, pixels: mm / mmPerPixel };
}
