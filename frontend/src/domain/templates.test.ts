import { describe, expect, it } from 'vitest';
import {
  BLANK_SECTION,
  BLANK_TEMPLATE,
  freshKey,
  moved,
  splitWords,
  withKeys,
} from './templates';

describe('a template being edited', () => {
  it('reads lists of words', () => {
    expect(splitWords(' CR, DX ,,')).toEqual(['CR', 'DX']);
    expect(splitWords('')).toEqual([]);
  });

  it('gives new sections keys of their own, and keeps the old ones', () => {
    expect(freshKey('Breast density (ACR a–d)', [])).toBe('breast-density-acr-a-d');
    expect(freshKey('Technique', ['technique'])).toBe('technique-2');
    expect(freshKey('方法', [])).toBe('section');
    const body = withKeys({
      ...BLANK_TEMPLATE,
      sections: [
        { ...BLANK_SECTION, key: 'a', title: 'Other now' },
        { ...BLANK_SECTION, title: 'A' },
        { ...BLANK_SECTION, title: 'A' },
      ],
    });
    expect(body.sections.map(({ key }) => key)).toEqual(['a', 'a-2', 'a-3']);
  });

  it('moves a section, but not out of the list', () => {
    expect(moved([1, 2, 3], 1, -1)).toEqual([2, 1, 3]);
    expect(moved([1, 2, 3], 2, 1)).toEqual([1, 2, 3]);
    expect(moved([1, 2, 3], 0, -1)).toEqual([1, 2, 3]);
  });
});
