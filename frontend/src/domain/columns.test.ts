import { describe, expect, it } from 'vitest';
import { rangeOf } from './choosing';
import {
  moveColumn,
  PLAIN_COLUMNS,
  readColumns,
  toggleColumn,
  tracksOf,
} from './columns';

describe('columns', () => {
  it('are put before the last one, taken off, and moved by one place', () => {
    const more = toggleColumn(PLAIN_COLUMNS, 'site');
    expect(more.slice(-2)).toEqual(['site', 'actions']);
    expect(toggleColumn(more, 'site')).toEqual(PLAIN_COLUMNS);
    expect(moveColumn(PLAIN_COLUMNS, 'study', -1)[3]).toBe('study');
    expect(moveColumn(PLAIN_COLUMNS, 'rank', -1)).toBe(PLAIN_COLUMNS);
  });
  it('always tell how urgent a row is', () => {
    expect(toggleColumn(PLAIN_COLUMNS, 'band')).toBe(PLAIN_COLUMNS);
    expect(readColumns(['patient', 'hologram'])).toEqual([
      'rank',
      'band',
      'waiting',
      'patient',
    ]);
  });
  it('have a track each, and one more where rows are chosen', () => {
    expect(tracksOf(['rank', 'band'], false)).toBe('62px 104px');
    expect(tracksOf(['rank', 'band'], true)).toBe('34px 62px 104px');
  });
});

describe('a range of rows', () => {
  it('goes both ways and holds both ends', () => {
    expect(rangeOf(['a', 'b', 'c', 'd'], 'b', 'd')).toEqual(['b', 'c', 'd']);
    expect(rangeOf(['a', 'b', 'c', 'd'], 'd', 'b')).toEqual(['b', 'c', 'd']);
    expect(rangeOf(['a', 'b'], 'gone', 'b')).toEqual(['b']);
    expect(rangeOf(['a', 'b'], 'a', 'gone')).toEqual([]);
  });
});
