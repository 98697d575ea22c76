import type { Axis, Grid, View } from './volume';

/**
 * Where a finding is, voxel by voxel: a block of 0 and 1 cut out of a series, and the
 * outlines of its slices. Pixel (c, r) covers [c, c + 1] × [r, r + 1] of image space.
 */
export interface Mask {
  /** The images of the frames, in the order of the mask's own frames. */
  readonly sopUids: readonly string[];
  /** First and last (inclusive) column, row and frame that hold anything; null: none. */
  readonly box: MaskBox | null;
  /** The voxels inside the box, [frame][row][column]. */
  readonly voxels: Uint8Array;
  /** The frame that halves the volume, and the middle of the finding on it. */
  readonly centre: {
    readonly frame: number;
    readonly column: number;
    readonly row: number;
  } | null;
}

export interface MaskBox {
  readonly from: readonly [number, number, number];
  readonly to: readonly [number, number, number];
}

export interface MaskShape {
  readonly sop_uids: readonly string[];
  readonly rows: number;
  readonly columns: number;
}

function boxOf(
  bytes: Uint8Array,
  { sop_uids, rows, columns }: MaskShape,
): MaskBox | null {
  let [left, top, first] = [columns, rows, sop_uids.length];
  let [right, bottom, last] = [-1, -1, -1];
  for (let at = bytes.indexOf(1); at >= 0; at = bytes.indexOf(1, at + 1)) {
    const row = Math.floor(at / columns);
    const frame = Math.floor(row / rows);
    left = Math.min(left, at % columns);
    right = Math.max(right, at % columns);
    top = Math.min(top, row % rows);
    bottom = Math.max(bottom, row % rows);
    first = Math.min(first, frame);
    last = frame;
  }
  return last < 0 ? null : { from: [left, top, first], to: [right, bottom, last] };
}

const spanOf = ({ from, to }: MaskBox, axis: Axis) => to[axis] - from[axis] + 1;

function cut(bytes: Uint8Array, box: MaskBox, { rows, columns }: MaskShape): Uint8Array {
  const [wide, high, deep] = [spanOf(box, 0), spanOf(box, 1), spanOf(box, 2)];
  const voxels = new Uint8Array(wide * high * deep);
  for (let frame = 0; frame < deep; frame += 1) {
    for (let row = 0; row < high; row += 1) {
      const start =
        ((frame + box.from[2]) * rows + row + box.from[1]) * columns + box.from[0];
      voxels.set(bytes.subarray(start, start + wide), (frame * high + row) * wide);
    }
  }
  return voxels;
}

function centreOf(voxels: Uint8Array, box: MaskBox): Mask['centre'] {
  const [wide, high, deep] = [spanOf(box, 0), spanOf(box, 1), spanOf(box, 2)];
  const area = wide * high;
  const counts = Array.from({ length: deep }, (_, frame) =>
    voxels.subarray(frame * area, (frame + 1) * area).reduce((sum, one) => sum + one, 0),
  );
  const half = counts.reduce((sum, n) => sum + n, 0) / 2;
  let seen = 0;
  const middle = counts.findIndex((n) => {
    seen += n;
    return seen >= half;
  });
  let [column, row] = [0, 0];
  for (let at = 0; at < area; at += 1) {
    if (voxels[middle * area + at] !== 1) continue;
    column += at % wide;
    row += Math.floor(at / wide);
  }
  const n = counts[middle] ?? 1;
  return {
    frame: middle + box.from[2],
    column: Math.round(column / n) + box.from[0],
    row: Math.round(row / n) + box.from[1],
  };
}

/** A mask from its bytes [frame][row][column]; throws when their number does not fit. */
export function readMask(bytes: Uint8Array, shape: MaskShape): Mask {
  if (bytes.length !== shape.rows * shape.columns * shape.sop_uids.length) {
    throw new Error('The mask is of another size than it says.');
  }
  const box = boxOf(bytes, shape);
  const voxels = box ? cut(bytes, box, shape) : new Uint8Array(0);
  return {
    sopUids: shape.sop_uids,
    box,
    voxels,
    centre: box ? centreOf(voxels, box) : null,
  };
}

/** A rectangle of 0 and 1 and where its first pixel lies. */
export interface Patch {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/** What of a mask is on one image of its series; null when nothing is. */
export function patchOn(mask: Mask, sopUid: string): Patch | null {
  const { box, voxels } = mask;
  const frame = mask.sopUids.indexOf(sopUid);
  if (!box || frame < box.from[2] || frame > box.to[2]) return null;
  const [width, height] = [spanOf(box, 0), spanOf(box, 1)];
  const start = (frame - box.from[2]) * width * height;
  const pixels = voxels.subarray(start, start + width * height);
  return { x: box.from[0], y: box.from[1], width, height, pixels };
}

/** One voxel by (column, row, frame); 0 outside the box. */
function voxelOf({ box, voxels }: Mask, place: readonly number[]): number {
  if (!box) return 0;
  const [column = 0, row = 0, frame = -1] = place.map(
    (n, axis) => n - box.from[axis as Axis],
  );
  if (frame < 0 || frame > box.to[2] - box.from[2]) return 0;
  return voxels[(frame * spanOf(box, 1) + row) * spanOf(box, 0) + column] ?? 0;
}

/** The box of a mask in the indices of a grid; null when they do not meet. */
function boxIn({ box }: Mask, frames: readonly number[]): MaskBox | null {
  if (!box) return null;
  const holds = (frame: number) => frame >= box.from[2] && frame <= box.to[2];
  const first = frames.findIndex(holds);
  const last = frames.findLastIndex(holds);
  if (first < 0) return null;
  return {
    from: [box.from[0], box.from[1], first],
    to: [box.to[0], box.to[1], last],
  };
}

/**
 * What of a mask lies in a plane through a grid, in indices of the view (across, down).
 *
 * @param frames of each slice along the grid's third axis, the mask's frame, or -1.
 * @param at the plane's index along the axis that the view looks along.
 */
export function patchIn(
  mask: Mask,
  frames: readonly number[],
  view: View,
  at: number,
): Patch | null {
  const box = boxIn(mask, frames);
  const { through, across, down } = view;
  if (!box || at < box.from[through] || at > box.to[through]) return null;
  const [x, y] = [box.from[across], box.from[down]];
  const [width, height] = [spanOf(box, across), spanOf(box, down)];
  const index = [0, 0, 0];
  index[through] = at;
  const pixels = Uint8Array.from({ length: width * height }, (_, place) => {
    index[across] = x + (place % width);
    index[down] = y + Math.floor(place / width);
    const [i = 0, j = 0, k = 0] = index;
    return voxelOf(mask, [i, j, frames[k] ?? -1]);
  });
  return { x, y, width, height, pixels };
}

/** How much of each voxel a fractional mask holds, 0 to 255, [frame][row][column]. */
export interface Parts {
  readonly rows: number;
  readonly columns: number;
  readonly values: Uint8Array;
}

/**
 * What of a fractional mask lies in a plane through a grid, row by row in indices of the
 * view (across, down); null when nothing does.
 *
 * @param frames of each slice along the grid's third axis, the mask's frame, or -1.
 * @param at the plane's index along the axis that the view looks along.
 */
export function partsIn(
  { rows, columns, values }: Parts,
  frames: readonly number[],
  { size }: Pick<Grid, 'size'>,
  { through, across, down }: Pick<View, 'through' | 'across' | 'down'>,
  at: number,
): Parts | null {
  const [wide, high] = [size[across], size[down]];
  const index: [number, number, number] = [0, 0, 0];
  index[through] = at;
  const cut = Uint8Array.from({ length: wide * high }, (_, place) => {
    index[across] = place % wide;
    index[down] = Math.floor(place / wide);
    const frame = frames[index[2]] ?? -1;
    return frame < 0 ? 0 : (values[(frame * rows + index[1]) * columns + index[0]] ?? 0);
  });
  return cut.some((part) => part > 0) ? { rows: high, columns: wide, values: cut } : null;
}

/** Of each slice of a grid, the mask's frame that belongs to it, or -1. */
export function framesOf(
  mask: Mask,
  grid: Grid,
  sopUids: readonly string[],
): readonly number[] {
  const frames = new Map(mask.sopUids.map((uid, frame) => [uid, frame]));
  return grid.order.map((place) => frames.get(sopUids[place] ?? '') ?? -1);
}

/** The four sides of a pixel: its neighbour, and the side's two corners, clockwise. */
const SIDES = [
  { beside: [0, -1], from: [0, 0], to: [1, 0] },
  { beside: [1, 0], from: [1, 0], to: [1, 1] },
  { beside: [0, 1], from: [1, 1], to: [0, 1] },
  { beside: [-1, 0], from: [0, 1], to: [0, 0] },
] as const;

/** Directed edges of the set pixels, inside on the right: from a corner to the next. */
function edgesOf({ width, height, pixels }: Patch): Map<number, number[]> {
  const edges = new Map<number, number[]>();
  const isSet = (x: number, y: number) =>
    x >= 0 && y >= 0 && x < width && y < height && pixels[y * width + x] === 1;
  const corner = (x: number, y: number) => y * (width + 1) + x;
  for (let at = pixels.indexOf(1); at >= 0; at = pixels.indexOf(1, at + 1)) {
    const [x, y] = [at % width, Math.floor(at / width)];
    for (const { beside, from, to } of SIDES) {
      if (isSet(x + beside[0], y + beside[1])) continue;
      const start = corner(x + from[0], y + from[1]);
      const ends = edges.get(start) ?? [];
      edges.set(start, [...ends, corner(x + to[0], y + to[1])]);
    }
  }
  return edges;
}

/** Takes one closed line of corners out of the edges; straight runs become one step. */
function takeLoop(edges: Map<number, number[]>, start: number): number[] {
  const loop = [start];
  let at = start;
  let way = 0;
  for (;;) {
    const ways = edges.get(at);
    const next = ways?.pop();
    if (ways?.length === 0) edges.delete(at);
    if (next === undefined) return loop;
    if (next - at === way) loop.pop();
    if (next === start) return loop;
    way = next - at;
    loop.push(next);
    at = next;
  }
}

/** The outline of a patch as an SVG path, in the units of its place. */
export function outlineOf(patch: Patch): string {
  const across = patch.width + 1;
  const edges = edgesOf(patch);
  const parts: string[] = [];
  for (let start = firstOf(edges); start !== null; start = firstOf(edges)) {
    const points = takeLoop(edges, start).map(
      (corner) =>
        `${patch.x + (corner % across)} ${patch.y + Math.floor(corner / across)}`,
    );
    parts.push(`M${points.join('L')}Z`);
  }
  return parts.join('');
}

function firstOf(edges: Map<number, number[]>): number | null {
  const { value, done } = edges.keys().next();
  return done ? null : (value ?? null);
}
