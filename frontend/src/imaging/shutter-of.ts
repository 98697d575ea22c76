import type { Opening, Shutter } from '@/domain/shutter';
import { type Dataset, number, numbers, strings } from './dataset';

/** The four edges: numbers of the first and last column and row that are open. */
function rectangleOf(dataset: Dataset): Opening | null {
  const [left, right, top, bottom] = ['00181602', '00181604', '00181606', '00181608'].map(
    (tag) => number(dataset, tag),
  );
  if (left == null || right == null || top == null || bottom == null) return null;
  const points = [
    [left - 1, top - 1],
    [right, bottom],
  ];
  return left <= right && top <= bottom ? { kind: 'rectangle', points, radius: 0 } : null;
}

/** From a pixel's number, row first, to its middle in image space. */
const middleOf = (row: number, column: number) => [column - 0.5, row - 0.5] as const;

function circleOf(dataset: Dataset): Opening | null {
  const [row, column] = numbers(dataset, '00181610');
  const radius = number(dataset, '00181612');
  if (row === undefined || column === undefined || !radius) return null;
  return { kind: 'circle', points: [middleOf(row, column)], radius };
}

function polygonOf(dataset: Dataset): Opening | null {
  const all = numbers(dataset, '00181620');
  const points = Array.from({ length: Math.floor(all.length / 2) }, (_, n) =>
    middleOf(all[2 * n] ?? 0, all[2 * n + 1] ?? 0),
  );
  return points.length >= 3 ? { kind: 'polygon', points, radius: 0 } : null;
}

const READERS: Readonly<Record<string, (dataset: Dataset) => Opening | null>> = {
  RECTANGULAR: rectangleOf,
  CIRCULAR: circleOf,
  POLYGONAL: polygonOf,
};

/** The image's own display shutter (PS3.3 C.7.6.11); null when it has none. */
export function shutterOf(dataset: Dataset): Shutter | null {
  const openings = strings(dataset, '00181600').flatMap(
    (shape) => READERS[shape]?.(dataset) ?? [],
  );
  const level = Math.round((number(dataset, '00181622') ?? 0) / 257);
  return openings.length > 0 ? { openings, level, bitmap: null } : null;
}
