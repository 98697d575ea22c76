import { describe, expect, it } from 'vitest';
import type { Point } from '../geometry';
import type { Scale } from '../measure/kinds';
import type { Pixels } from '../measure/region';
import {
  clearNumber,
  cutOut,
  fillFrom,
  type LabelMap,
  layOver,
  nextBrush,
  paintDab,
  type Rule,
  rangeUnder,
} from './paint';

const SCALE: Scale = { column: 0.7, row: 1.3, source: 'patient' };
const UNIT: Scale = { column: 1, row: 1, source: 'patient' };

const empty = (columns: number, rows: number): LabelMap => ({
  columns,
  rows,
  labels: new Uint8Array(columns * rows),
});
const rule = (more: Partial<Rule> = {}): Rule => ({
  number: 1,
  erase: false,
  locked: new Set(),
  ...more,
});

const drawn = ({ columns, rows, labels }: LabelMap): string[] =>
  Array.from({ length: rows }, (_, y) =>
    [...labels.subarray(y * columns, (y + 1) * columns)]
      .map((n) => (n === 0 ? '.' : String(n)))
      .join(''),
  );

/** Distance of a point from a line, without any cleverness. */
function away(p: Point, from: Point, to: Point): number {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const size = dx * dx + dy * dy;
  const along = size === 0 ? 0 : ((p[0] - from[0]) * dx + (p[1] - from[1]) * dy) / size;
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(p[0] - from[0] - t * dx, p[1] - from[1] - t * dy);
}

describe('a round brush', () => {
  it('is a disc of millimetres on pixels that are not square', () => {
    const map = empty(40, 30);
    const at: Point = [20.2, 14.7];
    const rect = paintDab(map, { from: at, to: at, radius: 6 }, SCALE, rule());
    for (let y = 0; y < 30; y += 1) {
      for (let x = 0; x < 40; x += 1) {
        const off = Math.hypot((x + 0.5 - at[0]) * 0.7, (y + 0.5 - at[1]) * 1.3);
        expect(map.labels[y * 40 + x]).toBe(off <= 6 ? 1 : 0);
      }
    }
    expect(rect).toEqual({ x0: 12, y0: 10, x1: 29, y1: 19 });
  });
  it.each([
    [
      [5, 5],
      [34, 22],
    ],
    [
      [30, 4],
      [8, 25],
    ],
    [
      [3, 12],
      [37, 12],
    ],
    [
      [20, -4],
      [20, 40],
    ],
  ] as const)('drawn from %s to %s leaves no gap', (from, to) => {
    const map = empty(40, 30);
    paintDab(map, { from, to, radius: 3.1 }, SCALE, rule());
    const mm = ([x, y]: Point): Point => [x * 0.7, y * 1.3];
    for (let y = 0; y < 30; y += 1) {
      for (let x = 0; x < 40; x += 1) {
        const off = away(mm([x + 0.5, y + 0.5]), mm(from), mm(to));
        expect(map.labels[y * 40 + x]).toBe(off <= 3.1 ? 1 : 0);
      }
    }
  });
  it('paints over other segments, but not over locked ones', () => {
    const map = empty(7, 1);
    map.labels.set([0, 2, 2, 3, 3, 0, 0]);
    const dab = { from: [0, 0.5], to: [7, 0.5], radius: 0.4 } as const;
    paintDab(map, dab, UNIT, rule({ locked: new Set([3]) }));
    expect(drawn(map)).toEqual(['1113311']);
  });
  it('erases the chosen segment only', () => {
    const map = empty(4, 1);
    map.labels.set([1, 2, 1, 0]);
    const dab = { from: [0, 0.5], to: [4, 0.5], radius: 0.4 } as const;
    expect(paintDab(map, dab, UNIT, rule({ erase: true }))).toEqual({
      x0: 0,
      y0: 0,
      x1: 3,
      y1: 1,
    });
    expect(drawn(map)).toEqual(['.2..']);
  });
  it('changes nothing when its own segment is locked', () => {
    const map = empty(4, 1);
    const dab = { from: [0, 0.5], to: [4, 0.5], radius: 0.4 } as const;
    expect(paintDab(map, dab, UNIT, rule({ locked: new Set([1]) }))).toBeNull();
  });
  it('paints only values in a range, both ends included', () => {
    const map = empty(5, 1);
    const stored = Int16Array.from([10, 20, 30, 40, 50]);
    const pixels: Pixels = { columns: 5, rows: 1, stored, slope: 2, intercept: -10 };
    const dab = { from: [0, 0.5], to: [5, 0.5], radius: 0.4 } as const;
    const only = { range: { low: 30, high: 70 }, pixels };
    paintDab(map, dab, UNIT, rule({ only }));
    expect(drawn(map)).toEqual(['.111.']);
  });
});

describe('scissors', () => {
  it('fill a contour drawn by hand', () => {
    const map = empty(6, 5);
    const points: Point[] = [
      [1, 1],
      [5, 1],
      [5, 4],
    ];
    const rect = cutOut(map, 'freehand', points, UNIT, rule({ number: 4 }));
    // The slanted side passes through the centre of (2, 1): the left side is inside.
    expect(drawn(map)).toEqual(['......', '..444.', '...44.', '....4.', '......']);
    expect(rect).toEqual({ x0: 2, y0: 1, x1: 5, y1: 4 });
  });
  it('fill a rectangle, and erase what is in one', () => {
    const map = empty(5, 3);
    const whole: Point[] = [
      [0, 0],
      [5, 3],
    ];
    cutOut(map, 'rectangle', whole, UNIT, rule());
    const inner: Point[] = [
      [3.6, 2.4],
      [1.2, 0.9],
    ];
    cutOut(map, 'rectangle', inner, UNIT, rule({ erase: true }));
    expect(drawn(map)).toEqual(['11111', '1...1', '11111']);
  });
  it('fill a circle that is round in the patient', () => {
    const map = empty(40, 30);
    const points: Point[] = [
      [20, 15],
      [30, 15],
    ];
    cutOut(map, 'circle', points, SCALE, rule());
    const n = map.labels.reduce((sum, label) => sum + label, 0);
    expect(n * 0.7 * 1.3).toBeCloseTo(Math.PI * 49, -1);
    const wrong = [...map.labels.keys()].filter((at) => {
      const [x, y] = [at % 40, Math.floor(at / 40)];
      const off = Math.hypot((x + 0.5 - 20) * 0.7, (y + 0.5 - 15) * 1.3) - 7;
      return Math.abs(off) > 1e-6 && (map.labels[at] === 1) !== off < 0;
    });
    expect(wrong).toEqual([]);
  });
});

/** The places left, right, above and below, as far as they are in the same row. */
const besides = (at: number, columns: number): readonly number[] => [
  at % columns > 0 ? at - 1 : -1,
  (at + 1) % columns > 0 ? at + 1 : -1,
  at - columns,
  at + columns,
];

describe('filling', () => {
  const stored = Int16Array.from([
    5, 5, 0, 5, 5, 5, 0, 0, 5, 0, 0, 0, 5, 5, 5, 5, 0, 0, 5, 5,
  ]);
  const pixels: Pixels = { columns: 5, rows: 4, stored, slope: 1, intercept: 0 };
  const only = { range: { low: 4, high: 6 }, pixels };
  it('takes what hangs together by sides, not by corners', () => {
    const map = empty(5, 4);
    fillFrom(map, [0.5, 0.5], rule({ only }));
    expect(drawn(map)).toEqual(['11...', '1....', '.....', '.....']);
    const other = empty(5, 4);
    fillFrom(other, [4.2, 2.9], rule({ only }));
    expect(drawn(other)).toEqual(['...11', '...1.', '..111', '...11']);
  });
  it('stops at other segments', () => {
    const map = empty(5, 4);
    map.labels[1] = 2;
    fillFrom(map, [0.5, 1.5], rule({ only }));
    expect(drawn(map)).toEqual(['12...', '1....', '.....', '.....']);
  });
  it('without values fills what a line encloses', () => {
    const map = empty(5, 5);
    const ring = [6, 7, 8, 11, 13, 16, 17, 18];
    for (const at of ring) map.labels[at] = 1;
    fillFrom(map, [2.5, 2.5], rule());
    expect(map.labels[12]).toBe(1);
    expect(map.labels[0]).toBe(0);
  });
  it('erases one piece of a segment', () => {
    const map = empty(5, 1);
    map.labels.set([1, 1, 0, 1, 1]);
    fillFrom(map, [0.5, 0.5], rule({ erase: true }));
    expect(drawn(map)).toEqual(['...11']);
  });
  it('does nothing outside the image', () => {
    expect(fillFrom(empty(5, 4), [-0.1, 0], rule({ only }))).toBeNull();
  });
  it('agrees with a fill of single steps on noise', () => {
    const [columns, rows] = [37, 29];
    let seed = 7;
    const noise = Int16Array.from({ length: columns * rows }, () => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return seed % 100 < 62 ? 1 : 0;
    });
    const map = empty(columns, rows);
    const start = noise.indexOf(1);
    const all: Pixels = { columns, rows, stored: noise, slope: 1, intercept: 0 };
    const point: Point = [(start % columns) + 0.5, Math.floor(start / columns) + 0.5];
    fillFrom(map, point, rule({ only: { range: { low: 1, high: 1 }, pixels: all } }));
    const found = new Set([start]);
    for (const at of found) {
      for (const next of besides(at, columns)) if (noise[next] === 1) found.add(next);
    }
    const filled = [...map.labels.keys()].filter((at) => map.labels[at] === 1);
    expect(new Set(filled)).toEqual(found);
  });
});

describe('the rest', () => {
  it('suggests a range from the values under the brush', () => {
    const stored = Int16Array.from([0, 0, 0, 0, 100, 0, 0, 0, 0]);
    const pixels: Pixels = { columns: 3, rows: 3, stored, slope: 1, intercept: 0 };
    expect(rangeUnder(pixels, [1.5, 1.5], 0.4, UNIT)).toEqual({ low: 100, high: 100 });
    // Five pixels under the brush: 100, 0, 0, 0, 0; mean 20, SD 40.
    expect(rangeUnder(pixels, [1.5, 1.5], 1.1, UNIT)).toEqual({ low: -60, high: 100 });
    expect(rangeUnder(pixels, [4, 1], 1, UNIT)).toBeNull();
  });
  it('takes a segment away', () => {
    const labels = Uint8Array.from([1, 2, 1, 0]);
    expect(clearNumber(labels, 1)).toBe(true);
    expect([...labels]).toEqual([0, 2, 0, 0]);
    expect(clearNumber(labels, 1)).toBe(false);
  });
  it('lays a mask over, and leaves to other segments what they have', () => {
    const map = empty(4, 2);
    map.labels[2] = 9;
    const patch = { x: 1, y: 0, width: 2, height: 2, pixels: Uint8Array.of(1, 1, 0, 1) };
    expect(layOver(map, patch, 3)).toEqual({ written: 2, kept: 1 });
    expect(drawn(map)).toEqual(['.39.', '..3.']);
  });
  it('steps through brushes and stays at the ends', () => {
    expect(nextBrush(5, 1)).toBe(6);
    expect(nextBrush(5.5, -1)).toBe(5);
    expect(nextBrush(1, -1)).toBe(1);
    expect(nextBrush(100, 1)).toBe(100);
  });
});
