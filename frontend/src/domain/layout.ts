/** Grids of panes: up to three rows and three columns. */

type Count = 1 | 2 | 3;

/** Rows, then columns: '1x2' is two panes side by side. */
export type Layout = `${Count}x${Count}`;

export const MOST_PANES = 9;
export const LONGEST_SIDE = 3;

const isCount = (n: number): n is Count => n === 1 || n === 2 || n === 3;

/** The grid of so many rows and columns; more than three of either are three. */
export function layoutOf(rows: number, columns: number): Layout {
  const side = (n: number): Count => {
    const whole = Math.min(LONGEST_SIDE, Math.max(1, Math.round(n)));
    return isCount(whole) ? whole : 1;
  };
  return `${side(rows)}x${side(columns)}`;
}

export function sidesOf(layout: Layout): {
  readonly rows: number;
  readonly columns: number;
} {
  return { rows: Number(layout[0]), columns: Number(layout[2]) };
}

export function countOf(layout: Layout): number {
  const { rows, columns } = sidesOf(layout);
  return rows * columns;
}

export type Direction = 'left' | 'right' | 'up' | 'down';

/** The pane next to one in a direction; at the edge, the pane itself. */
export function neighbourOf(layout: Layout, pane: number, to: Direction): number {
  const { rows, columns } = sidesOf(layout);
  const row = Math.floor(pane / columns);
  const column = pane % columns;
  const clamp = (n: number, last: number) => Math.min(last, Math.max(0, n));
  const down = to === 'down' ? 1 : to === 'up' ? -1 : 0;
  const right = to === 'right' ? 1 : to === 'left' ? -1 : 0;
  return clamp(row + down, rows - 1) * columns + clamp(column + right, columns - 1);
}

/** Where each pane of one grid stands in another: rows and columns are kept. */
export function keptIn(from: Layout, to: Layout): readonly (number | null)[] {
  const before = sidesOf(from);
  const after = sidesOf(to);
  return Array.from({ length: after.rows * after.columns }, (_, pane) => {
    const row = Math.floor(pane / after.columns);
    const column = pane % after.columns;
    const inside = row < before.rows && column < before.columns;
    return inside ? row * before.columns + column : null;
  });
}
