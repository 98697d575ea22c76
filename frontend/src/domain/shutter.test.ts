import { describe, expect, it, test } from 'vitest';
import { coversOf, wordsOf } from './shutter';

const image = { rows: 10, columns: 20, spacing: { row: 2, column: 1 } };

describe('a shutter covers', () => {
  it('what lies outside a rectangle', () => {
    const opening = {
      kind: 'rectangle',
      points: [
        [1, 2],
        [18, 8],
      ],
      radius: 0,
    } as const;
    expect(coversOf({ openings: [opening] }, image)).toEqual([
      'M0 0H20V10H0ZM1 2H18V8H1Z',
    ]);
  });
  it('what lies outside a circle, which is round in the patient', () => {
    const opening = { kind: 'circle', points: [[10, 5]], radius: 6 } as const;
    expect(coversOf({ openings: [opening] }, image)).toEqual([
      'M0 0H20V10H0ZM4 5a6 3 0 1 0 12 0a6 3 0 1 0 -12 0Z',
    ]);
  });
  it('what lies outside any of several', () => {
    const points = [
      [1, 1],
      [9, 1],
      [5, 9],
    ];
    const one = { kind: 'polygon', points, radius: 0 } as const;
    const covers = coversOf({ openings: [one, one] }, image);
    expect(covers).toHaveLength(2);
    expect(covers[0]).toBe('M0 0H20V10H0ZM1 1L9 1L5 9Z');
  });
});

test('a bitmap covers its second, fourth … run, row by row', () => {
  const bitmap = { rows: 2, columns: 3, left: 0, top: 0, runs: [0, 1, 3, 2] };
  const [on, off] = [0xff_80_80_80, 0];
  expect([...wordsOf(bitmap, 0x80)]).toEqual([on, off, off, off, on, on]);
});
