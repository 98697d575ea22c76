/** Label maps of a series, cut by a plane through its grid. */
import { modalityValue, type Pixels } from '../measure/region';
import type { Axis, Grid, View } from '../volume';
import type { LabelMap } from './paint';

/** Of each slice along the grid's third index, its label map; null: nothing is drawn. */
export type LabelStack = readonly (Uint8Array | null)[];

/** The grid's axis that a plane lies across, and those to its right and down. */
export type Axes = Pick<View, 'through' | 'across' | 'down'>;

/**
 * The labels in one plane, in indices of the view (across, down).
 *
 * @param at The plane's index along the axis that the view looks along.
 */
export function labelsIn(
  slices: LabelStack,
  { size }: Pick<Grid, 'size'>,
  { through, across, down }: Axes,
  at: number,
): LabelMap {
  const [columns, rows] = [size[across], size[down]];
  const labels = new Uint8Array(columns * rows);
  const index: Record<Axis, number> = { 0: 0, 1: 0, 2: 0 };
  index[through] = at;
  for (let y = 0; y < rows; y += 1) {
    index[down] = y;
    for (let x = 0; x < columns; x += 1) {
      index[across] = x;
      const slice = slices[index[2]];
      if (slice) labels[y * columns + x] = slice[index[1] * size[0] + index[0]] ?? 0;
    }
  }
  return { columns, rows, labels };
}

/** What changed on one slice: places in its label map, and their labels now. */
export interface SliceChange {
  readonly slice: number;
  readonly places: number[];
  readonly labels: number[];
}

/**
 * What was painted on a plane, as changes of the slices' own label maps.
 *
 * @param before The plane's labels, row by row (indices `across`, `down`); `after` alike.
 * @param at The plane's index along the axis that the view looks along.
 */
export function changesIn(
  before: Uint8Array,
  after: Uint8Array,
  { size }: Pick<Grid, 'size'>,
  { through, across, down }: Axes,
  at: number,
): readonly SliceChange[] {
  const columns = size[across];
  const found = new Map<number, SliceChange>();
  const index: Record<Axis, number> = { 0: 0, 1: 0, 2: 0 };
  index[through] = at;
  after.forEach((label, place) => {
    if (label === before[place]) return;
    index[across] = place % columns;
    index[down] = Math.floor(place / columns);
    const slice = index[2];
    const change = found.get(slice) ?? { slice, places: [], labels: [] };
    change.places.push(index[1] * size[0] + index[0]);
    change.labels.push(label);
    found.set(slice, change);
  });
  return [...found.values()];
}

/** Values along a plane, row by row (padding: NaN); null when a slice's are not here. */
export function valuesIn(
  slices: readonly (Pixels | null)[],
  { size }: Pick<Grid, 'size'>,
  { through, across, down }: Axes,
  at: number,
): Pixels | null {
  const [columns, rows] = [size[across], size[down]];
  const stored = new Float32Array(columns * rows);
  const index: Record<Axis, number> = { 0: 0, 1: 0, 2: 0 };
  index[through] = at;
  for (let y = 0; y < rows; y += 1) {
    index[down] = y;
    for (let x = 0; x < columns; x += 1) {
      index[across] = x;
      const slice = slices[index[2]];
      if (!slice) return null;
      stored[y * columns + x] =
        modalityValue(slice, index[1] * size[0] + index[0]) ?? Number.NaN;
    }
  }
  return { columns, rows, stored, slope: 1, intercept: 0 };
}
