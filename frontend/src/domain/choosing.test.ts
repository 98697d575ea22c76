import { describe, expect, it } from 'vitest';
import { inRuns, rangeOf, readerMeant } from './choosing';

const READERS = [
  { id: '1', display_name: 'Dr. Rosa Lindqvist' },
  { id: '2', display_name: 'Dr. Rosalind Okafor' },
  { id: '3', display_name: 'Dr. Aino Berg' },
];

describe('the reader whom typed letters mean', () => {
  it('is the only one whose name has them', () => {
    expect(readerMeant(READERS, ' rosa l')).toBe('1');
    expect(readerMeant(READERS, 'BERG')).toBe('3');
  });

  it('is nobody while they mean several, or none, or nothing is typed', () => {
    expect(readerMeant(READERS, 'Rosa')).toBeNull();
    expect(readerMeant(READERS, 'Smith')).toBeNull();
    expect(readerMeant(READERS, '  ')).toBeNull();
    expect(readerMeant([], 'Rosa')).toBeNull();
  });
});

describe('a range', () => {
  it('goes both ways and has both ends', () => {
    expect(rangeOf(['a', 'b', 'c', 'd'], 'c', 'a')).toEqual(['a', 'b', 'c']);
    expect(rangeOf(['a', 'b', 'c', 'd'], 'b', 'd')).toEqual(['b', 'c', 'd']);
  });
});

describe('runs of chosen rows', () => {
  it('are as long as the portal takes, in the same order', () => {
    expect(inRuns(['a', 'b', 'c', 'd', 'e'], 2)).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
    expect(inRuns([], 2)).toEqual([]);
  });
});
