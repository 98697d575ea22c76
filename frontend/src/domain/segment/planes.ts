/** Label maps of a series, cut by a plane through its grid. */
import type { Axis, Grid, View } from '../volume';
import type { LabelMap } from './paint';

/** Of each slice along the grid's third index, its label map; null: nothing is drawn. */
export type LabelStack = readonly (Uint8Array | null)[];

/**
 * The labels in one plane, in indices of the view (across, down).
 *
 * @param at The plane's index along the axis that the view looks along.
 */
export function labelsIn(
  slices: LabelStack,
  { size }: Pick<Grid, 'size'>,
  { through, across, down }: Pick<View, 'through' | 'across' | 'down'>,
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
