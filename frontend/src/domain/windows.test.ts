import { describe, expect, it } from 'vitest';
import { draggedUptake, rangeBy, SIGMOID_GREYS, windowBy } from './windows';

describe('windows by their function', () => {
  const window = { width: 400, level: 40 };

  it('are those of PS3.3 C.11.2.1.2 and C.11.2.1.3', () => {
    expect(rangeBy('LINEAR', window)).toEqual({ lower: -160, upper: 239 });
    expect(rangeBy('LINEAR_EXACT', window)).toEqual({ lower: -160, upper: 240 });
  });

  it.each(['LINEAR', 'LINEAR_EXACT', 'SIGMOID'] as const)('come back from %s', (by) => {
    expect(windowBy(by, rangeBy(by, window))).toEqual(window);
  });

  it('have a sigmoid that is half way at the level, and left of it at the edge', () => {
    const { lower, upper } = rangeBy('SIGMOID', window);
    const greyAt = (value: number) =>
      SIGMOID_GREYS[
        Math.round(((value - lower) / (upper - lower)) * (SIGMOID_GREYS.length - 1))
      ];
    expect(greyAt(40)).toBeCloseTo(0.5, 9);
    expect(greyAt(-160)).toBeCloseTo(1 / (1 + Math.exp(2)), 9);
    expect(greyAt(240)).toBeCloseTo(1 / (1 + Math.exp(-2)), 9);
    expect(SIGMOID_GREYS[0]).toBeLessThan(1 / 1020);
  });
});

describe('a drag on PET', () => {
  it('moves the upper end alone, by a part of itself whatever the unit', () => {
    for (const upper of [7, 7 / 4e-4]) {
      const up = draggedUptake({ lower: 0, upper }, -0.5);
      expect(up).toEqual({ lower: 0, upper: upper * 2 });
      expect(draggedUptake(up, 0.5).upper).toBeCloseTo(upper);
    }
  });
});
