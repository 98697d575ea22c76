import type { Numbers, Values } from './sampling';
import type { Axis } from './volume';

/** Slices of a volume as they are held; one that has not come is null. */
export interface Slices {
  /** Voxels along the columns, the rows and the slices. */
  readonly size: readonly [number, number, number];
  slice(place: number): Numbers | null;
}

/** What is shown of a slab's depth. */
export type Depth = 'most' | 'least' | 'mean';

type Maker = new (length: number) => Numbers;

/** How long the sides of a plane across an axis are: the other two axes, in order. */
function sidesOf({ size }: Slices, axis: Axis): readonly [number, number] {
  if (axis === 0) return [size[1], size[2]];
  return axis === 1 ? [size[0], size[2]] : [size[0], size[1]];
}

/** One row of a plane across the columns or the rows, out of one slice. */
function copyRow(
  into: Numbers,
  at: number,
  slice: Numbers,
  { size }: Slices,
  axis: Axis,
  place: number,
): void {
  const [nx, ny] = size;
  if (axis === 1) into.set(slice.subarray(place * nx, (place + 1) * nx), at);
  else {
    for (let y = 0; y < ny; y += 1) into[at + y] = slice[y * nx + place] as number;
  }
}

/** Black is the least that a kind of number can say; what has not come is black. */
function leastOf(values: Numbers): number {
  if (values instanceof Int16Array) return -32_768;
  if (values instanceof Int8Array) return -128;
  const signed = !(
    values instanceof Uint8Array ||
    values instanceof Uint8ClampedArray ||
    values instanceof Uint16Array ||
    values instanceof Uint32Array
  );
  return signed ? -1e9 : 0;
}

function anySlice(slices: Slices): Numbers | null {
  for (let z = 0; z < slices.size[2]; z += 1) {
    const slice = slices.slice(z);
    if (slice) return slice;
  }
  return null;
}

/** One plane of voxels; null as long as nothing has come. */
export function planeAt(slices: Slices, axis: Axis, place: number): Values | null {
  const [columns, rows] = sidesOf(slices, axis);
  if (axis === 2) {
    const data = slices.slice(place);
    return data ? { data, columns, rows } : null;
  }
  const like = anySlice(slices);
  if (!like) return null;
  const data = new (like.constructor as Maker)(columns * rows);
  for (let z = 0; z < rows; z += 1) {
    const slice = slices.slice(z);
    const at = z * columns;
    if (slice) copyRow(data, at, slice, slices, axis, place);
    else data.fill(leastOf(data), at, at + columns);
  }
  return { data, columns, rows };
}

const JOIN: Readonly<Record<Depth, (sum: Float32Array, data: Numbers) => void>> = {
  most: (sum, data) => {
    for (let n = 0; n < sum.length; n += 1) {
      const value = data[n] as number;
      if (value > (sum[n] as number)) sum[n] = value;
    }
  },
  least: (sum, data) => {
    for (let n = 0; n < sum.length; n += 1) {
      const value = data[n] as number;
      if (value < (sum[n] as number)) sum[n] = value;
    }
  },
  mean: (sum, data) => {
    for (let n = 0; n < sum.length; n += 1) {
      sum[n] = (sum[n] as number) + (data[n] as number);
    }
  },
};

/**
 * The planes from `from` to `to` (inclusive) seen as one: their greatest, least or mean
 * values. Null as long as nothing has come.
 */
export function slabOf(
  slices: Slices,
  axis: Axis,
  [from, to]: readonly [number, number],
  depth: Depth,
): Values | null {
  const last = Math.min(slices.size[axis] - 1, to);
  const planes: Values[] = [];
  for (let place = Math.max(0, from); place <= last; place += 1) {
    const plane = planeAt(slices, axis, place);
    if (plane) planes.push(plane);
  }
  const [first, ...others] = planes;
  if (!first) return null;
  const sum = Float32Array.from(first.data);
  for (const { data } of others) JOIN[depth](sum, data);
  const share = depth === 'mean' ? planes.length : 1;
  return { ...first, data: share > 1 ? sum.map((value) => value / share) : sum };
}
