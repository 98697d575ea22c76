/** Label maps of a series, cut by a plane through its grid. */
import { modalityValue, type Pixels } from '../measure/region';
import type { Axis, Grid, View } from '../volume';
import type { LabelMap } from './paint';

/** Of each slice along the grid's third index, its label map; null: nothing is drawn. */
export type LabelStack = readonly (Uint8Array | null)[];

/** The grid's axis that a plane lies across, and those to its right and down. */
export type Axes = Pick<View, 'through' | 'across' | 'down'>;

/**
 * Visits a plane's places row by row (indices `across`, `down`).
 *
 * @param at The plane's index along the axis that the view looks along.
 * @param visit Is told the place in the plane, the slice and the place in the slice.
 */
function eachIn(
  { size }: Pick<Grid, 'size'>,
  { through, across, down }: Axes,
  at: number,
  visit: (place: number, slice: number, within: number) => void,
): void {
  const [columns, rows] = [size[across], size[down]];
  const index: Record<Axis, number> = { 0: 0, 1: 0, 2: 0 };
  index[through] = at;
  for (let place = 0; place < columns * rows; place += 1) {
    index[across] = place % columns;
    index[down] = Math.floor(place / columns);
    visit(place, index[2], index[1] * size[0] + index[0]);
  }
}

/**
 * The labels in one plane, in indices of the view (across, down).
 *
 * @param at The plane's index along the axis that the view looks along.
 */
export function labelsIn(
  slices: LabelStack,
  grid: Pick<Grid, 'size'>,
  axes: Axes,
  at: number,
): LabelMap {
  const [columns, rows] = [grid.size[axes.across], grid.size[axes.down]];
  const labels = new Uint8Array(columns * rows);
  eachIn(grid, axes, at, (place, slice, within) => {
    labels[place] = slices[slice]?.[within] ?? 0;
  });
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
  grid: Pick<Grid, 'size'>,
  axes: Axes,
  at: number,
): readonly SliceChange[] {
  const found = new Map<number, SliceChange>();
  eachIn(grid, axes, at, (place, slice, within) => {
    const label = after[place] ?? 0;
    if (label === before[place]) return;
    const change = found.get(slice) ?? { slice, places: [], labels: [] };
    change.places.push(within);
    change.labels.push(label);
    found.set(slice, change);
  });
  return [...found.values()];
}

/** Values along a plane, row by row (padding: NaN); null when a slice's are not here. */
export function valuesIn(
  slices: readonly (Pixels | null)[],
  grid: Pick<Grid, 'size'>,
  axes: Axes,
  at: number,
): Pixels | null {
  const [columns, rows] = [grid.size[axes.across], grid.size[axes.down]];
  const stored = new Float32Array(columns * rows);
  let whole = true;
  eachIn(grid, axes, at, (place, slice, within) => {
    const pixels = slices[slice];
    if (pixels) stored[place] = modalityValue(pixels, within) ?? Number.NaN;
    else whole = false;
  });
  return whole ? { columns, rows, stored, slope: 1, intercept: 0 } : null;
}
