import { describe, expect, it } from 'vitest';
import { countAhead, DEFAULT_MEMORY_MB, memoryMegabytes } from './memory';

describe('the ceiling', () => {
  it.each([
    [null, DEFAULT_MEMORY_MB],
    ['', DEFAULT_MEMORY_MB],
    ['much', DEFAULT_MEMORY_MB],
    ['4096', 4096],
    ['1', 256],
    ['999999', 16_384],
  ])('%s is %i MB', (stated, megabytes) => {
    expect(memoryMegabytes(stated)).toBe(megabytes);
  });
});

describe('countAhead', () => {
  const state = { ceiling: 1000, held: 0, bytesEach: 10, images: 100 };

  it('takes a share of the ceiling at most', () => {
    expect(countAhead(state)).toBe(35);
  });

  it('takes no more than the beginning of a large study, however much there is', () => {
    const slice = 512 * 1024;
    const large = { ceiling: 8 * 1024 ** 3, held: 0, bytesEach: slice, images: 900 };
    expect(countAhead(large)).toBe(128);
  });

  it('takes the whole study when it is small', () => {
    expect(countAhead({ ...state, images: 7 })).toBe(7);
  });

  it('leaves the study on the screen what it holds, and some room', () => {
    expect(countAhead({ ...state, held: 700 })).toBe(20);
    expect(countAhead({ ...state, held: 950 })).toBe(0);
  });
});
