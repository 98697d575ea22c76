import { describe, expect, it } from 'vitest';
import { callAt, completeCall, meantBy } from './calls';

describe('a name after an @', () => {
  it('is what is typed up to the cursor', () => {
    expect(callAt('Please @ro look', 10)).toBe('ro');
    expect(callAt('@', 1)).toBe('');
    expect(callAt('(@Rosa', 6)).toBe('rosa');
  });
  it('is nothing within an address, or elsewhere', () => {
    expect(callAt('a@b', 3)).toBeNull();
    expect(callAt('@rosa look', 10)).toBeNull();
    expect(callAt('', 0)).toBeNull();
  });
  it('is written out, with one space after it', () => {
    expect(completeCall('Please @ro look', 10, 'rosa')).toEqual({
      text: 'Please @rosa look',
      cursor: 13,
    });
    expect(completeCall('@', 1, 'rosa')).toEqual({ text: '@rosa ', cursor: 6 });
  });
  it('means whoever is called so', () => {
    const rosa = { username: 'rlind', display_name: 'Dr. Rosa Lindqvist' };
    const aino = { username: 'aino', display_name: 'Dr. Aino Berg' };
    expect(meantBy([rosa, aino], 'lin')).toEqual([rosa]);
    expect(meantBy([rosa, aino], 'ai')).toEqual([aino]);
    expect(meantBy([rosa, aino], '')).toEqual([rosa, aino]);
  });
});
