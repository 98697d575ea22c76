import { describe, expect, it } from 'vitest';
import { placePlates } from './plates';

const PANE = { width: 500, height: 400 };
const mark = (x: number, y: number, ...lines: string[]) => ({
  seen: [[x, y] as const, [x - 40, y - 30] as const],
  lines,
});

describe('words beside marks', () => {
  it('stand to the right, and to the left where the pane ends', () => {
    const [one, other] = placePlates(
      [mark(100, 100, '19.9 mm'), mark(480, 200, '19.9 mm')],
      PANE,
    );
    expect(one?.left).toBe(110);
    expect((other?.left ?? 0) + (other?.width ?? 0)).toBeLessThan(441);
  });

  it('are never cut off: long ones take another line inside the pane', () => {
    const long = 'no scale: not within one region of the ultrasound image';
    for (const x of [60, 250, 495]) {
      const [place] = placePlates([mark(x, 390, '276.0 px', long)], PANE);
      expect(place?.left).toBeGreaterThanOrEqual(4);
      expect((place?.left ?? 0) + (place?.width ?? 0)).toBeLessThanOrEqual(496);
      expect(place?.top).toBeLessThan(340);
    }
  });

  it('do not cover one another, as long as there is room', () => {
    const marks = [
      mark(100, 100, 'a'),
      mark(101, 103, 'b'),
      mark(99, 96, 'c'),
      mark(100, 399, 'd'),
      mark(100, 398, 'e'),
    ];
    const places = placePlates(marks, PANE);
    const tops = places.map(({ top }) => top).toSorted((p, q) => p - q);
    for (const [k, top] of tops.slice(1).entries()) {
      expect(top - (tops[k] ?? 0)).toBeGreaterThanOrEqual(18);
    }
  });
});
