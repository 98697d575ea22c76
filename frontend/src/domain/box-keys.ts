import type { Box } from './geometry';

interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** A fifth of the image, in its middle: where a box begins that is drawn by keys. */
export function middleBox({ columns, rows }: Size): Box {
  return { x0: columns * 0.4, y0: rows * 0.4, x1: columns * 0.6, y1: rows * 0.6 };
}

/** Part of the image's longer side that one stroke moves by. */
const STEP = 0.02;

const WAYS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

const within = (value: number, low: number, high: number) =>
  Math.min(high, Math.max(low, value));

/**
 * The box after a stroke: arrows move it, with Shift they move its right and lower
 * edge. It stays on the image; null when the stroke is not about boxes.
 */
export function boxAfter(box: Box, stroke: string, size: Size): Box | null {
  const edge = stroke.startsWith('Shift+');
  const way = WAYS[edge ? stroke.slice('Shift+'.length) : stroke];
  if (!way) return null;
  const step = Math.max(1, STEP * Math.max(size.columns, size.rows));
  const [dx, dy] = [way[0] * step, way[1] * step];
  const { x0, y0, x1, y1 } = box;
  if (edge) {
    return {
      x0,
      y0,
      x1: within(x1 + dx, x0 + 1, size.columns),
      y1: within(y1 + dy, y0 + 1, size.rows),
    };
  }
  const right = within(dx, -x0, size.columns - x1);
  const down = within(dy, -y0, size.rows - y1);
  return { x0: x0 + right, y0: y0 + down, x1: x1 + right, y1: y1 + down };
}
