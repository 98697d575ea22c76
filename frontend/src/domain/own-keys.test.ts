import { describe, expect, it } from 'vitest';
import {
  giveKey,
  holderOf,
  isTaken,
  isWholeStroke,
  resetKey,
  resetKeys,
  withOwnKeys,
} from './own-keys';

const OURS = [
  { id: 'a.invert', keys: ['i'] },
  { id: 'a.next', keys: ['ArrowDown', 'ArrowRight'] },
  { id: 'a.flip', keys: ['m'] },
  { id: 'a.none', keys: [] },
];
const keysOf = (own: Record<string, readonly string[]>) =>
  Object.fromEntries(withOwnKeys(OURS, own).map(({ id, keys }) => [id, keys]));

describe('keys of one’s own', () => {
  it('take the place of the first one, and leave the others', () => {
    const own = giveKey(OURS, {}, 'a.next', 'y');
    expect(own).toEqual({ 'a.next': ['y', 'ArrowRight'] });
    expect(keysOf(giveKey(OURS, own, 'a.none', 'k'))['a.none']).toEqual(['k']);
  });
  it('are taken from whoever had them: no stroke does two things', () => {
    expect(holderOf(OURS, 'a.flip', 'i')?.id).toBe('a.invert');
    const own = giveKey(OURS, {}, 'a.flip', 'i');
    expect(keysOf(own)).toMatchObject({ 'a.flip': ['i'], 'a.invert': [] });
    const all = Object.values(keysOf(own)).flat();
    expect(new Set(all).size).toBe(all.length);
  });
  it('come back one by one without a clash, or all at once', () => {
    const own = giveKey(OURS, {}, 'a.flip', 'i');
    const back = resetKey(OURS, own, 'a.invert');
    expect(keysOf(back)).toMatchObject({ 'a.flip': [], 'a.invert': ['i'] });
    expect(resetKey(OURS, back, 'a.flip')).toEqual({});
    expect(resetKeys(OURS, { ...own, 'b.other': ['q'] })).toEqual({ 'b.other': ['q'] });
  });
  it('that are ours again are none', () => {
    const own = giveKey(OURS, {}, 'a.invert', 'y');
    expect(giveKey(OURS, own, 'a.invert', 'i')).toEqual({});
  });
  it('are more than a modifier', () => {
    expect(isWholeStroke('Ctrl+Shift+Shift')).toBe(false);
    expect(isWholeStroke('Ctrl+k')).toBe(true);
  });
  it('are one key: no lock, no half of a sign', () => {
    for (const half of ['Dead', 'Shift+Dead', 'Process', 'Unidentified', 'NumLock'])
      expect(isWholeStroke(half), half).toBe(false);
  });
  it('leave the way through the page alone', () => {
    expect(isTaken('Tab')).toBe(true);
    expect(isTaken('Shift+Tab')).toBe(true);
    expect(isTaken('y')).toBe(false);
  });
});
