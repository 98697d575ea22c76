import { describe, expect, it } from 'vitest';
import { type CineFacts, lasting, paceOf } from './cine';

const NONE: CineFacts = {
  frameTime: null,
  vector: [],
  recommendedRate: null,
  cineRate: null,
};

describe('the pace of a stack', () => {
  it('is the frames’ own time, else a stated rate, else a plain one', () => {
    expect(paceOf({ ...NONE, frameTime: 40, cineRate: 5 }, 8).fps).toBe(25);
    expect(paceOf({ ...NONE, recommendedRate: 15, cineRate: 30 }, 8).fps).toBe(15);
    expect(paceOf({ ...NONE, cineRate: 30 }, 8)).toMatchObject({ fps: 30, stated: true });
    expect(paceOf(NONE, 8)).toEqual({ fps: 10, each: null, stated: false });
    expect(paceOf({ ...NONE, frameTime: 0 }, 8).stated).toBe(false);
  });
  it('keeps the rhythm of a frame time vector at any speed', () => {
    const pace = paceOf({ ...NONE, vector: [0, 50, 150] }, 3);
    expect(pace).toMatchObject({ fps: 10, each: [50, 150, 100] });
    expect(lasting(pace, 1, 10)).toBe(150);
    expect(lasting(pace, 1, 20)).toBe(75);
    expect(paceOf({ ...NONE, vector: [0, 50] }, 3).each).toBeNull();
  });
  it('stays within what can be seen', () => {
    expect(paceOf({ ...NONE, frameTime: 2 }, 8).fps).toBe(60);
    expect(paceOf({ ...NONE, frameTime: 9000 }, 8).fps).toBe(1);
  });
});
