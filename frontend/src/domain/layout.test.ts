import { describe, expect, it } from 'vitest';
import { countOf, keptIn, layoutOf, neighbourOf, sidesOf } from './layout';

describe('a grid of panes', () => {
  it('is at most three by three', () => {
    expect(layoutOf(2, 3)).toBe('2x3');
    expect(layoutOf(9, 0)).toBe('3x1');
    expect(sidesOf('2x3')).toEqual({ rows: 2, columns: 3 });
    expect(countOf('3x3')).toBe(9);
  });

  it('is walked in four directions and ends at its edges', () => {
    expect(neighbourOf('2x3', 1, 'right')).toBe(2);
    expect(neighbourOf('2x3', 2, 'right')).toBe(2);
    expect(neighbourOf('2x3', 2, 'down')).toBe(5);
    expect(neighbourOf('2x3', 5, 'up')).toBe(2);
    expect(neighbourOf('2x3', 3, 'left')).toBe(3);
  });

  it('keeps what hangs in a row and column when it grows or shrinks', () => {
    expect(keptIn('2x2', '1x2')).toEqual([0, 1]);
    expect(keptIn('1x2', '2x3')).toEqual([0, 1, null, null, null, null]);
    expect(keptIn('2x3', '2x2')).toEqual([0, 1, 3, 4]);
  });
});
