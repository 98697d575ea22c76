import { describe, expect, it } from 'vitest';
import { entered, shareOf } from './entered';

describe('a number field', () => {
  it('that is empty holds no number', () => {
    expect(['', ' ', '-', 0, '0', 1.5].map(entered)).toEqual([
      null,
      null,
      null,
      0,
      0,
      1.5,
    ]);
  });

  it('gives the share that its percent say, at the limit too', () => {
    expect([0.1, 2, 10, 99.9, 100].map(shareOf)).toEqual([0.001, 0.02, 0.1, 0.999, 1]);
  });
});
