import { describe, expect, it } from 'vitest';
import { readersByHour, scaleDay, spreadDay } from './shifts';

const SHIFTS = { day: 3, evening: 2, night: 1 };

describe('shifts', () => {
  it('follow the local day', () => {
    const here = readersByHour(SHIFTS, 0);
    expect(here).toHaveLength(24);
    expect([here[7], here[8], here[17], here[18], here[22]]).toEqual([1, 3, 3, 2, 1]);
    const east = readersByHour(SHIFTS, 2);
    expect([east[5], east[6], east[15], east[16], east[20]]).toEqual([1, 3, 3, 2, 1]);
    expect(readersByHour(SHIFTS, -5)[13]).toBe(3);
    expect(readersByHour(SHIFTS, 5.5)[2]).toBe(1);
    for (const offset of [-11, 0, 5.5, 14]) {
      const hours = readersByHour(SHIFTS, offset);
      expect(hours.reduce((sum, n) => sum + n, 0)).toBe(10 * 3 + 4 * 2 + 10);
    }
  });

  it('a day is spread whole', () => {
    const hours = spreadDay(120, 3);
    expect(hours.reduce((sum, n) => sum + n, 0)).toBeCloseTo(120);
    expect(hours[7]).toBeGreaterThan(hours[0] ?? 0);
  });

  it('other numbers come at the hours of the usual ones', () => {
    expect(scaleDay([0, 1, 3], 8)).toEqual([0, 2, 6]);
  });
});
